//! The contract of the Directory, Labels and ModelVersions ports, one test per promise,
//! for every store there is.

use crate::support::stored::{accept, at, cnv, escalate, get, offer, open, receipt};
use crate::support::stores::{EveryPort, on_every_store};
use crate::support::world::{agent, queue, visitor};
use baton::domain::account::{AccountChange, Email};
use baton::domain::agent::Role;
use baton::domain::analysis::Intent;
use baton::domain::conversation::{Change, Conversation, NewEntry};
use baton::domain::escalation::{EscalationPolicy, ReasonCode, decide_trigger};
use baton::domain::id::{CannedId, KnowledgeId, WidgetKey};
use baton::domain::knowledge::{CannedReply, KnowledgeEntry};
use baton::domain::outcome::{ConversationLabel, Disposition, Label, MessageLabel, Verdict, WrapUp};
use baton::domain::queue::Queue;
use baton::domain::score::Fold;
use baton::domain::site::{Origin, Widget};
use baton::domain::tuning::Source;
use baton::domain::visitor::Profile;
use baton::flow::ports::Search;
use baton::flow::ports::StoreError;
use baton::flow::ports::directory::{
    DirectoryError, Furniture, Link, LinkPurpose, Login, NewAccount, SecretHash, Stamp, VisitorRecord,
};
use baton::flow::ports::models::Adoption;

on_every_store! {
    accounts_are_listed_by_name_and_found_by_address,
    an_address_belongs_to_one_account,
    what_an_admin_changes_is_kept_and_the_rest_stays,
    the_last_admin_stays_one,
    a_password_ends_all_logins_but_one,
    a_link_works_once_and_replaces_the_one_before,
    the_first_account_is_made_once,
    logins_end_when_they_are_idle_or_old,
    one_queue_is_the_default,
    a_queue_that_is_needed_stays,
    knowledge_and_canned_replies_are_kept_in_order,
    a_widget_keeps_its_key_for_identities,
    what_a_site_begins_with_is_put_in_once_and_whole,
    a_visitor_is_found_by_their_secret,
    a_policy_is_published_on_top_of_the_live_one,
    a_model_is_adopted_on_top_of_the_live_one,
    a_refusal_leaves_nothing_in_the_audit_log,
    labels_are_of_the_visitors_messages_and_the_last_word_wins,
    evidence_is_what_was_said_and_then_what_is_hinted_at,
}

fn furniture(id: &str) -> Furniture {
    let queue = |name: &str| Queue {
        id: queue(&format!("{name}{id}")),
        name: name.to_owned(),
        skills: Vec::new(),
        tier: 1,
        hours: None,
        intents: Vec::new(),
        is_default: false,
    };
    let entry = |name: &str| KnowledgeEntry {
        id: KnowledgeId::from_suffix(&format!("{name}{id}")),
        title: name.to_owned(),
        questions: vec!["Where?".into()],
        answer: "There.".into(),
    };
    let reply = |name: &str| CannedReply {
        id: CannedId::from_suffix(&format!("{name}{id}")),
        shortcut: name.to_owned(),
        text: "Hello.".into(),
    };
    Furniture {
        queues: vec![queue("delivery"), queue("returns")],
        knowledge: vec![entry("hours"), entry("parking")],
        canned: vec![reply("hello"), reply("bye")],
        widget: Widget {
            key: WidgetKey::from_suffix("shop"),
            name: "Shop".into(),
            sites: Vec::new(),
            greeting: String::new(),
            accent: "#000000".into(),
            locale: "en".into(),
            identity_key: id.into(),
            created_at: at(1),
        },
    }
}

