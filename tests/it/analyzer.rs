//! The analyzer from outside: the commands as a stranger runs them, the model's
//! promises, and what happens when its thread stalls or dies (invariants 3 and 11).

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use baton::{
    domain::analysis::{Abstained, Analysis, By, Head, Intent, WordWeight},
    flow::ports::{Analyzer, AnalyzerStatus},
    nlp::{
        Builder, Fault, FaultHandle, RustBertAnalyzer,
        bundle::VOCABULARY,
        lexicon::Lexicon,
        model::Precision,
        tokenizer::{MAX_PIECES, Tokenizer},
    },
};
use serde_json::Value;

use crate::support::command::baton;

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn model_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en")
}

fn builder() -> Builder {
    Builder::default().model(Some(model_folder())).precision(Precision::Full)
}

fn loaded(builder: Builder) -> RustBertAnalyzer {
    let analyzer = builder.start().map_err(|words| words.status()).unwrap();
    let status = analyzer.wait_until_loaded();
    assert!(status.is_ready(), "{status:?}");
    analyzer
}

fn ask(analyzer: &RustBertAnalyzer, text: &str) -> Analysis {
    analyzer.start(text).unwrap().blocking_recv().unwrap()
}

/// Every key of the contract is there, in its order, and every number is a probability.
fn check_shape(analysis: &Value) {
    let keys: Vec<&str> = analysis.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "sentiment",
        "frustration",
        "offensive",
        "human_request",
        "intent",
        "intents",
        "abstained",
        "truncated",
        "analyzer",
    ];
    assert_eq!(keys, expected);
    let moods = ["negative", "neutral", "positive"].map(|mood| analysis["sentiment"][mood].as_f64().unwrap());
    assert!((moods.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{moods:?}");
    let heads = ["frustration", "offensive", "human_request"].map(|head| analysis[head].as_f64().unwrap());
    let intents = analysis["intents"].as_object().unwrap();
    let names: Vec<&str> = Intent::ALL.iter().map(|intent| intent.as_str()).collect();
    assert_eq!(intents.keys().map(String::as_str).collect::<Vec<_>>(), names);
    let all = heads.into_iter().chain(moods).chain(intents.values().map(|value| value.as_f64().unwrap()));
    assert!(all.into_iter().all(|value| (0.0..=1.0).contains(&value)));
    let read: Analysis = serde_json::from_value(analysis.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), *analysis, "an analysis comes back from JSON as it was");
}

/// A file of everything that breaks line readers: the run goes on, in order, and ends well.
#[test]
fn hostile_lines_are_answered_one_by_one() {
    let mut input: Vec<u8> = Vec::new();
    let good = [
        "{\"text\": \"Get me a human NOW\", \"k\": 1}",
        "{\"k\":[1,{\"deep\":null}],\"text\":\"where is my order\",\"n\":12345678901234567890123,\"text2\":\"x\"}",
        "  {\"text\":\"one\\u2028line\", \"b\": \"\u{2028}\u{85}\"}  ",
        "{\"text\":\"\"}",
        "{\"text\":\" \\u200b\\n \"}",
        "{\"text\":\"\u{1F621}\u{1F621}\"}",
        "{\"analysis\":{\"old\":true},\"text\":\"thanks\",\"z\":1}",
        "{\"text\":\"nul \\u0000 and \\ud83d\\ude00\"}\r",
    ];
    let long_text = format!("{{\"text\":\"{}\"}}", "refund now ".repeat(4_000));
    let bad: [Vec<u8>; 9] = [
        b"".to_vec(),
        b"not json".to_vec(),
        b"[1,2]".to_vec(),
        b"{\"text\":5}".to_vec(),
        b"{\"no\":\"text\"}".to_vec(),
        b"{\"text\":\"broken \xff\xfe\"}".to_vec(),
        b"{\"text\":\"lone \\ud800\"}".to_vec(),
        [b"{\"text\":\"".as_slice(), &vec![b'a'; 1_100_000], b"\"}"].concat(),
        [vec![b'['; 5_000], vec![b']'; 5_000]].concat(),
    ];
    for (at, bad) in bad.iter().enumerate() {
        let line = good.get(at).map_or(long_text.as_str(), |line| line);
        input.extend(line.as_bytes());
        input.push(b'\n');
        input.extend(bad);
        input.push(b'\n');
    }
    for analyzer in ["words", "model"] {
        let output =
            baton(&["analyze", "--analyzer", analyzer, "--model", model_folder().to_str().unwrap()], &input);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let answers = lines(&output);
        assert_eq!(answers.len(), 2 * bad.len());
        for (nth, pair) in answers.chunks(2).enumerate() {
            check_shape(&pair[0]["analysis"]);
            assert_eq!(pair[0]["analysis"]["analyzer"]["by"], analyzer);
            assert_eq!(pair[1]["error"]["code"], "invalid_line");
            assert_eq!(pair[1]["line"], 2 * nth + 2);
            assert!(pair[1]["error"]["message"].is_string() && pair[1].get("text").is_none());
        }
        let text = std::str::from_utf8(&output.stdout).unwrap();
        let raw: Vec<&str> = text.split_terminator('\n').collect();
        assert!(
            raw[0].starts_with("{\"text\": \"Get me a human NOW\", \"k\": 1,\"analysis\":{\"sentiment\":")
        );
        assert!(
            raw[2].contains("\"n\":12345678901234567890123,\"text2\":\"x\",\"analysis\""),
            "numbers go through as written"
        );
        assert!(raw[4].contains("\"b\": \"\u{2028}\u{85}\""));
        assert!(answers[0]["analysis"]["human_request"].as_f64().unwrap() >= 0.95);
        assert_eq!(answers[6]["analysis"]["abstained"], "empty");
        assert_eq!(answers[8]["analysis"]["abstained"], "empty");
        assert_eq!(answers[12]["analysis"].get("old"), None);
        assert_eq!(answers[12].as_object().unwrap().keys().next_back().unwrap(), "analysis");
        assert_eq!(answers[16]["analysis"]["truncated"], true);
        assert_eq!(answers[0]["analysis"]["truncated"], false);
    }
}

