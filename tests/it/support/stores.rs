//! Every store there is, in one place: a test of the contract runs on each.

use super::postgres::a_fresh_postgres;
use baton::flow::ports::{Directory, Labels, ModelVersions, Nodes, Store, Upkeep};
use baton::store::{MemoryStore, SqliteStore};
use std::any::Any;
use std::sync::Arc;

/// Everything that a store is asked to be.
pub trait EveryPort: Store + Nodes + Directory + Labels + ModelVersions + Upkeep {}

impl<T: Store + Nodes + Directory + Labels + ModelVersions + Upkeep> EveryPort for T {}

/// An empty store, and what must live as long as it does.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn EveryPort>,
    _keep: Box<dyn Any + Send>,
}

/// Plain data.
pub async fn memory() -> Opened {
    Opened { store: Arc::new(MemoryStore::new("first")), _keep: Box::new(()) }
}

/// A file in a folder of its own.
pub async fn sqlite() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("baton.db"), "first").unwrap();
    Opened { store: Arc::new(store), _keep: Box::new(folder) }
}

/// A database of its own on a real server.
pub async fn postgres() -> Opened {
    let (store, database) = a_fresh_postgres();
    Opened { store: Arc::new(store), _keep: Box::new(database) }
}

/// One test for each promise on each store: `sqlite::a_retry_changes_nothing`. A promise is an async function that is
/// given an empty store.
macro_rules! on_every_store {
    ($($promise:ident),+ $(,)?) => {
        $crate::support::stores::on_one_store!(memory: $($promise)+);
        $crate::support::stores::on_one_store!(sqlite: $($promise)+);
        $crate::support::stores::on_one_store!(postgres: $($promise)+);
    };
}

macro_rules! on_one_store {
    ($store:ident: $($promise:ident)+) => {
        mod $store {$(
            #[tokio::test]
            async fn $promise() {
                let opened = $crate::support::stores::$store().await;
                super::$promise(&*opened.store).await;
            }
        )+}
    };
}

pub(crate) use {on_every_store, on_one_store};

/// All stores by name, each empty; the first is the one that the others are compared with.
pub async fn all() -> Vec<(&'static str, Opened)> {
    vec![("memory", memory().await), ("sqlite", sqlite().await), ("postgres", postgres().await)]
}
