//! Rows of scores on their way from a file into variants: parts of the file are condensed on several
//! threads, and handed on in the file's order.

use evalmark_verdict::{AnswerScore, ItemIdentity, ItemName, Variant};

use crate::variants::{ReadRowsError, cluster_key, key};

/// What is the same in each row of an answer.
#[derive(Clone, Copy)]
pub(crate) struct RowOf<'a> {
    pub item_id: &'a str,
    pub item_hash: &'a str,
    pub cluster: Option<&'a str>,
    pub prompt: &'a str,
    pub model: &'a str,
}

/// Rows of one part of a file, condensed.
pub(crate) struct RowBlock {
    /// Position in the file of the first row.
    first_row: u64,
    /// All rows of the file.
    n_rows: u64,
    /// How many rows of the part went by.
    n_seen: u64,
    keeps_ids: bool,
    runs: Vec<VariantRows>,
    last: LastRow,
}

/// What the last row had, as most rows have the same as the one before.
#[derive(Default)]
struct LastRow {
    item_hash: String,
    content: Option<u128>,
    cluster: Option<String>,
}

/// Rows of one variant that follow each other.
struct VariantRows {
    prompt: String,
    model: String,
    /// In the order in which they were seen.
    metrics: Vec<String>,
    items: Vec<ItemRows>,
    scores: Vec<RowScore>,
    /// By the places of the scores.
    labels: Vec<(usize, f64)>,
    counts: Vec<(usize, Box<[f64]>)>,
    first_id: String,
    last_id: String,
}

/// Rows of one item that follow each other.
struct ItemRows {
    item: ItemIdentity,
    /// Whether its id is another than that of the rows before.
    begins: bool,
    row: u64,
    id: Option<Box<str>>,
    /// Place of its first score.
    first: usize,
}

#[derive(Clone, Copy)]
struct RowScore {
    score: Option<f64>,
    metric: u16,
    applies: bool,
}

impl RowBlock {
    pub(crate) fn new(first_row: u64, n_rows: u64, keeps_ids: bool) -> Self {
        let (runs, last) = (Vec::new(), LastRow::default());
        Self { first_row, n_rows, n_seen: 0, keeps_ids, runs, last }
    }

    /// Leaves a row out.
    pub(crate) fn skip(&mut self) {
        self.n_seen += 1;
    }

    /// Adds one row with these scores by metric; `None` is a metric that does not concern the item.
    pub(crate) fn push<'a>(
        &mut self,
        of: RowOf<'_>,
        scores: impl IntoIterator<Item = (&'a str, Option<AnswerScore<'a>>)>,
    ) -> Result<(), ReadRowsError> {
        let content = self.last.content(of.item_hash);
        let last = self.runs.last();
        if last.is_none_or(|last| last.prompt != of.prompt || last.model != of.model) {
            self.runs.push(VariantRows::new(&of));
        }
        let Some(run) = self.runs.last_mut() else { return Ok(()) };
        let row = self.first_row + self.n_seen;
        self.n_seen += 1;
        let has_cluster = self.last.cluster.as_deref() == of.cluster;
        if !has_cluster {
            self.last.cluster = of.cluster.map(str::to_owned);
        }
        run.see(of, content.unwrap_or_default(), has_cluster, row, self.keeps_ids);
        for (metric, answer) in scores {
            if answer.is_some() && content.is_none() {
                let (item_id, hash) = (of.item_id.to_owned(), of.item_hash.to_owned());
                return Err(ReadRowsError::ItemHash { item_id, hash });
            }
            run.add(metric, answer);
        }
        Ok(())
    }
}

impl LastRow {
    /// The item's content as its hash says; `None` where it is no hash.
    fn content(&mut self, item_hash: &str) -> Option<u128> {
        if self.item_hash != item_hash || item_hash.is_empty() {
            item_hash.clone_into(&mut self.item_hash);
            self.content = u128::from_str_radix(item_hash, 16).ok();
        }
        self.content
    }
}

impl VariantRows {
    fn new(of: &RowOf<'_>) -> Self {
        Self {
            prompt: of.prompt.to_owned(),
            model: of.model.to_owned(),
            metrics: Vec::new(),
            items: Vec::new(),
            scores: Vec::new(),
            labels: Vec::new(),
            counts: Vec::new(),
            first_id: of.item_id.to_owned(),
            last_id: String::new(),
        }
    }

