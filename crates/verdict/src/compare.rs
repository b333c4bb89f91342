//! One metric of one prompt and model against its baseline: check, pair, weigh, decide.

use evalmark_core::metric::Direction;
use evalmark_core::verdict::{Answer, Comparison, Counts, Flip, Measure, Unpaired};

use crate::decide::{Case, Cause, Kind};
use crate::effective_sample_size::effective_n;
use crate::explain;
use crate::item_scores::{ItemScores, SameItems};
use crate::items::{CompareError, ComparisonSubject, FlipAt};
use crate::max_t::Units;
use crate::missing::{Assumption, Missing, Pair, Variants};
use crate::pairing::{Changes, Matched, Places, pair};
use crate::rule::{Rule, ScoreRange};
use crate::same_items::{self, EqualTallies};
use crate::stopping::EarlyStop;
use crate::test_choice::{weigh, weigh_independent};
use crate::test_result::TestResult;

/// A comparison and what the caller needs beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The answer and every figure behind it; its `flips` are empty until they are named.
    pub comparison: Comparison,
    /// Why the answer is neither a pass nor a regression; `None` when it is one.
    pub cause: Option<Cause>,
    /// The items whose scores differ, worst drops first, at most as many as the rule names.
    pub flips: Vec<FlipAt>,
    /// The items that do not pair up, and the share of those that do.
    pub changes: Changes,
    /// `None` when the variants are incomparable.
    case: Option<Case>,
    /// What a sign-flip test over a family flips; `None` where flipping signs says nothing.
    units: Option<Units>,
    /// The run stopped because the answer was certain.
    pub(crate) certain: Option<EarlyStop>,
}

impl Decision {
    /// An incomparable pair of variants, for a reason that the scores alone cannot show: `why`.
    pub fn incomparable(subject: &ComparisonSubject, rule: &Rule, why: &str) -> Self {
        let mut comparison = empty(subject, Counts::default(), rule);
        comparison.says = format!("{} cannot be compared: {why}", subject.metric);
        Self::refused(comparison, Cause::DifferentMeasure, Changes::default())
    }

    /// Without an answer, because of `cause`.
    pub(crate) fn refused(comparison: Comparison, cause: Cause, changes: Changes) -> Self {
        Self {
            comparison,
            cause: Some(cause),
            flips: Vec::new(),
            changes,
            case: None,
            units: None,
            certain: None,
        }
    }

    /// The answer of a family of one.
    pub(crate) fn decided(
        mut comparison: Comparison,
        case: Case,
        flips: &Flips,
        changes: Changes,
    ) -> Self {
        if let Some(evidence) = &case.complete {
            fill(&mut comparison, evidence, &case);
        }
        if case.rule.judge_relative {
            comparison.method.push_str(" (judge-relative)");
        }
        comparison.n_flips = flips.n;
        let p = case.p_regressed();
        let mut judged = Self {
            comparison,
            cause: None,
            flips: flips.shown(&case),
            changes,
            case: Some(case),
            units: None,
            certain: None,
        };
        judged.settle(p, 1);
        judged
    }

    /// Lets a sign-flip test over the family flip these pairs.
    pub(crate) fn with_units(self, pairs: &[Pair]) -> Self {
        Self { units: Some(Units::of(pairs)), ..self }
    }

    pub(crate) fn units(&self) -> Option<&Units> {
        // Where a missing answer may be anything, flipping says nothing.
        self.units.as_ref().filter(|_| self.certain.is_none() && self.p_regressed() < 1.0)
    }

    /// Fills the comparison's `flips`, naming each item by its place in the candidate's slice.
    pub fn name_flips(&mut self, item_id: impl Fn(usize) -> String) {
        let named = |flip: &FlipAt| Flip {
            item_id: item_id(flip.candidate_index),
            baseline: flip.baseline,
            candidate: flip.candidate,
        };
        self.comparison.flips = self.flips.iter().map(named).collect();
    }

    /// Names the items that do not pair up, by their places in the two variants' slices.
    pub fn name_unpaired(
        &mut self,
        baseline_id: impl Fn(usize) -> String,
        candidate_id: impl Fn(usize) -> String,
    ) {
        let changes = &self.changes;
        self.comparison.unpaired = Unpaired {
            added: changes.added.iter().map(|&at| candidate_id(at)).collect(),
            removed: changes.removed.iter().map(|&at| baseline_id(at)).collect(),
            changed: changes.changed.iter().map(|&(_, at)| candidate_id(at)).collect(),
            n_added: changes.n_added,
            n_removed: changes.n_removed,
            n_changed: changes.n_changed,
            paired_share: changes.paired_share,
        };
    }

