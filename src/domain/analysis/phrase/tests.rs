//! What is a request in so many words, and what only looks like one.

use super::asks_for_human;

#[test]
fn explicit_requests_are_recognized() {
    for text in [
        "agent",
        "representitive",
        "Get me a human NOW",
        "i want to talk to a real person",
        "AGENT PLEASE",
        "rep pls",
        "can I speak with someone",
        "let me talk to your manager",
        "please call me back",
        "a g e n t",
        "connect me to a\u{200b} human",
        "I don't want to talk to a bot",
        "stop. I need a live agent to help me",
        "not a bot, a human please",
        "transfer me to billing department",
        "I want a human!!!",
        "tlak to agent",
        "is there a real person I can talk to?",
        "hummaaan",
        "agenttttt",
        "Please escalate this",
        "why can't i talk to a human",
        "can a manager call me?",
        "customer service representative",
        "speak to customer service",
        "I'd like to speak to someone please",
    ] {
        assert!(asks_for_human(text).is_some(), "{text}");
    }
}

#[test]
fn mentions_of_persons_are_no_requests() {
    for text in [
        "are you human?",
        "are you a real person",
        "your agent was rude",
        "i don't need an agent",
        "my travel agent booked it",
        "I tried to talk to an agent yesterday",
        "what is the agent number",
        "I do not want to speak to a person",
        "am I talking to a human",
        "what is your call centre's number?",
        "I spoke to a representative last week",
        "do I have to talk to an agent to cancel?",
        "where is my order",
        "the estate agent said no",
        "I am not a robot",
        "",
    ] {
        assert_eq!(asks_for_human(text), None, "{text}");
    }
}
