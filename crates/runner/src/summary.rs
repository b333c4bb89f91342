//! Means and totals of one variant, over all items and over each slice, made as its samples go by.

use std::collections::BTreeMap;

use evalmark_core::{item::Item, metric::Range, record::Record, score::Score};
use evalmark_report::{
    latency::LatencyHistogram,
    run_values::{ConfusionRow, RunValueRow},
    samples::Layout,
    summary::{PassAttempts, Share, StreamFigures, SummaryRow},
};
use evalmark_scoring::Metric;
use evalmark_store::run_record::MetricScale;
use evalmark_verdict::{Accumulator, ScoreRange, pass_at_k, pass_hat_k};

use crate::{corpus_metric::CorpusMetric, metric_scale::scale_of, variants::cluster_key};

/// Confidence of the intervals in tables.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// The running summary of one prompt x model.
pub(crate) struct VariantSummary {
    prompt: String,
    model: String,
    metrics: Vec<String>,
    scales: Vec<MetricScale>,
    /// Parallel to the metrics; `None` where scores are all there is to say.
    pools: Vec<Option<CorpusMetric>>,
    slices: Vec<String>,
    /// Attempts at each item.
    epochs: u32,
    /// Over all items first; then by slice column and value.
    groups: BTreeMap<GroupKey, Group>,
    current: Option<CurrentItem>,
}

/// Which items: all of them, or those with a value in the slice column of this index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum GroupKey {
    All,
    Slice(usize, Option<String>),
}

struct Group {
    /// Places of its items in the pools; empty where there are no pools.
    places: Vec<usize>,
    /// Answers of items that the metric concerns, by metric.
    n_planned: Vec<u64>,
    n_scored: Vec<u64>,
    means: Vec<Accumulator>,
    /// pass@k and pass^k of each metric, over the items.
    attempts: Vec<[Accumulator; 2]>,
    latency: LatencyHistogram,
    /// Of what was streamed.
    streams: Option<Box<Streams>>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cost_usd: Option<f64>,
}

/// When first tokens came, and how many followed each second.
#[derive(Default)]
struct Streams {
    first_tokens: LatencyHistogram,
    /// Rates, which differ from times in name only.
    rates: LatencyHistogram,
}

/// The item whose epochs are going by: sum and count of each metric's scores.
struct CurrentItem {
    index: u64,
    cluster: Option<u64>,
    groups: Vec<GroupKey>,
    sums: Vec<(f64, u32)>,
    /// Attempts of each metric that passed; `None` where nothing passes or fails.
    passes: Vec<Option<u64>>,
}

impl VariantSummary {
    pub(crate) fn new(
        layout: &Layout<'_>,
        metrics: &[Metric],
        names: (&str, &str),
        epochs: u32,
    ) -> Self {
        let scales = metrics.iter().map(scale_of).collect();
        let pools = metrics.iter().map(CorpusMetric::of).collect();
        Self { pools, ..Self::of_scores(layout, scales, names, epochs) }
    }

    /// One whose metrics' scores are all there is to say; `scales` is parallel to the metrics.
    pub(crate) fn of_scores(
        layout: &Layout<'_>,
        scales: Vec<MetricScale>,
        (prompt, model): (&str, &str),
        epochs: u32,
    ) -> Self {
        Self {
            pools: scales.iter().map(|_| None).collect(),
            scales,
            epochs,
            prompt: prompt.to_owned(),
            model: model.to_owned(),
            metrics: layout.metrics.to_vec(),
            slices: layout.slices.to_vec(),
            groups: BTreeMap::new(),
            current: None,
        }
    }

