//! A visitor at a terminal: what `docs/protocol.md` says, in one file. Boots, connects,
//! shows every entry, sends every line that is typed, and comes back after a loss.
//!
//!     cargo run --example visitor -- http://127.0.0.1:8080 wk_demo
//!
//! `/person` asks for a person, `/bot` goes on with the bot, `/end` ends it.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// What the visitor keeps from one connection to the next.
struct Visitor {
    base: String,
    key: String,
    secret: String,
    history_id: Option<String>,
    /// The conversation that is followed, and the last sequence seen in it.
    at: Option<(String, u64)>,
    /// Commands that were not answered yet, in the order they were typed.
    unanswered: VecDeque<Value>,
    /// Makes client ids that no earlier run used.
    run: u64,
    sent: u64,
}

/// How a connection ended.
enum Ended {
    /// The input is over.
    Done,
    /// Come back.
    Lost,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let key = arguments.next().unwrap_or_else(|| "wk_demo".into());
    let http = reqwest::Client::new();
    let boot = json!({ "key": key });
    let booted = http.post(format!("{base}/api/v1/widget/boot")).header("origin", &base).json(&boot);
    let booted: Value = booted.send().await?.error_for_status()?.json().await?;
    let secret = booted["visitor"].as_str().context("no secret came")?.to_owned();
    let mut visitor = Visitor {
        base,
        key,
        secret,
        history_id: None,
        at: None,
        unanswered: VecDeque::new(),
        run: rand::random(),
        sent: 0,
    };
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let mut delay = Duration::from_millis(500);
    loop {
        match visitor.talk(&http, &mut input).await {
            Ok(Ended::Done) => return Ok(()),
            Ok(Ended::Lost) => delay = Duration::from_millis(500),
            Err(error) => eprintln!("({error:#})"),
        }
        tokio::time::sleep(delay.mul_f64(0.5 + 0.5 * rand::random::<f64>())).await;
        delay = (2 * delay).min(Duration::from_secs(20));
    }
}

impl Visitor {
    /// One connection, from its ticket to its end.
    async fn talk(
        &mut self,
        http: &reqwest::Client,
        input: &mut Lines<BufReader<Stdin>>,
    ) -> anyhow::Result<Ended> {
        let asked = json!({ "key": self.key, "visitor": self.secret });
        let ticket = http.post(format!("{}/api/v1/widget/ticket", self.base)).json(&asked);
        let ticket: Value = ticket.send().await?.error_for_status()?.json().await?;
        let ticket = ticket["ticket"].as_str().context("no ticket came")?;
        let url = format!("{}/ws/visitor?ticket={ticket}", self.base.replacen("http", "ws", 1));
        let (mut socket, _) = connect_async(url).await?;
        let mut has_resumed = false;
        loop {
            tokio::select! {
                item = socket.next() => match item {
                    Some(Ok(Message::Text(text))) => {
                        for frame in self.hear(&serde_json::from_str(&text)?)? {
                            socket.send(Message::text(frame.to_string())).await?;
                            has_resumed = true;
                        }
                    }
                    Some(Ok(Message::Close(Some(frame)))) if (4400..4500).contains(&u16::from(frame.code)) => {
                        match u16::from(frame.code) {
                            4401 | 4408 | 4429 => return Ok(Ended::Lost),
                            code => bail!("the server closed the socket: {code} {}", frame.reason),
                        }
                    }
                    Some(Ok(Message::Close(_))) | None => return Ok(Ended::Lost),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                },
                line = input.next_line(), if has_resumed => match line? {
                    None => return Ok(Ended::Done),
                    Some(line) => {
                        if let Some(frame) = self.command(line.trim()) {
                            socket.send(Message::text(frame.to_string())).await?;
                        }
                    }
                },
            }
        }
    }

    /// What a frame of the server is answered with.
    fn hear(&mut self, frame: &Value) -> anyhow::Result<Vec<Value>> {
        match frame["type"].as_str().unwrap_or_default() {
            "hello" => {
                if frame["protocol"] != 1 {
                    bail!("the server speaks another protocol");
                }
                let history_id = frame["history_id"].as_str().map(str::to_owned);
                if self.history_id.is_some() && self.history_id != history_id {
                    self.at = None;
                }
                self.history_id = history_id;
                let (conversation, after) = self.at.clone().unzip();
                let resume =
                    json!({"type": "resume", "conversation": conversation, "after": after.unwrap_or(0)});
                return Ok(std::iter::once(resume).chain(self.unanswered.iter().cloned()).collect());
            }
            "entry" => {
                let conversation = frame["conversation"].as_str().unwrap_or_default().to_owned();
                self.at = Some((conversation, frame["seq"].as_u64().unwrap_or(0)));
                let author = frame["author"]["name"].as_str().or(frame["author"]["kind"].as_str());
                let text = frame["text"].as_str().or(frame["code"].as_str());
                say(&format!("{:>8}  {}", author.unwrap_or_default(), text.unwrap_or_default()));
            }
            "ack" => self.unanswered.retain(|command| command["client_id"] != frame["client_id"]),
            "error" => {
                self.unanswered.retain(|command| command["client_id"] != frame["client_id"]);
                say(&format!("   error  {}: {}", frame["code"], frame["message"]));
            }
            "status" if frame["state"] == "waiting" => {
                say(&format!(
                    "          number {} in the queue, estimate {}",
                    frame["position"], frame["estimate"]
                ));
            }
            _ => {}
        }
        Ok(Vec::new())
    }

    /// A line as a command, kept until it is answered.
    fn command(&mut self, line: &str) -> Option<Value> {
        self.sent += 1;
        let mut frame = match line {
            "" => return None,
            "/person" => json!({"type": "human.request"}),
            "/bot" => json!({"type": "bot.continue"}),
            "/end" => json!({"type": "conversation.end"}),
            text => json!({"type": "message.send", "text": text}),
        };
        frame["client_id"] = format!("{:x}-{}", self.run, self.sent).into();
        self.unanswered.push_back(frame.clone());
        Some(frame)
    }
}

/// A line at the terminal.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}
