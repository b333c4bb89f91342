//! Many comparisons, one gate: a pass needs every one, a regression survives a correction.

use evalmark_core::verdict::Answer;
use thiserror::Error;

use crate::adjust::holm;
use crate::compare::Decision;
use crate::max_t::{Units, max_t};

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
    pub judged: Vec<Decision>,
}

/// A gate over nothing: it never goes green on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is nothing to gate: no metric of any prompt and model was compared")]
pub struct EmptyFamily;

/// How p-values against "no drop" are adjusted for the size of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyCorrection {
    /// Holm's step-down procedure: whatever the comparisons have in common.
    #[default]
    Holm,
    /// Max-T by so many random flips of whole items' signs: less strict where comparisons
    /// share items, as metrics and prompts of one dataset do.
    MaxT {
        /// Random flips; 9999 are plenty for a family at 5 %.
        flips: u32,
    },
}

/// Decides a family of comparisons, corrected by Holm.
///
/// A pass is an intersection-union test: every comparison passes at its alpha, uncorrected. A
/// regression is a union: p-values are adjusted by Holm over the whole family. One regression
/// decides the gate; else one incomparable comparison; else one inconclusive one.
pub fn gate(judged: Vec<Decision>) -> Result<Gated, EmptyFamily> {
    gate_with(judged, FamilyCorrection::Holm)
}

/// Decides a family of comparisons with the given correction for regressions.
///
/// Under max-T, comparisons whose signs cannot be flipped (against a minimum, or with human
/// labels) are corrected by Holm among themselves, and the error rate is shared between the two
/// groups by their size.
pub fn gate_with(
    mut judged: Vec<Decision>,
    correction: FamilyCorrection,
) -> Result<Gated, EmptyFamily> {
    let family = judged.len();
    if family == 0 {
        return Err(EmptyFamily);
    }
    let adjusted = adjusted(&judged, correction);
    for (one, p) in judged.iter_mut().zip(adjusted) {
        one.settle(p, family);
        note_floor(one, family);
    }
    let answer = overall(&judged);
    let says = says(answer, &judged);
    Ok(Gated { answer, says, correction: named(correction, family), judged })
}

fn adjusted(judged: &[Decision], correction: FamilyCorrection) -> Vec<f64> {
    let p_values: Vec<f64> = judged.iter().map(Decision::p_regressed).collect();
    let flips = match correction {
        FamilyCorrection::MaxT { flips } if judged.len() > 1 => flips,
        _ => return holm(&p_values),
    };
    let flipped: Vec<(usize, &Units)> =
        judged.iter().enumerate().filter_map(|(at, one)| Some((at, one.units()?))).collect();
    let (columns, units): (Vec<usize>, Vec<&Units>) = flipped.into_iter().unzip();
    let others: Vec<usize> = (0..judged.len()).filter(|at| !columns.contains(at)).collect();
    let by_holm = holm(&others.iter().map(|&at| p_values[at]).collect::<Vec<_>>());
    let by_max_t = if units.is_empty() { Vec::new() } else { max_t(&units, flips) };
    let mut adjusted = vec![1.0; judged.len()];
    for (group, values) in [(columns, by_max_t), (others, by_holm)] {
        let share = group.len() as f64 / judged.len() as f64;
        for (at, p) in group.into_iter().zip(values) {
            // A comparison's own test has its say too.
            adjusted[at] = (p / share).max(p_values[at]).min(1.0);
        }
    }
    adjusted
}

fn overall(judged: &[Decision]) -> Answer {
    let any = |answer| judged.iter().any(|one| one.comparison.answer == answer);
    [Answer::Regressed, Answer::Incomparable, Answer::Inconclusive, Answer::Improved]
        .into_iter()
        .find(|&answer| any(answer))
        .unwrap_or(Answer::Pass)
}

/// So many comparisons that the bootstrap's smallest p-value cannot survive the correction.
fn note_floor(judged: &mut Decision, family: usize) {
    if let Some((floor, alpha)) = judged.p_floor()
        && floor * family as f64 > alpha
    {
        judged.comparison.notes.push(format!(
            "with {family} comparisons the bootstrap needs more resamples to show a regression"
        ));
    }
}

fn named(correction: FamilyCorrection, family: usize) -> String {
    let how = match correction {
        _ if family == 1 => return "one comparison: none".to_owned(),
        FamilyCorrection::Holm => "Holm".to_owned(),
        FamilyCorrection::MaxT { flips } => {
            format!("max-T ({flips} sign flips of whole items)")
        }
    };
    format!(
        "pass: every comparison at alpha (intersection-union); regressed: {how} over {family} \
         comparisons"
    )
}

fn says(answer: Answer, judged: &[Decision]) -> String {
    let family = judged.len();
    if let [only] = judged {
        return only.comparison.says.clone();
    }
    let those: Vec<&Decision> = judged.iter().filter(|j| j.comparison.answer == answer).collect();
    let count = those.len();
    let first = those.iter().min_by(|a, b| a.comparison.worse_first(&b.comparison));
    let verb = match answer {
        Answer::Pass => return format!("all {family} comparisons pass"),
        Answer::Improved => {
            return if count == family {
                format!("all {family} comparisons improved")
            } else {
                format!("all {family} comparisons pass, and {count} of them improved")
            };
        }
        Answer::Regressed => "regressed",
        Answer::Inconclusive if count == 1 => "is inconclusive",
        Answer::Inconclusive => "are inconclusive",
        Answer::Incomparable => "cannot be compared",
    };
    let detail = first.map_or(String::new(), |one| detail(one, count));
    format!("{count} of {family} comparisons {verb}{detail}")
}

/// The worst of the comparisons that decided the gate, which is shown first.
fn detail(judged: &Decision, count: usize) -> String {
    let comparison = &judged.comparison;
    let lead = if count > 1 { "; the first: " } else { ": " };
    format!("{lead}prompt {}, model {}: {}", comparison.prompt, comparison.model, comparison.says)
}