    /// Takes in a sample; an item's epochs come one after the other.
    pub(crate) fn push(
        &mut self,
        item: &Item,
        record: &Record,
        cost_usd: Option<f64>,
        scores: &[Score],
    ) {
        if self.current.as_ref().is_none_or(|current| current.index != item.index) {
            self.close_item();
            self.current = Some(CurrentItem::new(item, self.metrics.len()));
            for pool in self.pools.iter_mut().flatten() {
                pool.begin(item);
            }
        }
        for (pool, score) in self.pools.iter_mut().zip(scores) {
            if let Some(pool) = pool {
                pool.take(score);
            }
        }
        let Some(current) = &mut self.current else { return };
        for (i, score) in scores.iter().enumerate() {
            if let Some(value) = score.value {
                let sum = &mut current.sums[i];
                *sum = (sum.0 + value, sum.1 + 1);
                if let Some(passed) = score.passed {
                    let passes = current.passes[i].get_or_insert(0);
                    *passes += u64::from(passed);
                }
            }
        }
        for key in &current.groups {
            let group = self.groups.entry(key.clone()).or_insert_with(|| Group::new(&self.scales));
            group.push(record, cost_usd, scores);
        }
    }

    fn close_item(&mut self) {
        let Some(current) = self.current.take() else { return };
        for key in &current.groups {
            let Some(group) = self.groups.get_mut(key) else { continue };
            group.places.extend(self.pools.iter().flatten().next().map(CorpusMetric::last));
            for (i, (sum, n)) in current.sums.iter().enumerate().filter(|(_, (_, n))| *n > 0) {
                // Scores are finite and in range; what is not would be a metric's bug, and
                // leaves the item out of the mean rather than out of the report.
                let _ = group.means[i].push(sum / f64::from(*n), current.cluster);
                let Some(passed) = current.passes[i] else { continue };
                let (n, k) = (u64::from(*n), u64::from(self.epochs));
                let chances = [pass_at_k(n, passed, k), pass_hat_k(n, passed, k)];
                for (chance, all) in chances.into_iter().zip(&mut group.attempts[i]) {
                    // An item with fewer attempts than k says nothing of k of them.
                    let _ = chance.map(|chance| all.push(chance, current.cluster));
                }
            }
        }
    }

    /// One row per metric over all items, then per slice value; and the values of the whole run.
    pub(crate) fn finish(mut self) -> Finished {
        self.close_item();
        let mut rows = Vec::new();
        for (key, group) in &self.groups {
            let (slice, slice_value) = match key {
                GroupKey::All => (None, None),
                GroupKey::Slice(i, value) => (self.slices.get(*i).cloned(), value.clone()),
            };
            for (i, metric) in self.metrics.iter().enumerate() {
                let row = group.row(i, self.epochs);
                let scale = &self.scales[i];
                let pool = self.pools[i].as_ref().filter(|_| scale.value.is_some());
                let estimate = match pool {
                    Some(pool) => pool.value(&group.places),
                    None => row.estimate,
                };
                rows.push(SummaryRow {
                    estimate,
                    value: scale.value.clone(),
                    range: scale.range,
                    direction: scale.direction,
                    prompt: self.prompt.clone(),
                    model: self.model.clone(),
                    metric: metric.clone(),
                    slice: slice.clone(),
                    slice_value: slice_value.clone(),
                    ..row
                });
            }
        }
        let mut finished = Finished { rows, ..Finished::default() };
        for pool in self.pools.iter().flatten() {
            let (values, cells) = pool.finish(&self.prompt, &self.model);
            finished.run_values.extend(values);
            finished.confusion.extend(cells);
        }
        finished
    }
}

/// All that is said of a variant.
#[derive(Default)]
pub(crate) struct Finished {
    pub rows: Vec<SummaryRow>,
    pub run_values: Vec<RunValueRow>,
    pub confusion: Vec<ConfusionRow>,
}

impl Extend<Finished> for Finished {
    fn extend<I: IntoIterator<Item = Finished>>(&mut self, variants: I) {
        for variant in variants {
            self.rows.extend(variant.rows);
            self.run_values.extend(variant.run_values);
            self.confusion.extend(variant.confusion);
        }
    }
}

