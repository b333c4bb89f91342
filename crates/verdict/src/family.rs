//! Many comparisons, one gate: a pass needs every one, a regression survives Holm's correction.

use evalmark_core::verdict::Answer;
use thiserror::Error;

use crate::adjust::holm;
use crate::compare::Judged;

/// What a gate answers over a family of comparisons.
#[derive(Clone, Debug, PartialEq)]
pub struct Gated {
    /// The answer over all comparisons.
    pub answer: Answer,
    /// The answer in a sentence.
    pub says: String,
    /// How the comparisons were combined.
    pub correction: String,
    /// The comparisons, in the order given, decided again with the adjusted p-values.
    pub judged: Vec<Judged>,
}

/// A gate over nothing: it never goes green on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is nothing to gate: no metric of any prompt and model was compared")]
pub struct EmptyFamily;

/// Decides a family of comparisons.
///
/// A pass is an intersection-union test: every comparison passes at its alpha, uncorrected. A
/// regression is a union: p-values are adjusted by Holm over the whole family. One regression
/// decides the gate; else one incomparable comparison; else one inconclusive one.
pub fn gate(mut judged: Vec<Judged>) -> Result<Gated, EmptyFamily> {
    let family = judged.len();
    if family == 0 {
        return Err(EmptyFamily);
    }
    let p_values: Vec<f64> = judged.iter().map(Judged::p_regressed).collect();
    for (one, p) in judged.iter_mut().zip(holm(&p_values)) {
        one.settle(p, family);
        note_floor(one, family);
    }
    let answer = overall(&judged);
    Ok(Gated { answer, says: says(answer, &judged), correction: correction(family), judged })
}

fn overall(judged: &[Judged]) -> Answer {
    let any = |answer| judged.iter().any(|one| one.comparison.answer == answer);
    [Answer::Regressed, Answer::Incomparable, Answer::Inconclusive, Answer::Improved]
        .into_iter()
        .find(|&answer| any(answer))
        .unwrap_or(Answer::Pass)
}

/// So many comparisons that the bootstrap's smallest p-value cannot survive the correction.
fn note_floor(judged: &mut Judged, family: usize) {
    if let Some((floor, alpha)) = judged.p_floor()
        && floor * family as f64 > alpha
    {
        judged.comparison.notes.push(format!(
            "with {family} comparisons the bootstrap needs more resamples to show a regression"
        ));
    }
}

fn correction(family: usize) -> String {
    match family {
        1 => "one comparison: none".to_owned(),
        _ => format!(
            "pass: every comparison at alpha (intersection-union); regressed: Holm over {family} \
             comparisons"
        ),
    }
}

fn says(answer: Answer, judged: &[Judged]) -> String {
    let family = judged.len();
    if let [only] = judged {
        return only.comparison.says.clone();
    }
    let those: Vec<&Judged> = judged.iter().filter(|j| j.comparison.answer == answer).collect();
    let count = those.len();
    let (verb, first) = match answer {
        Answer::Pass => return format!("all {family} comparisons pass"),
        Answer::Improved => {
            return format!("all {family} comparisons pass, and {count} of them improved");
        }
        Answer::Regressed => ("regressed", those.first()),
        Answer::Inconclusive => ("cannot be told", those.first()),
        Answer::Incomparable => ("cannot be compared", those.first()),
    };
    let detail = first.map_or(String::new(), |one| detail(one, count));
    format!("{count} of {family} comparisons {verb}{detail}")
}

/// The first of the comparisons that decided the gate.
fn detail(judged: &Judged, count: usize) -> String {
    let comparison = &judged.comparison;
    let lead = if count > 1 { "; the first: " } else { ": " };
    format!("{lead}prompt {}, model {}: {}", comparison.prompt, comparison.model, comparison.says)
}
