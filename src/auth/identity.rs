//! Who a visitor is, as their site says and signs: `payload.signature`, both
//! base64url without padding. The payload is JSON, the signature HMAC-SHA256 over
//! the payload's text with the widget's identity key.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::domain::time::Timestamp;

/// What a site says of its visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The site's own name for them: the same person on every device.
    pub id: String,
    /// Their name.
    #[serde(default)]
    pub name: String,
    /// Their address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whatever else the site passes.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// When it stops being true, in seconds since 1970.
    pub exp: i64,
}

/// Why an identity is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not of the form, or signed with another key.
    #[error("the identity is not signed by the site")]
    NotSigned,
    /// Too old.
    #[error("the identity has expired")]
    Expired,
    /// Signed, but not what it should hold.
    #[error("the identity is signed but does not hold an id and exp")]
    Malformed,
}

/// Longest identity that is looked at.
const MAX_BYTES: usize = 8192;

/// Checks a signed identity.
///
/// # Errors
///
/// [`IdentityError`] when it should not be believed.
pub fn read_identity(key: &str, token: &str, now: Timestamp) -> Result<Claims, IdentityError> {
    if token.len() > MAX_BYTES || key.is_empty() {
        return Err(IdentityError::NotSigned);
    }
    let (payload, signature) = token.split_once('.').ok_or(IdentityError::NotSigned)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| IdentityError::NotSigned)?;
    mac(key, payload).verify_slice(&signature).map_err(|_| IdentityError::NotSigned)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| IdentityError::Malformed)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| IdentityError::Malformed)?;
    let is_sane = !claims.id.is_empty() && claims.id.len() <= 256 && claims.name.chars().count() <= 200;
    if !is_sane || claims.attributes.len() > 50 {
        return Err(IdentityError::Malformed);
    }
    if now.as_millis() >= claims.exp.saturating_mul(1000) {
        return Err(IdentityError::Expired);
    }
    Ok(claims)
}

/// Signs an identity, as a site does.
///
/// # Errors
///
/// When the claims cannot be written as JSON.
pub fn sign_identity(key: &str, claims: &Claims) -> Result<String, serde_json::Error> {
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
    let signature = URL_SAFE_NO_PAD.encode(mac(key, &payload).finalize().into_bytes());
    Ok(format!("{payload}.{signature}"))
}

fn mac(key: &str, payload: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(payload.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(exp: i64) -> Claims {
        Claims { id: "42".into(), name: "Mara".into(), email: None, attributes: BTreeMap::new(), exp }
    }

    #[test]
    fn only_what_the_site_signed_is_believed() {
        let now = Timestamp::from_millis(1_000_000);
        let token = sign_identity("key", &claims(2000)).unwrap();
        assert_eq!(read_identity("key", &token, now), Ok(claims(2000)));
        assert_eq!(read_identity("other", &token, now), Err(IdentityError::NotSigned));
        assert_eq!(read_identity("", &token, now), Err(IdentityError::NotSigned));
        assert_eq!(read_identity("key", &token.replace('.', "x."), now), Err(IdentityError::NotSigned));
        let old = sign_identity("key", &claims(1000)).unwrap();
        assert_eq!(read_identity("key", &old, now), Err(IdentityError::Expired));
        let empty = sign_identity("key", &Claims { id: String::new(), ..claims(2000) }).unwrap();
        assert_eq!(read_identity("key", &empty, now), Err(IdentityError::Malformed));
    }
}
