//! From the files of a run folder to the samples of the page: one pass over all scores decides which
//! samples are shown, and counts; a second one reads those. Memory is bounded, whatever the run's size.

mod baseline;
mod choose;
mod histograms;
mod prompt_frames;
mod scores;

use std::path::PathBuf;

use evalmark_core::{
    changes::Rename, number_format, record::Record, score::Score, verdict::Verdict,
};

use self::{
    baseline::add_baseline,
    prompt_frames::{FrameBuilder, OwnText},
    scores::Overview,
};
use super::data::{JudgeWords, PageMetric, PageSample, PageSamples, PageScore, PromptFrame};
use crate::{
    ReadError,
    samples::{SampleRecord, gather_samples_at, samples},
    scores::gather_scores_at,
};

/// Characters kept of one text.
const LONGEST: usize = 4_000;

/// The files of a run, and what has to be known of it to read them.
#[derive(Clone, Debug)]
pub struct PageFiles<'a> {
    /// `samples.parquet`.
    pub samples: PathBuf,
    /// `scores.parquet`.
    pub scores: PathBuf,
    /// The metrics, in the suite's order.
    pub metrics: Vec<PageMetric>,
    /// What the run was compared with, and what changed there.
    pub verdict: Option<&'a Verdict>,
    /// The baseline that the verdict is about.
    pub baseline: Option<BaselineFiles>,
    /// Why the expected baseline cannot be read.
    pub lacks_baseline: Option<String>,
}

/// The files of a baseline.
#[derive(Clone, Debug, Default)]
pub struct BaselineFiles {
    /// `scores.parquet`.
    pub scores: PathBuf,
    /// `answers.parquet` of a baseline, or `samples.parquet` of a run folder.
    pub answers: Option<PathBuf>,
    /// Why there is no such file.
    pub lacks_answers: Option<String>,
    /// Whether an item is the same wherever its id is: the dataset has other columns now, and nothing
    /// else changed.
    pub is_paired_by_id: bool,
    /// Prompts that it has under other names.
    pub renamed: Vec<Rename>,
    /// Metrics that do not measure the same in it.
    pub incomparable: Vec<String>,
}

impl PageFiles<'_> {
    /// The samples that the page shows.
    pub fn collect(&self) -> Result<PageSamples, ReadError> {
        let file = samples(&self.samples)?;
        let (metrics, slices) = (file.metrics().to_vec(), file.slices().to_vec());
        let metrics: Vec<_> = metrics.into_iter().map(|name| self.metric(name)).collect();
        let mut overview = Overview::new(&metrics, self.verdict);
        overview.read(&self.scores)?;
        let (rows, total, mut distributions) = overview.finish();
        let mut page = self.chosen(&rows, metrics)?;
        (page.total, page.slices) = (total, slices);
        page.baseline.lacks.clone_from(&self.lacks_baseline);
        if let Some(baseline) = &self.baseline {
            add_baseline(&mut page, &mut distributions, baseline)?;
        }
        page.distributions = distributions.finish();
        Ok(page)
    }

    fn metric(&self, name: String) -> PageMetric {
        let known = self.metrics.iter().find(|metric| metric.name == name);
        known.cloned().unwrap_or_else(|| PageMetric { name, ..PageMetric::default() })
    }

    /// Reads the samples at these positions.
    fn chosen(&self, rows: &[u64], metrics: Vec<PageMetric>) -> Result<PageSamples, ReadError> {
        let n = metrics.len() as u64;
        let score_rows: Vec<_> = rows.iter().flat_map(|row| row * n..(row + 1) * n).collect();
        let mut scores = gather_scores_at(&self.scores, &score_rows, page_score)?.into_iter();
        let Shown { frames, samples } = self.shown(rows)?;
        let samples = samples.into_iter().map(|(sample, own)| {
            let asked = bounded(&frames[sample.frame].own(own));
            let scores = scores.by_ref().take(metrics.len()).collect();
            PageSample { asked, scores, ..sample }
        });
        let samples = samples.collect();
        let frames = frames.into_iter().map(|frame| bounded_frame(frame.finish())).collect();
        Ok(PageSamples { metrics, frames, samples, ..PageSamples::default() })
    }

    fn shown(&self, rows: &[u64]) -> Result<Shown, ReadError> {
        let mut shown = Shown::default();
        let make = |sample: SampleRecord| {
            let (of, asked) = ([sample.prompt.clone(), sample.model.clone()], transcript(&sample));
            (of, asked, page_sample(sample))
        };
        gather_samples_at(&self.samples, rows, make, |(of, asked, sample)| {
            shown.add(&of, &asked, sample);
        })?;
        Ok(shown)
    }
}

