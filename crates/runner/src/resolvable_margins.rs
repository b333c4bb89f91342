//! A suite measured against itself: what the figures that `calibrate` keeps say of a gate's margins.

use std::path::Path;

use evalmark_core::{
    metric::Range,
    number_format::{
        change, counted, counted_that, declared_change, declared_percent, detectable_change,
        named_p,
    },
    suite::GateSpec,
    verdict::{Measure, Verdict},
};
use evalmark_store::{
    LocalFolder,
    calibration::{Calibration, CalibrationFigure},
    run_record::{EffectiveSuite, KeptModel, NamedHash, RunRecord},
};
use evalmark_verdict::{Clustering, Design, Level, Resolution, Spread, holm};

use crate::{
    RunError,
    error::Result,
    load::{LoadedSuite, metric_hashes},
};

/// The chance of raising a false alarm over two sets that differ by chance alone. It is small: the
/// alarm questions the whole calibration.
const DRIFT: f64 = 0.01;

/// The chance with which a drop of the margin is to be found.
pub const POWER: f64 = 0.8;

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

    pub(crate) fn by_plan(loaded: &'a LoadedSuite) -> Result<Self> {
        let suite = EffectiveSuite::try_from(loaded.suite.effective.clone())?;
        Ok(Self {
            dataset_hash: &loaded.plan.profile.hash,
            metrics: metric_hashes(loaded),
            models: model_hashes(&suite),
        })
    }
}

/// Each model's name with the hash of what it is asked with; where it runs does not matter.
fn model_hashes(effective_suite: &EffectiveSuite) -> Vec<NamedHash> {
    let hashed = |KeptModel { name, provider, model, params }: &KeptModel| {
        let asked_with = format!("{provider} {model} {params}");
        let hash = blake3::hash(asked_with.as_bytes()).to_hex()[..32].to_owned();
        NamedHash { name: name.clone(), hash }
    };
    effective_suite.models().iter().map(hashed).collect()
}

/// The figures of a calibration that hold for what is measured the same way.
pub(crate) fn holding<'a>(
    calibration: &'a Calibration,
    measured: &Measured<'_>,
) -> Vec<&'a CalibrationFigure> {
    let is_same = calibration.dataset_hash == measured.dataset_hash;
    let same = |ours: &[NamedHash], theirs: &[NamedHash], name: &str| {
        let is_it = |named: &&NamedHash| named.name == name;
        let ours = ours.iter().find(is_it);
        ours.is_some() && ours == theirs.iter().find(is_it)
    };
    let holds = |figure: &&CalibrationFigure| {
        is_same
            && same(&calibration.metrics, &measured.metrics, &figure.metric)
            && same(&calibration.models, &measured.models, &figure.model)
    };
    calibration.figures.iter().filter(holds).collect()
}

/// How far single answers of a variant vary.
pub(crate) fn spread(figure: &CalibrationFigure) -> Spread {
    // Where nothing differs, what could differ may differ wholly.
    let right_or_wrong = figure.right_or_wrong || figure.differing == 0;
    Spread { variance: figure.variance, right_or_wrong }
}

pub(crate) fn clustering(figure: &CalibrationFigure) -> Clustering {
    Clustering { clusters: figure.clusters, design_effect: figure.design_effect }
}

/// What so many items and epochs can resolve of it.
pub(crate) fn resolution(
    figure: &CalibrationFigure,
    items: u64,
    epochs: u32,
    alpha: f64,
    margin: f64,
) -> Resolution {
    let (clustering, level) = (clustering(figure), Level::one_sided(alpha));
    let design = Design { items, epochs, clustering, level, power: POWER };
    design.resolution(spread(figure), margin)
}

/// Holds a gate's margins against the suite's calibration: notes on the verdict's comparisons, and
/// one warning for each metric whose margin cannot be resolved.
pub(crate) fn judge_margins(
    out: &Path,
    record: &RunRecord,
    spec: &GateSpec,
    verdict: &mut Verdict,
) -> Vec<String> {
    let calibration = match Calibration::find(&LocalFolder::new(out), &record.suite) {
        Ok(Some(calibration)) => calibration,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let error = RunError::from(error);
            return vec![format!("{}; `evalmark calibrate` rewrites it", error.in_full())];
        }
    };
    let measured = Measured::by_run(record);
    let figures = holding(&calibration, &measured);
    let mut worst: Vec<(&CalibrationFigure, Resolution)> = Vec::new();
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
        let found = resolution(figure, record.n_items, record.epochs, spec.alpha, margin);
        if found.resolves(margin) {
            continue;
        }
        comparison.notes.push(format!(
            "the margin of {} is below what this suite resolves with {} power ({}): \
             expect most runs to be inconclusive",
            points(margin),
            declared_percent(POWER),
            limit(&found, record.n_items, calibration.day())
        ));
        match worst.iter_mut().find(|(other, _)| other.metric == figure.metric) {
            Some(one) if is_worse(&found, &one.1) => *one = (figure, found),
            Some(_) => {}
            None => worst.push((figure, found)),
        }
    }
    let warn = |(figure, found): &(&CalibrationFigure, Resolution)| {
        let margin = spec.metrics.get(&figure.metric).copied().unwrap_or_default().margin;
        format!(
            "margin {} for `{}` is below what this suite can resolve ({} for {}); {}",
            points(margin),
            figure.metric,
            limit(found, record.n_items, calibration.day()),
            figure.variant(),
            advice(found)
        )
    };
    worst.iter().map(warn).collect()
}

