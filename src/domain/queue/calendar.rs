//! When a queue is open: hours by weekday in a time zone, and days off.

use crate::domain::time::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// From and to, as `HH:MM` in local time; `24:00` is the end of the day.
pub type Hours = (String, String);

/// Opening hours as an admin writes them. Checked by [`OpeningHours::check`] before they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningHours {
    /// A name of the IANA time zone database, such as `Europe/Berlin`.
    pub timezone: String,
    /// Spans of each weekday; a day that is not listed is closed.
    pub days: BTreeMap<Weekday, Vec<Hours>>,
    /// Dates on which it is closed, as `YYYY-MM-DD`.
    #[serde(default)]
    pub holidays: Vec<String>,
}

/// What is wrong with opening hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHours(pub String);

const MINUTES_A_DAY: i32 = 24 * 60;

fn minutes(text: &str) -> Option<i32> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (i32, i32) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    ((0..60).contains(&minute) && (0..=MINUTES_A_DAY).contains(&total)).then_some(total)
}

fn weekday(day: civil::Weekday) -> Weekday {
    match day {
        civil::Weekday::Monday => Weekday::Mon,
        civil::Weekday::Tuesday => Weekday::Tue,
        civil::Weekday::Wednesday => Weekday::Wed,
        civil::Weekday::Thursday => Weekday::Thu,
        civil::Weekday::Friday => Weekday::Fri,
        civil::Weekday::Saturday => Weekday::Sat,
        civil::Weekday::Sunday => Weekday::Sun,
    }
}

impl OpeningHours {
    /// Everything that is wrong with them.
    ///
    /// # Errors
    ///
    /// All problems found, not the first.
    pub fn check(&self) -> Result<(), Vec<InvalidHours>> {
        let mut problems = Vec::new();
        if TimeZone::get(&self.timezone).is_err() {
            problems.push(InvalidHours(format!("time zone `{}` is not known", self.timezone)));
        }
        for (day, spans) in &self.days {
            for (from, to) in spans {
                match (minutes(from), minutes(to)) {
                    (Some(start), Some(end)) if start < end => {}
                    _ => problems
                        .push(InvalidHours(format!("{day:?}: `{from}` to `{to}` is not a span of a day"))),
                }
            }
        }
        for date in &self.holidays {
            if date.parse::<civil::Date>().is_err() {
                problems.push(InvalidHours(format!("holiday `{date}` is not a date such as 2026-12-25")));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }

    fn spans(&self, date: civil::Date) -> Vec<(i32, i32)> {
        if self.holidays.iter().any(|holiday| holiday.parse::<civil::Date>().is_ok_and(|off| off == date)) {
            return Vec::new();
        }
        let Some(spans) = self.days.get(&weekday(date.weekday())) else { return Vec::new() };
        let mut spans: Vec<_> =
            spans.iter().filter_map(|(from, to)| Some((minutes(from)?, minutes(to)?))).collect();
        spans.sort_unstable();
        spans
    }

    /// Whether it is open at that instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let Ok(instant) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return false };
        let local = instant.to_zoned(self.zone()).datetime();
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        self.spans(local.date()).iter().any(|(from, to)| (*from..*to).contains(&minute))
    }

    /// The next instant at which it opens after `at`, within four weeks.
    pub fn opens_at(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = self.zone();
        let local = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?.to_zoned(zone.clone());
        let mut date = local.date();
        for _ in 0..28 {
            for (from, _) in self.spans(date) {
                let time = civil::time((from / 60).min(23) as i8, (from % 60) as i8, 0, 0);
                let opens = date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp();
                if opens.as_millisecond() > at.as_millis() {
                    return Some(Timestamp::from_millis(opens.as_millisecond()));
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office() -> OpeningHours {
        let day = vec![("09:00".to_owned(), "17:30".to_owned())];
        OpeningHours {
            timezone: "Europe/Berlin".into(),
            days: [Weekday::Mon, Weekday::Fri].into_iter().map(|d| (d, day.clone())).collect(),
            holidays: vec!["2026-12-25".into()],
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn hours_are_local_in_summer_and_in_winter() {
        assert!(office().is_open(at("2026-07-03T07:00:00Z")), "09:00 in Berlin in summer");
        assert!(!office().is_open(at("2026-11-20T07:30:00Z")), "08:30 in Berlin in winter");
        assert!(office().is_open(at("2026-11-20T08:00:00Z")));
        assert!(!office().is_open(at("2026-11-20T16:30:00Z")), "the end is not inside");
    }

    #[test]
    fn it_says_when_it_opens_next_and_skips_days_off() {
        assert_eq!(office().opens_at(at("2026-11-20T17:00:00Z")), Some(at("2026-11-23T08:00:00Z")));
        assert_eq!(office().opens_at(at("2026-12-24T12:00:00Z")), Some(at("2026-12-28T08:00:00Z")));
    }

    #[test]
    fn all_mistakes_are_named() {
        let wrong = OpeningHours {
            timezone: "Europe/Atlantis".into(),
            days: [(Weekday::Mon, vec![("17:00".into(), "09:00".into())])].into_iter().collect(),
            holidays: vec!["christmas".into()],
        };
        assert_eq!(wrong.check().unwrap_err().len(), 3);
    }
}
