//! Scores of a run, variant by variant: what every decision about runs is made from.

use std::sync::{Arc, OnceLock};

use crate::{
    corpus_metric::{CountedVariant, ItemCounts},
    item_names::{ItemName, ItemNames},
    item_places::{ItemPlaces, TablePlaces},
    item_scores::{ItemScores, ScoreColumn},
    item_table::{ItemIdentity, ItemTable},
    tallies::Tally,
};

/// One prompt x model: its items, and their scores by metric.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// Variants that have the same items share them.
    items: Arc<ItemTable>,
    /// The first so many of them are the variant's.
    n_items: usize,
    names: ItemNames,
    metrics: Vec<Column>,
    /// The first place of the item whose answers go by.
    current: usize,
}

/// One metric or amount of a variant.
#[derive(Clone, Debug, Default)]
struct Column {
    metric: String,
    /// One entry per item that the metric concerns.
    scores: ScoreColumn,
    /// What people say of the same items; only those that they were asked about.
    labels: ScoreColumn,
    /// What each item's answers add to a value of the whole run, parallel to the scores as far as it goes.
    counts: Vec<ItemCounts>,
    /// The same of a metric that has none.
    no_counts: OnceLock<Vec<ItemCounts>>,
}

impl Column {
    /// Adds what other items score, the first of which has this place.
    fn append(&mut self, part: Self, first: usize) {
        if !part.counts.is_empty() {
            self.counts.resize(self.scores.len(), Vec::new());
            self.counts.extend(part.counts);
        }
        self.scores.append(&part.scores, first);
        self.labels.append(&part.labels, first);
    }
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

    /// The same, which shares the items of another as long as it has the same.
    #[must_use]
    pub fn with_items_of(self, other: &Self) -> Self {
        Self { items: other.items.clone(), ..self }
    }

    /// Whether this is its first item.
    pub fn begins_with(&self, item: &ItemIdentity) -> bool {
        self.items.has(0, item)
    }

