//! What a planned run could detect, metric by metric and variant by variant, and how that is known.

use std::{collections::BTreeSet, path::Path};

use anyhow::Result;
use evalmark_core::{
    dataset::Items,
    suite::{GateSpec, GatedMetric},
};
use evalmark_store::{
    LocalFolder,
    baseline::Baseline,
    calibration::{Calibration, CalibrationFigure},
};
use evalmark_verdict::{
    Clustering, Design, ItemScore, Level, Noise, Resolution, Spread, Variant, noise, unrelated,
};
use serde_json::{Value, json};

use crate::{
    calibration::{self, Measured, POWER, advice, holding, is_worse, rounded_up, spread},
    hint::Hinted,
    load::{LoadedSuite, metric_hashes},
    metric_scale::scale_of,
    table::{amount, by_variant, figures, percent, wrapped},
    variants::{read_halves, read_variants},
};

/// Share of items whose score differs between two runs, where nothing tells.
pub(crate) const DISCORDANCE: f64 = 0.2;

/// Nobody asks more often than this for the sake of a margin.
const MOST_EPOCHS: u32 = 32;

/// One gated metric of one prompt x model.
#[derive(Clone, Debug)]
pub(crate) struct PowerEstimate {
    prompt: String,
    model: String,
    metric: String,
    margin: f64,
    source: Source,
    spread: Spread,
    clustering: Clustering,
    pub(crate) resolution: Resolution,
    /// Epochs with which these items resolve the margin, where some do.
    epochs_needed: Option<u32>,
}

/// How the scatter of scores is known; better ones first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
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

/// Whether planning can reckon with a metric: with means of scores in [0, 1], and nothing else.
pub(crate) fn is_planned(loaded: &LoadedSuite, metric: &str) -> bool {
    let compiled = loaded.metrics.iter().find(|compiled| compiled.name() == metric);
    compiled.is_none_or(|compiled| scale_of(compiled).is_share_of_answers())
}

/// The gated metrics that it cannot reckon with, in a sentence.
pub(crate) fn unplanned(loaded: &LoadedSuite, gate: &GateSpec) -> Option<String> {
    let names = gate.scores().map(|(metric, _)| metric);
    let left_out: Vec<_> = names.filter(|metric| !is_planned(loaded, metric)).collect();
    (!left_out.is_empty()).then(|| {
        format!(
            "not planned for: {} (planning covers only metrics that are means of scores in [0, 1])",
            left_out.join(", ")
        )
    })
}

impl<'a> Known<'a> {
    fn new(
        loaded: &'a LoadedSuite,
        calibration: Option<&'a Calibration>,
        baseline: Option<&'a Baseline>,
    ) -> Result<Self> {
        let measured = Measured::by_plan(loaded);
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
        let epochs = if source == Source::Assumption { 1 } else { plan.epochs };
        let design = Design {
            items: plan.survey.n_items,
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
    ) -> Result<(Source, Spread, Clustering)> {
        let is_it =
            |f: &&&CalibrationFigure| f.prompt == prompt && f.model == model && f.metric == metric;
        if let Some(figure) = self.figures.iter().find(is_it) {
            let source = Source::Calibration(self.day.clone());
            return Ok((source, spread(figure), calibration::clustering(figure)));
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
        Ok(from_baseline.unwrap_or((Source::Assumption, guess, self.clustering)))
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
    ) -> Result<Option<(Source, Spread, Clustering)>> {
        let find = |variants| scores_of(variants, prompt, model, metric);
        let name = || self.baseline.name.clone();
        if let Some([even, odd]) = &self.halves
            && let (Some(even), Some(odd)) = (find(even), find(odd))
            && let Some(Noise { spread, clustering, .. }) = noise(even, odd)?
        {
            return Ok(Some((Source::Epochs(name()), spread, clustering)));
        }
        let bound = find(&self.variants).and_then(unrelated);
        Ok(bound.map(|(spread, clustering)| (Source::Bound(name()), spread, clustering)))
    }
}

fn scores_of<'a>(
    variants: &'a [Variant],
    prompt: &str,
    model: &str,
    metric: &str,
) -> Option<&'a [ItemScore]> {
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
    let (mut clusters, mut alone) = (BTreeSet::new(), 0);
    for item in Items::open(&plan.dataset)? {
        match item?.cluster {
            Some(cluster) => drop(clusters.insert(cluster)),
            None => alone += 1,
        }
    }
    Ok(Clustering::cautious(plan.survey.n_items, clusters.len() as u64 + alone))
}

