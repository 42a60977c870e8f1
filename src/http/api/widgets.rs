//! Widgets: keys, the sites that may show them, and how they look.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DONE, path_id};
use crate::auth::{Caller, Secret};
use crate::domain::agent::Permission;
use crate::domain::id::WidgetKey;
use crate::domain::site::{Origin, Widget};
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Checks, Sent};
use crate::http::state::Http;

/// The line that a site puts into its pages.
fn snippet(http: &Http, key: &WidgetKey) -> String {
    format!("<script async src=\"{}\" data-key=\"{key}\"></script>", http.site.public_url.join("/widget.js"))
}

fn shown(http: &Http, caller: &Caller, widget: &Widget) -> Value {
    let mut body = json!({
        "key": widget.key,
        "name": widget.name,
        "sites": widget.sites.iter().map(Origin::as_str).collect::<Vec<_>>(),
        "greeting": widget.greeting,
        "accent": widget.accent,
        "locale": widget.locale,
        "created_at": widget.created_at,
        "snippet": snippet(http, &widget.key),
    });
    // With this key anybody can say who a visitor is.
    if caller.may(Permission::Administer) {
        body["identity_key"] = json!(widget.identity_key);
    }
    body
}

pub(in crate::http) async fn list(State(http): State<Http>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let widgets = http.directory().widgets().await?;
    let widgets: Vec<Value> = widgets.iter().map(|widget| shown(&http, &caller, widget)).collect();
    Ok(Json(json!({ "widgets": widgets })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Change {
    name: Option<String>,
    sites: Option<Vec<String>>,
    greeting: Option<String>,
    accent: Option<String>,
    locale: Option<String>,
}

fn apply(widget: &mut Widget, sent: Change) -> Result<(), ApiError> {
    let mut checks = Checks::default();
    if let Some(name) = sent.name {
        widget.name = checks.text(&name, "name", 60);
    }
    if let Some(sites) = sent.sites {
        checks.expect((sites.len() <= 50).into(), "sites", "sites: at most 50");
        let sites = sites.iter().filter_map(|site| match Origin::parse(site) {
            Ok(site) => Some(site),
            Err(error) => {
                checks.add(Problem::field("sites", format!("`{site}`: {error}")));
                None
            }
        });
        widget.sites = sites.collect();
    }
    if let Some(greeting) = sent.greeting {
        widget.greeting = checks.text(&greeting, "greeting", 500);
    }
    if let Some(accent) = sent.accent {
        let digits = accent.strip_prefix('#').unwrap_or_default();
        let is_color = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        checks.expect(is_color.into(), "accent", "accent: a color such as #0b6e4f");
        widget.accent = accent.to_lowercase();
    }
    if let Some(locale) = sent.locale {
        let is_locale = (2..=12).contains(&locale.len())
            && locale.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        checks.expect(is_locale.into(), "locale", "locale: a language such as en or de");
        widget.locale = locale;
    }
    checks.done()
}

pub(in crate::http) async fn create(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<Change>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if sent.name.is_none() {
        return Err(ApiError::invalid(vec![Problem::field("name", "name: write 1 to 60 characters")]));
    }
    let now = http.now();
    let mut widget = Widget {
        key: WidgetKey::from_suffix(&http.new_suffix()),
        name: String::new(),
        sites: Vec::new(),
        greeting: "Hello. Ask me anything; a person is one click away.".into(),
        accent: "#0b6e4f".into(),
        locale: "en".into(),
        identity_key: Secret::new().expose().to_owned(),
        created_at: now,
    };
    apply(&mut widget, sent)?;
    let body = json!({ "widget": shown(&http, &caller, &widget), "key": widget.key, "snippet": snippet(&http, &widget.key) });
    http.directory().save_widget(http.logins.stamp(Some(&caller)), widget).await?;
    Ok((StatusCode::CREATED, Json(body)))
}

pub(in crate::http) async fn change(
    State(http): State<Http>,
    caller: Caller,
    Path(key): Path<String>,
    Sent(sent): Sent<Change>,
) -> Result<Json<Value>, ApiError> {
    let key = path_id(WidgetKey::parse(&key), "the widget")?;
    let mut widget = http.directory().widget(&key).await?.ok_or_else(|| ApiError::not_found("the widget"))?;
    apply(&mut widget, sent)?;
    let body = json!({ "widget": shown(&http, &caller, &widget) });
    http.directory().save_widget(http.logins.stamp(Some(&caller)), widget).await?;
    Ok(Json(body))
}

pub(in crate::http) async fn remove(
    State(http): State<Http>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    let key = path_id(WidgetKey::parse(&key), "the widget")?;
    http.directory().remove_widget(http.logins.stamp(Some(&caller)), key).await?;
    Ok(DONE)
}
