//! A visitor who was erased while their page was open: the conversation ends before their
//! eyes, and what they say next is somebody new's.

use super::sending::{Stopped, send_entries};
use super::visitor::{Phase, VisitorSession};
use crate::gateway::error::unread;
use crate::gateway::protocol::visitor::{StatusView, VisitorCommand};
use crate::gateway::protocol::{Close, ToVisitor};
use crate::gateway::pump::Outbox;

impl VisitorSession {
    /// What was followed is nobody's any more, because the visitor was erased: it ends here as any conversation ends.
    /// False where it is gone for another reason.
    pub(super) async fn say_good_bye(&mut self, out: &mut Outbox) -> Result<bool, Close> {
        let Phase::Following(following) = &mut self.phase else { return Ok(false) };
        if following.is_erased {
            return Ok(true);
        }
        let Some((id, _)) = following.at.clone() else { return Ok(false) };
        let flow = self.gateway.flow();
        let shell = match flow.ports().store.conversation(&id).await {
            Ok(shell) => shell.filter(|shell| shell.visitor.is_nobody()),
            Err(error) => return unread(&error).map(|()| true),
        };
        let Some(shell) = shell else { return Ok(false) };
        // The words are gone; that it ended, and what came before it, keeps its numbers.
        match send_entries(&self.gateway, &self.visitor, &shell, following, out).await {
            Ok(()) if following.is_behind => return Ok(true),
            Ok(()) => {}
            Err(Stopped::Close(why)) => return Err(why),
            Err(Stopped::Store(error)) => return unread(&error).map(|()| true),
        }
        let Ok(status) = flow.visitor_status(&self.visitor).await else { return Ok(true) };
        let shown = StatusView { conversation: Some(id), state: "closed".to_owned(), ..(&status).into() };
        out.push(&ToVisitor::Status(shown.clone()))?;
        following.status = Some(shown);
        following.is_erased = true;
        following.is_waiting = false;
        self.connection.hear_queues_if(false);
        Ok(true)
    }

    /// Whoever begins anew must still be known: a person who was erased comes back as somebody new, with what they
    /// were about to say.
    pub(super) async fn must_be_known(&self, command: &VisitorCommand) -> Result<(), Close> {
        let begins = matches!(command, VisitorCommand::Send(_) | VisitorCommand::RequestHuman);
        let is_over = matches!(&self.phase, Phase::Following(following) if following.is_over());
        if !(begins && is_over) {
            return Ok(());
        }
        match self.gateway.flow().ports().directory.visitor(&self.visitor).await {
            Ok(None) => Err(Close::TicketInvalid),
            // Whether it can be written is for the write to say.
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }
}
