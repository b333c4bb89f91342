//! Rows of scores on their way from a file into variants: parts of the file become variants of their own on
//! several threads, and are put together in the file's order.

use evalmark_report::{
    ReadError,
    coded_texts::{CodedTexts, RowSubject},
};
use evalmark_verdict::{AnswerScore, ItemIdentity, ItemName, Variant};

use crate::variants::{ReadRowsError, cluster_key, key};

/// Rows of one part of a file, by the variants that they are about.
pub(crate) struct RowBlock {
    keeps_ids: bool,
    /// How many rows the whole file has.
    n_rows_of_file: u64,
    runs: Vec<VariantRows>,
    item: CurrentItem,
}

/// The item that the rows are about.
#[derive(Default)]
struct CurrentItem {
    identity: ItemIdentity,
    item_hash: String,
    /// Whether that is the hash of what an item holds.
    has_content: bool,
    cluster: Option<String>,
    /// The first row about it.
    row: u64,
}

/// Rows of one variant that follow each other.
struct VariantRows {
    n_rows: usize,
    first_id: String,
    /// Rows of the first item, which may have begun in the part before.
    first: Vec<FirstRow>,
    /// All others; and the metrics of both.
    rest: Variant,
    /// The places of metrics, by their codes.
    places: Vec<Option<usize>>,
    last_id: String,
}

struct FirstRow {
    item: ItemIdentity,
    row: u64,
    metric: usize,
    /// `None` where the metric does not concern the item.
    answer: Option<FirstAnswer>,
}

struct FirstAnswer {
    score: Option<f64>,
    label: Option<f64>,
    counts: Option<Box<[f64]>>,
}

impl FirstAnswer {
    fn as_score(&self) -> AnswerScore<'_> {
        AnswerScore { score: self.score, label: self.label, counts: self.counts.as_deref() }
    }
}

impl RowBlock {
    pub(crate) fn new(n_rows_of_file: u64, keeps_ids: bool) -> Self {
        let (runs, item) = (Vec::new(), CurrentItem::default());
        Self { keeps_ids, n_rows_of_file, runs, item }
    }

    /// Says whose the scores are that follow, and in which row of the file they begin.
    pub(crate) fn turn_to(&mut self, subject: &RowSubject<'_>, row: u64) {
        let RowSubject { item_id, prompt, model, .. } = *subject;
        let is_it = |run: &VariantRows| run.rest.prompt == prompt && run.rest.model == model;
        let is_known = self.runs.last().is_some_and(is_it);
        if !is_known {
            self.runs.push(VariantRows::new(subject));
        }
        let Some(run) = self.runs.last_mut() else { return };
        if !is_known || run.last_id != item_id {
            item_id.clone_into(&mut run.last_id);
            run.rest.begin_item();
            self.item.identity.key = key(item_id);
        }
        self.item.turn_to(subject, row);
    }

    /// The place of the metric of a row of the variant that was turned to.
    pub(crate) fn coded_metric(
        &mut self,
        metrics: &CodedTexts<'_>,
        row: usize,
    ) -> Result<usize, ReadError> {
        let Some(run) = self.runs.last_mut() else { return Ok(0) };
        let Some(n_codes) = metrics.n_codes() else {
            return Ok(run.rest.metric_place(metrics.some(row)?));
        };
        let code = metrics.code(row) as usize;
        if let Some(Some(place)) = run.places.get(code) {
            return Ok(*place);
        }
        let place = run.rest.metric_place(metrics.some(row)?);
        run.places.resize(n_codes, None);
        run.places[code] = Some(place);
        Ok(place)
    }

    /// The place of a metric of the variant that was turned to.
    pub(crate) fn metric(&mut self, metric: &str) -> usize {
        self.runs.last_mut().map_or(0, |run| run.rest.metric_place(metric))
    }