    /// The p-value that a family's correction takes in; 1 for an incomparable comparison.
    pub(crate) fn p_regressed(&self) -> f64 {
        match (&self.case, &self.certain) {
            (None, _) => 1.0,
            (Some(_), Some(stop)) => stop.p_regressed(),
            (Some(case), None) => case.p_regressed(),
        }
    }

    /// Whether the bound on the difference (of scores so that more is better) excludes 0: a mid-p
    /// value alone is wrong a little too often.
    pub(crate) fn is_bounded_below_zero(&self) -> bool {
        let complete = self.case.as_ref().and_then(|case| case.complete.as_ref());
        self.certain.is_some() || complete.is_some_and(|evidence| evidence.upper < 0.0)
    }

    /// The smallest value that `p_regressed` can take by construction, where it has a floor.
    pub(crate) fn p_floor(&self) -> Option<(f64, f64)> {
        let rule = &self.case.as_ref()?.rule;
        self.comparison.seed.map(|_| (1.0 / f64::from(rule.resamples + 1), rule.alpha))
    }

    /// Decides again with a p-value adjusted for `family` comparisons.
    pub(crate) fn settle(&mut self, p_adjusted: f64, family: usize) {
        let Some(case) = &self.case else { return };
        let (answer, why) = match &self.certain {
            Some(stop) => stop.settle(p_adjusted, case.rule.alpha),
            None => case.settle(p_adjusted),
        };
        self.cause = why;
        self.comparison.answer = answer;
        self.comparison.p_regressed_adjusted = case.complete.as_ref().map(|_| p_adjusted);
        let outcome = explain::Outcome { answer, cause: why, p_adjusted, family };
        self.comparison.says = explain::comparison(&self.comparison, case, &outcome);
        self.comparison.notes = explain::notes(&self.comparison, case, &outcome);
        self.comparison.notes.extend(explain::unpaired(&self.changes));
        if let Some(stop) = &self.certain {
            stop.fill(&mut self.comparison);
        }
        if case.rule.judge_relative {
            explain::judge_relative(&mut self.comparison);
        }
    }
}

/// Compares one metric of two variants, item by item, in whatever order their rows are.
///
/// The answer is that of a family of one; [`gate`](crate::gate()) decides again for several.
pub fn compare<'a>(
    subject: &ComparisonSubject,
    baseline: impl Into<ItemScores<'a>>,
    candidate: impl Into<ItemScores<'a>>,
    rule: &Rule,
) -> Result<Decision, CompareError> {
    rule.check()?;
    let variants = [baseline.into().oriented(rule), candidate.into().oriented(rule)];
    let rule = &rule.oriented();
    if !rule.keeps_units
        && let Some(items) = ItemScores::same_items(variants[0], variants[1])
    {
        return compare_same_items(subject, items, rule);
    }
    match_variants(subject, variants, rule, |mut matched| {
        let bounded = rule.bounded(variants);
        let variants = matched.variants;
        let complete = variants.pairs(Assumption::Complete, rule.range);
        let case =
            Case::build(Kind::Difference, matched.missing, rule, |assumption| match assumption {
                Assumption::Complete => weigh(&complete, &bounded),
                _ => weigh(&variants.pairs(assumption, rule.range), &bounded),
            });
        let cautious = matched.missing.cautious();
        matched.comparison.effective_n = effective_n(&complete);
        let judged = matched.decide(case, &flips(variants, rule.range, rule.max_flips));
        if !rule.keeps_units {
            return judged;
        }
        match cautious {
            Assumption::Complete => judged.with_units(&complete),
            _ => judged.with_units(&variants.pairs(cautious, rule.range)),
        }
    })
}

/// The same of variants whose items need no matching.
fn compare_same_items(
    subject: &ComparisonSubject,
    items: SameItems<'_>,
    rule: &Rule,
) -> Result<Decision, CompareError> {
    let tallies = EqualTallies::of(items, rule)?;
    let changes = same_items::changes(items, rule.max_flips);
    let (counts, missing) = tallies.counts(items);
    if let Some(cause) = incomparable(&counts, rule) {
        return Ok(refuse(subject, counts, rule, cause, changes));
    }
    let bounded = rule.bounded([items.baseline, items.candidate]);
    let case = Case::build(Kind::Difference, missing, rule, |assumption| {
        weigh_independent(&tallies.under(assumption, rule.range), &bounded)
    });
    let flips = same_items::flips(items, &tallies, rule.range, rule.max_flips);
    Ok(Decision::decided(empty(subject, counts, rule), case, &flips, changes))
}

