//! Scores of a run, variant by variant: what every decision about runs is made from.

use std::collections::HashSet;

use evalmark_core::suite::Amount;

use crate::{
    corpus_metric::{CountedVariant, ItemCounts},
    items::ItemScore,
};

/// One prompt x model: its items, and their scores by metric.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// Item ids, in the order in which they were pushed.
    pub ids: Vec<Box<str>>,
    metrics: Vec<Column>,
}

/// One metric or amount of a variant.
#[derive(Clone, Debug, Default)]
struct Column {
    metric: String,
    /// One entry per item that the metric concerns.
    scores: Vec<ItemScore>,
    /// Parallel to the scores: the item's place among the ids.
    places: Vec<usize>,
    /// What people say of the same items; only those that they were asked about.
    labels: Vec<ItemScore>,
    /// What each item's answers add to a value of the whole run, parallel to the scores.
    counts: Vec<ItemCounts>,
}

/// What an item of one run is called in another, where its id or content is made differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameItem {
    /// Its id there.
    pub id: Box<str>,
    /// The hash of that id.
    pub key: u128,
    /// The hash of its content there.
    pub content: u128,
}

/// One metric of one answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerScore<'a> {
    /// `None` where there is no score.
    pub score: Option<f64>,
    /// What a person says of it, where one was asked.
    pub label: Option<f64>,
    /// What it adds to a value of the whole run.
    pub counts: Option<&'a [f64]>,
}

impl Variant {
    /// A variant without items.
    pub fn new(prompt: &str, model: &str) -> Self {
        Self { prompt: prompt.to_owned(), model: model.to_owned(), ..Self::default() }
    }

    /// The items' scores of one metric, or the amounts.
    pub fn scores(&self, metric: &str) -> Option<&[ItemScore]> {
        self.column(metric).map(|column| column.scores.as_slice())
    }

    /// The id of the item whose score of one metric stands at this place.
    pub fn id(&self, metric: &str, place: usize) -> Option<&str> {
        let place = *self.column(metric)?.places.get(place)?;
        self.ids.get(place).map(|id| &**id)
    }

    /// The human labels of one metric.
    pub fn labels(&self, metric: &str) -> &[ItemScore] {
        self.column(metric).map_or(&[], |column| column.labels.as_slice())
    }

