//! A node that follows others by looking at the database must not pass over what was begun
//! before something that it has seen and is committed after it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::cluster::{Cluster, PATIENCE, Plan};
use crate::support::proxy::rest;

/// From now on whoever writes this waits with everything written and nothing committed, until the gate is open.
const GATE: &str = r"
create table gate (is_open boolean);
create function wait_at_gate() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7070);
  while not exists (select 1 from gate) loop
    perform pg_sleep(0.01);
  end loop;
  return new;
end $$;
create trigger wait_at_gate before insert on entries for each row
  when (new.body = 'Late.') execute function wait_at_gate();
";

/// Shorter than the time after which a socket looks at everything, whatever it was told.
const WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_committed_late_is_found_by_nodes_that_look_for_it() {
    // No broker: what one node writes the other finds by looking. Nobody is taken for gone who is not listened to.
    let settings = vec![("broker.url", ""), ("store.timeout", "60s"), ("gateway.pong_timeout", "600s")];
    let plan = Plan { nodes: 2, settings, ..Plan::default() };
    let cluster = Cluster::start_with(plan).await;
    let ana = cluster.hire("ana", "agent", 0).await;
    let mut desk = ana.online(&cluster.nodes[0]).await;
    let late = cluster.visitor(1).await;
    late.connect().await.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    let conversation = desk.accepts(&offer).await;
    let early = cluster.visitor(0).await;
    let mut writes_early = early.connect().await;
    writes_early.says("First.").await;
    cluster.database.run(GATE);
    let store = cluster.database.open("unused");

    // Both are read at the other node.
    let mut reads_late = late.connect().await;
    reads_late.until_entry(|entry| entry["code"] == "agent_joined").await;
    let mut reads_early = early.at(&cluster.door(1)).connect().await;
    let said =
        json!({"type": "message.send", "client_id": "late", "conversation": conversation, "text": "Late."});
    desk.wire.send(&said).await.unwrap();
    let began = Instant::now();
    let waits = "select 1 from pg_locks where locktype = 'advisory' and objid = 7070 and granted";
    while !store.read(move |sql| sql.exists(waits, &[])).await.unwrap() {
        assert!(began.elapsed() < PATIENCE, "nobody waits at the gate");
        rest(Duration::from_millis(10)).await;
    }
    // Begun after it, committed before it, and seen at the other node by looking.
    writes_early.says("Early.").await;
    reads_early.until_entry(|entry| entry["text"] == "Early.").await;

    cluster.database.run("insert into gate values (true)");
    let began = Instant::now();
    while !reads_late.texts().contains(&"Late.") {
        let left = WITHIN.saturating_sub(began.elapsed());
        let heard = tokio::time::timeout(left, reads_late.next()).await;
        assert!(heard.is_ok(), "what was committed late was passed over");
        heard.unwrap().unwrap();
    }
    cluster.finish().await;
}
