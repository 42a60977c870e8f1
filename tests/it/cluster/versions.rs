//! Two versions at once, as in a rolling upgrade: whoever migrates says which schema an older
//! program must know to work beside it.
//!
//! The newer version is the same program whose schema has one migration more
//! (`BATON_NEXT_VERSION`, `src/fault.rs`). The older one is the same too, unless
//! `BATON_CLUSTER_OLDER_PROGRAM` names a binary that was built from an older commit.

use serde_json::json;

use super::claims::{crowd::Crowd, settings};
use super::faults::talking;
use crate::support::cluster::{Cluster, Node, Plan, Staff};

/// Claims between two steps of the upgrade.
const BETWEEN: usize = 150;

async fn become_newer(node: &Node) {
    node.stop().await;
    node.start_with(&[("BATON_NEXT_VERSION", "1")]).await;
}

/// A visitor at one node and an agent at another hear each other, and it ends as it should.
async fn a_handoff_crosses(cluster: &Cluster, agent: &Staff, at: (usize, usize)) {
    let (_, mut tab, mut desk, conversation) = talking(cluster, agent, at).await;
    let (_, entries) = desk.watches(&conversation).await;
    assert!(entries.iter().any(|entry| entry["text"] == "Where is my parcel?"));
    desk.says(&conversation, "I am looking for it.").await;
    tab.until_entry(|entry| entry["text"] == "I am looking for it.").await;
    tab.says("Thank you.").await;
    desk.until_entry(|entry| entry["text"] == "Thank you.").await;
    desk.does(json!({"type": "conversation.resolve", "conversation": conversation})).await;
    tab.until_entry(|entry| entry["code"] == "resolved").await;
    desk.goes("offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn nodes_are_upgraded_one_after_the_other_while_people_talk_across_versions() {
    let cluster = Cluster::start_with(Plan { settings: settings(), ..Plan::default() }).await;
    let older = std::env::var("BATON_CLUSTER_OLDER_PROGRAM").ok();
    if let Some(program) = &older {
        for node in &cluster.nodes {
            node.stop().await;
            node.start_with(&[("PROGRAM", program)]).await;
        }
    }
    let store = cluster.database.open("unused");
    let before = store.schema().await.unwrap();
    let ana = cluster.hire("ana", "agent", 90).await;
    a_handoff_crosses(&cluster, &ana, (0, 1)).await;

    // The first newer node changes the schema under the feet of the others.
    become_newer(&cluster.nodes[2]).await;
    assert_eq!(store.schema().await.unwrap(), before + 1);
    a_handoff_crosses(&cluster, &ana, (0, 2)).await;
    a_handoff_crosses(&cluster, &ana, (2, 1)).await;

    // Many talk at all nodes while the others follow.
    let mut crowd = Crowd::gather(&cluster, 3, 10).await;
    crowd.until_claimed(BETWEEN).await;
    become_newer(&cluster.nodes[0]).await;
    crowd.until_claimed(crowd.claimed() + BETWEEN).await;
    become_newer(&cluster.nodes[1]).await;
    crowd.until_claimed(crowd.claimed() + BETWEEN).await;
    let mut figures = crowd.go_home().await;
    figures["part"] = "versions".into();
    println!("{figures}");
    let new = "select 1 from conversations where next_mood <> 'calm'";
    assert!(
        !store.read(move |sql| sql.exists(new, &[])).await.unwrap(),
        "who does not know it leaves it alone"
    );
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_node_works_beside_a_newer_schema_that_says_it_may_and_not_beside_another() {
    let cluster = Cluster::start_with(Plan { nodes: 2, ..Plan::default() }).await;
    let mut tab = cluster.visitor(0).await.connect().await;
    tab.says("Before the upgrade.").await;
    // A later version has added a column and a table, which nobody here knows.
    cluster.database.run(
        "alter table conversations add column mood text; create table moods (id text primary key); \
         update meta set value = '99' where key = 'schema';",
    );
    tab.says("Beside a newer one.").await;
    cluster.nodes[1].stop().await;
    cluster.nodes[1].start().await;
    let mut other = cluster.visitor(1).await.connect().await;
    other.says("At one that was started after it.").await;

    // One release later what older programs need is taken away: they do not start any more, and say why.
    cluster.database.run("update meta set value = '98' where key = 'schema_beside'");
    cluster.nodes[1].stop().await;
    let refused = cluster.nodes[1].refused().await;
    assert!(refused.contains("newer version"), "{refused}");
    cluster.finish().await;
}
