//! Two versions at once, as in a rolling upgrade: whoever migrates says which schema an older
//! program must know to work beside it.

use crate::support::cluster::{Cluster, Plan};

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
