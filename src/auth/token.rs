//! Secrets made by chance, and the hashes that are kept of them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use crate::flow::ports::directory::SecretHash;

/// 256 random bits as text. Shown once to whoever it is for; only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new secret from the operating system's source of chance.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = [0; 32];
        OsRng.try_fill_bytes(&mut bytes).expect("the operating system has a source of chance");
        Self(URL_SAFE_NO_PAD.encode(bytes))
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
}
