//! No statement of a running service reads a whole table that grows for ever: what is
//! asked of a store with a million conversations is found by an index.

use crate::support::scripted::{When, angry, calm, human};
use crate::support::world::{AgentTraits, World, agent, seconds, visitor};
use baton::domain::outcome::Disposition;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// Tables with a row for each conversation, message or visitor there ever was.
const GROWING: [&str; 6] = ["conversations", "entries", "commands", "analyses", "handoffs", "visitor"];

/// Collects the statements that the store runs.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Statements {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0.lock().unwrap().insert(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// An index by this alone finds what somebody has done in all their years.
const YEARS: &str = "(last_agent=?)";

/// The steps of a plan that read all of a growing table, or all of an index over all of its rows, or everything that an
/// agent ever did.
fn whole_reads(sql: &rusqlite::Connection, statement: &str) -> Vec<String> {
    let mut plan = sql.prepare(&format!("explain query plan {statement}")).unwrap();
    // Nothing is bound: a plan does not depend on it.
    let mut rows = plan.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let step: String = row.get("detail").unwrap();
        if step.ends_with(YEARS) {
            found.push(step);
            continue;
        }
        let Some(scan) = step.strip_prefix("SCAN ") else { continue };
        let mut words = scan.split(' ');
        let table = words.next().unwrap_or_default();
        let index = words.next_back().filter(|_| scan.contains("INDEX"));
        // An index of some rows only, as those of open conversations, holds what is going on.
        let is_partial = index.is_some_and(|index| {
            let of = "select coalesce(sql, '') like '% where %' from sqlite_master where name = ?1";
            sql.query_row(of, [index], |row| row.get(0)).unwrap_or(false)
        });
        if GROWING.contains(&table) && !is_partial {
            found.push(step);
        }
    }
    found
}

#[tokio::test]
async fn no_step_reads_a_whole_table_that_grows() {
    let statements = Statements::default();
    let subscriber = tracing_subscriber::registry().with(statements.clone().with_filter(LevelFilter::TRACE));
    // For all threads of this process, those of the store among them.
    let is_ours = tracing::subscriber::set_global_default(subscriber).is_ok();
    assert!(is_ours, "this test wants a process of its own: run it with nextest");
    let mut world = World::start().await;
    world.agent("ana", AgentTraits::default()).await;
    world.analyzer().finds_differently("Late", angry(0.5), calm(), Some(When::After(seconds(2))));
    world.analyzer().finds("A person", human(0.9));
    for text in ["Hello", "Late", "A person"] {
        world.says("eve", text).await.unwrap();
        world.advance(seconds(3)).await;
        world.status("eve").await;
    }
    world.accepts("ana", "eve").await.unwrap();
    world.tells("ana", "eve", "I look into it").await.unwrap();
    world.says("eve", "Thanks").await.unwrap();
    world.is_here("eve").await.unwrap();
    world.settle().await;
    let id = world.conversation("eve").await.id;
    world.flow.visitor_read(&visitor("eve"), 2).await.unwrap();
    world.flow.overview(&agent("ana")).await.unwrap();
    world.flow.packet(&agent("ana"), &id).await.unwrap();
    world.store().visible_entries(&id, 0.into(), 10).await.unwrap();
    world.resolves("ana", "eve").await.unwrap();
    world.wraps_up("ana", "eve", Disposition::Solved).await.unwrap();
    world.says("eve", "And another thing").await.unwrap();
    world.advance(seconds(5)).await;

    let file = world.database();
    let sql = rusqlite::Connection::open(&file).unwrap();
    for name in ["greatest", "least"] {
        let flags = rusqlite::functions::FunctionFlags::SQLITE_UTF8;
        sql.create_scalar_function(name, 2, flags, |_| Ok(0_i64)).unwrap();
    }
    let ran = statements.0.lock().unwrap().clone();
    let asked = ran.iter().filter(|statement| {
        let begin = statement.trim_start().to_lowercase();
        ["select", "update", "insert", "delete", "with"].iter().any(|word| begin.starts_with(word))
    });
    // A search, by which a person and the world of this test look around, reads an index in its order until it has
    // its fill.
    let asked = asked.filter(|statement| !statement.contains(" where 1 = 1"));
    let (mut n_asked, mut whole) = (0, Vec::new());
    for statement in asked {
        n_asked += 1;
        whole
            .extend(whole_reads(&sql, statement).into_iter().map(|step| format!("{step} in\n{statement}\n")));
    }
    assert!(whole.is_empty(), "{}", whole.join("\n"));
    assert!(n_asked > 30, "only {n_asked} statements were seen: {ran:?}");
    // The test can fail.
    for wrong in [
        "select count(*) from entries where body = ?1",
        "select count(*) from conversations where last_agent = ?1 and score > ?2",
    ] {
        assert_eq!(whole_reads(&sql, wrong).len(), 1, "{wrong} is seen");
    }
    drop(sql);
    world.finish().await;
}
