//! `baton demo`: simulated visitors over real sockets. They boot like the widget on
//! a site does, type at a person's pace, and wait for answers; they never touch the
//! database.

use super::Failure;
use crate::flow::ports::IdSource;
use crate::system::TimeOrderedIds;
use anyhow::{Context, anyhow, bail};
use clap::Args;
use futures_util::{SinkExt, StreamExt};
use rand::Rng;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// Conversations written for the demonstration shop.
const SHIPPED: &str = include_str!("../../demo/visitors.jsonl");
/// How long a visitor waits for an answer before writing on.
const PATIENCE: Duration = Duration::from_secs(12);

/// Bring simulated visitors to a running service, over real sockets.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  baton demo --visitors 5")]
pub struct Arguments {
    /// How many visitors are there at the same time.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    visitors: u16,
    /// Conversations to play, one JSON object with `turns` a line; those of the demonstration shop without.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where the service is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The widget's key; taken from the shop's page without.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The site the visitors come from; the service's own address without.
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// How many times faster than people they type.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    /// Stop after so many conversations; goes on for ever without.
    #[arg(long, value_name = "N")]
    conversations: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Script {
    turns: Vec<Line>,
}

#[derive(Debug, Clone, Deserialize)]
struct Line {
    speaker: String,
    text: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let text = match &arguments.from {
        Some(path) => std::fs::read_to_string(path).with_context(|| path.display().to_string())?,
        None => SHIPPED.to_owned(),
    };
    let scripts: Vec<Script> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .enumerate()
        .map(|(n, line)| {
            serde_json::from_str(line).with_context(|| format!("line {} is not a conversation", n + 1))
        })
        .collect::<anyhow::Result<_>>()?;
    if scripts.is_empty() {
        return Err(Failure::Usage("there is no conversation to play".into()));
    }
    if !(arguments.speed.is_finite() && arguments.speed > 0.0) {
        return Err(Failure::Usage("--speed must be above zero".into()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(play_all(arguments, &scripts))?)
}

async fn play_all(arguments: &Arguments, scripts: &[Script]) -> anyhow::Result<()> {
    let url = arguments.url.trim_end_matches('/').to_owned();
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let key = match &arguments.key {
        Some(key) => key.clone(),
        None => key_of_shop(&http, &url).await?,
    };
    let site = Site {
        socket: url.replacen("http", "ws", 1),
        origin: arguments.origin.clone().unwrap_or_else(|| url.clone()),
        url,
        key,
        http,
        speed: arguments.speed,
    };
    let played = std::sync::atomic::AtomicU64::new(0);
    let visitors = (0..arguments.visitors).map(|number| {
        let (site, played) = (&site, &played);
        async move {
            loop {
                let n = played.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if arguments.conversations.is_some_and(|most| n >= most) {
                    return;
                }
                let script = &scripts[usize::try_from(n).unwrap_or(0) % scripts.len()];
                match site.play(script).await {
                    Ok(heard) => eprintln!(
                        "visitor {number}: {} messages sent, {heard} answers heard",
                        script.turns.len()
                    ),
                    Err(error) => {
                        eprintln!("visitor {number}: {error:#}; trying again in five seconds");
                        tokio::time::sleep(Duration::from_secs(5)).await;
                    }
                }
                site.pause(4.0..12.0).await;
            }
        }
    });
    futures_util::future::join_all(visitors).await;
    Ok(())
}

/// The key that the shop's page embeds the widget with.
async fn key_of_shop(http: &reqwest::Client, url: &str) -> anyhow::Result<String> {
    let page =
        http.get(format!("{url}/demo")).send().await.with_context(|| format!("no service at {url}"))?;
    let page =
        page.error_for_status().context("the service has no demonstration shop; give --key and --origin")?;
    let text = page.text().await?;
    let key = text.split("data-key=\"").nth(1).and_then(|rest| rest.split('"').next());
    key.map(str::to_owned).ok_or_else(|| anyhow!("the shop's page names no widget key"))
}

struct Site {
    url: String,
    socket: String,
    origin: String,
    key: String,
    http: reqwest::Client,
    speed: f64,
}

impl Site {
    async fn pause(&self, seconds: std::ops::Range<f64>) {
        let seconds = rand::rng().random_range(seconds) / self.speed;
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }

    async fn boot(&self) -> anyhow::Result<String> {
        let answer = self
            .http
            .post(format!("{}/api/v1/widget/boot", self.url))
            .header("origin", &self.origin)
            .header("content-type", "application/json")
            .body(json!({ "key": self.key }).to_string())
            .send()
            .await?;
        let status = answer.status();
        let body: Value =
            serde_json::from_str(&answer.text().await?).context("the boot call answered no JSON")?;
        let ticket = body.get("ticket").and_then(Value::as_str);
        ticket
            .map(str::to_owned)
            .ok_or_else(|| anyhow!("the boot call was refused: {status} {}", body["code"]))
    }

    /// One visitor's conversation from the first message to the last answer. Gives the number of answers heard.
    async fn play(&self, script: &Script) -> anyhow::Result<usize> {
        let ticket = self.boot().await?;
        let (mut socket, _) =
            tokio_tungstenite::connect_async(format!("{}/ws/visitor?ticket={ticket}", self.socket)).await?;
        socket.send(text(&json!({ "type": "resume", "conversation": null, "after": 0 }))).await?;
        let mut heard = 0;
        for line in script.turns.iter().filter(|line| line.speaker == "visitor") {
            socket.send(text(&json!({ "type": "typing.set", "typing": true }))).await?;
            // About forty words a minute, as people type into a small window.
            let typing = 0.8 + line.text.split_whitespace().count() as f64 * 0.6;
            self.pause(typing * 0.6..typing * 1.4).await;
            let client_id = TimeOrderedIds.suffix();
            socket
                .send(text(&json!({ "type": "message.send", "client_id": client_id, "text": line.text })))
                .await?;
            let deadline = tokio::time::Instant::now() + PATIENCE.div_f64(self.speed.max(1.0));
            let mut is_acknowledged = false;
            while let Ok(frame) = tokio::time::timeout_at(deadline, socket.next()).await {
                let Some(frame) = frame else { bail!("the service closed the connection") };
                let Message::Text(frame) = frame? else { continue };
                let frame: Value = serde_json::from_str(&frame)?;
                match frame["type"].as_str() {
                    Some("ack") if frame["client_id"] == client_id.as_str() => is_acknowledged = true,
                    Some("error") => bail!("refused: {}", frame["code"]),
                    Some("entry") if frame["kind"] == "message" && frame["author"]["kind"] != "visitor" => {
                        heard += 1;
                        let seen = json!({ "type": "read.mark", "seq": frame["seq"] });
                        socket.send(text(&seen)).await?;
                        break;
                    }
                    _ => {}
                }
            }
            if !is_acknowledged && heard == 0 {
                bail!("a message was not acknowledged");
            }
            self.pause(1.0..4.0).await;
        }
        socket.close(None).await?;
        Ok(heard)
    }
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}
