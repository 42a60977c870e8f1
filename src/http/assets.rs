//! The files of the pages: inside the binary, or from disk in debug builds.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::lean::lean;
use super::state::Http;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Tests and notes for the type checker lie beside the files, and are nobody's to load.
fn is_served(name: &str) -> bool {
    !(name.ends_with(".test.js")
        || name.ends_with(".d.ts")
        || name.split('/').any(|part| part.starts_with('.')))
}

/// Whether files come from disk and may change while the service runs.
const IS_FROM_DISK: bool = cfg!(debug_assertions);

/// A word that changes when any file does: the part of addresses that makes them
/// cacheable for ever. Not a hash of each name, so that relative imports keep working.
#[must_use]
pub fn build() -> String {
    let mut names: Vec<_> = Files::iter().filter(|name| is_served(name)).collect();
    names.sort();
    let mut hasher = Sha256::new();
    for name in names {
        if let Some(file) = Files::get(&name) {
            hasher.update(name.as_bytes());
            hasher.update([0]);
            hasher.update(file.metadata.sha256_hash());
        }
    }
    hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The text of an embedded file, without its comments.
pub(super) fn text(name: &str) -> Option<String> {
    let text = Files::get(name).and_then(|file| String::from_utf8(file.data.into_owned()).ok())?;
    Some(lean(name, &text))
}

/// `/assets/{build}/{*name}`.
pub(super) async fn serve(State(http): State<Http>, Path((build, name)): Path<(String, String)>) -> Response {
    // Pages are served at their own addresses, with their own policies.
    let file = if name.ends_with(".html") || !is_served(&name) { None } else { Files::get(&name) };
    let Some(file) = file else { return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response() };
    let mime = file.metadata.mimetype().to_owned();
    let mime = if mime.starts_with("text/") && !mime.contains("charset") {
        format!("{mime}; charset=utf-8")
    } else {
        mime
    };
    let cache = if IS_FROM_DISK || build != http.site.build {
        "no-cache"
    } else {
        "public, max-age=31536000, immutable"
    };
    let mut response = match std::str::from_utf8(&file.data) {
        Ok(text) => lean(&name, text).into_response(),
        Err(_) => file.data.into_owned().into_response(),
    };
    let headers = response.headers_mut();
    let mime = HeaderValue::from_str(&mime).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, mime);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}
