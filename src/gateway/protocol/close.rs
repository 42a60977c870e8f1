//! Why a socket is closed: the codes, and what a client does about each.
//!
//! The one table of them; `docs/protocol.md` shows it, kept in step by a test.

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// Somebody said good-bye in order.
    Normal,
    /// The server stops or restarts.
    GoingAway,
    /// Something broke on our side.
    Internal,
    /// The peer reads too slowly for what there is to tell it.
    TooSlow,
    /// What came is not a frame of this protocol.
    Malformed,
    /// The ticket was used, is too old, or never was one.
    TicketInvalid,
    /// The account or visitor may not come in here, or not any more.
    NotAllowed,
    /// Nothing was heard of the peer in time.
    HeartbeatLost,
    /// A newer socket of the same visitor or agent took its place.
    Replaced,
    /// A frame larger than allowed.
    TooLarge,
    /// Too many sockets from one address, or too many frames.
    TooMany,
}

/// What a client does after a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Then {
    /// Connects again after a short, growing, random pause and resumes.
    Resume,
    /// Gets another ticket, connects again and resumes.
    NewTicket,
    /// Waits at least fifteen seconds, connects again and resumes.
    Pause,
    /// Stops: the same again would end the same way.
    Stop,
}

impl Close {
    /// Every reason, by code.
    pub const ALL: [Self; 11] = [
        Self::Normal,
        Self::GoingAway,
        Self::Internal,
        Self::TooSlow,
        Self::Malformed,
        Self::TicketInvalid,
        Self::NotAllowed,
        Self::HeartbeatLost,
        Self::Replaced,
        Self::TooLarge,
        Self::TooMany,
    ];

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Internal => 1011,
            Self::TooSlow => 1013,
            Self::Malformed => 4400,
            Self::TicketInvalid => 4401,
            Self::NotAllowed => 4403,
            Self::HeartbeatLost => 4408,
            Self::Replaced => 4409,
            Self::TooLarge => 4413,
            Self::TooMany => 4429,
        }
    }

    /// The word for it: the reason text of the close frame, the metric's label and the log's field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::GoingAway => "going_away",
            Self::Internal => "internal",
            Self::TooSlow => "too_slow",
            Self::Malformed => "malformed",
            Self::TicketInvalid => "ticket_invalid",
            Self::NotAllowed => "not_allowed",
            Self::HeartbeatLost => "heartbeat_lost",
            Self::Replaced => "replaced",
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
        }
    }

    /// What a client does about it.
    #[must_use]
    pub fn then(self) -> Then {
        match self {
            Self::Normal | Self::GoingAway | Self::Internal | Self::TooSlow | Self::HeartbeatLost => {
                Then::Resume
            }
            Self::TicketInvalid => Then::NewTicket,
            Self::TooMany => Then::Pause,
            Self::Malformed | Self::NotAllowed | Self::Replaced | Self::TooLarge => Then::Stop,
        }
    }

    /// Whether a client may come back and go on from the last entry it saw.
    #[must_use]
    pub fn is_resumable(self) -> bool {
        self.then() != Then::Stop
    }

    /// What it means, in a sentence for the table of `docs/protocol.md`.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Normal => "Either side said good-bye.",
            Self::GoingAway => {
                "The server stops or restarts. Come back spread over seconds, not all at once."
            }
            Self::Internal => "Something broke on the server's side.",
            Self::TooSlow => {
                "The client reads more slowly than entries come. Nothing is lost: the log has them."
            }
            Self::Malformed => "What came is binary, not UTF-8, not a JSON object, or has no `type`.",
            Self::TicketInvalid => "The ticket was used before, is too old, or never was one.",
            Self::NotAllowed => "The ticket is for the other kind of socket, or the account was disabled.",
            Self::HeartbeatLost => "The server's pings were not answered in time.",
            Self::Replaced => {
                "The same visitor or account has opened too many sockets; the oldest makes room."
            }
            Self::TooLarge => "A frame larger than the limit.",
            Self::TooMany => "Too many sockets from one address, or far too many frames on this one.",
        }
    }
}

impl Then {
    /// What to do, for the table of `docs/protocol.md`.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Resume => "reconnect and resume",
            Self::NewTicket => "get a new ticket, reconnect and resume",
            Self::Pause => "wait 15 seconds or more, reconnect and resume",
            Self::Stop => "stop",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_name_is_used_once() {
        let codes: std::collections::BTreeSet<u16> = Close::ALL.into_iter().map(Close::code).collect();
        let names: std::collections::BTreeSet<&str> = Close::ALL.into_iter().map(Close::name).collect();
        assert_eq!((codes.len(), names.len()), (Close::ALL.len(), Close::ALL.len()));
        assert!(Close::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }
}
