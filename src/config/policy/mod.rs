//! Reads a policy from TOML. Each key is tried on its own against the defaults, so
//! that every mistake is found in one go. What the keys mean stands in `default.toml`.

use crate::domain::analysis::OwnIntent;
use crate::domain::escalation::{EscalationPolicy, Immediate, InvalidPolicy, Keyword, Rules, Service};
use crate::domain::score::Weights;
use serde::Deserialize;
use std::time::Duration;
use toml::{Table, Value};

/// The default policy, commented: sample, reference and source in one.
pub const DEFAULT_POLICY: &str = include_str!("default.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    name: String,
    escalate: Escalate,
    score: Weights,
    rules: RulesTable,
    #[serde(default)]
    intents: Vec<OwnIntent>,
    service: ServiceTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Escalate {
    enter: f64,
    leave: f64,
    min_messages: u32,
    #[serde(with = "humantime_serde")]
    cooldown: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesTable {
    human_request_at: f64,
    bot_failures: u32,
    same_question: u32,
    immediate: Immediate,
    #[serde(default)]
    keywords: Vec<Keyword>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceTable {
    #[serde(with = "humantime_serde")]
    offer_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pass_over: Duration,
    #[serde(with = "humantime_serde")]
    priority_step: Duration,
    #[serde(with = "humantime_serde")]
    left_message_due: Duration,
    #[serde(with = "humantime_serde")]
    wrap_up_timeout: Duration,
    #[serde(with = "humantime_serde")]
    reopen_window: Duration,
    #[serde(with = "humantime_serde")]
    idle_timeout: Duration,
    #[serde(with = "humantime_serde")]
    gone_timeout: Duration,
    answer: Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(with = "humantime_serde")]
    low: Duration,
    #[serde(with = "humantime_serde")]
    normal: Duration,
    #[serde(with = "humantime_serde")]
    high: Duration,
    #[serde(with = "humantime_serde")]
    urgent: Duration,
}

impl File {
    fn into_policy(self, version: u32) -> EscalationPolicy {
        let service = self.service;
        EscalationPolicy {
            name: self.name,
            version,
            enter: self.escalate.enter,
            leave: self.escalate.leave,
            min_messages: self.escalate.min_messages,
            cooldown: self.escalate.cooldown,
            weights: self.score,
            rules: Rules {
                human_request_at: self.rules.human_request_at,
                immediate: self.rules.immediate,
                bot_failures: self.rules.bot_failures,
                same_question: self.rules.same_question,
                keywords: self.rules.keywords,
            },
            intents: self.intents,
            service: Service {
                offer_timeout: service.offer_timeout,
                pass_over: service.pass_over,
                priority_step: service.priority_step,
                answer: [
                    service.answer.low,
                    service.answer.normal,
                    service.answer.high,
                    service.answer.urgent,
                ],
                left_message_due: service.left_message_due,
                wrap_up_timeout: service.wrap_up_timeout,
                reopen_window: service.reopen_window,
                idle_timeout: service.idle_timeout,
                gone_timeout: service.gone_timeout,
            },
        }
    }
}

/// Reads a policy and gives it its version.
///
/// # Errors
///
/// Every mistake: unknown keys, wrong types, values out of range. A file that is not TOML has one, with its line.
pub fn parse_policy(text: &str, version: u32) -> Result<EscalationPolicy, Vec<InvalidPolicy>> {
    let given: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        vec![mistake(&format!("line {line}"), error.message())]
    })?;
    let defaults: Table = DEFAULT_POLICY.parse().expect("the default policy is tested to parse");
    let mut problems = Vec::new();
    let mut merged = defaults.clone();
    let mut leaves = Vec::new();
    collect(&given, &defaults, &mut Vec::new(), &mut leaves, &mut problems);
    for (path, value) in leaves {
        let mut alone = defaults.clone();
        put(&mut alone, &path, value.clone());
        match alone.try_into::<File>() {
            Ok(_) => put(&mut merged, &path, value),
            Err(error) => problems.push(mistake(&path.join("."), error.message())),
        }
    }
    let file: File = merged.try_into().expect("every key was read on its own");
    if file.schema != 1 {
        problems.push(mistake("schema", "must be 1: this version of Baton knows no other"));
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    if file.name.trim().is_empty() || file.name.chars().count() > 60 || !file.name.chars().all(is_plain) {
        problems.push(mistake("name", "must be 1 to 60 letters, digits, spaces, `-`, `_` or `.`"));
    }
    let policy = file.into_policy(version);
    problems.extend(policy.check().err().into_iter().flatten());
    if problems.is_empty() { Ok(policy) } else { Err(problems) }
}

fn mistake(key: &str, problem: &str) -> InvalidPolicy {
    let problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
    InvalidPolicy { key: key.to_owned(), problem }
}

/// Every key that is set, with its path; keys that do not exist are mistakes.
fn collect(
    given: &Table,
    known: &Table,
    path: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, Value)>,
    problems: &mut Vec<InvalidPolicy>,
) {
    for (key, value) in given {
        path.push(key.clone());
        match (known.get(key), value) {
            (Some(Value::Table(known)), Value::Table(given)) => collect(given, known, path, leaves, problems),
            (Some(_), value) => leaves.push((path.clone(), value.clone())),
            // The keys that have no default.
            (None, value) if *path == ["rules", "keywords"] => leaves.push((path.clone(), value.clone())),
            (None, Value::Array(intents)) if *path == ["intents"] => {
                // One by one, so that a mistake is named with the intent it is in.
                let wrong = intents.iter().zip(1..).filter_map(|(intent, place)| {
                    let error = intent.clone().try_into::<OwnIntent>().err()?;
                    Some(mistake(&format!("intents.{place}"), error.message()))
                });
                let wrong: Vec<InvalidPolicy> = wrong.collect();
                if wrong.is_empty() {
                    leaves.push((path.clone(), value.clone()));
                }
                problems.extend(wrong);
            }
            (None, value) if *path == ["intents"] => leaves.push((path.clone(), value.clone())),
            (None, _) => problems.push(mistake(&path.join("."), "there is no such key")),
        }
        path.pop();
    }
}

