//! A policy over a recorded conversation: where it escalates, and why. The live
//! path decides with this very function, so a replay cannot differ from it. And
//! what people on site say of messages.

mod evidence;
mod replay;
mod report;

pub use evidence::{Evidence, Source, hint_of_escalation, hint_of_place};
pub use replay::{Course, Event, Verdict, replay, replay_fold};
pub use report::{
    Report, ReportedDecision, ReportedEscalation, Turn, TurnSpeaker, decisions_of_turns, events_of_turns,
};