impl Source {
    /// The word in the table and in JSON.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Calibration(_) => "calibration",
            Self::Epochs(_) => "epochs",
            Self::Bound(_) => "bound",
            Self::Assumption => "assumption",
        }
    }

    /// What the word stands for.
    fn says(&self) -> String {
        let says = match self {
            Self::Calibration(day) => format!(
                "measured by `evalmark calibrate` on {day}: the upper 95 % bound of the noise"
            ),
            Self::Epochs(name) => {
                format!(
                    "measured by the epochs of the baseline `{name}`: the upper 95 % bound of the \
                     noise"
                )
            }
            Self::Bound(name) => format!(
                "the baseline `{name}` has one answer per item: a cautious bound, as if a second \
                 answer were unrelated to the first; `evalmark calibrate` measures it"
            ),
            Self::Assumption => format!(
                "no data for this metric yet: assumes that it is right or wrong and that {} of the \
                 items change, at any number of epochs; `evalmark calibrate` measures it",
                percent(DISCORDANCE)
            ),
        };
        format!("{}: {says}", self.as_str())
    }
}

impl PowerEstimate {
    fn variant(&self) -> String {
        format!("{} · {}", self.prompt, self.model)
    }

    fn row(&self) -> Vec<String> {
        let Resolution { detectable_drop, items_needed } = self.resolution;
        vec![
            self.metric.clone(),
            self.source.as_str().to_owned(),
            if self.spread.right_or_wrong {
                format!("{} change", percent(self.spread.variance))
            } else {
                format!("sd {:.3}", self.spread.variance.sqrt())
            },
            detectable_drop.map_or("none".to_owned(), |drop| amount(rounded_up(drop))),
            amount(self.margin),
            items_needed.map_or("-".to_owned(), |items| items.to_string()),
        ]
    }

    /// Whether nothing is known of it.
    pub(crate) fn is_assumed(&self) -> bool {
        self.source == Source::Assumption
    }

    fn resolves(&self) -> bool {
        self.resolution.resolves(self.margin)
    }

    fn json(&self) -> Value {
        let name = match &self.source {
            Source::Epochs(name) | Source::Bound(name) => Some(name),
            _ => None,
        };
        let day = match &self.source {
            Source::Calibration(day) => Some(day),
            _ => None,
        };
        let (variance, right_or_wrong) = (self.spread.variance, self.spread.right_or_wrong);
        json!({
            "prompt": self.prompt,
            "model": self.model,
            "metric": self.metric,
            "margin": self.margin,
            "source": self.source.as_str(),
            "baseline": name,
            "calibrated_on": day,
            "right_or_wrong": right_or_wrong,
            "discordance": right_or_wrong.then_some(variance),
            "sd": variance.sqrt(),
            "clusters": self.clustering.clusters,
            "design_effect": self.clustering.design_effect,
            "detectable_drop": self.resolution.detectable_drop,
            "items_needed": self.resolution.items_needed,
            "epochs_needed": self.epochs_needed,
            "resolves": self.resolves(),
        })
    }

    fn warning(&self, n_items: u64) -> String {
        let drop = self.resolution.detectable_drop.map_or_else(
            || "no drop at all".to_owned(),
            |drop| format!("drops of {} points or more", amount(rounded_up(drop))),
        );
        let is_measured = matches!(self.source, Source::Calibration(_) | Source::Epochs(_));
        let cannot = if is_measured { "cannot" } else { "may not" };
        let epochs = self.epochs_needed.filter(|_| is_measured);
        let epochs = epochs.map_or(String::new(), |epochs| format!(", or {epochs} epochs"));
        format!(
            "margin {} points for `{}` {cannot} be resolved: {n_items} items detect {drop} ({}, based \
             on {}); {}{epochs}",
            amount(self.margin),
            self.metric,
            self.variant(),
            self.source.as_str(),
            advice(&self.resolution)
        )
    }
}

/// As JSON.
pub(crate) fn as_json(power_estimates: &[PowerEstimate]) -> Vec<Value> {
    power_estimates.iter().map(PowerEstimate::json).collect()
}

/// As a table, with what its words mean below.
pub(crate) fn render(power_estimates: &[PowerEstimate]) -> String {
    let header = ["metric", "based on", "variation", "detects", "margin", "items needed"];
    let groups = by_variant(power_estimates, PowerEstimate::variant, PowerEstimate::row);
    let sources: BTreeSet<&Source> =
        power_estimates.iter().map(|power_estimate| &power_estimate.source).collect();
    let mut lines = vec![figures(&header, &groups)];
    lines.extend(sources.into_iter().flat_map(|source| wrapped("", &source.says())));
    let clustering = power_estimates.iter().map(|power_estimate| power_estimate.clustering);
    lines.extend(clustering.reduce(more_clustered).and_then(cluster_line));
    lines.join("\n")
}

fn more_clustered(a: Clustering, b: Clustering) -> Clustering {
    if b.design_effect > a.design_effect { b } else { a }
}

fn cluster_line(clustering: Clustering) -> Option<String> {
    let clusters = clustering.clusters?;
    Some(format!(
        "clusters: the items are in {clusters} clusters, so that up to {:.1} of them count as one",
        clustering.design_effect
    ))
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
    worst.into_iter().map(|power_estimate| power_estimate.warning(n_items)).collect()
}
