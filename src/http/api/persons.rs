//! One person: everything that is held of them, and taking it out. Asked for by POST, so
//! that no address stands in a proxy's log.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::domain::account::Email;
use crate::domain::id::VisitorId;
use crate::flow::ports::Person;
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
        "conversations": erasure.erased.conversations,
        "entries": erasure.erased.entries,
        "labels": erasure.erased.labels,
        "compacted": erasure.is_compact,
    })))
}
