//! The table of samples: what of it stands in the page before the script fills it.

use serde::Serialize;

use super::super::data::PageSamples;

/// How many samples there are, and which can be looked through.
#[derive(Serialize)]
pub(super) struct SampleTable {
    total: u64,
    shown: usize,
    is_compared: bool,
    metrics: Vec<String>,
    slices: Vec<String>,
    prompts: Vec<String>,
    models: Vec<String>,
}

impl SampleTable {
    pub(super) fn of(samples: &PageSamples) -> Self {
        let (mut prompts, mut models) = (Vec::new(), Vec::new());
        for frame in &samples.frames {
            for (names, name) in [(&mut prompts, &frame.prompt), (&mut models, &frame.model)] {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        Self {
            total: samples.total,
            shown: samples.samples.len(),
            is_compared: samples.baseline.has_scores,
            metrics: samples.metrics.iter().map(|metric| metric.name.clone()).collect(),
            slices: samples.slices.clone(),
            prompts,
            models,
        }
    }
}