/// The samples of a page while they are read: without their scores, and each with its own part of its request.
#[derive(Default)]
struct Shown {
    frames: Vec<FrameBuilder>,
    samples: Vec<(PageSample, OwnText)>,
}

impl Shown {
    fn add(&mut self, [prompt, model]: &[String; 2], asked: &str, sample: PageSample) {
        let known = self.frames.iter().rposition(|frame| frame.is_of(prompt, model));
        let frame = known.unwrap_or_else(|| {
            self.frames.push(FrameBuilder::new(prompt, model, asked));
            self.frames.len() - 1
        });
        let own = self.frames[frame].cut(asked);
        self.samples.push((PageSample { frame, ..sample }, own));
    }
}

/// What was asked as one text: the bare text of a single message, else each under its role.
fn transcript(sample: &SampleRecord) -> String {
    let Ok(request) = sample.request() else { return sample.request.clone() };
    match &*request.messages {
        [message] => message.shown().into_owned(),
        messages => {
            let lines = messages.iter().map(|m| format!("[{}]\n{}\n", m.role, m.shown()));
            lines.collect()
        }
    }
}

/// The sample, without its frame, what was asked, and its scores.
fn page_sample(sample: SampleRecord) -> PageSample {
    let (first_token_ms, tokens_per_second) =
        (sample.record.first_token_ms(), sample.record.tokens_per_second());
    let Record { output, failure, finish_reason, timing, usage, .. } = sample.record;
    PageSample {
        item_id: sample.item_id,
        item_hash: sample.item_hash,
        frame: 0,
        epoch: sample.epoch,
        outcome: Some(sample.outcome),
        asked: String::new(),
        answer: output.as_deref().map(bounded),
        targets: sample.targets.iter().map(|target| bounded(target)).collect(),
        error: failure
            .map(|failure| bounded(&format!("{}: {}", failure.kind.as_str(), failure.message))),
        finish_reason: finish_reason.map(|reason| reason.as_str().to_owned()),
        slices: sample.slices,
        scores: Vec::new(),
        latency_ms: timing.latency_ms,
        first_token_ms,
        tokens_per_second,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost_usd: sample.cost_usd,
        baseline_answer: None,
    }
}

fn page_score(score: Score) -> PageScore {
    let judge = score.judge.and_then(|judge| {
        let output = bounded(&judge.output?);
        Some(JudgeWords { model: judge.model, output })
    });
    PageScore {
        not_applicable: score.not_applicable,
        value: score.value,
        passed: score.passed,
        reason: score.reason.as_deref().map(bounded),
        judge,
        baseline: None,
    }
}

fn bounded_frame(frame: PromptFrame) -> PromptFrame {
    // Instructions are read as a whole; there is one frame for each prompt and model.
    let [before, after] = [&frame.before, &frame.after].map(|text| cut(text, 5 * LONGEST));
    PromptFrame { before, after, ..frame }
}

/// A text of at most a few pages, and how much of it is left out.
fn bounded(text: &str) -> String {
    cut(text, LONGEST)
}

/// At most so many characters of a text, and how many are left out.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            format!("{}… ({} more characters)", &text[..end], number_format::count(more as u64))
        }
    }
}
