//! The page: hostile texts stay texts, nothing is fetched, what is said first, and what the files of a
//! run become.

use std::{fs::File, path::Path};

use evalmark_core::{
    estimate::Estimate,
    metric::Direction,
    record::Outcome,
    score::Score,
    verdict::{Answer, Comparison, Measure, Verdict},
};
use evalmark_report::{
    html::{
        AnswerCost, BaselineFiles, BaselineScore, FailureGroup, JudgeWords, MedianLatency,
        OutcomeCount, PageBaseline, PageData, PageFact, PageFiles, PageMetric, PageRun, PageSample,
        PageSamples, PageScore, PromptFrame, SampleChange, html,
    },
    run_values::ConfusionRow,
    scores::{ScoreRow, ScoresWriter},
    summary::{StreamFigures, SummaryRow},
};
use tempfile::tempdir;

use crate::fixture::{self, HOSTILE, comparison, verdict, write_samples, write_scores};

fn summary_row(metric: &str, mean: f64, slice: Option<(&str, Option<&str>)>) -> SummaryRow {
    SummaryRow {
        prompt: "zero-shot".to_owned(),
        model: "small".to_owned(),
        metric: metric.to_owned(),
        slice: slice.map(|(name, _)| name.to_owned()),
        slice_value: slice.and_then(|(_, value)| value.map(str::to_owned)),
        n_planned: 1400,
        n_scored: 1388,
        n_missing: 12,
        estimate: Some(Estimate {
            mean,
            stderr: Some(0.02),
            ci_low: Some(mean - 0.04),
            ci_high: Some(mean + 0.04),
            ci_method: "wilson".to_owned(),
            n_items: 1388,
        }),
        latency_p50_ms: Some(312.0),
        latency_p95_ms: Some(1240.0),
        input_tokens: Some(182_400),
        output_tokens: Some(5_210),
        cost_usd: Some(0.0305),
        ..SummaryRow::default()
    }
}

fn sample(item: &str, answer: Option<&str>) -> PageSample {
    let score = PageScore {
        value: answer.map(|_| 0.0),
        passed: answer.map(|_| false),
        reason: Some(format!("not the right one {HOSTILE}")),
        not_applicable: false,
        judge: Some(JudgeWords { model: "judge".to_owned(), output: HOSTILE.to_owned() }),
        baseline: Some(BaselineScore { value: Some(1.0), passed: Some(true) }),
    };
    PageSample {
        item_id: item.to_owned(),
        outcome: Some(if answer.is_some() { Outcome::Answered } else { Outcome::Failed }),
        asked: format!("My card was declined twice in Lisbon. {HOSTILE}"),
        answer: answer.map(str::to_owned),
        targets: vec!["card_declined".to_owned(), HOSTILE.to_owned()],
        error: answer.is_none().then(|| "timeout: no complete response within 60 s".to_owned()),
        slices: vec![Some(HOSTILE.to_owned())],
        scores: vec![score],
        baseline_answer: Some(format!("card_declined {HOSTILE}")),
        ..PageSample::default()
    }
}

fn samples() -> PageSamples {
    let long = format!("{HOSTILE} {}", "Let me think about this step by step. ".repeat(30));
    PageSamples {
        total: 1400,
        metrics: vec![PageMetric { name: "exact".to_owned(), ..PageMetric::default() }],
        slices: vec![format!("channel {HOSTILE}")],
        frames: vec![PromptFrame {
            prompt: "zero-shot".to_owned(),
            model: "small".to_owned(),
            before: "Which intent does this message express? ".to_owned(),
            after: HOSTILE.to_owned(),
        }],
        samples: vec![
            sample("ticket-17", Some("payment_issue")),
            sample(HOSTILE, Some(&long)),
            sample("ticket-99", None),
        ],
        distributions: Vec::new(),
        baseline: PageBaseline { has_scores: true, has_answers: true, lacks: None },
    }
}

