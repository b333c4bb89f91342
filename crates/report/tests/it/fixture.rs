//! Samples, scores and verdicts to write and show.

use std::{fs::File, path::Path, sync::Arc};

use evalmark_core::{
    answer_details::AnswerDetails,
    changes::{Change, ChangeKind, DiffPart, PartOf},
    fields::Fields,
    item::{Item, ItemHash},
    metric::{Direction, Range},
    record::{ErrorKind, Outcome, Record, Timing, Usage},
    request::{Message, Request},
    score::{JudgeTrace, Score},
    verdict::{Answer, Comparison, Counts, Flip, Measure, SliceFinding, Unpaired, Verdict},
};
use evalmark_report::{
    samples::{Layout, SampleRow, SamplesWriter},
    scores::{ScoreRow, ScoresWriter},
    summary::RunName,
};
use serde_json::json;

/// Markup, quotes, control characters, an ANSI escape, an override of direction.
pub(crate) const HOSTILE: &str =
    "<script>alert('x')</script>\"&</textarea>|`*@all#1\u{1b}[31m\u{202e}\0 https://example.org";

/// Which run the files are of.
pub(crate) const RUN: RunName<'_> = RunName { run_id: "run-1", suite: "intents" };

/// One sample that owns what a row borrows.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) item: Item,
    pub(crate) request: Request,
    pub(crate) record: Record,
    pub(crate) outcome: Outcome,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) scores: Vec<Score>,
}

pub(crate) const METRICS: [&str; 2] = ["exact", "odd. näme\n/\""];
pub(crate) const SLICES: [&str; 1] = ["channel, \"x\""];

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The `index`-th sample; every third failed, every fifth was refused.
pub(crate) fn sample(index: u64) -> Sample {
    let failed = index % 3 == 1;
    let record = if failed {
        Record::failed(ErrorKind::RateLimited, format!("429 after 6 attempts: {HOSTILE}"), 6)
    } else {
        answer(index)
    };
    let outcome = match record.outcome {
        Outcome::Answered if index % 4 == 2 => Outcome::Invalid,
        outcome => outcome,
    };
    Sample {
        item: item(index),
        request: request(index),
        outcome,
        cost_usd: (!failed).then_some(0.000_12),
        scores: if failed { vec![Score::missing("no answer"); 2] } else { scores(index) },
        record,
    }
}

fn item(index: u64) -> Item {
    let hash = ItemHash((u128::from(index) * 0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes());
    Item {
        index,
        row: index + 1,
        id: format!("item-{index}").into(),
        hash,
        fields: Fields::default(),
        targets: (0..index % 3).map(|n| format!("target {n} of {index}")).collect(),
        cluster: index.is_multiple_of(2).then(|| format!("cluster {}", index / 4).into()),
        slices: [(index % 4 != 3).then(|| format!("channel {}", index % 2))].into(),
    }
}

fn request(index: u64) -> Request {
    let params = json!({ "temperature": 0.7, "max_tokens": 16, "top_p": 1e-5, "nested": { "b": [1, 2.5], "a": null } });
    let params = params.as_object().cloned().unwrap_or_default();
    let content = format!("Which intent does message {index} express? {HOSTILE}");
    let epoch = u32::try_from(index % 2).unwrap_or_default();
    let messages = [Message::new("user", content)];
    Request::chat("gpt-4o-mini".into(), messages, Arc::new(params), epoch)
}

fn answer(index: u64) -> Record {
    let timing = Timing {
        started_at_us: 1_760_000_000_000_000 + i64::try_from(index).unwrap_or_default(),
        queue_ms: 1.5,
        backoff_ms: 0.0,
        latency_ms: Some(200.0 + index as f64),
    };
    let refused = index % 5 == 3;
    let cached_tokens = index.is_multiple_of(3).then_some(index);
    let details = AnswerDetails { cached_tokens, ..AnswerDetails::default() };
    Record {
        outcome: if refused { Outcome::Refused } else { Outcome::Answered },
        output: Some(format!("answer {index} {HOSTILE}")),
        finish_reason: Some("stop".into()),
        failure: None,
        attempts: 1,
        timing,
        usage: Usage { input_tokens: Some(40), output_tokens: (!refused).then_some(index) },
        cached: index.is_multiple_of(7),
        details: details.boxed(),
    }
}

fn scores(index: u64) -> Vec<Score> {
    let judge = JudgeTrace {
        model: "judge-model".to_owned(),
        output: Some("grade: 0.25".to_owned()),
        tokens: index.is_multiple_of(2).then_some(120),
        cost_usd: Some(0.001),
        ..JudgeTrace::default()
    };
    let judged = Score {
        value: Some(0.25),
        passed: Some(false),
        reason: Some(HOSTILE.to_owned()),
        reasoning_cut: false,
        invalid: index % 4 == 2,
        counts: (!index.is_multiple_of(3)).then(|| vec![index as f64, 0.5]),
        not_applicable: false,
        judge: Some(judge),
        label: index.is_multiple_of(3).then_some(0.5),
    };
    vec![Score::of((index % 2) as f64), judged]
}

/// The row that borrows from a sample.
pub(crate) fn row(sample: &Sample) -> SampleRow<'_> {
    SampleRow {
        prompt: "zero-shot",
        prompt_hash: "00112233445566778899aabbccddeeff",
        model: "small",
        item: &sample.item,
        epoch: sample.request.epoch,
        request: &sample.request,
        record: &sample.record,
        outcome: sample.outcome,
        cost_usd: sample.cost_usd,
        scores: &sample.scores,
        input: r#"{"text":"a question","price":1.10}"#,
    }
}

