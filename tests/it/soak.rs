//! The soak: visitors and agents come, talk and go for as long as asked at half of what the
//! server can do, and it takes no more memory and no more open files, and answers no slower.
//!
//! A few seconds in every run, which show that nothing stays open; `BATON_SOAK_MINUTES` asks
//! for a real one, `BATON_KILL_PROGRAM` for another build of the server.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;

use crate::kill::agents::Agent;
use crate::kill::scripts;
use crate::kill::visitors::{Keeping, Shared, seat};
use crate::support::app::PASSWORD;
use crate::support::process::{Site, raise_open_files, rest};

const SEATS: usize = 30;
const AGENTS: usize = 6;
/// How long the full pace is measured.
const FULL: Duration = Duration::from_secs(5);
/// The soak of every run.
const SHORT: Duration = Duration::from_secs(10);
/// What may grow in an hour, once it is warm.
const MOST_GROWTH_PCT_PER_HOUR: f64 = 1.0;

/// One look at the process.
struct Sample {
    hours: f64,
    kb: f64,
    files: usize,
    p99_ms: f64,
    per_s: f64,
}

/// Memory in kilobytes and open files of a process.
fn look_at(process: u32) -> (f64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kb = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    (kb, std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count())
}

/// Growth in percent of the mean per hour, by least squares.
fn growth(samples: &[Sample]) -> f64 {
    let n = samples.len() as f64;
    let (mean_x, mean_y) =
        (samples.iter().map(|s| s.hours).sum::<f64>() / n, samples.iter().map(|s| s.kb).sum::<f64>() / n);
    let above: f64 = samples.iter().map(|s| (s.hours - mean_x) * (s.kb - mean_y)).sum();
    let below: f64 = samples.iter().map(|s| (s.hours - mean_x).powi(2)).sum();
    100.0 * above / below / mean_y
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn who_comes_and_goes_leaves_nothing_behind() {
    let minutes: Option<u64> = std::env::var("BATON_SOAK_MINUTES").ok().map(|text| text.parse().unwrap());
    let lasts = minutes.map_or(SHORT, |minutes| Duration::from_secs(60 * minutes));
    let every = (lasts / 120).max(Duration::from_secs(1));
    raise_open_files();
    let folder = tempfile::tempdir().unwrap();
    let site =
        Site::new(folder.path()).set("gateway.rate_messages", "5000").set("gateway.rate_burst", "5000");
    let dialogues = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dialogues.jsonl");
    let pace = Some(Semaphore::new(1_000_000));
    let shared = Shared { pace, keeping: Keeping::Nobody, ..Shared::new(&site, scripts(&dialogues)) };
    let shared = Arc::new(shared);
    let mut agents = tokio::task::JoinSet::new();
    for n in 0..AGENTS {
        let name = format!("Agent{n}");
        let email = site.account(&name, "agent", PASSWORD).await;
        // From seat 1 on: the agent of seat 0 goes away without a word.
        agents.spawn(Agent::new(&name, email, PASSWORD, n + 1, 1).work(Arc::clone(&shared)));
    }
    let server = site.start().await;
    let idle = look_at(server.id()).1;
    let mut seats = tokio::task::JoinSet::new();
    (0..SEATS).for_each(|n| drop(seats.spawn(seat(Arc::clone(&shared), n, 1))));

    // As fast as they are answered, to know what half of it is.
    let sent = || 1_000_000 - shared.pace.as_ref().map_or(0, Semaphore::available_permits);
    rest(2_000).await;
    let before = sent();
    rest(FULL.as_millis() as u64).await;
    let half = ((sent() - before) as f64 / FULL.as_secs_f64() / 2.0).max(1.0);
    shared.pace.as_ref().unwrap().forget_permits(1_000_000);

    let (began, mut samples, mut given) = (Instant::now(), Vec::new(), 0.0);
    let mut next_look = every;
    let mut acked = *shared.acknowledged.borrow();
    shared.took.lock().unwrap().clear();
    while began.elapsed() < lasts {
        rest(10).await;
        let due = began.elapsed().as_secs_f64() * half;
        shared.pace.as_ref().unwrap().add_permits((due - given) as usize);
        given += (due - given).floor();
        if began.elapsed() >= next_look {
            next_look += every;
            let mut took = std::mem::take(&mut *shared.took.lock().unwrap());
            took.sort_unstable();
            let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
            let (kb, files) = look_at(server.id());
            let now = *shared.acknowledged.borrow();
            let per_s = (now - acked) as f64 / every.as_secs_f64();
            acked = now;
            samples.push(Sample {
                hours: began.elapsed().as_secs_f64() / 3_600.0,
                kb,
                files,
                p99_ms: p99.as_secs_f64() * 1_000.0,
                per_s,
            });
        }
    }
    shared.is_closing.send_replace(true);
    shared.pace.as_ref().unwrap().add_permits(1_000_000);
    seats.join_all().await;
    shared.is_over.send_replace(true);
    agents.join_all().await;
    let closed = Instant::now();
    while look_at(server.id()).1 > idle + 8 {
        let open = look_at(server.id()).1;
        assert!(
            closed.elapsed() < Duration::from_secs(30),
            "{open} files are open, {idle} were before anybody came"
        );
        rest(200).await;
    }

    // Warm after a fifth; then the first third of the rest is held against the last.
    let warm = &samples[samples.len() / 5..];
    let third = warm.len() / 3;
    let (first, last) = (&warm[..third.max(1)], &warm[warm.len() - third.max(1)..]);
    let files = |part: &[Sample]| part.iter().map(|sample| sample.files).max().unwrap();
    let p99 = |part: &[Sample]| {
        let mut all: Vec<f64> = part.iter().map(|sample| sample.p99_ms).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let slope = growth(warm);
    let figures = json!({
        "part": "soak", "minutes": rounded(lasts.as_secs_f64() / 60.0), "half_load_messages_per_s": rounded(half),
        "acknowledged": acked, "acks_per_s": rounded(samples.iter().map(|s| s.per_s).sum::<f64>() / samples.len() as f64),
        "rss_first_kb": first[0].kb, "rss_last_kb": last[last.len() - 1].kb, "rss_growth_pct_per_hour": rounded(slope),
        "files_first_third": files(first), "files_last_third": files(last),
        "p99_ms_first_third": rounded(p99(first)), "p99_ms_last_third": rounded(p99(last)),
    });
    println!("{figures}");
    server.stop().await;
    if minutes.is_some() {
        assert!(slope <= MOST_GROWTH_PCT_PER_HOUR, "memory grows by {slope:.2} % an hour");
        assert!(files(last) <= files(first) + 20, "open files grow");
        assert!(p99(last) <= p99(first) * 1.5 + 5.0, "the acknowledgements become slower");
    }
}
