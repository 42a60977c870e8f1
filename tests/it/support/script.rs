//! Scenarios: conversations as text that anybody can read and write, with what is
//! expected of them. `tests/scenarios/README.md` says how they are written.

use super::scripted::{BotMode, When, calm};
use super::telling::{Event, events_of};
use super::world::{AgentTraits, World, WorldBuilder, agent, body, name_of, queue};
use baton::config::parse_policy;
use baton::domain::agent::{Presence, Role};
use baton::domain::analysis::{Analysis, Intent, OwnIntents, Sentiment};
use baton::domain::conversation::{ConversationState as State, Destination};
use baton::domain::outcome::{Disposition, Label, WrapUp};
use baton::domain::queue::{OpeningHours, Queue, Weekday};
use baton::domain::time::Timestamp;
use baton::flow::FlowError;
use baton::flow::ports::Reply;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Everything wrong with a scenario, each line beginning with file and line.
pub type Problems = Vec<String>;

/// Plays one file and says what did not come as written.
pub async fn play(path: &Path, text: &str, is_in_memory: bool) -> Result<(), Problems> {
    let script = Script::read(path, text)?;
    Box::pin(script.play(is_in_memory)).await
}

/// Where a line stands.
#[derive(Debug, Clone)]
struct Place {
    file: String,
    line: usize,
    text: String,
}

impl Place {
    fn problem(&self, what: impl std::fmt::Display) -> String {
        format!("{}:{}: {what}\n    {}", self.file, self.line, self.text)
    }
}

struct Script {
    place: Place,
    policy: String,
    begins: Option<Timestamp>,
    queues: Vec<Queue>,
    agents: Vec<(String, AgentTraits)>,
    visitors: Vec<String>,
    known: Vec<(String, String)>,
    bot: BotMode,
    model: When,
    lines: Vec<Line>,
}

struct Line {
    place: Place,
    at: Duration,
    what: What,
}

enum What {
    Act {
        who: String,
        to: Option<String>,
        act: String,
        analyses: Vec<String>,
    },
    Restart,
    /// Something that is to be seen at that time.
    Expect {
        visitor: String,
        wanted: Wanted,
    },
    /// How things stand at that time.
    Is {
        visitor: String,
        facts: Vec<(String, String)>,
    },
    /// Something that must not be seen at all, or so often.
    Times {
        visitor: String,
        wanted: Wanted,
        times: usize,
    },
}

/// What an event must be.
#[derive(Debug, Clone)]
struct Wanted {
    kind: String,
    main: Option<String>,
    fields: Vec<(String, String)>,
}

/// A command that was not carried out.
struct Refused {
    place: Place,
    event: Event,
}

const KINDS: &[&str] = &[
    "opened",
    "escalated",
    "transferred",
    "reopened",
    "queued",
    "offered",
    "expired",
    "declined",
    "lost",
    "withdrawn",
    "joined",
    "with_bot",
    "left_message",
    "brought_back",
    "wrap_up",
    "closed",
    "says",
    "note",
    "notice",
    "decided",
    "unsent",
    "refused",
];

fn columns(line: &str) -> Vec<String> {
    line.trim().split("  ").map(str::trim).filter(|column| !column.is_empty()).map(str::to_owned).collect()
}

fn pair(column: &str) -> (String, String) {
    let (key, value) = column.split_once(' ').unwrap_or((column, ""));
    (key.to_owned(), value.trim().to_owned())
}

fn span(text: &str) -> Option<Duration> {
    let mut total = 0;
    for part in text.split(':') {
        total = total * 60 + part.parse::<u64>().ok()?;
    }
    text.contains(':').then(|| Duration::from_secs(total))
}

fn short_span(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number * 60)),
        _ => None,
    }
}