/// Nodes that begin at the same time, each with ids of its own.
async fn what_a_site_begins_with_is_put_in_once_and_whole(store: &dyn EveryPort) {
    let own =
        CannedReply { id: CannedId::from_suffix("own"), shortcut: "bye".into(), text: "So long.".into() };
    store.save_canned(stamp(0), own.clone()).await.unwrap();
    let begun = (0..4).map(|n| store.furnish(stamp(1), furniture(&n.to_string())));
    for begun in futures_util::future::join_all(begun).await {
        begun.unwrap();
    }
    let names = |all: Vec<Queue>| all.into_iter().map(|queue| queue.name).collect::<Vec<_>>();
    assert_eq!(names(store.queues().await.unwrap()).len(), 2);
    assert_eq!(store.knowledge().await.unwrap().len(), 2);
    let canned = store.canned().await.unwrap();
    assert_eq!(canned.len(), 2);
    assert!(canned.contains(&own), "what was there stays");
    let [widget] = store.widgets().await.unwrap().try_into().unwrap();
    assert!(
        canned
            .iter()
            .any(|reply| reply.id == CannedId::from_suffix(&format!("hello{}", widget.identity_key)))
    );
    assert_eq!(store.audit(None, 100).await.unwrap().len(), 1 + 2 + 2 + 1 + 1, "written by one of them");
}

fn stamp(second: i64) -> Stamp {
    Stamp { by: None, at: at(second) }
}

fn by(name: &str, second: i64) -> Stamp {
    Stamp { by: Some(agent(name)), at: at(second) }
}

fn hash(text: &str) -> SecretHash {
    SecretHash(text.to_owned())
}

fn new(name: &str, role: Role) -> NewAccount {
    let email = Email::parse(&format!("{name}@shop.example")).unwrap();
    NewAccount { id: agent(name), email, name: name.to_owned(), role }
}

fn link(token: &str, purpose: LinkPurpose, account: Option<&str>, second: i64) -> Link {
    Link { token: hash(token), purpose, account: account.map(agent), expires_at: at(second) }
}

fn login(token: &str, account: &str, second: i64) -> Login {
    let at_start = at(second);
    Login {
        token: hash(token),
        account: agent(account),
        created_at: at_start,
        seen_at: at_start,
        expires_at: at(second + 1_000),
    }
}

fn a_queue(name: &str) -> Queue {
    Queue {
        id: queue(name),
        name: name.to_owned(),
        skills: vec!["delivery".into()],
        tier: 2,
        hours: None,
        intents: vec!["refund".into()],
        is_default: false,
    }
}

async fn audited(store: &dyn EveryPort) -> Vec<(String, String)> {
    let all = store.audit(None, 100).await.unwrap();
    all.into_iter().map(|entry| (entry.action, entry.target)).collect()
}

async fn accounts_are_listed_by_name_and_found_by_address(store: &dyn EveryPort) {
    for name in ["cem", "Ana", "ben", "ana"] {
        let mut new = new(&name.to_lowercase(), Role::Agent);
        new.name = name.to_owned();
        if name == "ana" {
            new.id = agent("zana");
            new.email = Email::parse("other@shop.example").unwrap();
        }
        let made = store.add_account(stamp(1), new, None).await.unwrap();
        assert_eq!((made.agent.tier, made.agent.capacity, made.has_password), (1, 3, false));
        assert_eq!(store.account(made.id()).await.unwrap(), Some(made));
    }
    let ids: Vec<_> = store.accounts().await.unwrap().into_iter().map(|a| a.agent.id).collect();
    assert_eq!(ids, [agent("ana"), agent("zana"), agent("ben"), agent("cem")], "in any case, then by id");
    let found = store.credentials(&Email::parse("BEN@shop.example").unwrap()).await.unwrap().unwrap();
    assert_eq!((found.account.agent.id, found.password), (agent("ben"), None));
    assert!(store.credentials(&Email::parse("no@shop.example").unwrap()).await.unwrap().is_none());
    assert_eq!(store.account(&agent("nobody")).await.unwrap(), None);
}

