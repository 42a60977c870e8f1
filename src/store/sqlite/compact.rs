//! Writing a database anew, so that it holds what stands in it and nothing else.

use std::path::Path;
use std::time::Duration;

use rusqlite::OpenFlags;

use super::backup::BackupError;
use super::connect;

/// Writes the database anew and empties the log beside it. What was overwritten in place may still lie in gaps that
/// rows left when they moved to other pages, and in the log; after this it does not.
///
/// # Errors
///
/// [`BackupError::Busy`] when somebody else held the database for so long; the data are as they were.
pub fn compact(path: &Path, patience: Duration) -> Result<(), BackupError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(patience)?;
    connection.execute_batch("pragma temp_store = file; vacuum")?;
    let is_busy: bool = connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
    if is_busy { Err(BackupError::Busy) } else { Ok(()) }
}
