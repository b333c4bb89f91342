//! A few samples of a run at a time, from any place or in any order, and only those that are wanted:
//! what is looked at to choose them is read first, and the rest of those that were chosen.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use evalmark_core::record::Outcome;

use super::{
    open::{ReadError, TableReader},
    sample_order::TopRows,
    sample_query::Wanted,
    samples::{SampleRecord, decode, variable, word},
    typed_columns::Frame,
};
pub use super::{
    sample_order::{SampleOrder, SortKey},
    sample_query::SampleQuery,
};
use crate::columns::{SAMPLES, SCORE_PREFIX, SLICE_PREFIX};

/// Which part of the wanted samples.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// The first row to look at, from 0; in an order, the place of the first sample in it.
    pub from: u64,
    /// Samples of a page.
    pub size: usize,
    /// For how long to look for them, at most: a page may hold fewer then.
    pub time: Duration,
}

/// A sample as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedSample {
    /// Its row in the file, from 0.
    pub row: u64,
    /// The item's id.
    pub item_id: String,
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// Repetition, from 0.
    pub epoch: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The right answers.
    pub targets: Vec<String>,
    /// The answer.
    pub output: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// One score per metric, in the order of [`SamplePages::metrics`]; `None` is missing.
    pub scores: Vec<Option<f64>>,
    /// Service time, milliseconds.
    pub latency_ms: Option<f64>,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
}

/// Some samples of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplePage {
    /// The samples, in the file's order or the one asked for.
    pub samples: Vec<ListedSample>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<u64>,
    /// Rows of the file.
    pub n_rows: u64,
    /// The row up to which was looked.
    pub upto: u64,
    /// How many of these rows are wanted, where the page is in an order.
    pub n_wanted: Option<u64>,
    /// Whether the time was over before the page was full, or before all rows were put in order.
    pub is_cut_short: bool,
}

/// The samples of a run, from which pages are taken.
pub struct SamplePages {
    reader: TableReader,
    metrics: Vec<String>,
    score_columns: Vec<String>,
    slices: Vec<String>,
    slice_columns: Vec<String>,
}

