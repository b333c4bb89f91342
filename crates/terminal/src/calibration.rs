//! A calibration for a terminal: the noise of every metric, and the margins that can be resolved.

use evalmark_core::{
    metric::Range,
    number_format::{
        NONE, count, counted, decimal, declared, declared_percent, detectable, detectable_percent,
        difference, or_none, percentage,
    },
};
use evalmark_store::calibration::{Calibration, CalibrationFigure, CalibrationSets};
use evalmark_verdict::midp_attainable_pairs;

use crate::{
    Screen,
    variant_tables::{by_variant, figures},
};

/// The calibration as lines of text.
pub fn render(calibration: &Calibration, screen: Screen) -> String {
    let header = [
        "metric",
        "first %",
        "second %",
        "noise (points)",
        "flips %",
        "sd",
        "detects",
        "margin",
        "items",
    ];
    let groups = by_variant(&calibration.figures, CalibrationFigure::variant, row);
    let mut lines = vec![title(calibration), figures(&header, 1, &groups, screen)];
    lines.extend(notes(calibration, screen));
    lines.join("\n")
}

fn title(calibration: &Calibration) -> String {
    let (items, epochs) = (calibration.n_items, calibration.epochs);
    let sets = match calibration.sets {
        CalibrationSets::TwoRuns => format!("two runs over {}", counted(items, "item")),
        CalibrationSets::EpochHalves => {
            format!("{}, the even against the odd of {epochs} epochs", counted(items, "item"))
        }
    };
    format!("{} against itself: {sets}", calibration.suite)
}

fn row(figure: &CalibrationFigure) -> Vec<String> {
    let mean = |mean: Option<f64>| or_none(mean.map(percentage));
    let points = |change: f64| difference(change, Range::Unit);
    let noise = match (figure.difference, figure.lower, figure.upper) {
        (Some(change), Some(lower), Some(upper)) => {
            format!("{} [{}, {}]", points(change), points(lower), points(upper))
        }
        (Some(change), ..) => points(change),
        _ => NONE.to_owned(),
    };
    vec![
        figure.metric.clone(),
        mean(figure.first_mean),
        mean(figure.second_mean),
        noise,
        percentage(figure.flip_rate),
        or_none(figure.sd.map(decimal)),
        figure.resolvable_margin.map_or("none".to_owned(), |drop| detectable(drop, Range::Unit)),
        or_none(figure.margin.map(|margin| declared(margin, Range::Unit))),
        or_none(figure.items_needed.map(count)),
    ]
}

fn notes(calibration: &Calibration, screen: Screen) -> Vec<String> {
    let mut notes = screen.wrap(
        "",
        &format!(
            "detects: the smallest drop, in points, that {} and {} detect with {} \
         power at alpha {}, at the upper 95 % bound of the noise; a prompt that changes more \
         answers than chance does needs more; items: how many resolve the margin",
            counted(calibration.n_items, "item"),
            counted(calibration.epochs.into(), "epoch"),
            declared_percent(calibration.power),
            calibration.alpha,
        ),
    );
    notes.extend(silence(calibration).into_iter().flat_map(|note| screen.wrap("", &note)));
    let clustered = calibration.figures.iter().filter_map(|figure| figure.clusters);
    notes.extend(clustered.max().into_iter().flat_map(|clusters| {
        let note = "where the items of a cluster change together, clusters count as the sample";
        screen.wrap("", &format!("clusters: the items are in {} clusters; {note}", count(clusters)))
    }));
    notes
}

/// What it means that nothing changed.
fn silence(calibration: &Calibration) -> Option<String> {
    let silent = calibration.figures.iter().filter(|figure| figure.differing == 0);
    let silent: Vec<_> = silent.collect();
    let one = silent.first()?;
    let which = if silent.len() == calibration.figures.len() {
        "no score changed".to_owned()
    } else {
        let names = silent.iter().map(|f| format!("{} · {}", f.variant(), f.metric));
        format!("no score of {} changed", names.collect::<Vec<_>>().join(", "))
    };
    Some(format!(
        "noise: {which}, so sampling adds none, and the suite resolves any difference between two \
         prompts down to the limit of the test, for which {} must change; up to {} of the \
         items may still be noisy without having shown it",
        attainable(one, calibration.alpha),
        detectable_percent(one.flip_rate_upper),
    ))
}

/// What it takes for any test to show a drop: so many items on one side, or so many clusters.
fn attainable(figure: &CalibrationFigure, alpha: f64) -> String {
    match figure.clusters {
        Some(_) => format!("{} clusters", (-alpha.log2()).ceil()),
        None => format!("{} items", midp_attainable_pairs(alpha)),
    }
}
