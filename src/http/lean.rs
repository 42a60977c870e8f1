//! Takes comments and indentation out of our own scripts and styles on their way to a
//! browser. It is not a minifier: code, names and lines stay what they are in the repository.

/// A script or style without its comments and indentation.
///
/// Reads lines, not the language. Two habits of `static/`, which its tests keep, make
/// that safe: a comment has lines of its own or is a type (`/** @type {…} */`), and no
/// text in backticks has a line that begins like a comment. Libraries come as they are.
pub(super) fn lean(name: &str, text: &str) -> String {
    let is_script = name.ends_with(".js");
    if name.starts_with("vendor/") || !(is_script || name.ends_with(".css")) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let (mut is_inside, mut is_in_backticks) = (false, false);
    for line in text.lines() {
        let begin = line.trim_start();
        let end = line.trim_end();
        if is_inside || begin.starts_with("/*") && !is_type_of_code(end) {
            is_inside = !end.ends_with("*/");
        } else if !(end.is_empty() || is_script && begin.starts_with("//")) {
            // Indentation means nothing, but inside a text in backticks.
            push_without_types(&mut out, if is_in_backticks { end } else { end.trim_start() });
            is_in_backticks ^= is_script && end.matches('`').count() % 2 == 1;
            out.push('\n');
        }
    }
    out
}

/// True when the line goes on after its comment: `/** @type {any} */ let timer = null;`
fn is_type_of_code(line: &str) -> bool {
    line.find("*/").is_some_and(|at| !line[at + 2..].trim().is_empty())
}

fn push_without_types(out: &mut String, mut line: &str) {
    while let Some(at) = line.find("/** @") {
        let Some(length) = line[at..].find("*/") else { break };
        out.push_str(&line[..at]);
        line = &line[at + length + 2..];
        line = line.strip_prefix(' ').unwrap_or(line);
    }
    out.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_code_stays() {
        let script = "// What it is.\n\n/**\n * Adds.\n * @param {number} a\n */\nexport function add(/** @type {number} */ a) {\n  // Why.\n  /** @type {any} */ let b = 1;\n  const link = 'https://a.example/*'; // eslint\n  return /** @type {any} */ (a) + b;\n}\n/** One line. */\nexport const x = 1;\n";
        let wanted = "export function add(a) {\nlet b = 1;\nconst link = 'https://a.example/*'; // eslint\nreturn (a) + b;\n}\nexport const x = 1;\n";
        assert_eq!(lean("shared/add.js", script), wanted);
    }

    #[test]
    fn what_stands_in_backticks_is_kept() {
        let script = "  const a = `one ${b}`;\n  const c = `\n    two\n  `;\n  c();\n";
        assert_eq!(lean("a.js", script), "const a = `one ${b}`;\nconst c = `\n    two\n  `;\nc();\n");
    }

    #[test]
    fn styles_lose_theirs_too() {
        let style = "/* Colors,\n   by meaning. */\n\n:root {\n  /* Ground. */\n  --ground: #fff;\n}\n";
        assert_eq!(lean("shared/tokens.css", style), ":root {\n--ground: #fff;\n}\n");
    }

    #[test]
    fn libraries_pictures_and_pages_are_left_alone() {
        for name in ["vendor/preact.js", "demo/spade.svg", "demo/index.html"] {
            assert_eq!(lean(name, "// a\n\n/* b */\n"), "// a\n\n/* b */\n");
        }
    }
}
