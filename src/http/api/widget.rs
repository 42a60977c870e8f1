//! What the widget calls: boot, from the site's page, and another ticket, from the
//! frame. The origin of the boot call is the gate: a socket in the frame has ours.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::BootError;
use crate::http::error::ApiError;
use crate::http::extract::{Client, Sent};
use crate::http::state::Http;

#[derive(Deserialize)]
pub(in crate::http) struct Boot {
    key: String,
    visitor: Option<String>,
    identity: Option<String>,
    locale: Option<String>,
    /// The page that the visitor looks at.
    page: Option<String>,
}

fn origin(headers: &HeaderMap) -> &str {
    headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default()
}

/// Lets the page of that origin read the answer.
fn readable(mut response: Response, origin: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if let Ok(origin) = HeaderValue::from_str(origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

pub(in crate::http) async fn boot(
    State(http): State<Http>,
    Client(from): Client,
    headers: HeaderMap,
    sent: Result<Sent<Boot>, ApiError>,
) -> Response {
    let origin = origin(&headers);
    let Sent(sent) = match sent {
        Ok(sent) => sent,
        Err(error) => return error.into_response(),
    };
    let widget = match http.visitors.widget(&sent.key).await {
        Ok(widget) => widget,
        Err(error) => return ApiError::from(error).into_response(),
    };
    if !(http.site.is_own(origin) || widget.allows(origin)) {
        return ApiError::from(BootError::SiteNotAllowed).into_response();
    }
    // Anybody can write these; everything else of a visitor has to be signed by the site.
    let mut attributes = BTreeMap::from([("site".to_owned(), origin.to_owned())]);
    attributes.extend(sent.page.map(|page| ("page".to_owned(), page)));
    attributes.extend(sent.locale.map(|locale| ("locale".to_owned(), locale)));
    let booted = http
        .visitors
        .boot(&widget, sent.visitor.as_deref(), sent.identity.as_deref(), attributes, from)
        .await;
    let response = match booted {
        Ok(booted) => Json(json!({
            "visitor": booted.secret.expose(),
            "ticket": booted.ticket.expose(),
            "frame": format!("/widget?key={}", widget.key),
            "widget": { "name": widget.name, "accent": widget.accent, "locale": widget.locale },
        }))
        .into_response(),
        Err(error) => ApiError::from(error).into_response(),
    };
    readable(response, origin)
}

/// The question a browser asks before it boots from another origin. Answered with yes
/// to the sites of any widget: which one it is, only the call itself says.
pub(in crate::http) async fn may_boot(
    State(http): State<Http>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let origin = origin(&headers);
    let widgets = http.directory().widgets().await?;
    if !(http.site.is_own(origin) || widgets.iter().any(|widget| widget.allows(origin))) {
        return Err(BootError::SiteNotAllowed.into());
    }
    let mut response = readable(StatusCode::NO_CONTENT.into_response(), origin);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Ok(response)
}

#[derive(Deserialize)]
pub(in crate::http) struct Again {
    key: String,
    visitor: String,
}

pub(in crate::http) async fn ticket(
    State(http): State<Http>,
    Client(from): Client,
    headers: HeaderMap,
    Sent(sent): Sent<Again>,
) -> Result<Json<Value>, ApiError> {
    // The frame is ours; whoever else may ask holds no secret of a visitor.
    let origin = origin(&headers);
    if !origin.is_empty() && !http.site.is_own(origin) {
        return Err(ApiError::wrong_origin());
    }
    let ticket = http.visitors.ticket(&sent.key, &sent.visitor, from).await?;
    Ok(Json(json!({ "ticket": ticket.expose() })))
}
