//! The house as ARCHITECTURE.md draws it, checked in the source text: who may use
//! whom, what the domain never touches, names, comments, sizes (invariants 1, 10 to 13).

use crate::support::source::{code_only, files, root, rust_files, uses_extern, uses_of_crate, without_tests};

/// Folder, then what it may use of ours besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("flow", &["domain", "shutdown", "fault"]),
    ("config", &["domain"]),
    ("telemetry", &["domain", "config", "flow"]),
    ("auth", &["domain", "flow", "config"]),
    ("gateway", &["domain", "flow", "config", "telemetry", "auth", "shutdown", "fault"]),
    ("nlp", &["domain", "flow", "config", "telemetry", "shutdown", "fault"]),
    ("bot", &["domain", "flow", "config", "telemetry", "shutdown", "fault"]),
    ("notify", &["domain", "flow", "config", "telemetry", "shutdown", "fault"]),
    ("store", &["domain", "flow", "config", "telemetry", "shutdown", "fault"]),
    ("broker", &["domain", "flow", "config", "telemetry", "shutdown", "fault"]),
    ("http", &["domain", "flow", "config", "telemetry", "auth", "shutdown", "fault"]),
];

/// Files at the top that put everything together.
const MAY_USE_EVERYTHING: &[&str] = &["app", "cli", "demo", "lib", "main", "system"];

/// Crates that would let the outside world into the domain.
const NEVER_IN_DOMAIN: &[&str] = &[
    "anyhow",
    "arc_swap",
    "async_trait",
    "axum",
    "dashmap",
    "hyper",
    "prometheus_client",
    "rand",
    "reqwest",
    "rusqlite",
    "rust_bert",
    "serde_json",
    "tch",
    "tokenizers",
    "tokio",
    "tokio_postgres",
    "tokio_util",
    "toml",
    "tower",
    "tracing",
];

/// Crates that only the places named may use.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("tokio_postgres", &["store"]),
    ("axum", &["gateway", "http", "app", "cli"]),
    ("tch", &["nlp"]),
    ("rust_bert", &["nlp"]),
    ("reqwest", &["bot", "cli", "notify"]),
    ("argon2", &["auth", "cli"]),
    ("prometheus_client", &["telemetry"]),
    ("clap", &["cli", "main"]),
    ("anyhow", &["main", "cli", "app", "demo"]),
];

/// The folder or file right below `src` that a path belongs to.
fn place_of(path: &str) -> &str {
    let rest = path.strip_prefix("src/").unwrap_or(path);
    let first = rest.split('/').next().unwrap_or(rest);
    first.strip_suffix(".rs").unwrap_or(first)
}

