//! Pages of `docs/` that are written from the code.

use std::path::Path;

/// Compares a page with what the code says. `UPDATE_DOCS=1` writes it instead.
pub fn assert_page(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{path} is not what the code says: run the tests once with UPDATE_DOCS=1");
}
