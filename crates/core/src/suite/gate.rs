//! The gate of a suite, checked: what is gated, how strictly, and what the suite leaves unsaid.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::metric::Direction;

use super::raw::{RawCorrection, RawGate, RawGateMetric};

/// What decides pass or fail against a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSpec {
    /// Name of the baseline that `run` compares with.
    pub baseline: Option<String>,
    /// Whether a run may go without it.
    pub baseline_optional: bool,
    /// The suite's earlier name, where its baselines were made under that.
    pub baseline_suite: Option<String>,
    /// Whether a baseline keeps the answers of its run; `None`: as long as they are small.
    pub baseline_answers: Option<bool>,
    /// One-sided error rate of each bound.
    pub alpha: f64,
    /// Share of the items that must pair up.
    pub min_paired: f64,
    /// How regressions are corrected for the number of comparisons.
    pub correction: Correction,
    /// Whether a run stops asking as soon as its answer is certain.
    pub stop_early: bool,
    /// Gated metrics and amounts by name.
    pub metrics: BTreeMap<String, GatedMetric>,
    /// Whether the suite says nothing and these are the defaults.
    pub is_default: bool,
}

/// How regressions are corrected for the number of comparisons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correction {
    /// Holm's step-down procedure.
    #[default]
    Holm,
    /// Max-T by sign flips of whole items.
    MaxT,
}

/// One gated metric or amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatedMetric {
    /// The largest acceptable drop (where lower values are better: rise); of an amount, the largest
    /// acceptable growth as a share, or drop where more is better.
    pub margin: f64,
    /// Whether the suite leaves the margin unsaid: it is then one for values in [0, 1].
    pub is_default_margin: bool,
    /// The lowest acceptable mean; the largest, where lower values are better.
    pub min: Option<f64>,
    /// What is gated, where it is no score.
    pub amount: Option<Amount>,
}

impl Default for GatedMetric {
    fn default() -> Self {
        Self { margin: 0.03, is_default_margin: true, min: None, amount: None }
    }
}

/// What an answer takes rather than what it is worth: ratios are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// 95th percentile of the service time.
    LatencyP95,
    /// 95th percentile of the time to the first token, where answers are streamed.
    FirstTokenP95,
    /// Tokens a second after the first one, where answers are streamed: more is better.
    TokensPerSecond,
    /// US dollars a sample.
    CostUsd,
    /// Tokens of the answer.
    OutputTokens,
}

impl Amount {
    /// Every amount.
    pub const ALL: [Self; 5] = [
        Self::LatencyP95,
        Self::FirstTokenP95,
        Self::TokensPerSecond,
        Self::CostUsd,
        Self::OutputTokens,
    ];

    /// How much it may grow, or fall where more is better, where the suite does not say: a tenth.
    const MARGIN: f64 = 0.1;

    /// The name it is gated under, which no metric may have.
    pub fn name(self) -> &'static str {
        match self {
            Self::LatencyP95 => "latency_p95",
            Self::FirstTokenP95 => "first_token_p95",
            Self::TokensPerSecond => "tokens_per_second",
            Self::CostUsd => "cost_usd",
            Self::OutputTokens => "output_tokens",
        }
    }

    /// Which values are better.
    pub fn direction(self) -> Direction {
        match self {
            Self::TokensPerSecond => Direction::Higher,
            Self::LatencyP95 | Self::FirstTokenP95 | Self::CostUsd | Self::OutputTokens => {
                Direction::Lower
            }
        }
    }

    /// Whether only streamed answers tell it.
    pub fn needs_streams(self) -> bool {
        matches!(self, Self::FirstTokenP95 | Self::TokensPerSecond)
    }

    /// The amount of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|amount| amount.name() == name)
    }
}