/// Two variants that measure the same thing, before they are weighed.
pub(crate) struct Comparable<'a> {
    pub(crate) variants: Variants<'a>,
    pub(crate) missing: Missing,
    /// Without a figure yet.
    pub(crate) comparison: Comparison,
    changes: Changes,
}

impl Comparable<'_> {
    /// The answer to the case, as a family of one.
    pub(crate) fn decide(self, case: Case, flips: &Flips) -> Decision {
        Decision::decided(self.comparison, case, flips, self.changes)
    }
}

/// Matches two variants and lets `judge` weigh them, unless they do not measure the same thing.
pub(crate) fn match_variants(
    subject: &ComparisonSubject,
    [baseline, candidate]: [ItemScores<'_>; 2],
    rule: &Rule,
    judge: impl FnOnce(Comparable<'_>) -> Decision,
) -> Result<Decision, CompareError> {
    let Matched { places, changes } = pair(baseline, candidate, rule)?;
    let variants = Variants { baseline, candidate, places: &places };
    let (counts, missing) = variants.counts();
    if let Some(cause) = incomparable(&counts, rule) {
        return Ok(refuse(subject, counts, rule, cause, changes));
    }
    let comparison = empty(subject, counts, rule);
    Ok(judge(Comparable { variants, missing, comparison, changes }))
}

/// Why the variants do not measure the same thing, if they do not.
fn incomparable(counts: &Counts, rule: &Rule) -> Option<Cause> {
    let larger = counts.baseline_planned.max(counts.candidate_planned);
    if larger == 0 {
        Some(Cause::NoItems)
    } else if counts.shared == 0 || (counts.shared as f64) < rule.min_paired_share * larger as f64 {
        Some(Cause::DifferentItems)
    } else {
        None
    }
}

fn refuse(
    subject: &ComparisonSubject,
    counts: Counts,
    rule: &Rule,
    cause: Cause,
    changes: Changes,
) -> Decision {
    let mut comparison = empty(subject, counts, rule);
    comparison.says = explain::incomparable(&comparison.counts, &subject.metric);
    comparison.notes.extend(explain::unpaired(&changes));
    Decision::refused(comparison, cause, changes)
}

/// A comparison without a figure: what an incomparable one stays.
pub(crate) fn empty(subject: &ComparisonSubject, counts: Counts, rule: &Rule) -> Comparison {
    Comparison {
        prompt: subject.prompt.clone(),
        model: subject.model.clone(),
        metric: subject.metric.clone(),
        answer: Answer::Incomparable,
        says: String::new(),
        notes: Vec::new(),
        measure: Measure::Difference,
        direction: rule.direction,
        range: rule.range.named(),
        margin: rule.margin,
        minimum: None,
        maximum: None,
        labels: None,
        alpha: rule.alpha,
        method: "none".to_owned(),
        baseline_mean: None,
        candidate_mean: None,
        estimate: None,
        lower: None,
        upper: None,
        p_regressed: None,
        p_regressed_adjusted: None,
        p_pass: None,
        counts,
        unpaired: Unpaired::default(),
        effective_n: None,
        only_baseline: None,
        only_candidate: None,
        discordance: None,
        detectable_drop: None,
        items_needed: None,
        seed: None,
        flips: Vec::new(),
        n_flips: 0,
    }
}

fn fill(comparison: &mut Comparison, evidence: &TestResult, case: &Case) {
    evidence.method.clone_into(&mut comparison.method);
    comparison.p_regressed = Some(evidence.p_regressed);
    comparison.p_pass = Some(evidence.p_pass);
    comparison.detectable_drop = evidence.reach.detectable_drop;
    comparison.items_needed = evidence.reach.items_needed;
    comparison.seed = evidence.seed;
    match case.kind {
        Kind::Difference | Kind::RunValue => fill_difference(comparison, evidence, &case.rule),
        Kind::Level(minimum) => fill_level(comparison, evidence, minimum, &case.rule),
        Kind::Ratio(_) => fill_ratio(comparison, evidence, case.rule.direction),
    }
}

fn finite(bound: f64) -> Option<f64> {
    bound.is_finite().then_some(bound)
}

fn fill_difference(comparison: &mut Comparison, evidence: &TestResult, rule: &Rule) {
    comparison.baseline_mean = Some(rule.restore(evidence.baseline_mean));
    comparison.candidate_mean = Some(rule.restore(evidence.candidate_mean));
    comparison.estimate = Some(rule.shown_bounds(evidence.estimate, evidence.estimate).0);
    let (lower, upper) = rule.shown_bounds(evidence.lower, evidence.upper);
    comparison.lower = finite(lower);
    comparison.upper = finite(upper);
    comparison.only_baseline = evidence.discordant.map(|d| d.0);
    comparison.only_candidate = evidence.discordant.map(|d| d.1);
    comparison.discordance = Some(evidence.discordance);
}

/// The evidence is of the distance from the minimum, the figures are of the mean itself.
fn fill_level(comparison: &mut Comparison, evidence: &TestResult, minimum: f64, rule: &Rule) {
    let mean = rule.restore(evidence.candidate_mean);
    (comparison.candidate_mean, comparison.estimate) = (Some(mean), Some(mean));
    let (lower, upper) = rule.restore_ends(evidence.lower + minimum, evidence.upper + minimum);
    comparison.lower = finite(lower);
    comparison.upper = finite(upper);
}

/// The evidence is of the logarithm of baseline over candidate, or of candidate over baseline where more
/// is better; the figures are of candidate over baseline.
fn fill_ratio(comparison: &mut Comparison, evidence: &TestResult, better: Direction) {
    let sign = if better == Direction::Lower { -1.0 } else { 1.0 };
    let ratio = |log: f64| (sign * log).exp();
    let bounds = [finite(evidence.lower), finite(evidence.upper)].map(|bound| bound.map(ratio));
    let [lower, upper] = if better == Direction::Lower { [bounds[1], bounds[0]] } else { bounds };
    comparison.candidate_mean = Some(evidence.candidate_mean);
    comparison.baseline_mean = Some(evidence.baseline_mean);
    comparison.estimate = Some(ratio(evidence.estimate));
    (comparison.lower, comparison.upper) = (lower, upper);
    comparison.discordance = Some(evidence.discordance);
    comparison.detectable_drop =
        evidence.reach.detectable_drop.map(|drop| (ratio(-drop) - 1.0).abs());
}

/// The items whose scores differ: worst drops first, then smaller ones, then gains.
pub(crate) fn flips(variants: Variants<'_>, range: ScoreRange, most: usize) -> Flips {
    let flip = |&(b, c): &Places| {
        let baseline = variants.baseline.tally(b).mean(range)?;
        let candidate = variants.candidate.tally(c).mean(range)?;
        let at = FlipAt { baseline_index: b, candidate_index: c, baseline, candidate };
        (baseline.total_cmp(&candidate).is_ne()).then_some((candidate - baseline, at))
    };
    Flips::worst(variants.places.iter().filter_map(flip), most)
}

/// How many items differ, and the worst of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Flips {
    n: u64,
    worst: Vec<FlipAt>,
}

impl Flips {
    /// So many items differ, and these are the worst of them.
    pub(crate) fn of(n: u64, worst: Vec<FlipAt>) -> Self {
        Self { n, worst }
    }

    /// The items as their scores are.
    fn shown(&self, case: &Case) -> Vec<FlipAt> {
        // Only names stand behind the value of a whole run: those have no range.
        let rule = match case.kind {
            // Amounts are as they are.
            Kind::Ratio(_) => return self.worst.clone(),
            Kind::RunValue => Rule { range: ScoreRange::ANY, ..case.rule.clone() },
            _ => case.rule.clone(),
        };
        let shown = |flip: &FlipAt| FlipAt {
            baseline: rule.restore(flip.baseline),
            candidate: rule.restore(flip.candidate),
            ..*flip
        };
        self.worst.iter().map(shown).collect()
    }

    /// The `most` smallest changes in ascending order; equal ones stay in order of their keys.
    pub(crate) fn worst(changes: impl Iterator<Item = (f64, FlipAt)>, most: usize) -> Self {
        let mut ranked: Vec<(f64, usize, FlipAt)> =
            changes.enumerate().map(|(rank, (change, at))| (change, rank, at)).collect();
        let n = ranked.len();
        let order = |x: &(f64, usize, FlipAt), y: &(f64, usize, FlipAt)| {
            x.0.total_cmp(&y.0).then(x.1.cmp(&y.1))
        };
        if most < n {
            // A million flips need no sorting when fifty are named.
            ranked.select_nth_unstable_by(most, order);
            ranked.truncate(most);
        }
        ranked.sort_unstable_by(order);
        Self { n: n as u64, worst: ranked.into_iter().map(|flip| flip.2).collect() }
    }
}
