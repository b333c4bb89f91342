//! What a planned run could detect, metric by metric and variant by variant, and how that is known.

use std::path::Path;

use evalmark_core::{
    dataset::{DistinctCounter, Items},
    metric::Range,
    number_format::{counted_that, detectable_change},
    suite::{GateSpec, GatedMetric},
};
use evalmark_store::{
    LocalFolder,
    baseline::Baseline,
    calibration::{Calibration, CalibrationFigure},
};
use evalmark_verdict::{
    Clustering, Design, ItemScores, Level, Noise, Resolution, Spread, Variant, noise, unrelated,
};
use serde_json::{Value, json};

use crate::{
    error::{Hinted, Result},
    load::{LoadedSuite, metric_hashes},
    metric_scale::scale_of,
    resolvable_margins::{self, Measured, POWER, advice, holding, is_worse, points, spread},
    variants::{read_halves, read_variants},
};

/// Share of items whose score differs between two runs, where nothing tells.
pub const DISCORDANCE: f64 = 0.2;

/// Nobody asks more often than this for the sake of a margin.
const MOST_EPOCHS: u32 = 32;

/// One gated metric of one prompt x model.
#[derive(Clone, Debug)]
pub struct PowerEstimate {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// The gate's margin, in the metric's unit.
    pub margin: f64,
    /// How the scatter of its scores is known.
    pub source: PowerSource,
    /// How far single answers vary.
    pub spread: Spread,
    /// What the clusters of items leave of their number.
    pub clustering: Clustering,
    /// What the planned items can detect.
    pub resolution: Resolution,
    /// Epochs with which these items resolve the margin, where some do.
    pub epochs_needed: Option<u32>,
}

/// How the scatter of scores is known; better ones first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PowerSource {
    /// Measured on this day.
    Calibration(String),
    /// From the epochs of the baseline of this name.
    Epochs(String),
    /// Bounded by the one answer of the baseline of this name.
    Bound(String),
    /// Not at all.
    Assumption,
}

/// All that may tell how scores scatter.
struct Known<'a> {
    loaded: &'a LoadedSuite,
    figures: Vec<&'a CalibrationFigure>,
    day: String,
    baseline: Option<OfBaseline<'a>>,
    /// What the planned items' clusters leave, where nothing tells.
    clustering: Clustering,
}

struct OfBaseline<'a> {
    baseline: &'a Baseline,
    variants: Vec<Variant>,
    halves: Option<[Vec<Variant>; 2]>,
}

/// What is to be expected of every gated metric of every variant; the calibration is that of `out`.
pub(crate) fn power_estimates(
    loaded: &LoadedSuite,
    out: &Path,
    baseline: Option<&Baseline>,
    gate: &GateSpec,
) -> Result<Vec<PowerEstimate>> {
    let calibration = Calibration::find(&LocalFolder::new(out), &loaded.suite.name)
        .hint("`evalmark calibrate` rewrites it")?;
    let known = Known::new(loaded, calibration.as_ref(), baseline)?;
    let plan = &loaded.plan;
    let mut power_estimates = Vec::new();
    for (prompt, model) in plan.variants() {
        let (prompt, model) = (&*plan.prompts[prompt].name, &*plan.models[model].name);
        let planned = gate.scores().filter(|(metric, _)| is_planned(loaded, metric));
        for (metric, gated) in planned {
            power_estimates.push(known.power_estimate(prompt, model, metric, gated, gate.alpha)?);
        }
    }
    Ok(power_estimates)
}

/// Whether planning has an estimate for a metric: only for means of scores in [0, 1].
pub(crate) fn is_planned(loaded: &LoadedSuite, metric: &str) -> bool {
    let compiled = loaded.metrics.iter().find(|compiled| compiled.name() == metric);
    compiled.is_none_or(|compiled| scale_of(compiled).is_share_of_answers())
}

/// The gated metrics that it has no estimate for.
pub(crate) fn unplanned<'a>(loaded: &LoadedSuite, gate: &'a GateSpec) -> Vec<&'a str> {
    let names = gate.scores().map(|(metric, _)| metric);
    names.filter(|metric| !is_planned(loaded, metric)).collect()
}