/// A gate that a run keeps and that cannot be read, such as one of a later version. It is never
/// replaced by the default gate.
#[derive(Debug, thiserror::Error)]
#[error("the gate that the run was made with cannot be read: {0}")]
pub struct KeptGateError(#[from] serde_json::Error);

/// What a gate needs of an effective suite.
#[derive(Default, Deserialize)]
struct GatedSuite {
    gate: Option<RawGate>,
    #[serde(default)]
    metrics: Vec<NamedMetric>,
}

#[derive(Deserialize)]
struct NamedMetric {
    name: String,
}

impl GateSpec {
    /// The gate of a suite without one: every metric at alpha 0.05 and margin 0.03.
    pub fn default_of<'a>(metrics: impl IntoIterator<Item = &'a str>) -> Self {
        let default = |name: &str| (name.to_owned(), GatedMetric::default());
        Self {
            baseline: None,
            baseline_optional: false,
            baseline_suite: None,
            baseline_answers: None,
            alpha: 0.05,
            min_paired: 0.95,
            correction: Correction::Holm,
            stop_early: false,
            metrics: metrics.into_iter().map(default).collect(),
            is_default: true,
        }
    }

    /// The gate of an effective suite, as a run keeps it; `None` where the suite has none.
    pub fn of_effective(effective: &Value) -> Result<Option<Self>, KeptGateError> {
        let kept = Option::<GatedSuite>::deserialize(effective)?.unwrap_or_default();
        let names: Vec<_> = kept.metrics.iter().map(|metric| metric.name.as_str()).collect();
        Ok(kept.gate.map(|gate| Self::new(&gate, &names)))
    }

    /// The gated metrics, amounts left out.
    pub fn scores(&self) -> impl Iterator<Item = (&str, GatedMetric)> {
        let scores = self.metrics.iter().filter(|(_, gated)| gated.amount.is_none());
        scores.map(|(name, gated)| (name.as_str(), *gated))
    }

    /// The gate as written, with the suite's metrics where it names none.
    pub(super) fn new(raw: &RawGate, names: &[&str]) -> Self {
        let default = Self::default_of(names.iter().copied());
        let written = |metrics: &BTreeMap<String, RawGateMetric>| {
            metrics.iter().map(|(name, metric)| (name.clone(), gated(name, *metric))).collect()
        };
        Self {
            baseline: raw.baseline.clone(),
            baseline_optional: raw.baseline_optional,
            baseline_suite: raw.baseline_suite.clone(),
            baseline_answers: raw.baseline_answers,
            alpha: raw.alpha.unwrap_or(default.alpha),
            min_paired: raw.min_paired.unwrap_or(default.min_paired),
            correction: match raw.correction {
                Some(RawCorrection::MaxT) => Correction::MaxT,
                Some(RawCorrection::Holm) | None => Correction::Holm,
            },
            stop_early: raw.stop_early,
            metrics: raw.metrics.as_ref().map_or(default.metrics, written),
            is_default: false,
        }
    }
}

fn gated(name: &str, raw: RawGateMetric) -> GatedMetric {
    let amount = Amount::named(name);
    let default = amount.map_or(GatedMetric::default().margin, |_| Amount::MARGIN);
    GatedMetric {
        margin: raw.margin.unwrap_or(default),
        is_default_margin: raw.margin.is_none() && amount.is_none(),
        min: raw.min.or(raw.max),
        amount,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kept_gate_that_cannot_be_read_is_an_error_and_not_the_default() {
        let kept = |gate: Value| {
            GateSpec::of_effective(&json!({"metrics": [{"name": "exact"}], "gate": gate}))
        };
        let gate = kept(json!({"alpha": 0.01})).expect("readable").expect("a gate");
        assert_eq!((gate.alpha, gate.is_default), (0.01, false));
        assert!(kept(Value::Null).expect("readable").is_none());
        assert!(GateSpec::of_effective(&Value::Null).expect("readable").is_none());
        let error = kept(json!({"alfa": 0.01})).expect_err("a later version's").to_string();
        assert!(error.contains("the gate that the run was made with cannot be read"), "{error}");
    }
}