async fn an_address_belongs_to_one_account(store: &dyn EveryPort) {
    store.add_account(stamp(1), new("ana", Role::Agent), None).await.unwrap();
    let mut second = new("ana", Role::Agent);
    second.id = agent("ben");
    let refused = store.add_account(stamp(2), second, None).await.unwrap_err();
    assert!(matches!(refused, DirectoryError::Taken(_)), "{refused}");
    let mut second = new("ben", Role::Agent);
    second.id = agent("ana");
    let refused = store.add_account(stamp(2), second, None).await.unwrap_err();
    assert!(matches!(refused, DirectoryError::Store(StoreError::Conflict)), "{refused}");
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

async fn what_an_admin_changes_is_kept_and_the_rest_stays(store: &dyn EveryPort) {
    store.add_account(stamp(1), new("ana", Role::Agent), None).await.unwrap();
    let change = AccountChange {
        capacity: Some(7),
        tier: Some(3),
        skills: Some(vec!["wool".into(), "\"quotes\"".into()]),
        queues: Some(vec![queue("a")]),
        ..AccountChange::default()
    };
    let changed = store.change_account(by("ana", 2), agent("ana"), change).await.unwrap();
    assert_eq!((changed.agent.capacity, changed.agent.tier, changed.agent.name.as_str()), (7, 3, "ana"));
    assert_eq!(store.account(&agent("ana")).await.unwrap(), Some(changed));
    let entry = store.audit(None, 1).await.unwrap().remove(0);
    assert_eq!(entry.detail, "capacity, tier, skills, queues");
    assert_eq!((entry.account.as_str(), entry.target.as_str()), ("ana", "agt_ana"));
    let refused = store.change_account(stamp(3), agent("nobody"), AccountChange::default()).await;
    assert!(matches!(refused, Err(DirectoryError::NotFound(_))));
    for wrong in [
        AccountChange { tier: Some(4), ..AccountChange::default() },
        AccountChange { capacity: Some(101), ..AccountChange::default() },
    ] {
        let refused = store.change_account(stamp(3), agent("ana"), wrong).await;
        assert!(matches!(refused, Err(DirectoryError::Store(StoreError::Conflict))), "{refused:?}");
    }
}

async fn the_last_admin_stays_one(store: &dyn EveryPort) {
    for name in ["ada", "bob"] {
        store.add_account(stamp(1), new(name, Role::Admin), None).await.unwrap();
    }
    store.set_password(stamp(2), agent("ada"), hash("p"), None).await.unwrap();
    let disable = || AccountChange { is_disabled: Some(true), ..AccountChange::default() };
    let refused = store.change_account(stamp(3), agent("ada"), disable()).await;
    assert!(matches!(refused, Err(DirectoryError::LastAdmin)), "bob cannot come in yet");
    store.set_password(stamp(4), agent("bob"), hash("p"), None).await.unwrap();
    store.change_account(stamp(5), agent("ada"), disable()).await.unwrap();
    let demote = AccountChange { role: Some(Role::Agent), ..AccountChange::default() };
    let refused = store.change_account(stamp(6), agent("bob"), demote).await;
    assert!(matches!(refused, Err(DirectoryError::LastAdmin)));
}

async fn a_password_ends_all_logins_but_one(store: &dyn EveryPort) {
    store.add_account(stamp(1), new("ana", Role::Agent), None).await.unwrap();
    for token in ["one", "two"] {
        store.add_login(login(token, "ana", 5)).await.unwrap();
    }
    assert_eq!(store.add_login(login("one", "ana", 5)).await, Err(StoreError::Conflict));
    assert_eq!(store.add_login(login("three", "nobody", 5)).await, Err(StoreError::Conflict));
    assert_eq!(store.account(&agent("ana")).await.unwrap().unwrap().last_login_at, Some(at(5)));
    store.set_password(stamp(6), agent("ana"), hash("new"), Some(hash("two"))).await.unwrap();
    assert!(store.login(&hash("one")).await.unwrap().is_none());
    let (kept, account) = store.login(&hash("two")).await.unwrap().unwrap();
    assert_eq!((kept.account, kept.created_at, account.has_password), (agent("ana"), at(5), true));
    let found = store.credentials(&account.email).await.unwrap().unwrap();
    assert_eq!(found.password, Some(hash("new")));
    let role = AccountChange { role: Some(Role::Supervisor), ..AccountChange::default() };
    store.change_account(stamp(7), agent("ana"), role).await.unwrap();
    assert!(store.login(&hash("two")).await.unwrap().is_none(), "another role, another login");
}

async fn a_link_works_once_and_replaces_the_one_before(store: &dyn EveryPort) {
    let invite = link("first", LinkPurpose::Invite, Some("ana"), 50);
    store.add_account(stamp(1), new("ana", Role::Agent), Some(invite)).await.unwrap();
    assert!(store.link(&hash("first"), at(49)).await.unwrap().is_some());
    assert!(store.link(&hash("first"), at(50)).await.unwrap().is_none(), "too old");
    store.issue_link(stamp(2), link("second", LinkPurpose::Invite, Some("ana"), 60)).await.unwrap();
    assert!(store.link(&hash("first"), at(3)).await.unwrap().is_none(), "replaced");
    store.issue_link(stamp(2), link("reset", LinkPurpose::Reset, Some("ana"), 60)).await.unwrap();
    assert!(store.link(&hash("second"), at(3)).await.unwrap().is_some(), "another purpose");
    let nobody = store.issue_link(stamp(2), link("x", LinkPurpose::Reset, Some("nobody"), 60)).await;
    assert!(matches!(nobody, Err(DirectoryError::NotFound(_))));
    store.add_login(login("in", "ana", 3)).await.unwrap();
    let redeemed = store.redeem_link(stamp(4), hash("second"), Some("Ana".into()), hash("p")).await.unwrap();
    assert_eq!((redeemed.agent.name.as_str(), redeemed.has_password), ("Ana", true));
    assert!(store.login(&hash("in")).await.unwrap().is_none(), "every login ends");
    for token in ["second", "reset", "unknown"] {
        let again = store.redeem_link(stamp(5), hash(token), None, hash("q")).await;
        assert!(matches!(again, Err(DirectoryError::LinkInvalid)), "{token}");
    }
    let last = store.audit(None, 1).await.unwrap().remove(0);
    assert_eq!(
        (last.action.as_str(), last.account.as_str(), last.detail.as_str()),
        ("account.password", "Ana", "invite")
    );
}

async fn the_first_account_is_made_once(store: &dyn EveryPort) {
    let ada = || new("ada", Role::Admin);
    let refused = store.redeem_setup(stamp(1), hash("setup"), ada(), hash("p")).await;
    assert!(matches!(refused, Err(DirectoryError::LinkInvalid)), "no link");
    store.issue_link(stamp(1), link("setup", LinkPurpose::Setup, None, 50)).await.unwrap();
    store.issue_link(stamp(1), link("again", LinkPurpose::Setup, None, 50)).await.unwrap();
    assert!(store.link(&hash("setup"), at(2)).await.unwrap().is_none(), "replaced");
    let made = store.redeem_setup(stamp(2), hash("again"), ada(), hash("p")).await.unwrap();
    assert!(made.has_password);
    assert!(store.link(&hash("again"), at(2)).await.unwrap().is_none());
    store.issue_link(stamp(3), link("third", LinkPurpose::Setup, None, 50)).await.unwrap();
    let refused = store.redeem_setup(stamp(3), hash("third"), new("eve", Role::Admin), hash("p")).await;
    assert!(matches!(refused, Err(DirectoryError::LinkInvalid)), "somebody is there");
    assert_eq!(audited(store).await, [("account.setup".to_owned(), "agt_ada".to_owned())]);
}

async fn logins_end_when_they_are_idle_or_old(store: &dyn EveryPort) {
    store.add_account(stamp(1), new("ana", Role::Agent), None).await.unwrap();
    for (token, second) in [("idle", 10), ("used", 10), ("ended", 10)] {
        store.add_login(login(token, "ana", second)).await.unwrap();
    }
    store.touch_login(hash("used"), at(500)).await.unwrap();
    store.touch_login(hash("used"), at(400)).await.unwrap();
    store.touch_login(hash("nobody"), at(400)).await.unwrap();
    assert_eq!(store.login(&hash("used")).await.unwrap().unwrap().0.seen_at, at(500), "never goes back");
    store.end_login(hash("ended")).await.unwrap();
    assert!(store.login(&hash("ended")).await.unwrap().is_none());
    store.issue_link(stamp(2), link("link", LinkPurpose::Reset, Some("ana"), 550)).await.unwrap();
    store.sweep(at(600), at(10)).await.unwrap();
    assert!(store.login(&hash("idle")).await.unwrap().is_none());
    assert!(store.login(&hash("used")).await.unwrap().is_some());
    assert!(store.link(&hash("link"), at(2)).await.unwrap().is_none());
    store.sweep(at(1_010), at(10)).await.unwrap();
    assert!(store.login(&hash("used")).await.unwrap().is_none(), "its end in any case");
}

async fn one_queue_is_the_default(store: &dyn EveryPort) {
    let defaults = || async {
        let all = store.queues().await.unwrap();
        all.into_iter().map(|queue| (queue.name, queue.is_default)).collect::<Vec<_>>()
    };
    for name in ["b", "a"] {
        store.save_queue(stamp(1), a_queue(name)).await.unwrap();
    }
    assert_eq!(defaults().await, [("b".to_owned(), true), ("a".to_owned(), false)], "the first one is");
    store.save_queue(stamp(2), Queue { is_default: true, ..a_queue("a") }).await.unwrap();
    assert_eq!(defaults().await, [("b".to_owned(), false), ("a".to_owned(), true)], "in their order");
    store.save_queue(stamp(3), a_queue("a")).await.unwrap();
    assert_eq!(defaults().await, [("b".to_owned(), false), ("a".to_owned(), true)], "there must be one");
    let taken = store.save_queue(stamp(4), Queue { name: "a".into(), ..a_queue("c") }).await;
    assert!(matches!(taken, Err(DirectoryError::Taken(_))));
    assert_eq!(store.queues().await.unwrap()[0], a_queue("b"));
    let actions: Vec<_> = audited(store).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["queue.change", "queue.change", "queue.create", "queue.create"]);
}

