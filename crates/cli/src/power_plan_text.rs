//! Power estimates for a terminal or for programs.

use std::collections::BTreeSet;

use evalmark_runner::{
    DISCORDANCE, PowerEstimate, PowerSource, calibration::advice, calibration::is_worse,
    calibration::rounded_up,
};
use evalmark_verdict::{Clustering, Resolution};
use serde_json::{Value, json};

use crate::table::{amount, by_variant, figures, percent, wrapped};

/// The gated metrics that planning cannot reckon with, in a sentence.
pub(crate) fn unplanned(metrics: &[String]) -> Option<String> {
    (!metrics.is_empty()).then(|| {
        format!(
            "not planned for: {} (planning covers only metrics that are means of scores in [0, 1])",
            metrics.join(", ")
        )
    })
}

/// The word in the table and in JSON.
fn word(source: &PowerSource) -> &'static str {
    match source {
        PowerSource::Calibration(_) => "calibration",
        PowerSource::Epochs(_) => "epochs",
        PowerSource::Bound(_) => "bound",
        PowerSource::Assumption => "assumption",
    }
}

/// What the word stands for.
fn meaning(source: &PowerSource) -> String {
    let meaning = match source {
        PowerSource::Calibration(day) => {
            format!("measured by `evalmark calibrate` on {day}: the upper 95 % bound of the noise")
        }
        PowerSource::Epochs(name) => {
            format!(
                "measured by the epochs of the baseline `{name}`: the upper 95 % bound of the \
                     noise"
            )
        }
        PowerSource::Bound(name) => format!(
            "the baseline `{name}` has one answer per item: a cautious bound, as if a second \
                 answer were unrelated to the first; `evalmark calibrate` measures it"
        ),
        PowerSource::Assumption => format!(
            "no data for this metric yet: assumes that it is right or wrong and that {} of the \
                 items change, at any number of epochs; `evalmark calibrate` measures it",
            percent(DISCORDANCE)
        ),
    };
    format!("{}: {meaning}", word(source))
}

fn row(estimate: &PowerEstimate) -> Vec<String> {
    let Resolution { detectable_drop, items_needed } = estimate.resolution;
    vec![
        estimate.metric.clone(),
        word(&estimate.source).to_owned(),
        if estimate.spread.right_or_wrong {
            format!("{} change", percent(estimate.spread.variance))
        } else {
            format!("sd {:.3}", estimate.spread.variance.sqrt())
        },
        detectable_drop.map_or("none".to_owned(), |drop| amount(rounded_up(drop))),
        amount(estimate.margin),
        items_needed.map_or("-".to_owned(), |items| items.to_string()),
    ]
}

fn json_of(estimate: &PowerEstimate) -> Value {
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
        "source": word(&estimate.source),
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
        |drop| format!("drops of {} points or more", amount(rounded_up(drop))),
    );
    let is_measured =
        matches!(estimate.source, PowerSource::Calibration(_) | PowerSource::Epochs(_));
    let cannot = if is_measured { "cannot" } else { "may not" };
    let epochs = estimate.epochs_needed.filter(|_| is_measured);
    let epochs = epochs.map_or(String::new(), |epochs| format!(", or {epochs} epochs"));
    format!(
        "margin {} points for `{}` {cannot} be resolved: {n_items} items detect {drop} ({}, based \
             on {}); {}{epochs}",
        amount(estimate.margin),
        estimate.metric,
        estimate.variant(),
        word(&estimate.source),
        advice(&estimate.resolution)
    )
}

/// As JSON.
pub(crate) fn as_json(power_estimates: &[PowerEstimate]) -> Vec<Value> {
    power_estimates.iter().map(json_of).collect()
}

/// As a table, with what its words mean below.
pub(crate) fn render(power_estimates: &[PowerEstimate]) -> String {
    let header = ["metric", "based on", "variation", "detects", "margin", "items needed"];
    let groups = by_variant(power_estimates, PowerEstimate::variant, row);
    let sources: BTreeSet<&PowerSource> =
        power_estimates.iter().map(|power_estimate| &power_estimate.source).collect();
    let mut lines = vec![figures(&header, &groups)];
    lines.extend(sources.into_iter().flat_map(|source| wrapped("", &meaning(source))));
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
    worst.into_iter().map(|estimate| warning(estimate, n_items)).collect()
}
