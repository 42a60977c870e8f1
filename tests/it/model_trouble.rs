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
use crate::support::visitor::{Door, Tab, Visitor};
use crate::support::wire::address;
use crate::support::{Options, TestApp};

/// Messages that are timed with each model, and in how many conversations.
const TIMED: usize = 30;
const VISITORS: usize = 3;
/// How much later an acknowledgement may come than with a sound model, in the middle: so much, and half as long again
/// where this machine does so much else that every acknowledgement takes long. Who waits for a model in trouble waits
/// for its budget, which is far more.
fn latest_beside(sound: Duration) -> Duration {
    sound + (sound / 2).max(Duration::from_millis(5))
}

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

/// A service with a model, sound or in trouble.
struct Service {
    app: TestApp,
    analyzer: Arc<dyn Analyzer>,
    faults: Arc<FaultHandle>,
    times: Vec<Duration>,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn start(trouble: Option<Trouble>) -> Self {
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
        Self { app, analyzer, faults, times: Vec::new(), _folder: folder }
    }

    async fn visitor(&self, n: usize) -> Tab {
        Visitor::boot(&Door::of(&self.app), address(n)).await.connect().await
    }

    async fn hears(&mut self, tab: &mut Tab, text: &str) {
        let began = Instant::now();
        tab.says(text).await;
        self.times.push(began.elapsed());
    }

    /// How long an acknowledgement takes in the middle.
    fn middle(&mut self) -> Duration {
        self.times.sort_unstable();
        self.times[self.times.len() / 2]
    }

    async fn finish(self) {
        self.faults.clear();
        self.app.finish().await;
    }
}

/// How long acknowledgements take in the middle with a sound model and with one in trouble, message by message in turn,
/// so that whatever else this machine does falls on both. Where it does much, more messages are needed until that is
/// even: who waits for a model waits with every one of them.
async fn side_by_side(trouble: Trouble) -> (Duration, Duration) {
    let mut sides = [Service::start(None).await, Service::start(Some(trouble)).await];
    // A model that was started again is taken for sound until it is found out once more: one look at the end may fall there.
    let mut is_noticed = false;
    for n in 0..4 * VISITORS {
        let mut tabs = [sides[0].visitor(n).await, sides[1].visitor(n).await];
        for said in 0..TIMED {
            let text = format!("Where is parcel {said} of {n}?");
            // Who is first changes.
            for side in [said % 2, 1 - said % 2] {
                sides[side].hears(&mut tabs[side], &text).await;
            }
            // Nobody writes faster than this, and the hung model has its time to be noticed.
            rest(30).await;
            is_noticed |= !sides[1].analyzer.status().is_ready();
        }
        for tab in &mut tabs {
            tab.says("Please let me talk to a human being").await;
            tab.until_state("waiting").await;
        }
        if n + 1 >= VISITORS && is_noticed && sides[1].middle() < latest_beside(sides[0].middle()) {
            break;
        }
    }
    assert!(is_noticed, "{trouble:?}: nobody noticed");
    let middles = (sides[0].middle(), sides[1].middle());
    for side in sides {
        side.finish().await;
    }
    middles
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn invariant_3_a_model_in_trouble_delays_nobody_and_requests_are_honored() {
    let rounds: usize = std::env::var("BATON_MODEL_TROUBLES").ok().map_or(1, |text| text.parse().unwrap());
    let (began, mut worst) = (Instant::now(), (0.0_f64, 0.0_f64));
    for _ in 0..rounds {
        for trouble in TROUBLES {
            let (sound, troubled) = side_by_side(trouble).await;
            let moved = (troubled.as_secs_f64() - sound.as_secs_f64()) * 1_000.0;
            println!("{trouble:?}: {troubled:.1?} beside {sound:.1?} undisturbed");
            assert!(troubled < latest_beside(sound), "{trouble:?}: {troubled:?} beside {sound:?}");
            worst = (worst.0.max(moved), worst.1.max(sound.as_secs_f64() * 1_000.0));
        }
    }
    let rounded = |value: f64| (value * 10.0).round() / 10.0;
    let figures = json!({ "part": "model", "troubles": rounds * TROUBLES.len(), "requests_honored": 2 * rounds * TROUBLES.len() * VISITORS,
                          "ack_p50_moved_by_at_most_ms": rounded(worst.0), "ack_p50_undisturbed_at_most_ms": rounded(worst.1),
                          "seconds": began.elapsed().as_secs() });
    println!("{figures}");
}
