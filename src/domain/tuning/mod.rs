//! A policy over a recorded conversation: where it escalates, and why. The live
//! path decides with this very function, so a replay cannot differ from it.

mod replay;
mod report;

pub use replay::{Event, Verdict, replay, replay_fold};
pub use report::{
    Report, ReportedDecision, ReportedEscalation, Turn, TurnSpeaker, decisions_of_turns, events_of_turns,
};