    /// The items' scores of one metric, or the amounts.
    pub fn scores(&self, metric: &str) -> Option<ItemScores<'_>> {
        self.column(metric).map(|column| ItemScores::of_column(&self.items, &column.scores))
    }

    /// What the item is called whose score of one metric stands at this place.
    pub fn name(&self, metric: &str, at: usize) -> Option<ItemName<'_>> {
        let scores = &self.column(metric)?.scores;
        (at < scores.len()).then(|| self.names.get(scores.place(at)))?
    }

    /// The id of the item whose score of one metric stands at this place, where it was not left in a file.
    pub fn id(&self, metric: &str, at: usize) -> Option<&str> {
        match self.name(metric, at)? {
            ItemName::Id(id) => Some(id),
            ItemName::Row(_) => None,
        }
    }

    /// The human labels of one metric.
    pub fn labels(&self, metric: &str) -> ItemScores<'_> {
        let column = self.column(metric);
        column.map_or_else(ItemScores::default, |column| {
            ItemScores::of_column(&self.items, &column.labels)
        })
    }

    /// The items' scores of one metric, and what they add to its value of the whole run.
    pub fn counted(&self, metric: &str) -> Option<CountedVariant<'_>> {
        let column = self.column(metric)?;
        let items = ItemScores::of_column(&self.items, &column.scores);
        let counts = if column.counts.len() == items.len() {
            &column.counts
        } else {
            column.no_counts.get_or_init(|| {
                let mut counts = column.counts.clone();
                counts.resize(items.len(), Vec::new());
                counts
            })
        };
        Some(CountedVariant { items, counts })
    }

    /// Names of the metrics, in the order in which they were pushed.
    pub fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(|column| column.metric.as_str())
    }

    /// Mean of the items' means; below every score where there is none.
    pub fn mean(&self, metric: &str) -> f64 {
        let scores = self.scores(metric).unwrap_or_default();
        let with_score = scores.iter().filter(|item| item.n_scored > 0);
        let (sum, n) = with_score.fold((0.0, 0_u32), |(sum, n), item| {
            (sum + item.sum / f64::from(item.n_scored), n + 1)
        });
        if n == 0 { f64::NEG_INFINITY } else { sum / f64::from(n) }
    }

    /// Key and content of every item.
    pub fn items(&self) -> impl Iterator<Item = (u128, u128)> {
        (0..self.n_items).map(|at| self.items.get(at)).map(|item| (item.key, item.content))
    }

    /// How many items there are.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// Finds the order of the items' keys, which otherwise each comparison of several at once would find.
    pub(crate) fn sort_items(&self) {
        self.items.order();
    }

    /// Says where this variant's items stand, for parts of it.
    pub fn item_places(&self) -> TablePlaces {
        TablePlaces::new(self.items.clone(), self.n_items)
    }

    /// The same variant with the items of these keys only, of one metric; without names. The keys are in
    /// ascending order.
    #[must_use]
    pub fn part(&self, metric: &str, keys: &[u128]) -> Self {
        let is_kept = |place: usize| keys.binary_search(&self.items.key(place)).is_ok();
        self.part_of(metric, |column| column.filtered(is_kept))
    }

    /// The same variant with these items only, of one metric; without names.
    #[must_use]
    pub fn part_at(&self, metric: &str, places: &ItemPlaces) -> Self {
        if !places.are_of(&self.items) || self.items.order().has_duplicates {
            return self.part(metric, places.keys());
        }
        self.part_of(metric, |column| column.part(places.places()))
    }

    /// One metric with some entries of its columns: `take` answers with them, and with where they were.
    fn part_of(
        &self,
        metric: &str,
        take: impl Fn(&ScoreColumn) -> (ScoreColumn, Arc<Vec<u32>>),
    ) -> Self {
        let column = self.column(metric).map_or_else(Column::default, |column| {
            let (scores, taken) = take(&column.scores);
            let has_counts = !column.counts.is_empty();
            let counts = taken.iter().filter(|_| has_counts);
            let counts = counts.map(|&at| column.counts.get(at as usize).cloned());
            let counts = counts.map(Option::unwrap_or_default).collect();
            let has_labels = column.labels.len() > 0;
            let labels = if has_labels { take(&column.labels).0 } else { ScoreColumn::default() };
            Column { scores, labels, counts, ..Column::default() }
        });
        let column = Column { metric: metric.to_owned(), ..column };
        let (items, n_items) = (self.items.clone(), self.n_items);
        Self { items, n_items, metrics: vec![column], ..Self::new(&self.prompt, &self.model) }
    }

    /// Forgets every item but those that `is_kept` names by their keys; shares the items of `like` if they
    /// are the same then.
    pub(crate) fn keep(&mut self, like: Option<&Self>, is_kept: impl Fn(u128) -> bool) {
        let mut kept = Self { metrics: Vec::new(), ..Self::new(&self.prompt, &self.model) };
        if let Some(like) = like {
            kept = kept.with_items_of(like);
        }
        let mut new_places = vec![None; self.n_items];
        for (at, new) in new_places.iter_mut().enumerate() {
            let item = self.items.get(at);
            if is_kept(item.key) {
                *new = Some(kept.n_items);
                kept.push_item(item);
                if let Some(name) = self.names.get(at) {
                    kept.names.push(name);
                }
            }
        }
        let filtered = |column: &ScoreColumn| {
            let mut found = ScoreColumn::default();
            for at in 0..column.len() {
                if let Some(place) = new_places[column.place(at)] {
                    found.push(place, column.tallies.get(at));
                }
            }
            found
        };
        kept.metrics.extend(self.metrics.iter().map(|column| {
            let is_kept = |at: &usize| new_places[column.scores.place(*at)].is_some();
            let counts = (0..column.counts.len()).filter(is_kept);
            let counts = counts.map(|at| column.counts[at].clone()).collect();
            let (scores, labels) = (filtered(&column.scores), filtered(&column.labels));
            let (metric, no_counts) = (column.metric.clone(), OnceLock::new());
            Column { metric, scores, labels, counts, no_counts }
        }));
        *self = kept;
    }

    /// Gives items other ids: `of` says which, by an item's key and content. Shares the items of `like` if
    /// they are the same then.
    pub fn rename_items<'a>(
        &mut self,
        like: Option<&Self>,
        of: impl Fn(u128, u128) -> Option<&'a SameItem>,
    ) {
        let items = std::mem::take(&mut self.items);
        let n_items = std::mem::take(&mut self.n_items);
        self.items = like.map(|like| like.items.clone()).unwrap_or_default();
        for at in 0..n_items {
            let mut item = items.get(at);
            if let Some(same) = of(item.key, item.content) {
                self.names.rename(at, same.id.clone());
                (item.key, item.content) = (same.key, same.content);
            }
            self.push_item(item);
        }
    }

    /// Adds one metric of one answer; answers to an item follow each other. `item` says which item it is,
    /// where it is new.
    pub fn push(
        &mut self,
        item_id: &str,
        metric: &str,
        answer: AnswerScore<'_>,
        item: &ItemIdentity,
    ) {
        self.see(item_id);
        let metric = self.metric_place(metric);
        self.push_answer(ItemName::Id(item_id), metric, answer, item);
    }

    /// Takes note of an answer that one metric does not concern.
    pub fn push_not_applicable(&mut self, item_id: &str, metric: &str, item: &ItemIdentity) {
        self.see(item_id);
        self.metric_place(metric);
        self.place_of(ItemName::Id(item_id), item);
    }

    /// Begins an item, unless it is the one that goes by.
    fn see(&mut self, item_id: &str) {
        let last = self.n_items.checked_sub(1).and_then(|last| self.names.get(last));
        if last != Some(ItemName::Id(item_id)) {
            self.begin_item();
        }
    }

    /// Begins an item: what follows is about another one than what was before.
    pub fn begin_item(&mut self) {
        self.current = self.n_items;
    }

    /// Adds one metric, by its place, of one answer to the item that was begun.
    pub fn push_answer(
        &mut self,
        name: ItemName<'_>,
        metric: usize,
        answer: AnswerScore<'_>,
        item: &ItemIdentity,
    ) {
        let AnswerScore { score, label, counts } = answer;
        let of_item = self.metrics[metric].scores.last_place().filter(|&at| at >= self.current);
        let is_new = of_item.is_none();
        let place = of_item.unwrap_or_else(|| self.place_of(name, item));
        let current = self.current;
        let column = &mut self.metrics[metric];
        if is_new {
            column.scores.push(place, Tally::default().with(score));
        } else {
            column.scores.add_to_last(score);
        }
        if let Some(counts) = counts {
            column.counts.resize(column.scores.len(), Vec::new());
            column.counts.last_mut().into_iter().for_each(|all| all.push(counts.into()));
        }
        if label.is_some() {
            if column.labels.last_place().is_some_and(|at| at >= current) {
                column.labels.add_to_last(label);
            } else {
                column.labels.push(place, Tally::default().with(label));
            }
        }
    }

    /// The same of an answer that no metric concerns.
    pub fn push_unconcerned(&mut self, name: ItemName<'_>, item: &ItemIdentity) {
        self.place_of(name, item);
    }

    /// The place of the item that goes by.
    fn place_of(&mut self, name: ItemName<'_>, item: &ItemIdentity) -> usize {
        let known = (self.current..self.n_items).find(|&at| self.items.has(at, item));
        known.unwrap_or_else(|| {
            self.names.push(name);
            self.push_item(*item);
            self.n_items - 1
        })
    }

    /// Adds an item: the next one of the table, or else to a table of its own.
    fn push_item(&mut self, item: ItemIdentity) {
        if !self.items.has(self.n_items, &item) {
            if self.items.len() != self.n_items || Arc::get_mut(&mut self.items).is_none() {
                self.items = Arc::new(self.items.prefix(self.n_items));
            }
            if let Some(items) = Arc::get_mut(&mut self.items) {
                items.push(item);
            }
        }
        self.n_items += 1;
    }

    /// Adds answers to other items, which follow those that went by.
    pub fn append(&mut self, part: Self) {
        let first = self.n_items;
        for column in part.metrics {
            let place = self.metric_place(&column.metric);
            self.metrics[place].append(column, first);
        }
        if self.items.has_all(first, &part.items) {
            self.n_items += part.n_items;
        } else if self.items.len() == first
            && let Some(items) = Arc::get_mut(&mut self.items)
        {
            items.append(&part.items);
            self.n_items += part.n_items;
        } else {
            (0..part.n_items).for_each(|at| self.push_item(part.items.get(at)));
        }
        self.names.append(part.names);
        self.current = first + part.current;
    }

    /// Makes room for so many items.
    pub fn reserve(&mut self, n_items: usize) {
        if let Some(items) = Arc::get_mut(&mut self.items) {
            items.reserve(n_items);
        }
        self.metrics.iter_mut().for_each(|column| column.scores.tallies.reserve(n_items));
    }

    /// The place of a metric, which is a new one where it has not been seen yet.
    pub fn metric_place(&mut self, metric: &str) -> usize {
        let place = self.metrics.iter().position(|column| column.metric == metric);
        place.unwrap_or_else(|| {
            self.metrics.push(Column { metric: metric.to_owned(), ..Column::default() });
            self.metrics.len() - 1
        })
    }

    fn column(&self, metric: &str) -> Option<&Column> {
        self.metrics.iter().find(|column| column.metric == metric)
    }
}