impl<'a> Known<'a> {
    fn new(
        loaded: &'a LoadedSuite,
        calibration: Option<&'a Calibration>,
        baseline: Option<&'a Baseline>,
    ) -> Result<Self> {
        let measured = Measured::by_plan(loaded)?;
        Ok(Self {
            loaded,
            figures: calibration.map_or(Vec::new(), |c| holding(c, &measured)),
            day: calibration.map_or(String::new(), |c| c.day().to_owned()),
            baseline: baseline.map(OfBaseline::read).transpose()?,
            clustering: clustering(loaded)?,
        })
    }

    fn power_estimate(
        &self,
        prompt: &str,
        model: &str,
        metric: &str,
        gated: GatedMetric,
        alpha: f64,
    ) -> Result<PowerEstimate> {
        let (source, spread, clustering) = self.best(prompt, model, metric)?;
        let plan = &self.loaded.plan;
        // Epochs quieten the noise of answers; items that are assumed to change stay changed.
        let epochs = if source == PowerSource::Assumption { 1 } else { plan.epochs };
        let design = Design {
            items: plan.profile.n_items,
            epochs,
            clustering,
            level: Level::one_sided(alpha),
            power: POWER,
        };
        let resolution = design.resolution(spread, gated.margin);
        let resolves = |&epochs: &u32| {
            let design = Design { epochs, ..design };
            design.resolution(spread, gated.margin).resolves(gated.margin)
        };
        let epochs_needed = (plan.epochs..=MOST_EPOCHS).find(resolves);
        Ok(PowerEstimate {
            prompt: prompt.to_owned(),
            model: model.to_owned(),
            metric: metric.to_owned(),
            margin: gated.margin,
            source,
            spread,
            clustering,
            resolution,
            epochs_needed,
        })
    }

    /// The best that is known.
    fn best(
        &self,
        prompt: &str,
        model: &str,
        metric: &str,
    ) -> Result<(PowerSource, Spread, Clustering)> {
        let is_it =
            |f: &&&CalibrationFigure| f.prompt == prompt && f.model == model && f.metric == metric;
        if let Some(figure) = self.figures.iter().find(is_it) {
            let source = PowerSource::Calibration(self.day.clone());
            return Ok((source, spread(figure), resolvable_margins::clustering(figure)));
        }
        let measures_the_same = |known: &&OfBaseline<'_>| {
            let hashes = metric_hashes(self.loaded);
            let ours = hashes.iter().find(|named| named.name == metric);
            let theirs = known.baseline.record.metrics.iter().find(|named| named.name == metric);
            ours.is_some() && ours == theirs
        };
        let from_baseline = match self.baseline.as_ref().filter(measures_the_same) {
            Some(known) => known.tell(prompt, model, metric)?,
            None => None,
        };
        let guess = Spread { variance: DISCORDANCE, right_or_wrong: true };
        Ok(from_baseline.unwrap_or((PowerSource::Assumption, guess, self.clustering)))
    }
}

impl<'a> OfBaseline<'a> {
    fn read(baseline: &'a Baseline) -> Result<Self> {
        let scores = baseline.folder.scores();
        let has_epochs = baseline.record.epochs > 1;
        Ok(Self {
            baseline,
            variants: read_variants(&scores)?,
            halves: has_epochs.then(|| read_halves(&scores)).transpose()?,
        })
    }

    fn tell(
        &self,
        prompt: &str,
        model: &str,
        metric: &str,
    ) -> Result<Option<(PowerSource, Spread, Clustering)>> {
        let find = |variants| scores_of(variants, prompt, model, metric);
        let name = || self.baseline.name.clone();
        if let Some([even, odd]) = &self.halves
            && let (Some(even), Some(odd)) = (find(even), find(odd))
            && let Some(Noise { spread, clustering, .. }) = noise(even, odd)?
        {
            return Ok(Some((PowerSource::Epochs(name()), spread, clustering)));
        }
        let bound = find(&self.variants).and_then(unrelated);
        Ok(bound.map(|(spread, clustering)| (PowerSource::Bound(name()), spread, clustering)))
    }
}

fn scores_of<'a>(
    variants: &'a [Variant],
    prompt: &str,
    model: &str,
    metric: &str,
) -> Option<ItemScores<'a>> {
    let variant =
        variants.iter().find(|variant| variant.prompt == prompt && variant.model == model)?;
    variant.scores(metric)
}

