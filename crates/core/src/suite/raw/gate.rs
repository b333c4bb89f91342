//! A gate, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What decides pass or fail against a baseline.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGate {
    /// Name of the baseline that `run` compares with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<String>,
    /// Whether a missing baseline is only a warning. Otherwise a run without its baseline ends with
    /// exit code 4, unless it is started with `--new-baseline`; default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) baseline_optional: bool,
    /// The suite's earlier name, where its baselines were made under that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_suite: Option<String>,
    /// Whether a baseline keeps the answers of its run: always, or never; default: as long as they
    /// take no more than 5 MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_answers: Option<bool>,
    /// One-sided error rate of each bound; default 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0001, max = 0.4999))]
    pub(crate) alpha: Option<f64>,
    /// Share of items that both runs must have; default 0.95.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) min_paired: Option<f64>,
    /// How regressions are corrected for the number of comparisons; default: holm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correction: Option<RawCorrection>,
    /// Whether a run stops asking as soon as its answer is certain; default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stop_early: bool,
    /// Gated metrics, amounts that may not grow (`latency_p95`, `first_token_p95`, `cost_usd`,
    /// `output_tokens`), and `tokens_per_second`, which may not fall;
    /// default: every metric, each with margin 0.03.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<std::collections::BTreeMap<String, RawGateMetric>>,
}

/// How regressions are corrected for the number of comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawCorrection {
    /// Holm's step-down procedure.
    Holm,
    /// Max-T by sign flips of whole items: less strict where comparisons share items.
    MaxT,
}

/// One gated metric.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGateMetric {
    /// The largest acceptable drop (where lower values are better: rise), in units of the metric;
    /// default 0.03, and 3 where values lie in [0, 100]. Of an amount: the largest acceptable growth
    /// (of `tokens_per_second`: drop) as a share of the baseline's; default 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0001))]
    pub(crate) margin: Option<f64>,
    /// The lowest acceptable mean; its interval decides, not its point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    /// The same where lower values are better: the largest acceptable mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub(crate) max: Option<f64>,
}
