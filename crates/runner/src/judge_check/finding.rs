//! What labels say of a judge, and what that means for its verdicts.

use std::collections::BTreeMap;

use evalmark_scoring::catalog;
use evalmark_store::run_record::RunRecord;
use evalmark_verdict::{
    Figure, Labelled, Lambda, Rated, RaterCheck, check_rater_with_ties, ppi_estimate, ppi_mean,
};
use serde_json::{Value, json};

use super::answers::JudgedAnswer;
use crate::error::{Advised, Result};

/// How sure intervals are.
const CONFIDENCE: f64 = 0.95;

/// Fewer labels than this are advisory.
pub const ENOUGH_LABELS: u64 = 50;

/// What labels say of a judge.
pub struct JudgeFinding {
    /// The metric's name.
    pub metric: String,
    /// Answers of the run.
    pub answers: u64,
    /// Labelled answers that have no score.
    pub unscored: u64,
    /// From where on a score passes, and whether it is turned around first.
    pub threshold: f64,
    /// Whether a score may be a tie.
    can_tie: bool,
    /// How far the judge agrees with people.
    pub check: RaterCheck,
    /// By prompt and model, in the order of the reports.
    pub variants: Vec<Corrected>,
    /// Whether the suite uses labels for this metric already.
    pub is_corrected: bool,
}

/// A variant's mean, from labels and the judge's scores together (PPI++).
pub struct Corrected {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// Items with a label.
    pub labelled: u64,
    /// Items with a score and no label.
    pub unlabelled: u64,
    /// Mean of the judge's scores.
    pub judge_mean: Option<f64>,
    /// Mean of the labels.
    pub label_mean: Option<f64>,
    /// The mean that both give together.
    pub mean: Option<Figure>,
    /// How many labels alone would be worth as much, as a multiple of the labels there are.
    pub gain: Option<f64>,
}

/// No answer has both a label and a score.
#[derive(Debug, thiserror::Error)]
#[error("no answer of the run has both a label and a score of `{metric}`")]
pub struct NoLabelledScore {
    metric: String,
}

impl Advised for NoLabelledScore {
    fn hint(&self) -> Option<String> {
        let advice = "`--labels FILE` needs the columns `item_id` and `label`, and those of \
                      `prompt`, `model`, `epoch` and `output` that identify the labelled answer";
        Some(advice.to_owned())
    }
}

impl JudgeFinding {
    pub(crate) fn of(
        record: &RunRecord,
        metric: &str,
        answers: &[JudgedAnswer],
    ) -> Result<Self, NoLabelledScore> {
        let rule = Rule::of(record, metric);
        let rated = rated(answers, &rule);
        let labelled = answers.iter().filter(|answer| answer.human.is_some()).count();
        let check = check_rater_with_ties(&rated, rule.tie)
            .ok_or_else(|| NoLabelledScore { metric: metric.to_owned() })?;
        Ok(Self {
            metric: metric.to_owned(),
            answers: answers.len() as u64,
            unscored: (labelled - rated.len()) as u64,
            threshold: rule.threshold,
            can_tie: rule.tie.is_some(),
            check,
            variants: corrected(answers),
            is_corrected: rule.has_labels,
        })
    }

    /// Whether a score may be a tie, which neither passes nor fails.
    pub fn has_ties(&self) -> bool {
        self.can_tie
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let check = &self.check;
        let leaning = check.by_group.iter().map(|one| {
            json!({
                "prompt": one.group, "n": one.n, "bias": figure(&one.bias),
            })
        });
        let [[both_fail, judge_alone], [people_alone, both_pass]] = check.confusion;
        let judge_ties = check.with_ties.iter().map(|row| row[1]).sum::<u64>();
        let people_ties = check.with_ties[1].iter().sum::<u64>();
        json!({
            "metric": self.metric,
            "answers": self.answers,
            "labelled": check.n,
            "items": check.units,
            "labelled_without_score": self.unscored,
            "threshold": self.threshold,
            "judge_mean": check.means[0],
            "label_mean": check.means[1],
            "kappa": check.kappa.as_ref().map(figure),
            "alpha": check.alpha.as_ref().map(figure),
            "confusion": {
                "both_pass": both_pass,
                "only_judge_passes": judge_alone,
                "only_people_pass": people_alone,
                "both_fail": both_fail,
            },
            "ties": self.has_ties().then(|| json!({
                "judge": judge_ties,
                "people": people_ties,
                "both": check.with_ties[1][1],
            })),
            "bias": figure(&check.bias),
            "bias_by_prompt": leaning.collect::<Vec<_>>(),
            "bias_by_length": check.by_length.as_ref().map(figure),
            "advisory": check.n < ENOUGH_LABELS,
            "labels_in_suite": self.is_corrected,
            "arms": self.variants.iter().map(Corrected::json).collect::<Vec<_>>(),
        })
    }
}

fn figure(figure: &Figure) -> Value {
    json!({
        "estimate": figure.estimate,
        "low": figure.interval.map(|interval| interval.low),
        "high": figure.interval.map(|interval| interval.high),
    })
}

/// What of a metric decides which scores pass.
struct Rule {
    threshold: f64,
    negate: bool,
    /// The score that neither passes nor fails.
    tie: Option<f64>,
    has_labels: bool,
}

/// Where two answers are compared, the judge may prefer neither, or each in one order: a tie.
const OF_PAIRS: &str = "judge_pairwise";

/// The score of a tie.
const TIE: f64 = 0.5;

