//! Layers the configuration: defaults, file, environment, flags.
//!
//! Each key is read on its own against the defaults, so that every mistake is
//! found in one go, each with its key, and not only the first.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, DEFAULT, check};

/// Where values come from, weakest first. The defaults lie below all of them.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// The text of a file, and its path for problems.
    pub file: Option<(PathBuf, String)>,
    /// Variables of the environment; only `BATON_SECTION__KEY` is looked at.
    pub environment: Vec<(String, String)>,
    /// Flags, as `("server.listen", "--listen", value)`.
    pub flags: Vec<(&'static str, &'static str, Value)>,
}

/// One mistake: where it stands, which key, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `section.key`, or the section, or empty for the file as a whole.
    pub key: String,
    /// What is wrong, in one line.
    pub message: String,
    /// The file, variable or flag that says so.
    pub source: String,
}

/// Every mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_problems = self.0.len();
        write!(
            f,
            "the configuration has {n_problems} {}",
            if n_problems == 1 { "mistake" } else { "mistakes" }
        )?;
        for problem in &self.0 {
            write!(f, "\n  ")?;
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            write!(f, "{}", problem.message)?;
            if !problem.source.is_empty() {
                write!(f, " ({})", problem.source)?;
            }
        }
        Ok(())
    }
}

/// A value that one layer sets.
struct Setting {
    section: String,
    key: String,
    value: Value,
    source: String,
}

/// Reads all layers and checks the result.
///
/// # Errors
///
/// [`Problems`] with every unknown key, wrong type and rule that does not hold.
pub fn load(layers: &Layers) -> Result<Config, Problems> {
    let defaults: Table = DEFAULT.parse().expect("default.toml is tested to parse");
    let mut problems = Vec::new();
    let mut settings = Vec::new();
    from_file(layers, &defaults, &mut settings, &mut problems);
    from_environment(layers, &defaults, &mut settings, &mut problems);
    for (path, flag, value) in &layers.flags {
        let (section, key) = path.split_once('.').expect("flags name a section and a key");
        settings.push(Setting {
            section: section.to_owned(),
            key: key.to_owned(),
            value: value.clone(),
            source: (*flag).to_owned(),
        });
    }

    let mut merged = defaults.clone();
    for setting in settings {
        let mut alone = defaults.clone();
        put(&mut alone, &setting);
        match Config::deserialize(alone) {
            Ok(_) => put(&mut merged, &setting),
            Err(error) => problems.push(Problem {
                key: format!("{}.{}", setting.section, setting.key),
                message: one_line(error.message()),
                source: setting.source,
            }),
        }
    }
    let config = Config::deserialize(merged).expect("every setting was read on its own");
    problems.extend(check::problems(&config));
    if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
}

fn from_file(layers: &Layers, defaults: &Table, settings: &mut Vec<Setting>, problems: &mut Vec<Problem>) {
    let Some((path, text)) = &layers.file else { return };
    let source = path.display().to_string();
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let line =
                error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
            let message = format!("line {line}: {}", one_line(error.message()));
            problems.push(Problem { key: String::new(), message, source });
            return;
        }
    };
    for (section, value) in table {
        let Some(known) = defaults.get(&section).and_then(Value::as_table) else {
            problems.push(Problem {
                message: unknown(&section, defaults.keys(), "section"),
                key: section,
                source: source.clone(),
            });
            continue;
        };
        let Value::Table(keys) = value else {
            problems.push(Problem {
                key: section,
                message: "is a section, not a value".into(),
                source: source.clone(),
            });
            continue;
        };
        for (key, value) in keys {
            if known.contains_key(&key) {
                settings.push(Setting { section: section.clone(), key, value, source: source.clone() });
            } else {
                let message = unknown(&key, known.keys(), "key");
                problems.push(Problem { key: format!("{section}.{key}"), message, source: source.clone() });
            }
        }
    }
}

fn from_environment(
    layers: &Layers,
    defaults: &Table,
    settings: &mut Vec<Setting>,
    problems: &mut Vec<Problem>,
) {
    for (name, text) in &layers.environment {
        let Some(rest) = name.strip_prefix("BATON_") else { continue };
        let Some((section, key)) = rest.split_once("__") else { continue };
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let known = defaults.get(&section).and_then(Value::as_table);
        match known.and_then(|known| known.get(&key)) {
            Some(default) => settings.push(Setting {
                value: value_like(default, text),
                section,
                key,
                source: name.clone(),
            }),
            None => {
                let message = match known {
                    Some(known) => unknown(&key, known.keys(), "key"),
                    None => unknown(&section, defaults.keys(), "section"),
                };
                problems.push(Problem { key: format!("{section}.{key}"), message, source: name.clone() });
            }
        }
    }
}

