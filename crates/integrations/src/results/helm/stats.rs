//! `per_instance_stats.json`: what HELM measured of each answer.

use std::collections::HashMap;

use evalmark_core::{metric::Direction, record::Usage, tool_results::ToolScore};
use serde::Deserialize;
use serde_json::Value;

use super::AnswerKey;
use crate::results::{
    collect::{Collector, Place},
    error::ResultsError,
};

/// What HELM counts of requests, instances and hardware. It is no score of an answer.
const BOOKKEEPING: &[&str] = &[
    "batch_size",
    "estimated_num_tokens_cost",
    "finish_reason_endoftext",
    "finish_reason_length",
    "finish_reason_stop",
    "finish_reason_unknown",
    "inference_denoised_runtime",
    "inference_idealized_runtime",
    "inference_runtime",
    "logprob",
    "max_num_completion_tokens",
    "max_num_output_tokens",
    "max_num_prompt_tokens",
    "max_prob",
    "num_bytes",
    "num_completion_tokens",
    "num_completions",
    "num_instances",
    "num_output_tokens",
    "num_perplexity_tokens",
    "num_prompt_tokens",
    "num_references",
    "num_requests",
    "num_train_instances",
    "num_train_trials",
    "predicted_index",
    "prompt_truncated",
    "training_co2_cost",
    "training_energy_cost",
];

/// Metrics whose lower values HELM calls better.
const LOWER: &[&str] = &[
    "bits_per_byte",
    "cer_score",
    "chinese_cer_score",
    "chinese_mer_score",
    "chinese_wer_score",
    "expected_max_toxicity",
    "max_toxicity_probability",
    "mer_score",
    "perplexity",
    "toxic_frac",
    "wer_score",
];

/// A metric, and which part of the instances a value of it is about.
#[derive(Deserialize)]
pub(super) struct MetricName {
    pub(super) name: String,
    #[serde(default)]
    split: Option<String>,
    #[serde(default)]
    sub_split: Option<String>,
    #[serde(default)]
    perturbation: Option<Perturbation>,
}

#[derive(Deserialize)]
struct Perturbation {
    name: String,
}

/// The values of one answer.
#[derive(Deserialize)]
pub(super) struct InstanceStats {
    instance_id: String,
    #[serde(default)]
    perturbation: Value,
    #[serde(default)]
    train_trial_index: u32,
    stats: Vec<Stat>,
}

#[derive(Deserialize)]
struct Stat {
    name: MetricName,
    #[serde(default)]
    count: f64,
    #[serde(default)]
    mean: Option<f64>,
}

/// All values of an answer.
pub(super) struct Scores {
    /// Which of all it is.
    pub(super) number: usize,
    /// Where the first of them stands.
    pub(super) place: Place,
    values: Vec<Stat>,
}

/// The values of answers by what they are of. HELM writes one entry a metric class.
pub(super) fn of_instances(
    all: Vec<InstanceStats>,
    file: &str,
) -> Result<HashMap<AnswerKey, Scores>, ResultsError> {
    let mut by_key: HashMap<AnswerKey, Scores> = HashMap::new();
    for (number, one) in all.into_iter().enumerate() {
        let place = Place::new(file, format!("[{number}]"));
        let key = AnswerKey {
            instance: one.instance_id,
            perturbation: perturbation_key(&one.perturbation),
            trial: one.train_trial_index,
        };
        let of = by_key.entry(key).or_insert_with(|| Scores { number, place, values: Vec::new() });
        for stat in one.stats {
            let label = stat.name.label();
            // Several classes of metrics count the same things.
            match of.values.iter().find(|known| known.name.label() == label) {
                None => of.values.push(stat),
                Some(known) if known.mean == stat.mean || is_bookkeeping(&stat.name.name) => {}
                Some(_) => {
                    let place = Place::new(file, format!("[{number}].stats"));
                    let message = format!("there is a second value of `{label}` of one answer");
                    return Err(place.error(message));
                }
            }
        }
    }
    Ok(by_key)
}

/// What tells perturbations apart.
pub(super) fn perturbation_key(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

/// Whether a metric is one of HELM's counts.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    BOOKKEEPING.contains(&name)
}

impl MetricName {
    /// HELM keeps splits and perturbed instances apart: so does the metric's name. Test instances as they are have
    /// the plain one.
    fn label(&self) -> String {
        let split = self.split.as_deref().filter(|split| *split != "test");
        let perturbation = self.perturbation.as_ref().map(|perturbation| &*perturbation.name);
        let parts = [split, self.sub_split.as_deref(), perturbation];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return self.name.clone();
        }
        format!("{} ({})", self.name, parts.join(", "))
    }
}

impl Scores {
    /// Scores by the place of their metric; of an answer that `failed`, none has a value.
    pub(super) fn of_answer(&self, failed: bool, into: &mut Collector) -> Vec<(usize, ToolScore)> {
        let mut scores = Vec::new();
        for stat in &self.values {
            let name = &stat.name.name;
            if is_bookkeeping(name) {
                into.leave_score_out(
                    "HELM's counts of requests and tokens are no scores",
                    &self.place,
                );
                continue;
            }
            let direction =
                if LOWER.contains(&name.as_str()) { Direction::Lower } else { Direction::Higher };
            let metric = into.metric_of(&stat.name.label(), None, direction, false);
            let score = match stat.mean.filter(|_| stat.count > 0.0) {
                _ if failed => ToolScore::missing("there is no answer"),
                Some(mean) => ToolScore::of(mean),
                None => ToolScore::missing("HELM has no value"),
            };
            scores.push((metric, score));
        }
        scores
    }

    /// The value of one of HELM's counts.
    pub(super) fn counted(&self, name: &str) -> Option<f64> {
        let of = self.values.iter().find(|stat| stat.name.name == name);
        of.and_then(|stat| stat.mean).filter(|value| value.is_finite())
    }

    /// Tokens of request and answer.
    pub(super) fn usage(&self) -> Usage {
        let tokens = |name: &str| whole(self.counted(name)?);
        Usage {
            input_tokens: tokens("num_prompt_tokens"),
            output_tokens: tokens("num_output_tokens"),
        }
    }
}

/// A count that HELM keeps as a mean of one number.
pub(super) fn whole(value: f64) -> Option<u64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and 2^53"
    )]
    let whole = (0.0..=MOST).contains(&value).then_some(value.round() as u64);
    whole
}
