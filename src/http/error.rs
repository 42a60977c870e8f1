//! The only map from causes to status codes: problem details of RFC 9457, with a
//! stable `code`. Causes inside are logged here, once, and never sent.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::auth::{AuthError, BootError, NoTicket};
use crate::flow::ports::{DirectoryError, EraseError, StoreError};
use crate::flow::{AdoptError, FlowError};

/// One mistake in what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line it stands on, where it was a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The field or key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    /// A mistake in a field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self { line: None, field: Some(field.to_owned()), message: message.into() }
    }
}

/// An answer that says no.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    problems: Vec<Problem>,
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[Problem]>::is_empty")]
    problems: &'a [Problem],
}

impl ApiError {
    /// An answer with a status, a stable word and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), problems: Vec::new(), retry_after: None }
    }

    /// Nothing is there.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} does not exist"))
    }

    /// What was sent has these mistakes.
    pub fn invalid(problems: Vec<Problem>) -> Self {
        let detail = problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ");
        Self { problems, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    /// Not logged in.
    pub fn not_logged_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_logged_in", "log in first")
    }

    /// Logged in, but not for this.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "your role does not allow this")
    }

    /// From a page that is not ours.
    pub fn wrong_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "wrong_origin", "this call must come from Baton's own pages")
    }

    fn too_many(retry_after: Duration) -> Self {
        let error =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many at once; wait a little");
        Self { retry_after: Some(retry_after), ..error }
    }

    /// The stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let status = self.status.as_u16();
        let body = Body {
            r#type: "about:blank",
            title,
            status,
            code: self.code,
            detail: &self.detail,
            problems: &self.problems,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found("what you asked for"),
            StoreError::Conflict | StoreError::ClientId => {
                Self::new(StatusCode::CONFLICT, "conflict", "somebody else changed it first")
            }
            StoreError::NoRoom => Self::new(StatusCode::CONFLICT, "no_room", "there is no room left"),
            StoreError::Unavailable | StoreError::Corrupt(_) => {
                // Of a store that is not available the store itself has told, once for all that are refused.
                if error == StoreError::Unavailable {
                    tracing::debug!(error = %error, "A request failed: {error}");
                } else {
                    tracing::error!(error = %error, "A request failed: {error}");
                }
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store_unavailable",
                    "the database does not answer; nothing was changed",
                )
            }
        }
    }
}

impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        let code = error.code();
        let detail = error.to_string();
        match error {
            DirectoryError::Store(error) => error.into(),
            DirectoryError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, code, detail),
            DirectoryError::LinkInvalid => Self::new(StatusCode::GONE, code, detail),
            DirectoryError::Taken(_)
            | DirectoryError::Conflict
            | DirectoryError::LastAdmin
            | DirectoryError::QueueInUse => Self::new(StatusCode::CONFLICT, code, detail),
        }
    }
}

impl From<EraseError> for ApiError {
    fn from(error: EraseError) -> Self {
        let detail = error.to_string();
        match error {
            EraseError::Store(error) => error.into(),
            EraseError::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            EraseError::StillOpen(_) => Self::new(StatusCode::CONFLICT, "still_open", detail),
        }
    }
}

impl From<AdoptError> for ApiError {
    fn from(error: AdoptError) -> Self {
        let code = error.code();
        let detail = error.to_string();
        match error {
            AdoptError::Directory(error) => error.into(),
            AdoptError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, code, detail),
            AdoptError::Unusable(_) | AdoptError::AlreadyLive(_) | AdoptError::NothingBefore => {
                Self::new(StatusCode::CONFLICT, code, detail)
            }
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let code = error.code();
        match error {
            AuthError::Directory(error) => error.into(),
            AuthError::TooMany { retry_after } => Self::too_many(retry_after),
            AuthError::WrongPassword => Self::new(
                StatusCode::FORBIDDEN,
                code,
                "that is not the right password, or there is no such account",
            ),
            AuthError::NotLoggedIn => Self::not_logged_in(),
            AuthError::Weak(weak) => {
                Self { code, ..Self::invalid(vec![Problem::field("password", weak.to_string())]) }
            }
        }
    }
}

impl From<BootError> for ApiError {
    fn from(error: BootError) -> Self {
        let code = error.code();
        let detail = error.to_string();
        match error {
            BootError::Store(error) => error.into(),
            BootError::TooMany { retry_after } => Self::too_many(retry_after),
            BootError::UnknownWidget => Self::new(StatusCode::NOT_FOUND, code, detail),
            BootError::SiteNotAllowed => Self::new(StatusCode::FORBIDDEN, code, detail),
            BootError::UnknownVisitor => Self::new(StatusCode::UNAUTHORIZED, code, detail),
            BootError::Identity(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail),
        }
    }
}

impl From<NoTicket> for ApiError {
    fn from(why: NoTicket) -> Self {
        match why {
            NoTicket::TooMany => Self::too_many(Duration::from_secs(5)),
            NoTicket::Store(error) => error.into(),
        }
    }
}

impl From<FlowError> for ApiError {
    fn from(error: FlowError) -> Self {
        let code = error.code();
        let detail = error.to_string();
        match error {
            FlowError::Store(error) => error.into(),
            FlowError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, code, detail),
            FlowError::NotAllowed(_) => Self::new(StatusCode::FORBIDDEN, code, detail),
            FlowError::Conflict | FlowError::Rejected(_) | FlowError::NoRoom => {
                Self::new(StatusCode::CONFLICT, code, detail)
            }
            FlowError::Invalid(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail),
        }
    }
}