impl Rule {
    /// As the run's suite says, or the kind of metric.
    fn of(record: &RunRecord, metric: &str) -> Self {
        let kept = record.effective_suite.metric(metric);
        let has = |setting: &str| kept.is_some_and(|kept| kept.setting(setting).is_some());
        let own = catalog().iter().find(|kind| has(kind.name)).and_then(|kind| kind.threshold);
        let threshold = kept.and_then(|kept| kept.threshold);
        Self {
            threshold: threshold.or(own).unwrap_or(0.5),
            negate: kept.is_some_and(|kept| kept.negate),
            // A threshold of the suite's own says what a tie is worth.
            tie: (has(OF_PAIRS) && threshold.is_none()).then_some(TIE),
            has_labels: has("labels"),
        }
    }

    /// Whether a score passes; one that was turned around passes where it would have failed.
    fn passes(&self, score: f64) -> bool {
        if self.negate { 1.0 - score < self.threshold } else { score >= self.threshold }
    }
}

fn rated<'a>(answers: &'a [JudgedAnswer], rule: &Rule) -> Vec<Rated<'a>> {
    let mut units: BTreeMap<&str, u64> = BTreeMap::new();
    let mut rated = Vec::new();
    for answer in answers {
        let (Some(judge), Some(human)) = (answer.judge, answer.human) else { continue };
        let next = units.len() as u64;
        let unit =
            *units.entry(answer.cluster.as_deref().unwrap_or(&answer.item_id)).or_insert(next);
        rated.push(Rated {
            group: &answer.prompt,
            unit,
            length: answer.length as f64,
            judge,
            human,
            judge_passes: rule.passes(judge),
            human_passes: rule.passes(human),
        });
    }
    rated
}

/// Every variant's mean, corrected by its labels.
fn corrected(answers: &[JudgedAnswer]) -> Vec<Corrected> {
    let is_same =
        |a: &JudgedAnswer, b: &JudgedAnswer| (&a.prompt, &a.model) == (&b.prompt, &b.model);
    answers.chunk_by(is_same).map(Corrected::of).collect()
}

impl Corrected {
    fn of(variant: &[JudgedAnswer]) -> Self {
        let items = by_item(variant);
        let (mut y, mut there, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for item in &items {
            match (mean(&item.judge), mean(&item.human)) {
                (Some(judge), Some(human)) => {
                    there.push(judge);
                    y.push(human);
                }
                (Some(judge), None) => rest.push(judge),
                (None, _) => {}
            }
        }
        let estimated = ppi_estimate(&labelled(&items), CONFIDENCE);
        let both = ppi_mean(&y, &there, &rest, Lambda::Pooled);
        let alone = ppi_mean(&y, &there, &rest, Lambda::Fixed(0.0));
        let gain = both.zip(alone).and_then(|(both, alone)| {
            let gain = (alone.stderr / both.stderr).powi(2);
            gain.is_finite().then_some(gain)
        });
        let figure = estimated.map(|(mean, interval)| Figure { estimate: mean.estimate, interval });
        let scores: Vec<f64> = there.iter().chain(&rest).copied().collect();
        let (first, n) = (&variant[0], |values: &[f64]| values.len() as u64);
        Self {
            prompt: first.prompt.clone(),
            model: first.model.clone(),
            labelled: n(&y),
            unlabelled: n(&rest),
            judge_mean: mean(&scores),
            label_mean: mean(&y),
            mean: figure,
            gain,
        }
    }

    fn json(&self) -> Value {
        json!({
            "prompt": self.prompt,
            "model": self.model,
            "labelled_items": self.labelled,
            "unlabelled_items": self.unlabelled,
            "judge_mean": self.judge_mean,
            "label_mean": self.label_mean,
            "corrected_mean": self.mean.as_ref().map(figure),
            "labels_worth": self.gain.map(|gain| gain * self.labelled as f64),
        })
    }
}

/// Each item's means, and what is drawn as one: its cluster, or the item itself.
fn labelled(items: &[ItemScores<'_>]) -> Vec<Labelled> {
    let mut units: BTreeMap<&str, u64> = BTreeMap::new();
    let mut labelled = Vec::with_capacity(items.len());
    for item in items {
        let next = units.len() as u64;
        let unit = *units.entry(item.unit).or_insert(next);
        if let Some(judge) = mean(&item.judge) {
            labelled.push(Labelled { human: mean(&item.human), judge, unit });
        }
    }
    labelled
}

/// An item's scores: those of answers that people labelled, where there are any, and else all.
struct ItemScores<'a> {
    /// The item's cluster, or the item itself.
    unit: &'a str,
    judge: Vec<f64>,
    human: Vec<f64>,
}

/// The items of a variant. Only answers that both scored say how the two differ.
fn by_item(variant: &[JudgedAnswer]) -> Vec<ItemScores<'_>> {
    let mut items: BTreeMap<&str, (ItemScores<'_>, Vec<f64>)> = BTreeMap::new();
    for answer in variant {
        let unit = answer.cluster.as_deref().unwrap_or(&answer.item_id);
        let none = || (ItemScores { unit, judge: Vec::new(), human: Vec::new() }, Vec::new());
        let (both, alone) = items.entry(&answer.item_id).or_insert_with(none);
        match (answer.judge, answer.human) {
            (Some(judge), Some(human)) => {
                both.judge.push(judge);
                both.human.push(human);
            }
            (Some(judge), None) => alone.push(judge),
            (None, _) => {}
        }
    }
    let merged = items.into_values().map(|(both, alone)| {
        if both.human.is_empty() { ItemScores { judge: alone, ..both } } else { both }
    });
    merged.collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
