//! What newly broke and what newly works, with texts.

use std::collections::{BTreeMap, BTreeSet};

use evalmark_core::{
    metric::{Direction, Range},
    number_format::{count, item_score, item_scores},
    verdict::{Comparison, Measure},
};
use serde::Serialize;

use super::{
    super::{
        collect::cut,
        data::{PageData, PageSample, PageSamples, PageScore, SampleChange},
    },
    display_names::{model_of, sample_link},
};

/// Entries of each list.
const SHOWN: usize = 30;
/// Scores shown of an entry.
const SHOWN_SCORES: usize = 3;
/// Characters shown of a text.
const LONGEST: usize = 240;

/// What flipped since the baseline.
#[derive(Serialize)]
pub(super) struct Flips<'a> {
    /// Whether there is a baseline to have flipped since.
    is_compared: bool,
    /// Whether no metric passes or fails: then scores moved, and nothing broke.
    is_graded: bool,
    broke: List<'a>,
    works: List<'a>,
    /// Why the baseline's answers do not stand beside the new ones.
    lacks: Option<String>,
}

/// Those that flipped one way.
#[derive(Serialize)]
struct List<'a> {
    /// How many there are, where all samples of the run are known.
    total: Option<String>,
    entries: Vec<Entry<'a>>,
    /// How many of them stand in the list, where these are not all.
    is_cut: bool,
}

/// A sample that flipped.
#[derive(Serialize)]
struct Entry<'a> {
    item_id: &'a str,
    epoch: u32,
    prompt: &'a str,
    model: Option<&'a str>,
    asked: String,
    before: Option<String>,
    answer: Option<String>,
    error: Option<&'a str>,
    targets: Vec<String>,
    scores: Vec<Moved<'a>>,
    /// Scores that moved beside these.
    n_more: usize,
    /// The class that colours the answer.
    tone: &'static str,
    /// What finds it in the table.
    link: String,
}

/// A score that moved.
#[derive(Serialize)]
struct Moved<'a> {
    metric: &'a str,
    before: String,
    after: String,
    reason: Option<String>,
}

/// A sample and the metric that puts it where it stands.
type Ranked = (usize, usize);

impl<'a> Flips<'a> {
    pub(super) fn of(page: &'a PageData, comparisons: &[&'a Comparison]) -> Self {
        let samples = &page.samples;
        let is_graded = is_graded(samples);
        let is_whole = samples.total == samples.samples.len() as u64 && !is_graded;
        let list = |change: SampleChange| {
            let graded = if is_graded {
                graded_flips(samples, comparisons, change)
            } else {
                BTreeSet::new()
            };
            let ranked = ranked(samples, comparisons, change, &graded);
            let entries = ranked.iter().take(SHOWN);
            let entries = entries.map(|(_, place)| entry(samples, *place, comparisons));
            List {
                total: is_whole.then(|| count(ranked.len() as u64)),
                entries: entries.collect(),
                is_cut: ranked.len() > SHOWN,
            }
        };
        Self {
            is_compared: samples.baseline.has_scores,
            is_graded,
            broke: list(SampleChange::Broke),
            works: list(SampleChange::Works),
            lacks: samples.baseline.lacks.clone(),
        }
    }
}

/// Whether no score of the samples passes or fails.
fn is_graded(samples: &PageSamples) -> bool {
    let mut scores = samples.samples.iter().flat_map(|sample| &sample.scores);
    !scores.any(|score| score.passed.is_some())
}

/// The samples that changed this way, those of the worst comparison first.
fn ranked(
    samples: &PageSamples,
    comparisons: &[&Comparison],
    change: SampleChange,
    graded: &BTreeSet<usize>,
) -> Vec<Ranked> {
    let mut ranks = BTreeMap::new();
    for (rank, comparison) in comparisons.iter().enumerate() {
        let names = (&*comparison.prompt, &*comparison.model, &*comparison.metric);
        ranks.entry(names).or_insert(rank);
    }
    let rank = |sample: &PageSample| {
        let frame = &samples.frames[sample.frame];
        let moved = samples.metrics.iter().zip(&sample.scores).filter(|(_, score)| {
            score.baseline.is_some_and(|baseline| baseline.value != score.value)
        });
        let ranks = moved
            .filter_map(|(metric, _)| ranks.get(&(&*frame.prompt, &*frame.model, &*metric.name)));
        ranks.min().copied().unwrap_or(usize::MAX)
    };
    let numbered = samples.samples.iter().enumerate();
    let changed =
        numbered.filter(|(place, sample)| sample.change() == change || graded.contains(place));
    let mut ranked: Vec<_> = changed.map(|(place, sample)| (rank(sample), place)).collect();
    ranked.sort_unstable();
    ranked
}

