//! The configuration as a person meets it: its page, and the command that checks it.

use crate::support::page::assert_page;

/// What the page says is what the binary was built with.
#[test]
fn the_configuration_page_is_written_from_the_defaults() {
    assert_page("docs/configuration.md", &baton::config::reference());
}

/// Every metric has its line.
#[test]
fn the_metrics_page_is_written_from_the_catalog() {
    assert_page("docs/metrics.md", &baton::telemetry::reference());
}