fn list(text: &str) -> Vec<String> {
    text.split([',', ' ']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

impl Script {
    fn read(path: &Path, text: &str) -> Result<Self, Problems> {
        let file = path.display().to_string();
        let mut script = Self {
            place: Place { file: file.clone(), line: 1, text: String::new() },
            policy: String::new(),
            begins: None,
            queues: Vec::new(),
            agents: Vec::new(),
            visitors: vec!["visitor".to_owned()],
            known: Vec::new(),
            bot: BotMode::AtOnce(Reply::Answer("I have looked that up for you.".to_owned())),
            model: When::Now,
            lines: Vec::new(),
        };
        let mut problems = Problems::new();
        for (index, line) in text.lines().enumerate() {
            let place = Place { file: file.clone(), line: index + 1, text: line.trim().to_owned() };
            if place.text.is_empty() || place.text.starts_with('#') {
                continue;
            }
            if let Err(problem) = script.line(&place) {
                problems.push(place.problem(problem));
            }
        }
        if problems.is_empty() { Ok(script) } else { Err(problems) }
    }

    fn line(&mut self, place: &Place) -> Result<(), String> {
        let columns = columns(&place.text);
        let first = columns[0].as_str();
        if let Some(at) = span(first) {
            let what = self.act(place, &columns)?;
            self.lines.push(Line { place: place.clone(), at, what });
            return Ok(());
        }
        let (word, rest) = pair(first);
        let mut rest: Vec<String> = (!rest.is_empty()).then_some(rest).into_iter().collect();
        rest.extend(columns[1..].iter().cloned());
        match word.as_str() {
            "expect" | "never" | "times" => self.expectation(place, &word, rest),
            _ => self.header(&word, &rest),
        }
    }

    fn header(&mut self, word: &str, rest: &[String]) -> Result<(), String> {
        match word {
            "policy" => {
                for column in rest.iter().filter(|column| *column != "default") {
                    let (key, value) = pair(column);
                    let is_plain = value.parse::<f64>().is_ok() || value.starts_with(['[', '{', '"']);
                    let value = if is_plain { value } else { format!("\"{value}\"") };
                    self.policy.push_str(&format!("{key} = {value}\n"));
                }
            }
            "clock" => {
                let text = rest.first().map_or("", String::as_str);
                self.begins = Some(Timestamp::parse(text).map_err(|error| error.to_string())?);
            }
            "visitor" => self.visitors.extend(rest.iter().flat_map(|names| list(names))),
            "known" => match rest {
                [name, email] => self.known.push((name.clone(), email.clone())),
                _ => return Err("known  NAME  ADDRESS".to_owned()),
            },
            "queue" => self.queues.push(read_queue(rest)?),
            "agent" => {
                let agent = read_agent(rest)?;
                self.agents.push(agent);
            }
            "bot" => {
                self.bot = match rest.join(" ").as_str() {
                    "answers at once" => self.bot.clone(),
                    "answers when told" => BotMode::WhenTold,
                    "never knows" => BotMode::AtOnce(Reply::NoAnswer(None)),
                    other => return Err(format!("the bot cannot `{other}`")),
                }
            }
            "model" => self.model = read_when(&rest.join(" ")).ok_or("absent, never, or late SPAN")?,
            other => return Err(format!("`{other}` is not a word of scenarios, and not a time")),
        }
        Ok(())
    }

    fn act(&self, place: &Place, columns: &[String]) -> Result<What, String> {
        let who = columns.get(1).ok_or("nobody does anything")?;
        if who == "(restart)" {
            return Ok(What::Restart);
        }
        let (who, to) = match who.split_once(" to ") {
            Some((who, to)) => (who.to_owned(), Some(to.to_owned())),
            None => (who.clone(), None),
        };
        let is_known =
            who == "bot" || self.visitors.contains(&who) || self.agents.iter().any(|(name, _)| *name == who);
        if !is_known {
            return Err(format!("`{who}` is no visitor, agent or bot of this scenario"));
        }
        if let Some(to) = to.as_ref().filter(|to| !self.visitors.contains(to)) {
            return Err(format!("`{to}` is no visitor of this scenario"));
        }
        // The text is taken from the line as it stands, so that it may hold anything but a bar.
        let after = place.text.find(columns[1].as_str()).map_or(0, |at| at + columns[1].len());
        let mut parts = place.text[after..].split(" | ").map(|part| part.trim().to_owned());
        let act = parts.next().unwrap_or_default();
        if act.is_empty() {
            return Err(format!("`{who}` does nothing"));
        }
        let analyses: Vec<String> = parts.collect();
        for analysis in &analyses {
            read_analysis(analysis)?;
        }
        if who == "bot" && self.bot != BotMode::WhenTold {
            return Err("say `bot  answers when told` first".to_owned());
        }
        Ok(What::Act { who, to, act, analyses })
    }

    fn expectation(&mut self, place: &Place, word: &str, mut rest: Vec<String>) -> Result<(), String> {
        let mut at = Duration::MAX;
        let mut times = 0;
        if word == "expect" {
            at = rest.first().and_then(|time| span(time)).ok_or("a time comes first")?;
            rest.remove(0);
        }
        if word == "times" {
            times = rest.first().and_then(|n| n.parse().ok()).ok_or("a number comes first")?;
            rest.remove(0);
        }
        let mut visitor = "visitor".to_owned();
        if rest.first().is_some_and(|name| self.visitors.contains(name)) {
            visitor = rest.remove(0);
        }
        if rest.is_empty() {
            return Err("nothing is expected".to_owned());
        }
        let (kind, main) = pair(&rest.remove(0));
        if kind == "is" {
            let mut facts = vec![("state".to_owned(), main)];
            facts.extend(rest.iter().map(|column| pair(column)));
            self.lines.push(Line { place: place.clone(), at, what: What::Is { visitor, facts } });
            return Ok(());
        }
        if !KINDS.contains(&kind.as_str()) {
            return Err(format!("`{kind}` cannot be seen; there are {}", KINDS.join(", ")));
        }
        let fields = match kind.as_str() {
            "says" | "note" | "unsent" if !rest.is_empty() => vec![("text".to_owned(), rest.join("  "))],
            _ => rest.iter().map(|column| pair(column)).collect(),
        };
        let wanted = Wanted { kind, main: (!main.is_empty()).then_some(main), fields };
        let what = match word {
            "expect" => What::Expect { visitor, wanted },
            _ => What::Times { visitor, wanted, times },
        };
        self.lines.push(Line { place: place.clone(), at, what });
        Ok(())
    }

    async fn play(mut self, is_in_memory: bool) -> Result<(), Problems> {
        let policy = parse_policy(&self.policy, 1)
            .map_err(|mistakes| mistakes.iter().map(|m| self.place.problem(m)).collect::<Vec<_>>())?;
        let mut builder: WorldBuilder = World::builder().policy(policy).in_memory(is_in_memory);
        if let Some(at) = self.begins {
            builder = builder.begins(at);
        }
        let mut world = builder.start().await;
        let began = world.now();
        for queue in &self.queues {
            world.queue(queue.clone()).await;
        }
        for (name, traits) in &self.agents {
            world.agent(name, traits.clone()).await;
        }
        for (name, email) in &self.known {
            world.knows(name, email).await;
        }
        world.bot().does(self.bot.clone());
        world.analyzer().answers(self.model);
        self.lines.sort_by_key(|line| line.at);
        let (mut problems, mut refused) = (Problems::new(), Vec::new());
        for line in &self.lines {
            if line.at == Duration::MAX {
                break;
            }
            world.advance_to(began.plus(line.at)).await;
            match &line.what {
                What::Act { who, to, act, analyses } => {
                    match self.perform(&world, who, to.as_deref(), act, analyses).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => {
                            let event = Event {
                                at: world.now(),
                                visitor: String::new(),
                                kind: "refused",
                                main: who.clone(),
                                fields: vec![("code", error.code().to_owned())],
                            };
                            refused.push(Refused { place: line.place.clone(), event });
                        }
                        Err(problem) => problems.push(line.place.problem(problem)),
                    }
                    world.round().await;
                }
                What::Restart => world.restart().await,
                What::Is { visitor, facts } => {
                    for problem in how_it_stands(&world, visitor, facts).await {
                        problems.push(line.place.problem(problem));
                    }
                }
                What::Expect { .. } | What::Times { .. } => {}
            }
        }
        // What comes within the last second is seen too.
        world.advance(Duration::from_secs(1)).await;
        let events = events_of(&world).await;
        self.compare(began, &events, &refused, &mut problems);
        world.finish().await;
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn compare(&self, began: Timestamp, events: &[Event], refused: &[Refused], problems: &mut Problems) {
        let mut seen = vec![false; events.len()];
        let mut excused = vec![false; refused.len()];
        for line in &self.lines {
            match &line.what {
                What::Expect { wanted, .. } if wanted.kind == "refused" => {
                    let found = refused.iter().enumerate().position(|(index, refused)| {
                        !excused[index]
                            && second(refused.event.at, began) == line.at
                            && wanted.fits(&refused.event)
                    });
                    match found {
                        Some(index) => excused[index] = true,
                        None => problems.push(line.place.problem("nothing was refused then")),
                    }
                }
                What::Expect { visitor, wanted } => {
                    let found = events.iter().enumerate().position(|(index, event)| {
                        !seen[index]
                            && event.visitor == *visitor
                            && second(event.at, began) == line.at
                            && wanted.fits(event)
                    });
                    match found {
                        Some(index) => seen[index] = true,
                        None => {
                            problems.push(line.place.problem(format!(
                                "was not seen; this was:\n{}",
                                told(began, events, visitor)
                            )))
                        }
                    }
                }
                What::Times { visitor, wanted, times } => {
                    let n = events.iter().filter(|e| e.visitor == *visitor && wanted.fits(e)).count();
                    if n != *times {
                        let all = told(began, events, visitor);
                        problems.push(line.place.problem(format!("was seen {n} times:\n{all}")));
                    }
                }
                _ => {}
            }
        }
        for (refused, _) in refused.iter().zip(excused).filter(|(_, is_excused)| !is_excused) {
            let code = &refused.event.fields[0].1;
            problems.push(refused.place.problem(format!("was refused: {code}")));
        }
    }

    async fn perform(
        &self,
        world: &World,
        who: &str,
        to: Option<&str>,
        act: &str,
        analyses: &[String],
    ) -> Result<Result<(), FlowError>, String> {
        let (direction, words) = match act.strip_prefix('(') {
            Some(rest) => {
                let (direction, words) = rest.split_once(')').ok_or("the parenthesis does not end")?;
                (Some(direction.trim()), words.trim())
            }
            None => (None, act),
        };
        if who == "bot" {
            return bot_does(world, direction, words).map(Ok);
        }
        if self.visitors.iter().any(|name| name == who) {
            return visitor_does(world, who, direction, words, analyses).await;
        }
        agent_does(world, who, to, direction, words).await
    }
}

fn second(at: Timestamp, began: Timestamp) -> Duration {
    Duration::from_secs(at.since(began).as_secs())
}

fn clock_text(at: Timestamp, began: Timestamp) -> String {
    let seconds = at.since(began).as_secs();
    if seconds >= 3600 {
        format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    } else {
        format!("{:02}:{:02}", seconds / 60, seconds % 60)
    }
}

fn told(began: Timestamp, events: &[Event], visitor: &str) -> String {
    let mut lines = Vec::new();
    for event in events.iter().filter(|event| event.visitor == visitor) {
        let fields: Vec<String> = event.fields.iter().map(|(key, value)| format!("{key} {value}")).collect();
        lines.push(format!(
            "        {}  {} {}  {}",
            clock_text(event.at, began),
            event.kind,
            event.main,
            fields.join("  ")
        ));
    }
    lines.join("\n")
}

impl Wanted {
    fn fits(&self, event: &Event) -> bool {
        let is_main = self.main.as_ref().is_none_or(|main| *main == event.main);
        event.kind == self.kind
            && is_main
            && self.fields.iter().all(|(key, value)| {
                event.fields.iter().any(|(name, found)| name == key && is_value(value, found))
            })
    }
}

/// Equal texts, numbers that differ by less than they are written with, or a number on the right side of another.
fn is_value(wanted: &str, found: &str) -> bool {
    let number = found.parse::<f64>();
    match (wanted.split_once(' '), number) {
        (Some((">=", least)), Ok(found)) => least.parse::<f64>().is_ok_and(|least| found >= least),
        (Some(("<", most)), Ok(found)) => most.parse::<f64>().is_ok_and(|most| found < most),
        (_, Ok(found)) if wanted.contains('.') => {
            wanted.parse::<f64>().is_ok_and(|wanted| (wanted - found).abs() < 0.005)
        }
        _ => wanted == found,
    }
}

fn read_when(text: &str) -> Option<When> {
    match text {
        "at once" => Some(When::Now),
        "absent" => Some(When::Absent),
        "never" => Some(When::Never),
        _ => text.strip_prefix("late ").and_then(short_span).map(When::After),
    }
}

fn read_queue(columns: &[String]) -> Result<Queue, String> {
    let name = columns.first().ok_or("a queue has a name")?;
    let mut made = Queue {
        id: queue(name),
        name: name.clone(),
        skills: Vec::new(),
        tier: 1,
        hours: None,
        intents: Vec::new(),
        is_default: false,
    };
    for column in &columns[1..] {
        let (key, value) = pair(column);
        match key.as_str() {
            "intents" => made.intents = list(&value),
            "skills" => made.skills = list(&value),
            "tier" => made.tier = value.parse().map_err(|_| "a tier is a number")?,
            "default" => made.is_default = true,
            "hours" => made.hours = Some(read_hours(&value)?),
            other => return Err(format!("a queue has no `{other}`")),
        }
    }
    Ok(made)
}

/// `Europe/Berlin mon,tue,fri 09:00-17:00`
fn read_hours(text: &str) -> Result<OpeningHours, String> {
    let wrong = "hours are `Europe/Berlin mon,tue,fri 09:00-17:00`";
    let mut words = text.split_whitespace();
    let (Some(zone), Some(days), Some(hours), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong.to_owned());
    };
    let (from, to) = hours.split_once('-').ok_or(wrong)?;
    let mut open = BTreeMap::new();
    for day in days.split(',') {
        let day: Weekday = serde_json::from_value(day.into()).map_err(|_| format!("`{day}` is no day"))?;
        open.insert(day, vec![(from.to_owned(), to.to_owned())]);
    }
    let hours = OpeningHours { timezone: zone.to_owned(), days: open, holidays: Vec::new() };
    hours.check().map_err(|problems| problems[0].to_string())?;
    Ok(hours)
}

fn read_agent(columns: &[String]) -> Result<(String, AgentTraits), String> {
    let name = columns.first().ok_or("an agent has a name")?;
    let mut traits = AgentTraits::default();
    for column in &columns[1..] {
        let (key, value) = pair(column);
        match key.as_str() {
            "tier" => traits.tier = value.parse().map_err(|_| "a tier is a number")?,
            "capacity" => traits.capacity = value.parse().map_err(|_| "a capacity is a number")?,
            "skills" => traits.skills = list(&value),
            "queues" => traits.queues = list(&value),
            "role" => traits.role = Role::parse(&value).ok_or("agent, supervisor or admin")?,
            other => return Err(format!("an agent has no `{other}`")),
        }
    }
    Ok((name.clone(), traits))
}

fn read_analysis(text: &str) -> Result<(Analysis, Option<When>), String> {
    let mut analysis = calm();
    let mut when = None;
    let (mut negative, mut positive) = (None, 0.0);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    while at < words.len() {
        let key = words[at];
        let value = words.get(at + 1).copied().unwrap_or("");
        let number = || value.parse::<f64>().map_err(|_| format!("`{key}` needs a number, not `{value}`"));
        at += 2;
        match key {
            "frustration" => analysis.frustration = number()?,
            "offensive" => analysis.offensive = number()?,
            "human" => analysis.human_request = number()?,
            "negative" => negative = Some(number()?),
            "positive" => positive = number()?,
            "intent" => {
                let intent: Intent = value.parse().map_err(|_| format!("`{value}` is not an intent"))?;
                let given = words.get(at).and_then(|word| word.parse::<f64>().ok());
                at += usize::from(given.is_some());
                analysis.intents = analysis.intents.with(intent, given.unwrap_or(0.9));
            }
            "own" => {
                let given = words.get(at).and_then(|word| word.parse::<f64>().ok());
                at += usize::from(given.is_some());
                analysis.own_intents = OwnIntents::new([(value.to_owned(), given.unwrap_or(0.9))]);
            }
            "late" => when = Some(When::After(short_span(value).ok_or("late needs a span such as 3s")?)),
            "never" | "absent" => {
                at -= 1;
                when = read_when(key);
            }
            "calm" => at -= 1,
            other => return Err(format!("an analysis has no `{other}`")),
        }
    }
    let negative: f64 = negative.unwrap_or(analysis.frustration);
    analysis.sentiment = Sentiment::new(negative, (1.0 - negative - positive).max(0.0), positive);
    Ok((analysis.rounded(), when))
}

fn bot_does(world: &World, direction: Option<&str>, words: &str) -> Result<(), String> {
    let said = (!words.is_empty()).then(|| words.to_owned());
    let reply = match direction {
        None => Reply::Answer(words.to_owned()),
        Some("does not know") => Reply::NoAnswer(said),
        Some("hands over") => Reply::HandOver(said),
        Some("stays silent") => Reply::Silent,
        Some(other) => return Err(format!("a bot cannot `{other}`")),
    };
    if world.bot().replies(reply) { Ok(()) } else { Err("the bot was not asked anything".to_owned()) }
}

async fn visitor_does(
    world: &World,
    who: &str,
    direction: Option<&str>,
    words: &str,
    analyses: &[String],
) -> Result<Result<(), FlowError>, String> {
    let Some(direction) = direction else {
        if let Some(model) = analyses.first() {
            let (model, when) = read_analysis(model)?;
            let words_found = match analyses.get(1) {
                Some(words) => read_analysis(words)?.0,
                None => model.clone(),
            };
            world.analyzer().finds_differently(words, model, words_found, when);
        }
        return Ok(world.says(who, words).await.map(|_| ()));
    };
    let (verb, rest) = pair(direction);
    Ok(match (verb.as_str(), rest.as_str()) {
        ("asks", "for a person") => world.asks(who).await.map(|_| ()),
        ("goes", "on with the bot") => world.continues(who).await.map(|_| ()),
        ("leaves", email) => world.leaves(who, email).await.map(|_| ()),
        ("ends", _) => world.ends(who).await.map(|_| ()),
        ("is", "here") => world.is_here(who).await,
        ("rates", score) => {
            let score = score.parse().map_err(|_| "a rating is a number")?;
            let comment = (!words.is_empty()).then_some(words);
            world.rates(who, score, comment).await.map(|_| ())
        }
        _ => return Err(format!("a visitor cannot `{direction}`")),
    })
}

async fn agent_does(
    world: &World,
    who: &str,
    to: Option<&str>,
    direction: Option<&str>,
    words: &str,
) -> Result<Result<(), FlowError>, String> {
    let held = world.store().held_by(&agent(who)).await.unwrap();
    let first = |is_it: fn(&State) -> bool| {
        let found = held.iter().find(|conversation| is_it(&conversation.state));
        found.map(|conversation| name_of(conversation.visitor.as_str()).to_owned())
    };
    let target = |is_it: fn(&State) -> bool| {
        to.map(str::to_owned).or_else(|| first(is_it)).unwrap_or_else(|| "visitor".to_owned())
    };
    let offered = |state: &State| matches!(state, State::Offered { .. });
    let with_agent = |state: &State| matches!(state, State::WithAgent { .. });
    let wrap_up = |state: &State| matches!(state, State::WrapUp { .. });
    let Some(direction) = direction else {
        return Ok(world.tells(who, &target(with_agent), words).await.map(|_| ()));
    };
    let (verb, rest) = pair(direction);
    Ok(match (verb.as_str(), rest.as_str()) {
        ("accepts", _) => world.accepts(who, &target(offered)).await.map(|_| ()),
        ("declines", _) => world.declines(who, &target(offered)).await.map(|_| ()),
        ("takes", "it") => world.takes(who, to.unwrap_or("visitor")).await.map(|_| ()),
        ("notes", _) => world.notes(who, &target(with_agent), words).await.map(|_| ()),
        ("transfers", "up") => {
            world.transfers(who, &target(with_agent), Destination::NextTier).await.map(|_| ())
        }
        ("transfers", rest) => {
            let destination = match rest.split_once(' ') {
                Some(("queue", name)) => Destination::Queue(queue(name)),
                Some(("to", name)) => Destination::Agent(agent(name)),
                _ => return Err("transfers up, transfers queue NAME, or transfers to NAME".to_owned()),
            };
            let id = world.conversation(&target(with_agent)).await.id;
            let note = (!words.is_empty()).then(|| body(words));
            let command = world.command();
            world.flow.transfer(&agent(who), &command, &id, destination, note).await.map(|_| ())
        }
        ("hands", "back") => world.hands_back(who, &target(with_agent)).await.map(|_| ()),
        ("resolves", _) => world.resolves(who, &target(with_agent)).await.map(|_| ()),
        ("wraps", rest) => {
            let mut words_of = rest.split_whitespace().skip(1);
            let disposition = words_of.next().and_then(Disposition::parse).ok_or("which disposition?")?;
            let label = words_of.next().map(|word| Label::parse(word).ok_or("no such label")).transpose()?;
            let id = world.conversation(&target(wrap_up)).await.id;
            let note = (!words.is_empty()).then(|| words.to_owned());
            let command = world.command();
            let wrapped = WrapUp { disposition, label, note };
            world.flow.wrap_up(&agent(who), &command, &id, wrapped).await.map(|_| ())
        }
        ("is", "lost") => world.loses(who).await,
        ("comes", "back") => world.comes_back(who).await,
        ("goes", presence) => {
            let presence = Presence::parse(presence).ok_or("goes online, away or offline")?;
            world.flow.set_presence(&agent(who), presence).await
        }
        _ => return Err(format!("an agent cannot `{direction}`")),
    })
}

async fn how_it_stands(world: &World, name: &str, facts: &[(String, String)]) -> Problems {
    let status = world.status(name).await;
    let Some(conversation) = &status.conversation else { return vec!["there is no conversation".to_owned()] };
    let handoff = world.store().handoffs(&conversation.id).await.unwrap().pop();
    let judged = world.store().judgement(&conversation.id).await.unwrap();
    let mut problems = Problems::new();
    for (key, wanted) in facts {
        let found = match key.as_str() {
            "state" => conversation.state.name().as_str().to_owned(),
            "position" => status.position.map_or_else(|| "none".to_owned(), |n| n.to_string()),
            "people" => format!("{:?}", status.people).to_lowercase(),
            "agent" => conversation.state.agent().map_or("none", |id| name_of(id.as_str())).to_owned(),
            "queue" => conversation.queue.as_ref().map_or("none", |id| name_of(id.as_str())).to_owned(),
            "tier" => conversation.tier.to_string(),
            "priority" => conversation.priority.as_str().to_owned(),
            "score" => conversation.score.unwrap_or(0.0).to_string(),
            "handoff" => handoff.as_ref().map_or("none", |handoff| handoff.status.as_str()).to_owned(),
            "may_rate" => if status.may_rate { "yes" } else { "no" }.to_owned(),
            "rated" => judged.csat.as_ref().map_or("none".to_owned(), |(score, _)| score.to_string()),
            "disposition" => {
                judged.wrap_up.as_ref().map_or("none", |wrap_up| wrap_up.disposition.as_str()).to_owned()
            }
            "label" => {
                let label = judged.wrap_up.as_ref().and_then(|wrap_up| wrap_up.label);
                label.map_or("none", Label::as_str).to_owned()
            }
            "opens_at" => status.opens_at.map_or_else(|| "none".to_owned(), |at| at.to_string()),
            "asked" => world.bot().n_asked().to_string(),
            other => {
                problems.push(format!("nothing is known of `{other}`"));
                continue;
            }
        };
        if !is_value(wanted, &found) {
            problems.push(format!("{key} is {found}"));
        }
    }
    problems
}