fn put(table: &mut Table, path: &[String], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut table = table;
    for parent in parents {
        let Some(Value::Table(next)) = table.get_mut(parent) else { return };
        table = next;
    }
    table.insert(last.clone(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_and_the_default_value_are_the_same_policy() {
        assert_eq!(parse_policy(DEFAULT_POLICY, 1).unwrap(), EscalationPolicy::default());
        assert_eq!(parse_policy("", 1).unwrap(), EscalationPolicy::default());
    }

    #[test]
    fn a_file_changes_only_what_it_names() {
        let policy =
            parse_policy("[escalate]\nenter = 0.8\n[[rules.keywords]]\nphrase = \"gas smell\"\n", 7).unwrap();
        assert_eq!((policy.enter, policy.leave, policy.label().as_str()), (0.8, 0.4, "default@7"));
        assert_eq!(policy.rules.keywords[0].phrase, "gas smell");
    }

    #[test]
    fn every_mistake_is_named_with_its_key() {
        let text = "schema = 2\ncolour = 1\n[escalate]\nenter = \"high\"\nleave = 2.0\ncooldown = 5\n[score]\nanger = 1\n\
            [rules.immediate]\nintents = [\"revolt\"]\n";
        let problems = parse_policy(text, 1).unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        for key in [
            "schema",
            "colour",
            "escalate.enter",
            "escalate.leave",
            "escalate.cooldown",
            "score.anger",
            "rules.immediate.intents",
        ] {
            assert!(keys.contains(&key), "{key} in {problems:#?}");
        }
    }

    #[test]
    fn intents_of_the_sites_own_are_read_and_their_mistakes_named_with_their_place() {
        let five = r#"["renew it", "my pills ran out", "another pack", "refill please", "repeat order"]"#;
        let text = format!(
            "[[intents]]\nname = \"pills\"\nexamples = {five}\nescalate_at = 0.7\npriority = \"high\"\n"
        );
        let policy = parse_policy(&text, 2).unwrap();
        assert_eq!((policy.intents[0].name.as_str(), policy.intents[0].escalate_at), ("pills", Some(0.7)));
        assert_eq!(policy.intents[0].examples.len(), 5);
        let keys = |text: &str| -> Vec<String> {
            parse_policy(text, 1).unwrap_err().into_iter().map(|problem| problem.key).collect()
        };
        let wrong = format!(
            "{text}[[intents]]\nname = \"refund\"\nexamples = [\"one\"]\n[[intents]]\nname = \"x\"\ncolour = 1\n"
        );
        assert_eq!(keys(&wrong), ["intents.3"]);
        let wrong =
            format!("{text}[[intents]]\nname = \"refund\"\nexamples = [\"one\"]\nescalate_at = 2.0\n");
        assert_eq!(keys(&wrong), ["intents.2.name", "intents.2.examples", "intents.2.escalate_at"]);
        assert_eq!(keys("intents = 3\n"), ["intents"]);
        let many: String = (0..21).map(|n| text.replace("pills", &format!("pills_{n}"))).collect();
        assert!(keys(&many).contains(&"intents".to_owned()));
    }

    #[test]
    fn what_is_not_toml_names_its_line() {
        assert_eq!(parse_policy("schema = 1\nname = \n", 1).unwrap_err()[0].key, "line 2");
    }
}
