//! What makes a retry harmless: the name of a command and what it says.

use super::ports::CommandKey;
use sha2::{Digest, Sha256};

/// The key of a command by this actor. `content` is all that it says; parts are told apart by their lengths.
pub(super) fn key(actor: &str, client_id: &str, content: &[&str]) -> CommandKey {
    let mut hash = Sha256::new();
    for part in content {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    CommandKey { actor: actor.to_owned(), client_id: client_id.to_owned(), digest }
}
