//! The samples as JSON in the page, for its script: columns, with every text kept once.

use std::{borrow::Cow, collections::HashMap};

use evalmark_core::{
    metric::{Direction, Range},
    number_format::{dollars, item_score, latency, quantity},
};
use foldhash::fast::RandomState;
use indexmap::IndexSet;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    collect::cut,
    data::{PageSample, PageSamples, PageScore, SampleChange},
};
use crate::safe_text::visible;

/// Bytes that the JSON may take, so that the page stays below 5 MB.
const MOST_BYTES: usize = 4_300_000;
/// Characters kept of each text: the largest of these at which all of them fit.
const LENGTHS: [usize; 8] = [4_200, 2_000, 1_000, 500, 250, 120, 60, 30];
/// Bytes that say how much of a text was cut.
const CUT_NOTE: usize = 30;
/// Stands for no text.
const NONE: i64 = -1;

/// The JSON, which cannot end the element that it stands in.
pub(super) fn json(samples: &PageSamples) -> Result<String, serde_json::Error> {
    let mut texts = Texts::default();
    let columns = to_raw_value(&Columns::of(samples, &mut texts))?;
    let texts = texts.within(MOST_BYTES.saturating_sub(columns.get().len()));
    let of_texts: usize = texts.iter().map(|text| text.len() + text.len() / 16 + 3).sum();
    let mut json = Vec::with_capacity(columns.get().len() + of_texts + 32);
    serde_json::to_writer(&mut json, &Embedded { columns: &columns, texts })?;
    let json = String::from_utf8(json).map_err(serde::ser::Error::custom)?;
    let marks = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026")];
    let unmarked = |json: String, (mark, escape): (char, &str)| {
        if json.contains(mark) { json.replace(mark, escape) } else { json }
    };
    Ok(marks.into_iter().fold(json, unmarked))
}

/// Texts by number, each kept once.
#[derive(Default)]
struct Texts<'a>(IndexSet<Cow<'a, str>, RandomState>);

impl<'a> Texts<'a> {
    fn number(&mut self, text: impl Into<Cow<'a, str>>) -> i64 {
        let (number, _) = self.0.insert_full(text.into());
        i64::try_from(number).unwrap_or(NONE)
    }

    fn maybe(&mut self, text: Option<impl Into<Cow<'a, str>>>) -> i64 {
        text.map_or(NONE, |text| self.number(text))
    }

    /// The texts, cut where all of them would take more than so many bytes.
    fn within(&self, bytes: usize) -> Vec<Cow<'_, str>> {
        let mut texts: Vec<Cow<'_, str>> = self.0.iter().map(|text| visible(text)).collect();
        let length = longest(&texts, bytes);
        // A text has no more characters than bytes.
        for text in texts.iter_mut().filter(|text| text.len() > length) {
            *text = Cow::Owned(cut(text, length));
        }
        texts
    }
}

/// The largest of the lengths at which texts take no more than so many bytes, or the smallest.
fn longest(texts: &[Cow<'_, str>], bytes: usize) -> usize {
    let mut sums = [0; LENGTHS.len()];
    for text in texts {
        sums.iter_mut().zip(sizes(text)).for_each(|(sum, size)| *sum += size);
    }
    let fits = LENGTHS.iter().zip(sums).find(|(_, sum)| *sum <= bytes);
    fits.map(|(length, _)| length).or(LENGTHS.last()).copied().unwrap_or_default()
}

/// Bytes that a text takes when it is cut at each of the lengths.
fn sizes(text: &str) -> [usize; LENGTHS.len()] {
    let mut sizes = [text.len(); LENGTHS.len()];
    let (mut chars, mut passed) = (text.char_indices(), 0);
    for (size, length) in sizes.iter_mut().zip(LENGTHS).rev() {
        // Where the text is not cut at this length, it is not at those that are larger.
        if text.len() <= length {
            break;
        }
        let Some((at, _)) = chars.nth(length - passed) else { break };
        *size = at + CUT_NOTE;
        passed = length + 1;
    }
    // Quotes and line breaks take two bytes.
    sizes.map(|size| size + size / 16 + 3)
}

/// What the script reads. `script/data.js` describes the same.
#[derive(Serialize)]
struct Embedded<'a> {
    /// [`Columns`], already written: what they take decides how much of the texts there is room for.
    columns: &'a RawValue,
    texts: Vec<Cow<'a, str>>,
}

/// All but the texts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Columns {
    total: u64,
    has_baseline: bool,
    has_baseline_answers: bool,
    lacks: String,
    frames: Vec<EmbeddedFrame>,
    metrics: Vec<EmbeddedMetric>,
    slices: Vec<String>,
    samples: SampleColumns,
    scores: Vec<ScoreColumns>,
}

#[derive(Serialize)]
struct EmbeddedFrame {
    prompt: String,
    model: String,
    before: String,
    after: String,
}

#[derive(Serialize)]
struct EmbeddedMetric {
    name: String,
    /// Whether lower values are better.
    lower: bool,
}

