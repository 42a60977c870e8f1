//! Encrypted connections to PostgreSQL, against a real server with a certificate of its own:
//! whom the certificate must convince, and that nothing is sent in the clear by mistake.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::postgres::Server;
use crate::support::stored::{get, open, receipt};
use baton::flow::ports::Store as _;
use baton::store::postgres::OpenError;
use baton::store::{PostgresSettings, PostgresStore};

/// How a database is asked for, and with which authority's certificate.
fn settings(server: &Server, host: &str, mode: &str, authorities: Option<&Path>) -> PostgresSettings {
    let url = format!("postgres://baton:geheim@{host}:{}/postgres{mode}", server.port());
    let authorities = authorities.map(Path::to_owned);
    PostgresSettings { authorities, writers: 1, readers: 1, ..PostgresSettings::new(url.into()) }
}

fn refused(settings: PostgresSettings) -> String {
    let found = PostgresStore::connect(settings, "x").map(drop).unwrap_err();
    assert!(matches!(found, OpenError::Unreachable(_)), "{found:?}");
    let said = found.to_string();
    assert!(!said.contains("geheim"), "{said}");
    said
}

async fn is_encrypted(store: &PostgresStore) -> bool {
    let asked = "select 1 from pg_stat_ssl where pid = pg_backend_pid() and ssl";
    store.read(move |sql| sql.exists(asked, &[])).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_encrypted_and_only_the_right_certificate_will_do() {
    let server = Server::own();
    let here = "127.0.0.1";
    // A server that cannot encrypt: only who does not insist gets in.
    refused(settings(&server, here, "?sslmode=require", None));
    refused(settings(&server, here, "?sslmode=verify-full", None));
    let plain = PostgresStore::connect(settings(&server, here, "", None), "first").unwrap();
    assert!(!is_encrypted(&plain).await);

    let (authority, stranger) = server.encrypt();
    let store = settings(&server, here, "?sslmode=require", Some(&authority));
    let store = PostgresStore::connect(store, "x").unwrap();
    assert!(is_encrypted(&store).await);
    open(&store, "eve", 0).await;
    store.receive(receipt("eve", "c1", "Hello?", 1)).await.unwrap();
    assert_eq!(get(&store, "eve").await.last_position, 2);

    for mode in ["", "?sslmode=prefer", "?sslmode=require", "?sslmode=verify-full"] {
        let store = PostgresStore::connect(settings(&server, here, mode, Some(&authority)), "x").unwrap();
        assert!(is_encrypted(&store).await, "`{mode}`: encrypted where the server can");
        // Somebody else's certificate, the public authorities', and the right one for another name.
        for (host, trusted) in [(here, Some(&stranger)), (here, None), ("localhost", Some(&authority))] {
            let said = refused(settings(&server, host, mode, trusted.map(|path| path.as_path())));
            assert!(said.to_lowercase().contains("certificate"), "`{mode}` {host}: {said}");
        }
    }
    let plain = PostgresStore::connect(settings(&server, here, "?sslmode=disable", Some(&stranger)), "x");
    assert!(!is_encrypted(&plain.unwrap()).await, "only who says so sends in the clear");
}

/// The same through the configuration of the program.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_trusts_whom_its_configuration_names() {
    let server = Server::own();
    let (authority, stranger) = server.encrypt();
    let migrate = |authorities: &Path| -> Output {
        let url = format!("postgres://baton:geheim@127.0.0.1:{}/postgres?sslmode=verify-full", server.port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
        command.arg("migrate").env("BATON_STORE__URL", url).env("BATON_STORE__AUTHORITIES", authorities);
        command.output().unwrap()
    };
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let done = migrate(&authority);
    assert!(done.status.success(), "{}", said(&done));
    let refused = migrate(&stranger);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let text = said(&refused);
    assert!(text.to_lowercase().contains("certificate") && !text.contains("geheim"), "{text}");
}
