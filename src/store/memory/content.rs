//! What a site says, on plain data: knowledge, canned replies, its widget; and all that it
//! begins with at once.

use super::directory::put;
use super::rows::Rows;
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::site::Widget;
use crate::flow::ports::directory::{DirectoryError, Furniture, Stamp};

impl Rows {
    pub(super) fn save_knowledge(&mut self, stamp: &Stamp, entry: KnowledgeEntry) {
        let id = entry.id.clone();
        let is_new = put(&mut self.knowledge, entry, |other| other.id == id);
        self.knowledge_changes += 1;
        let action = if is_new { "knowledge.create" } else { "knowledge.change" };
        self.audit(stamp, action, id.as_str(), "");
    }

    pub(super) fn save_canned(&mut self, stamp: &Stamp, reply: CannedReply) -> Result<(), DirectoryError> {
        if self.canned.values().any(|other| other.shortcut == reply.shortcut && other.id != reply.id) {
            return Err(DirectoryError::Taken("the shortcut"));
        }
        self.audit(stamp, "canned.save", reply.id.as_str(), "");
        self.canned.insert(reply.id.clone(), reply);
        Ok(())
    }

    pub(super) fn save_widget(&mut self, stamp: &Stamp, mut widget: Widget) {
        let key = widget.key.clone();
        // The key that identities are signed with, and its age, stay as they were made.
        if let Some(old) = self.widgets.iter().find(|other| other.key == key) {
            widget.identity_key.clone_from(&old.identity_key);
            widget.created_at = old.created_at;
        }
        let sites: Vec<String> = widget.sites.iter().map(ToString::to_string).collect();
        let is_new = put(&mut self.widgets, widget, |other| other.key == key);
        let action = if is_new { "widget.create" } else { "widget.change" };
        self.audit(stamp, action, key.as_str(), &sites.join(" "));
    }

    /// All or nothing, and nothing where the widget is there.
    pub(super) fn furnish(&mut self, stamp: &Stamp, furniture: Furniture) -> Result<(), DirectoryError> {
        let Furniture { queues, knowledge, canned, widget } = furniture;
        if self.widgets.iter().any(|other| other.key == widget.key) {
            return Ok(());
        }
        // What has this name already is somebody's own, and stays.
        let unless_taken = |saved| match saved {
            Err(DirectoryError::Taken(_)) => Ok(()),
            other => other,
        };
        for queue in queues {
            unless_taken(self.save_queue(stamp, queue))?;
        }
        for entry in knowledge {
            self.save_knowledge(stamp, entry);
        }
        for reply in canned {
            unless_taken(self.save_canned(stamp, reply))?;
        }
        self.save_widget(stamp, widget);
        Ok(())
    }
}
