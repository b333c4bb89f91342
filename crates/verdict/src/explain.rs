//! Sentences for people: what an answer means, and what to know beside it.

use evalmark_core::comparison_text::ComparisonText;
use evalmark_core::metric::Direction;
use evalmark_core::number_format::{count, counted, percent};
use evalmark_core::verdict::{Answer, Comparison, Counts};

use crate::against_minimum;
use crate::decide::{Case, Cause, Kind};
use crate::missing::Missing;
use crate::pairing::Changes;
use crate::ratio;
use crate::rule::Rule;
use crate::test_result::TestResult;

/// What a loss is called, where more is better and where less is.
pub(crate) struct DirectionTerms {
    pub(crate) loss: &'static str,
    /// The side of a bound that a variant is held to, and the other one.
    pub(crate) least: &'static str,
    pub(crate) most: &'static str,
    pub(crate) limit: &'static str,
    pub(crate) beyond: &'static str,
    pub(crate) miss: &'static str,
}

impl DirectionTerms {
    pub(crate) fn of(direction: Direction) -> Self {
        match direction {
            Direction::Higher => Self {
                loss: "drop",
                least: "at least",
                most: "at most",
                limit: "minimum",
                beyond: "below",
                miss: "shortfall",
            },
            Direction::Lower => Self {
                loss: "rise",
                least: "at most",
                most: "at least",
                limit: "maximum",
                beyond: "above",
                miss: "excess",
            },
        }
    }
}

/// What was decided, and for how large a family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    pub(crate) cause: Option<Cause>,
    pub(crate) p_adjusted: f64,
    pub(crate) family: usize,
}

/// The answer to one comparison in a sentence.
pub(crate) fn comparison(comparison: &Comparison, case: &Case, outcome: &Outcome) -> String {
    let metric = &comparison.metric;
    if let Kind::Level(_) = case.kind {
        return against_minimum::says(comparison, case, outcome);
    }
    let Some(evidence) = &case.complete else {
        let what = if case.kind == Kind::RunValue {
            "its value is not defined"
        } else {
            "no item has a score"
        };
        return format!("{metric}: {what} in both runs, so there is nothing to compare");
    };
    if let Kind::Ratio(of) = case.kind {
        return ratio::says(comparison, evidence, case, outcome, of);
    }
    let text = ComparisonText::of(comparison);
    let (moved, margin) = (moved(comparison, &text), &text.margin);
    let loss = DirectionTerms::of(case.rule.direction).loss;
    let dropped = evidence.upper < 0.0;
    match outcome.answer {
        Answer::Regressed if evidence.estimate <= -case.rule.margin => {
            format!(
                "{metric} {moved}: a real {loss}, and larger than the margin of {margin} allows"
            )
        }
        Answer::Regressed => {
            format!("{metric} {moved}: a real {loss}, and it may exceed the margin of {margin}")
        }
        Answer::Improved => format!("{metric} {moved}: a real improvement"),
        Answer::Pass if dropped => {
            format!("{metric} {moved}: a real {loss}, but within the margin of {margin}")
        }
        Answer::Pass => format!("{metric} {moved}: a {loss} of {margin} or more is ruled out"),
        Answer::Inconclusive if outcome.cause == Some(Cause::Missing) => {
            format!("{metric} {moved}, but the answer depends on {}", absent(case.missing))
        }
        Answer::Inconclusive | Answer::Incomparable => {
            format!("{metric} {moved}, {}", undecided(evidence, &case.rule, outcome, &text))
        }
    }
}

/// Why two variants cannot be compared, in a sentence.
pub(crate) fn incomparable(counts: &Counts, metric: &str) -> String {
    let larger = counts.baseline_planned.max(counts.candidate_planned);
    if larger == 0 {
        return format!("{metric}: there are no items to compare");
    }
    format!(
        "{metric}: the runs share only {} of {} items with the same content, so they do not \
         measure the same thing",
        count(counts.shared),
        count(larger)
    )
}

/// What a reader should know beside the answer.
pub(crate) fn notes(comparison: &Comparison, case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    let counts = &comparison.counts;
    if let Some(evidence) = &case.complete {
        notes.extend(evidence.notes.iter().cloned());
        notes.extend(drop_note(comparison, evidence, case, outcome));
    }
    if case.missing.any() && matches!(case.kind, Kind::Level(_)) {
        notes.push(against_minimum::absent(case.missing));
    } else if case.missing.any() {
        notes.push(format!(
            "{}; {} of {} shared items have a score in both runs",
            absent(case.missing),
            count(counts.paired),
            count(counts.shared)
        ));
    }
    notes
}

