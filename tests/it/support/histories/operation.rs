//! One operation on a store, whole, so that it can be carried out on every store alike.

use crate::support::stores::EveryPort;
use baton::domain::account::{Account, AccountChange};
use baton::domain::agent::Presence;
use baton::domain::conversation::Change;
use baton::domain::handoff::CountedWord;
use baton::domain::id::{
    AgentId, CannedId, ConversationId, HandoffId, KnowledgeId, NodeId, QueueId, VisitorId, WidgetKey,
};
use baton::domain::knowledge::{CannedReply, KnowledgeEntry};
use baton::domain::outcome::{ConversationLabel, Csat, MessageLabel, WrapUp};
use baton::domain::queue::Queue;
use baton::domain::site::Widget;
use baton::domain::time::Timestamp;
use baton::flow::ports::directory::{
    DirectoryError, Link, Login, NewAccount, PolicyVersion, SecretHash, Stamp, VisitorRecord,
};
use baton::flow::ports::models::Adoption;
use baton::flow::ports::nodes::{Company, Lease, LeaseError, Term};
use baton::flow::ports::{
    Ack, CommandKey, Committed, EraseError, Erased, ModelVersion, Place, ReadMarks, Receipt, Removed,
    StoreError, Walked,
};

/// What is done.
#[derive(Debug, Clone)]
pub enum Operation {
    Receive(Receipt),
    Commit(Box<Change>, Option<CommandKey>, Timestamp),
    Answered(CommandKey),
    Words(HandoffId, Vec<CountedWord>),
    WrapUp(ConversationId, AgentId, WrapUp),
    Csat(Csat, Timestamp),
    Read(ConversationId, ReadMarks),
    Seen(ConversationId, Timestamp),
    Presence(AgentId, Presence),
    Take(NodeId, Term, Company),
    Renew(Lease, Vec<AgentId>, Term),
    Connected(Lease, AgentId),
    Disconnected(Lease, AgentId, Timestamp),
    EndExpired(Timestamp),
    Leave(Lease, Timestamp),
    AddAccount(Stamp, NewAccount, Option<Link>),
    ChangeAccount(Stamp, AgentId, AccountChange),
    SetPassword(Stamp, AgentId, SecretHash, Option<SecretHash>),
    IssueLink(Stamp, Link),
    RedeemSetup(Stamp, SecretHash, NewAccount, SecretHash),
    RedeemLink(Stamp, SecretHash, Option<String>, SecretHash),
    AddLogin(Login),
    TouchLogin(SecretHash, Timestamp),
    EndLogin(SecretHash),
    Sweep(Timestamp, Timestamp),
    SaveQueue(Stamp, Queue),
    RemoveQueue(Stamp, QueueId),
    SaveKnowledge(Stamp, KnowledgeEntry),
    RemoveKnowledge(Stamp, KnowledgeId),
    SaveCanned(Stamp, CannedReply),
    RemoveCanned(Stamp, CannedId),
    SaveWidget(Stamp, Widget),
    RemoveWidget(Stamp, WidgetKey),
    SaveVisitor(Timestamp, VisitorRecord, SecretHash),
    Publish(Stamp, String, u32),
    Adopt(Stamp, Adoption, u32),
    LabelMessage(Stamp, ConversationId, u64, MessageLabel),
    UnlabelMessage(Stamp, ConversationId, u64),
    LabelConversation(Stamp, ConversationId, ConversationLabel),
    UnlabelConversation(Stamp, ConversationId),
    RemoveClosed(Timestamp, u64),
    ForgetCommands(Timestamp, usize),
    ForgetVisitors(Timestamp, usize),
    Erase(Stamp, VisitorId, String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Done,
    Moved(bool),
    Ack(Option<Ack>),
    Committed(Committed),
    Account(Box<Account>),
    Policy(PolicyVersion),
    Model(ModelVersion),
    Lease(Lease),
    Ended(Vec<NodeId>),
    Store(StoreError),
    Removed(Removed),
    Walked(Walked),
    Erased(Erased),
    /// Another refusal: its word and its sentence.
    Refused(&'static str, String),
}

impl From<StoreError> for Answer {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DirectoryError> for Answer {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => Self::Store(error),
            other => Self::Refused(other.code(), other.to_string()),
        }
    }
}

impl From<EraseError> for Answer {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Store(error) => Self::Store(error),
            other => Self::Refused("erase", other.to_string()),
        }
    }
}

impl From<LeaseError> for Answer {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Store(error) => Self::Store(error),
            LeaseError::Lost => Self::Refused("lost", error.to_string()),
        }
    }
}

fn answer<T, E: Into<Answer>>(result: Result<T, E>, done: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(Into::into, done)
}

fn done<E: Into<Answer>>(result: Result<(), E>) -> Answer {
    answer(result, |()| Answer::Done)
}

fn account(result: Result<Account, DirectoryError>) -> Answer {
    answer(result, |account| Answer::Account(Box::new(account)))
}

