//! The only place that turns an event into numbers.

use super::metrics::Metrics;
use crate::domain::event::Event;

impl Metrics {
    /// Counts what happened.
    pub fn observe(&self, event: &Event) {
        match event {
            Event::MessageStored { author } => {
                self.messages.get_or_create(&vec![("author", (*author).to_owned())]).inc();
            }
            Event::MessageAnalyzed { by, took } => {
                let labels = vec![("by", (*by).to_owned())];
                self.analyses.get_or_create(&labels).inc();
                self.analysis_seconds.get_or_create(&labels).observe(took.as_secs_f64());
            }
            Event::BotReplied { outcome, took } => {
                self.bot_replies.get_or_create(&vec![("outcome", (*outcome).to_owned())]).inc();
                self.bot_reply_seconds.get_or_create(&Vec::new()).observe(took.as_secs_f64());
            }
            Event::Escalated { reason } => {
                self.escalations.get_or_create(&vec![("reason", reason.clone())]).inc();
            }
            Event::OfferMade => {
                self.offers.get_or_create(&vec![("outcome", "made".to_owned())]).inc();
            }
            Event::OfferEnded { outcome } => {
                self.offers.get_or_create(&vec![("outcome", (*outcome).to_owned())]).inc();
            }
            Event::Answered { queue, waited } => {
                self.wait_seconds
                    .get_or_create(&vec![("queue", queue.to_string())])
                    .observe(waited.as_secs_f64());
            }
            Event::Abandoned { queue } => {
                self.abandoned.get_or_create(&vec![("queue", queue.to_string())]).inc();
            }
            Event::SlaBreached { target } => {
                self.sla_breaches.get_or_create(&vec![("target", (*target).to_owned())]).inc();
            }
            Event::Closed => {
                self.closed.get_or_create(&Vec::new()).inc();
            }
            Event::Rated { score } => {
                self.csat.get_or_create(&vec![("score", score.to_string())]).inc();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::id::QueueId;

    #[test]
    fn events_become_numbers() {
        let metrics = Metrics::new();
        metrics.observe(&Event::MessageStored { author: "visitor" });
        metrics.observe(&Event::Escalated { reason: "asked_for_human".into() });
        let queue = QueueId::from_suffix("delivery");
        metrics.observe(&Event::Answered { queue, waited: Duration::from_secs(20) });
        let text = metrics.render();
        assert!(text.contains("baton_messages_total{author=\"visitor\"} 1"), "{text}");
        assert!(text.contains("baton_escalations_total{reason=\"asked_for_human\"} 1"), "{text}");
        assert!(text.contains("baton_wait_seconds_sum{queue=\"que_delivery\"} 20.0"), "{text}");
    }
}
