//! What reports and gates need to know of a metric's values: where they lie, which are better, and
//! how the value of a whole run is made where it is no mean.

use std::collections::BTreeMap;

use evalmark_core::metric::{Direction, MetricSpec, Range};
use evalmark_scoring::{Corpus, Metric, catalog};
use evalmark_verdict::{Pooled, Rule};
use serde::{Deserialize, Serialize};

use crate::{load::LoadedSuite, run_folder::RunRecord};

/// A metric's values, as `run.json` keeps them. Runs of earlier versions have scores in [0, 1].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MetricScale {
    /// Where the mean, or the run's value, lies.
    pub(crate) range: Range,
    /// Which values are better.
    pub(crate) direction: Direction,
    /// The name of the run's value, where that is no mean of the answers' scores.
    pub(crate) value: Option<String>,
}

/// Scales by metric.
pub(crate) type MetricScales = BTreeMap<String, MetricScale>;

impl MetricScale {
    pub(crate) fn of(metric: &Metric) -> Self {
        let (range, direction) = (metric.range(), metric.direction());
        match metric.corpus().filter(|corpus| !corpus.is_mean()) {
            None => Self { range, direction, value: None },
            Some(corpus) => Self {
                range: corpus.range().unwrap_or(range),
                direction,
                value: corpus.values(&vec![0.0; corpus.width()]).into_iter().next().map(|v| v.0),
            },
        }
    }

    /// The rule of comparisons for such values.
    pub(crate) fn rule(&self, rule: Rule) -> Rule {
        rule.of_metric(self.range, self.direction)
    }

    /// Whether the values are means of scores in [0, 1], which planning reckons with.
    pub(crate) fn is_share_of_answers(&self) -> bool {
        self.value.is_none() && self.range.is_share()
    }
}

/// The scales of a suite's metrics.
pub(crate) fn scales(loaded: &LoadedSuite) -> MetricScales {
    loaded
        .metrics
        .iter()
        .map(|metric| (metric.name().to_owned(), MetricScale::of(metric)))
        .collect()
}

/// The metrics of a run whose value is no mean, compiled again from the suite that the run keeps.
pub(crate) fn pooled_metrics(record: &RunRecord) -> BTreeMap<String, Metric> {
    let entries = record.effective_suite["metrics"].as_array().into_iter().flatten();
    let compiled = entries.filter_map(|entry| {
        let name = entry["name"].as_str()?;
        record.scales.get(name)?.value.as_ref()?;
        let kind = catalog().iter().find(|kind| entry.get(kind.name).is_some())?;
        // The value of a run depends on the parameters alone.
        let spec = MetricSpec::new(name, kind.name, entry[kind.name].clone());
        Some((name.to_owned(), Metric::compile(&spec).ok()?))
    });
    compiled.collect()
}

/// A metric's value of a run, as the verdict crate takes it.
#[derive(Clone, Copy)]
pub(crate) struct RunValue<'a> {
    pub(crate) corpus: &'a dyn Corpus,
    /// Every value of the run, or the one alone that the metric stands for.
    pub(crate) all: bool,
}

impl Pooled for RunValue<'_> {
    fn width(&self) -> usize {
        self.corpus.width()
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        self.corpus.add(sums, counts, times);
    }

    fn value(&self, sums: &[f64]) -> Option<f64> {
        self.corpus.value(sums)
    }

    fn values(&self, sums: &[f64]) -> Vec<Option<f64>> {
        if !self.all {
            return vec![self.value(sums)];
        }
        self.corpus.numbers(sums)
    }

    fn extremes(&self, counts: &[f64]) -> Option<[Vec<f64>; 2]> {
        self.corpus.extremes(counts)
    }
}
