//! Who may call a route. The guard stands in front of every route of the table, so
//! that a route without a rule cannot exist.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::state::Http;
use crate::auth::Caller;
use crate::domain::agent::Permission;

/// The header that a page of another origin cannot send without asking first.
pub const CSRF_HEADER: &str = "x-baton-csrf";

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; it changes nothing and shows nothing that is not public.
    Anybody,
    /// Anybody from our own pages, or from no page at all: it proves who is asking by
    /// what is sent, not by a cookie.
    OwnPages,
    /// Pages of the widget's sites: the handler checks the origin against the key.
    WidgetSites,
    /// Accounts that may do this. Changing calls only from our own pages.
    Account(Permission),
}

/// What the guard needs to know.
#[derive(Clone)]
pub(super) struct Gate {
    pub http: Http,
    pub access: Access,
}

/// Lets a request through, with its [`Caller`] where one is needed.
pub(super) async fn guard(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    match check(&gate, &method, &headers).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn check(gate: &Gate, method: &Method, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
    match gate.access {
        Access::Anybody | Access::WidgetSites => Ok(None),
        Access::OwnPages => {
            // Without an origin it is no browser, and there is no cookie to abuse.
            if headers.contains_key(header::ORIGIN) {
                check_own_page(gate, headers)?;
            }
            Ok(None)
        }
        Access::Account(permission) => {
            let caller = caller(&gate.http, headers).await?;
            if !matches!(*method, Method::GET | Method::HEAD) {
                check_own_page(gate, headers)?;
            }
            if caller.may(permission) { Ok(Some(caller)) } else { Err(ApiError::forbidden()) }
        }
    }
}

/// A changing call with a cookie: the origin is ours where the browser says it, and the
/// header is there, which no form and no simple request of another page can send.
fn check_own_page(gate: &Gate, headers: &HeaderMap) -> Result<(), ApiError> {
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or_default());
    if origin.is_some_and(|origin| !gate.http.site.is_own(origin)) || !headers.contains_key(CSRF_HEADER) {
        return Err(ApiError::wrong_origin());
    }
    Ok(())
}

/// Who holds the cookie of this request.
pub(super) async fn caller(http: &Http, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let cookie = http.site.cookie();
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let token = cookies.filter_map(|value| cookie.read(value)).next().ok_or_else(ApiError::not_logged_in)?;
    Ok(http.logins.caller(&token).await?)
}
