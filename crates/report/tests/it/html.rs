//! The page: hostile texts stay texts, nothing is fetched, numbers are honest.

use evalmark_core::{estimate::Estimate, record::Outcome, request::Message, verdict::Answer};
use evalmark_report::{
    html::{
        FailingGroup, FailingSample, FailingScore, FailureGroup, HtmlReport, OutcomeCount, html,
    },
    summary::SummaryRow,
};

use crate::fixture::{HOSTILE, verdict};

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
        attempts: None,
        value: None,
        range: evalmark_core::metric::Range::Unit,
        direction: evalmark_core::metric::Direction::Higher,
    }
}

fn failing(item: &str, output: Option<&str>) -> FailingSample {
    let score = |metric: &str, value, passed, reason: Option<&str>| FailingScore {
        metric: metric.to_owned(),
        value,
        passed,
        reason: reason.map(str::to_owned),
    };
    let content = "Which intent does this message express? My card was declined twice in Lisbon.";
    FailingSample {
        item_id: item.to_owned(),
        epoch: 0,
        outcome: if output.is_some() { Outcome::Answered } else { Outcome::Failed },
        messages: vec![Message::new("user", content)],
        output: output.map(str::to_owned),
        targets: vec!["card_declined".to_owned()],
        error: output.is_none().then(|| "no complete response within 60 s".to_owned()),
        scores: vec![
            score("exact", output.map(|_| 0.0), output.map(|_| false), None),
            score("format", output.map(|_| 1.0), output.map(|_| true), Some("matches")),
        ],
    }
}

pub(crate) fn report() -> HtmlReport {
    let long = format!("{HOSTILE} {}", "Let me think about this step by step. ".repeat(30));
    HtmlReport {
        warnings: vec![format!("70 of 100 answers ended at the token limit {HOSTILE}")],
        suite: "support-intents".to_owned(),
        run_id: "2026-01-05T10-00-00".to_owned(),
        started_at: "5 January 2026, 10:00 UTC".to_owned(),
        facts: vec![
            ("dataset".to_owned(), "datasets/support-intents.csv, 1,400 items".to_owned()),
            ("git revision".to_owned(), format!("0f3c2a1 {HOSTILE}")),
        ],
        verdicts: vec![verdict(Answer::Regressed)],
        summary: vec![
            summary_row("exact", 0.81, None),
            summary_row("format", 0.96, None),
            summary_row("exact", 0.7, Some(("language", Some("de")))),
            summary_row("exact", 0.9, Some(("language", None))),
        ],
        outcomes: vec![
            OutcomeCount { outcome: Outcome::Answered, count: 1380 },
            OutcomeCount { outcome: Outcome::Refused, count: 3 },
            OutcomeCount { outcome: Outcome::Failed, count: 12 },
        ],
        failures: vec![FailureGroup {
            kind: "timeout".to_owned(),
            count: 12,
            example: format!("no complete response within 60 s {HOSTILE}"),
        }],
        failing: vec![FailingGroup {
            prompt: "zero-shot".to_owned(),
            model: "small".to_owned(),
            total: 312,
            samples: vec![
                failing("ticket-17", Some("payment_issue")),
                failing(HOSTILE, Some(&long)),
                failing("ticket-99", None),
            ],
        }],
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let page = html(&report()).unwrap();
    assert!(!page.contains("<script"));
    assert!(!page.contains("</textarea"));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}') && !page.contains('\0'));
    assert!(page.contains("\u{27e8}U+202E\u{27e9}"));
    assert!(page.contains("\u{27e8}U+001B\u{27e9}[31m"));
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let page = html(&report()).unwrap();
    assert!(page.contains("default-src 'none'"));
    for forbidden in
        ["<link", "<img", "<iframe", "src=", "href=", "url(", "@import", "onload", "style="]
    {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn numbers_are_honest() {
    let page = html(&report()).unwrap();
    for expected in [
        "showing 3 of 312",
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
fn the_verdict_comes_first() {
    let page = html(&report()).unwrap();
    let verdict = page.find("1 of 2 gated metrics regressed.").unwrap();
    assert!(verdict < page.find("<h2>Summary</h2>").unwrap());
}

#[test]
fn an_empty_report_is_a_page() {
    let page = html(&HtmlReport::default()).unwrap();
    assert!(page.contains("Nothing was scored."));
    assert!(page.ends_with("</html>\n") || page.ends_with("</html>"));
}