fn page() -> PageData {
    let fact = |name: &str, value: String| PageFact { name: name.to_owned(), value };
    PageData {
        run: PageRun {
            suite: "support-intents".to_owned(),
            run_id: "2026-01-05T10-00-00".to_owned(),
            started_at: "5 January 2026, 10:00 UTC".to_owned(),
            facts: vec![fact("git revision", format!("0f3c2a1 {HOSTILE}"))],
            warnings: vec![format!("70 of 100 answers ended at the token limit {HOSTILE}")],
            remarks: Vec::new(),
            outcomes: vec![
                OutcomeCount { outcome: Outcome::Answered, count: 1380 },
                OutcomeCount { outcome: Outcome::Failed, count: 12 },
            ],
            failures: vec![FailureGroup {
                kind: "timeout".to_owned(),
                count: 12,
                example: format!("no complete response within 60 s {HOSTILE}"),
            }],
        },
        verdict: Some(verdict(Answer::Regressed)),
        summary: vec![
            summary_row("exact", 0.81, None),
            summary_row("format", 0.96, None),
            summary_row("exact", 0.7, Some(("language", Some("de")))),
            summary_row("exact", 0.9, Some(("language", None))),
        ],
        costs: vec![AnswerCost {
            prompt: "zero-shot".to_owned(),
            model: "small".to_owned(),
            usd: Estimate { mean: 0.000_02, ..summary_row("", 0.0, None).estimate.unwrap() },
        }],
        latencies: vec![MedianLatency {
            prompt: "zero-shot".to_owned(),
            model: "small".to_owned(),
            ends_ms: [180.0, 260.0],
        }],
        confusion: vec![ConfusionRow {
            prompt: "zero-shot".to_owned(),
            model: "small".to_owned(),
            metric: "intent".to_owned(),
            target: HOSTILE.to_owned(),
            predicted: None,
            count: 7,
        }],
        samples: samples(),
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let page = html(&page()).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "the data and the page's own script");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("</textarea"));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
    assert!(page.contains("\\u003cscript\\u003ealert('x')\\u003c/script\\u003e\\\"\\u0026"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}') && !page.contains('\0'));
    assert!(page.contains("\u{27e8}U+202E\u{27e9}"));
    assert!(page.contains("\u{27e8}U+001B\u{27e9}[31m"));
}