impl SamplePages {
    /// Opens a `samples.parquet` and reads its footer.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let reader = TableReader::open(path)?;
        let (score_columns, metrics) = variable(&reader, SCORE_PREFIX);
        let (slice_columns, slices) = variable(&reader, SLICE_PREFIX);
        Ok(Self { reader, metrics, score_columns, slices, slice_columns })
    }

    /// Names of the metrics.
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// Names of the slice columns.
    pub fn slices(&self) -> &[String] {
        &self.slices
    }

    /// How many samples there are.
    pub fn n_rows(&self) -> u64 {
        self.reader.n_rows()
    }

    /// The sample of one row, whole; `None` beyond the last.
    pub fn sample(&self, row: u64) -> Result<Option<SampleRecord>, ReadError> {
        let fixed = SAMPLES.iter().map(|column| column.name);
        let variable = self.score_columns.iter().chain(&self.slice_columns).map(String::as_str);
        let columns: Vec<&str> = fixed.chain(variable).collect();
        let look = |frame: &Frame<'_>| decode(frame, &self.score_columns, &self.slice_columns);
        let found = self.reader.rows_at(row, 1, &columns, look)?;
        Ok(found.and_then(|mut found| found.pop()))
    }

    /// One page of the samples that are wanted, in the file's order. Memory stays bounded, whatever
    /// the number of samples.
    pub fn page(&self, query: &SampleQuery, request: PageRequest) -> Result<SamplePage, ReadError> {
        let (begun, n_rows) = (Instant::now(), self.n_rows());
        let size = request.size.max(1);
        let (mut samples, mut is_cut_short) = (Vec::new(), false);
        let columns = self.looked_at(query);
        let is_wanted = Wanted::new(query);
        let mut from = request.from.min(n_rows);
        while from < n_rows {
            let missing = size - samples.len();
            let most = if columns.is_empty() { missing } else { usize::MAX };
            let look = |frame: &Frame<'_>| Ok((is_wanted.rows(frame)?, frame.height as u64));
            let Some((mut wanted, n_looked)) = self.reader.rows_at(from, most, &columns, look)?
            else {
                break;
            };
            let is_full = wanted.len() >= missing;
            wanted.truncate(missing);
            let rows: Vec<u64> = wanted.iter().map(|place| from + *place as u64).collect();
            samples.extend(self.listed(&rows)?);
            from += n_looked;
            if is_full {
                from = samples.last().map_or(from, |last| last.row + 1);
                break;
            }
            if begun.elapsed() >= request.time {
                is_cut_short = from < n_rows;
                break;
            }
        }
        let next = (from < n_rows).then_some(from);
        Ok(SamplePage { samples, next, n_rows, upto: from, n_wanted: None, is_cut_short })
    }

    /// One page of the samples that are wanted, in this order. All rows are looked at for it, as far as
    /// the time suffices. Memory grows with the place of the page alone, up to
    /// [`SampleOrder::DEEPEST`], where pages end.
    pub fn page_in_order(
        &self,
        query: &SampleQuery,
        order: &SampleOrder,
        request: PageRequest,
    ) -> Result<SamplePage, ReadError> {
        let (begun, n_rows) = (Instant::now(), self.n_rows());
        let (key, is_wanted) = (order.by.column(), Wanted::new(query));
        let mut columns = self.looked_at(query);
        if !columns.contains(&&*key) {
            columns.push(&key);
        }
        let first = request.from.min(SampleOrder::DEEPEST);
        let end = (first + request.size as u64).min(SampleOrder::DEEPEST);
        let mut top = TopRows::new(end, order.is_descending);
        let mut upto = 0;
        while upto < n_rows {
            let look = |frame: &Frame<'_>| {
                let values = frame.later_float(&key)?;
                for row in is_wanted.rows(frame)? {
                    let value = values.as_ref().and_then(|values| values.get(row));
                    top.push(value, frame.first_row + row as u64);
                }
                Ok(frame.height as u64)
            };
            let Some(n_looked) = self.reader.rows_at(upto, usize::MAX, &columns, look)? else {
                break;
            };
            upto += n_looked;
            if begun.elapsed() >= request.time {
                break;
            }
        }
        let n_wanted = top.n_seen();
        let samples = self.listed(&top.finish(first))?;
        let next = (end < n_wanted && end < SampleOrder::DEEPEST).then_some(end);
        let is_cut_short = upto < n_rows;
        Ok(SamplePage { samples, next, n_rows, upto, n_wanted: Some(n_wanted), is_cut_short })
    }

    /// These rows as a list shows them, in this order. Those that lie in one part of the file are read
    /// together.
    fn listed(&self, rows: &[u64]) -> Result<Vec<ListedSample>, ReadError> {
        let scores = self.score_columns.iter().map(String::as_str);
        let columns: Vec<&str> = LISTED.into_iter().chain(scores).collect();
        let mut ascending = rows.to_vec();
        ascending.sort_unstable();
        let mut left = &*ascending;
        let mut found = Vec::with_capacity(rows.len());
        while let (Some(&start), Some(&end)) = (left.first(), left.last()) {
            let most = usize::try_from(end - start).unwrap_or(usize::MAX).saturating_add(1);
            let look = |frame: &Frame<'_>| {
                let n = left.partition_point(|row| row - start < frame.height as u64);
                let places = left[..n].iter().map(|row| usize::try_from(row - start).unwrap_or(0));
                let listed = places.map(|place| listed(frame, place, &self.score_columns));
                Ok((listed.collect::<Result<Vec<_>, _>>()?, n))
            };
            match self.reader.rows_at(start, most, &columns, look)? {
                Some((some, n)) if n > 0 => {
                    found.extend(some);
                    left = &left[n..];
                }
                _ => break,
            }
        }
        let place = |sample: &ListedSample| rows.iter().position(|row| *row == sample.row);
        found.sort_by_cached_key(place);
        Ok(found)
    }

    /// The columns that tell whether a sample is wanted.
    fn looked_at(&self, query: &SampleQuery) -> Vec<&str> {
        let metric = query.at_most.as_ref().map(|(metric, _)| metric.as_str());
        let is_it = |column: &&String| column.strip_prefix(SCORE_PREFIX) == metric;
        let score = self.score_columns.iter().filter(is_it).map(String::as_str);
        query.columns().into_iter().chain(score).collect()
    }
}

/// The columns of a list, but for those of scores.
const LISTED: [&str; 10] = [
    "item_id",
    "prompt",
    "model",
    "epoch",
    "outcome",
    "targets",
    "output",
    "error",
    "latency_ms",
    "cost_usd",
];

fn listed(frame: &Frame<'_>, at: usize, scores: &[String]) -> Result<ListedSample, ReadError> {
    let outcome = frame.text("outcome")?;
    let scores = scores.iter().map(|name| Ok(frame.float(name)?.get(at)));
    Ok(ListedSample {
        row: frame.first_row + at as u64,
        item_id: frame.text("item_id")?.owned(at)?,
        prompt: frame.text("prompt")?.owned(at)?,
        model: frame.text("model")?.owned(at)?,
        epoch: frame.int32("epoch")?.count(at)?,
        outcome: word(outcome.some(at)?).ok_or_else(|| outcome.bad(at, "is not an outcome"))?,
        targets: frame.texts("targets")?.texts(at)?,
        output: frame.text("output")?.maybe_owned(at),
        error: frame.text("error")?.maybe_owned(at),
        scores: scores.collect::<Result<_, ReadError>>()?,
        latency_ms: frame.float("latency_ms")?.get(at),
        cost_usd: frame.float("cost_usd")?.get(at),
    })
}
