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

fn baton(arguments: &[&str], environment: &[(&str, &str)]) -> std::process::Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_baton"));
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn the_printed_default_is_a_configuration_without_mistakes() {
    let printed = baton(&["config", "default"], &[]);
    assert!(printed.status.success() && printed.stderr.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baton.toml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let checked = baton(&["config", "check", "--config", file.to_str().unwrap()], &[]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn every_mistake_is_listed_and_the_service_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baton.toml");
    std::fs::write(
        &file,
        "[server]\nlisten = \"0.0.0.0:1\"\nlsten = 1\n[nlp]\nqueue = \"many\"\n[nowhere]\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let environment = [("BATON_GATEWAY__OUTBOX", "-1"), ("BATON_GATEWAY__OUTBIX", "9")];
    for arguments in [["config", "check", "--config", file].as_slice(), &["serve", "--config", file]] {
        let output = baton(arguments, &environment);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(output.stdout.is_empty());
        for key in
            ["server.lsten", "server.public_url", "nlp.queue", "nowhere", "gateway.outbox", "gateway.outbix"]
        {
            assert!(said.contains(&format!("\n  {key}: ")), "{key} is missing in\n{said}");
        }
    }
}

#[test]
fn a_database_is_made_and_brought_up_to_date_without_serving() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new").join("folder");
    let migrated = baton(&["migrate", "--data", data.to_str().unwrap()], &[]);
    assert!(
        String::from_utf8_lossy(&migrated.stdout).trim_end().ends_with("baton.db: schema 9"),
        "{migrated:?}"
    );
    assert!(data.join("baton.db").exists());
}

#[test]
fn accounts_are_managed_from_the_command_line() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let add = [
        "account",
        "add",
        "--data",
        data,
        "--email",
        "ana@shop.example",
        "--name",
        "Ana",
        "--role",
        "admin",
        "--password-stdin",
    ];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(add)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a few plain words\n").unwrap();
    let added = child.wait_with_output().unwrap();
    assert!(added.status.success() && added.stdout.starts_with(b"agt_"));
    let invited = baton(
        &[
            "account",
            "add",
            "--data",
            data,
            "--email",
            "ben@shop.example",
            "--name",
            "Ben",
            "--role",
            "agent",
        ],
        &[],
    );
    assert!(String::from_utf8_lossy(&invited.stdout).contains("/invite?token="));
    let listed = String::from_utf8(baton(&["account", "list", "--data", data], &[]).stdout).unwrap();
    assert!(
        listed.contains("ana@shop.example\tadmin\tactive\tAna")
            && listed.contains("ben@shop.example\tagent\tinvited\tBen"),
        "{listed}"
    );
    let reset = baton(&["account", "reset", "--data", data, "--email", "ana@shop.example"], &[]);
    assert!(String::from_utf8_lossy(&reset.stdout).contains("/invite?token="));
    assert!(
        baton(&["account", "disable", "--data", data, "--email", "ben@shop.example"], &[]).status.success()
    );
    assert_eq!(
        baton(&["account", "disable", "--data", data, "--email", "ana@shop.example"], &[]).status.code(),
        Some(1),
        "the last admin"
    );
    assert_eq!(
        baton(&["account", "add", "--data", data, "--email", "x", "--name", "X", "--role", "agent"], &[])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        baton(&["account", "reset", "--data", data, "--email", "eve@shop.example"], &[]).status.code(),
        Some(1)
    );
}
