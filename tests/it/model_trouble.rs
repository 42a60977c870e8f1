//! The model absent, hung, crashing, full of values that are no numbers, or damaged: what
//! visitors are told is as quick as with a sound one, and who asks for a person gets one.
//!
//! Each once; `BATON_MODEL_TROUBLES` asks for more rounds.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton::flow::ports::Analyzer;
use baton::nlp::{Builder, Fault, FaultHandle};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::process::rest;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use crate::support::{Options, TestApp};

/// Messages that are timed with each model, and in how many conversations.
const TIMED: usize = 30;
const VISITORS: usize = 3;
/// How much later an acknowledgement may come than with a sound model, in the middle.
const MOVES_LESS_THAN: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Absent,
    Hung,
    Crashed,
    NoNumbers,
    Damaged,
}

const TROUBLES: [Trouble; 5] =
    [Trouble::Absent, Trouble::Hung, Trouble::Crashed, Trouble::NoNumbers, Trouble::Damaged];

/// A copy of the model that comes with Baton, with a trouble in its files.
fn model(folder: &Path, trouble: Option<Trouble>) {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let (weights, manifest) = (folder.join("heads.safetensors"), folder.join("manifest.toml"));
    let mut bytes = std::fs::read(&weights).unwrap();
    let sum =
        |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let before = sum(&bytes);
    match trouble {
        Some(Trouble::Absent) => std::fs::remove_dir_all(folder).unwrap(),
        Some(Trouble::Damaged) => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&weights, bytes).unwrap();
        }
        Some(Trouble::NoNumbers) => {
            // All ones is no number in any floating point format; the manifest agrees, as after a training gone wrong.
            let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            bytes[header..].fill(0xff);
            let text = std::fs::read_to_string(&manifest).unwrap().replace(&before, &sum(&bytes));
            std::fs::write(&manifest, text).unwrap();
            std::fs::write(&weights, bytes).unwrap();
        }
        Some(Trouble::Hung | Trouble::Crashed) | None => {}
    }
}

/// How long an acknowledgement takes in the middle, with this model.
async fn timed(trouble: Option<Trouble>) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    std::fs::create_dir(&path).unwrap();
    model(&path, trouble);
    let faults = Arc::new(FaultHandle::default());
    match trouble {
        Some(Trouble::Hung) => faults.set(Fault::Stall),
        Some(Trouble::Crashed) => faults.set(Fault::Crash),
        _ => {}
    }
    let builder = Builder::default().model(Some(path)).hangs_after(Duration::from_millis(500));
    let analyzer: Arc<dyn Analyzer> = builder.faults(Arc::clone(&faults)).build();
    let options = Options::default().analyzer(Arc::clone(&analyzer)).set("gateway.rate_burst", "1000");
    let app = TestApp::start_with(options).await;
    let mut times = Vec::new();
    for n in 0..VISITORS {
        let mut tab = Visitor::boot(&Door::of(&app), address(n)).await.connect().await;
        for said in 0..TIMED {
            let text = format!("Where is parcel {said} of {n}?");
            let began = Instant::now();
            tab.says(&text).await;
            times.push(began.elapsed());
            // Nobody writes faster than this, and the hung model has its time to be noticed.
            rest(30).await;
        }
        let asked = Instant::now();
        tab.says("Please let me talk to a human being").await;
        tab.until_state("waiting").await;
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "{trouble:?}: a request took {:?}",
            asked.elapsed()
        );
    }
    if trouble.is_some() {
        assert!(!analyzer.status().is_ready(), "{trouble:?}: nobody noticed");
    }
    faults.clear();
    app.finish().await;
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn invariant_3_a_model_in_trouble_delays_nobody_and_requests_are_honored() {
    let rounds: usize = std::env::var("BATON_MODEL_TROUBLES").ok().map_or(1, |text| text.parse().unwrap());
    let (began, mut worst) = (Instant::now(), (0.0_f64, 0.0_f64));
    for _ in 0..rounds {
        let sound = timed(None).await;
        for trouble in TROUBLES {
            let troubled = timed(Some(trouble)).await;
            let moved = (troubled.as_secs_f64() - sound.as_secs_f64()) * 1_000.0;
            println!("{trouble:?}: {troubled:.1?} beside {sound:.1?} undisturbed");
            assert!(troubled < sound + MOVES_LESS_THAN, "{trouble:?}: {troubled:?} beside {sound:?}");
            worst = (worst.0.max(moved), worst.1.max(sound.as_secs_f64() * 1_000.0));
        }
    }
    let rounded = |value: f64| (value * 10.0).round() / 10.0;
    let figures = json!({ "part": "model", "troubles": rounds * TROUBLES.len(), "requests_honored": rounds * (TROUBLES.len() + 1) * VISITORS,
                          "ack_p50_moved_by_at_most_ms": rounded(worst.0), "ack_p50_undisturbed_at_most_ms": rounded(worst.1),
                          "seconds": began.elapsed().as_secs() });
    println!("{figures}");
}
