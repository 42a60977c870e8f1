//! When a peer is pinged, and when it counts as gone.
//!
//! On the runtime's time, not on the clock port's: a test that moves the clock by an
//! hour does not mean that a network was silent for an hour.

use std::time::Duration;

use tokio::time::Instant;

/// The heartbeat of one socket.
#[derive(Debug)]
pub struct Heartbeat {
    interval: Duration,
    grace: Duration,
    heard_at: Instant,
    next_ping_at: Instant,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Send a ping.
    Ping,
    /// Nothing was heard in time: the peer is gone.
    Lost,
}

impl Heartbeat {
    /// A peer that was heard just now is pinged every `interval` and gone after `grace` without a sound.
    #[must_use]
    pub fn new(interval: Duration, grace: Duration) -> Self {
        let now = Instant::now();
        Self { interval, grace, heard_at: now, next_ping_at: now + interval }
    }

    /// Something came, whatever it was.
    pub fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// Waits for what is due next. Nothing is lost when it is dropped and called again.
    pub async fn next(&mut self) -> Beat {
        let lost_at = self.heard_at + self.grace;
        tokio::time::sleep_until(self.next_ping_at.min(lost_at)).await;
        if Instant::now() >= lost_at {
            return Beat::Lost;
        }
        self.next_ping_at = Instant::now() + self.interval;
        Beat::Ping
    }
}
