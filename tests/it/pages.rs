//! The pages against the server that serves them: every file they name is there,
//! nothing runs inline, and every API path they call is a route.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use baton::http::routes;

fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // What comes from packages is not ours to judge, and not there before `make`.
        if path.is_dir() && !path.ends_with("vendor") {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("static")
}

/// The values of an attribute, as `href="…"`.
fn values<'a>(text: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!("{attribute}=\"");
    text.split(begin.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_file_that_a_page_names_is_there() {
    for (page, text) in files(&pages(), ".html") {
        let named: BTreeSet<&str> = values(&text, "src").into_iter().chain(values(&text, "href")).collect();
        for file in named.iter().filter_map(|address| address.strip_prefix("{{assets}}/")) {
            let is_there = file.starts_with("vendor/") || pages().join(file).is_file();
            assert!(is_there, "{} names {file}, which is not there", page.display());
        }
    }
}

#[test]
fn every_module_that_a_module_imports_is_there() {
    for (module, text) in files(&pages(), ".js") {
        for line in text.lines().filter(|line| {
            line.starts_with("import ") || line.starts_with("} from ") || line.starts_with("export {")
        }) {
            let Some(named) = line.rsplit(['\'', '"']).nth(1).filter(|named| named.starts_with('.')) else {
                continue;
            };
            let is_there = named.contains("/vendor/") || module.parent().unwrap().join(named).is_file();
            assert!(is_there, "{} imports {named}, which is not there", module.display());
        }
    }
}

/// The policy of our pages refuses inline code and styles; a page that has some is broken.
#[test]
fn no_page_has_anything_inline() {
    for (page, text) in files(&pages(), ".html") {
        let page = page.display();
        let lower = text.to_lowercase();
        for tag in lower.split("<script").skip(1) {
            let (head, rest) = tag.split_once('>').unwrap();
            assert!(
                head.contains("src=") && rest.starts_with("</script>"),
                "{page}: a script without a file"
            );
        }
        assert!(!lower.contains("<style"), "{page}: an inline style sheet");
        assert!(
            !lower.contains(" style=") && !lower.contains("javascript:"),
            "{page}: an inline style or script"
        );
        let handlers = lower.split([' ', '\n']).filter(|word| word.starts_with("on") && word.contains("=\""));
        assert_eq!(handlers.collect::<Vec<_>>(), Vec::<&str>::new(), "{page}: an inline handler");
    }
}

/// A call such as ``api.patch(`/queues/${id}`, …)`` as the route it must be.
fn calls(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for method in ["get", "post", "put", "patch", "delete"] {
        for rest in text.split(&format!("api.{method}(")).skip(1) {
            let Some(quote) = rest.chars().next().filter(|quote| matches!(quote, '\'' | '`' | '"')) else {
                continue;
            };
            let path: String = rest[1..].chars().take_while(|letter| *letter != quote).collect();
            found.push((method.to_uppercase(), normal(&path)));
        }
    }
    found
}

/// A path with every `${…}` that is a whole part as `{}`, and without its query.
fn normal(path: &str) -> String {
    let path = path.split("${query(").next().unwrap_or_default().split('?').next().unwrap_or_default();
    let parts =
        path.split('/').map(|part| if part.starts_with("${") || part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_call_of_the_pages_is_a_route() {
    let routes: BTreeSet<(String, String)> =
        routes().into_iter().map(|route| (route.method.to_string(), normal(route.path))).collect();
    let mut n_calls = 0;
    for (module, text) in files(&pages(), ".js") {
        for (method, path) in calls(&text) {
            let called = (method, format!("/api/v1{path}"));
            assert!(routes.contains(&called), "{} calls {} {}", module.display(), called.0, called.1);
            n_calls += 1;
        }
    }
    assert!(n_calls >= 5, "only {n_calls} calls were found: are they written in another way now?");
}

#[test]
fn a_call_is_read_as_the_route_it_is() {
    let text = "api.get(`/conversations${query({ q })}`); api.patch(`/queues/${encodeURIComponent(id)}`, x); api.get('/me')";
    let read: Vec<String> =
        calls(text).into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(read, ["GET /conversations", "GET /me", "PATCH /queues/{}"]);
}
