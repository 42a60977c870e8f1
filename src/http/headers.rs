//! Headers that keep browsers strict, on every answer.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::state::Http;

/// For answers that are no pages: nothing may be loaded or framed.
const CSP_NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The policy of a page: our own files only, nothing inline. `frame_ancestors` says who
/// may show it in a frame.
pub(super) fn page_policy(http: &Http, frame_ancestors: &str) -> String {
    let url = &http.site.public_url;
    let socket = format!("{}://{}", if url.is_https() { "wss" } else { "ws" }, url.authority());
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         media-src 'self' data:; manifest-src 'self'; connect-src 'self' {socket}; frame-src 'self'; \
         form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors {frame_ancestors}"
    )
}

/// Adds what every answer carries, and counts the answer.
pub(super) async fn on_every_answer(State(http): State<Http>, request: Request, next: Next) -> Response {
    let begun = http.now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    http.metrics.request_answered(&route, response.status().as_u16(), http.now().since(begun));

    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::CONTENT_SECURITY_POLICY, CSP_NOTHING);
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    put(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    );
    if http.site.public_url.is_https() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if is_api {
        put(header::CACHE_CONTROL, "no-store");
    }
    response
}
