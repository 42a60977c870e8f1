//! What handlers take out of a request.

use std::net::{IpAddr, SocketAddr};

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::{ApiError, Problem};
use super::state::Http;
use crate::auth::Caller;

/// The address of the client: the peer, or what a trusted proxy says.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub IpAddr);

impl Client {
    /// Reads it from the peer and the headers. Of X-Forwarded-For the last address that
    /// is not a trusted proxy counts: those before it anybody can write.
    pub fn of(http: &Http, parts: &Parts) -> Self {
        let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
            return Self(IpAddr::from([127, 0, 0, 1]));
        };
        let peer = peer.ip().to_canonical();
        if !http.config.server.trusts(peer) {
            return Self(peer);
        }
        let headers = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<IpAddr> = headers
            .flat_map(|value| value.split(','))
            .filter_map(|hop| hop.trim().parse::<IpAddr>().ok())
            .map(|hop| hop.to_canonical())
            .collect();
        Self(hops.into_iter().rev().find(|hop| !http.config.server.trusts(*hop)).unwrap_or(peer))
    }
}

impl FromRequestParts<Http> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, ApiError> {
        Ok(Self::of(http, parts))
    }
}

/// The caller whom the guard let through. A handler that takes it on a route open to
/// anybody always refuses.
impl FromRequestParts<Http> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _http: &Http) -> Result<Self, ApiError> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(ApiError::not_logged_in)
    }
}

/// A body of JSON; what is wrong with it is said as a problem.
#[derive(Debug)]
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Http> for Sent<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, http: &Http) -> Result<Self, ApiError> {
        match axum::Json::<T>::from_request(request, http).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "send JSON, with content-type: application/json",
            )),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large"))
            }
            Err(error) => {
                // The framework's sentence begins with its own words, up to the first colon.
                let text = error.body_text();
                let message = text.split_once(": ").map_or(text.as_str(), |(_, message)| message).to_owned();
                let problem = Problem { line: None, field: None, message };
                Err(ApiError::invalid(vec![problem]))
            }
        }
    }
}

/// Checks of fields, gathered so that every mistake is named at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<Problem>);

impl Checks {
    /// Notes a mistake unless the condition holds.
    pub fn expect(&mut self, holds: Holds, field: &str, message: &str) {
        if holds == Holds::No {
            self.0.push(Problem::field(field, message));
        }
    }

    /// A text of 1 to `most` characters after trimming; the trimmed text.
    pub fn text(&mut self, value: &str, field: &str, most: usize) -> String {
        let value = value.trim();
        let n_chars = value.chars().count();
        let fits = n_chars >= 1
            && n_chars <= most
            && !value.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        self.expect(fits.into(), field, &format!("{field}: write 1 to {most} characters"));
        value.to_owned()
    }

    /// A value that says itself what is wrong with it.
    pub fn parsed<T, E: std::fmt::Display>(&mut self, value: Result<T, E>, field: &str) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push(Problem::field(field, error.to_string()));
                None
            }
        }
    }

    /// Adds a mistake.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// # Errors
    ///
    /// All mistakes noted so far.
    pub fn done(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.0)) }
    }
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
}

impl From<bool> for Holds {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}