#[test]
fn answers_come_while_the_input_only_pauses() {
    for analyzer in ["words", "model"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
            .args(["analyze", "--analyzer", analyzer, "--model", model_folder().to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        for n in 0..3 {
            writeln!(stdin, "{{\"n\":{n},\"text\":\"hello\"}}").unwrap();
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            assert!(line.starts_with(&format!("{{\"n\":{n},")), "{line}");
        }
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn order_holds_over_many_batches_and_threads() {
    let text =
        ["hi", "where is my order, it should have been here on monday already", "refund", "you are useless"];
    let input: String =
        (0..300).map(|n| format!("{{\"n\":{n},\"text\":\"{}\"}}\n", text[n % text.len()])).collect();
    let model = model_folder();
    let arguments = ["analyze", "--threads", "2", "--batch", "8", "--model", model.to_str().unwrap()];
    let output = baton(&arguments, input.as_bytes());
    let numbers: Vec<u64> = lines(&output).iter().map(|line| line["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..300).collect::<Vec<_>>());
}

#[test]
fn no_model_is_a_failure_and_never_words() {
    let output = baton(&["analyze", "--model", "/there/is/none"], b"{\"text\":\"hi\"}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    let output = baton(&["analyze", "--batch", "0"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_damaged_model_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(model_folder()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let weights = folder.path().join("heads.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let folder = folder.path().to_str().unwrap();
    for arguments in [["model", "verify", folder].as_slice(), &["analyze", "--model", folder]] {
        let output = baton(arguments, b"{\"text\":\"hi\"}\n");
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("heads.safetensors is damaged"), "{error}");
    }
    assert_eq!(baton(&["model", "verify", model_folder().to_str().unwrap()], b"").status.code(), Some(0));
}

#[test]
fn languages_it_does_not_speak_are_left_alone_but_not_their_requests() {
    let analyzer = loaded(builder());
    for (text, asks) in [
        ("где мой заказ", false),
        ("соедините меня с оператором", true),
        ("転人工 オペレーターに繋いでください", true),
        ("wo ist denn bitte meine Bestellung, ich warte schon seit zwei Wochen", false),
        ("ich warte schon seit zwei Wochen und möchte jetzt endlich mit einem Menschen sprechen", true),
    ] {
        for analysis in [ask(&analyzer, text), analyzer.words(text)] {
            assert_eq!(analysis.abstained, Some(Abstained::Language), "{text}");
            assert_eq!(analysis.asks_for_human(), asks, "{text}");
        }
    }
    assert_eq!(ask(&analyzer, "rep pls").abstained, None);
    assert_eq!(ask(&analyzer, "   ").abstained, Some(Abstained::Empty));
}

#[test]
fn words_answer_at_once_and_say_that_they_are_words() {
    let lexicon = Lexicon::compiled_in();
    let analysis = lexicon.analyze("this is the third time I ask, useless bot, get me a human");
    assert_eq!(analysis.analyzer.by, By::Words);
    assert!(
        analysis.asks_for_human() && analysis.frustration > lexicon.analyze("where is my order").frustration
    );
    assert_eq!(analysis, lexicon.analyze("this is the third time I ask, useless bot, get me a human"));
}

fn logit(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

fn explained(analyzer: &RustBertAnalyzer, text: &str, head: Head) -> Vec<WordWeight> {
    analyzer.explain(text, head).blocking_recv().unwrap()
}

/// What is named as the reason must be the reason: the terms add up to the
/// score, and taking the strongest word away moves it more than others do.
#[test]
fn words_of_a_score_add_up_and_removing_the_strongest_moves_it_most() {
    let analyzer = loaded(builder());
    let texts = [
        "this is ridiculous, I have asked three times and you are useless",
        "I am so tired of this stupid answer, nobody helps me",
        "the parcel is late again and your bot keeps repeating itself",
        "why is it so hard to get a refund, terrible service",
    ];
    let (mut by_strongest, mut by_others, mut n_others) = (0.0, 0.0, 0.0);
    for text in texts {
        let score = ask(&analyzer, text).frustration;
        let words = explained(&analyzer, text, Head::Frustration);
        let sum: f64 = words.iter().map(|word| word.weight).sum();
        assert!(
            (sum - logit(score)).abs() < 0.05 || !(0.01..0.99).contains(&score),
            "{text}: {sum} and {score}"
        );
        let mut named: Vec<&WordWeight> = words
            .iter()
            .filter(|word| word.span.is_some() && word.word.chars().any(char::is_alphabetic))
            .collect();
        assert!(
            named
                .iter()
                .all(|word| word.span.map(|(start, end)| &text[start..end]) == Some(word.word.as_str()))
        );
        named.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        for (nth, word) in named.iter().enumerate() {
            let (start, end) = word.span.unwrap();
            let without = format!("{}{}", &text[..start], &text[end..]);
            let moved = logit(score.clamp(0.001, 0.999))
                - logit(ask(&analyzer, &without).frustration.clamp(0.001, 0.999));
            if nth == 0 {
                by_strongest += moved / texts.len() as f64;
            } else {
                by_others += moved;
                n_others += 1.0;
            }
        }
    }
    assert!(by_strongest > by_others / n_others, "{by_strongest} and {}", by_others / n_others);

    let lexicon = Lexicon::compiled_in();
    for head in [Head::Frustration, Head::HumanRequest, Head::Intent(Intent::Refund)] {
        let sum: f64 = lexicon.explain(texts[0], head).iter().map(|word| word.weight).sum();
        let analysis = lexicon.analyze(texts[0]);
        let found = match head {
            Head::Frustration => analysis.frustration,
            Head::HumanRequest => analysis.human_request,
            _ => analysis.probability(Intent::Refund),
        };
        assert!(
            (sum - logit(found)).abs() < 0.05 || !(0.005..0.995).contains(&found),
            "{head:?}: {sum} and {found}"
        );
    }
    assert!(explained(&analyzer, texts[0], Head::Intent(Intent::Other)).is_empty());
}

/// Texts of a batch share its rows; none may see another.
#[test]
fn company_in_a_batch_changes_nothing_that_counts() {
    let analyzer = loaded(builder());
    let long = "and then it broke again, as I told your colleague on Monday, ".repeat(9);
    let texts = [
        "refund",
        "I want my money back for the broken lamp that you sent me last week",
        "hi",
        "thank you so much!",
        &long,
        "this is the worst service I have ever had, get me a human",
        "is the blue one in stock",
    ];
    let numbers = |analysis: &Analysis| -> Vec<f64> {
        let heads = [analysis.frustration, analysis.offensive, analysis.human_request];
        let moods = [&analysis.sentiment.negative, &analysis.sentiment.neutral, &analysis.sentiment.positive];
        let intents = Intent::ALL.iter().map(|intent| analysis.probability(*intent));
        heads.into_iter().chain(moods.into_iter().copied()).chain(intents).collect()
    };
    let alone: Vec<Analysis> = texts.iter().map(|text| ask(&analyzer, text)).collect();
    let together: Vec<_> = texts.iter().map(|text| analyzer.start(text).unwrap()).collect();
    for ((text, alone), together) in texts.iter().zip(alone).zip(together) {
        let together = together.blocking_recv().unwrap();
        for (alone, together) in numbers(&alone).into_iter().zip(numbers(&together)) {
            assert!((alone - together).abs() < 0.001, "{text}: {alone} and {together}");
        }
        assert_eq!(alone.intent(), together.intent());
    }
}

#[test]
fn a_text_that_came_before_is_answered_from_memory() {
    let analyzer = loaded(builder().repeats(8));
    let first = ask(&analyzer, "where is my order");
    assert_eq!(analyzer.n_repeats(), 0);
    assert_eq!(ask(&analyzer, "where is my order"), first);
    assert_ne!(ask(&analyzer, "where is my order?"), first, "exact repeats only");
    assert_eq!(analyzer.n_repeats(), 1);
    analyzer.forget();
    assert_eq!(ask(&analyzer, "where is my order"), first);
    assert_eq!(analyzer.n_repeats(), 1, "forgotten: analyzed again");
    let without = loaded(builder());
    assert_eq!(ask(&without, "where is my order"), ask(&without, "where is my order"));
    assert_eq!(without.n_repeats(), 0);
}

#[test]
fn sentence_vectors_have_length_one_and_know_what_is_alike() {
    let analyzer = loaded(builder());
    let texts = ["where is my parcel", "my package has not arrived yet", "do you sell garden chairs"]
        .map(str::to_owned);
    let vectors = analyzer.embed(texts.to_vec()).unwrap().blocking_recv().unwrap();
    let likeness = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum::<f32>();
    assert!((0..3).all(|at| (likeness(at, at) - 1.0).abs() < 1e-3));
    assert!(likeness(0, 1) > likeness(0, 2) + 0.1, "{} and {}", likeness(0, 1), likeness(0, 2));
}

#[test]
fn pieces_stand_where_they_were_written() {
    let tokenizer = Tokenizer::open(&model_folder().join(VOCABULARY)).unwrap();
    let text = "Pleaaaaase, a g e n t! Señor Müller’s о\u{200b}rder";
    let encoded = tokenizer.encode(text);
    let places: Vec<&str> = encoded.places.iter().flatten().map(|place| &text[place.clone()]).collect();
    assert_eq!(places[..4], ["Pleaaaaase", ",", "a g e n t", "!"]);
    assert_eq!(encoded.ids, tokenizer.encode("please, agent! senor muller's order").ids);
    let long = tokenizer.encode(&format!("begin {} end", "word ".repeat(500)));
    assert_eq!(long.ids.len(), MAX_PIECES);
    assert_eq!(long.places[MAX_PIECES - 2].clone().unwrap().start, "begin ".len() + 5 * 500 + 1);
}

/// A hung engine cannot be killed: it is abandoned once, everybody who waits
/// learns it, and words go on.
#[test]
fn a_stalled_worker_is_abandoned_and_words_go_on() {
    let faults = Arc::new(FaultHandle::default());
    let analyzer =
        loaded(builder().queue(2).hangs_after(Duration::from_millis(200)).faults(Arc::clone(&faults)));
    faults.set(Fault::Stall);
    let waiting: Vec<_> = (0..20).map(|_| analyzer.start("where is my order")).collect();
    // A batch is all that waits, and two may.
    assert!(waiting.iter().flatten().count() <= 4, "two may wait and two may be in work");
    assert!(waiting.iter().any(Option::is_none), "a full queue says so at once");
    while analyzer.status().is_ready() {
        std::thread::yield_now();
    }
    for answer in waiting.into_iter().flatten() {
        answer.blocking_recv().unwrap_err();
    }
    assert!(matches!(analyzer.status(), AnalyzerStatus::Failed { .. }));
    assert!(analyzer.start("hello").is_none());
    assert!(analyzer.words("get me a human").asks_for_human());
    assert!(!explained(&analyzer, "you are useless", Head::Frustration).is_empty());
    faults.clear();
    assert!(matches!(analyzer.status(), AnalyzerStatus::Failed { .. }), "there is no second try");
}

#[test]
fn a_worker_that_dies_takes_nobody_with_it() {
    let faults = Arc::new(FaultHandle::default());
    let analyzer = loaded(builder().faults(Arc::clone(&faults)));
    assert!(ask(&analyzer, "hello").analyzer.by == By::Model);
    faults.set(Fault::Crash);
    analyzer.start("where is my order").unwrap().blocking_recv().unwrap_err();
    while analyzer.status().is_ready() {
        std::thread::yield_now();
    }
    assert!(analyzer.start("hello").is_none());
    assert!(analyzer.embed(vec!["hello".to_owned()]).is_none());
    assert!(analyzer.words("get me a human").asks_for_human());
}
