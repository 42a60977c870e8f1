//! How long it will take, from what it took others, or "we can't tell yet".

use std::time::Duration;

/// One measured wait of somebody who was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasuredWait {
    /// From the handoff to the accepted offer.
    pub wait: Duration,
    /// The place in the queue it started from, from 1.
    pub place_at_start: u32,
}

/// A range for the rest of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// A quarter of the measured waits were shorter.
    pub low: Duration,
    /// A quarter of them were longer.
    pub high: Duration,
    /// How many measured waits are behind it.
    pub from: usize,
}

/// The fewest measured waits that an estimate is made of.
pub const MIN_SAMPLES: usize = 5;

/// Estimates the wait at `place` (from 1): the quartiles of the measured time for each
/// place moved up, times the places to move. None with too few measurements.
pub fn estimate(place: u32, measured: &[MeasuredWait]) -> Option<Estimate> {
    if measured.len() < MIN_SAMPLES || place == 0 {
        return None;
    }
    let mut per_place: Vec<Duration> = measured.iter().map(|m| m.wait / m.place_at_start.max(1)).collect();
    per_place.sort_unstable();
    let at = |share: f64| {
        let index = ((per_place.len() - 1) as f64 * share).round() as usize;
        per_place[index.min(per_place.len() - 1)] * place
    };
    Some(Estimate { low: at(0.25), high: at(0.75), from: measured.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(seconds: u64, place_at_start: u32) -> MeasuredWait {
        MeasuredWait { wait: Duration::from_secs(seconds), place_at_start }
    }

    #[test]
    fn with_too_few_measurements_nobody_can_tell() {
        assert_eq!(estimate(1, &[waited(10, 1); 4]), None);
    }

    #[test]
    fn an_estimate_grows_with_the_place_and_says_what_it_is_made_of() {
        let measured: Vec<_> = (1..=9).map(|n| waited(n * 10, 1)).collect();
        let first = estimate(1, &measured).unwrap();
        assert_eq!((first.low.as_secs(), first.high.as_secs(), first.from), (30, 70, 9));
        assert_eq!(estimate(3, &measured).unwrap().low.as_secs(), 90);
    }
}