async fn a_queue_that_is_needed_stays(store: &dyn EveryPort) {
    for name in ["general", "a", "b", "c"] {
        store.save_queue(stamp(1), a_queue(name)).await.unwrap();
    }
    store.add_account(stamp(1), new("ana", Role::Agent), None).await.unwrap();
    let serves = |queues: &[&str]| AccountChange {
        queues: Some(queues.iter().map(|name| queue(name)).collect()),
        ..AccountChange::default()
    };
    store.change_account(stamp(2), agent("ana"), serves(&["a", "b"])).await.unwrap();
    let used = |refused: Result<(), DirectoryError>| matches!(refused, Err(DirectoryError::QueueInUse));
    assert!(used(store.remove_queue(stamp(3), queue("general")).await), "the default");
    store.save_queue(stamp(3), Queue { is_default: true, ..a_queue("c") }).await.unwrap();
    open(store, "eve", 3).await;
    escalate(store, "eve", 4).await;
    assert!(used(store.remove_queue(stamp(5), queue("general")).await), "somebody waits in it");
    let ended = get(store, "eve").await.end(at(6)).unwrap();
    store.commit(ended, None, at(6)).await.unwrap();
    store.remove_queue(stamp(7), queue("general")).await.unwrap();
    let gone = store.remove_queue(stamp(7), queue("general")).await;
    assert!(matches!(gone, Err(DirectoryError::NotFound(_))));
    store.remove_queue(stamp(8), queue("a")).await.unwrap();
    assert_eq!(store.account(&agent("ana")).await.unwrap().unwrap().agent.queues, [queue("b")]);
    assert!(used(store.remove_queue(stamp(9), queue("b")).await), "an empty list would mean all queues");
}

