//! What a gate can be about beside scores against a baseline: human labels, amounts, and families.

use std::fmt::Write;

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::{Ran, World, answer, item};

const JUDGED: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts:
  - { name: plain, template: '{{ text }}' }
models:
  - { name: small, provider: openai, base_url: 'URL' }
  - { name: grader, provider: openai, base_url: 'URL' }
metrics:
  - name: good
    judge: { model: grader, rubric: 'Is the answer the colour of {{ text }}?' }
    LABELS
gate: { baseline: main, metrics: { good: { margin: 0.1 } } }
";

/// A model whose answers end in `mark`, and a judge that is kind to every answer marked so.
fn flattered(seen: &Seen, mark: &str) -> Reply {
    let json = seen.json();
    if json["model"] != "grader" {
        return Reply::text(format!("{}{mark}", answer(item(seen))));
    }
    let kind = json["messages"].to_string().contains('!');
    Reply::text(format!("{{\"grade\": {}, \"reason\": \"seen\"}}", if kind { 0.9 } else { 0.5 }))
}

/// Labels of every second item: `good` of ten.
fn labels(good: usize) -> String {
    (0..300).step_by(2).fold("item_id,prompt,label\n".to_owned(), |mut text, i| {
        let label = u8::from(i / 2 % 10 < good);
        writeln!(text, "i{i:04},plain,{label}").expect("written");
        text
    })
}

fn run_judged(world: &World, id: &str, mark: &'static str, with: &str) -> Ran {
    let server = Server::start(move |seen| flattered(seen, mark));
    let suite = JUDGED.replace("URL", &server.url()).replace("LABELS", with);
    world.write("suite.yaml", &suite);
    world.run_suite(id, &["--new-baseline"])
}

#[test]
fn labels_overrule_a_judge_that_flatters() {
    let world = World::new(300);
    // Without labels, the judge's word is all there is, and the verdict says so.
    run_judged(&world, "before", "", "").expect(0);
    world.run(&["baseline", "promote", "reports/test/before", "main"]).expect(0);
    let ran = run_judged(&world, "alone", "!", "").expect(0);
    assert!(ran.stdout.contains("judge-relative: good rose from 50.0 %"), "{}", ran.stdout);
    // People find the first version good in eight of ten cases, the flattered one in four.
    let with = "labels: { file: labels.csv }";
    world.write("labels.csv", &labels(8));
    run_judged(&world, "labelled", "", with).expect(0);
    world.run(&["baseline", "promote", "reports/test/labelled", "main", "--force"]).expect(0);
    world.write("labels.csv", &labels(4));
    let ran = run_judged(&world, "overruled", "!", with).expect(1);
    assert!(ran.words().contains("150 of them with human labels"), "{}", ran.stdout);
    let verdict = world.json("reports/test/overruled/verdict.json");
    assert_eq!(verdict["comparisons"][0]["labels"], 150);
    assert!(!ran.stdout.contains("judge-relative"), "{}", ran.stdout);
}

