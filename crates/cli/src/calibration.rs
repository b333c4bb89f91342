//! A suite measured against itself: the figures that `calibrate` keeps, where they are kept, and
//! what they say of a gate's margins.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use evalmark_core::{
    suite::GateSpec,
    verdict::{Measure, Verdict},
};
use evalmark_store::record::{NamedHash, RunRecord};
use evalmark_verdict::{Clustering, Design, Level, Resolution, Spread};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    load::{LoadedSuite, metric_hashes},
    run_folder::write_whole,
    table::amount,
};

/// Version of `calibration.json`.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// The chance with which a drop of the margin is to be found.
pub(crate) const POWER: f64 = 0.8;

/// The content of `calibration.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Calibration {
    pub(crate) format_version: u32,
    pub(crate) tool_version: String,
    pub(crate) suite: String,
    pub(crate) made_at: String,
    /// The runs whose answers were compared.
    pub(crate) run_ids: Vec<String>,
    pub(crate) sets: Sets,
    /// BLAKE3 of ids and contents of the selected items.
    pub(crate) dataset_hash: String,
    pub(crate) n_items: u64,
    pub(crate) epochs: u32,
    /// One-sided error rate of each bound.
    pub(crate) alpha: f64,
    /// The chance with which a drop is to be found.
    pub(crate) power: f64,
    /// Metric names with the hashes of their configuration.
    pub(crate) metrics: Vec<NamedHash>,
    /// Model names with the hashes of what they were asked with.
    pub(crate) models: Vec<NamedHash>,
    /// Prompt names with their hashes.
    pub(crate) prompts: Vec<NamedHash>,
    pub(crate) figures: Vec<Figure>,
}

/// Where the two sets of answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sets {
    /// Two runs.
    TwoRuns,
    /// The even and the odd epochs of one run.
    EpochHalves,
}

/// One metric of one prompt x model against itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) prompt: String,
    pub(crate) model: String,
    pub(crate) metric: String,
    /// Items with a score in both sets.
    pub(crate) n_paired: u64,
    pub(crate) first_mean: Option<f64>,
    pub(crate) second_mean: Option<f64>,
    /// Second minus first: the noise of the mean.
    pub(crate) difference: Option<f64>,
    /// Lower one-sided bound on the difference.
    pub(crate) lower: Option<f64>,
    /// Upper one-sided bound on the difference.
    pub(crate) upper: Option<f64>,
    /// Two-sided p-value against "the two sets have the same mean".
    pub(crate) p_same: Option<f64>,
    /// Whether all scores are 0 or 1.
    pub(crate) right_or_wrong: bool,
    /// Items whose score differs.
    pub(crate) differing: u64,
    /// Their share.
    pub(crate) flip_rate: f64,
    /// Upper 95 % bound on their share.
    pub(crate) flip_rate_upper: f64,
    /// The flip rate of right-or-wrong scores: what a paired test calls discordance.
    pub(crate) discordance: Option<f64>,
    /// Standard deviation of the paired differences.
    pub(crate) sd: Option<f64>,
    /// Upper 95 % bound on the variance of the difference of two single answers.
    pub(crate) variance: f64,
    pub(crate) clusters: Option<u64>,
    /// How many items are worth as much as one independent item.
    pub(crate) design_effect: f64,
    /// The gate's margin, where the metric is gated.
    pub(crate) margin: Option<f64>,
    /// The smallest drop that is found: no smaller margin can be resolved.
    pub(crate) resolvable_margin: Option<f64>,
    /// Items that resolve the gate's margin.
    pub(crate) items_needed: Option<u64>,
    /// Whether the gate's margin can be resolved.
    pub(crate) resolves: Option<bool>,
}

/// What has to be the same for a calibration to hold.
pub(crate) struct Measured<'a> {
    pub(crate) dataset_hash: &'a str,
    pub(crate) metrics: Vec<NamedHash>,
    pub(crate) models: Vec<NamedHash>,
}

impl<'a> Measured<'a> {
    pub(crate) fn by_run(record: &'a RunRecord) -> Self {
        Self {
            dataset_hash: &record.dataset_hash,
            metrics: record.metrics.clone(),
            models: model_hashes(&record.effective_suite),
        }
    }

    pub(crate) fn by_plan(loaded: &'a LoadedSuite) -> Self {
        Self {
            dataset_hash: &loaded.plan.survey.hash,
            metrics: metric_hashes(loaded),
            models: model_hashes(&loaded.suite.effective),
        }
    }
}

/// Each model's name with the hash of what it is asked with; where it runs does not matter.
fn model_hashes(effective_suite: &Value) -> Vec<NamedHash> {
    let models = effective_suite["models"].as_array().into_iter().flatten();
    let hashed = models.filter_map(|model| {
        let asked_with = format!("{} {} {}", model["provider"], model["model"], model["params"]);
        let hash = blake3::hash(asked_with.as_bytes()).to_hex()[..32].to_owned();
        Some(NamedHash { name: model["name"].as_str()?.to_owned(), hash })
    });
    hashed.collect()
}

/// Where a suite's calibration is kept.
pub(crate) fn path_of(out: &Path, suite: &str) -> PathBuf {
    out.join(suite).join("calibration.json")
}

impl Calibration {
    /// The suite's calibration; `None` where there is none.
    pub(crate) fn find(out: &Path, suite: &str) -> Result<Option<Self>> {
        let path = path_of(out, suite);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        let read = |text: &str| {
            let value: Value = serde_json::from_str(text)?;
            let version = &value["format_version"];
            anyhow::ensure!(
                *version == FORMAT_VERSION,
                "it has format version {version}; this evalmark reads version {FORMAT_VERSION}"
            );
            Ok(serde_json::from_value(value)?)
        };
        read(&text).map(Some).with_context(|| format!("{} is not a calibration", path.display()))
    }

