//! Turns `default.toml` into the page `docs/configuration.md`.
//!
//! A test compares the page with this, so the two cannot drift apart.

use std::fmt::Write as _;

use super::DEFAULT;

/// The text of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration\n\n<!-- Written from src/config/default.toml; a test keeps the two equal. -->\n\n",
    );
    let mut comment: Vec<&str> = Vec::new();
    let mut is_heading = true;
    let mut rows_open = false;
    for line in DEFAULT.lines() {
        if let Some(text) = line.strip_prefix('#') {
            if rows_open {
                page.push('\n');
                rows_open = false;
            }
            comment.push(text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_heading = false;
            let _ = write!(page, "\n## {section}\n\n");
        } else if let Some((key, value)) = line.split_once(" = ") {
            if !comment.is_empty() {
                page.push_str(&paragraph(&comment));
                comment.clear();
            }
            let _ = writeln!(page, "- `{key}` = `{value}`");
            rows_open = true;
        } else if line.is_empty() && is_heading && !comment.is_empty() {
            page.push_str(&paragraph(&comment));
            comment.clear();
        }
        if line.is_empty() && rows_open {
            page.push('\n');
            rows_open = false;
        }
    }
    while page.contains("\n\n\n") {
        page = page.replace("\n\n\n", "\n\n");
    }
    format!("{}\n", page.trim_end())
}

/// Joins comment lines; a line that is indented lists the values to choose from.
fn paragraph(comment: &[&str]) -> String {
    let mut text = String::new();
    for line in comment {
        if let Some(choices) = line.strip_prefix("  ") {
            let choices: Vec<String> =
                choices.split('|').map(|choice| format!("`{}`", choice.trim())).collect();
            let _ = write!(text, "\nOne of {}.\n", choices.join(", "));
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push('\n');
    text
}
