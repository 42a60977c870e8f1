//! One person: found, what is held of them in numbers and as a whole, and taking it out.
//! Asked for by POST, so that no address stands in a proxy's log.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::domain::account::Email;
use crate::domain::conversation::Conversation;
use crate::domain::id::VisitorId;
use crate::flow::ports::{Held, Outline, Person};
use crate::http::error::{ApiError, Problem};
use crate::http::extract::Sent;
use crate::http::state::Http;

/// By the id of a visitor, or by an address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Asked {
    visitor: Option<String>,
    email: Option<String>,
}

impl Asked {
    fn person(self) -> Result<Person, ApiError> {
        let wrong = |field: &str, message: String| ApiError::invalid(vec![Problem::field(field, message)]);
        match (self.visitor, self.email) {
            (Some(visitor), None) => {
                let visitor =
                    VisitorId::parse(&visitor).map_err(|error| wrong("visitor", error.to_string()))?;
                Ok(Person::Visitor(visitor))
            }
            (None, Some(email)) => {
                let email = Email::parse(&email).map_err(|error| wrong("email", error.to_string()))?;
                Ok(Person::Email(email.as_str().to_lowercase()))
            }
            _ => Err(wrong("visitor", "give either visitor or email".into())),
        }
    }
}

/// Part of an id, a name, an address or an attribute, or the id that a site signs for its visitors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Sought {
    text: String,
}

/// Longer texts name nobody.
const LONGEST_SOUGHT: usize = 200;

impl Sought {
    /// What agents see of somebody without a name is the end of their id.
    fn text(&self) -> Result<&str, ApiError> {
        let text = self.text.trim();
        let is_guest = text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("guest-"));
        let text = if is_guest { &text[6..] } else { text };
        if text.chars().count() < 2 || text.chars().count() > LONGEST_SOUGHT {
            let problem = Problem::field("text", "two characters or more, and 200 at most");
            return Err(ApiError::invalid(vec![problem]));
        }
        Ok(text)
    }
}

fn held_view(held: &Held) -> Value {
    json!({
        "conversations": held.conversations,
        "unfinished": held.unfinished,
        "messages": held.messages,
        "answers": held.answers,
        "notes": held.notes,
        "handoffs": held.handoffs,
        "ratings": held.ratings,
        "labels": held.labels,
    })
}

fn outline_view(outline: &Outline) -> Value {
    let profile = &outline.profile;
    json!({
        "visitor": outline.visitor,
        "name": profile.shown_name(&outline.visitor),
        "email": profile.email.as_ref().or(outline.left_email.as_ref()),
        "attributes": profile.attributes,
        "known_since": outline.known_since,
        "seen_at": outline.seen_at,
        "held": held_view(&outline.held),
    })
}

fn conversation_view(conversation: &Conversation) -> Value {
    json!({
        "conversation": conversation.id,
        "visitor": conversation.visitor,
        "state": conversation.state.name().as_str(),
        "opened_at": conversation.opened_at,
        "seen_at": conversation.visitor_seen_at,
    })
}

fn sum(outlines: &[Outline]) -> Held {
    let mut all = Held::default();
    for Outline { held, .. } in outlines {
        all.conversations += held.conversations;
        all.unfinished += held.unfinished;
        all.messages += held.messages;
        all.answers += held.answers;
        all.notes += held.notes;
        all.handoffs += held.handoffs;
        all.ratings += held.ratings;
        all.labels += held.labels;
    }
    all
}

pub(in crate::http) async fn find(
    State(http): State<Http>,
    Sent(sought): Sent<Sought>,
) -> Result<Json<Value>, ApiError> {
    let signed = http.visitors.signed_as(sought.text.trim()).await?;
    let (found, is_more) = http.housekeeping.find_persons(sought.text()?, &signed).await?;
    let persons: Vec<Value> = found.iter().map(outline_view).collect();
    Ok(Json(json!({ "persons": persons, "more": is_more })))
}

pub(in crate::http) async fn show(
    State(http): State<Http>,
    Sent(asked): Sent<Asked>,
) -> Result<Json<Value>, ApiError> {
    let (outlines, conversations) = http.housekeeping.about(&asked.person()?).await?;
    if outlines.is_empty() {
        return Err(ApiError::not_found("such a person"));
    }
    Ok(Json(json!({
        "visitors": outlines.iter().map(outline_view).collect::<Vec<_>>(),
        "held": held_view(&sum(&outlines)),
        "conversations": conversations.iter().map(conversation_view).collect::<Vec<_>>(),
    })))
}

pub(in crate::http) async fn export(
    State(http): State<Http>,
    caller: Caller,
    Sent(asked): Sent<Asked>,
) -> Result<Json<Value>, ApiError> {
    let held = http.housekeeping.held_of(http.logins.stamp(Some(&caller)), &asked.person()?).await?;
    if held.is_empty() {
        return Err(ApiError::not_found("such a person"));
    }
    let persons: Vec<Value> = held
        .into_iter()
        .map(|(visitor, held)| {
            let held: Value = serde_json::from_str(&held).unwrap_or_default();
            json!({ "visitor": visitor, "held": held })
        })
        .collect();
    Ok(Json(json!({ "persons": persons })))
}

pub(in crate::http) async fn erase(
    State(http): State<Http>,
    caller: Caller,
    Sent(asked): Sent<Asked>,
) -> Result<Json<Value>, ApiError> {
    let stamp = http.logins.stamp(Some(&caller));
    let erasure = http.housekeeping.erase(stamp, &asked.person()?, false).await?;
    Ok(Json(json!({
        "visitors": erasure.visitors,
        "ended": erasure.ended,
        "conversations": erasure.erased.conversations,
        "entries": erasure.erased.entries,
        "labels": erasure.erased.labels,
        "compacted": erasure.is_compact,
    })))
}
