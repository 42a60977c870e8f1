//! IdSource: new identifiers.

/// The only source of chance in the flow.
pub trait IdSource: Send + Sync {
    /// The part of a new identifier after its prefix: unique, and growing with time, in ASCII letters and digits.
    fn suffix(&self) -> String;
}