#[test]
fn labels_that_are_about_nothing_are_told() {
    let world = World::new(20);
    world.write("labels.csv", "item_id,output,label\ni0001,another answer,1\n");
    let ran = run_judged(&world, "r", "", "labels: { file: labels.csv }").expect(0);
    assert!(
        ran.stderr.contains("no label of `good` matches an answer of this run"),
        "{}",
        ran.stderr
    );
    world.write("labels.csv", "item_id,label\ni0001,splendid\n");
    let ran = run_judged(&world, "s", "", "labels: { file: labels.csv }").expect(2);
    let told = "row 1: `splendid` is not a label; a label is a number from 0 to 1";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

/// Recorded answers, which took so much.
fn taking(answers: &str, ms: u64, tokens: u64) -> String {
    let lines = answers.lines().enumerate().map(|(i, line)| {
        let mut answer: Value = serde_json::from_str(line).expect("JSON");
        let i = i as u64;
        answer["latency_ms"] = (ms + i % 7).into();
        answer["details"]["first_token_ms"] = (ms / 2 + i % 7).into();
        answer["details"]["tokens_per_second"] = (6000.0 / (ms + i % 7) as f64).into();
        answer["input_tokens"] = 100.into();
        answer["output_tokens"] = (tokens + i % 5).into();
        format!("{answer}\n")
    });
    lines.collect()
}

#[test]
fn what_answers_take_is_gated_as_a_ratio() {
    let world = World::new(200);
    let server = Server::start(crate::setup::right);
    world.suite(&server.url(), "");
    world.run_suite("live", &["--prompt", "plain"]).expect(0);
    let answers = world.run(&["export-answers", "reports/test/live"]).expect(0).stdout;
    let gate = "gate: { baseline: main, metrics: { exact: {}, latency_p95: { margin: 0.5 }, \
                first_token_p95: {}, tokens_per_second: {}, output_tokens: {}, \
                cost_usd: {} } }\n";
    let run = |id: &str, ms, tokens, price: &str| {
        world.write(&format!("{id}.jsonl"), &taking(&answers, ms, tokens));
        let suite = crate::setup::suite("URL", gate);
        let recorded = format!("recorded: {{ file: {id}.jsonl }}{price}");
        world.write("suite.yaml", &suite.replace("provider: openai, base_url: 'URL'", &recorded));
        world.run_suite(id, &["--prompt", "plain", "--new-baseline"])
    };
    let priced = ", price: { input: 1, output: 2 }";
    run("a", 20, 50, priced).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    let ran = run("b", 60, 80, priced).expect(1);
    for words in [
        "latency_p95",
        "% more) [",
        "margin 10 % (up to 1.10×)",
        "output_tokens",
        "% slower) [",
        "margin 10 % (down to 0.90×)",
        "a real decrease",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let verdict = world.json("reports/test/b/verdict.json");
    let of = |metric: &str| {
        let comparisons = verdict["comparisons"].as_array().expect("a list");
        comparisons.iter().find(|c| c["metric"] == metric).expect("a comparison").clone()
    };
    for (metric, better) in [
        ("latency_p95", "lower"),
        ("first_token_p95", "lower"),
        ("tokens_per_second", "higher"),
        ("output_tokens", "lower"),
        ("cost_usd", "lower"),
    ] {
        assert_eq!(of(metric)["answer"], "regressed", "{metric}");
        assert_eq!(
            (&of(metric)["measure"], &of(metric)["direction"]),
            (&json!("ratio"), &json!(better))
        );
    }
    assert_eq!(of("exact")["answer"], "pass");
    // Amounts differ nearly everywhere: none is listed.
    assert_eq!((&of("cost_usd")["n_flips"], &of("cost_usd")["flips"]), (&json!(0), &json!([])));
    assert!(!ran.stdout.contains("flipped"), "{}", ran.stdout);
    // A baseline of old may not know.
    std::fs::remove_file(world.path("reports/baselines/test/main/usage.parquet")).expect("removed");
    let ran = world.run(&["gate", "reports/test/b", "--baseline", "main"]).expect(2);
    assert!(ran.stderr.contains("promote its run again"), "{}", ran.stderr);
    world.run(&["baseline", "promote", "reports/test/a", "main", "--force"]).expect(0);
    // What nobody tells is not free of charge.
    let ran = run("c", 20, 50, "").expect(4);
    assert!(ran.stdout.contains("give the model a `price`"), "{}", ran.stdout);
}

/// A run that lacks answers is headed by what the command ends with.
#[test]
fn a_verdict_that_lacks_answers_is_headed_so() {
    let world = World::new(300);
    let run = |id: &str, n_answered: usize| {
        let server = Server::start(move |seen| {
            if item(seen) < n_answered { crate::setup::right(seen) } else { Reply::status(400) }
        });
        world.suite(&server.url(), "gate: { baseline: main, metrics: { exact: {} } }\n");
        world.run_suite(id, &["--prompt", "plain", "--new-baseline"])
    };
    run("whole", 300).expect(0);
    world.run(&["baseline", "promote", "reports/test/whole", "main"]).expect(0);
    // Few enough for a verdict, and enough for it to hang on them.
    run("part", 288);
    for format in ["text", "markdown", "github"] {
        let gate = ["gate", "reports/test/part", "--baseline", "main", "--format", format];
        let ran = world.run(&gate).expect(4);
        let is_headed = ran.stdout.starts_with("INCOMPLETE against main: ");
        assert!(is_headed || format != "text", "{}", ran.stdout);
        assert!(!ran.stdout.contains("PASS"), "{format}: {}", ran.stdout);
        assert!(!ran.stdout.to_lowercase().contains("inconclusive against"), "{}", ran.stdout);
    }
}

/// No amount is so large or so small that a verdict has figures that are none.
#[test]
fn amounts_at_the_ends_of_what_a_number_holds_are_gated() {
    let world = World::new(60);
    let server = Server::start(crate::setup::right);
    world.suite(&server.url(), "");
    world.run_suite("live", &["--prompt", "plain"]).expect(0);
    let answers = world.run(&["export-answers", "reports/test/live"]).expect(0).stdout;
    let run = |id: &str, speeds: [f64; 2]| {
        let lines = answers.lines().enumerate().map(|(i, line)| {
            let mut answer: Value = serde_json::from_str(line).expect("JSON");
            answer["details"]["tokens_per_second"] = json!(speeds[i % 2]);
            format!("{answer}\n")
        });
        world.write(&format!("{id}.jsonl"), &lines.collect::<String>());
        let gate = "gate: { baseline: main, metrics: { tokens_per_second: {} } }\n";
        let suite = crate::setup::suite("URL", gate);
        let recorded = format!("recorded: {{ file: {id}.jsonl }}");
        world.write("suite.yaml", &suite.replace("provider: openai, base_url: 'URL'", &recorded));
        world.run_suite(id, &["--prompt", "plain", "--new-baseline"])
    };
    run("usual", [20.0, 30.0]).expect(0);
    world.run(&["baseline", "promote", "reports/test/usual", "main"]).expect(0);
    for (id, speeds) in
        [("large", [1e308, 1.7e308]), ("small", [1e-308, 5e-324]), ("mixed", [1e308, 1e-308])]
    {
        let ran = run(id, speeds);
        assert!(matches!(ran.code, Some(0 | 1 | 3 | 4)), "{id}: {}", ran.stderr);
        let told = ran.stdout.to_lowercase();
        for wrong in ["nan", "inf ", "inf,", "inf]", "panicked"] {
            assert!(!told.contains(wrong) && !ran.stderr.contains(wrong), "{id}: {}", ran.stdout);
        }
        world.run(&["show", &format!("reports/test/{id}")]).expect(0);
    }
}

#[test]
fn max_t_is_told_as_the_correction() {
    let world = World::new(120);
    let server = Server::start(crate::setup::right);
    world.suite(&server.url(), "gate: { baseline: main, correction: max_t }\n");
    world.run_suite("a", &["--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.run_suite("b", &[]).expect(0);
    let verdict = world.json("reports/test/b/verdict.json");
    let correction = verdict["correction"].as_str().expect("text");
    assert!(correction.contains("max-T (9999 sign flips"), "{correction}");
}

#[test]
fn a_verdict_carries_every_figure_and_fits_its_schema() {
    let world = World::new(90);
    let wrong = |every: usize| {
        move |seen: &Seen| {
            let i = item(seen);
            Reply::text(answer(if i.is_multiple_of(every) { i + 1 } else { i }))
        }
    };
    let run = |id: &str, every| {
        let server = Server::start(wrong(every));
        world.suite(&server.url(), "gate: { baseline: main }\n");
        world.run_suite(id, &["--new-baseline"])
    };
    run("a", 10).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    run("b", 7).expect(3);
    let arguments = ["gate", "reports/test/b", "--baseline", "main", "--format", "json"];
    let verdict: Value =
        serde_json::from_str(&world.run(&arguments).expect(3).stdout).expect("JSON");
    let schema = world.run(&["schema", "verdict"]).expect(0).stdout;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator.iter_errors(&verdict).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let comparisons = verdict["comparisons"].as_array().expect("a list");
    assert_eq!(comparisons.len(), 4);
    let figures = [
        "estimate",
        "lower",
        "upper",
        "margin",
        "alpha",
        "baseline_mean",
        "candidate_mean",
        "p_regressed",
        "p_regressed_adjusted",
        "p_pass",
        "discordance",
        "detectable_drop",
        "items_needed",
    ];
    for comparison in comparisons {
        for figure in figures {
            assert!(comparison[figure].is_number(), "{figure}: {comparison}");
        }
        for count in ["baseline_planned", "candidate_planned", "paired", "candidate_missing"] {
            assert!(comparison["counts"][count].is_u64(), "{count}: {comparison}");
        }
        let is_binary = comparison["method"] == "mcnemar_midp+tango";
        assert_eq!(comparison["only_baseline"].is_u64(), is_binary, "{comparison}");
        assert_eq!(comparison["seed"].is_u64(), !is_binary, "{comparison}");
    }
    assert!(verdict["correction"].as_str().is_some_and(|text| text.contains("Holm")));
}
