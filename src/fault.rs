//! Where tests break the service on purpose: named points at which the process ends or
//! stands still, and mistakes that can be planted to see whether a test finds them.
//!
//! Both exist only in builds with debug assertions, which a release build has not: there
//! every call is nothing, and neither variable is read. Not a switch for anybody who runs
//! the service. Why not a feature: `docs/decisions/0014-kills-and-planted-faults.md`.

/// Places where `BATON_FAILPOINT=name:nth:abort` ends the process as SIGKILL does, the `nth` time it passes;
/// `name:nth:stall` holds up for good whoever passes, `name:nth:hold` as long as the file is there that `BATON_HOLD`
/// names; `name:nth:sleep` puts the process to sleep, once, as SIGSTOP does, until somebody wakes it.
pub const POINTS: &[&str] = &[
    "accept.before_write",
    "app.draining",
    "change.before_hint",
    "decide.before_write",
    "escalate.before_hint",
    "gateway.before_ack",
    "offer.before_hint",
    "offer.before_write",
    "receive.after_commit",
    "receive.before_commit",
    "receive.before_think",
    "reply.before_write",
    "start.before_offering",
    "store.after_commit",
    "store.before_commit",
    "store.migrating",
    "watch.before_release",
    "watch.between_rounds",
    "wrap_up.before_close",
];

/// Mistakes that `BATON_PLANTED=name` plants. Each has the test that must find it in `tests/it/faults.rs`.
pub const FAULTS: &[&str] = &[
    "absence_not_checked",
    "acknowledge_before_commit",
    "answer_taken_for_written",
    "capacity_not_reserved",
    "claim_without_compare_and_set",
    "client_id_conflict_ignored",
    "contributions_do_not_add_up",
    "decision_not_stored",
    "epoch_ignored",
    "expiry_not_watched",
    "late_analysis_dropped",
    "late_commit_skipped",
    "lease_without_fence",
    "no_unique_index",
    "not_a_number_accepted",
    "note_gets_visitor_sequence",
    "position_ignored",
    "restart_forgets_lost_agents",
    "resume_skips_one",
    "retry_writes_twice",
    "rollback_forgotten",
    "sequence_from_memory",
    "slow_reader_misses_frames",
    "stranded_after_agent_lost",
    "undecided_not_taken_up",
];

/// A named point: nothing happens here unless a test has asked for it.
#[inline(always)]
pub fn point(name: &'static str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// Whether this mistake is planted. Never in a release build, where the compiler removes what it would have done.
#[inline(always)]
#[must_use]
pub fn planted(name: &'static str) -> bool {
    #[cfg(debug_assertions)]
    return armed::is_planted(name);
    #[cfg(not(debug_assertions))]
    {
        let _ = name;
        false
    }
}

/// Whether this process is to be the version after this one: `BATON_NEXT_VERSION=1` gives the schema of PostgreSQL one
/// migration more, so that two versions can be tried side by side. Never in a release build.
#[inline(always)]
#[must_use]
pub fn is_next_version() -> bool {
    #[cfg(debug_assertions)]
    return std::env::var_os("BATON_NEXT_VERSION").is_some();
    #[cfg(not(debug_assertions))]
    false
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// What happens at the point.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    enum End {
        Abort,
        Stall,
        Hold,
        Sleep,
    }

    /// How often it is looked whether the file that holds a point up is still there.
    const LOOK: Duration = Duration::from_millis(20);

    /// The point that was chosen.
    struct Failpoint {
        name: String,
        nth: usize,
        end: End,
        passed: AtomicUsize,
    }

    static FAILPOINT: OnceLock<Option<Failpoint>> = OnceLock::new();
    static PLANTED: OnceLock<Option<String>> = OnceLock::new();

    fn parse(text: &str) -> Option<Failpoint> {
        let mut parts = text.split(':');
        let (name, nth, end) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let end = match end {
            "abort" => End::Abort,
            "stall" => End::Stall,
            "hold" => End::Hold,
            "sleep" => End::Sleep,
            _ => return None,
        };
        let is_known = super::POINTS.contains(&name) && nth > 0 && parts.next().is_none();
        is_known.then(|| Failpoint { name: name.to_owned(), nth, end, passed: AtomicUsize::new(0) })
    }

    pub(super) fn pass(name: &str) {
        let chosen = FAILPOINT.get_or_init(|| {
            let text = std::env::var("BATON_FAILPOINT").ok()?;
            let failpoint = parse(&text);
            assert!(failpoint.is_some(), "BATON_FAILPOINT: `{text}` is not name:nth:abort|stall|hold|sleep");
            failpoint
        });
        let Some(failpoint) = chosen.as_ref().filter(|failpoint| failpoint.name == name) else { return };
        let n = failpoint.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if n < failpoint.nth || (failpoint.end == End::Sleep && n > failpoint.nth) {
            return;
        }
        eprintln!("failpoint {name}: {:?}", failpoint.end);
        match failpoint.end {
            // No destructor runs and nothing is flushed, as with SIGKILL.
            End::Abort => std::process::abort(),
            End::Stall => loop {
                std::thread::park();
            },
            End::Hold => {
                let file = std::env::var_os("BATON_HOLD").unwrap_or_default();
                while std::path::Path::new(&file).exists() {
                    std::thread::park_timeout(LOOK);
                }
            }
            End::Sleep => {
                use rustix::process::{Signal, getpid, kill_process};
                let _ = kill_process(getpid(), Signal::STOP);
            }
        }
    }

    pub(super) fn is_planted(name: &str) -> bool {
        let planted = PLANTED.get_or_init(|| {
            let text = std::env::var("BATON_PLANTED").ok()?;
            assert!(super::FAULTS.contains(&text.as_str()), "BATON_PLANTED: nobody knows `{text}`");
            Some(text)
        });
        planted.as_deref() == Some(name)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_failpoint_is_a_known_name_a_count_and_an_end() {
            let failpoint = parse("store.before_commit:3:abort").unwrap();
            assert_eq!(
                (failpoint.name.as_str(), failpoint.nth, failpoint.end),
                ("store.before_commit", 3, End::Abort)
            );
            assert!(parse("store.before_commit:1:stall").is_some());
            assert!(parse("store.before_commit:1:sleep").is_some());
            for wrong in [
                "",
                "store.before_commit",
                "store.before_commit:0:abort",
                "nowhere:1:abort",
                "store.before_commit:1:other",
                "store.before_commit:1:abort:2",
            ] {
                assert!(parse(wrong).is_none(), "{wrong}");
            }
        }
    }
}
