//! What happens to nodes, to their networks and to the servers behind them.

use std::time::{Duration, Instant};

use baton::flow::ports::Nodes as _;
use serde_json::json;

use crate::support::agent::Desk;
use crate::support::cluster::{Cluster, PATIENCE, Plan, Staff};
use crate::support::proxy::{Weather, rest};
use crate::support::visitor::{Tab, Visitor};
use crate::support::wire::{Lost, address};

/// A visitor at one node who talks with an agent at another.
pub async fn talking(cluster: &Cluster, agent: &Staff, at: (usize, usize)) -> (Visitor, Tab, Desk, String) {
    let mut desk = agent.online(&cluster.nodes[at.1]).await;
    let visitor = cluster.visitor(at.0).await;
    let mut tab = visitor.connect().await;
    tab.says("Where is my parcel?").await;
    tab.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    let conversation = desk.accepts(&offer).await;
    tab.until_state("agent").await;
    (visitor, tab, desk, conversation)
}

/// A visitor who tries to come in at a node until it takes them: a ready node may still have connections to make again.
async fn comes_in(cluster: &Cluster, n: usize) -> Tab {
    let came = Instant::now();
    loop {
        assert!(came.elapsed() < PATIENCE, "{}", cluster.nodes[n].log());
        if let Ok(visitor) = Visitor::try_boot(&cluster.door(n), address(800 + n)).await
            && let Ok(mut tab) = visitor.try_open().await
            && tab.hello["type"] == "hello"
        {
            tab.resume(None, 0).await;
            return tab;
        }
        rest(Duration::from_millis(100)).await;
    }
}

/// Says something again and again, as clients do, until it is acknowledged.
async fn is_stored(tab: &mut Tab, client_id: &str, text: &str) {
    while tab.sends(client_id, text).await["type"] != "ack" {
        rest(Duration::from_millis(100)).await;
    }
}

