//! Secrets made by chance, and the hashes that are kept of them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use crate::domain::time::Timestamp;
use crate::flow::ports::directory::SecretHash;

/// 256 random bits as text. Shown once to whoever it is for; only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new secret from the operating system's source of chance.
    #[must_use]
    pub fn new() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::<32>()))
    }

    /// A secret as somebody sent it.
    #[must_use]
    pub fn received(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, to hand out.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it. A plain hash is enough: 256 random bits cannot be guessed.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        let digest = Sha256::digest(self.0.as_bytes());
        SecretHash(URL_SAFE_NO_PAD.encode(digest))
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Bytes from the operating system's source of chance.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system has a source of chance");
    bytes
}

/// The part of an identifier after its prefix: time first, so that identifiers sort
/// by age, then 80 random bits. Crockford's base 32.
#[must_use]
pub fn new_suffix(now: Timestamp) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bits = u128::from(now.as_millis().unsigned_abs()) << 80;
    for (at, byte) in random::<10>().into_iter().enumerate() {
        bits |= u128::from(byte) << (8 * at);
    }
    (0..26).rev().map(|place| char::from(LETTERS[((bits >> (5 * place)) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_new_every_time_and_never_prints_itself() {
        let secret = Secret::new();
        assert_ne!(secret, Secret::new());
        assert_eq!(secret.expose().len(), 43);
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "[secret] [hash]");
        assert_eq!(Secret::received(secret.expose()).hash(), secret.hash());
    }

    #[test]
    fn suffixes_sort_by_time() {
        let earlier = new_suffix(Timestamp::from_millis(1_700_000_000_000));
        let later = new_suffix(Timestamp::from_millis(1_700_000_000_001));
        assert!(earlier < later, "{earlier} {later}");
        assert_eq!(earlier.len(), 26);
    }
}