async fn knowledge_and_canned_replies_are_kept_in_order(store: &dyn EveryPort) {
    let entry = |name: &str, answer: &str| KnowledgeEntry {
        id: KnowledgeId::from_suffix(name),
        title: name.to_owned(),
        questions: vec!["How?".into(), "Why?".into()],
        answer: answer.to_owned(),
    };
    let before = store.knowledge_revision().await.unwrap();
    for (name, answer) in [("b", "x"), ("a", "y"), ("b", "z")] {
        store.save_knowledge(stamp(1), entry(name, answer)).await.unwrap();
    }
    assert_eq!(store.knowledge().await.unwrap(), [entry("b", "z"), entry("a", "y")]);
    store.remove_knowledge(stamp(2), KnowledgeId::from_suffix("b")).await.unwrap();
    let gone = store.remove_knowledge(stamp(2), KnowledgeId::from_suffix("b")).await;
    assert!(matches!(gone, Err(DirectoryError::NotFound(_))));
    assert_eq!(store.knowledge_revision().await.unwrap(), before + 4, "it grows with every change");

    let reply = |name: &str, shortcut: &str| CannedReply {
        id: CannedId::from_suffix(name),
        shortcut: shortcut.to_owned(),
        text: name.to_owned(),
    };
    for (name, shortcut) in [("x", "hello"), ("y", "bye")] {
        store.save_canned(stamp(3), reply(name, shortcut)).await.unwrap();
    }
    assert_eq!(store.canned().await.unwrap(), [reply("y", "bye"), reply("x", "hello")]);
    let taken = store.save_canned(stamp(3), reply("z", "bye")).await;
    assert!(matches!(taken, Err(DirectoryError::Taken(_))));
    store.save_canned(stamp(4), reply("y", "ciao")).await.unwrap();
    store.remove_canned(stamp(4), CannedId::from_suffix("x")).await.unwrap();
    let gone = store.remove_canned(stamp(4), CannedId::from_suffix("x")).await;
    assert!(matches!(gone, Err(DirectoryError::NotFound(_))));
    assert_eq!(store.canned().await.unwrap(), [reply("y", "ciao")]);
}