/// Reads the text of a variable as the kind of value that the default is.
fn value_like(default: &Value, text: &str) -> Value {
    let as_toml = || format!("x = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("x"));
    match default {
        Value::String(_) => Value::String(text.to_owned()),
        Value::Array(_) => as_toml().filter(Value::is_array).unwrap_or_else(|| {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
        }),
        _ => as_toml().unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn put(into: &mut Table, setting: &Setting) {
    if let Some(Value::Table(section)) = into.get_mut(&setting.section) {
        section.insert(setting.key.clone(), setting.value.clone());
    }
}

/// Names what is there instead, the most similar first.
fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a String>, what: &str) -> String {
    let mut known: Vec<&str> = known.map(String::as_str).collect();
    known.sort_by_key(|candidate| distance(name, candidate));
    match known.first() {
        Some(nearest) if distance(name, nearest) <= 3 => format!("no such {what}; did you mean `{nearest}`?"),
        _ => {
            known.sort_unstable();
            format!("no such {what}; there are {}", known.join(", "))
        }
    }
}

/// How many letters differ (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let here = row[j + 1];
            row[j + 1] = if a == *b { before } else { 1 + before.min(here).min(row[j]) };
            before = here;
        }
    }
    row[right.len()]
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Layers {
        Layers { file: Some(("baton.toml".into(), text.to_owned())), ..Layers::default() }
    }

    fn keys(result: Result<Config, Problems>) -> Vec<String> {
        result.unwrap_err().0.into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn the_defaults_are_a_whole_configuration() {
        let config = load(&Layers::default()).unwrap();
        assert_eq!(config.gateway.max_message_chars.get(), 4000);
        assert_eq!(config.database(), std::path::Path::new("data/baton.db"));
    }

    #[test]
    fn every_mistake_is_listed_with_its_key() {
        let layers = file(
            "[server]\nlisten = 5\nlisen = \"x\"\npublic_url = \"http://help.example\"\n[gateway]\noutbox = 0\nping_interval = \"soon\"\n[gate]\nx = 1\n",
        );
        let expected = [
            "server.lisen",
            "gate",
            "server.listen",
            "server.public_url",
            "gateway.outbox",
            "gateway.ping_interval",
        ];
        let mut found = keys(load(&layers));
        found.sort();
        let mut expected: Vec<String> = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_environment_wins_over_the_file_and_a_flag_over_both() {
        let mut layers = file("[server]\nlisten = \"127.0.0.1:1\"\ndata = \"a\"\n");
        layers.environment = vec![
            ("BATON_SERVER__LISTEN".into(), "127.0.0.1:2".into()),
            ("BATON_SERVER__DATA".into(), "b".into()),
            ("BATON_SERVER__TRUSTED_PROXIES".into(), "10.0.0.1, 10.1.0.0/16".into()),
            ("BATON_GATEWAY__OUTBOX".into(), "9".into()),
            ("BATON_BIN".into(), "elsewhere".into()),
        ];
        layers.flags = vec![("server.listen", "--listen", Value::String("127.0.0.1:3".into()))];
        let config = load(&layers).unwrap();
        assert_eq!(config.server.listen.port(), 3);
        assert_eq!(config.server.data, std::path::Path::new("b"));
        assert_eq!(config.gateway.outbox.get(), 9);
        assert_eq!(config.server.trusted_proxies.len(), 2);
    }

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_right_key() {
        let problems = load(&file("[server]\nlisten_addr = \"x\"\nliste = \"y\"\n")).unwrap_err();
        assert!(problems.to_string().contains("did you mean `listen`?"), "{problems}");
        let environment = vec![("BATON_SERVR__LISTEN".into(), "x".into())];
        let layers = Layers { environment, ..Layers::default() };
        assert!(load(&layers).unwrap_err().to_string().contains("did you mean `server`?"));
    }

    #[test]
    fn a_file_that_is_not_toml_is_one_problem_with_its_line() {
        let problems = load(&file("[server]\nlisten = \n")).unwrap_err();
        assert!(problems.to_string().contains("line 2"), "{problems}");
    }

    #[test]
    fn a_secret_never_shows() {
        let mut layers = file("[bot]\nsecret = \"correct horse battery\"\n");
        layers.environment = vec![("BATON_TELEMETRY__METRICS_TOKEN".into(), "staple".into())];
        let shown = format!("{:?}", load(&layers).unwrap());
        assert!(!shown.contains("horse") && !shown.contains("staple"), "{shown}");
    }
}
