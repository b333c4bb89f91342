//! The pass over all scores of a run, part by part on all cores: which samples to show, how many there are, and
//! how their scores are distributed.

use std::path::Path;

use evalmark_core::{metric::Range, verdict::Verdict};

use super::{
    super::data::{PageMetric, ScoreDistribution},
    choose::{Candidate, Choice, FlippedItems},
    histograms::Bins,
};
use crate::{
    ReadError,
    gathered_rows::{ScoreRows, gather_passed},
};

/// What one pass over all scores tells.
pub(super) struct Overview {
    n_metrics: u64,
    flipped: FlippedItems,
    choice: Choice,
    distributions: Distributions,
    /// The last sample so far, of which the next part may have more scores.
    last: Option<Candidate>,
    n_samples: u64,
}

/// What a part of the scores adds to it.
struct PartOverview {
    samples: Vec<Candidate>,
    bins: PartBins,
}

impl Overview {
    pub(super) fn new(metrics: &[PageMetric], verdict: Option<&Verdict>) -> Self {
        Self {
            n_metrics: metrics.len().max(1) as u64,
            flipped: FlippedItems::of(verdict),
            choice: Choice::new(metrics.len()),
            distributions: Distributions::new(metrics),
            last: None,
            n_samples: 0,
        }
    }

    /// Reads `scores.parquet`: metric by metric, in the order of the samples.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), ReadError> {
        let Self { n_metrics, flipped, choice, distributions, last, n_samples } = self;
        let graded = distributions.graded.clone();
        let make = |rows: &ScoreRows<'_>| part_overview(rows, *n_metrics, flipped, &graded);
        gather_passed(path, make, |part: PartOverview| {
            for sample in part.samples {
                match last {
                    Some(last) if last.row == sample.row => last.fails |= sample.fails,
                    _ => last.replace(sample).into_iter().for_each(|whole| choice.see(whole)),
                }
            }
            *n_samples = last.map_or(0, |last| last.row + 1);
            distributions.add(part.bins, Side::Candidate);
            Ok(())
        })
    }

    /// Positions of the samples to show, how many there are, and the distributions.
    pub(super) fn finish(mut self) -> (Vec<u64>, u64, Distributions) {
        if let Some(last) = self.last.take() {
            self.choice.see(last);
        }
        (self.choice.finish(), self.n_samples, self.distributions)
    }
}

fn part_overview(
    rows: &ScoreRows<'_>,
    n_metrics: u64,
    flipped: &FlippedItems,
    graded: &Graded,
) -> Result<PartOverview, ReadError> {
    let mut bins = PartBins::default();
    let mut samples = Vec::new();
    let mut row = 0;
    while row < rows.height {
        let at = rows.first_row + row as u64;
        let left = usize::try_from(n_metrics - at % n_metrics).unwrap_or(usize::MAX);
        let end = row.saturating_add(left).min(rows.height);
        let mut fails = false;
        for of_metric in row..end {
            let is_missing = rows.applies(of_metric) && rows.score(of_metric).is_none();
            fails |= is_missing || rows.passed(of_metric) == Some(false);
            bins.see(rows, of_metric, graded, str::to_owned)?;
        }
        let about = rows.subjects.get(row)?;
        samples.push(Candidate::new(flipped, at / n_metrics, &about, fails));
        row = end;
    }
    Ok(PartOverview { samples, bins })
}

/// Whose scores they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Candidate,
    Baseline,
}

/// Metrics whose values are more than right or wrong.
#[derive(Clone)]
pub(super) struct Graded(Vec<(String, Range)>);

/// Whose histogram it is: prompt, model and metric.
type Names = [String; 3];

/// Histograms of the scores of one part of a file.
#[derive(Default)]
pub(super) struct PartBins {
    found: Vec<(Names, Bins)>,
    /// Where the scores of rows with these codes are counted, by the metric's.
    known: Vec<Option<([u32; 3], Option<usize>)>>,
}

/// So many metrics are remembered.
const KNOWN: usize = 64;

impl PartBins {
    /// Counts a score; `rename` tells what the page calls its prompt.
    pub(super) fn see(
        &mut self,
        rows: &ScoreRows<'_>,
        row: usize,
        graded: &Graded,
        rename: impl FnOnce(&str) -> String,
    ) -> Result<(), ReadError> {
        let Some(score) = rows.score(row) else { return Ok(()) };
        let [prompt, model] = rows.subjects.variant_codes(row);
        let codes = [prompt, model, rows.metric.code(row)];
        self.known.resize(KNOWN, None);
        let slot = codes[2] as usize % KNOWN;
        let place = match self.known[slot] {
            Some((known, place)) if known == codes => place,
            _ => {
                let place = self.place(rows, row, graded, rename)?;
                self.known[slot] = Some((codes, place));
                place
            }
        };
        if let Some(place) = place {
            self.found[place].1.push(score);
        }
        Ok(())
    }

    /// Where scores such as this row's are counted; `None` where they are only right or wrong.
    fn place(
        &mut self,
        rows: &ScoreRows<'_>,
        row: usize,
        graded: &Graded,
        rename: impl FnOnce(&str) -> String,
    ) -> Result<Option<usize>, ReadError> {
        let metric = rows.metric.some(row)?;
        let range = graded.0.iter().find(|(name, _)| name == metric);
        let Some((_, range)) = range else { return Ok(None) };
        let about = rows.subjects.get(row)?;
        let names = [rename(about.prompt), about.model.to_owned(), metric.to_owned()];
        let known = self.found.iter().rposition(|(of, _)| *of == names);
        Ok(Some(known.unwrap_or_else(|| {
            self.found.push((names, Bins::new(*range)));
            self.found.len() - 1
        })))
    }
}

/// Histograms by prompt, model and metric.
pub(super) struct Distributions {
    pub(super) graded: Graded,
    found: Vec<Distribution>,
}

struct Distribution {
    names: Names,
    candidate: Bins,
    baseline: Bins,
}

impl Distributions {
    fn new(metrics: &[PageMetric]) -> Self {
        let graded = metrics.iter().filter(|metric| metric.range != Range::Binary);
        let ranges = graded.map(|metric| (metric.name.clone(), metric.range)).collect();
        Self { graded: Graded(ranges), found: Vec::new() }
    }

    /// Adds what a part has; what the run has no counterpart of in the baseline is left out.
    pub(super) fn add(&mut self, part: PartBins, side: Side) {
        for (names, bins) in part.found {
            let known = self.found.iter().rposition(|one| one.names == names);
            match (known, side) {
                (Some(place), Side::Candidate) => self.found[place].candidate.add(bins),
                (Some(place), Side::Baseline) => self.found[place].baseline.add(bins),
                (None, Side::Candidate) => {
                    let baseline = bins.empty();
                    self.found.push(Distribution { names, candidate: bins, baseline });
                }
                (None, Side::Baseline) => {}
            }
        }
    }

    pub(super) fn finish(self) -> Vec<ScoreDistribution> {
        let written = self.found.into_iter().map(|mut one| {
            if !one.baseline.is_empty() {
                one.candidate.align(&mut one.baseline);
            }
            let [low, high] = one.candidate.ends();
            let baseline = if one.baseline.is_empty() { Vec::new() } else { one.baseline.counts() };
            let [prompt, model, metric] = one.names;
            let counts = one.candidate.counts();
            ScoreDistribution { prompt, model, metric, low, high, counts, baseline }
        });
        written.collect()
    }
}