    /// Adds a score of what was turned to; `None` where the metric does not concern the item.
    pub(crate) fn push(
        &mut self,
        metric: usize,
        answer: Option<AnswerScore<'_>>,
    ) -> Result<(), ReadRowsError> {
        let Some(run) = self.runs.last_mut() else { return Ok(()) };
        let CurrentItem { identity: item, row, .. } = self.item;
        if answer.is_some() && !self.item.has_content {
            let (item_id, hash) = (run.last_id.clone(), self.item.item_hash.clone());
            return Err(ReadRowsError::ItemHash { item_id, hash });
        }
        run.n_rows += 1;
        if run.rest.n_items() == 0 && run.last_id == run.first_id {
            let answer = answer.map(|AnswerScore { score, label, counts }| FirstAnswer {
                score,
                label,
                counts: counts.map(Into::into),
            });
            run.first.push(FirstRow { item, row, metric, answer });
            return Ok(());
        }
        let name = if self.keeps_ids { ItemName::Id(&run.last_id) } else { ItemName::Row(row) };
        match answer {
            Some(answer) => run.rest.push_answer(name, metric, answer, &item),
            None => run.rest.push_unconcerned(name, &item),
        }
        Ok(())
    }
}

impl CurrentItem {
    fn turn_to(&mut self, subject: &RowSubject<'_>, row: u64) {
        if self.item_hash != subject.item_hash {
            subject.item_hash.clone_into(&mut self.item_hash);
            let content = content(subject.item_hash);
            self.has_content = content.is_some();
            self.identity.content = content.unwrap_or_default();
        }
        if self.cluster.as_deref() != subject.cluster {
            self.cluster = subject.cluster.map(str::to_owned);
            self.identity.cluster = subject.cluster.map(cluster_key);
        }
        self.row = row;
    }
}

/// The hash of an item's content as a number; `None` where it is not hexadecimal.
fn content(item_hash: &str) -> Option<u128> {
    u128::from_str_radix(item_hash, 16).ok()
}

impl VariantRows {
    fn new(subject: &RowSubject<'_>) -> Self {
        Self {
            n_rows: 0,
            first_id: subject.item_id.to_owned(),
            first: Vec::new(),
            rest: Variant::new(subject.prompt, subject.model),
            places: Vec::new(),
            last_id: String::new(),
        }
    }