/// Samples of metrics that neither pass nor fail, where the verdict names them as changed.
fn graded_flips(
    samples: &PageSamples,
    comparisons: &[&Comparison],
    change: SampleChange,
) -> BTreeSet<usize> {
    let mut named = BTreeSet::new();
    for comparison in comparisons.iter().filter(|c| c.measure == Measure::Difference) {
        for flip in &comparison.flips {
            let fell = flip.candidate < flip.baseline;
            let is_loss = fell == (comparison.direction == Direction::Higher);
            if is_loss == (change == SampleChange::Broke) {
                let variant = (&*comparison.prompt, &*comparison.model);
                named.insert((variant, &*comparison.metric, &*flip.item_id));
            }
        }
    }
    let is_named = |sample: &PageSample| {
        let frame = &samples.frames[sample.frame];
        let graded = samples.metrics.iter().zip(&sample.scores);
        let mut graded =
            graded.filter(|(_, score)| score.passed.is_none() && score.value.is_some());
        graded.any(|(metric, _)| {
            let variant = (&*frame.prompt, &*frame.model);
            named.contains(&(variant, &*metric.name, &*sample.item_id))
        })
    };
    let numbered = samples.samples.iter().enumerate();
    numbered.filter(|(_, sample)| is_named(sample)).map(|(place, _)| place).collect()
}

fn entry<'a>(samples: &'a PageSamples, place: usize, comparisons: &[&Comparison]) -> Entry<'a> {
    let sample = &samples.samples[place];
    let frame = &samples.frames[sample.frame];
    let of_variant = |c: &&&Comparison| c.prompt == frame.prompt && c.model == frame.model;
    let comparison = comparisons.iter().find(of_variant);
    let short = |text: &str| cut(text.trim(), LONGEST);
    let pairs = samples.metrics.iter().zip(&sample.scores);
    let moved = pairs.filter_map(|(metric, score)| moved(&metric.name, score, metric.range));
    let mut scores: Vec<_> = moved.collect();
    let n_more = scores.len().saturating_sub(SHOWN_SCORES);
    scores.truncate(SHOWN_SCORES);
    Entry {
        item_id: &sample.item_id,
        epoch: sample.epoch,
        prompt: &frame.prompt,
        model: comparison.and_then(|c| model_of(c, comparisons)).map(|_| &*frame.model),
        asked: short(&sample.asked),
        before: sample.baseline_answer.as_deref().map(short),
        answer: sample.answer.as_deref().map(short),
        error: sample.error.as_deref(),
        targets: sample.targets.iter().map(|target| short(target)).collect(),
        scores,
        n_more,
        tone: match (sample.change(), sample.fails()) {
            (_, false) => "good",
            (SampleChange::Works, true) => "plain",
            (SampleChange::Broke | SampleChange::None, true) => "bad",
        },
        link: sample_link(sample, frame),
    }
}

fn moved<'a>(metric: &'a str, score: &'a PageScore, range: Range) -> Option<Moved<'a>> {
    let baseline = score.baseline?;
    if baseline.value == score.value {
        return None;
    }
    let written = |value: Option<f64>| value.map(|value| item_score(value, range));
    let [before, after] = match (baseline.value, score.value) {
        (Some(before), Some(after)) => item_scores([before, after], range).map(Some),
        (before, after) => [before, after].map(written),
    };
    let text = |score: Option<String>| score.unwrap_or_else(|| "none".to_owned());
    Some(Moved {
        metric,
        before: text(before),
        after: text(after),
        reason: score.reason.as_deref().map(|reason| cut(reason, LONGEST)),
    })
}
