//! The sites Baton stands on: widgets, and which pages may show them.

use std::fmt;

use super::id::WidgetKey;
use super::time::Timestamp;

/// Scheme, host and port of a page, as browsers write it into `Origin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(Box<str>);

/// The text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a site such as https://shop.example was expected: scheme and host, no path")]
pub struct InvalidOrigin;

impl Origin {
    /// Reads an origin; a slash at the end and a scheme's own port are dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] when it is not `http(s)://host[:port]`. No wildcards: a
    /// site that may show the widget is named.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_suffix('/').unwrap_or(&text);
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let own_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(InvalidOrigin),
        };
        let authority = authority.strip_suffix(own_port).unwrap_or(authority);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '[' | ']');
        if authority.is_empty() || authority.starts_with(':') || !authority.chars().all(is_plain) {
            return Err(InvalidOrigin);
        }
        Ok(Self(format!("{scheme}://{authority}").into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One widget on one or more sites.
#[derive(Clone, PartialEq, Eq)]
pub struct Widget {
    /// What the snippet carries. Public.
    pub key: WidgetKey,
    /// The name at the top of the widget.
    pub name: String,
    /// The pages that may show it. Our own pages always may.
    pub sites: Vec<Origin>,
    /// The first words of the bot.
    pub greeting: String,
    /// The color of buttons, as `#rrggbb`.
    pub accent: String,
    /// The language of the widget's own words.
    pub locale: String,
    /// The key with which the site signs who its visitors are. Secret.
    pub identity_key: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for Widget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Widget").field("key", &self.key).field("sites", &self.sites).finish_non_exhaustive()
    }
}

impl Widget {
    /// Whether a page of this origin may show the widget.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        Origin::parse(origin).is_ok_and(|origin| self.sites.contains(&origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, read) in [
            ("https://Shop.example/", "https://shop.example"),
            ("https://shop.example:443", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), read);
        }
        for wrong in [
            "shop.example",
            "https://",
            "https://*.example",
            "https://a/b",
            "ftp://a",
            "null",
            "https://a;script-src *",
        ] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }
}
