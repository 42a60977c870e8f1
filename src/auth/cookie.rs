//! The cookie of a login.

use std::time::Duration;

use super::token::Secret;

/// How the login cookie is named and marked.
///
/// `__Host-` and `Secure` over TLS. On plain http, which the configuration allows on
/// loopback only, a plain name without `Secure`: some browsers refuse the other there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginCookie {
    is_secure: bool,
}

impl LoginCookie {
    /// For pages served over TLS.
    pub const SECURE: Self = Self { is_secure: true };
    /// For pages served on loopback without TLS.
    pub const PLAIN: Self = Self { is_secure: false };

    /// The cookie's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        if self.is_secure { "__Host-baton" } else { "baton" }
    }

    /// The header that sets it.
    #[must_use]
    pub fn set(self, token: &Secret, lifetime: Duration) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let (name, token, seconds) = (self.name(), token.expose(), lifetime.as_secs());
        format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }

    /// The header that removes it.
    #[must_use]
    pub fn clear(self) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", self.name())
    }

    /// Finds it in the value of a `Cookie` header.
    #[must_use]
    pub fn read(self, header: &str) -> Option<Secret> {
        header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, value)| *name == self.name() && !value.is_empty())
            .map(|(_, value)| Secret::received(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secure_cookie_says_so_and_a_plain_one_does_not() {
        let token = Secret::received("t");
        let secure = LoginCookie::SECURE.set(&token, Duration::from_secs(60));
        assert_eq!(secure, "__Host-baton=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        assert!(!LoginCookie::PLAIN.set(&token, Duration::from_secs(60)).contains("Secure"));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let found = LoginCookie::PLAIN.read("a=1; baton=abc; batons=2");
        assert_eq!(found, Some(Secret::received("abc")));
        assert_eq!(LoginCookie::SECURE.read("baton=abc"), None);
        assert_eq!(LoginCookie::PLAIN.read("baton="), None);
    }
}