    /// Takes note of the item of a row.
    fn see(
        &mut self,
        of: RowOf<'_>,
        content: u128,
        has_last_cluster: bool,
        row: u64,
        keeps_ids: bool,
    ) {
        let last = self.items.last().map(|last| last.item);
        let begins = last.is_none() || self.last_id != of.item_id;
        if let Some(last) = last
            && !begins
            && last.content == content
            && has_last_cluster
        {
            return;
        }
        let key = match last {
            Some(last) if !begins => last.key,
            _ => key(of.item_id),
        };
        let item = ItemIdentity { key, content, cluster: of.cluster.map(cluster_key) };
        of.item_id.clone_into(&mut self.last_id);
        let id = keeps_ids.then(|| of.item_id.into());
        self.items.push(ItemRows { item, begins, row, id, first: self.scores.len() });
    }

    fn add(&mut self, metric: &str, answer: Option<AnswerScore<'_>>) {
        let at = self.scores.len();
        let metric = self.metric(metric);
        let score = answer.and_then(|answer| answer.score);
        self.scores.push(RowScore { score, metric, applies: answer.is_some() });
        let Some(AnswerScore { label, counts, .. }) = answer else { return };
        self.labels.extend(label.map(|label| (at, label)));
        self.counts.extend(counts.map(|counts| (at, counts.into())));
    }

    /// The place of a metric: most often the one behind the last row's.
    fn metric(&mut self, metric: &str) -> u16 {
        let last = self.scores.last().map_or(0, |last| usize::from(last.metric) + 1);
        let next = if last < self.metrics.len() { last } else { 0 };
        let place = if self.metrics.get(next).is_some_and(|next| next == metric) {
            next
        } else {
            self.metrics.iter().position(|known| known == metric).unwrap_or_else(|| {
                self.metrics.push(metric.to_owned());
                self.metrics.len() - 1
            })
        };
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// Adds the rows to their variant; the first item may be the one that went by last there.
    fn add_to(&self, variant: &mut Variant, continues: bool) {
        let metrics: Vec<usize> =
            self.metrics.iter().map(|metric| variant.metric_place(metric)).collect();
        let mut labels = self.labels.iter().peekable();
        let mut counts = self.counts.iter().peekable();
        let ends = self.items.iter().skip(1).map(|item| item.first);
        let ends = ends.chain([self.scores.len()]);
        for ((n, rows), end) in self.items.iter().enumerate().zip(ends) {
            if rows.begins && !(n == 0 && continues) {
                variant.begin_item();
            }
            let name = rows.id.as_deref().map_or(ItemName::Row(rows.row), ItemName::Id);
            for (at, row) in self.scores[rows.first..end].iter().enumerate() {
                if !row.applies {
                    variant.push_unconcerned(name, &rows.item);
                    continue;
                }
                let at = rows.first + at;
                let label = labels.next_if(|label| label.0 == at).map(|label| label.1);
                let counts = counts.next_if(|counts| counts.0 == at).map(|counts| &*counts.1);
                let answer = AnswerScore { score: row.score, label, counts };
                variant.push_answer(name, metrics[usize::from(row.metric)], answer, &rows.item);
            }
        }
    }
}

/// Variants in the order in which they are first seen.
#[derive(Default)]
pub(crate) struct Variants<'a> {
    seen: Vec<Variant>,
    /// The id that went by last in each of them.
    last_ids: Vec<String>,
    /// Variants whose items they share where they have the same.
    like: &'a [Variant],
}

impl<'a> Variants<'a> {
    pub(crate) fn like(like: &'a [Variant]) -> Self {
        Self { like, ..Self::default() }
    }

    pub(crate) fn take(&mut self, block: RowBlock) {
        let n_rows = usize::try_from(block.n_rows).unwrap_or_default();
        for run in block.runs {
            let Some(first) = run.items.first() else { continue };
            let at = self.place(&run, &first.item, n_rows);
            let continues = self.last_ids[at] == run.first_id && self.seen[at].n_items() > 0;
            run.add_to(&mut self.seen[at], continues);
            self.last_ids[at] = run.last_id;
        }
    }

    pub(crate) fn finish(self) -> Vec<Variant> {
        self.seen
    }

    fn place(&mut self, run: &VariantRows, first: &ItemIdentity, n_rows: usize) -> usize {
        let is_it = |v: &Variant| v.prompt == run.prompt && v.model == run.model;
        // The last one is the likeliest.
        self.seen.iter().rposition(is_it).unwrap_or_else(|| {
            let mut variant = Variant::new(&run.prompt, &run.model);
            let known = self.seen.iter().chain(self.like).find(|known| known.begins_with(first));
            if let Some(known) = known {
                variant = variant.with_items_of(known);
            }
            for metric in &run.metrics {
                variant.metric_place(metric);
            }
            // As if all rows of the file were like these; memory that is never used costs nothing.
            let blocks = n_rows.div_ceil(run.scores.len().max(1));
            variant.reserve(known.map_or(blocks * run.items.len(), Variant::n_items));
            self.seen.push(variant);
            self.last_ids.push(String::new());
            self.seen.len() - 1
        })
    }
}