/// One entry per sample in each column. Texts are numbers of texts.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct SampleColumns {
    item: Vec<i64>,
    frame: Vec<usize>,
    epoch: Vec<u32>,
    outcome: Vec<i64>,
    /// 1 broke, 2 works, 0 neither.
    change: Vec<u8>,
    /// 1 where a metric fails it.
    fails: Vec<u8>,
    asked: Vec<i64>,
    answer: Vec<i64>,
    baseline_answer: Vec<i64>,
    targets: Vec<Vec<i64>>,
    slices: Vec<Vec<i64>>,
    error: Vec<i64>,
    finish: Vec<i64>,
    latency: Vec<Option<f64>>,
    latency_text: Vec<i64>,
    first_token_text: Vec<i64>,
    rate_text: Vec<i64>,
    cost: Vec<Option<f64>>,
    cost_text: Vec<i64>,
    input_tokens: Vec<Option<u64>>,
    output_tokens: Vec<Option<u64>>,
}

/// One metric's scores, one entry per sample in each column.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ScoreColumns {
    /// For sorting.
    value: Vec<Option<f64>>,
    text: Vec<i64>,
    /// 1 passes, 0 fails, -1 neither.
    passed: Vec<i8>,
    reason: Vec<i64>,
    baseline: Vec<i64>,
    judge: Vec<i64>,
    judge_says: Vec<i64>,
}

impl Columns {
    fn of<'a>(page: &'a PageSamples, texts: &mut Texts<'a>) -> Self {
        let frames = page.frames.iter().map(|frame| EmbeddedFrame {
            prompt: visible(&frame.prompt).into_owned(),
            model: visible(&frame.model).into_owned(),
            before: visible(&frame.before).into_owned(),
            after: visible(&frame.after).into_owned(),
        });
        let metrics = page.metrics.iter().map(|metric| EmbeddedMetric {
            name: visible(&metric.name).into_owned(),
            lower: metric.direction == Direction::Lower,
        });
        let mut samples = SampleColumns::default();
        let mut scores: Vec<_> = page.metrics.iter().map(|_| ScoreColumns::default()).collect();
        let mut written: Vec<_> = page.metrics.iter().map(|one| Written::of(one.range)).collect();
        for sample in &page.samples {
            samples.push(sample, texts);
            for ((columns, written), score) in
                scores.iter_mut().zip(&mut written).zip(&sample.scores)
            {
                columns.push(score, written, texts);
            }
        }
        Self {
            total: page.total,
            has_baseline: page.baseline.has_scores,
            has_baseline_answers: page.baseline.has_answers,
            lacks: page.baseline.lacks.clone().unwrap_or_default(),
            frames: frames.collect(),
            metrics: metrics.collect(),
            slices: page.slices.iter().map(|name| visible(name).into_owned()).collect(),
            samples,
            scores,
        }
    }
}

impl SampleColumns {
    fn push<'a>(&mut self, sample: &'a PageSample, texts: &mut Texts<'a>) {
        self.item.push(texts.number(&sample.item_id));
        self.frame.push(sample.frame);
        self.epoch.push(sample.epoch);
        self.outcome.push(texts.maybe(sample.outcome.map(evalmark_core::record::Outcome::as_str)));
        self.change.push(match sample.change() {
            SampleChange::None => 0,
            SampleChange::Broke => 1,
            SampleChange::Works => 2,
        });
        self.fails.push(u8::from(sample.fails()));
        self.asked.push(texts.number(&sample.asked));
        self.answer.push(texts.maybe(sample.answer.as_deref()));
        self.baseline_answer.push(texts.maybe(sample.baseline_answer.as_deref()));
        self.targets.push(sample.targets.iter().map(|target| texts.number(target)).collect());
        let slices = sample.slices.iter();
        self.slices.push(slices.map(|slice| texts.maybe(slice.as_deref())).collect());
        self.error.push(texts.maybe(sample.error.as_deref()));
        self.finish.push(texts.maybe(sample.finish_reason.as_deref()));
        self.latency.push(sample.latency_ms.map(short));
        self.latency_text.push(texts.maybe(sample.latency_ms.map(latency)));
        self.first_token_text.push(texts.maybe(sample.first_token_ms.map(latency)));
        self.rate_text.push(texts.maybe(sample.tokens_per_second.map(quantity)));
        self.cost.push(sample.cost_usd);
        self.cost_text.push(texts.maybe(sample.cost_usd.map(dollars)));
        self.input_tokens.push(sample.input_tokens);
        self.output_tokens.push(sample.output_tokens);
    }
}

/// A metric's values and the numbers of their texts: most scores are one of a few values.
struct Written {
    range: Range,
    known: HashMap<u64, i64, RandomState>,
}

impl Written {
    fn of(range: Range) -> Self {
        Self { range, known: HashMap::default() }
    }

    fn number(&mut self, value: f64, texts: &mut Texts<'_>) -> i64 {
        let new = || texts.number(item_score(value, self.range));
        *self.known.entry(value.to_bits()).or_insert_with(new)
    }
}

impl ScoreColumns {
    fn push<'a>(&mut self, score: &'a PageScore, written: &mut Written, texts: &mut Texts<'a>) {
        self.value.push(score.value.map(short));
        self.text.push(match score.value {
            Some(value) => written.number(value, texts),
            None => texts.maybe(score.not_applicable.then_some("n/a")),
        });
        self.passed.push(score.passed.map_or(-1, i8::from));
        self.reason.push(texts.maybe(score.reason.as_deref()));
        let before = score.baseline.and_then(|baseline| baseline.value);
        self.baseline.push(before.map_or(NONE, |value| written.number(value, texts)));
        let judge = score.judge.as_ref();
        self.judge.push(texts.maybe(judge.map(|judge| judge.model.as_str())));
        self.judge_says.push(texts.maybe(judge.map(|judge| judge.output.as_str())));
    }
}

/// Enough of a number to sort by.
fn short(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