#[test]
fn nothing_is_fetched_and_only_its_own_script_runs() {
    let page = html(&page()).unwrap();
    assert!(page.contains("default-src &#39;none&#39;; script-src &#39;sha256-"));
    assert!(!page.contains("unsafe-inline"));
    let links = page.matches("href=").count();
    assert_eq!(links, page.matches("href=\"#").count(), "links stay in the page");
    for forbidden in
        ["<link", "<img", "<iframe", "src=\"", "url(", "@import", " onload", " style=", "innerHTML"]
    {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn numbers_are_honest() {
    let page = html(&page()).unwrap();
    for expected in [
        "the page holds 3 of 1,400",
        "showing 3 of 39",
        "1,388 of 1,400",
        "[77.0, 85.0]",
        "They are missing, not zero.",
        "(empty)",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[test]
fn the_worst_comes_first() {
    let page = html(&page()).unwrap();
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    let verdict = place("id=\"verdict\"");
    let forest = place("All comparisons");
    assert!(verdict < forest && forest < place("Newly broke"));
    assert!(place("Newly broke") < place("id=\"samples\""));
    assert!(page[forest..].find("regressed") < page[forest..].find(">pass<"));
}

/// The verdict's sentences, as a reader sees them.
fn said(verdict: Verdict) -> String {
    let page = html(&PageData { verdict: Some(verdict), ..page() }).unwrap();
    let start = page.find("<section class=\"verdict").unwrap();
    let end = start + page[start..].find("</section>").unwrap();
    let mut text = String::new();
    let mut is_tag = false;
    for c in page[start..end].chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'")
}

#[test]
fn the_verdict_is_said_in_plain_words() {
    let check = |answer: Answer, expected: &[&str]| {
        let said = said(verdict(answer));
        for words in expected {
            assert!(said.contains(words), "{words}\n{said}");
        }
    };
    check(
        Answer::Regressed,
        &[
            "regressed The new prompt is worse than main in 1 of 2 comparisons.",
            "Worst: exact fell from 87.0 % to 81.0 % (-6.0 points) for zero-shot.",
            "The true change lies within [-9.5, -2.6] points: each end holds with 95 % confidence, \
             from 1,388 paired items. The drop is more than chance (p < 0.001).",
        ],
    );
    check(
        Answer::Inconclusive,
        &[
            "inconclusive It cannot be told whether the new prompt is worse than main.",
            "That is too wide for the margin (3 points)",
        ],
    );
    check(
        Answer::Improved,
        &["improved The new prompt is better than main", "(3 points) or more is ruled out"],
    );
    check(Answer::Pass, &["pass The new prompt is no worse than main."]);
    check(Answer::Incomparable, &["incomparable Nothing can be said: 1 of 2 gated"]);
    let none = Verdict { comparisons: Vec::new(), ..verdict(Answer::Pass) };
    assert!(said(none).contains("Nothing was compared: 1 of 2 gated metrics regressed."));
}

#[test]
fn other_measures_are_said_in_their_units() {
    let slower = Comparison {
        metric: "latency_p95".to_owned(),
        measure: Measure::Ratio,
        direction: Direction::Lower,
        margin: 0.1,
        baseline_mean: Some(310.0),
        candidate_mean: Some(372.0),
        estimate: Some(1.2),
        lower: Some(1.15),
        upper: Some(1.26),
        ..comparison(Answer::Regressed)
    };
    let below = Comparison {
        measure: Measure::Level,
        minimum: Some(0.9),
        baseline_mean: None,
        candidate_mean: Some(0.81),
        estimate: Some(0.81),
        lower: Some(0.79),
        upper: Some(0.83),
        ..comparison(Answer::Regressed)
    };
    let of =
        |one: Comparison| said(Verdict { comparisons: vec![one], ..verdict(Answer::Regressed) });
    let slow = of(slower.clone());
    assert!(
        slow.contains("latency_p95 rose from 310 ms to 372 ms (1.20× (20.0 % more))"),
        "{slow}"
    );
    assert!(slow.contains("within [1.15×, 1.26×]:"), "{slow}");
    let low = of(below.clone());
    assert!(low.contains("exact is 81.0 % (minimum 90 %)"), "{low}");
    // Each unit has its own scale, and worse is to the left on all of them.
    let comparisons = vec![slower, below, comparison(Answer::Regressed)];
    let mixed = Verdict { comparisons, ..verdict(Answer::Regressed) };
    let page = html(&PageData { verdict: Some(mixed), ..page() }).unwrap();
    for unit in ["percentage points", "ratio to the baseline", "mean and its limit"] {
        assert_eq!(page.matches(&format!("<span>{unit}</span>")).count(), 1, "{unit}");
    }
    assert_eq!(page.matches("<svg class=\"forest-row\"").count(), 3);
}

#[test]
fn an_empty_report_is_a_page() {
    let page = html(&PageData::default()).unwrap();
    assert!(page.contains("Nothing was scored."));
    assert!(page.contains("This run was compared with nothing"));
    assert!(page.ends_with("</html>\n") || page.ends_with("</html>"));
}

#[test]
fn ten_thousand_long_answers_fit() {
    let long = |n: usize| format!("{n} {}", "Übermäßig lange Antwort. ".repeat(160));
    let samples: Vec<_> = (0..10_000)
        .map(|n| PageSample {
            asked: long(n),
            answer: Some(long(n + 20_000)),
            ..sample(&format!("item-{n}"), Some("x"))
        })
        .collect();
    let samples = PageSamples { total: 10_000, samples, ..self::samples() };
    let page = html(&PageData { samples, ..page() }).unwrap();
    assert!(page.len() < 5_000_000, "{}", page.len());
    assert!(page.contains("more characters)"), "what is left out is told");
}

/// Where a run's files lie.
fn files(folder: &Path) -> PageFiles<'static> {
    PageFiles {
        samples: folder.join("samples.parquet"),
        scores: folder.join("scores.parquet"),
        metrics: Vec::new(),
        verdict: None,
        baseline: None,
        lacks_baseline: None,
    }
}

#[test]
fn a_page_is_made_of_a_runs_files() {
    let folder = tempdir().unwrap();
    let files = files(folder.path());
    write_samples(&files.samples, 40);
    write_scores(&files.scores, 40);
    let page = files.collect().unwrap();
    assert_eq!((page.total, page.samples.len()), (40, 40));
    let [frame] = page.frames.as_slice() else { panic!("{:?}", page.frames) };
    // The sentence with the item's number is the item's; what follows is everybody's.
    assert_eq!(frame.before, "");
    assert!(frame.after.starts_with(" <script>"), "{}", frame.after);
    for (index, found) in (0..).zip(&page.samples) {
        let written = fixture::sample(index);
        assert_eq!(found.item_id, *written.item.id);
        assert_eq!(found.asked, format!("Which intent does message {index} express?"));
        assert_eq!(found.answer, written.record.output);
        assert_eq!(found.outcome, Some(written.outcome));
        let values: Vec<_> = found.scores.iter().map(|score| score.value).collect();
        assert_eq!(values, written.scores.iter().map(|score| score.value).collect::<Vec<_>>());
        assert_eq!(found.change(), SampleChange::None, "there is no baseline");
    }
}

/// Scores of a baseline: all right where `is_right`, else all wrong.
fn write_baseline(path: &Path, count: u64, is_right: bool) {
    let mut writer = ScoresWriter::create(path, File::create(path).unwrap(), fixture::RUN).unwrap();
    for index in 0..count {
        let sample = fixture::sample(index);
        for metric in fixture::METRICS {
            let score = Score::of(f64::from(u8::from(is_right)));
            let (item, epoch) = (&sample.item, sample.request.epoch);
            let (prompt, model, score) = ("zero-shot", "small", &score);
            writer.push(&ScoreRow { prompt, model, item, epoch, metric, score }).unwrap();
        }
    }
    writer.finish().unwrap();
}

#[test]
fn the_baselines_side_is_found() {
    let folder = tempdir().unwrap();
    let (files, scores) = (files(folder.path()), folder.path().join("old.parquet"));
    write_samples(&files.samples, 40);
    write_scores(&files.scores, 40);
    for is_right in [true, false] {
        write_baseline(&scores, 30, is_right);
        let answers = is_right.then(|| files.samples.clone());
        let baseline = BaselineFiles {
            scores: scores.clone(),
            answers,
            lacks_answers: (!is_right).then(|| "they were not wanted".to_owned()),
            ..BaselineFiles::default()
        };
        let page = PageFiles { baseline: Some(baseline), ..files.clone() }.collect().unwrap();
        assert_eq!(page.baseline.has_answers, is_right);
        assert_eq!(page.baseline.lacks.is_none(), is_right);
        for (index, found) in page.samples.iter().enumerate() {
            let [first, second] = found.scores.as_slice() else { panic!("{found:?}") };
            assert_eq!(first.baseline.is_some(), index < 30, "the baseline has 30");
            let before = first.baseline.and_then(|baseline| baseline.passed);
            let expected = match (before, first.passed, second.passed) {
                (Some(true), Some(false), _) | (Some(true), _, Some(false)) => SampleChange::Broke,
                (Some(false), Some(true), _) | (Some(false), _, Some(true)) => SampleChange::Works,
                _ => SampleChange::None,
            };
            assert_eq!(found.change(), expected, "{index}");
            let answer = found.baseline_answer.as_ref();
            assert_eq!(answer, found.answer.as_ref().filter(|_| is_right), "{index}");
        }
    }
}

#[test]
fn of_a_large_run_the_page_holds_a_part() {
    let folder = tempdir().unwrap();
    let files = files(folder.path());
    write_samples(&files.samples, 12_000);
    write_scores(&files.scores, 12_000);
    let page = files.collect().unwrap();
    assert_eq!((page.total, page.samples.len()), (12_000, 10_000));
    let mut last = None;
    for found in &page.samples {
        let index: u64 = found.item_id.trim_start_matches("item-").parse().unwrap();
        assert!(last < Some(index), "in the run's order, each once");
        last = Some(index);
        let written = fixture::sample(index);
        assert_eq!(found.answer, written.record.output, "{index}");
        assert_eq!(found.scores[0].value, written.scores[0].value, "{index}");
    }
}

#[test]
fn streams_stand_beside_other_times() {
    let mut page = page();
    let whole = html(&page).unwrap();
    assert!(!whole.contains("first token p50") && !whole.contains("tokens/s"));
    page.summary[0].streams = StreamFigures {
        first_token_p50_ms: Some(87.0),
        first_token_p95_ms: Some(310.0),
        tokens_per_second_p50: Some(41.5),
        tokens_per_second_p95: Some(60.0),
    };
    page.samples.samples[0].first_token_ms = Some(91.0);
    page.samples.samples[0].tokens_per_second = Some(38.2);
    let told = html(&page).unwrap();
    for words in ["first token p50", "87 ms", "310 ms", "tokens/s", "41.5", "and first token"] {
        assert!(told.contains(words), "{words}");
    }
    assert!(told.contains("91 ms") && told.contains("38.2"));
}
