//! How graded scores are distributed; of right-or-wrong scores the rate says everything.

use minijinja::value::Value;
use serde::Serialize;

use super::super::{
    data::{PageSamples, ScoreDistribution},
    pictures::histogram::histogram,
};

/// One metric of one prompt and model.
#[derive(Serialize)]
pub(super) struct Panel<'a> {
    prompt: &'a str,
    model: &'a str,
    metric: &'a str,
    picture: Value,
    has_baseline: bool,
}

pub(super) fn panels(samples: &PageSamples) -> Vec<Panel<'_>> {
    let panel = |of: &'_ ScoreDistribution| {
        let metric = samples.metrics.iter().find(|metric| metric.name == of.metric);
        let range = metric.map(|metric| metric.range).unwrap_or_default();
        let n: u64 = of.counts.iter().sum();
        let name = format!("distribution of {n} scores of {} for {}", of.metric, of.prompt);
        histogram(of, range, &name)
    };
    let panels = samples.distributions.iter().map(|of| Panel {
        prompt: &of.prompt,
        model: &of.model,
        metric: &of.metric,
        picture: panel(of),
        has_baseline: !of.baseline.is_empty(),
    });
    panels.collect()
}