async fn a_widget_keeps_its_key_for_identities(store: &dyn EveryPort) {
    let widget = |name: &str, secret: &str, second: i64| Widget {
        key: WidgetKey::from_suffix("shop"),
        name: name.to_owned(),
        sites: vec![Origin::parse("https://shop.example").unwrap()],
        greeting: "Hello".into(),
        accent: "#aabbcc".into(),
        locale: "en".into(),
        identity_key: secret.to_owned(),
        created_at: at(second),
    };
    store.save_widget(stamp(1), widget("Shop", "secret", 1)).await.unwrap();
    store.save_widget(stamp(2), widget("New", "other", 2)).await.unwrap();
    let kept = Widget { name: "New".into(), ..widget("Shop", "secret", 1) };
    assert_eq!(store.widget(&kept.key).await.unwrap().as_ref(), Some(&kept));
    assert_eq!(store.widgets().await.unwrap(), std::slice::from_ref(&kept));
    store.remove_widget(stamp(3), kept.key.clone()).await.unwrap();
    assert_eq!(store.widget(&kept.key).await.unwrap(), None);
    let gone = store.remove_widget(stamp(3), kept.key).await;
    assert!(matches!(gone, Err(DirectoryError::NotFound(_))));
}

async fn a_visitor_is_found_by_their_secret(store: &dyn EveryPort) {
    let record = |name: &str, widget: &str| VisitorRecord {
        id: visitor(name),
        widget: WidgetKey::from_suffix(widget),
        profile: Profile { name: widget.to_owned(), ..Profile::default() },
    };
    store.save_visitor(at(1), record("eve", "one"), hash("a")).await.unwrap();
    store.save_visitor(at(2), record("eve", "two"), hash("b")).await.unwrap();
    store.save_visitor(at(3), record("tom", "two"), hash("a")).await.unwrap();
    for secret in ["a", "b"] {
        let found = store.visitor_by_secret(&hash(secret)).await.unwrap().unwrap();
        let wanted = (visitor("eve"), WidgetKey::from_suffix("one"), "two".to_owned());
        assert_eq!((found.id, found.widget, found.profile.name), wanted, "a secret is one visitor's");
    }
    assert!(store.visitor_by_secret(&hash("c")).await.unwrap().is_none());
    assert_eq!(store.visitor(&visitor("tom")).await.unwrap().unwrap().profile.name, "two");
}