/// The most cautious view of the planned items' clusters.
fn clustering(loaded: &LoadedSuite) -> Result<Clustering> {
    let plan = &loaded.plan;
    if plan.dataset.cluster.is_none() {
        return Ok(Clustering::NONE);
    }
    let unkept = |error: std::io::Error| plan.dataset.scratch_error(&error);
    let (mut clusters, mut alone) = (DistinctCounter::new(plan.dataset.scratch), 0);
    for item in Items::open(&plan.dataset)? {
        match item?.cluster {
            Some(cluster) => clusters.see(&cluster).map_err(unkept)?,
            None => alone += 1,
        }
    }
    let n_clusters = clusters.count().map_err(unkept)?;
    Ok(Clustering::cautious(plan.profile.n_items, n_clusters + alone))
}

impl PowerEstimate {
    /// The prompt and model, as they are called in a sentence.
    pub fn variant(&self) -> String {
        format!("{} · {}", self.prompt, self.model)
    }

    /// Whether nothing is known of it.
    pub fn is_assumed(&self) -> bool {
        self.source == PowerSource::Assumption
    }

    /// Whether the margin can be resolved.
    pub fn resolves(&self) -> bool {
        self.resolution.resolves(self.margin)
    }
}

impl PowerSource {
    /// The word in tables and in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Calibration(_) => "calibration",
            Self::Epochs(_) => "epochs",
            Self::Bound(_) => "bound",
            Self::Assumption => "assumption",
        }
    }
}

/// An estimate for programs.
pub(crate) fn json_of(estimate: &PowerEstimate) -> Value {
    let name = match &estimate.source {
        PowerSource::Epochs(name) | PowerSource::Bound(name) => Some(name),
        _ => None,
    };
    let day = match &estimate.source {
        PowerSource::Calibration(day) => Some(day),
        _ => None,
    };
    let (variance, right_or_wrong) = (estimate.spread.variance, estimate.spread.right_or_wrong);
    json!({
        "prompt": estimate.prompt,
        "model": estimate.model,
        "metric": estimate.metric,
        "margin": estimate.margin,
        "source": estimate.source.as_str(),
        "baseline": name,
        "calibrated_on": day,
        "right_or_wrong": right_or_wrong,
        "discordance": right_or_wrong.then_some(variance),
        "sd": variance.sqrt(),
        "clusters": estimate.clustering.clusters,
        "design_effect": estimate.clustering.design_effect,
        "detectable_drop": estimate.resolution.detectable_drop,
        "items_needed": estimate.resolution.items_needed,
        "epochs_needed": estimate.epochs_needed,
        "resolves": estimate.resolves(),
    })
}

fn warning(estimate: &PowerEstimate, n_items: u64) -> String {
    let drop = estimate.resolution.detectable_drop.map_or_else(
        || "no drop at all".to_owned(),
        |drop| format!("drops of {} or more", detectable_change(drop, Range::Unit)),
    );
    let is_measured =
        matches!(estimate.source, PowerSource::Calibration(_) | PowerSource::Epochs(_));
    let cannot = if is_measured { "cannot" } else { "may not" };
    let epochs = estimate.epochs_needed.filter(|_| is_measured);
    let epochs = epochs.map_or(String::new(), |epochs| format!(", or {epochs} epochs"));
    format!(
        "margin {} for `{}` {cannot} be resolved: {} {drop} ({}, based \
             on {}); {}{epochs}",
        points(estimate.margin),
        estimate.metric,
        counted_that(n_items, "item", "detect"),
        estimate.variant(),
        estimate.source.as_str(),
        advice(&estimate.resolution)
    )
}

/// One warning for each metric whose margin cannot be resolved, about its worst variant.
pub(crate) fn warnings(power_estimates: &[PowerEstimate], n_items: u64) -> Vec<String> {
    let mut worst: Vec<&PowerEstimate> = Vec::new();
    for power_estimate in power_estimates.iter().filter(|power_estimate| !power_estimate.resolves())
    {
        match worst.iter_mut().find(|other| other.metric == power_estimate.metric) {
            Some(other) if is_worse(&power_estimate.resolution, &other.resolution) => {
                *other = power_estimate;
            }
            Some(_) => {}
            None => worst.push(power_estimate),
        }
    }
    worst.into_iter().map(|estimate| warning(estimate, n_items)).collect()
}
