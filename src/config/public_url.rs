//! The address that browsers use. Only scheme, host and port: Baton is served at
//! the root of its name.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// `https://host[:port]`, or plain http on this machine.
///
/// Plain http anywhere else is refused when the text is read: cookies, passwords
/// and messages would travel in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    is_https: bool,
    /// Host and, unless it is the scheme's own, port. Lower case.
    authority: String,
}

impl PublicUrl {
    /// Plain http on the address that was bound: right for a listener on loopback.
    #[must_use]
    pub fn of_listener(local: SocketAddr) -> Self {
        let authority = if local.port() == 80 {
            local.to_string().trim_end_matches(":80").to_owned()
        } else {
            local.to_string()
        };
        Self { is_https: false, authority }
    }

    /// Whether browsers reach Baton over TLS: cookies are `Secure` then.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Host and port as browsers write them into `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether a browser's `Origin` header names this address.
    #[must_use]
    pub fn is_origin(&self, origin: &str) -> bool {
        let scheme = if self.is_https { "https://" } else { "http://" };
        origin.strip_prefix(scheme).is_some_and(|authority| authority.eq_ignore_ascii_case(&self.authority))
    }

    /// The full address of a path that begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_https { "https" } else { "http" }, self.authority)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not an address like https://help.example (scheme, host, port, no path)");
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
        let (host, port) = split_port(&authority).ok_or_else(wrong)?;
        let is_name = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        let is_bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
        if host.is_empty() || !(is_name || is_bracketed) {
            return Err(wrong());
        }
        if !is_https && !is_loopback(host) {
            return Err(format!(
                "plain http is refused for `{host}`: put TLS in front and use https, or use http://127.0.0.1"
            ));
        }
        let own_port = if is_https { 443 } else { 80 };
        let authority = match port {
            Some(port) if port != own_port => format!("{host}:{port}"),
            _ => host.to_owned(),
        };
        Ok(Self { is_https, authority })
    }
}

/// Splits `host:port` and `[v6]:port`; the port may be missing.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_host = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_host..].rfind(':') {
        None => Some((authority, None)),
        Some(at) => {
            let at = after_host + at;
            Some((&authority[..at], Some(authority[at + 1..].parse().ok()?)))
        }
    }
}

/// Whether a host can only be this machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written) in [
            ("https://help.example", "https://help.example"),
            ("https://Help.Example:443/", "https://help.example"),
            ("https://help.example:8443", "https://help.example:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://shop.localhost", "http://shop.localhost"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_or_not_safe_is_refused() {
        for text in [
            "help.example",
            "ftp://help.example",
            "https://",
            "https://a b",
            "https://help.example/baton",
            "https://help.example?x",
            "https://me@help.example",
            "https://help.example:x",
            "http://help.example",
            "http://0.0.0.0:8080",
            "http://10.0.0.1",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_matches_exactly() {
        let url: PublicUrl = "https://help.example".parse().unwrap();
        assert!(url.is_origin("https://help.example"));
        assert!(!url.is_origin("http://help.example"));
        assert!(!url.is_origin("https://help.example.evil"));
        assert!(!url.is_origin("https://help.example:444"));
        assert!(!url.is_origin("null"));
    }
}
