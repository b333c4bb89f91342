//! A few samples of a run at a time, from any place, and only those that are wanted: what is looked at
//! to choose them is read first, and the rest of those that were chosen.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use evalmark_core::record::Outcome;

use super::{
    open::{ReadError, TableReader},
    samples::{SampleRecord, decode, variable},
    typed_columns::Frame,
};
use crate::columns::{SAMPLES, SCORE_PREFIX, SLICE_PREFIX};

/// Which samples are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleQuery {
    /// Of this prompt.
    pub prompt: Option<String>,
    /// Of this model.
    pub model: Option<String>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// With this text in the item's id, the question, the answer, a target or the error, in upper or
    /// lower case.
    pub text: Option<String>,
    /// With a score of this metric that is at most so much, or missing.
    pub at_most: Option<(String, f64)>,
}

/// Which part of them.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// The first row to look at, from 0.
    pub from: u64,
    /// Samples of a page.
    pub size: usize,
    /// For how long to look for them, at most: a page may hold fewer then.
    pub time: Duration,
}

/// A sample and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedSample {
    /// Its row in the file, from 0.
    pub row: u64,
    /// The sample.
    pub sample: SampleRecord,
}

/// Some samples of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplePage {
    /// The samples, in the file's order.
    pub samples: Vec<PlacedSample>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<u64>,
    /// Rows of the file.
    pub n_rows: u64,
    /// Whether the time was over before the page was full.
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

    /// The sample of one row, whole; `None` beyond the last.
    pub fn sample(&self, row: u64) -> Result<Option<SampleRecord>, ReadError> {
        Ok(self.whole(row, &[0])?.pop().map(|placed| placed.sample))
    }

    /// One page of the samples that are wanted. Memory stays bounded, whatever the number of samples.
    pub fn page(&self, query: &SampleQuery, request: PageRequest) -> Result<SamplePage, ReadError> {
        let (begun, n_rows) = (Instant::now(), self.reader.n_rows());
        let size = request.size.max(1);
        let mut page = SamplePage { samples: Vec::new(), next: None, n_rows, is_cut_short: false };
        let columns = self.looked_at(query);
        let is_wanted = Wanted::new(query);
        let mut from = request.from;
        while from < n_rows {
            let missing = size - page.samples.len();
            let most = if columns.is_empty() { missing } else { usize::MAX };
            let look = |frame: &Frame<'_>| Ok((is_wanted.rows(frame)?, frame.height as u64));
            let Some((mut wanted, n_looked)) = self.reader.rows_at(from, most, &columns, look)?
            else {
                break;
            };
            let is_full = wanted.len() >= missing;
            wanted.truncate(missing);
            page.samples.extend(self.whole(from, &wanted)?);
            from += n_looked;
            if is_full {
                from = page.samples.last().map_or(from, |last| last.row + 1);
                break;
            }
            if begun.elapsed() >= request.time {
                page.is_cut_short = from < n_rows;
                break;
            }
        }
        page.next = (from < n_rows).then_some(from);
        Ok(page)
    }

    /// These rows with all of their columns: their places after the first, ascending. What lies between
    /// the first and the last of them is read at once, as far as memory allows.
    fn whole(&self, first: u64, places: &[usize]) -> Result<Vec<PlacedSample>, ReadError> {
        let fixed = SAMPLES.iter().map(|column| column.name);
        let variable = self.score_columns.iter().chain(&self.slice_columns).map(String::as_str);
        let columns: Vec<&str> = fixed.chain(variable).collect();
        let mut left = places;
        let mut samples = Vec::with_capacity(places.len());
        while let (Some(&start), Some(&end)) = (left.first(), left.last()) {
            let from = first + start as u64;
            let look = |frame: &Frame<'_>| {
                let n = left.partition_point(|place| place - start < frame.height);
                let mut found = Vec::with_capacity(n);
                for place in &left[..n] {
                    let row = frame.row(place - start);
                    let decoded = decode(&row, &self.score_columns, &self.slice_columns)?;
                    let row = first + *place as u64;
                    found.extend(decoded.into_iter().map(|sample| PlacedSample { row, sample }));
                }
                Ok((found, n))
            };
            match self.reader.rows_at(from, end - start + 1, &columns, look)? {
                Some((found, n)) if n > 0 => {
                    samples.extend(found);
                    left = &left[n..];
                }
                _ => break,
            }
        }
        Ok(samples)
    }

    /// The columns that tell whether a sample is wanted.
    fn looked_at(&self, query: &SampleQuery) -> Vec<&str> {
        let mut columns = Vec::new();
        let mut add = |is_needed: bool, names: &[&'static str]| {
            if is_needed {
                columns.extend_from_slice(names);
            }
        };
        add(query.prompt.is_some(), &["prompt"]);
        add(query.model.is_some(), &["model"]);
        add(query.outcome.is_some(), &["outcome"]);
        add(query.text.is_some(), &["item_id", "request", "output", "targets", "error"]);
        let of_metric = query.at_most.iter().flat_map(|(metric, _)| {
            self.score_columns
                .iter()
                .filter(move |column| column.strip_prefix(SCORE_PREFIX) == Some(metric))
        });
        columns.into_iter().chain(of_metric.map(String::as_str)).collect()
    }
}

