//! A real PostgreSQL server, thrown away afterwards, and a fresh database on it for each test.
//!
//! `scripts/postgres.sh` finds or installs it and runs it as somebody who is not root. All tests of one run share one
//! server: it belongs to the process that runs the tests, and is gone soon after that. A test that stops or restarts
//! its server has one of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use baton::store::{PostgresSettings, PostgresStore};

/// A server.
#[derive(Clone)]
pub struct Server {
    folder: PathBuf,
    port: u16,
}

/// In memory where there is room: the server flushes as always, and a slow disk does not make the tests slow.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
    if free > 4 << 30 { memory.to_owned() } else { std::env::temp_dir() }
}

fn script(arguments: &[&str]) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres.sh");
    let output = Command::new(script).args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

impl Server {
    fn start(folder: PathBuf, belongs_to: u32) -> Self {
        let port = script(&["start", folder.to_str().unwrap(), &belongs_to.to_string()]);
        let port = port.unwrap_or_else(|error| panic!("no PostgreSQL server for the tests: {error}"));
        Self { folder, port: port.parse().unwrap() }
    }

    /// The one that all tests of this run share.
    pub fn shared() -> Self {
        // Each test may be a process of its own; the one that runs them all is the parent.
        let parent = std::os::unix::process::parent_id();
        let owner = if parent > 1 { parent } else { std::process::id() };
        let folder = place().join(format!("baton-postgres-{owner}"));
        let lock = folder.with_extension("lock");
        let lock_file =
            std::fs::File::options().create(true).truncate(false).write(true).open(&lock).unwrap();
        lock_file.lock().unwrap();
        let is_up = folder.join("up");
        if let Ok(port) = std::fs::read_to_string(&is_up) {
            return Self { folder, port: port.parse().unwrap() };
        }
        let _ = std::fs::remove_dir_all(&folder);
        let server = Self::start(folder, owner);
        std::fs::write(is_up, server.port.to_string()).unwrap();
        server
    }

    /// One that belongs to this test alone.
    pub fn own() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("baton-postgres-own-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self::start(place().join(name), std::process::id())
    }

    /// From now on connections are encrypted that ask for it, with a certificate for 127.0.0.1. Gives the certificate of
    /// the authority that signed it, and that of a stranger.
    pub fn encrypt(&self) -> (PathBuf, PathBuf) {
        script(&["encrypt", self.folder.to_str().unwrap()]).unwrap();
        (self.folder.join("authority.pem"), self.folder.join("stranger.pem"))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a database is.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://baton@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Stops it as after a crash: nobody is told, nothing is tidied up.
    pub fn crash(&self) {
        script(&["stop", self.folder.to_str().unwrap(), "immediate"]).unwrap();
    }

    /// Starts it again.
    pub fn start_again(&self) {
        script(&["again", self.folder.to_str().unwrap()]).unwrap();
    }

    /// Runs statements on a database of the server.
    pub fn run(&self, database: &str, sql: &str) {
        let (url, sql) = (self.url(database), sql.to_owned());
        let asking = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) =
                    tokio_postgres::connect(&url, tokio_postgres::NoTls).await.map_err(|e| e.to_string())?;
                runtime.spawn(async { drop(connection.await) });
                client.batch_execute(&sql).await.map_err(|e| e.to_string())
            })
        });
        asking.join().unwrap().unwrap_or_else(|error: String| panic!("{error}"));
    }

    /// Holds all its processes still, or lets them go on.
    pub fn freeze(&self, is_still: bool) {
        let pid = script(&["pid", self.folder.to_str().unwrap()]).unwrap();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let signal = if is_still { "-STOP" } else { "-CONT" };
        let all = std::iter::once(pid.as_str()).chain(children.split_whitespace());
        assert!(Command::new("kill").arg(signal).args(all).status().unwrap().success());
    }

    /// A new database with nothing in it.
    pub fn database(&self) -> Database {
        self.database_made("")
    }

    /// A new database that is made in a certain way.
    pub fn database_made(&self, how: &str) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("create database {name} {how}"));
        Database { server: self.clone(), name }
    }
}

/// A database that is gone with the test.
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// Where it is.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its name on its server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a store reaches it: with few connections, so that many tests fit beside each other.
    pub fn settings(&self) -> PostgresSettings {
        PostgresSettings { writers: 4, readers: 2, ..PostgresSettings::new(self.url().into()) }
    }

    /// Opens a store on it.
    pub fn open(&self, fresh_history_id: &str) -> PostgresStore {
        PostgresStore::connect(self.settings(), fresh_history_id).unwrap()
    }

    /// Runs statements on it, past every store.
    pub fn run(&self, sql: &str) {
        self.server.run(&self.name, sql);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.server.run("postgres", &format!("drop database if exists {} with (force)", self.name));
        }
    }
}

/// A store on a database of its own, and the database, which must outlive it.
pub fn a_fresh_postgres() -> (PostgresStore, Database) {
    let database = Server::shared().database();
    (database.open("first"), database)
}
