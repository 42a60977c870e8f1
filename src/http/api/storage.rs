//! Storage: how large the database is, how it grows, how much room is left, and the
//! numbers of what retention removed.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::http::error::ApiError;
use crate::http::state::Http;

pub(in crate::http) async fn show(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let state = http.housekeeping.state().await?;
    let kept = http.housekeeping.kept_counts().await?;
    let keeping = http.housekeeping.keeping();
    Ok(Json(json!({
        "bytes": state.bytes,
        "free_bytes": state.free,
        "least_free_bytes": keeping.least_free,
        "low": state.is_low,
        // Null: a day was not measured yet, or nobody knows.
        "growth_bytes_per_day": state.growth_per_day.map(f64::round),
        "days_left": state.days_left.map(f64::floor),
        "keep_closed_s": keeping.closed.map(|kept| kept.as_secs()),
        "removed": {
            "conversations": kept.conversations,
            "visitor_messages": kept.visitor_messages,
            "bot_messages": kept.bot_messages,
            "agent_messages": kept.agent_messages,
            "handoffs": kept.handoffs,
            "answered": kept.answered,
            "abandoned": kept.abandoned,
            "rated": kept.rated,
            "rating_sum": kept.rating_sum,
        },
    })))
}