/// Whether one resolution detects less than another.
pub(crate) fn is_worse(found: &Resolution, other: &Resolution) -> bool {
    let drop = |resolution: &Resolution| resolution.detectable_drop.unwrap_or(f64::INFINITY);
    drop(found) > drop(other)
}

/// `2.3 points with 240 items, calibrated on 2026-11-22`.
fn limit(found: &Resolution, items: u64, day: &str) -> String {
    let limit = found
        .detectable_drop
        .map_or_else(|| "no drop at all".to_owned(), |drop| detectable_change(drop, Range::Unit));
    format!("{limit} with {}, calibrated on {day}", counted(items, "item"))
}

/// A declared margin.
pub(crate) fn points(margin: f64) -> String {
    declared_change(margin, Range::Unit)
}

/// What to do about a margin that cannot be resolved.
pub(crate) fn advice(found: &Resolution) -> String {
    let more = found.items_needed.map(|items| counted(items, "item"));
    let wider = found
        .detectable_drop
        .map(|drop| format!("a margin of {}", detectable_change(drop, Range::Unit)));
    match (more, wider) {
        (Some(more), Some(wider)) => format!("it takes {more}, or {wider}"),
        (Some(one), None) | (None, Some(one)) => format!("it takes {one}"),
        (None, None) => "it takes more items".to_owned(),
    }
}

/// What is wrong with the calibration, then with the margins.
pub fn warnings(calibration: &Calibration) -> Vec<String> {
    drift(calibration).into_iter().chain(unresolved(calibration)).collect()
}

/// Two sets of the same answers differ by more than chance: it was not the prompt that changed.
fn drift(calibration: &Calibration) -> Vec<String> {
    let tested = calibration.figures.iter().filter_map(|figure| Some((figure, figure.p_same?)));
    let (tested, p): (Vec<&CalibrationFigure>, Vec<f64>) = tested.unzip();
    let drifted = tested.into_iter().zip(holm(&p)).filter(|(_, p)| *p <= DRIFT);
    let warn = |(figure, p): (&CalibrationFigure, f64)| {
        let p = named_p("p", p);
        format!(
            "`{}` of {} differs between the two sets by {}, more than chance explains \
             ({p}): something other than the prompt changes its answers, such as the model's \
             version or the server's load",
            figure.metric,
            figure.variant(),
            change(figure.difference.unwrap_or_default(), Range::Unit),
        )
    };
    drifted.map(warn).collect()
}

/// One warning for each metric whose margin cannot be resolved, about its worst variant.
fn unresolved(calibration: &Calibration) -> Vec<String> {
    let mut worst: Vec<(&CalibrationFigure, f64)> = Vec::new();
    let found = |(figure, margin): (&CalibrationFigure, f64)| {
        resolution(figure, calibration.n_items, calibration.epochs, calibration.alpha, margin)
    };
    let unresolved = calibration.figures.iter().filter(|figure| figure.resolves == Some(false));
    for one in unresolved.filter_map(|figure| Some((figure, figure.margin?))) {
        match worst.iter_mut().find(|(other, _)| other.metric == one.0.metric) {
            Some(other) if is_worse(&found(one), &found(*other)) => *other = one,
            Some(_) => {}
            None => worst.push(one),
        }
    }
    let warn = |(figure, margin): (&CalibrationFigure, f64)| {
        format!(
            "margin {} for `{}` is below what {} ({} for {}); {}",
            points(margin),
            figure.metric,
            counted_that(calibration.n_items, "item", "resolve"),
            figure
                .resolvable_margin
                .map_or("nothing".to_owned(), |drop| detectable_change(drop, Range::Unit)),
            figure.variant(),
            advice(&found((figure, margin)))
        )
    };
    worst.into_iter().map(warn).collect()
}
