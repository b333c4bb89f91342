//! Power estimates.

use std::collections::BTreeSet;

use evalmark_core::{
    metric::Range,
    number_format::{
        count, counted, decimal, declared, declared_percent, detectable, dollars, or_none, percent,
        quantity,
    },
};
use evalmark_runner::{
    DISCORDANCE, ModelEstimate, PowerEstimate, PowerSource, RunPlan, resolvable_margins::POWER,
};
use evalmark_verdict::{Clustering, Resolution};

use crate::{
    Screen,
    variant_tables::{by_variant, figures},
};

/// The gated metrics that planning has no estimate for, in a sentence.
pub fn unplanned(metrics: &[String]) -> Option<String> {
    (!metrics.is_empty()).then(|| {
        format!(
            "not planned for: {} (planning covers only metrics that are means of scores in [0, 1])",
            metrics.join(", ")
        )
    })
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
            "no data for this metric yet: assumes right-or-wrong scores, {} of which change, \
             whatever the number of epochs; `evalmark calibrate` measures it",
            declared_percent(DISCORDANCE)
        ),
    };
    format!("{}: {meaning}", source.as_str())
}

fn row(estimate: &PowerEstimate) -> Vec<String> {
    let Resolution { detectable_drop, items_needed } = estimate.resolution;
    vec![
        estimate.metric.clone(),
        estimate.source.as_str().to_owned(),
        if estimate.spread.right_or_wrong {
            format!("{} change", percent(estimate.spread.variance))
        } else {
            format!("sd {}", decimal(estimate.spread.variance.sqrt()))
        },
        detectable_drop.map_or("none".to_owned(), |drop| detectable(drop, Range::Unit)),
        declared(estimate.margin, Range::Unit),
        or_none(items_needed.map(count)),
    ]
}

/// As a table, with what its words mean below.
pub fn render(power_estimates: &[PowerEstimate], screen: Screen) -> String {
    let header = ["metric", "based on", "variation", "detects", "margin", "items needed"];
    let groups = by_variant(power_estimates, PowerEstimate::variant, row);
    let sources: BTreeSet<&PowerSource> =
        power_estimates.iter().map(|power_estimate| &power_estimate.source).collect();
    let mut lines = vec![figures(&header, 2, &groups, screen)];
    lines.extend(sources.into_iter().flat_map(|source| screen.wrap("", &meaning(source))));
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
        "clusters: the items are in {} clusters, so up to {} of them count as one",
        count(clusters),
        quantity(clustering.design_effect)
    ))
}

/// What is going to be requested of a model, and what it may cost.
pub fn request_estimate(model: &ModelEstimate) -> String {
    let cost =
        model.cost_usd.map_or(String::new(), |cost| format!(", at most about {}", dollars(cost)));
    format!(
        "{}: {}, about {} tokens in, at most {} out{cost}",
        model.name,
        counted(model.samples, "request"),
        count(model.usage.input_tokens.unwrap_or_default()),
        count(model.usage.output_tokens.unwrap_or_default()),
    )
}

/// The line above the table of [`render`].
pub fn header(plan: &RunPlan) -> String {
    let profile = &plan.loaded.plan.profile;
    format!(
        "what {} and {} can detect with {} power at alpha {}, in percentage points:",
        counted(profile.n_items, "item"),
        counted(plan.loaded.plan.epochs.into(), "epoch"),
        declared_percent(POWER),
        plan.gate.alpha,
    )
}
