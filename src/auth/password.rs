//! Passwords: Argon2id, away from the threads that serve, a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::config::AuthConfig;
use crate::flow::ports::directory::SecretHash;

/// Longest password that is hashed: more is only work for us.
const MAX_BYTES: usize = 1024;

/// The password is too easy to guess, or too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WeakPassword(pub String);

/// The costs of hashing cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("auth.hash_memory and auth.hash_passes: {0}")]
pub struct InvalidCost(argon2::Error);

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    min_chars: usize,
    /// Each hash takes megabytes and a core: only so many at once.
    workers: Arc<Semaphore>,
    /// What a password is checked against where there is no account, so that the
    /// answer takes as long.
    nobody: SecretHash,
}

impl Passwords {
    /// With the costs of the configuration.
    ///
    /// # Errors
    ///
    /// [`InvalidCost`] when the costs are outside what Argon2 allows.
    pub fn new(config: &AuthConfig) -> Result<Self, InvalidCost> {
        let params =
            Params::new(config.hash_memory.get(), config.hash_passes.get(), 1, None).map_err(InvalidCost)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, "nobody has this password");
        let workers = Arc::new(Semaphore::new(config.hash_workers.get()));
        Ok(Self { argon2, min_chars: config.min_password_chars.get(), workers, nobody })
    }

    /// Refuses what is easy to guess: too short, one letter repeated, or the address itself.
    ///
    /// # Errors
    ///
    /// [`WeakPassword`] says what to do.
    pub fn check_strength(&self, password: &SecretString, email: &str) -> Result<(), WeakPassword> {
        let text = password.expose_secret();
        let n_chars = text.chars().count();
        if n_chars < self.min_chars {
            return Err(WeakPassword(format!(
                "use at least {} characters; a few words are fine",
                self.min_chars
            )));
        }
        if text.len() > MAX_BYTES {
            return Err(WeakPassword(format!("use at most {MAX_BYTES} bytes")));
        }
        let mut distinct: Vec<char> = text.chars().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let local = email.split('@').next().unwrap_or_default();
        if distinct.len() < 4 || text.eq_ignore_ascii_case(email) || text.eq_ignore_ascii_case(local) {
            return Err(WeakPassword("that is too easy to guess; a few words are fine".into()));
        }
        Ok(())
    }

    /// Hashes a password.
    pub async fn hash(&self, password: SecretString) -> SecretHash {
        let argon2 = self.argon2.clone();
        self.work(move || hash(&argon2, password.expose_secret())).await
    }

    /// Whether the password is the one that was hashed. Takes as long where there is
    /// no hash to compare with.
    pub async fn is_right(&self, stored: Option<SecretHash>, password: SecretString) -> bool {
        let is_known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let argon2 = self.argon2.clone();
        let is_equal = self
            .work(move || {
                let Ok(parsed) = PasswordHash::new(&stored.0) else { return false };
                password.expose_secret().len() <= MAX_BYTES
                    && argon2.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok()
            })
            .await;
        is_equal && is_known
    }

    /// Runs one hash on a thread of its own, when a place is free.
    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let permit = Arc::clone(&self.workers).acquire_owned().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || {
            let result = job();
            drop(permit);
            result
        })
        .await
        .expect("hashing does not panic")
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> SecretHash {
    let mut salt = [0; 16];
    OsRng.try_fill_bytes(&mut salt).expect("the operating system has a source of chance");
    let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
    SecretHash(
        argon2.hash_password(password.as_bytes(), &salt).expect("the parameters were checked").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, load};

    fn passwords() -> Passwords {
        let environment = vec![
            ("BATON_AUTH__HASH_MEMORY".into(), "8192".into()),
            ("BATON_AUTH__HASH_PASSES".into(), "1".into()),
        ];
        Passwords::new(&load(&Layers { environment, ..Layers::default() }).unwrap().auth).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = passwords();
        let stored = passwords.hash("a few plain words".into()).await;
        assert!(stored.0.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"));
        assert!(passwords.is_right(Some(stored.clone()), "a few plain words".into()).await);
        assert!(!passwords.is_right(Some(stored), "a few plain word".into()).await);
        assert!(!passwords.is_right(None, "nobody has this password".into()).await);
    }

    #[test]
    fn easy_passwords_are_refused() {
        let passwords = passwords();
        for weak in ["short", "aaaaaaaaaaaaaa", "ana@shop.example", "ababababababab"] {
            assert!(passwords.check_strength(&weak.into(), "ana@shop.example").is_err(), "{weak}");
        }
        assert!(passwords.check_strength(&"x".repeat(2000).into(), "ana@shop.example").is_err());
        assert!(passwords.check_strength(&"a few plain words".into(), "ana@shop.example").is_ok());
    }
}