    /// Keeps it; answers with the path.
    pub(crate) fn write(&self, out: &Path) -> Result<PathBuf> {
        let path = path_of(out, &self.suite);
        write_whole(&path, &format!("{}\n", serde_json::to_string_pretty(self)?))?;
        Ok(path)
    }

    /// The day it was made.
    pub(crate) fn day(&self) -> &str {
        self.made_at.split('T').next().unwrap_or_default()
    }

    /// The figures that hold for what is measured the same way.
    pub(crate) fn holding(&self, measured: &Measured<'_>) -> impl Iterator<Item = &Figure> {
        let is_same = self.dataset_hash == measured.dataset_hash;
        let same = |ours: &[NamedHash], theirs: &[NamedHash], name: &str| {
            let is_it = |named: &&NamedHash| named.name == name;
            let ours = ours.iter().find(is_it);
            ours.is_some() && ours == theirs.iter().find(is_it)
        };
        let holds = |figure: &&Figure| {
            is_same
                && same(&self.metrics, &measured.metrics, &figure.metric)
                && same(&self.models, &measured.models, &figure.model)
        };
        self.figures.iter().filter(holds).collect::<Vec<_>>().into_iter()
    }
}

impl Figure {
    pub(crate) fn spread(&self) -> Spread {
        // Where nothing differs, what could differ may differ wholly.
        let right_or_wrong = self.right_or_wrong || self.differing == 0;
        Spread { variance: self.variance, right_or_wrong }
    }

    pub(crate) fn clustering(&self) -> Clustering {
        Clustering { clusters: self.clusters, design_effect: self.design_effect }
    }

    /// What so many items and epochs can resolve of it.
    pub(crate) fn resolution(
        &self,
        items: u64,
        epochs: u32,
        alpha: f64,
        margin: f64,
    ) -> Resolution {
        let (clustering, level) = (self.clustering(), Level::one_sided(alpha));
        let design = Design { items, epochs, clustering, level, power: POWER };
        design.resolution(self.spread(), margin)
    }

    pub(crate) fn variant(&self) -> String {
        format!("{} · {}", self.prompt, self.model)
    }
}

/// Holds a gate's margins against the suite's calibration: notes on the verdict's comparisons, and
/// one warning for each metric whose margin cannot be resolved.
pub(crate) fn judge_margins(
    out: &Path,
    record: &RunRecord,
    spec: &GateSpec,
    verdict: &mut Verdict,
) -> Vec<String> {
    let calibration = match Calibration::find(out, &record.suite) {
        Ok(Some(calibration)) => calibration,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![format!("{error:#}; `evalmark calibrate` rewrites it")],
    };
    let measured = Measured::by_run(record);
    let figures: Vec<&Figure> = calibration.holding(&measured).collect();
    let mut worst: Vec<(&Figure, Resolution)> = Vec::new();
    for comparison in &mut verdict.comparisons {
        if comparison.measure != Measure::Difference {
            continue;
        }
        let figure = figures.iter().find(|figure| {
            (&figure.prompt, &figure.model, &figure.metric)
                == (&comparison.prompt, &comparison.model, &comparison.metric)
        });
        let Some(figure) = figure else { continue };
        let margin = comparison.margin;
        let found = figure.resolution(record.n_items, record.epochs, spec.alpha, margin);
        if found.resolves(margin) {
            continue;
        }
        comparison.notes.push(format!(
            "the margin of {} points is below what this suite resolves with {:.0} % power ({}): \
             expect most runs to be inconclusive",
            amount(margin),
            100.0 * POWER,
            limit(&found, record.n_items, calibration.day())
        ));
        match worst.iter_mut().find(|(other, _)| other.metric == figure.metric) {
            Some(one) if is_worse(&found, &one.1) => *one = (figure, found),
            Some(_) => {}
            None => worst.push((figure, found)),
        }
    }
    let warn = |(figure, found): &(&Figure, Resolution)| {
        let margin = spec.metrics.get(&figure.metric).copied().unwrap_or_default().margin;
        format!(
            "margin {} points for `{}` is below what this suite can resolve ({} for {}); {}",
            amount(margin),
            figure.metric,
            limit(found, record.n_items, calibration.day()),
            figure.variant(),
            advice(found)
        )
    };
    worst.iter().map(warn).collect()
}

pub(crate) fn is_worse(found: &Resolution, other: &Resolution) -> bool {
    let drop = |resolution: &Resolution| resolution.detectable_drop.unwrap_or(f64::INFINITY);
    drop(found) > drop(other)
}

/// `2.3 points with 240 items, calibrated on 2026-11-22`.
fn limit(found: &Resolution, items: u64, day: &str) -> String {
    let limit = found.detectable_drop.map_or_else(
        || "no drop at all".to_owned(),
        |drop| format!("{} points", amount(rounded_up(drop))),
    );
    format!("{limit} with {items} items, calibrated on {day}")
}

/// What to do about a margin that cannot be resolved.
pub(crate) fn advice(found: &Resolution) -> String {
    let more = found.items_needed.map(|items| format!("{items} items"));
    let wider = found
        .detectable_drop
        .map(|drop| format!("a margin of {} points", amount(rounded_up(drop))));
    match (more, wider) {
        (Some(more), Some(wider)) => format!("it takes {more}, or {wider}"),
        (Some(one), None) | (None, Some(one)) => format!("it takes {one}"),
        (None, None) => "it takes more items".to_owned(),
    }
}

/// A share, up to the next tenth of a percentage point, so that what is shown is enough.
pub(crate) fn rounded_up(share: f64) -> f64 {
    (share * 1000.0 - 1e-9).ceil() / 1000.0
}
