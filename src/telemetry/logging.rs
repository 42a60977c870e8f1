//! Log lines, on standard error: standard output belongs to data.

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, TelemetryConfig};

/// Logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("telemetry.level: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
}

/// Begins logging for the whole process. A second call changes nothing.
///
/// # Errors
///
/// [`LogError::Filter`] when `telemetry.level` is not a filter.
pub fn start_logging(config: &TelemetryConfig) -> Result<(), LogError> {
    // What frameworks say below a warning is about sockets and frames, and may carry headers.
    let filter = if config.level.contains('=') || config.level.contains(',') {
        EnvFilter::try_new(&config.level)?
    } else {
        EnvFilter::try_new(format!("warn,baton={}", config.level))?
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The error says that logging has begun already, which is what was asked for.
    let _ = match config.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
