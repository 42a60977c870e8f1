//! Policy versions: what is live, what was, and publishing the next.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::config::{DEFAULT_POLICY, parse_policy};
use crate::domain::escalation::{EscalationPolicy, InvalidPolicy};
use crate::flow::ports::directory::PolicyVersion;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Checks, Sent};
use crate::http::state::Http;

/// `default@3`.
fn label(version: &PolicyVersion) -> String {
    format!("{}@{}", version.name, version.version)
}

/// The number in `3` or `default@3`.
fn number(text: &str) -> Option<u32> {
    text.rsplit('@').next().and_then(|number| number.parse().ok())
}

fn shown(version: &PolicyVersion) -> Value {
    json!({
        "version": version.version,
        "label": label(version),
        "name": version.name,
        "author": version.author,
        "at": version.at,
        "comment": version.comment,
    })
}

/// Every value of a policy, with the defaults where its text is silent. The keys are
/// those of the text.
fn values(toml: &str) -> Value {
    fn lay_over(under: &mut Value, over: Value) {
        match (under, over) {
            (Value::Object(under), Value::Object(over)) => {
                for (key, value) in over {
                    lay_over(under.entry(key).or_insert(Value::Null), value);
                }
            }
            (under, over) => *under = over,
        }
    }
    let mut all: Value = toml::from_str(DEFAULT_POLICY).unwrap_or(Value::Null);
    lay_over(&mut all, toml::from_str(toml).unwrap_or(Value::Null));
    all
}

/// The line on which a key such as `escalate.enter` stands, or is said to.
fn line_of(toml: &str, key: &str) -> Option<usize> {
    if let Some(line) = key.strip_prefix("line ") {
        return line.parse().ok();
    }
    // `intents.2.examples` stands in the second `[[intents]]`; where it is not said, the heading is named.
    if let Some((place, name)) =
        key.strip_prefix("intents.").map(|rest| rest.split_once('.').unwrap_or((rest, "")))
    {
        let place: usize = place.parse().ok()?;
        let mut headings =
            toml.lines().enumerate().filter(|(_, line)| line.trim().starts_with("[[intents]]"));
        let (heading, _) = headings.nth(place.checked_sub(1)?)?;
        let is_named = |line: &str| line.split_once('=').is_some_and(|(found, _)| found.trim() == name);
        let mut section =
            toml.lines().enumerate().skip(heading + 1).take_while(|(_, line)| !line.starts_with('['));
        let said = section.find(|(_, line)| is_named(line)).map(|(index, _)| index);
        return Some(said.unwrap_or(heading) + 1);
    }
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut inside = String::new();
    for (index, line) in toml.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            inside = header.trim_start_matches('[').split(']').next().unwrap_or_default().trim().to_owned();
            if inside == key {
                return Some(index + 1);
            }
        } else if inside == section && line.split('=').next().is_some_and(|found| found.trim() == name) {
            return Some(index + 1);
        }
    }
    None
}

fn problems(toml: &str, invalid: &[InvalidPolicy]) -> Vec<Problem> {
    let problem = |invalid: &InvalidPolicy| Problem {
        line: line_of(toml, &invalid.key),
        field: Some(invalid.key.clone()),
        message: invalid.to_string(),
    };
    invalid.iter().map(problem).collect()
}

/// Reads a policy out of a request.
pub(super) fn read(toml: &str, version: u32) -> Result<EscalationPolicy, ApiError> {
    parse_policy(toml, version).map_err(|invalid| ApiError::invalid(problems(toml, &invalid)))
}

pub(in crate::http) async fn list(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let versions = http.directory().policies().await?;
    let live = versions.first().map(label);
    Ok(Json(json!({ "live": live, "versions": versions.iter().map(shown).collect::<Vec<_>>() })))
}

pub(in crate::http) async fn show(
    State(http): State<Http>,
    Path(version): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let missing = || ApiError::not_found("the version");
    let found = http.directory().policy(number(&version).ok_or_else(missing)?).await?;
    let (version, toml) = found.ok_or_else(missing)?;
    let mut body = shown(&version);
    body["policy"] = values(&toml);
    body["toml"] = json!(toml);
    Ok(Json(body))
}

#[derive(Deserialize)]
pub(in crate::http) struct Draft {
    toml: String,
}

pub(in crate::http) async fn check(Sent(draft): Sent<Draft>) -> Json<Value> {
    Json(match parse_policy(&draft.toml, 0) {
        Ok(_) => json!({ "problems": [], "policy": values(&draft.toml) }),
        Err(invalid) => json!({ "problems": problems(&draft.toml, &invalid), "policy": null }),
    })
}

#[derive(Deserialize)]
pub(in crate::http) struct Publication {
    toml: String,
    comment: String,
    based_on: String,
}

pub(in crate::http) async fn publish(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<Publication>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut checks = Checks::default();
    let comment = checks.text(&sent.comment, "comment", 500);
    let based_on = number(&sent.based_on);
    checks.expect(
        based_on.is_some().into(),
        "based_on",
        "based_on: the version the draft was made from, as default@3",
    );
    checks.expect((sent.toml.len() <= 64 * 1024).into(), "toml", "toml: at most 64 KiB");
    checks.done()?;
    let based_on = based_on.unwrap_or_default();
    let policy = read(&sent.toml, based_on + 1)?;
    let stamp = http.logins.stamp(Some(&caller));
    let published =
        http.directory().publish_policy(stamp, policy.name.clone(), sent.toml, comment, based_on).await?;
    tracing::info!(policy = %label(&published), "Policy {} is live", label(&published));
    http.flow.set_policy(policy);
    Ok((StatusCode::CREATED, Json(json!({ "live": label(&published), "version": shown(&published) }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_found_on_its_line() {
        let toml = "schema = 1\n\n[escalate]\n# the line\nenter = 2.0\n\n[rules.immediate]\nat = 3\n";
        assert_eq!(line_of(toml, "escalate.enter"), Some(5));
        assert_eq!(line_of(toml, "rules.immediate.at"), Some(8));
        assert_eq!(line_of(toml, "rules.immediate"), Some(7));
        assert_eq!(line_of(toml, "schema"), Some(1));
        assert_eq!(line_of(toml, "line 4"), Some(4));
        assert_eq!(line_of(toml, "score.memory"), None);
        let toml = "[[intents]]\nname = \"a\"\nexamples = [\n  \"x\",\n]\n\n[[intents]]\nexamples = []\n";
        assert_eq!(line_of(toml, "intents.2.examples"), Some(8));
        assert_eq!((line_of(toml, "intents.2.name"), line_of(toml, "intents.1")), (Some(7), Some(1)));
        assert_eq!(line_of(toml, "intents.3.name"), None);
    }

    #[test]
    fn values_are_whole_and_the_text_wins() {
        let values = values("[escalate]\nenter = 0.7\n");
        assert_eq!(values["escalate"]["enter"], 0.7);
        assert!(values["escalate"]["leave"].is_number());
    }
}
