//! What the sockets promise, over real sockets against the real server. The promise
//! that survives SIGKILL is in `kill.rs`.

use std::sync::Arc;
use std::time::Duration;

use baton::domain::agent::Role;
use baton::gateway::protocol::Close;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::agent::Desk;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::{Lost, Wire, address};
use crate::support::{Options, TestApp, TestClock};

async fn visitor(app: &TestApp) -> Visitor {
    Visitor::boot(&Door::of(app), address(1)).await
}

#[tokio::test]
async fn every_tab_gets_everything_and_a_tab_that_comes_back_misses_nothing() {
    let app = TestApp::start().await;
    let mara = visitor(&app).await;
    let mut first = mara.connect().await;
    let mut second = mara.connect().await;
    let ack = first.says("Do you ship to Norway?").await;
    let conversation = ack["conversation"].as_str().unwrap().to_owned();
    second.until_entry(|entry| entry["text"] == "Do you ship to Norway?").await;
    let own = first.until_entry(|entry| entry["seq"] == ack["seq"]).await;
    assert_eq!(own["client_id"], ack["client_id"], "own entries come back under their client id");

    // The first tab leaves; the second goes on; the first comes back to what it has not seen.
    let seen = *first.sequences().last().unwrap();
    first.wire.close().await;
    for text in ["And to Iceland?", "And what does it cost?"] {
        second.says(text).await;
    }
    let mut back = mara.connect_after(Some(&conversation), seen).await;
    back.until_entry(|entry| entry["text"] == "And what does it cost?").await;
    assert_eq!(back.sequences()[0], seen + 1);

    // A tab that knows nothing sees the same log, from its beginning.
    let mut fresh = mara.connect().await;
    let last = fresh.until_entry(|entry| entry["text"] == "And what does it cost?").await;
    let count = last["seq"].as_u64().unwrap();
    assert_eq!(fresh.sequences()[..count as usize], (1..=count).collect::<Vec<_>>());
    assert_eq!(fresh.hello["conversation"], conversation.as_str());
    app.finish().await;
}

#[tokio::test]
async fn resuming_an_older_conversation_goes_on_through_the_newer_ones() {
    let app = TestApp::start().await;
    let mara = visitor(&app).await;
    let mut tab = mara.connect().await;
    let mut conversations = Vec::new();
    for text in ["the first", "the second", "the third"] {
        conversations.push(tab.says(text).await["conversation"].as_str().unwrap().to_owned());
        tab.does(json!({"type": "conversation.end"})).await;
    }
    assert_ne!(conversations[0], conversations[1]);
    let back = mara.connect_after(Some(&conversations[0]), 1).await;
    let mut order: Vec<&str> =
        back.entries.iter().map(|entry| entry["conversation"].as_str().unwrap()).collect();
    order.dedup();
    assert_eq!(order, conversations, "each once, in the order they were begun");
    assert_eq!(back.entries[0]["seq"], 2, "after what was seen");
    app.finish().await;
}

#[tokio::test]
async fn a_position_that_is_not_there_is_refused_and_the_socket_can_resume_from_nothing() {
    let app = TestApp::start().await;
    let (mara, other) = (visitor(&app).await, visitor(&app).await);
    let ack = mara.connect().await.says("hello").await;
    let conversation = ack["conversation"].as_str().unwrap();
    for (who, conversation, after, code) in [
        (&mara, conversation, 99, "invalid"),
        (&mara, "cnv_NEVER", 0, "not_found"),
        (&other, conversation, 0, "not_found"),
        (&mara, "something", 0, "invalid"),
    ] {
        let mut tab = who.open().await;
        tab.wire
            .send(&json!({"type": "resume", "conversation": conversation, "after": after}))
            .await
            .unwrap();
        let error = tab.until("error").await;
        assert_eq!((error["code"].as_str(), &error["client_id"]), (Some(code), &Value::Null));
        tab.resume(None, 0).await;
        assert_eq!(tab.texts().contains(&"hello"), std::ptr::eq(who, &mara), "nobody sees another's words");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_same_client_id_gets_the_same_ack_and_another_content_a_conflict() {
    let app = TestApp::start().await;
    let mara = visitor(&app).await;
    let mut tab = mara.connect().await;
    let first = tab.sends("c1", "Where is my parcel?").await;
    let mut elsewhere = mara.connect().await;
    assert_eq!(elsewhere.sends("c1", "Where is my parcel?").await, first);
    let error = elsewhere.sends("c1", "Something else").await;
    assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some("error"), Some("conflict")));
    let said = mara.connect().await.entries;
    let said = said.iter().filter(|entry| entry["author"]["kind"] == "visitor").count();
    assert_eq!(said, 1, "stored once");
    app.finish().await;
}

