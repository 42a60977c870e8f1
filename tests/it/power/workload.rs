//! What visitors, agents and time ask of a store, chosen by a seed, and what was answered.

use crate::support::stored;
use crate::support::world::{agent, body, visitor};
use baton::domain::conversation::{
    Author, Body, Change, Conversation, ConversationState as State, NewEntry, Notice, Reservation,
};
use baton::domain::handoff::Handoff;
use baton::domain::id::{ConversationId, HandoffId, OfferId};
use baton::domain::time::Timestamp;
use baton::flow::ports::{Ack, CommandKey, ReadMarks, Receipt, Store, StoreError};
use crash_vfs::Dice;

/// How many visitors there are.
const VISITORS: u64 = 4;

/// Something that was asked, and the answer that was given.
#[derive(Debug, Clone)]
pub struct Asked {
    pub command: CommandKey,
    pub conversation: ConversationId,
    /// The message, where it was one into an open conversation: it can be sent again as it is.
    pub receipt: Option<Receipt>,
    /// The text of the entry that carries the client id, where there is one.
    pub text: Option<String>,
    /// None: refused, or never answered. It may be stored or not.
    pub ack: Option<Ack>,
}

/// All that was asked, in order.
pub struct Ledger {
    pub asked: Vec<Asked>,
    /// Begins every id, so that two ledgers may be of one database.
    name: &'static str,
    second: i64,
}

impl Ledger {
    /// An empty one.
    pub fn new(name: &'static str) -> Self {
        Self { asked: Vec::new(), name, second: 0 }
    }

    /// The next id.
    fn id(&self) -> String {
        format!("{}{}", self.name, self.asked.len())
    }

    fn at(&mut self) -> Timestamp {
        self.second += 1;
        Timestamp::from_millis(1_700_000_000_000 + self.second * 1_000)
    }

    fn command(&self, actor: &str, text: &str) -> CommandKey {
        let client_id = self.id();
        CommandKey { actor: actor.to_owned(), client_id, digest: [u8::try_from(text.len()).unwrap(); 16] }
    }

    /// How many were acknowledged.
    pub fn n_acknowledged(&self) -> usize {
        self.asked.iter().filter(|asked| asked.ack.is_some()).count()
    }

    fn note(&mut self, at: usize, answer: Result<Ack, StoreError>) -> Result<(), StoreError> {
        let ack = answer?;
        // What was said again may have gone into a conversation that was opened since.
        self.asked[at].conversation = ack.conversation.clone();
        self.asked[at].ack = Some(ack);
        Ok(())
    }
}

/// Asks for one thing: the next step of one of the visitors, or a message, or a retry.
///
/// # Errors
///
/// What the store said. What was asked is in the ledger all the same.
pub async fn call(store: &dyn Store, dice: &mut Dice, ledger: &mut Ledger) -> Result<(), StoreError> {
    let name = format!("v{}", dice.below(VISITORS));
    let latest = store.latest_of(&visitor(&name)).await?;
    let Some(conversation) = latest.filter(|latest| latest.state.is_open()) else {
        return open(store, &name, ledger).await;
    };
    match dice.below(10) {
        0 => again(store, dice, ledger).await,
        1 => {
            let seq = conversation.last_visitor_seq;
            store.record_read(&conversation.id, ReadMarks { visitor: seq, agent: 0 }).await.map(drop)
        }
        2..=4 => step(store, conversation, dice, ledger).await,
        _ => {
            let receipt = receipt(&conversation, dice, ledger);
            let at = ledger.asked.len() - 1;
            let answer = store.receive(receipt).await;
            ledger.note(at, answer)
        }
    }
}

/// So many messages at once, which may share a commit. True for those that were acknowledged.
pub async fn burst(
    store: &dyn Store,
    n: usize,
    dice: &mut Dice,
    ledger: &mut Ledger,
) -> Vec<Result<(), StoreError>> {
    let mut open = Vec::new();
    for n in 0..VISITORS {
        let latest = store.latest_of(&visitor(&format!("v{n}"))).await;
        open.extend(latest.ok().flatten().filter(|latest| latest.state.is_open()));
    }
    if open.is_empty() {
        return Vec::new();
    }
    let first = ledger.asked.len();
    let receipts: Vec<Receipt> = (0..n).map(|n| receipt(&open[n % open.len()], dice, ledger)).collect();
    let calls = receipts.into_iter().map(|receipt| store.receive(receipt));
    let answers = futures_util::future::join_all(calls).await;
    answers.into_iter().enumerate().map(|(n, answer)| ledger.note(first + n, answer)).collect()
}

