//! The source of the project as text, for the tests that keep the house tidy.

use std::path::{Path, PathBuf};

/// One file.
pub struct SourceFile {
    /// From the root of the project, with slashes.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// The root of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder whose names end so, in order.
pub fn files(folder: &str, ending: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(&root().join(folder), ending, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// All Rust files below a folder, or the file itself.
pub fn rust_files(folder: &str) -> Vec<SourceFile> {
    files(folder, ".rs")
}

fn collect(path: &Path, ending: &str, found: &mut Vec<SourceFile>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), ending, found);
        }
        return;
    }
    let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    if name.ends_with(ending) {
        found.push(SourceFile { path: name, text: std::fs::read_to_string(path).unwrap() });
    }
}

/// A file without what is only compiled for its unit tests, which may use more than the code beside them.
pub fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

/// A file without comments and without what stands in quotes: what is left are our own names.
pub fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        let mut is_quoted = false;
        let mut before = ' ';
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            if !is_quoted && c == '/' && characters.peek() == Some(&'/') {
                break;
            }
            if c == '"' && before != '\\' && before != '\'' {
                is_quoted = !is_quoted;
            }
            if !is_quoted {
                code.push(c);
            }
            before = c;
        }
        code.push('\n');
    }
    code
}

/// Words right after `crate::` or `baton::`: the folders of ours that a text uses.
pub fn uses_of_crate(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code = code_only(text);
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            // `use crate::{a, b::c}`: the first word of each part on the outer level.
            let mut depth = 0;
            let mut part = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(first_word(&std::mem::take(&mut part))),
                    _ => {}
                }
                if depth == 0 && c != ',' {
                    part.push(c);
                }
            }
            found.push(first_word(&part));
        } else {
            found.push(first_word(rest));
        }
    }
    found.retain(|word| !word.is_empty());
    found.sort();
    found.dedup();
    found
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Crates named in `use name::…` or written out as `name::…`.
pub fn uses_extern(text: &str, name: &str) -> bool {
    let code = code_only(text);
    let wanted = format!("{name}::");
    code.match_indices(&wanted).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        !(before.is_alphanumeric() || before == '_' || before == ':')
    })
}
