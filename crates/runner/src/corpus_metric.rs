//! What a metric says of a whole run beyond a mean: collected as the samples of one variant go by, item by
//! item, and estimated at the end.

use evalmark_core::{estimate::Estimate, item::Item, score::Score};
use evalmark_report::run_values::{ConfusionRow, RunValueRow};
use evalmark_scoring::{Corpus, Metric};
use evalmark_store::run_record::MetricScale;
use evalmark_verdict::{CorpusEstimate, ItemCounts, ItemScore, ScoreRange, corpus_estimates};

use crate::{
    metric_scale::{RunValue, scale_of},
    summary::CONFIDENCE,
    variants::unscored,
};

/// A metric's counts of every item of one variant.
pub(crate) struct CorpusMetric {
    metric: Metric,
    pub scale: MetricScale,
    items: Vec<ItemScore>,
    counts: Vec<ItemCounts>,
}

impl CorpusMetric {
    /// `None` for a metric whose scores are all there is to say.
    pub(crate) fn of(metric: &Metric) -> Option<Self> {
        metric.corpus()?;
        let (metric, scale) = (metric.clone(), scale_of(metric));
        Some(Self { metric, scale, items: Vec::new(), counts: Vec::new() })
    }

    /// Begins an item; its answers follow.
    pub(crate) fn begin(&mut self, item: &Item) {
        self.items.push(unscored(item));
        self.counts.push(Vec::new());
    }

    /// Takes in an answer to the item.
    pub(crate) fn take(&mut self, score: &Score) {
        if let (Some(of_item), Some(counts)) = (self.counts.last_mut(), &score.counts) {
            of_item.push(counts.as_slice().into());
        }
    }

    /// The place of the item that was begun last.
    pub(crate) fn last(&self) -> usize {
        self.items.len().saturating_sub(1)
    }

    /// The value that the metric stands for over some of the items, where it is no mean.
    pub(crate) fn value(&self, places: &[usize]) -> Option<Estimate> {
        self.scale.value.as_ref()?;
        let items: Vec<_> = places.iter().map(|&at| self.items[at]).collect();
        let counts: Vec<_> = places.iter().map(|&at| self.counts[at].clone()).collect();
        self.estimates(&items, &counts, false).into_iter().next().flatten()
    }

    fn estimates(
        &self,
        items: &[ItemScore],
        counts: &[ItemCounts],
        all: bool,
    ) -> Vec<CorpusEstimate> {
        let Some(corpus) = self.metric.corpus() else { return Vec::new() };
        let range = ScoreRange::of(self.scale.range);
        corpus_estimates(items, counts, &RunValue { corpus, all }, range, CONFIDENCE)
    }

    /// Every value over all items, and the confusion matrix.
    pub(crate) fn finish(
        &self,
        prompt: &str,
        model: &str,
    ) -> (Vec<RunValueRow>, Vec<ConfusionRow>) {
        let Some(corpus) = self.metric.corpus() else { return Default::default() };
        let sums = self.sums(corpus);
        let metric = self.metric.name();
        let estimates = self.estimates(&self.items, &self.counts, true);
        let values = corpus.values(&sums).into_iter().zip(estimates);
        let row = |((name, _), estimate): ((String, Option<f64>), CorpusEstimate)| {
            let (value, class) = match name.split_once('.') {
                Some((value, class)) => (value.to_owned(), Some(class.to_owned())),
                None => (name, None),
            };
            let (prompt, model, metric) = (prompt.to_owned(), model.to_owned(), metric.to_owned());
            RunValueRow { prompt, model, metric, value, class, estimate }
        };
        let cell = |cell: evalmark_scoring::Confused| ConfusionRow {
            prompt: prompt.to_owned(),
            model: model.to_owned(),
            metric: metric.to_owned(),
            target: cell.target,
            predicted: cell.predicted,
            count: whole(cell.count),
        };
        (values.map(row).collect(), corpus.confusion(&sums).into_iter().map(cell).collect())
    }

    fn sums(&self, corpus: &dyn Corpus) -> Vec<f64> {
        let mut sums = vec![0.0; corpus.width()];
        for counts in self.counts.iter().flatten() {
            corpus.add(&mut sums, counts, 1.0);
        }
        sums
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of ones")]
fn whole(count: f64) -> u64 {
    count as u64
}