    /// Adds the rows to their variant; the first item may be the one that went by last there.
    fn add_to(self, variant: &mut Variant, continues: bool, keeps_ids: bool) {
        let metrics: Vec<usize> =
            self.rest.metric_names().map(|metric| variant.metric_place(metric)).collect();
        if !continues {
            variant.begin_item();
        }
        for FirstRow { item, row, metric, answer } in &self.first {
            let name = if keeps_ids { ItemName::Id(&self.first_id) } else { ItemName::Row(*row) };
            match answer {
                Some(answer) => {
                    variant.push_answer(name, metrics[*metric], answer.as_score(), item);
                }
                None => variant.push_unconcerned(name, item),
            }
        }
        if self.rest.n_items() > 0 {
            variant.append(self.rest);
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
        let n_rows = usize::try_from(block.n_rows_of_file).unwrap_or_default();
        for run in block.runs {
            let Some(first) = run.first.first() else { continue };
            let at = self.place(&run, &first.item, n_rows);
            let continues = self.last_ids[at] == run.first_id && self.seen[at].n_items() > 0;
            self.last_ids[at].clone_from(&run.last_id);
            run.add_to(&mut self.seen[at], continues, block.keeps_ids);
        }
    }

    pub(crate) fn finish(self) -> Vec<Variant> {
        self.seen
    }

    fn place(&mut self, run: &VariantRows, first: &ItemIdentity, n_rows: usize) -> usize {
        let is_it = |v: &Variant| v.prompt == run.rest.prompt && v.model == run.rest.model;
        // The last one is the likeliest.
        self.seen.iter().rposition(is_it).unwrap_or_else(|| {
            let mut variant = Variant::new(&run.rest.prompt, &run.rest.model);
            let known = self.seen.iter().chain(self.like).find(|known| known.begins_with(first));
            if let Some(known) = known {
                variant = variant.with_items_of(known);
            }
            for metric in run.rest.metric_names() {
                variant.metric_place(metric);
            }
            // As if all rows of the file were like these; memory that is never used costs nothing.
            let blocks = n_rows.div_ceil(run.n_rows.max(1));
            let n_items = blocks * (run.rest.n_items() + 1);
            variant.reserve(known.map_or(n_items, Variant::n_items));
            self.seen.push(variant);
            self.last_ids.push(String::new());
            self.seen.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like chance.
    fn noise(at: usize) -> usize {
        let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40)
            .unwrap_or_default()
    }

    struct Row {
        id: String,
        hash: String,
        cluster: Option<String>,
        prompt: &'static str,
        metric: &'static str,
        answer: Option<FirstAnswer>,
    }

    /// Two variants of the same items, some of which have no hash, two hashes, or one id; with epochs.
    fn rows() -> Vec<Row> {
        let mut rows = Vec::new();
        for (prompt, item, epoch) in ["a", "b"].iter().flat_map(|prompt| {
            (0..40).flat_map(move |item| (0..3).map(move |epoch| (*prompt, item, epoch)))
        }) {
            for (at, metric) in ["exact", "close", "when"].into_iter().enumerate() {
                let chance = noise(rows.len());
                let same_id = item == 17 || item == 20;
                let score = (!chance.is_multiple_of(7)).then_some((chance % 11) as f64 * 0.1);
                let label = chance.is_multiple_of(5).then_some(1.0);
                let counts = (at == 1).then(|| [chance as f64, 1.0].into());
                rows.push(Row {
                    id: format!("i{}", if same_id { 17 } else { item }),
                    hash: format!("{:032x}", item * 7 + usize::from(item == 5 && epoch == 2)),
                    cluster: item.is_multiple_of(3).then(|| format!("c{}", item / 6)),
                    prompt,
                    metric,
                    answer: (at < 2 || item % 4 > 1).then_some(FirstAnswer {
                        score,
                        label,
                        counts,
                    }),
                });
            }
        }
        rows
    }

    fn block(rows: &[Row], first_row: usize, keeps_ids: bool) -> RowBlock {
        let mut block = RowBlock::new(720, keeps_ids);
        for (row, at) in rows.iter().zip(first_row..) {
            let (item_id, item_hash, cluster) = (&*row.id, &*row.hash, row.cluster.as_deref());
            let subject =
                RowSubject { item_id, item_hash, cluster, prompt: row.prompt, model: "m" };
            block.turn_to(&subject, at as u64);
            let metric = block.metric(row.metric);
            let answer = row.answer.as_ref().map(FirstAnswer::as_score);
            block.push(metric, answer).expect("sound");
        }
        block
    }

    fn shown(variants: &[Variant]) -> String {
        let of_metric = |variant: &Variant, metric: &str| {
            let counted = variant.counted(metric).map(|counted| counted.counts.to_vec());
            let scores = variant.scores(metric).unwrap_or_default().to_vec();
            let names: Vec<_> = (0..scores.len()).map(|at| variant.name(metric, at)).collect();
            format!("{scores:?} {:?} {counted:?} {names:?}", variant.labels(metric).to_vec())
        };
        let of_variant = |variant: &Variant| {
            let metrics = variant.metric_names().map(|metric| of_metric(variant, metric));
            let metrics: Vec<String> = metrics.collect();
            let items: Vec<_> = variant.items().collect();
            format!("{} {items:?} {metrics:?}", variant.prompt)
        };
        variants.iter().map(of_variant).collect::<Vec<_>>().join("\n")
    }

    /// Wherever a file is cut into parts, within an item and an epoch too, its variants are the same.
    #[test]
    fn parts_of_any_length_make_the_same_variants() {
        let rows = rows();
        for keeps_ids in [false, true] {
            let read = |length: usize, like: &[Variant]| {
                let mut variants = Variants::like(like);
                for (part, at) in rows.chunks(length).zip((0..).step_by(length)) {
                    variants.take(block(part, at, keeps_ids));
                }
                variants.finish()
            };
            let whole = read(rows.len(), &[]);
            assert_eq!(whole.len(), 2);
            assert_eq!(whole[0].n_items(), 41);
            let exact = whole[0].scores("exact").expect("scored").to_vec();
            assert!(
                exact
                    .iter()
                    .all(|item| item.n_planned == 3 || item.content == 35 || item.content == 36)
            );
            for length in [1, 2, 3, 4, 7, 9, 10, 100, 359, 361] {
                assert_eq!(shown(&read(length, &[])), shown(&whole), "{length}");
                assert_eq!(shown(&read(length, &whole)), shown(&whole), "{length}");
            }
        }
    }
}