/// Tells whether a sample is wanted.
struct Wanted<'a> {
    query: &'a SampleQuery,
    text: Option<Needle>,
}

impl<'a> Wanted<'a> {
    fn new(query: &'a SampleQuery) -> Self {
        Self { query, text: query.text.as_deref().map(Needle::new) }
    }

    /// The rows of a frame that are wanted, by their places in it.
    fn rows(&self, frame: &Frame<'_>) -> Result<Vec<usize>, ReadError> {
        let mut wanted: Vec<usize> = (0..frame.height).collect();
        for (column, value) in [
            ("prompt", self.query.prompt.as_deref()),
            ("model", self.query.model.as_deref()),
            ("outcome", self.query.outcome.map(Outcome::as_str)),
        ] {
            if let Some(value) = value {
                let texts = frame.text(column)?;
                wanted.retain(|&row| texts.get(row) == Some(value));
            }
        }
        if let Some((metric, most)) = &self.query.at_most {
            let column = format!("{SCORE_PREFIX}{metric}");
            // A metric that the run does not have has no scores to be higher.
            if frame.has(&column) {
                let scores = frame.float(&column)?;
                wanted.retain(|&row| scores.get(row).is_none_or(|score| score <= *most));
            }
        }
        if let Some(needle) = &self.text {
            with_text(needle, frame, &mut wanted)?;
        }
        Ok(wanted)
    }
}

/// Keeps the rows that have the text.
fn with_text(needle: &Needle, frame: &Frame<'_>, wanted: &mut Vec<usize>) -> Result<(), ReadError> {
    let columns = ["item_id", "output", "error", "request"]
        .iter()
        .map(|column| frame.text(column))
        .collect::<Result<Vec<_>, _>>()?;
    let targets = frame.texts("targets")?;
    let mut found = Vec::new();
    for &row in wanted.iter() {
        let mut texts = columns.iter().filter_map(|column| column.get(row));
        let is_there = texts.any(|text| needle.is_in(text))
            || targets.texts(row)?.iter().any(|target| needle.is_in(target));
        if is_there {
            found.push(row);
        }
    }
    *wanted = found;
    Ok(())
}

/// A text that is looked for in upper or lower case.
struct Needle {
    lower: String,
    /// Its first byte in both cases, where it is plain ASCII.
    first: Option<[u8; 2]>,
}

impl Needle {
    fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let first = lower.as_bytes().first().filter(|_| lower.is_ascii());
        Self { first: first.map(|byte| [*byte, byte.to_ascii_uppercase()]), lower }
    }

    fn is_in(&self, text: &str) -> bool {
        let Some([small, large]) = self.first else {
            return self.lower.is_empty() || text.to_lowercase().contains(&self.lower);
        };
        let (text, needle) = (text.as_bytes(), self.lower.as_bytes());
        memchr::memchr2_iter(small, large, text).any(|at| {
            text.get(at..at + needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(needle))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Needle;

    #[test]
    fn texts_are_found_in_either_case() {
        for (needle, text, is_there) in [
            ("refund", "I want a REFUND now", true),
            ("REFUND", "refund", true),
            ("refund", "refun", false),
            ("straße", "In der STRAßE", true),
            ("é", "CAFÉ", true),
            ("", "anything", true),
            ("a b", "A B", true),
        ] {
            assert_eq!(Needle::new(needle).is_in(text), is_there, "{needle} in {text}");
        }
    }
}
