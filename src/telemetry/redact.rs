//! A value that never prints itself.

use std::fmt;

/// Hides a value from `Debug` and `Display`, so that no log line, panic or error text
/// can carry it (invariant 12).
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for where it is meant to go.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

impl<T> fmt::Display for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_12_a_private_value_never_prints_itself() {
        let private = Private::new("my card is 4111");
        assert_eq!(format!("{private} {private:?}"), "[private] [private]");
        assert_eq!(*private.expose(), "my card is 4111");
    }
}
