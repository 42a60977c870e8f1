//! The frames against the golden file that the pages' tests fold.

use serde_json::Value;

use super::*;

fn frames(of: &str) -> Vec<Value> {
    let side = of.split_once('_').unwrap().1;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots");
    let text = std::fs::read_to_string(format!("{folder}/{side}_frames.json")).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    golden[of].as_array().unwrap().iter().map(|named| named["frame"].clone()).collect()
}

/// Every frame of the story is read into our types and written again: no field is lost, none is invented.
#[test]
fn the_frames_of_the_golden_files_are_the_ones_we_write() {
    for frame in frames("to_agent") {
        let read: ToAgent =
            serde_json::from_value(frame.clone()).unwrap_or_else(|error| panic!("{error}: {frame}"));
        let written = serde_json::to_value(&read).unwrap();
        assert_same(&frame, &written, frame["type"].as_str().unwrap());
    }
    for frame in frames("to_visitor") {
        let read: ToVisitor =
            serde_json::from_value(frame.clone()).unwrap_or_else(|error| panic!("{error}: {frame}"));
        assert_eq!(serde_json::to_value(&read).unwrap(), frame);
    }
}

/// Alike, but for the list of intents, which the story shortens.
fn assert_same(wanted: &Value, written: &Value, at: &str) {
    match (wanted, written) {
        (Value::Object(wanted), Value::Object(written)) => {
            for key in wanted.keys().chain(written.keys()) {
                if key != "intents" {
                    let at = format!("{at}.{key}");
                    assert_same(
                        wanted.get(key).unwrap_or_else(|| panic!("{at} is not in the golden file")),
                        written.get(key).unwrap_or_else(|| panic!("{at} is not written")),
                        &at,
                    );
                }
            }
        }
        (Value::Array(wanted), Value::Array(written)) => {
            assert_eq!(wanted.len(), written.len(), "{at}");
            for (wanted, written) in wanted.iter().zip(written) {
                assert_same(wanted, written, at);
            }
        }
        (wanted, written) => assert_eq!(wanted, written, "{at}"),
    }
}

#[test]
fn every_frame_that_the_pages_send_is_understood() {
    let (agents, visitors) = (frames("from_agent"), frames("from_visitor"));
    for frame in &agents {
        FromAgent::parse(&frame.to_string()).unwrap_or_else(|error| panic!("{error:?}: {frame}"));
    }
    for frame in &visitors {
        FromVisitor::parse(&frame.to_string()).unwrap_or_else(|error| panic!("{error:?}: {frame}"));
    }
    assert_lists(&agents, &FromAgent::TYPES);
    assert_lists(&visitors, &FromVisitor::TYPES);
}

#[test]
fn every_type_that_is_written_is_in_the_golden_files() {
    assert_lists(&frames("to_agent"), &ToAgent::TYPES);
    assert_lists(&frames("to_visitor"), &ToVisitor::TYPES);
}

fn assert_lists(frames: &[Value], types: &[&str]) {
    for kind in types {
        assert!(frames.iter().any(|frame| frame["type"] == *kind), "{kind} is not in the golden file");
    }
}

#[test]
fn a_wrong_field_is_answered_under_its_client_id() {
    let answer = |text: &str| match FromVisitor::parse(text) {
        Err(Unreadable::Wrong { client_id, code, .. }) => (client_id, code.as_str()),
        other => panic!("{other:?}"),
    };
    let c1 = Some("c1".to_owned());
    assert_eq!(answer(r#"{"type":"message.send","client_id":"c1"}"#), (c1.clone(), "invalid"));
    assert_eq!(answer(r#"{"type":"message.send","client_id":"c1","text":7}"#), (c1.clone(), "invalid"));
    assert_eq!(
        answer(r#"{"type":"csat.rate","client_id":"c1","conversation":"x","score":5}"#),
        (c1.clone(), "invalid")
    );
    assert_eq!(answer(r#"{"type":"message.send","text":"hello"}"#), (None, "invalid"));
    assert_eq!(answer(r#"{"type":"message.shout","client_id":"c1"}"#), (c1, "unknown_type"));
}

#[test]
fn every_word_of_an_error_is_read_back() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}

/// Every example of the page is read by the code, and written again as it stands there.
#[test]
fn every_line_of_the_page_is_a_frame() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md")).unwrap();
    let (visitors, agents) = page.split_once("\n## Agent\n").unwrap();
    let lines = |part: &str, sign: &str| -> Vec<String> {
        part.lines().filter_map(|line| line.strip_prefix(sign)).map(str::to_owned).collect()
    };
    for line in lines(visitors, "→ ") {
        FromVisitor::parse(&line).unwrap_or_else(|error| panic!("{error:?}: {line}"));
    }
    for line in lines(agents, "→ ") {
        FromAgent::parse(&line).unwrap_or_else(|error| panic!("{error:?}: {line}"));
    }
    let (to_visitor, to_agent) = (lines(visitors, "← "), lines(agents, "← "));
    assert!(to_visitor.len() > 10 && to_agent.len() > 10, "the page has its exchanges");
    for line in to_visitor {
        let frame: ToVisitor = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&frame).unwrap(), line);
    }
    for line in to_agent {
        let frame: ToAgent = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&frame).unwrap(), line);
    }
}
