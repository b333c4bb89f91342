//! One number, one text: a run with every kind of comparison shows the same figures in the terminal, in Markdown, in
//! JUnit, on the page and in the sentences of `verdict.json`.

use evalmark_core::{
    comparison_text::ComparisonText,
    verdict::{Comparison, Measure, Verdict},
};
use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{World, answer, item, suite};

const METRICS: &str = "  - { name: words, wer: {} }\n  - { name: overlap, bleu: {} }\n";

/// Differences of shares, of values without a largest one and of a corpus metric; ratios; a minimum and a maximum.
const GATE: &str = "\
gate:
  baseline: main
  metrics:
    exact: { margin: 0.025, min: 0.7 }
    close: {}
    words: { margin: 0.125, max: 0.5 }
    overlap: { margin: 2.5 }
    latency_p95: { margin: 0.125 }
    output_tokens: {}
    cost_usd: {}
";

/// The answers of a model that errs on every `nth` item, with what they took.
fn answers(world: &World, id: &str, nth: usize, took: u64) -> String {
    let server = Server::start(move |seen: &Seen| {
        let i = item(seen);
        Reply::text(if i.is_multiple_of(nth) { "no colour" } else { answer(i) })
    });
    world.suite(&server.url(), "");
    world.run_suite(id, &["--prompt", "plain"]).expect(0);
    let exported = world.run(&["export-answers", &format!("reports/test/{id}")]).expect(0).stdout;
    let line = |(i, line): (u64, &str)| {
        let mut answer: Value = serde_json::from_str(line).expect("JSON");
        answer["latency_ms"] = (10.0 * took as f64 + i as f64).into();
        answer["input_tokens"] = 20.into();
        answer["output_tokens"] = (took + i % 5).into();
        format!("{answer}\n")
    };
    (0..).zip(exported.lines()).map(line).collect()
}

/// Runs the suite on recorded answers, and gates it.
fn gated(world: &World, id: &str, answers: &str) {
    world.write(&format!("{id}.jsonl"), answers);
    let text = suite("URL", GATE).replace("gate:\n", &format!("{METRICS}gate:\n"));
    let recorded = format!("recorded: {{ file: {id}.jsonl }}, price: {{ input: 1, output: 2 }}");
    world.write("suite.yaml", &text.replace("provider: openai, base_url: 'URL'", &recorded));
    let ran = world.run_suite(id, &["--prompt", "plain", "--new-baseline"]);
    assert!(matches!(ran.code, Some(0 | 1 | 3)), "{}", ran.stderr);
}

/// The figures that every table shows.
fn shown(text: &ComparisonText) -> Vec<String> {
    let figures = [text.change.clone(), text.bounds(), Some(text.margin.clone())];
    figures.into_iter().flatten().collect()
}

#[track_caller]
fn check(form: &str, block: &str, figures: &[String], metric: &str) {
    let block = block.split_whitespace().collect::<Vec<_>>().join(" ");
    for figure in figures {
        assert!(block.contains(figure), "{form} has no `{figure}` for {metric}:\n{block}");
    }
}

/// The blocks that begin with `begin`, each up to the next.
fn blocks<'a>(text: &'a str, begin: &'a str) -> Vec<&'a str> {
    text.split(begin).skip(1).collect()
}

#[test]
fn every_form_shows_the_same_numbers() {
    let world = World::new(120);
    let (before, after) = (answers(&world, "live-a", 9, 50), answers(&world, "live-b", 7, 57));
    gated(&world, "a", &before);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    gated(&world, "b", &after);
    let verdict: Verdict =
        serde_json::from_slice(&world.bytes("reports/test/b/verdict.json")).expect("a verdict");
    let gate = |format: &str| {
        let arguments = ["gate", "reports/test/b", "--baseline", "main", "--format", format];
        world.run(&arguments).stdout
    };
    let (terminal, markdown, junit) = (gate("text"), gate("markdown"), gate("junit"));
    let page = String::from_utf8(world.bytes("reports/test/b/report.html")).expect("UTF-8");
    let worst_first = verdict.worst_first();
    let rows: Vec<_> = markdown.lines().filter(|line| line.starts_with("| **")).collect();
    assert_eq!((rows.len(), worst_first.len()), (9, 9));
    for (comparison, row) in worst_first.iter().zip(rows) {
        let figures = shown(&ComparisonText::of(comparison));
        check("Markdown", row, &figures, &comparison.metric);
    }
    for (comparison, case) in verdict.comparisons.iter().zip(blocks(&junit, "<testcase")) {
        check("JUnit", case, &shown(&ComparisonText::of(comparison)), &comparison.metric);
    }
    for comparison in &worst_first {
        let heading = format!("plain · small · {}\n", comparison.metric);
        let blocks = blocks(&terminal, &heading);
        let label = format!(" {} ", ComparisonText::of(comparison).label);
        let block = blocks
            .iter()
            .find(|block| block[..block.find("\n\n").unwrap_or(block.len())].contains(&label));
        let figures = shown(&ComparisonText::of(comparison));
        check("the terminal", block.expect("a block"), &figures, &comparison.metric);
        check("the page", &page, &figures, &comparison.metric);
        sentence(comparison);
    }
}

/// The sentence tells the figures of the table.
fn sentence(comparison: &Comparison) {
    let text = ComparisonText::of(comparison);
    let figures = match comparison.measure {
        Measure::Difference => vec![text.baseline, text.candidate],
        Measure::Level => vec![text.candidate, Some(text.margin)],
        Measure::Ratio => {
            let change = text.change.as_deref().and_then(|change| change.split(['(', ')']).nth(1));
            let change = change.and_then(|change| change.rsplit_once(' '));
            vec![change.map(|(percent, _)| percent.to_owned())]
        }
    };
    let figures: Vec<_> = figures.into_iter().flatten().collect();
    assert!(!figures.is_empty(), "{comparison:?}");
    check("the sentence", &comparison.says, &figures, &comparison.metric);
}

/// A mean has one interval, whichever command shows it.
#[test]
fn a_leaderboard_has_the_intervals_of_the_summary() {
    let world = World::new(30);
    let server = Server::start(|seen: &Seen| {
        let i = item(seen);
        let errs = i.is_multiple_of(if seen.prompt().contains("Colour") { 3 } else { 4 });
        Reply::text(if errs { "no colour" } else { answer(i) })
    });
    world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    let json = |arguments: &[&str]| -> Value {
        let ran = world.run(&[arguments, &["--format", "json"]].concat()).expect(0);
        serde_json::from_str(&ran.stdout).expect("JSON")
    };
    let (shown, boards) = (json(&["show", "latest"]), json(&["compare", "latest"]));
    let mut n = 0;
    for board in boards["boards"].as_array().expect("boards") {
        for place in board["places"].as_array().expect("places") {
            let rows = shown.as_array().expect("rows").iter();
            let is_it =
                |row: &&Value| row["metric"] == board["metric"] && row["prompt"] == place["prompt"];
            let row = rows.filter(|row| row["slice"].is_null()).find(is_it).expect("a row");
            assert_eq!(place["estimate"], row["estimate"], "{}", board["metric"]);
            n += 1;
        }
    }
    assert_eq!(n, 4);
    let told = world.run(&["compare", "latest"]).expect(0);
    assert!(told.stdout.contains("Brackets are 95 % intervals"), "{}", told.stdout);
}
