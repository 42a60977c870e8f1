//! Where we are: our own address, and which origins are ours.

use crate::auth::LoginCookie;
use crate::config::PublicUrl;
use crate::domain::id::WidgetKey;

/// Our own address and the build of the pages.
#[derive(Debug, Clone)]
pub struct Site {
    /// The address that browsers use.
    pub public_url: PublicUrl,
    /// Names the pages' files: changes when any of them does.
    pub build: String,
    /// The widget of the example shop, when it is served.
    pub demo_widget: Option<WidgetKey>,
}

impl Site {
    /// Whether pages of this origin are ours. On loopback without TLS every name of
    /// this machine is, with the same port: people type both `localhost` and 127.0.0.1.
    #[must_use]
    pub fn is_own(&self, origin: &str) -> bool {
        if self.public_url.is_origin(origin) {
            return true;
        }
        let Ok(other) = origin.parse::<PublicUrl>() else { return false };
        !self.public_url.is_https() && !other.is_https() && port(&other) == port(&self.public_url)
    }

    /// How the login cookie is named and marked here.
    #[must_use]
    pub fn cookie(&self) -> LoginCookie {
        if self.public_url.is_https() { LoginCookie::SECURE } else { LoginCookie::PLAIN }
    }
}

/// The port of a plain address; its host was checked to be loopback when it was read.
fn port(url: &PublicUrl) -> &str {
    match url.authority().rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port,
        _ => "80",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Site {
        Site { public_url: url.parse().unwrap(), build: String::new(), demo_widget: None }
    }

    #[test]
    fn on_this_machine_every_name_of_it_is_ours() {
        let here = site("http://127.0.0.1:8080");
        for own in ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"] {
            assert!(here.is_own(own), "{own}");
        }
        for other in
            ["http://localhost:3000", "https://localhost:8080", "http://evil.example:8080", "null", ""]
        {
            assert!(!here.is_own(other), "{other}");
        }
    }

    #[test]
    fn in_public_only_the_one_address_is() {
        let there = site("https://help.example");
        assert!(there.is_own("https://help.example"));
        assert!(!there.is_own("http://localhost"));
        assert!(!there.is_own("http://localhost:443"));
        assert!(!there.is_own("https://shop.example"));
    }
}
