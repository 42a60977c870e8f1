//! The gate of `baton evaluate` must be able to close: labels that mean nothing, a head
//! that is not there and a head that is sure of everything do not pass it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use baton::nlp::bundle::{self, Bundle};
use baton::nlp::labels;
use serde_json::Value;

fn of_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn gate(data: &[PathBuf], model: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(["evaluate", "--gate", "--json"])
        .args(data.iter().flat_map(|folder| [Path::new("--data"), folder]))
        .arg("--model")
        .arg(model)
        .output()
        .unwrap()
}

fn stays_closed(output: &Output, because_of: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("below the floor") && said.contains(because_of), "{said}");
}

/// The sets with the floors that a broken model falls below.
fn judged() -> [PathBuf; 2] {
    ["models/data/human_request", "models/data/mood"].map(of_project)
}

/// A copy of the shipped model that may be broken.
fn copied_model() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(of_project("models/baton-en")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// The copy's heads as a table of numbers that can be changed in place.
fn change_heads(model: &Path, change: impl FnOnce(&Value, &mut [u8])) {
    let manifest = Bundle::open(model).unwrap().manifest;
    let path = model.join(bundle::TOP);
    let mut bytes = fs::read(&path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&header, &mut bytes[8 + length..]);
    fs::write(&path, bytes).unwrap();
    manifest.write(model).unwrap();
}

#[test]
fn the_shipped_model_passes_and_the_tables_are_all_there() {
    let output = gate(&[of_project("models/data")], &of_project("models/baton-en"));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for of in ["head", "conversations", "disturbance", "sameness"] {
        assert!(rows.iter().any(|row| row["of"] == of), "no row of {of}");
    }
}

#[test]
fn labels_that_were_shuffled_do_not_pass() {
    let data = tempfile::tempdir().unwrap();
    for set in ["human_request", "mood"] {
        let text = fs::read_to_string(of_project("models/data").join(set).join("dev.jsonl")).unwrap();
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let folder = data.path().join(set);
        fs::create_dir(&folder).unwrap();
        // Every line gets the labels of another one, far from it.
        let shuffled = rows.iter().enumerate().map(|(at, row)| {
            let mut other = rows[(at * 7 + 101) % rows.len()].clone();
            other["text"] = row["text"].clone();
            other.to_string()
        });
        fs::write(folder.join("dev.jsonl"), shuffled.collect::<Vec<_>>().join("\n")).unwrap();
    }
    stays_closed(&gate(&[data.path().to_owned()], &of_project("models/baton-en")), "human_request");
}

#[test]
fn a_head_that_was_removed_does_not_pass() {
    let model = copied_model();
    change_heads(model.path(), |header, weights| {
        let place = |name: &str| header[name]["data_offsets"][0].as_u64().unwrap() as usize;
        let width = header["heads.weight"]["shape"][1].as_u64().unwrap() as usize;
        let row = place("heads.weight") + labels::FRUSTRATION * width * 4;
        weights[row..row + width * 4].fill(0);
        let bias = place("heads.bias") + labels::FRUSTRATION * 4;
        weights[bias..bias + 4].fill(0);
    });
    stays_closed(&gate(&judged(), model.path()), "frustration auc");
}

#[test]
fn a_head_that_is_too_sure_of_itself_does_not_pass() {
    let model = copied_model();
    let mut manifest = Bundle::open(model.path()).unwrap().manifest;
    manifest.calibration.scale[labels::HUMAN_REQUEST] *= 12.0;
    manifest.calibration.shift[labels::HUMAN_REQUEST] -= 9.0;
    manifest.write(model.path()).unwrap();
    stays_closed(&gate(&judged(), model.path()), "human_request");

    let mut manifest = Bundle::open(model.path()).unwrap().manifest;
    manifest.calibration = Bundle::open(&of_project("models/baton-en")).unwrap().manifest.calibration;
    manifest.calibration.scale[labels::FRUSTRATION] *= 12.0;
    manifest.write(model.path()).unwrap();
    stays_closed(&gate(&judged(), model.path()), "frustration calibration");
}