/// Reads a socket to its end.
async fn broken(wire: &mut crate::support::wire::Wire) -> Lost {
    loop {
        if let Err(lost) = wire.hear().await {
            return lost;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figures are what a reader of the proof wants to see")]
async fn a_killed_node_keeps_nobody_its_conversations_go_on_at_the_others() {
    let cluster = Cluster::start().await;
    let (ana, ben) = (cluster.hire("ana", "agent", 0).await, cluster.hire("ben", "agent", 1).await);
    // Ana and the visitor are both at the node that dies. Ana comes back elsewhere: she keeps what she has.
    let visitor = cluster.visitor(1).await;
    let mut desk = ana.online(&cluster.nodes[1]).await;
    let mut tab = visitor.connect().await;
    tab.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    let conversation = desk.accepts(&offer).await;
    tab.says("Said before the end.").await;
    let mut bens = ben.online(&cluster.nodes[2]).await;
    cluster.nodes[1].kill().await;
    let died = Instant::now();
    broken(&mut desk.wire).await;
    let mut tab = visitor.at(&cluster.door(0)).connect().await;
    assert!(tab.texts().contains(&"Said before the end."));
    let mut desk = ana.try_open(&cluster.nodes[2]).await.unwrap();
    desk.says(&conversation, "I am still here.").await;
    tab.until_entry(|entry| entry["text"] == "I am still here.").await;
    println!("visitor and agent talk again {:?} after the node was killed", died.elapsed());

    // Longer than the dead node's lease: nothing is taken from her, who has another connection.
    while cluster.nodes[0].metric("baton_nodes{} ").await > 2.0 {
        assert!(died.elapsed() < PATIENCE, "the dead node is not found dead");
        // Both are there all the time: who does not answer pings is not.
        let _ = tokio::time::timeout(Duration::from_millis(25), desk.wire.hear()).await;
        let _ = tokio::time::timeout(Duration::from_millis(25), bens.wire.hear()).await;
    }
    println!("the node is found dead after {:?}, with a lease of 3 s", died.elapsed());
    desk.says(&conversation, "And now too.").await;

    // Now hers dies as well, and she does not come back: somebody else gets the conversation.
    bens.goes("offline").await;
    cluster.nodes[1].start().await;
    let mut bens = ben.online(&cluster.nodes[0]).await;
    cluster.nodes[2].kill().await;
    let died = Instant::now();
    let offer = bens.next_offer().await;
    assert_eq!(offer["conversation"], conversation.as_str());
    println!("what a lost agent held is offered to another after {:?}", died.elapsed());
    bens.accepts(&offer).await;
    bens.says(&conversation, "I take over.").await;
    // Nobody read this socket for long, so it was closed: its visitor comes back.
    let mut tab = visitor.at(&cluster.door(0)).connect().await;
    tab.until_entry(|entry| entry["text"] == "I take over.").await;
    cluster.finish().await;
}

/// A node sees that an agent is lost and falls asleep before it gives back what she holds; its lease runs out, she comes
/// back at another node, and then it wakes up in the middle of what it was about to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_slept_while_an_agent_came_back_elsewhere_takes_nothing_from_them() {
    let patient = ("gateway.pong_timeout", "600s");
    let mut plan = Plan { nodes: 2, ..Plan::default() };
    plan.settings.push(patient);
    let cluster = Cluster::start_with(plan).await;
    let ana = cluster.hire("ana", "agent", 0).await;
    let (visitor, _tab, mut desk, conversation) = talking(&cluster, &ana, (1, 1)).await;
    // The first node is the only one that does not wait, and falls asleep at the right moment.
    cluster.nodes[0].stop().await;
    let hasty = [("BATON_GATEWAY__PONG_TIMEOUT", "1s"), ("BATON_FAILPOINT", "watch.before_release:1:sleep")];
    cluster.nodes[0].start_with(&hasty).await;
    drop(desk);
    cluster.nodes[0].until_asleep().await;
    desk = ana.online(&cluster.nodes[1]).await;
    desk.goes("away").await;
    let store = cluster.database.open("unused");
    let began = Instant::now();
    while store.nodes().await.unwrap().len() > 1 {
        assert!(began.elapsed() < PATIENCE, "the lease of a sleeping node does not end");
        rest(Duration::from_millis(20)).await;
    }
    cluster.nodes[0].go_on().await;

    // It is awake and gives back what somebody holds who is really gone: so it has done what it was about to do.
    let ben = cluster.hire("ben", "agent", 1).await;
    let (_, mut tab, bens, _) = talking(&cluster, &ben, (1, 1)).await;
    drop(bens);
    tab.until_entry(|entry| entry["code"] == "agent_left").await;
    let said = desk
        .tries(json!({"type": "message.send", "conversation": conversation, "text": "Still mine."}))
        .await;
    assert_eq!(said["type"], "ack", "a node that slept took it from her: {said}");
    let mut tab = visitor.connect().await;
    tab.until_entry(|entry| entry["text"] == "Still mine.").await;
    assert!(!tab.entries.iter().any(|entry| entry["code"] == "agent_left"), "{:?}", tab.entries);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_slept_past_its_lease_brings_nobody_back() {
    let cluster = Cluster::start().await;
    let (ana, ben) = (cluster.hire("ana", "agent", 0).await, cluster.hire("ben", "agent", 1).await);
    let (visitor, _tab, mut desk, conversation) = talking(&cluster, &ana, (0, 1)).await;
    let fence = |log: &str| log.matches("serves under fence").count();
    let before = fence(&cluster.nodes[1].log());

    cluster.nodes[1].pause().await;
    let mut bens = ben.online(&cluster.nodes[2]).await;
    let offer = bens.next_offer().await;
    assert_eq!(
        offer["conversation"],
        conversation.as_str(),
        "a sleeping node's agent is lost like a dead one's"
    );
    bens.accepts(&offer).await;
    let mut tab = visitor.connect().await;
    tab.until_entry(|entry| entry["code"] == "agent_joined" && entry.to_string().contains("ben")).await;

    // While it slept, Ana said something over her old socket: it is in the node's buffers when it wakes.
    let said =
        json!({"type": "message.send", "client_id": "late", "conversation": conversation, "text": "Mine!"});
    desk.wire.send(&said).await.unwrap();
    cluster.nodes[1].go_on().await;
    let mut answered = None;
    let lost = loop {
        match desk.wire.hear().await {
            Ok(frame) if frame["client_id"] == "late" => answered = Some(frame),
            Ok(_) => {}
            Err(lost) => break lost,
        }
    };
    assert!(
        answered.is_none_or(|frame| frame["type"] == "error"),
        "who lost the conversation speaks in it no more"
    );
    assert!(
        matches!(lost, Lost::Closed(1001 | 4408)),
        "agents of a node that lost its lease come back: {lost:?}"
    );
    cluster.nodes[1].until_ready(|_| true).await;
    let began = Instant::now();
    while fence(&cluster.nodes[1].log()) == before {
        assert!(began.elapsed() < PATIENCE, "{}", cluster.nodes[1].log());
        rest(Duration::from_millis(50)).await;
    }
    // Ben has it, and alone; Ana's old connection does not count her in.
    bens.says(&conversation, "I have it.").await;
    let mut tab = visitor.connect().await;
    tab.until_entry(|entry| entry["text"] == "I have it.").await;
    assert!(!tab.texts().contains(&"Mine!"));
    bens.until_overview(|overview| {
        overview["agents"].as_array().is_some_and(|agents| {
            agents.iter().any(|agent| agent["name"] == "ana" && agent["presence"] == "offline")
        })
    })
    .await;

    // And she may come back, to the very node.
    let again = ana.online(&cluster.nodes[1]).await;
    assert_eq!(again.hello["type"], "hello");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figures are what a reader of the proof wants to see")]
async fn postgres_is_restarted_and_everything_that_was_acknowledged_is_there() {
    let cluster = Cluster::start_with(Plan { nodes: 2, has_own_server: true, ..Plan::default() }).await;
    let ana = cluster.hire("ana", "agent", 0).await;
    let (visitor, mut tab, _desk, conversation) = talking(&cluster, &ana, (0, 1)).await;
    tab.says("Before.").await;
    cluster.postgres.crash();
    // Nothing is acknowledged that is not stored; the same message is sent again until it is.
    let said = json!({"type": "message.send", "client_id": "while-away", "text": "While it was away."});
    let _ = tab.wire.send(&said).await;
    loop {
        match tab.next().await {
            Ok(frame) if frame["client_id"] == "while-away" && frame["type"] != "entry" => {
                assert_eq!(frame["code"], "store_unavailable", "{frame}");
                break;
            }
            Ok(_) => {}
            // Nothing was acknowledged, which is as good.
            Err(_) => break,
        }
    }
    assert!(cluster.nodes[0].ready().await.is_none(), "a balancer sends nobody here");
    cluster.postgres.start_again();
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "{}", cluster.nodes[0].log());
        if let Ok(mut tab) = visitor.try_open().await
            && tab.hello["type"] == "hello"
        {
            tab.resume(None, 0).await;
            if tab.sends("while-away", "While it was away.").await["type"] == "ack" {
                break;
            }
        }
        rest(Duration::from_millis(100)).await;
    }
    println!("messages are stored again {:?} after PostgreSQL is back", began.elapsed());
    let mut desk = loop {
        match ana.try_open(&cluster.nodes[1]).await {
            Ok(desk) => break desk,
            Err(_) => rest(Duration::from_millis(100)).await,
        }
    };
    let (_, entries) = desk.watches(&conversation).await;
    let said = |text: &str| entries.iter().filter(|entry| entry["text"] == text).count();
    assert_eq!((said("Before."), said("While it was away.")), (1, 1));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_from_the_database_takes_nothing_and_comes_back() {
    let cluster = Cluster::start().await;
    let ana = cluster.hire("ana", "agent", 0).await;
    let ben = cluster.hire("ben", "agent", 1).await;
    let (visitor, _tab, _desk, conversation) = talking(&cluster, &ana, (0, 1)).await;
    // Ana's node reaches nothing any more, and does not know it: connections stand and are silent.
    cluster.nodes[1].to_store.set(Weather::Silent);
    cluster.nodes[1].to_broker.set(Weather::Silent);
    let mut bens = ben.online(&cluster.nodes[2]).await;
    let offer = bens.next_offer().await;
    assert_eq!(offer["conversation"], conversation.as_str());
    bens.accepts(&offer).await;
    bens.says(&conversation, "I have it.").await;
    let mut tab = visitor.connect().await;
    tab.until_entry(|entry| entry["text"] == "I have it.").await;
    cluster.nodes[1].to_store.set(Weather::Fair);
    cluster.nodes[1].to_broker.set(Weather::Fair);
    cluster.nodes[1].until_ready(|ready| ready["hints"]["by"] == "broker").await;
    // It holds a place again, and serves.
    let mut third = comes_in(&cluster, 1).await;
    is_stored(&mut third, "third", "Hello?").await;
    bens.says(&conversation, "Still mine.").await;
    let mut tab = visitor.connect().await;
    tab.until_entry(|entry| entry["text"] == "Still mine.").await;

    // Cut, and so slow that everything takes its time: messages are late, and none is lost or doubled.
    cluster.nodes[0].to_store.set(Weather::Cut);
    rest(Duration::from_millis(300)).await;
    cluster.nodes[0].to_store.set(Weather::Slow(Duration::from_millis(60)));
    let mut slow = comes_in(&cluster, 0).await;
    for n in 0..5 {
        is_stored(&mut slow, &format!("slow-{n}"), &format!("slowly {n}")).await;
    }
    slow.until_entry(|entry| entry["text"] == "slowly 4").await;
    let mut said: Vec<&str> = slow.texts().into_iter().filter(|text| text.starts_with("slowly")).collect();
    said.dedup();
    assert_eq!(said.len(), 5, "{said:?}");
    cluster.finish().await;
}