    /// The items' scores of one metric, and what they add to its value of the whole run.
    pub fn counted(&self, metric: &str) -> Option<CountedVariant<'_>> {
        let column = self.column(metric)?;
        Some(CountedVariant { items: &column.scores, counts: &column.counts })
    }

    /// Names of the metrics, in the order in which they were pushed.
    pub fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(|column| column.metric.as_str())
    }

    /// Mean of the items' means; below every score where there is none.
    pub fn mean(&self, metric: &str) -> f64 {
        let scored = self.scores(metric).unwrap_or_default().iter().filter(|i| i.n_scored > 0);
        let (sum, n) = scored.fold((0.0, 0_u32), |(sum, n), item| {
            (sum + item.sum / f64::from(item.n_scored), n + 1)
        });
        if n == 0 { f64::NEG_INFINITY } else { sum / f64::from(n) }
    }

    /// The same variant with the items of these keys only, of one metric; without ids. The keys are in
    /// ascending order.
    #[must_use]
    pub fn part(&self, metric: &str, keys: &[u128]) -> Self {
        let keep = |items: &[ItemScore]| -> Vec<ItemScore> {
            items.iter().filter(|item| keys.binary_search(&item.key).is_ok()).copied().collect()
        };
        let scores = keep(self.scores(metric).unwrap_or_default());
        let labels = keep(self.labels(metric));
        let counted = self.counted(metric).into_iter();
        let counted = counted.flat_map(|variant| variant.items.iter().zip(variant.counts));
        let counts = counted.filter(|(item, _)| keys.binary_search(&item.key).is_ok());
        let counts = counts.map(|(_, counts)| counts.clone()).collect();
        let places = Vec::new();
        let column = Column { metric: metric.to_owned(), scores, places, labels, counts };
        Self { metrics: vec![column], ..Self::new(&self.prompt, &self.model) }
    }

    /// Forgets every item but those that `is_kept` names.
    pub fn keep(&mut self, is_kept: impl Fn(&str) -> bool) {
        let kept: Vec<bool> = self.ids.iter().map(|id| is_kept(id)).collect();
        retain(&mut self.ids, &kept);
        let n_kept_before = kept.iter().scan(0, |n, kept| {
            let before = *n;
            *n += usize::from(*kept);
            Some(before)
        });
        let new_places: Vec<usize> = n_kept_before.collect();
        for column in &mut self.metrics {
            let kept: Vec<bool> = column.places.iter().map(|place| kept[*place]).collect();
            retain(&mut column.scores, &kept);
            retain(&mut column.counts, &kept);
            retain(&mut column.places, &kept);
            column.places.iter_mut().for_each(|place| *place = new_places[*place]);
            let keys: HashSet<u128> = column.scores.iter().map(|item| item.key).collect();
            column.labels.retain(|label| keys.contains(&label.key));
        }
    }

    /// Key and content of every item.
    pub fn items(&self) -> impl Iterator<Item = (u128, u128)> {
        let items = self.metrics.iter().flat_map(|column| column.scores.iter());
        let mut seen = HashSet::new();
        items.map(|item| (item.key, item.content)).filter(move |item| seen.insert(*item))
    }

    /// Gives items other ids: `of` says which, by an item's key and content.
    pub fn rename_items<'a>(&mut self, of: impl Fn(u128, u128) -> Option<&'a SameItem>) {
        for column in &self.metrics {
            for (item, place) in column.scores.iter().zip(&column.places) {
                if let Some(same) = of(item.key, item.content) {
                    self.ids[*place] = same.id.clone();
                }
            }
        }
        let columns = self.metrics.iter_mut();
        let items = columns.flat_map(|column| column.scores.iter_mut().chain(&mut column.labels));
        for item in items {
            if let Some(same) = of(item.key, item.content) {
                (item.key, item.content) = (same.key, same.content);
            }
        }
    }

    /// Adds one metric of one answer; answers to an item follow each other. `unscored` makes the item
    /// without a score, where it is new.
    pub fn push(
        &mut self,
        item_id: &str,
        metric: &str,
        answer: AnswerScore<'_>,
        unscored: impl Fn() -> ItemScore,
    ) {
        let AnswerScore { score, label, counts } = answer;
        let place = self.place_of(item_id);
        let column = self.column_of(metric);
        if column.places.last() != Some(&place) {
            column.places.push(place);
            column.scores.push(unscored());
            column.counts.push(Vec::new());
        }
        if let (Some(of_item), Some(counts)) = (column.counts.last_mut(), counts) {
            of_item.push(counts.into());
        }
        if let Some(item) = column.scores.last_mut() {
            item.add(score);
            if label.is_some() {
                if column.labels.last().is_none_or(|last| last.key != item.key) {
                    column.labels.push(unscored());
                }
                column.labels.last_mut().into_iter().for_each(|last| last.add(label));
            }
        }
    }

    /// Takes note of an answer that one metric does not concern.
    pub fn push_not_applicable(&mut self, item_id: &str, metric: &str) {
        self.place_of(item_id);
        self.column_of(metric);
    }

    /// The place of the item that goes by.
    fn place_of(&mut self, item_id: &str) -> usize {
        if self.ids.last().is_none_or(|id| **id != *item_id) {
            self.ids.push(item_id.into());
        }
        self.ids.len() - 1
    }

    fn column_of(&mut self, metric: &str) -> &mut Column {
        let position = self.metrics.iter().position(|column| column.metric == metric);
        let position = position.unwrap_or_else(|| {
            self.metrics.push(Column { metric: metric.to_owned(), ..Column::default() });
            self.metrics.len() - 1
        });
        &mut self.metrics[position]
    }

    fn column(&self, metric: &str) -> Option<&Column> {
        self.metrics.iter().find(|column| column.metric == metric)
    }
}

fn retain<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter().copied();
    list.retain(|_| kept.next().unwrap_or_default());
}

/// The variants of a run or baseline: their scores, and what their answers took.
#[derive(Clone, Debug, Default)]
pub struct RunScores {
    /// By metric.
    pub scores: Vec<Variant>,
    /// By amount; empty where no amount is gated.
    pub usage: Vec<Variant>,
}

impl RunScores {
    /// The scores, or the amounts, of a variant.
    pub fn variant(&self, prompt: &str, model: &str, amount: Option<Amount>) -> Option<&Variant> {
        let variants = if amount.is_some() { &self.usage } else { &self.scores };
        variants.iter().find(|variant| variant.prompt == prompt && variant.model == model)
    }

    /// Forgets the items that the other run does not have.
    pub fn keep_items_of(&mut self, other: &Self) {
        let ids = other.scores.iter().flat_map(|variant| variant.ids.iter().map(|id| &**id));
        let asked: HashSet<&str> = ids.collect();
        for variant in self.scores.iter_mut().chain(&mut self.usage) {
            variant.keep(|id| asked.contains(id));
        }
    }
}
