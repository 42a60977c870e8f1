//! The chatbot a site already has, over HTTP: the message and transcript go out, an
//! answer, "no answer" or "hand over" comes back. Its silence ends at a human.
//!
//! The exchange is described in `docs/bots.md`.

use crate::flow::ports::{Bot, Clock, Question, Reply, Speaker};
use async_trait::async_trait;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

/// The longest answer that is read.
const LONGEST: usize = 64 * 1024;

/// Where the chatbot is and how long it is waited for.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where.
    pub url: String,
    /// Shared with the chatbot; signs what we send.
    pub secret: SecretString,
    /// For each try.
    pub deadline: Duration,
    /// How often it is tried again when the network or the chatbot's server fails.
    pub retries: u32,
    /// After so many failures in a row it is not asked for a while.
    pub breaker_failures: u32,
    /// How long it is not asked then.
    pub breaker_pause: Duration,
}

/// A chatbot over HTTP.
pub struct WebhookBot {
    settings: WebhookSettings,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    failures: AtomicU32,
    closed_until: AtomicI64,
}

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the webhook client cannot be made: {0}")]
pub struct WebhookError(#[from] reqwest::Error);

#[derive(Serialize)]
struct Asked<'a> {
    conversation: &'a str,
    visitor: &'a str,
    /// The same for a retry of the same question.
    message: String,
    text: &'a str,
    transcript: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    speaker: &'static str,
    text: &'a str,
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Said {
    Answer { text: String },
    NoAnswer { text: Option<String> },
    HandOver { text: Option<String> },
}

/// The signature of a body sent at a time: `t=<seconds>,v1=<hex of HMAC-SHA256 over "<seconds>.<body>">`.
pub fn signature(secret: &SecretString, seconds: i64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes any key");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

impl WebhookBot {
    /// A chatbot at an address.
    ///
    /// # Errors
    ///
    /// `WebhookError` when no client can be made.
    pub fn new(settings: WebhookSettings, clock: Arc<dyn Clock>) -> Result<Self, WebhookError> {
        let client = reqwest::Client::builder()
            .timeout(settings.deadline)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("Baton/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { settings, client, clock, failures: AtomicU32::new(0), closed_until: AtomicI64::new(0) })
    }

    async fn ask(&self, body: &[u8]) -> Result<Said, &'static str> {
        let seconds = self.clock.now().as_millis() / 1000;
        let request = self
            .client
            .post(&self.settings.url)
            .header("content-type", "application/json")
            .header("baton-signature", signature(&self.settings.secret, seconds, body))
            .body(body.to_vec());
        let mut response =
            request.send().await.map_err(|error| if error.is_timeout() { "timeout" } else { "network" })?;
        if !response.status().is_success() {
            return Err(if response.status().is_server_error() { "server_error" } else { "refused" });
        }
        let mut answer = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|_| "network")? {
            if answer.len() + part.len() > LONGEST {
                return Err("too_long");
            }
            answer.extend_from_slice(&part);
        }
        serde_json::from_slice(&answer).map_err(|_| "not_understood")
    }

    fn is_closed(&self) -> bool {
        self.closed_until.load(Ordering::Acquire) > self.clock.now().as_millis()
    }

    fn count_failure(&self) {
        if self.failures.fetch_add(1, Ordering::AcqRel) + 1 >= self.settings.breaker_failures {
            let until = self.clock.now().plus(self.settings.breaker_pause).as_millis();
            self.closed_until.store(until, Ordering::Release);
            self.failures.store(0, Ordering::Release);
            tracing::warn!(
                "The chatbot failed {} times in a row; it is not asked for a while",
                self.settings.breaker_failures
            );
        }
    }
}

#[async_trait]
impl Bot for WebhookBot {
    async fn reply(&self, question: Question) -> Reply {
        if self.is_closed() {
            return Reply::Silent;
        }
        let speaker = |speaker: Speaker| match speaker {
            Speaker::Visitor => "visitor",
            Speaker::Bot => "bot",
            Speaker::Agent => "agent",
        };
        let asked = Asked {
            conversation: question.conversation.as_str(),
            visitor: question.visitor.as_str(),
            message: format!("{}:{}", question.conversation, question.position),
            text: &question.text,
            transcript: question
                .transcript
                .iter()
                .map(|(who, text)| Line { speaker: speaker(*who), text })
                .collect(),
        };
        let Ok(body) = serde_json::to_vec(&asked) else { return Reply::Silent };
        let mut tries = 0;
        let said = loop {
            match self.ask(&body).await {
                Ok(said) => break Ok(said),
                Err(why @ ("network" | "server_error")) if tries < self.settings.retries => {
                    tracing::debug!(why, "The chatbot is asked again");
                    tries += 1;
                }
                Err(why) => break Err(why),
            }
        };
        match said {
            Ok(said) => {
                self.failures.store(0, Ordering::Release);
                match said {
                    Said::Answer { text } => Reply::Answer(text),
                    Said::NoAnswer { text } => Reply::NoAnswer(text),
                    Said::HandOver { text } => Reply::HandOver(text),
                }
            }
            Err(why) => {
                tracing::warn!(conversation.id = %question.conversation, why, "The chatbot did not answer: {why}");
                self.count_failure();
                Reply::Silent
            }
        }
    }

    fn deadline(&self) -> Duration {
        self.settings.deadline * (self.settings.retries + 1)
    }
}
