//! An entry of the log, as each side sees it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Author, Entry, EntryKind};
use crate::domain::escalation::{Decision, Outcome};
use crate::domain::id::{AgentId, ConversationId, VisitorId};
use crate::domain::time::Timestamp;

/// Who wrote an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct AuthorView {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// What an entry holds, as far as both sides see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Content {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<BTreeMap<String, String>>,
}

impl Content {
    fn of(kind: &EntryKind) -> Self {
        let (text, notice) = match kind {
            EntryKind::Message { body, .. } | EntryKind::Note { body } | EntryKind::Unsent { body } => {
                (Some(body.as_str().to_owned()), None)
            }
            EntryKind::Notice { code, params } => (None, Some((code.as_str().to_owned(), params.clone()))),
            EntryKind::Decision(_) => (None, None),
        };
        let (code, params) = notice.unzip();
        Self { kind: kind.name().to_owned(), text, code, params }
    }
}

/// An entry as its visitor sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct VisitorEntry {
    conversation: ConversationId,
    seq: u64,
    at: Timestamp,
    author: AuthorView,
    #[serde(flatten)]
    content: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

impl VisitorEntry {
    /// None for what visitors do not see.
    #[must_use]
    pub fn of(conversation: &ConversationId, entry: &Entry) -> Option<Self> {
        let seq = entry.visitor_seq.filter(|_| entry.kind.is_for_visitor())?;
        let (kind, name) = match &entry.author {
            Author::Visitor => ("visitor", None),
            Author::Bot => ("bot", None),
            Author::Agent { name, .. } => ("agent", Some(name.clone())),
            Author::System => ("system", None),
        };
        Some(Self {
            conversation: conversation.clone(),
            seq,
            at: entry.at,
            author: AuthorView { kind: kind.to_owned(), id: None, name },
            content: Content::of(&entry.kind),
            client_id: entry.client_id.clone().filter(|_| entry.author == Author::Visitor),
        })
    }
}

/// A decision, as agents see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct DecisionView {
    outcome: String,
    score: f64,
    threshold: f64,
    reasons: Vec<ReasonView>,
    contributions: Vec<ContributionView>,
    policy: String,
    turn_position: Option<u64>,
}

/// A reason and its share of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct ReasonView {
    code: String,
    contribution: Option<f64>,
    /// Which intent of the site's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A term of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct ContributionView {
    code: String,
    value: f64,
}

impl From<&Decision> for DecisionView {
    fn from(decision: &Decision) -> Self {
        let outcome = match decision.outcome {
            Outcome::Escalate { .. } => "escalate",
            Outcome::Stay { .. } => "stay",
        };
        Self {
            outcome: outcome.to_owned(),
            score: decision.score.value,
            threshold: decision.line,
            reasons: decision
                .reasons
                .iter()
                .map(|reason| ReasonView {
                    code: reason.code.as_str().to_owned(),
                    contribution: reason.contribution,
                    name: reason.name.clone(),
                })
                .collect(),
            contributions: decision
                .score
                .contributions
                .iter()
                .map(|term| ContributionView { code: term.code.as_str().to_owned(), value: term.value })
                .collect(),
            policy: decision.policy.clone(),
            turn_position: decision.about,
        }
    }
}

/// An entry as agents see it: everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct AgentEntry {
    conversation: ConversationId,
    position: u64,
    seq: Option<u64>,
    at: Timestamp,
    #[serde(flatten)]
    content: Content,
    author: AuthorView,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis: Option<Analysis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

/// For whom an entry is shown, and of whom: what an agent's view needs besides the entry.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// Where.
    pub conversation: &'a ConversationId,
    /// Whose conversation, and the name agents see.
    pub visitor: (&'a VisitorId, &'a str),
    /// Who looks: gets the client ids of their own entries.
    pub to: &'a AgentId,
}

impl AgentEntry {
    /// The entry, with the analysis of its message if there is one already.
    #[must_use]
    pub fn of(entry: &Entry, shown: &Shown<'_>, analysis: Option<&Analysis>) -> Self {
        let (kind, id, name) = match &entry.author {
            Author::Visitor => {
                ("visitor", Some(shown.visitor.0.to_string()), Some(shown.visitor.1.to_owned()))
            }
            Author::Bot => ("bot", None, None),
            Author::Agent { id, name } => ("agent", Some(id.to_string()), Some(name.clone())),
            Author::System => ("system", None, None),
        };
        let is_own = matches!(&entry.author, Author::Agent { id, .. } if id == shown.to);
        let decision = match &entry.kind {
            EntryKind::Decision(decision) => Some(DecisionView::from(decision.as_ref())),
            _ => None,
        };
        Self {
            conversation: shown.conversation.clone(),
            position: entry.position,
            seq: entry.visitor_seq,
            at: entry.at,
            content: Content::of(&entry.kind),
            author: AuthorView { kind: kind.to_owned(), id, name },
            decision,
            analysis: analysis.cloned(),
            client_id: entry.client_id.clone().filter(|_| is_own),
        }
    }
}
