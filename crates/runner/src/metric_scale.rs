//! What reports and gates need to know of a metric's values: where they lie, which are better, and
//! how the value of a whole run is made where it is no mean.

use std::collections::BTreeMap;

use evalmark_core::metric::{MetricKind, MetricSpec};
use evalmark_scoring::{Corpus, Metric, catalog};
use evalmark_store::run_record::{MetricScale, MetricScales, RunRecord};
use evalmark_verdict::CorpusMetric;

use crate::load::LoadedSuite;

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
pub(crate) fn corpus_metrics(record: &RunRecord) -> BTreeMap<String, Metric> {
    let compiled = record.effective_suite.metrics().iter().filter_map(|kept| {
        let name = kept.name.as_str();
        record.scales.get(name)?.value.as_ref()?;
        let found = |kind: &MetricKind| Some((kind.name, kept.setting(kind.name)?));
        let (kind, params) = catalog().iter().find_map(found)?;
        // The value of a run depends on the parameters alone.
        let spec = MetricSpec::new(name, kind, params.clone());
        Some((name.to_owned(), Metric::compile(&spec).ok()?))
    });
    compiled.collect()
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