async fn a_policy_is_published_on_top_of_the_live_one(store: &dyn EveryPort) {
    store.add_account(stamp(1), new("ana", Role::Admin), None).await.unwrap();
    let publish = |text: &'static str, based_on: u32| {
        store.publish_policy(by("ana", 2), "default".into(), text.into(), "why".into(), based_on)
    };
    assert_eq!(publish("one", 0).await.unwrap().version, 1);
    assert!(matches!(publish("late", 0).await, Err(DirectoryError::Conflict)));
    assert_eq!(publish("two", 1).await.unwrap().version, 2);
    let rename = AccountChange { name: Some("Ana Maria".into()), ..AccountChange::default() };
    store.change_account(stamp(3), agent("ana"), rename).await.unwrap();
    let all = store.policies().await.unwrap();
    let told: Vec<_> = all.iter().map(|p| (p.version, p.author.as_str(), p.at)).collect();
    assert_eq!(told, [(2, "Ana Maria", at(2)), (1, "Ana Maria", at(2))], "newest first, present names");
    assert_eq!(store.policy(1).await.unwrap().unwrap().1, "one");
    assert_eq!(store.policy(3).await.unwrap(), None);
}

async fn a_model_is_adopted_on_top_of_the_live_one(store: &dyn EveryPort) {
    let adoption = |version: &str, is_rollback: bool| Adoption {
        version: version.to_owned(),
        folder: version.to_owned(),
        comment: String::new(),
        is_rollback,
    };
    assert!(store.model_versions().await.unwrap().is_empty());
    assert_eq!(store.adopt_model(stamp(1), adoption("a", false), 0).await.unwrap().number, 1);
    let late = store.adopt_model(stamp(1), adoption("b", false), 0).await;
    assert!(matches!(late, Err(DirectoryError::Conflict)));
    store.adopt_model(stamp(2), adoption("", true), 1).await.unwrap();
    let all: Vec<_> =
        store.model_versions().await.unwrap().into_iter().map(|m| (m.number, m.is_rollback)).collect();
    assert_eq!(all, [(2, true), (1, false)]);
    let actions: Vec<_> = audited(store).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["model.rollback", "model.adopt"]);
}

async fn a_refusal_leaves_nothing_in_the_audit_log(store: &dyn EveryPort) {
    store.add_account(stamp(1), new("ana", Role::Agent), None).await.unwrap();
    store.save_queue(stamp(1), a_queue("a")).await.unwrap();
    let before = audited(store).await;
    assert!(store.add_account(stamp(2), new("ana", Role::Agent), None).await.is_err());
    assert!(store.save_queue(stamp(2), Queue { name: "a".into(), ..a_queue("b") }).await.is_err());
    assert!(store.remove_queue(stamp(2), queue("a")).await.is_err());
    assert!(store.set_password(stamp(2), agent("nobody"), hash("p"), None).await.is_err());
    assert_eq!(audited(store).await, before);
    let all = store.audit(None, 100).await.unwrap();
    assert!(all.windows(2).all(|pair| pair[0].number > pair[1].number), "newest first");
    let older = store.audit(Some(all[0].number), 100).await.unwrap();
    assert_eq!(older, all[1..]);
    assert_eq!(store.audit(None, 1).await.unwrap(), all[..1]);
}

