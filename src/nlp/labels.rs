//! Which output of the heads means what. The one place that knows their order.

use crate::domain::analysis::{Abstained, Analysis, AnalyzedBy, Head, Intent, Intents, Sentiment};

/// Negative, neutral, positive: softmax. Everything after them: sigmoid.
pub const N_SENTIMENTS: usize = 3;
/// Place of frustration.
pub const FRUSTRATION: usize = 3;
/// Place of offensive.
pub const OFFENSIVE: usize = 4;
/// Place of the request for a person.
pub const HUMAN_REQUEST: usize = 5;
/// Place of the first intent.
pub const INTENTS: usize = 6;
/// All outputs.
pub const N_OUTPUTS: usize = INTENTS + Intent::SCORED;

/// The outputs before their squashing.
pub type Outputs = [f64; N_OUTPUTS];

/// The names of the outputs, in their order, as the manifest lists them.
pub fn names() -> Vec<String> {
    let fixed = ["negative", "neutral", "positive", "frustration", "offensive", "human_request"];
    let intents = Intent::ALL.iter().take(Intent::SCORED).map(|intent| intent.as_str());
    fixed.into_iter().chain(intents).map(str::to_owned).collect()
}

/// The place of a head's output; `other` has none.
pub fn place(head: Head) -> Option<usize> {
    match head {
        Head::Negative => Some(0),
        Head::Positive => Some(2),
        Head::Frustration => Some(FRUSTRATION),
        Head::Offensive => Some(OFFENSIVE),
        Head::HumanRequest => Some(HUMAN_REQUEST),
        Head::Intent(Intent::Other) => None,
        Head::Intent(intent) => Some(INTENTS + intent.index()),
    }
}

/// What an analysis says of an output behind the sentiments.
pub fn probability(analysis: &Analysis, output: usize) -> f64 {
    match output {
        FRUSTRATION => analysis.frustration,
        OFFENSIVE => analysis.offensive,
        HUMAN_REQUEST => analysis.human_request,
        _ => Intent::ALL.get(output - INTENTS).map_or(0.0, |intent| analysis.probability(*intent)),
    }
}

/// The probability behind a sigmoid's output.
pub fn sigmoid(output: f64) -> f64 {
    1.0 / (1.0 + (-output).exp())
}

/// The analysis that the outputs mean.
pub fn read(outputs: &Outputs, analyzer: AnalyzedBy) -> Analysis {
    let highest = outputs[..N_SENTIMENTS].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weight = |at: usize| (outputs[at] - highest).exp();
    let mut intents = [0.0; Intent::SCORED];
    for (probability, output) in intents.iter_mut().zip(&outputs[INTENTS..]) {
        *probability = sigmoid(*output);
    }
    Analysis {
        sentiment: Sentiment::new(weight(0), weight(1), weight(2)),
        frustration: sigmoid(outputs[FRUSTRATION]),
        offensive: sigmoid(outputs[OFFENSIVE]),
        human_request: sigmoid(outputs[HUMAN_REQUEST]),
        intents: Intents::new(intents),
        ..Analysis::nothing_found(analyzer)
    }
    .rounded()
}

/// What is true of most messages, said when nothing can be read from this one.
pub fn priors(why: Abstained, analyzer: AnalyzedBy) -> Analysis {
    Analysis {
        sentiment: Sentiment::new(0.15, 0.75, 0.1),
        frustration: 0.05,
        offensive: 0.01,
        human_request: 0.02,
        intents: Intents::new([0.01; Intent::SCORED]),
        abstained: Some(why),
        ..Analysis::nothing_found(analyzer)
    }
}
