//! What the analyzer stands beside, measured in the same run, on the same core and the
//! same texts: programs of their own for Python's, one model of rust-bert in this one.
//! A peer that is not installed is said to be so, in one line.

use crate::report::Baseline;
use rust_bert::distilbert::{DistilBertConfig, DistilBertModelClassifier};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tch::{Device, Tensor, nn};

use baton::nlp::bundle::VOCABULARY;
use baton::nlp::tokenizer::{Encoded, Tokenizer};

/// What a peer reached.
#[derive(Debug, Clone, Deserialize)]
pub struct Reached {
    single_p50_ms: f64,
    single_p99_ms: f64,
    batch_per_s: f64,
    rss_mb: Option<f64>,
    /// Which of the batches that were tried was the best.
    shape: Option<String>,
    version: Option<String>,
}

/// A figure of a peer.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    SingleP50,
    SingleP99,
    Batch,
    Memory,
}

/// A peer, and what it reached if it is installed.
pub struct Peer {
    name: &'static str,
    reached: Option<Reached>,
}

impl Peer {
    /// Its figure, to stand beside ours; `None` where it has none of this kind.
    pub fn baseline(&self, kind: Kind) -> Option<Baseline<'static>> {
        let Some(reached) = &self.reached else {
            return Some(Baseline { name: self.name, value: None, conditions: Value::Null });
        };
        let value = match kind {
            Kind::SingleP50 => reached.single_p50_ms,
            Kind::SingleP99 => reached.single_p99_ms,
            Kind::Batch => reached.batch_per_s,
            Kind::Memory => reached.rss_mb?,
        };
        let shape = matches!(kind, Kind::Batch).then(|| reached.shape.clone()).flatten();
        let conditions = json!({ "version": reached.version, "batch": shape });
        Some(Baseline { name: self.name, value: Some(value), conditions })
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// MiniLM-L6 in ONNX Runtime, int8.
pub fn onnxruntime(texts: &[&str]) -> Peer {
    let base = std::env::var_os("BENCH_BASE").map_or_else(|| root().join(".deps/base-model"), PathBuf::from);
    let folder = std::env::temp_dir().join("baton-bench-peers");
    let reached = if base.join("model.safetensors").is_file() {
        script("minilm_onnx.py", &[base.as_os_str(), folder.as_os_str()], texts)
    } else {
        eprintln!("bench: no base model for ONNX Runtime (models/fetch-base.sh gets it)");
        None
    };
    Peer { name: "onnxruntime_int8_minilm_l6", reached }
}

/// The word list with rules.
pub fn vader(texts: &[&str]) -> Peer {
    Peer { name: "vader", reached: script("vader.py", &[], texts) }
}

fn script(name: &str, arguments: &[&std::ffi::OsStr], texts: &[&str]) -> Option<Reached> {
    let python =
        std::env::var_os("BENCH_PYTHON").map_or_else(|| root().join(".deps/peers/bin/python"), PathBuf::from);
    if !python.is_file() {
        eprintln!("bench: {name} is not measured: its packages are not installed (scripts/bench.sh peers)");
        return None;
    }
    let mut child = Command::new(python)
        .arg(root().join("benches/peers").join(name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    stdin.write_all(texts.join("\n").as_bytes()).ok()?;
    drop(stdin);
    let output = child.wait_with_output().ok()?;
    let reached = serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success());
    if reached.is_none() {
        eprintln!("bench: {name} is not measured: it failed");
    }
    reached
}

/// The shape of DistilBERT in rust-bert, as its sentiment pipeline runs it: 32 bits,
/// padded to the longest. The weights are random, which time does not see; the pieces are
/// Baton's, of a vocabulary of the same size.
pub fn distilbert(model: &Path, texts: &[&str]) -> Peer {
    const NAME: &str = "distilbert_shape_rust_bert";
    let (Ok(tokenizer), Some(classifier)) = (Tokenizer::open(&model.join(VOCABULARY)), random_distilbert())
    else {
        eprintln!("bench: {NAME} is not measured: it could not be made");
        return Peer { name: NAME, reached: None };
    };
    tch::set_num_threads(1);
    let run = |texts: &[&str]| {
        let encoded: Vec<Encoded> = texts.iter().map(|text| tokenizer.encode(text)).collect();
        let longest = encoded.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        let padded = |fill: &dyn Fn(&Encoded, usize) -> i64| {
            let flat: Vec<i64> =
                encoded.iter().flat_map(|text| (0..longest).map(|at| fill(text, at))).collect();
            Tensor::from_slice(&flat).view([encoded.len() as i64, longest as i64])
        };
        let ids = padded(&|text, at| text.ids.get(at).copied().unwrap_or(0));
        let mask = padded(&|text, at| i64::from(at < text.ids.len()));
        let output =
            tch::no_grad(|| classifier.forward_t(Some(&ids), Some(&mask), None, false)).unwrap().logits;
        std::hint::black_box(Vec::<f32>::try_from(output.view(-1)).unwrap());
    };
    texts.iter().take(5).for_each(|text| run(&[text]));
    let mut spans: Vec<Duration> = texts
        .iter()
        .take(190)
        .map(|text| {
            let started = Instant::now();
            run(&[text]);
            started.elapsed()
        })
        .collect();
    spans.sort_unstable();
    let mut by_length: Vec<&str> = texts.iter().copied().take(192).collect();
    by_length.sort_by_key(|text| text.len());
    let started = Instant::now();
    by_length.chunks(16).for_each(run);
    let reached = Reached {
        single_p50_ms: crate::report::quantile_ms(&spans, 0.50),
        single_p99_ms: crate::report::quantile_ms(&spans, 0.99),
        batch_per_s: by_length.len() as f64 / started.elapsed().as_secs_f64(),
        rss_mb: None,
        shape: Some("16 of 192 waiting, by length".to_owned()),
        version: None,
    };
    Peer { name: NAME, reached: Some(reached) }
}

fn random_distilbert() -> Option<DistilBertModelClassifier> {
    let config = DistilBertConfig {
        id2label: Some(HashMap::from([(0, "NEGATIVE".to_owned()), (1, "POSITIVE".to_owned())])),
        ..DistilBertConfig::default()
    };
    let mut store = nn::VarStore::new(Device::Cpu);
    let classifier = DistilBertModelClassifier::new(store.root(), &config).ok()?;
    store.freeze();
    Some(classifier)
}