/// Writes the first `count` samples.
pub(crate) fn write_samples(path: &Path, count: u64) {
    let (metrics, slices) = (names(&METRICS), names(&SLICES));
    let layout = Layout { run_id: "run-1", suite: "intents", metrics: &metrics, slices: &slices };
    let mut writer = SamplesWriter::create(path, File::create(path).unwrap(), &layout).unwrap();
    for index in 0..count {
        writer.push(&row(&sample(index))).unwrap();
    }
    writer.finish().unwrap();
}

/// Writes the scores of the first `count` samples.
pub(crate) fn write_scores(path: &Path, count: u64) {
    let mut writer = ScoresWriter::create(path, File::create(path).unwrap(), RUN).unwrap();
    for index in 0..count {
        let sample = sample(index);
        for (metric, score) in METRICS.iter().zip(&sample.scores) {
            let (prompt, model, epoch) = ("zero-shot", "small", sample.request.epoch);
            let row = ScoreRow { prompt, model, item: &sample.item, epoch, metric, score };
            writer.push(&row).unwrap();
        }
    }
    writer.finish().unwrap();
}

/// A comparison with hostile texts wherever a text may stand.
pub(crate) fn comparison(answer: Answer) -> Comparison {
    let flip =
        |n: u32| Flip { item_id: format!("ticket-{n} {HOSTILE}"), baseline: 1.0, candidate: 0.0 };
    Comparison {
        prompt: "zero-shot".to_owned(),
        model: "small".to_owned(),
        metric: "exact".to_owned(),
        measure: Measure::Difference,
        direction: Direction::Higher,
        range: Range::Unit,
        minimum: None,
        maximum: None,
        labels: None,
        answer,
        says: "The candidate is 6.0 points worse, and the drop may exceed 3.0 points.".to_owned(),
        notes: vec![format!("3 % of the answers are missing {HOSTILE}")],
        margin: 0.03,
        alpha: 0.05,
        method: "mcnemar_midp+tango".to_owned(),
        baseline_mean: Some(0.87),
        candidate_mean: Some(0.81),
        estimate: Some(-0.06),
        lower: Some(-0.095),
        upper: Some(-0.026),
        p_regressed: Some(0.0004),
        p_regressed_adjusted: Some(0.0008),
        p_pass: Some(0.93),
        counts: Counts {
            baseline_planned: 400,
            candidate_planned: 400,
            shared: 400,
            paired: 1388,
            baseline_missing: 0,
            candidate_missing: 12,
        },
        unpaired: Unpaired {
            changed: vec![format!("ticket-9 {HOSTILE}")],
            n_changed: 1,
            paired_share: 0.9975,
            ..Unpaired::default()
        },
        effective_n: Some(301.5),
        only_baseline: Some(31),
        only_candidate: Some(8),
        discordance: Some(0.1),
        detectable_drop: Some(0.041),
        items_needed: Some(685),
        seed: None,
        flips: (1..=3).map(flip).collect(),
        n_flips: 39,
    }
}

/// A prompt whose text changed, with hostile words in it.
fn edited_prompt() -> Change {
    let part = |op: PartOf, text: &str| DiffPart { op, text: text.to_owned() };
    let says = format!("the text of prompt `zero-shot` changed {HOSTILE}");
    let diff = vec![
        part(PartOf::Both, "Answer in "),
        part(PartOf::Removed, "one"),
        part(PartOf::Added, "two"),
        part(PartOf::Both, &format!(" words\n{HOSTILE}")),
    ];
    Change { diff, ..Change::new(ChangeKind::PromptEdited, "zero-shot", says) }
}

/// A verdict over three comparisons.
pub(crate) fn verdict(answer: Answer) -> Verdict {
    let pass = Comparison {
        metric: "format".to_owned(),
        says: "No drop of 3.0 points or more.".to_owned(),
        notes: Vec::new(),
        flips: Vec::new(),
        n_flips: 0,
        estimate: Some(0.004),
        lower: Some(-0.012),
        upper: Some(0.02),
        ..comparison(Answer::Pass)
    };
    Verdict {
        format_version: 1,
        suite: "support-intents".to_owned(),
        run_id: "2026-01-05T10-00-00".to_owned(),
        baseline: "main".to_owned(),
        baseline_digest: Some("0123456789ab".to_owned()),
        answer,
        says: "1 of 2 gated metrics regressed.".to_owned(),
        correction: "holm".to_owned(),
        comparisons: vec![comparison(answer), pass.clone()],
        slices: vec![
            SliceFinding {
                slice: "channel".to_owned(),
                value: Some(HOSTILE.to_owned()),
                q: 0.012,
                stands_out: true,
                comparison: comparison(answer),
            },
            SliceFinding {
                slice: "channel".to_owned(),
                value: None,
                q: 0.7,
                stands_out: false,
                comparison: pass,
            },
        ],
        overridden: None,
        changes: Some(vec![edited_prompt()]),
    }
}
