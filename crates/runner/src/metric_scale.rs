//! What reports and gates need to know of a metric's values: where they lie, which are better, and
//! how the value of a whole run is made where it is no mean.

use std::collections::BTreeMap;

use evalmark_core::metric::{MetricKind, MetricSpec};
use evalmark_scoring::{Corpus, Metric, catalog};
use evalmark_store::run_record::{KeptMetric, MetricScale, MetricScales, RunRecord};
use evalmark_verdict::CorpusMetric;

use crate::{error::Advised, load::LoadedSuite};

/// Where a metric's values lie, and which are better, as `run.json` keeps it.
pub(crate) fn scale_of(metric: &Metric) -> MetricScale {
    let (range, direction) = (metric.range(), metric.direction());
    match metric.corpus().filter(|corpus| !corpus.is_mean()) {
        None => MetricScale { range, direction, value: None },
        Some(corpus) => MetricScale {
            range: corpus.range().unwrap_or(range),
            direction,
            value: corpus.values(&vec![0.0; corpus.width()]).into_iter().next().map(|v| v.0),
        },
    }
}

/// The scales of a suite's metrics.
pub(crate) fn scales(loaded: &LoadedSuite) -> MetricScales {
    loaded.metrics.iter().map(|metric| (metric.name().to_owned(), scale_of(metric))).collect()
}

/// The metrics of a run whose value is no mean, compiled again from the suite that the run keeps.
pub(crate) fn corpus_metrics(
    record: &RunRecord,
) -> Result<BTreeMap<String, Metric>, KeptMetricError> {
    let is_corpus = |kept: &&KeptMetric| {
        record.scales.get(&kept.name).is_some_and(|scale| scale.value.is_some())
    };
    let compiled = |kept: &KeptMetric| {
        let name = kept.name.as_str();
        let found = |kind: &MetricKind| Some((kind.name, kept.setting(kind.name)?));
        let (kind, params) = catalog()
            .iter()
            .find_map(found)
            .ok_or_else(|| KeptMetricError::UnknownKind { name: name.to_owned() })?;
        // The value of a run depends on the parameters alone.
        let spec = MetricSpec::new(name, kind, params.clone());
        let metric = Metric::compile(&spec).map_err(|error| KeptMetricError::Params {
            name: name.to_owned(),
            problem: error.message,
        })?;
        Ok((name.to_owned(), metric))
    };
    record.effective_suite.metrics().iter().filter(is_corpus).map(compiled).collect()
}

impl Advised for KeptMetricError {}

/// A metric of a kept suite that this version cannot make again, so that the value of a run cannot be
/// told from the mean of its answers' scores.
#[derive(Debug, thiserror::Error)]
pub enum KeptMetricError {
    /// No kind of metric is called so.
    #[error("the metric `{name}` of the run is of a kind that this version does not know")]
    UnknownKind {
        /// The metric's name.
        name: String,
    },
    /// Its parameters are not what they were.
    #[error("the metric `{name}` of the run cannot be computed by this version: {problem}")]
    Params {
        /// The metric's name.
        name: String,
        /// What is wrong with its parameters.
        problem: String,
    },
}

/// A metric's value of a run, as the verdict crate takes it.
#[derive(Clone, Copy)]
pub(crate) struct RunValue<'a> {
    pub corpus: &'a dyn Corpus,
    /// Every value of the run, or the one alone that the metric stands for.
    pub all: bool,
}

impl CorpusMetric for RunValue<'_> {
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