#[tokio::test]
async fn sixty_four_opens_at_once_make_one_conversation() {
    let app = TestApp::start_with(Options::default().set("gateway.rate_burst", "100")).await;
    let door = Door::of(&app);
    let mara = Visitor::boot(&door, address(1)).await;
    let mut tabs = Vec::new();
    for n in 0..64 {
        let mut mara = mara.clone();
        mara.from = address(n / 10);
        tabs.push(mara.connect().await);
    }
    let acks = futures_util::future::join_all(tabs.iter_mut().map(|tab| tab.says("Hello?"))).await;
    assert!(acks.iter().all(|ack| ack["conversation"] == acks[0]["conversation"]));
    let mut sequences: Vec<u64> = acks.iter().map(|ack| ack["seq"].as_u64().unwrap()).collect();
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences.len(), 64, "each message has its own place");
    app.finish().await;
}

/// How much the system holds of what the server at this port has sent to the slowest of its clients.
fn sent_and_not_read(port: u16) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let held = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = held.filter(|columns| columns[1].ends_with(&format!(":{port:04X}")));
    own.map(|columns| number(columns[4].split(':').next().unwrap())).max().unwrap_or_default()
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_and_catches_up_after() {
    // Who does not read answers no ping either, and is not to be cut for that.
    let options = Options::default().set("gateway.outbox", "8").set("gateway.pong_timeout", "10m");
    let app = TestApp::start_with(options).await;
    let admin = app.admin().await;
    let mut desk = Desk::online(&app, &admin).await;
    let mara = visitor(&app).await;
    let mut quick = mara.connect().await;
    quick.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    let conversation = desk.accepts(&offer).await;
    let mut slow = mara.try_open_with(Some(4096)).await.unwrap();
    slow.resume(None, 0).await;
    // Megabytes that the slow tab does not read, while the other reads them all: until the system takes no more for it,
    // and many more frames after that than its outbox holds. Then it reads, before the server gives up telling it why.
    let text = "🦀".repeat(3990);
    let saying = async {
        let (mut waiting, mut n_not_taken) = (0, 0);
        for n in 0..1_000 {
            desk.says(&conversation, &format!("{n:04} {text}")).await;
            let now = sent_and_not_read(app.app.local.port());
            // Less than a frame more: what trickles out makes room for nothing.
            n_not_taken = if now > 0 && now < waiting + 8_000 { n_not_taken + 1 } else { 0 };
            waiting = now;
            if n_not_taken == 32 {
                break;
            }
        }
        let code = loop {
            match slow.next().await {
                Ok(_) => {}
                Err(Lost::Closed(code)) => break code,
                Err(lost) => panic!("{lost:?}"),
            }
        };
        desk.says(&conversation, "The last word").await;
        code
    };
    let (code, last) = tokio::join!(saying, quick.until_entry(|entry| entry["text"] == "The last word"));
    assert_eq!(code, Close::TooSlow.code());
    let last = last["seq"].as_u64().unwrap();
    let seen = slow.sequences();
    let after = *seen.last().unwrap();
    assert!(after < last, "it was cut before the end");
    let mut back = mara.connect_after(Some(&conversation), after).await;
    back.until_entry(|entry| entry["seq"] == last).await;
    let all: Vec<u64> = seen.into_iter().chain(back.sequences()).take(last as usize).collect();
    assert_eq!(all, (1..=last).collect::<Vec<_>>(), "nothing is missing, nothing came twice");
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_frame_ends_the_socket_with_the_documented_code() {
    let app = TestApp::start().await;
    let mara = visitor(&app).await;
    let malformed = [
        Message::text("hello"),
        Message::text("[1]"),
        Message::text("{}"),
        Message::text(r#"{"type":7}"#),
        Message::text("[".repeat(60_000)),
        Message::binary(br#"{"type":"resume"}"#.to_vec()),
    ];
    for message in malformed {
        let mut tab = mara.open().await;
        tab.wire.send_raw(message).await.unwrap();
        assert_eq!(tab.wire.closed().await, Close::Malformed.code());
    }
    let mut tab = mara.open().await;
    let _ = tab.wire.send_raw(Message::text("x".repeat(65_537))).await;
    assert_eq!(tab.wire.closed().await, Close::TooLarge.code());
    // A megabyte: the client may fail to write it all, and still learns why.
    let mut tab = mara.open().await;
    let _ = tab.wire.send_raw(Message::text("x".repeat(1024 * 1024))).await;
    assert_eq!(tab.wire.closed().await, Close::TooLarge.code());

    // Wrong, but a frame: answered, and the socket goes on.
    let mut tab = mara.connect().await;
    for (frame, code) in [
        (json!({"type": "message.shout", "client_id": "w1"}), "unknown_type"),
        (json!({"type": "message.send", "client_id": "w1"}), "invalid"),
        (json!({"type": "message.send", "client_id": "w1", "text": " \n "}), "invalid"),
        (json!({"type": "message.send", "client_id": "w1", "text": "x".repeat(4001)}), "too_long"),
        (json!({"type": "message.send", "client_id": "w1", "text": "🦀".repeat(4097)}), "too_long"),
        (json!({"type": "csat.rate", "client_id": "w1", "conversation": "cnv_X", "score": 6}), "invalid"),
        (json!({"type": "contact.leave", "client_id": "w1", "email": "nonsense"}), "invalid"),
    ] {
        tab.wire.send(&frame).await.unwrap();
        let error = tab.until("error").await;
        assert_eq!(
            (error["code"].as_str(), error["client_id"].as_str()),
            (Some(code), Some("w1")),
            "{frame}"
        );
    }
    for id in [json!(""), json!("a b"), json!("ü"), json!("x".repeat(65)), json!(7), Value::Null] {
        tab.wire.send(&json!({"type": "message.send", "client_id": id, "text": "hello"})).await.unwrap();
        let error = tab.until("error").await;
        assert_eq!((error["code"].as_str(), &error["client_id"]), (Some("invalid"), &Value::Null), "{id}");
    }
    tab.says("still here").await;
    app.finish().await;
}

#[tokio::test]
async fn a_visitor_who_sends_too_fast_is_slowed_down_over_all_tabs() {
    let clock = Arc::new(TestClock::new());
    let app = TestApp::start_with(Options::default().clock(Arc::clone(&clock))).await;
    let mara = visitor(&app).await;
    let (mut first, mut second) = (mara.connect().await, mara.connect().await);
    for n in 0..20 {
        first.says(&format!("one {n}")).await;
        second.says(&format!("two {n}")).await;
    }
    let refused = second.sends("fast", "the 41st").await;
    assert_eq!((refused["type"].as_str(), refused["code"].as_str()), (Some("error"), Some("rate_limited")));
    clock.advance(Duration::from_millis(500));
    assert_eq!(second.sends("fast", "the 41st").await["type"], "ack", "the same frame, later");
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_floods_is_closed() {
    let app = TestApp::start_with(Options::default().clock(Arc::new(TestClock::new()))).await;
    let mut tab = visitor(&app).await.connect().await;
    let flood = async {
        for _ in 0..500 {
            if tab.wire.send(&json!({"type": "typing.set", "typing": true})).await.is_err() {
                break;
            }
        }
    };
    flood.await;
    assert_eq!(tab.wire.closed().await, Close::TooMany.code());
    app.finish().await;
}

#[tokio::test]
async fn one_address_has_a_limit_of_sockets_and_gets_its_places_back() {
    let app = TestApp::start_with(Options::default().set("gateway.sockets_per_address", "3")).await;
    let mara = visitor(&app).await;
    let tabs = [mara.open().await, mara.open().await, mara.open().await];
    let ticket = mara.ticket().await.unwrap();
    let mut refused = Wire::open(&app.url, "/ws/visitor", &ticket, mara.from).await.unwrap();
    assert_eq!(refused.closed().await, Close::TooMany.code());
    for tab in tabs {
        tab.wire.close().await;
    }
    // The ticket was not used up by the refusal, and the places are free again, soon.
    let hello = loop {
        let mut wire = Wire::open(&app.url, "/ws/visitor", &ticket, mara.from).await.unwrap();
        match wire.hear().await {
            Err(Lost::Closed(code)) => assert_eq!(code, Close::TooMany.code()),
            heard => break heard.unwrap(),
        }
    };
    assert_eq!(hello["type"], "hello");
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_works_once_for_half_a_minute_and_for_its_own_kind_of_socket() {
    let clock = Arc::new(TestClock::new());
    let app = TestApp::start_with(Options::default().clock(Arc::clone(&clock))).await;
    let mara = visitor(&app).await;
    let ana = app.admin().await;
    let open = async |path: &str, ticket: &str| Wire::open(&app.url, path, ticket, address(1)).await.unwrap();
    let ticket = mara.ticket().await.unwrap();
    assert_eq!(open("/ws/visitor", &ticket).await.hear().await.unwrap()["type"], "hello");
    assert_eq!(open("/ws/visitor", &ticket).await.closed().await, Close::TicketInvalid.code());
    assert_eq!(open("/ws/visitor", "made-up").await.closed().await, Close::TicketInvalid.code());
    assert_eq!(open("/ws/agent", "").await.closed().await, Close::TicketInvalid.code());
    let late = mara.ticket().await.unwrap();
    clock.advance(Duration::from_secs(30));
    assert_eq!(open("/ws/visitor", &late).await.closed().await, Close::TicketInvalid.code());
    let visitors = mara.ticket().await.unwrap();
    assert_eq!(open("/ws/agent", &visitors).await.closed().await, Close::NotAllowed.code());
    let agents = ana.ticket().await;
    assert_eq!(open("/ws/visitor", &agents).await.closed().await, Close::NotAllowed.code());
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_so() {
    let app = TestApp::start().await;
    let answer = app.stranger().get("/ws/visitor?ticket=x").await;
    assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, "13"));
    app.finish().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_the_history_stays_the_same_after() {
    let app = TestApp::start().await;
    let door = Door::of(&app);
    let mara = Visitor::boot(&door, address(1)).await;
    let mut tab = mara.connect().await;
    tab.says("Are you there?").await;
    let before = tab.hello["history_id"].clone();
    let (data, code) = tokio::join!(app.finish(), tab.wire.closed());
    assert_eq!(code, Close::GoingAway.code());

    let app = TestApp::start_in(data, Options::default()).await;
    let mara = mara.at(&Door::of(&app));
    let tab = mara.connect().await;
    assert_eq!(tab.hello["history_id"], before);
    assert!(tab.texts().contains(&"Are you there?"));
    app.finish().await;

    let other = TestApp::start().await;
    let tab = visitor(&other).await.connect().await;
    assert_ne!(tab.hello["history_id"], before, "another database is another history");
    other.finish().await;
}

#[tokio::test]
async fn a_waiting_visitor_sees_their_place_move() {
    let app = TestApp::start().await;
    let door = Door::of(&app);
    let mut tabs = Vec::new();
    for n in 1..=3 {
        let mut tab = Visitor::boot(&door, address(n)).await.connect().await;
        tab.asks_for_a_person().await;
        let status = tab.until_state("waiting").await;
        assert_eq!(status["position"], n, "{status}");
        assert_eq!(status["estimate"], Value::Null, "nobody was measured yet");
        tabs.push(tab);
    }
    tabs[0].does(json!({"type": "bot.continue"})).await;
    for (tab, place) in tabs[1..].iter_mut().zip(1..) {
        tab.wait_for(|frame| frame["type"] == "status" && frame["position"] == place).await;
    }
    // Right behind the first move: who has heard of one hears of the next.
    tabs[1].does(json!({"type": "bot.continue"})).await;
    tabs[2].wait_for(|frame| frame["type"] == "status" && frame["position"] == 1).await;
    app.finish().await;
}

/// Every operation of agents, with what it needs besides its conversation.
fn operations(conversation: &str, queue: &str) -> Vec<Value> {
    let with = |kind: &str, fields: Value| {
        let mut frame = json!({"type": kind, "conversation": conversation});
        for (name, value) in fields.as_object().unwrap() {
            frame[name] = value.clone();
        }
        frame
    };
    vec![
        with("offer.accept", json!({"offer": "off_X"})),
        with("offer.decline", json!({"offer": "off_X"})),
        with("conversation.watch", json!({"after": 0})),
        with("conversation.take", json!({})),
        with("message.send", json!({"text": "I should not be able to say this"})),
        with("note.add", json!({"text": "nor to write this"})),
        with("conversation.transfer", json!({"queue": queue})),
        with("conversation.hand_back", json!({})),
        with("conversation.resolve", json!({})),
        with("conversation.wrap_up", json!({"disposition": "spam"})),
        with("typing.set", json!({"typing": true})),
        with("read.mark", json!({"position": 1})),
    ]
}

#[tokio::test]
async fn on_every_operation_an_agent_may_act_only_on_their_own_conversations() {
    use baton::gateway::protocol::FromAgent;
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (ana, ben) =
        (app.person(&admin, "Ana", Role::Agent).await, app.person(&admin, "Ben", Role::Agent).await);
    let sue = app.person(&admin, "Sue", Role::Supervisor).await;
    let mut holder = Desk::online(&app, &ana).await;
    let mut tab = visitor(&app).await.connect().await;
    tab.says("Where is my parcel?").await;
    // The bot has had its say before the log is looked at.
    tab.until_entry(|entry| entry["author"]["kind"] == "bot").await;
    tab.asks_for_a_person().await;
    let offer = holder.next_offer().await;
    let conversation = holder.accepts(&offer).await;
    tab.until_state("agent").await;
    let (_, before) = holder.watches(&conversation).await;

    let tried = operations(&conversation, "que_general");
    // The two that are about no one conversation of somebody else's.
    let about_oneself = ["presence.set", "conversation.unwatch"];
    for kind in FromAgent::TYPES {
        let is_listed = tried.iter().any(|frame| frame["type"] == kind) || about_oneself.contains(&kind);
        assert!(is_listed, "{kind} is not tried");
    }
    // What a supervisor may do with somebody else's conversation: look, and write a note.
    let supervisors = ["conversation.watch", "note.add"];
    for (person, allowed) in [(&ben, &[][..]), (&sue, &supervisors[..])] {
        let mut desk = Desk::open(&app, person).await;
        for (n, frame) in tried.iter().enumerate() {
            let kind = frame["type"].as_str().unwrap();
            let mut frame = frame.clone();
            frame["client_id"] = format!("{kind}-{n}").into();
            desk.wire.send(&frame).await.unwrap();
            let answer = desk
                .wait_for(|frame| ["ack", "error", "packet"].contains(&frame["type"].as_str().unwrap()))
                .await;
            let is_refused = answer["type"] == "error";
            assert_eq!(is_refused, !allowed.contains(&kind), "{} tried {kind}: {answer}", person.email);
            if is_refused {
                let code = answer["code"].as_str().unwrap();
                assert!(["not_allowed", "rejected", "not_found"].contains(&code), "{kind}: {answer}");
            }
        }
    }
    // Nothing came of it but the supervisor's note.
    let (_, after) = Desk::open(&app, &ana).await.watches(&conversation).await;
    let new: Vec<&Value> = after[before.len()..].iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(new, ["note"]);
    holder.says(&conversation, "I am still here").await;
    tab.until_entry(|entry| entry["text"] == "I am still here").await;
    app.finish().await;
}

#[tokio::test]
async fn a_disabled_account_loses_its_sockets_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ben = app.person(&admin, "Ben", Role::Agent).await;
    let mut desk = Desk::online(&app, &ben).await;
    let disabled = admin.patch(&format!("/api/v1/accounts/{}", ben.id), json!({"disabled": true})).await;
    assert_eq!(disabled.status, 200, "{:?}", disabled.body);
    assert_eq!(desk.wire.closed().await, Close::NotAllowed.code());
    app.finish().await;
}

#[tokio::test]
async fn typing_and_reading_reach_the_other_side() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    let mut tab = visitor(&app).await.connect().await;
    tab.says("Where is my parcel?").await;
    // The bot has had its say: nothing comes between what the two say to each other.
    tab.until_entry(|entry| entry["author"]["kind"] == "bot").await;
    tab.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    let conversation = desk.accepts(&offer).await;
    let (packet, entries) = desk.watches(&conversation).await;
    assert_eq!(packet["handoff"]["reasons"][0]["code"], "asked_for_human", "{packet}");
    assert!(entries.iter().any(|entry| entry["text"] == "Where is my parcel?"), "everything said before");
    tab.until_state("agent").await;

    tab.wire.send(&json!({"type": "typing.set", "typing": true})).await.unwrap();
    desk.wait_for(|frame| frame["type"] == "typing" && frame["who"] == "visitor").await;
    desk.wire
        .send(&json!({"type": "typing.set", "conversation": conversation, "typing": true}))
        .await
        .unwrap();
    tab.wait_for(|frame| frame["type"] == "typing" && frame["who"] == "agent").await;

    let said = desk.says(&conversation, "I am looking at it now.").await;
    let entry = tab.until_entry(|entry| entry["text"] == "I am looking at it now.").await;
    assert_eq!((&entry["author"]["kind"], &entry["author"]["name"]), (&json!("agent"), &json!("Ana")));
    tab.wire.send(&json!({"type": "read.mark", "seq": entry["seq"]})).await.unwrap();
    desk.wait_for(|frame| frame["type"] == "read" && frame["seq"] == entry["seq"]).await;
    let answer = tab.says("Thank you!").await;
    let position = said["position"].as_u64().unwrap() + 1;
    desk.wire
        .send(&json!({"type": "read.mark", "conversation": conversation, "position": position}))
        .await
        .unwrap();
    tab.wait_for(|frame| frame["type"] == "read" && frame["seq"] == answer["seq"]).await;
    app.finish().await;
}

#[tokio::test]
async fn the_desk_shows_who_waits_and_a_note_reaches_everybody_who_watches() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (ana, sue) =
        (app.person(&admin, "Ana", Role::Agent).await, app.person(&admin, "Sue", Role::Supervisor).await);
    let mut desk = Desk::open(&app, &ana).await;
    assert_eq!(
        (&desk.hello["account"]["name"], &desk.hello["account"]["role"]),
        (&json!("Ana"), &json!("agent"))
    );
    let mut tab = visitor(&app).await.connect().await;
    tab.says("Where is my parcel?").await;
    // The bot has the last word before she asks, whoever is faster.
    let answer = tab.until_entry(|entry| entry["author"]["kind"] == "bot").await;
    tab.asks_for_a_person().await;
    // Offline, she is offered nothing and sees who waits.
    let overview = desk.until_overview(|overview| overview["waiting_total"] == 1).await;
    let conversation = overview["waiting"][0]["conversation"].as_str().unwrap().to_owned();
    assert_eq!(overview["waiting"][0]["last"]["text"], answer["text"]);
    desk.does(json!({"type": "conversation.take", "conversation": conversation})).await;
    desk.until_overview(|overview| overview["mine"][0]["conversation"] == conversation.as_str()).await;

    let mut supervisor = Desk::open(&app, &sue).await;
    supervisor.watches(&conversation).await;
    let note = json!({"type": "note.add", "conversation": conversation, "text": "It left on Monday."});
    desk.does(note).await;
    let entry = supervisor.until_entry(|entry| entry["kind"] == "note").await;
    assert_eq!((&entry["text"], &entry["seq"]), (&json!("It left on Monday."), &Value::Null));
    assert_eq!(entry["client_id"], Value::Null, "only the writer gets the client id back");
    desk.says(&conversation, "It left on Monday.").await;
    tab.until_entry(|entry| entry["author"]["kind"] == "agent").await;
    assert!(tab.entries.iter().all(|entry| entry["kind"] != "note"), "the visitor sees no note");
    app.finish().await;
}

#[tokio::test]
async fn an_agent_who_falls_silent_loses_the_conversation_and_the_visitor_is_told() {
    let options = Options::default().set("gateway.ping_interval", "500ms").set("gateway.pong_timeout", "5s");
    let app = TestApp::start_with(options).await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    let mut tab = visitor(&app).await.connect().await;
    tab.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    desk.accepts(&offer).await;
    tab.until_state("agent").await;
    // From here on the desk is open, and nobody reads or answers on it.
    tab.until_entry(|entry| entry["code"] == "agent_left").await;
    tab.until_state("waiting").await;
    assert_eq!(desk.wire.closed().await, Close::HeartbeatLost.code());
    app.finish().await;
}