#[test]
fn invariant_13_folders_use_only_what_the_table_allows() {
    let mut problems = Vec::new();
    for file in rust_files("src") {
        let place = place_of(&file.path);
        if MAY_USE_EVERYTHING.contains(&place) || ["shutdown", "fault"].contains(&place) {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(folder, _)| *folder == place) else {
            problems.push(format!("{}: `{place}` is not in the table", file.path));
            continue;
        };
        for used in uses_of_crate(without_tests(&file.text)) {
            if used != place && !allowed.contains(&used.as_str()) {
                problems.push(format!("{}: `{place}` may not use `{used}`", file.path));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn invariant_1_the_domain_knows_nothing_of_the_outside_world() {
    for file in rust_files("src/domain") {
        let text = without_tests(&file.text);
        for name in NEVER_IN_DOMAIN {
            assert!(!uses_extern(text, name), "{}: uses `{name}`", file.path);
        }
        let code = code_only(text);
        for never in [
            "async fn",
            ".await",
            "std::fs",
            "std::net",
            "std::thread",
            "std::env",
            "SystemTime",
            "Instant::",
        ] {
            assert!(!code.contains(never), "{}: the domain has no `{never}`", file.path);
        }
    }
}

#[test]
fn crates_are_used_where_they_belong() {
    let mut problems = Vec::new();
    for file in rust_files("src") {
        let place = place_of(&file.path);
        for (name, places) in ONLY_IN {
            if uses_extern(without_tests(&file.text), name) && !places.contains(&place) {
                problems.push(format!("{}: `{name}` belongs into {}", file.path, places.join(", ")));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What the store and the wire need to be JSON are values; what changes as a whole is written column by column.
#[test]
fn invariant_10_aggregates_never_become_json_by_themselves() {
    for (path, name) in [
        ("src/domain/conversation/aggregate.rs", "pub struct Conversation "),
        ("src/domain/conversation/aggregate.rs", "pub struct Change "),
        ("src/domain/conversation/entry.rs", "pub struct Entry "),
        ("src/domain/conversation/message.rs", "pub struct Body"),
        ("src/domain/handoff/mod.rs", "pub struct Handoff "),
        ("src/domain/account.rs", "pub struct Account "),
    ] {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let at = text.find(name).unwrap_or_else(|| panic!("{path} has no `{name}`"));
        let before = &text[..at];
        let derive = before.rfind("#[derive").map_or("", |derive| &before[derive..]);
        assert!(!derive.contains("Serialize"), "{path}: `{name}` is not for the wire");
    }
}

/// Model code runs on threads of its own, never on a worker of tokio.
#[test]
fn invariant_11_the_model_has_threads_of_its_own() {
    let mut problems = Vec::new();
    for file in rust_files("src/nlp") {
        let code = code_only(without_tests(&file.text));
        for never in ["tokio::spawn", "spawn_blocking", "block_in_place", "block_on("] {
            if code.contains(never) {
                problems.push(format!("{}: `{never}`", file.path));
            }
        }
        let is_async = code.contains("async fn") || code.contains(".await");
        if is_async && (uses_extern(&file.text, "tch") || uses_extern(&file.text, "rust_bert")) {
            problems.push(format!("{}: computes with the model and is async", file.path));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What people write is hidden by its type: `Debug` of a body prints its length, and nothing logs a body's text.
#[test]
fn invariant_12_nothing_logs_what_people_write() {
    let mut problems = Vec::new();
    for file in rust_files("src") {
        let code = without_tests(&file.text);
        for name in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
            for (at, _) in code.match_indices(name) {
                let call = &code[at..code[at..].find(");").map_or(code.len(), |end| at + end)];
                for never in [
                    "body.as_str()",
                    "text.as_str()",
                    ".as_str() = body",
                    "%body",
                    "?body",
                    "%text",
                    "?text",
                    "%email",
                    "?email",
                ] {
                    if call.contains(never) {
                        problems.push(format!("{}: logs `{never}`", file.path));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let derive = std::fs::read_to_string(root().join("src/domain/conversation/message.rs")).unwrap();
    assert!(derive.contains("impl fmt::Debug for Body") && !derive.contains("impl fmt::Display for Body"));
}

#[test]
fn every_file_says_what_it_is() {
    for folder in ["src", "tests/it"] {
        for file in rust_files(folder) {
            assert!(file.text.starts_with("//! "), "{}: begins with `//!`", file.path);
        }
    }
}

#[test]
fn a_mod_file_holds_no_logic() {
    // Folders named for their main noun, whose noun stands in the `mod.rs`, and the two that put a place together.
    for file in rust_files("src").into_iter().filter(|file| file.path.ends_with("/mod.rs")) {
        let n_lines = without_tests(&file.text).lines().count();
        assert!(n_lines <= 420, "{}: {n_lines} lines", file.path);
    }
}

/// A file that is longer than this has two subjects. Those that may be longer are named, with how long.
const LONGEST: usize = 600;
const MAY_BE_LONGER: &[(&str, usize)] = &[
    // The world: everything that people can do in it.
    ("tests/it/support/world.rs", 700),
    // Reading, playing and comparing scenarios: one language.
    ("tests/it/support/script.rs", 800),
    // One test for each promise of a long port.
    ("tests/it/store_contract.rs", 950),
];

#[test]
fn files_have_one_subject_and_are_no_longer_than_it_takes() {
    let mut problems = Vec::new();
    for folder in ["src", "tests/it"] {
        for file in rust_files(folder) {
            let n_lines = file.text.lines().count();
            let most =
                MAY_BE_LONGER.iter().find(|(path, _)| *path == file.path).map_or(LONGEST, |(_, most)| *most);
            if n_lines > most {
                problems.push(format!("{}: {n_lines} lines, at most {most}", file.path));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Words that mean too much or somebody else's product, in our own names.
const BANNED: &[&str] = &["user", "customer", "operator", "ticket", "chat", "session", "handover", "hitl"];

/// Where a banned word is right, and why.
const RIGHT_HERE: &[(&str, &str, &str)] = &[
    // The one-use ticket that lets a socket in is the one ticket there is.
    ("ticket", "src/auth/", "the one-use ticket"),
    ("ticket", "src/gateway/", "the one-use ticket"),
    ("ticket", "src/http/", "the one-use ticket"),
    ("ticket", "src/app/", "the one-use ticket"),
    ("ticket", "src/flow/ports/nodes.rs", "the one-use ticket"),
    ("ticket", "src/store/sql/nodes.rs", "the one-use ticket"),
    ("ticket", "src/store/memory/", "the one-use ticket"),
    ("ticket", "src/cli/", "the one-use ticket"),
    ("ticket", "src/config/", "the one-use ticket"),
    ("ticket", "static/", "the one-use ticket"),
    ("session", "src/gateway/", "a socket's session"),
    ("session", "src/auth/", "a login's session"),
    ("session", "static/", "sessionStorage of browsers"),
    // Words that visitors write, as the analyzers know them.
    ("user", "src/nlp/", "what visitors write"),
    ("customer", "src/nlp/", "what visitors write"),
    ("operator", "src/nlp/", "what visitors write"),
    ("ticket", "src/nlp/", "what visitors write"),
    ("chat", "src/nlp/", "what visitors write"),
    ("session", "src/nlp/", "what visitors write"),
    // The word of the contract for an escalation that the visitor asked for.
    ("customer", "src/domain/handoff/mod.rs", "`customer_initiated`"),
    ("customer", "src/domain/escalation/reason.rs", "`CustomerInitiated`"),
    ("customer", "static/shared/words.js", "`customer_initiated`"),
    // SQLite's `user_version`, headers and styles of browsers.
    ("user", "src/store/sqlite/mod.rs", "pragma `user_version`"),
    ("user", "src/store/sqlite/backup.rs", "pragma `user_version`"),
    ("user", "src/http/", "`User-Agent`"),
    ("user", "src/bot/", "`User-Agent`"),
    ("user", "src/cli/", "`User-Agent`"),
    ("user", "static/", "`user-select`, `userAgent`, `:user-invalid`"),
];

/// The words in a text: letters in a row, cut at capitals and underscores.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in text.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && was_lower) {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

#[test]
fn our_names_are_the_fields_words() {
    let mut problems = Vec::new();
    let mut sources = rust_files("src");
    for ending in [".js", ".css", ".html", ".ts"] {
        sources.extend(files("static", ending).into_iter().filter(|file| !file.path.contains("/vendor/")));
    }
    for file in sources {
        // The lists of phrases in which visitors ask for a person hold the words that people use.
        if file.path.starts_with("src/domain/analysis/phrase/") {
            continue;
        }
        let text = match file.path.strip_suffix(".rs") {
            Some(_) => code_only(&file.text),
            None => file.text.clone(),
        };
        for word in words(&text) {
            let Some(banned) =
                BANNED.iter().find(|banned| word == **banned || word.strip_suffix('s') == Some(**banned))
            else {
                continue;
            };
            let is_right =
                RIGHT_HERE.iter().any(|(right, place, _)| right == banned && file.path.starts_with(place));
            if !is_right {
                problems.push(format!("{}: `{word}`", file.path));
            }
        }
    }
    problems.sort();
    problems.dedup();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Clients of a real process that is killed pause before they come again, by the only clock that both have.
const MAY_SLEEP: &[&str] = &["tests/it/support/process.rs", "tests/it/support/proxy.rs"];

/// Nothing that is put off in silence, nothing that waits by the clock of the machine.
#[test]
fn tests_neither_sleep_nor_are_left_out() {
    let mut problems = Vec::new();
    for folder in ["src", "tests/it"] {
        for file in rust_files(folder) {
            let code = code_only(&file.text);
            for never in ["#[ignore", "thread::sleep", "todo!(", "unimplemented!(", "dbg!("] {
                if code.contains(never) {
                    problems.push(format!("{}: `{never}`", file.path));
                }
            }
            let is_test = file.path.starts_with("tests/") && !MAY_SLEEP.contains(&file.path.as_str());
            if is_test && code.contains("time::sleep") {
                problems.push(format!("{}: sleeps by the machine's clock", file.path));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Numbered from 1 without a gap, and all of them run, in order.
#[test]
fn migrations_are_numbered_and_all_run() {
    let migrations = files("src/store/sqlite/migrations", ".sql");
    let list = std::fs::read_to_string(root().join("src/store/sqlite/mod.rs")).unwrap();
    let mut last = 0;
    for (index, migration) in migrations.iter().enumerate() {
        let name = migration.path.rsplit('/').next().unwrap();
        let number = format!("{:04}_", index + 1);
        assert!(name.starts_with(&number), "{name} should be number {number}");
        let at = list.find(name).unwrap_or_else(|| panic!("{name} is never run"));
        assert!(at > last, "{name} runs out of order");
        last = at;
    }
    assert!(!migrations.is_empty());
}

/// What is committed says what the project is, not who made it how.
#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let mut sources = rust_files("src");
    sources.extend(rust_files("tests/it"));
    sources.extend(files("tests/scenarios", ".chat"));
    for file in sources {
        let needle = ["/wo", "rk/"].concat();
        assert!(!file.text.contains(&needle), "{}: names a folder of one machine", file.path);
    }
}

/// A failpoint or a planted fault that stands nowhere tests nothing, and one that stands twice says nothing.
#[test]
fn each_failpoint_and_planted_fault_stands_in_one_place() {
    let sources: String = rust_files("src")
        .into_iter()
        .filter(|file| file.path != "src/fault.rs")
        .map(|file| file.text)
        .collect();
    for (call, names) in [("point", baton::fault::POINTS), ("planted", baton::fault::FAULTS)] {
        for name in names {
            assert_eq!(sources.matches(&format!("{call}(\"{name}\")")).count(), 1, "{call}(\"{name}\")");
        }
    }
}