async fn labels_are_of_the_visitors_messages_and_the_last_word_wins(store: &dyn EveryPort) {
    let opened = open(store, "eve", 0).await;
    let decision = decide_trigger(&EscalationPolicy::default(), &Fold::default(), ReasonCode::BotSilent);
    store.commit(Change::of(opened).with(NewEntry::decision(decision, at(1))), None, at(1)).await.unwrap();
    let said = |human_request: bool| MessageLabel {
        human_request: Some(human_request),
        intents: Some(vec![Intent::Refund]),
        ..MessageLabel::default()
    };
    let missing = |refused: Result<(), DirectoryError>| matches!(refused, Err(DirectoryError::NotFound(_)));
    assert!(missing(store.label_message(stamp(2), cnv("eve"), 2, said(true)).await), "a decision");
    assert!(missing(store.label_message(stamp(2), cnv("eve"), 9, said(true)).await));
    assert!(missing(store.unlabel_message(stamp(2), cnv("tom"), 1).await));
    for human in [true, false] {
        store.label_message(stamp(2), cnv("eve"), 1, said(human)).await.unwrap();
    }
    let verdict = |verdict, position| ConversationLabel { verdict, position };
    let nowhere = store.label_conversation(stamp(3), cnv("eve"), verdict(Verdict::Late, Some(2))).await;
    assert!(missing(nowhere));
    for said in [verdict(Verdict::Right, None), verdict(Verdict::Missed, Some(1))] {
        store.label_conversation(stamp(3), cnv("eve"), said).await.unwrap();
    }
    let labels = store.labels_of(&cnv("eve")).await.unwrap();
    assert_eq!(labels.conversation, Some(verdict(Verdict::Missed, Some(1))));
    assert_eq!(labels.messages.into_iter().collect::<Vec<_>>(), [(1, said(false))]);
    let counts = store.count_labels().await.unwrap();
    assert_eq!((counts.messages, counts.conversations, counts.human_request), (1, 1, [1, 0]));
    open(store, "tom", 5).await;
    let labeled = |is_labeled| Search { is_labeled: Some(is_labeled), limit: 9, ..Search::default() };
    let ids = |found: Vec<Conversation>| found.into_iter().map(|c| c.id).collect::<Vec<_>>();
    assert_eq!(ids(store.search(labeled(true)).await.unwrap()), [cnv("eve")]);
    assert_eq!(ids(store.search(labeled(false)).await.unwrap()), [cnv("tom")]);
    for _ in 0..2 {
        store.unlabel_message(stamp(6), cnv("eve"), 1).await.unwrap();
        store.unlabel_conversation(stamp(6), cnv("eve")).await.unwrap();
    }
    assert_eq!(store.labels_of(&cnv("eve")).await.unwrap(), Default::default());
    let n_removed = audited(store).await.iter().filter(|(action, _)| action.ends_with("remove")).count();
    assert_eq!(n_removed, 2, "what was not there is not taken away");
}

async fn evidence_is_what_was_said_and_then_what_is_hinted_at(store: &dyn EveryPort) {
    let policy = EscalationPolicy::default();
    for name in ["b", "a"] {
        open(store, name, 0).await;
        store.receive(receipt(name, "c1", "Get me a human", 1)).await.unwrap();
        let mut decision = decide_trigger(&policy, &Fold::default(), ReasonCode::AskedForHuman);
        decision.about = Some(2);
        let change = Change::of(get(store, name).await).with(NewEntry::decision(decision, at(2)));
        store.commit(change, None, at(2)).await.unwrap();
        escalate(store, name, 3).await;
        offer(store, name, "ana", 9, 4).await.unwrap();
        accept(store, name, "ana", 5).await;
    }
    let wrap_up = |label| WrapUp { disposition: Disposition::Solved, label: Some(label), note: None };
    for name in ["a", "b"] {
        store.record_wrap_up(&cnv(name), &agent("ana"), wrap_up(Label::Needless)).await.unwrap();
    }
    let calm = MessageLabel { frustration: Some(false), ..MessageLabel::default() };
    store.label_message(stamp(6), cnv("b"), 1, calm.clone()).await.unwrap();
    let right = ConversationLabel { verdict: Verdict::Late, position: Some(1) };
    store.label_conversation(stamp(7), cnv("a"), right).await.unwrap();
    let found = store.evidence().await.unwrap();
    let told: Vec<_> = found.iter().map(|e| (e.conversation.clone(), e.position, e.source)).collect();
    let wanted = [(cnv("b"), 1, Source::Said), (cnv("a"), 1, Source::Hinted), (cnv("b"), 2, Source::Hinted)];
    assert_eq!(told, wanted, "a supervisor's label goes before the agent's");
    assert_eq!((found[0].label.clone(), found[0].text.as_str()), (calm, "Hello"));
    assert_eq!(found[2].label.human_request, Some(false));
    assert_eq!(store.count_labels().await.unwrap().escalations, [0, 0, 0, 2]);
}