impl CurrentItem {
    fn new(item: &Item, n_metrics: usize) -> Self {
        let slices = item.slices.iter().enumerate();
        let slices = slices.map(|(i, value)| GroupKey::Slice(i, value.clone()));
        Self {
            index: item.index,
            cluster: item.cluster.as_deref().map(cluster_key),
            groups: std::iter::once(GroupKey::All).chain(slices).collect(),
            sums: vec![(0.0, 0); n_metrics],
            passes: vec![None; n_metrics],
        }
    }
}

impl Streams {
    fn figures(&self) -> StreamFigures {
        StreamFigures {
            first_token_p50_ms: self.first_tokens.quantile(0.5),
            first_token_p95_ms: self.first_tokens.quantile(0.95),
            tokens_per_second_p50: self.rates.quantile(0.5),
            tokens_per_second_p95: self.rates.quantile(0.95),
        }
    }
}

impl Group {
    fn new(scales: &[MetricScale]) -> Self {
        let n_metrics = scales.len();
        let mean = |scale: &MetricScale| {
            // The scores behind a value of the whole run have a range of their own.
            let range = if scale.value.is_some() { Range::Open } else { scale.range };
            Accumulator::new(ScoreRange::of(range))
        };
        Self {
            places: Vec::new(),
            n_planned: vec![0; n_metrics],
            n_scored: vec![0; n_metrics],
            means: scales.iter().map(mean).collect(),
            attempts: vec![[(); 2].map(|()| Accumulator::new(ScoreRange::UNIT)); n_metrics],
            latency: LatencyHistogram::new(),
            streams: None,
            input_tokens: None,
            output_tokens: None,
            cost_usd: None,
        }
    }

    fn push(&mut self, record: &Record, cost_usd: Option<f64>, scores: &[Score]) {
        let counts = self.n_planned.iter_mut().zip(&mut self.n_scored);
        for ((n_planned, n_scored), score) in counts.zip(scores) {
            *n_planned += u64::from(!score.not_applicable);
            *n_scored += u64::from(score.value.is_some());
        }
        if let Some(latency) = record.timing.latency_ms {
            self.latency.record(latency);
        }
        if let Some(first_token) = record.first_token_ms() {
            let streams = self.streams.get_or_insert_default();
            streams.first_tokens.record(first_token);
            record.tokens_per_second().inspect(|rate| streams.rates.record(*rate));
        }
        for (total, tokens) in [
            (&mut self.input_tokens, record.usage.input_tokens),
            (&mut self.output_tokens, record.usage.output_tokens),
        ] {
            if let Some(tokens) = tokens {
                *total = Some(total.unwrap_or_default().saturating_add(tokens));
            }
        }
        add(&mut self.cost_usd, cost_usd);
    }

    /// What `k` attempts make of an item, where there are several.
    fn attempts(&self, metric: usize, k: u32) -> Option<PassAttempts> {
        let [any, all] = &self.attempts[metric];
        let share = |chances: &Accumulator| chances.finish(CONFIDENCE).map(Share::from);
        (k > 1).then(|| Some(PassAttempts { k: k.into(), any: share(any)?, all: share(all)? }))?
    }

    fn row(&self, metric: usize, epochs: u32) -> SummaryRow {
        SummaryRow {
            n_planned: self.n_planned[metric],
            n_scored: self.n_scored[metric],
            n_missing: self.n_planned[metric] - self.n_scored[metric],
            estimate: self.means[metric].finish(CONFIDENCE),
            latency_p50_ms: self.latency.quantile(0.5),
            latency_p95_ms: self.latency.quantile(0.95),
            streams: self.streams.as_deref().map(Streams::figures).unwrap_or_default(),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cost_usd: self.cost_usd,
            attempts: self.attempts(metric, epochs),
            ..SummaryRow::default()
        }
    }
}

/// Adds what is known; a total of nothing known stays unknown.
pub(crate) fn add<T: std::ops::Add<Output = T> + Copy>(total: &mut Option<T>, more: Option<T>) {
    if let Some(more) = more {
        *total = Some(total.map_or(more, |sum| sum + more));
    }
}