/// Which items do not pair up: "left out: 3 changed, 2 added and 0 removed items (95.0 % pair up)".
pub(crate) fn unpaired(changes: &Changes) -> Option<String> {
    let Changes { n_changed, n_added, n_removed, paired_share, .. } = changes;
    (n_changed + n_added + n_removed > 0).then(|| {
        format!(
            "left out: {} changed, {} added and {} removed items; {} of the items pair up",
            count(*n_changed),
            count(*n_added),
            count(*n_removed),
            percent(*paired_share)
        )
    })
}

/// Says that a judge without human labels is the only witness.
pub(crate) fn judge_relative(comparison: &mut Comparison) {
    comparison.says = format!("judge-relative: {}", comparison.says);
    comparison.notes.push(
        "based on the judge alone, without human labels: if the judge errs differently on the two \
         sides, the verdict is wrong"
            .to_owned(),
    );
}

/// A drop that is significant but no regression, and why it is none.
fn drop_note(
    comparison: &Comparison,
    evidence: &TestResult,
    case: &Case,
    outcome: &Outcome,
) -> Option<String> {
    let rule = &case.rule;
    let significant = evidence.p_regressed <= rule.alpha && evidence.upper < 0.0;
    if !significant || outcome.answer == Answer::Regressed {
        return None;
    }
    let words = DirectionTerms::of(rule.direction);
    let what = match case.kind {
        Kind::Difference | Kind::RunValue => words.loss,
        Kind::Level(_) => words.miss,
        Kind::Ratio(_) => comparison.loss(),
    };
    if evidence.lower >= -rule.margin {
        // The sentence says so already.
        return None;
    }
    (outcome.p_adjusted > rule.alpha && outcome.family > 1).then(|| {
        format!("the {what} is significant alone, but not among {} comparisons", outcome.family)
    })
}

/// How the metric moved: "fell from 71.2 % to 60.1 %".
fn moved(comparison: &Comparison, text: &ComparisonText) -> String {
    let (Some(baseline), Some(candidate)) = (&text.baseline, &text.candidate) else {
        return "has no value".to_owned();
    };
    if baseline == candidate {
        format!("stayed at {candidate}")
    } else if comparison.candidate_mean < comparison.baseline_mean {
        format!("fell from {baseline} to {candidate}")
    } else {
        format!("rose from {baseline} to {candidate}")
    }
}

fn undecided(
    evidence: &TestResult,
    rule: &Rule,
    outcome: &Outcome,
    text: &ComparisonText,
) -> String {
    let n = evidence.n;
    let (items, margin) = (counted(n, "item"), &text.margin);
    let loss = DirectionTerms::of(rule.direction).loss;
    let mut says =
        format!("but {items} cannot tell whether a {loss} exceeds the margin of {margin}");
    if evidence.pass_barred {
        says.push_str(" because they come from too few clusters");
    } else if evidence.p_regressed <= rule.alpha && outcome.p_adjusted > rule.alpha {
        says.push_str(" once all comparisons are taken into account");
    }
    let wanted = evidence.reach.items_to_decide.filter(|&wanted| wanted > n);
    says + &match (wanted.map(count), &text.detectable) {
        (Some(wanted), Some(drop)) => format!(
            ": about {wanted} items would decide it, and the smallest {loss} this run could \
             detect is {drop}"
        ),
        (Some(wanted), None) => {
            format!(
                ": about {wanted} items would decide it, and this run could not detect any {loss}"
            )
        }
        (None, Some(drop)) => format!(": the smallest {loss} this run could detect is {drop}"),
        (None, None) => String::new(),
    }
}

/// "missing answers: 12 of 300 in the candidate, 0 of 300 in the baseline".
pub(crate) fn absent(missing: Missing) -> String {
    format!(
        "missing answers: {} of {} in the candidate, {} of {} in the baseline",
        count(missing.candidate.missing),
        count(missing.candidate.planned),
        count(missing.baseline.missing),
        count(missing.baseline.planned)
    )
}
