//! The example shop: its widget, queues, knowledge and canned replies. Not its page,
//! which is in `static/demo`, and not its visitors, which `baton demo` brings.

use anyhow::Context as _;
use serde::Deserialize;

use crate::auth::Secret;
use crate::domain::id::{CannedId, KnowledgeId, QueueId, WidgetKey};
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::queue::Queue;
use crate::domain::site::Widget;
use crate::domain::time::Timestamp;
use crate::flow::ports::directory::{Furniture, Stamp};
use crate::flow::ports::{Directory, IdSource};

/// What the shop's bot knows: one entry a line.
const KNOWLEDGE: &str = include_str!("../demo/knowledge.jsonl");

/// Queues beside the default one: name for ever, name for people, intents that lead there.
const QUEUES: &[(&str, &str, &[&str])] =
    &[("delivery", "Delivery", &["order_status"]), ("returns", "Returns", &["refund", "cancel"])];

/// Replies that agents of the shop put in with a short word.
const CANNED: &[(&str, &str)] = &[
    ("hello", "Hello, I'm here now. Give me a moment to read what you have written."),
    (
        "tracking",
        "I have asked the carrier where your parcel is. They answer within the hour, and I will write to you here.",
    ),
    ("refund", "I have refunded you. It takes three to five working days until it shows on your account."),
    ("anything", "Is there anything else I can do for you?"),
];

/// The key of the shop's widget.
const KEY: &str = "demo";

#[derive(Deserialize)]
struct Line {
    title: String,
    questions: Vec<String>,
    answer: String,
}

/// Puts in the shop, once and as a whole, however many nodes begin with it at the same time; what an admin has changed
/// since stays as it is.
///
/// # Errors
///
/// When the store does not answer.
pub async fn prepare(
    directory: &dyn Directory,
    ids: &dyn IdSource,
    now: Timestamp,
) -> anyhow::Result<WidgetKey> {
    let key = WidgetKey::from_suffix(KEY);
    if directory.widget(&key).await?.is_none() {
        directory.furnish(Stamp { by: None, at: now }, furniture(&key, ids, now)?).await?;
    }
    Ok(key)
}

fn furniture(key: &WidgetKey, ids: &dyn IdSource, now: Timestamp) -> anyhow::Result<Furniture> {
    let queue = |(id, name, intents): &(&str, &str, &[&str])| Queue {
        id: QueueId::from_suffix(id),
        name: (*name).to_owned(),
        skills: vec![],
        tier: 1,
        hours: None,
        intents: intents.iter().map(|&intent| intent.to_owned()).collect(),
        is_default: false,
    };
    let entry = |line: &str| {
        let Line { title, questions, answer } = serde_json::from_str(line).context("demo/knowledge.jsonl")?;
        let id = KnowledgeId::from_suffix(&ids.suffix());
        anyhow::Ok(KnowledgeEntry { id, title, questions, answer })
    };
    let reply = |(shortcut, text): &(&str, &str)| CannedReply {
        id: CannedId::from_suffix(&ids.suffix()),
        shortcut: (*shortcut).to_owned(),
        text: (*text).to_owned(),
    };
    let widget = Widget {
        key: key.clone(),
        name: "Fenwick & Daughters".into(),
        sites: vec![],
        greeting: "Hello. I am the shop's bot: ask me about orders, delivery or the garden. A person is one click away."
            .into(),
        accent: "#0b6e4f".into(),
        locale: "en".into(),
        identity_key: Secret::new().expose().to_owned(),
        created_at: now,
    };
    Ok(Furniture {
        queues: QUEUES.iter().map(queue).collect(),
        knowledge: KNOWLEDGE
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(entry)
            .collect::<Result<_, _>>()?,
        canned: CANNED.iter().map(reply).collect(),
        widget,
    })
}
