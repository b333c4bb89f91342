//! Sentences for people: what an answer means, and what to know beside it.

use evalmark_core::metric::Direction;
use evalmark_core::verdict::{Answer, Comparison, Counts};

use crate::against_minimum;
use crate::decide::{Case, Cause, Kind};
use crate::evidence::Evidence;
use crate::missing::Missing;
use crate::pairing::Changes;
use crate::ratio;
use crate::rule::{Rule, ScoreRange};

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
    if let Kind::Level(minimum) = case.kind {
        return against_minimum::says(metric, case, outcome, minimum);
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
        return ratio::says(metric, evidence, case, outcome, of);
    }
    let moved = moved(evidence, &case.rule);
    let loss = DirectionTerms::of(case.rule.direction).loss;
    let margin = amount(case.rule.margin, case.rule.range);
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
            format!("{metric} {moved}, {}", undecided(evidence, &case.rule, outcome))
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
        "{metric}: the runs share only {} of {larger} items with the same content, so they do not \
         measure the same thing",
        counts.shared
    )
}

/// What a reader should know beside the answer.
pub(crate) fn notes(comparison: &Comparison, case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    let counts = &comparison.counts;
    if let Some(evidence) = &case.complete {
        notes.extend(evidence.notes.iter().cloned());
        notes.extend(drop_note(evidence, case, outcome));
    }
    if case.missing.any() && matches!(case.kind, Kind::Level(_)) {
        notes.push(against_minimum::absent(case.missing));
    } else if case.missing.any() {
        notes.push(format!(
            "{}; {} of {} shared items have a score in both runs",
            absent(case.missing),
            counts.paired,
            counts.shared
        ));
    }
    notes
}

/// Which items do not pair up: "left out: 3 changed, 2 added and 0 removed items (95.0 % pair up)".
pub(crate) fn unpaired(changes: &Changes) -> Option<String> {
    let Changes { n_changed, n_added, n_removed, paired_share, .. } = changes;
    (n_changed + n_added + n_removed > 0).then(|| {
        format!(
            "left out: {n_changed} changed, {n_added} added and {n_removed} removed items; {:.1} % \
             of the items pair up",
            100.0 * paired_share
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
fn drop_note(evidence: &Evidence, case: &Case, outcome: &Outcome) -> Option<String> {
    let rule = &case.rule;
    let significant = evidence.p_regressed <= rule.alpha && evidence.upper < 0.0;
    if !significant || outcome.answer == Answer::Regressed {
        return None;
    }
    let words = DirectionTerms::of(rule.direction);
    let what = match case.kind {
        Kind::Difference | Kind::RunValue => words.loss,
        Kind::Level(_) => words.miss,
        Kind::Ratio(_) => "increase",
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
fn moved(evidence: &Evidence, rule: &Rule) -> String {
    let [before, after] =
        [evidence.baseline_mean, evidence.candidate_mean].map(|v| rule.restore(v));
    let [baseline, candidate] = [before, after].map(|value| score(value, rule.range));
    if baseline == candidate {
        format!("stayed at {candidate}")
    } else if after < before {
        format!("fell from {baseline} to {candidate}")
    } else {
        format!("rose from {baseline} to {candidate}")
    }
}

fn undecided(evidence: &Evidence, rule: &Rule, outcome: &Outcome) -> String {
    let n = evidence.n;
    let margin = amount(rule.margin, rule.range);
    let items = if n == 1 { "1 item".to_owned() } else { format!("{n} items") };
    let loss = DirectionTerms::of(rule.direction).loss;
    let mut says =
        format!("but {items} cannot tell whether a {loss} exceeds the margin of {margin}");
    if evidence.pass_barred {
        says.push_str(" because they come from too few clusters");
    } else if evidence.p_regressed <= rule.alpha && outcome.p_adjusted > rule.alpha {
        says.push_str(" once all comparisons are taken into account");
    }
    let wanted = evidence.reach.items_to_decide.filter(|&wanted| wanted > n);
    let drop = evidence.reach.detectable_drop.map(|drop| figure(drop, rule.range));
    says + &match (wanted, drop) {
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
        missing.candidate.missing,
        missing.candidate.planned,
        missing.baseline.missing,
        missing.baseline.planned
    )
}

/// A score: a percentage where scores lie in [0, 1].
pub(crate) fn score(value: f64, range: ScoreRange) -> String {
    if range.is_unit() { format!("{:.1} %", 100.0 * value) } else { trimmed(value) }
}

/// A declared difference of scores, to the digit: points where scores lie in [0, 1].
pub(crate) fn amount(value: f64, range: ScoreRange) -> String {
    if range.is_unit() { points(&trimmed(100.0 * value)) } else { trimmed(value) }
}

/// A computed difference of scores: no more than one decimal of a point.
pub(crate) fn figure(value: f64, range: ScoreRange) -> String {
    if !range.is_unit() {
        return trimmed(value);
    }
    let tenths = format!("{:.1}", 100.0 * value);
    match tenths.strip_suffix(".0").unwrap_or(&tenths) {
        "0" if value > 0.0 => "less than 0.1 points".to_owned(),
        digits => points(digits),
    }
}

fn points(digits: &str) -> String {
    if digits == "1" { "1 point".to_owned() } else { format!("{digits} points") }
}

/// Two digits after the point, three that count for what is small; no trailing zeros.
pub(crate) fn trimmed(value: f64) -> String {
    let text = if value.abs() >= 0.1 || value == 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.2e}").parse::<f64>().unwrap_or(value).to_string()
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let check = |value, expected: &str| assert_eq!(amount(value, ScoreRange::UNIT), expected);
        check(0.03, "3 points");
        check(0.01, "1 point");
        check(0.025, "2.5 points");
        check(0.002_5, "0.25 points");
        let check = |value, expected: &str| assert_eq!(figure(value, ScoreRange::UNIT), expected);
        check(0.278_4, "27.8 points");
        check(0.01, "1 point");
        check(0.3, "30 points");
        check(0.000_312_6, "less than 0.1 points");
        assert_eq!(figure(27.84, ScoreRange { low: 0.0, high: 100.0 }), "27.84");
        assert_eq!(score(0.7123, ScoreRange::UNIT), "71.2 %");
        assert_eq!(score(7.5, ScoreRange { low: 0.0, high: 10.0 }), "7.5");
    }
}