impl Operation {
    /// The conversation that it is about; where a message went is in the answer.
    pub fn conversation(&self, answer: &Answer) -> Option<ConversationId> {
        match self {
            Self::Receive(_) => match answer {
                Answer::Ack(Some(ack)) => Some(ack.conversation.clone()),
                _ => None,
            },
            Self::Commit(change, ..) => Some(change.conversation.id.clone()),
            Self::Csat(csat, _) => Some(csat.conversation.clone()),
            Self::WrapUp(id, ..)
            | Self::Read(id, _)
            | Self::Seen(id, _)
            | Self::LabelMessage(_, id, ..)
            | Self::UnlabelMessage(_, id, _)
            | Self::LabelConversation(_, id, _)
            | Self::UnlabelConversation(_, id) => Some(id.clone()),
            _ => None,
        }
    }

    /// Does it.
    pub async fn carry_out(self, store: &dyn EveryPort) -> Answer {
        match self {
            Self::Receive(receipt) => answer(store.receive(receipt).await, |ack| Answer::Ack(Some(ack))),
            Self::Commit(change, command, now) => {
                answer(store.commit(*change, command, now).await, Answer::Committed)
            }
            Self::Answered(command) => answer(store.answered(&command).await, Answer::Ack),
            Self::Words(handoff, words) => done(store.record_words(&handoff, words).await),
            Self::WrapUp(id, by, wrap_up) => done(store.record_wrap_up(&id, &by, wrap_up).await),
            Self::Csat(csat, at) => done(store.record_csat(csat, at).await),
            Self::Read(id, marks) => answer(store.record_read(&id, marks).await, Answer::Moved),
            Self::Seen(id, at) => done(store.record_visitor_seen(&id, at).await),
            Self::Presence(agent, presence) => done(store.set_presence(&agent, presence).await),
            Self::Take(node, term, company) => answer(store.take(&node, term, company).await, Answer::Lease),
            Self::Renew(lease, here, term) => done(store.renew(&lease, &here, term).await),
            Self::Connected(lease, agent) => done(store.connected(&lease, &agent).await),
            Self::Disconnected(lease, agent, at) => done(store.disconnected(&lease, &agent, at).await),
            Self::EndExpired(now) => answer(store.end_expired(now).await, Answer::Ended),
            Self::Leave(lease, now) => done(store.leave(&lease, now).await),
            Self::AddAccount(stamp, new, link) => account(store.add_account(stamp, new, link).await),
            Self::ChangeAccount(stamp, id, change) => account(store.change_account(stamp, id, change).await),
            Self::SetPassword(stamp, id, password, keep) => {
                done(store.set_password(stamp, id, password, keep).await)
            }
            Self::IssueLink(stamp, link) => done(store.issue_link(stamp, link).await),
            Self::RedeemSetup(stamp, token, new, password) => {
                account(store.redeem_setup(stamp, token, new, password).await)
            }
            Self::RedeemLink(stamp, token, name, password) => {
                account(store.redeem_link(stamp, token, name, password).await)
            }
            Self::AddLogin(login) => done(store.add_login(login).await),
            Self::TouchLogin(token, at) => done(store.touch_login(token, at).await),
            Self::EndLogin(token) => done(store.end_login(token).await),
            Self::Sweep(now, idle_before) => done(store.sweep(now, idle_before).await),
            Self::SaveQueue(stamp, queue) => done(store.save_queue(stamp, queue).await),
            Self::RemoveQueue(stamp, id) => done(store.remove_queue(stamp, id).await),
            Self::SaveKnowledge(stamp, entry) => done(store.save_knowledge(stamp, entry).await),
            Self::RemoveKnowledge(stamp, id) => done(store.remove_knowledge(stamp, id).await),
            Self::SaveCanned(stamp, reply) => done(store.save_canned(stamp, reply).await),
            Self::RemoveCanned(stamp, id) => done(store.remove_canned(stamp, id).await),
            Self::SaveWidget(stamp, widget) => done(store.save_widget(stamp, widget).await),
            Self::RemoveWidget(stamp, key) => done(store.remove_widget(stamp, key).await),
            Self::SaveVisitor(at, record, secret) => done(store.save_visitor(at, record, secret).await),
            Self::Publish(stamp, toml, based_on) => {
                let (name, comment) = ("default".to_owned(), "because".to_owned());
                answer(store.publish_policy(stamp, name, toml, comment, based_on).await, Answer::Policy)
            }
            Self::Adopt(stamp, adoption, based_on) => {
                answer(store.adopt_model(stamp, adoption, based_on).await, Answer::Model)
            }
            Self::LabelMessage(stamp, id, position, label) => {
                done(store.label_message(stamp, id, position, label).await)
            }
            Self::UnlabelMessage(stamp, id, position) => {
                done(store.unlabel_message(stamp, id, position).await)
            }
            Self::LabelConversation(stamp, id, label) => {
                done(store.label_conversation(stamp, id, label).await)
            }
            Self::UnlabelConversation(stamp, id) => done(store.unlabel_conversation(stamp, id).await),
            Self::RemoveClosed(before, about) => {
                answer(store.remove_closed(before, about).await, Answer::Removed)
            }
            Self::ForgetCommands(before, n) => {
                answer(store.forget_commands(before, Place::default(), n).await, Answer::Walked)
            }
            Self::ForgetVisitors(before, n) => {
                answer(store.forget_visitors(before, Place::default(), n).await, Answer::Walked)
            }
            Self::Erase(stamp, visitor, fresh) => {
                answer(store.erase(stamp, visitor, fresh).await, Answer::Erased)
            }
        }
    }
}