/// Sends everything again that was refused or never answered and can be sent as it was.
///
/// # Errors
///
/// When one of them is not taken now.
pub async fn retry(store: &dyn Store, ledger: &mut Ledger) -> Result<usize, StoreError> {
    let mut n_retried = 0;
    for at in 0..ledger.asked.len() {
        let Asked { ack: None, receipt: Some(receipt), .. } = &ledger.asked[at] else { continue };
        let receipt = receipt.clone();
        match store.receive(receipt).await {
            // The conversation was closed since: another one is opened for the message, and that is the flow's.
            Err(StoreError::Conflict) => ledger.asked[at].receipt = None,
            answer => {
                ledger.note(at, answer)?;
                n_retried += 1;
            }
        }
    }
    Ok(n_retried)
}

fn receipt(conversation: &Conversation, dice: &mut Dice, ledger: &mut Ledger) -> Receipt {
    let text = format!("{}{}", ledger.asked.len(), " and once more".repeat(dice.below(15) as usize));
    let receipt = Receipt {
        visitor: conversation.visitor.clone(),
        body: body(&text),
        at: ledger.at(),
        command: ledger.command(conversation.visitor.as_str(), &text),
    };
    ledger.asked.push(Asked {
        command: receipt.command.clone(),
        conversation: conversation.id.clone(),
        receipt: Some(receipt.clone()),
        text: Some(text),
        ack: None,
    });
    receipt
}

/// An acknowledged message once more: the same answer.
async fn again(store: &dyn Store, dice: &mut Dice, ledger: &Ledger) -> Result<(), StoreError> {
    let n = ledger.asked.len() as u64;
    let Some(Asked { receipt: Some(receipt), ack: Some(ack), .. }) =
        (n > 0).then(|| &ledger.asked[dice.below(n) as usize])
    else {
        return Ok(());
    };
    let answer = store.receive(receipt.clone()).await?;
    assert_eq!(answer, *ack, "a retry has the first answer");
    Ok(())
}

async fn open(store: &dyn Store, name: &str, ledger: &mut Ledger) -> Result<(), StoreError> {
    let id = ConversationId::from_suffix(&format!("{name}{}", ledger.id()));
    let at = ledger.at();
    let mut change = Change::of(Conversation::open(id, visitor(name), at));
    change.is_new = true;
    let said = NewEntry::message(Author::Visitor, body("Hello"), at);
    write(store, change.with(said), visitor(name).as_str(), Some("Hello"), ledger).await
}

/// The next step on the way through a handoff.
async fn step(
    store: &dyn Store,
    conversation: Conversation,
    dice: &mut Dice,
    ledger: &mut Ledger,
) -> Result<(), StoreError> {
    let at = ledger.at();
    let ana = agent("ana");
    let by_agent = || {
        NewEntry::message(Author::Agent { id: ana.clone(), name: "Ana".into() }, body("Hello, Ana here"), at)
    };
    let (change, actor, text) = match &conversation.state {
        State::WithBot { .. } => {
            let notice = NewEntry::notice(Notice::Queued, &[("queue", "General".into())], at);
            let handoff = handoff(&conversation, &ledger.id(), at);
            (conversation.escalate(handoff, vec![notice]), "system", None)
        }
        State::Queued { .. } => {
            let to = Reservation { agent: ana.clone(), capacity: 50 };
            let offer = OfferId::from_suffix(&ledger.id());
            (conversation.offer(offer, to, at), "system", None)
        }
        State::Offered { offer, .. } => {
            let offer = offer.clone();
            (conversation.accept(&offer, &ana, "Ana", at), ana.as_str(), None)
        }
        State::WithAgent { .. } if dice.one_in(2) => {
            (Ok(Change::of(conversation).with(by_agent())), ana.as_str(), Some("Hello, Ana here"))
        }
        State::WithAgent { .. } => (conversation.resolve(&ana, at), ana.as_str(), None),
        _ => (conversation.end(at), "system", None),
    };
    write(store, change.unwrap(), actor, text, ledger).await
}

async fn write(
    store: &dyn Store,
    change: Change,
    actor: &str,
    text: Option<&str>,
    ledger: &mut Ledger,
) -> Result<(), StoreError> {
    let command = ledger.command(actor, text.unwrap_or("step"));
    let conversation = change.conversation.id.clone();
    let at = ledger.asked.len();
    ledger.asked.push(Asked {
        command: command.clone(),
        conversation,
        receipt: None,
        text: text.map(str::to_owned),
        ack: None,
    });
    let now = ledger.at();
    let answer = store.commit(change, Some(command), now).await;
    ledger.note(at, answer.map(|committed| committed.ack))
}

fn handoff(conversation: &Conversation, id: &str, at: Timestamp) -> Handoff {
    Handoff {
        id: HandoffId::from_suffix(id),
        conversation: conversation.id.clone(),
        tier: 1,
        place_at_start: 1,
        at,
        answer_due_at: None,
        from: None,
        ..stored::handoff("any", 0)
    }
}

/// The text of a body.
pub fn text_of(body: &Body) -> &str {
    body.as_str()
}
