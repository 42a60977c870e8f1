//! The pages, each with its policy. What they show comes from the API.

use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::assets;
use super::headers::page_policy;
use super::state::Http;
use crate::domain::id::WidgetKey;
use crate::domain::site::Origin;

/// A page from its file, with the addresses of its own files put in.
fn page(http: &Http, file: &str, frame_ancestors: &str) -> Response {
    let Some(text) = assets::text(file) else { return missing(http, StatusCode::NOT_FOUND) };
    let key = http.site.demo_widget.as_ref().map_or("", WidgetKey::as_str);
    let text =
        text.replace("{{assets}}", &format!("/assets/{}", http.site.build)).replace("{{widget_key}}", key);
    finish(http, Html(text).into_response(), frame_ancestors)
}

fn finish(http: &Http, mut response: Response, frame_ancestors: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&page_policy(http, frame_ancestors)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if frame_ancestors == "'none'" {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    } else {
        // The widget is shown inside other sites' pages.
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    response
}

/// A page for an address where nothing is.
fn missing(http: &Http, status: StatusCode) -> Response {
    let text = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Not found</title>\n\
                <p>There is nothing at this address. <a href=\"/\">Go to the start</a></p>\n";
    finish(http, (status, Html(text)).into_response(), "'none'")
}

pub(super) async fn home(State(http): State<Http>) -> Response {
    page(&http, "home/index.html", "'none'")
}

pub(super) async fn demo(State(http): State<Http>) -> Response {
    if http.site.demo_widget.is_none() {
        return missing(&http, StatusCode::NOT_FOUND);
    }
    page(&http, "demo/index.html", "'none'")
}

pub(super) async fn agent(State(http): State<Http>) -> Response {
    page(&http, "console/index.html", "'none'")
}

pub(super) async fn admin(State(http): State<Http>) -> Response {
    page(&http, "admin/index.html", "'none'")
}

pub(super) async fn login(State(http): State<Http>) -> Response {
    page(&http, "login/index.html", "'none'")
}

#[derive(Deserialize)]
pub(super) struct WidgetQuery {
    #[serde(default)]
    key: String,
}

/// The widget inside its frame: only the pages on the key's list, and ours, may show it.
pub(super) async fn widget(State(http): State<Http>, Query(query): Query<WidgetQuery>) -> Response {
    match http.visitors.widget(&query.key).await {
        Ok(widget) => {
            let sites: Vec<&str> = widget.sites.iter().map(Origin::as_str).collect();
            page(&http, "widget/widget.html", &format!("'self' {}", sites.join(" ")))
        }
        Err(_) => missing(&http, StatusCode::NOT_FOUND),
    }
}

/// The loader that sites include. It keeps its address, so it is cached for minutes only.
pub(super) async fn loader() -> Response {
    let Some(text) = assets::text("widget/embed.js") else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL.as_str(), "public, max-age=300"),
        ("cross-origin-resource-policy", "cross-origin"),
    ];
    (headers, text).into_response()
}

pub(super) async fn icon(State(http): State<Http>) -> Redirect {
    Redirect::temporary(&format!("/assets/{}/shared/favicon.svg", http.site.build))
}

/// Addresses where nothing is: JSON for the API, a page for the rest.
pub(super) async fn nothing(State(http): State<Http>, uri: axum::http::Uri) -> Response {
    if uri.path().starts_with("/api/") {
        super::ApiError::not_found("this address").into_response()
    } else {
        missing(&http, StatusCode::NOT_FOUND)
    }
}
