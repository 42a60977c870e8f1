//! Everything that can be asked of a store, with answers that can be compared.

use super::make::{QUEUES, WORDS};
use crate::support::simulated::dice::Dice;
use crate::support::stores::EveryPort;
use crate::support::world::{agent, queue, visitor};
use baton::domain::conversation::StateName;
use baton::domain::id::{AgentId, ConversationId, WidgetKey};
use baton::domain::time::Timestamp;
use baton::flow::ports::directory::{Link, SecretHash};
use baton::flow::ports::{Overdue, Person, Search, Seen};
use std::fmt::Debug;
use std::time::Duration;

/// Stores to be compared: the first with each of the others.
pub type Stores = [(&'static str, crate::support::stores::Opened)];

/// Asks all stores the same, and says where they differ; what they agree on.
pub async fn agreed<T: PartialEq + Debug>(
    stores: &Stores,
    what: &str,
    ask: impl AsyncFn(&dyn EveryPort) -> T,
) -> Result<T, String> {
    let mut first: Option<T> = None;
    for (name, opened) in stores {
        let answer = ask(&*opened.store).await;
        match &first {
            None => first = Some(answer),
            Some(first) if *first == answer => {}
            Some(first) => {
                return Err(format!("{what} differs\n  {}: {first:?}\n  {name}: {answer:?}", stores[0].0));
            }
        }
    }
    Ok(first.unwrap())
}

/// Asks all stores the same, and says where they differ.
pub async fn same<T: PartialEq + Debug>(
    stores: &Stores,
    what: &str,
    ask: impl AsyncFn(&dyn EveryPort) -> T,
) -> Result<(), String> {
    agreed(stores, what, ask).await.map(drop)
}

/// Everything about one conversation.
pub async fn about_one(stores: &Stores, id: &ConversationId, dice: &Dice) -> Result<(), String> {
    let (after, limit) = (dice.below(4) as u64, 1 + dice.below(20));
    let found = agreed(stores, "conversation", async |s| s.conversation(id).await).await?;
    same(stores, "entries", async |s| s.entries(id, after, limit).await).await?;
    let visible =
        agreed(stores, "visible_entries", async |s| s.visible_entries(id, after.into(), limit).await).await?;
    if let Some((seq, position)) = visible.ok().and_then(|v| v.first().map(|e| (e.visitor_seq, e.position))) {
        let seen = Seen { seq: seq.unwrap_or(0), position };
        same(stores, "visible_entries from a position", async |s| s.visible_entries(id, seen, limit).await)
            .await?;
    }
    same(stores, "analyses", async |s| s.analyses(id).await).await?;
    same(stores, "handoffs", async |s| s.handoffs(id).await).await?;
    same(stores, "judgement", async |s| s.judgement(id).await).await?;
    same(stores, "read_marks", async |s| s.read_marks(id).await).await?;
    same(stores, "labels_of", async |s| s.labels_of(id).await).await?;
    if let Ok(Some(found)) = found {
        same(stores, "latest_of", async |s| s.latest_of(&found.visitor).await).await?;
        same(stores, "earlier_of", async |s| s.earlier_of(&found.visitor, id).await).await?;
    }
    Ok(())
}

/// Everything about everything.
pub async fn about_all(stores: &Stores, now: Timestamp, dice: &Dice) -> Result<(), String> {
    let search = Search { limit: 1_000, ..Search::default() };
    let all = agreed(stores, "search for all", async |s| s.search(search.clone()).await).await?.unwrap();
    let ids: Vec<ConversationId> = all.into_iter().map(|c| c.id).collect();
    // No order is promised of these.
    same(stores, "waiting", async |s| s.waiting().await.map(|w| sorted(w, |c| c.id.clone()))).await?;
    same(stores, "places", async |s| s.places().await.map(|p| sorted(p, |p| p.conversation.clone()))).await?;
    same(stores, "left_messages", async |s| s.left_messages().await).await?;
    same(stores, "attendance", async |s| s.attendance().await).await?;
    same(stores, "glances", async |s| s.glances(&ids).await).await?;
    same(stores, "figures", async |s| s.figures(now.minus(Duration::from_secs(600))).await).await?;
    same(stores, "check", async |s| s.check().await).await?;
    let since = now.minus(Duration::from_secs(dice.below(2_000) as u64));
    for name in ["ana", "Ben", "cem", "zoe"] {
        let who = agent(name);
        same(stores, "held_by", async |s| s.held_by(&who).await).await?;
        same(stores, "closed_by_since", async |s| s.closed_by_since(&who, since).await).await?;
    }
    for name in QUEUES {
        let limit = 1 + dice.below(10);
        same(stores, "measured_waits", async |s| s.measured_waits(&queue(name), since, limit).await).await?;
    }
    let ago = |seconds: &[u64]| now.minus(Duration::from_secs(dice.one(seconds)));
    let before = Overdue {
        now: now.plus(Duration::from_secs(dice.one(&[0, 30]))),
        undecided_before: ago(&[0, 3]),
        idle_before: ago(&[60, 3_600]),
        gone_before: ago(&[10, 600]),
        wrap_up_before: ago(&[10, 300]),
    };
    same(stores, "overdue", async |s| s.overdue(before, 1_000).await.map(|ids| sorted(ids, Clone::clone)))
        .await?;
    searches(stores, now, dice).await?;
    export(stores, dice).await?;
    directory(stores, now).await?;
    same(stores, "count_labels", async |s| s.count_labels().await).await?;
    same(stores, "evidence", async |s| s.evidence().await).await?;
    same(stores, "kept_counts", async |s| s.kept_counts().await).await?;
    let person = Person::Email("someone@mail.example".into());
    same(stores, "visitors_of", async |s| s.visitors_of(&person).await).await?;
    same(stores, "model_versions", async |s| s.model_versions().await).await?;
    Ok(())
}

fn sorted<T, K: Ord>(mut all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    all.sort_by_key(key);
    all
}

async fn searches(stores: &Stores, now: Timestamp, dice: &Dice) -> Result<(), String> {
    for _ in 0..4 {
        let states = StateName::ALL.into_iter().filter(|_| dice.percent(30)).collect();
        let search = Search {
            states: if dice.percent(50) { states } else { Vec::new() },
            text: match dice.below(4) {
                0 => dice.one(&WORDS).to_owned(),
                1 => dice
                    .one(&["HELLO", "%", "_", "\\", "someone@", "cnv_00001", "  ", "ärger", "ÜBER"])
                    .to_owned(),
                _ => String::new(),
            },
            agent: dice.percent(30).then(|| agent(dice.one(&["ana", "Ben"]))),
            is_labeled: dice.percent(30).then(|| dice.percent(50)),
            before: dice.percent(30).then(|| now.minus(Duration::from_secs(60))),
            limit: 1 + dice.below(20),
        };
        same(stores, &format!("search {search:?}"), async |s| s.search(search.clone()).await).await?;
    }
    Ok(())
}

async fn export(stores: &Stores, dice: &Dice) -> Result<(), String> {
    let (limit, mut after) = (1 + dice.below(30), None::<ConversationId>);
    for _ in 0..3 {
        let page = agreed(stores, "opened_between", async |s| {
            s.opened_between(None, None, after.clone(), limit).await
        })
        .await?;
        let Some(last) = page.unwrap().pop() else { break };
        after = Some(last.id.clone());
        let (since, until) = (Some(last.opened_at), Some(last.opened_at.plus(Duration::from_secs(60))));
        same(stores, "opened_between two", async |s| s.opened_between(since, until, None, limit).await)
            .await?;
    }
    Ok(())
}

async fn directory(stores: &Stores, now: Timestamp) -> Result<(), String> {
    let accounts = agreed(stores, "accounts", async |s| s.accounts().await).await?.unwrap();
    for account in &accounts {
        let credentials = async |s: &dyn EveryPort| {
            s.credentials(&account.email)
                .await
                .map(|found| found.map(|c| (c.account, c.password.map(|p| p.0))))
        };
        same(stores, "credentials", credentials).await?;
    }
    let account = |name: &str| -> AgentId { agent(name) };
    same(stores, "account", async |s| s.account(&account("ana")).await).await?;
    for n in 0..12 {
        let hash = SecretHash(format!("hash{n}"));
        let parts = |link: Link| (link.token.0, link.purpose, link.account, link.expires_at);
        same(stores, "link", async |s| s.link(&hash, now).await.map(|link| link.map(parts))).await?;
        let login = async |s: &dyn EveryPort| {
            s.login(&hash).await.map(|found| {
                found.map(|(l, account)| {
                    (l.token.0, l.account, l.created_at, l.seen_at, l.expires_at, account)
                })
            })
        };
        same(stores, "login", login).await?;
        let visitor = async |s: &dyn EveryPort| {
            s.visitor_by_secret(&hash).await.map(|found| found.map(|v| (v.id, v.widget, v.profile)))
        };
        same(stores, "visitor_by_secret", visitor).await?;
    }
    same(stores, "visitor", async |s| s.visitor(&visitor("v1")).await.map(|v| v.map(|v| v.profile))).await?;
    same(stores, "queues", async |s| s.queues().await).await?;
    same(stores, "knowledge", async |s| s.knowledge().await).await?;
    same(stores, "knowledge_revision", async |s| s.knowledge_revision().await).await?;
    same(stores, "canned", async |s| s.canned().await).await?;
    let full =
        |w: baton::domain::site::Widget| (w.identity_key.clone(), w.name.clone(), w.greeting.clone(), w);
    same(stores, "widgets", async |s| {
        s.widgets().await.map(|all| all.into_iter().map(full).collect::<Vec<_>>())
    })
    .await?;
    same(stores, "widget", async |s| s.widget(&WidgetKey::from_suffix("shop")).await).await?;
    same(stores, "policies", async |s| s.policies().await).await?;
    same(stores, "policy", async |s| s.policy(2).await).await?;
    same(stores, "audit", async |s| s.audit(None, 20).await).await?;
    same(stores, "older audit", async |s| s.audit(Some(9), 5).await).await?;
    Ok(())
}
