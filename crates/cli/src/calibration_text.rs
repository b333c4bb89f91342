//! A calibration for a terminal: the noise of every metric, and the margins that can be resolved.

use evalmark_runner::calibration::rounded_up;
use evalmark_store::calibration::{Calibration, CalibrationFigure, CalibrationSets};
use evalmark_verdict::midp_attainable_pairs;

use crate::table::{amount, by_variant, figures, points, wrapped};

/// The calibration as lines of text.
pub(crate) fn render(calibration: &Calibration) -> String {
    let header = [
        "metric",
        "first %",
        "second %",
        "noise (points)",
        "flips %",
        "sd",
        "resolves",
        "margin",
        "items",
    ];
    let groups = by_variant(&calibration.figures, CalibrationFigure::variant, row);
    let mut lines = vec![title(calibration), figures(&header, 1, &groups)];
    lines.extend(notes(calibration));
    lines.join("\n")
}

fn title(calibration: &Calibration) -> String {
    let (items, epochs) = (calibration.n_items, calibration.epochs);
    let sets = match calibration.sets {
        CalibrationSets::TwoRuns => format!("two runs over {items} items"),
        CalibrationSets::EpochHalves => {
            format!("{items} items, the even against the odd of {epochs} epochs")
        }
    };
    format!("{} against itself: {sets}", calibration.suite)
}

fn row(figure: &CalibrationFigure) -> Vec<String> {
    let mean = |mean: Option<f64>| mean.map_or("-".to_owned(), amount);
    let noise = match (figure.difference, figure.lower, figure.upper) {
        (Some(difference), Some(lower), Some(upper)) => {
            format!("{} [{}, {}]", points(difference), points(lower), points(upper))
        }
        (Some(difference), ..) => points(difference),
        _ => "-".to_owned(),
    };
    vec![
        figure.metric.clone(),
        mean(figure.first_mean),
        mean(figure.second_mean),
        noise,
        amount(figure.flip_rate),
        figure.sd.map_or("-".to_owned(), |sd| format!("{sd:.3}")),
        figure.resolvable_margin.map_or("none".to_owned(), |drop| amount(rounded_up(drop))),
        figure.margin.map_or("-".to_owned(), amount),
        figure.items_needed.map_or("-".to_owned(), |items| items.to_string()),
    ]
}

fn notes(calibration: &Calibration) -> Vec<String> {
    let mut notes = wrapped(
        "",
        &format!(
            "resolves: the smallest drop, in points, that {} items and {} epoch{} detect with {:.0} % \
         power at alpha {}, at the upper 95 % bound of the noise; a prompt that changes more \
         answers than chance does needs more; items: how many resolve the margin",
            calibration.n_items,
            calibration.epochs,
            if calibration.epochs == 1 { "" } else { "s" },
            100.0 * calibration.power,
            calibration.alpha,
        ),
    );
    notes.extend(silence(calibration).into_iter().flat_map(|note| wrapped("", &note)));
    let clustered = calibration.figures.iter().filter_map(|figure| figure.clusters);
    notes.extend(clustered.max().into_iter().flat_map(|clusters| {
        let note = "where clusters move together, they count as the sample";
        wrapped("", &format!("clusters: the items are in {clusters} clusters; {note}"))
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
        format!("no score changed of {}", names.collect::<Vec<_>>().join(", "))
    };
    Some(format!(
        "noise: {which}, so that sampling adds none, and the suite resolves whatever two prompts \
         differ by, down to the limit of the test, which takes {} that change; up to {} % of the \
         items may still be noisy without having shown it",
        attainable(one, calibration.alpha),
        amount(rounded_up(one.flip_rate_upper)),
    ))
}

/// What it takes for any test to show a drop: so many items on one side, or so many clusters.
fn attainable(figure: &CalibrationFigure, alpha: f64) -> String {
    match figure.clusters {
        Some(_) => format!("{:.0} clusters", (-alpha.log2()).ceil()),
        None => format!("{} items", midp_attainable_pairs(alpha)),
    }
}
