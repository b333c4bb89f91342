//! Verdicts of the whole program: the four answers and their exit codes.

use evalmark_core::number_format::count;
use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{World, answer, item, right};

/// Every item but those that `wrong` picks is answered rightly.
fn but(
    wrong: impl Fn(usize) -> bool + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Reply + Send + Sync {
    move |seen| {
        let i = item(seen);
        Reply::text(if wrong(i) { answer(i + 1) } else { answer(i) })
    }
}

/// A baseline of `n` items from one server, then a run against another.
fn gate(
    n: usize,
    before: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    after: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    code: i32,
) -> (World, crate::setup::Ran) {
    let world = World::new(n);
    let gate = "gate: { baseline: main, metrics: { exact: { margin: 0.03 } } }\n";
    let server = Server::start(before);
    world.suite(&server.url(), gate);
    let first = world.run_suite("first", &["--prompt", "plain", "--new-baseline"]).expect(0);
    assert!(first.stderr.contains("no baseline `main` yet"), "{}", first.stderr);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    let server = Server::start(after);
    world.suite(&server.url(), gate);
    let ran = world.run_suite("second", &["--prompt", "plain"]).expect(code);
    let again = world.run(&["gate", "reports/test/second", "--baseline", "main"]).expect(code);
    assert!(ran.stdout.contains(again.stdout.trim()), "{}\n---\n{}", ran.stdout, again.stdout);
    (world, ran)
}

#[test]
fn identical_answers_pass() {
    let (world, ran) = gate(150, but(|i| i % 5 == 0), but(|i| i % 5 == 0), 0);
    assert!(ran.stdout.contains("PASS against main"), "{}", ran.stdout);
    assert_eq!(world.json("reports/test/second/verdict.json")["answer"], "pass");
}

#[test]
fn fifteen_points_fewer_is_a_regression() {
    let (world, ran) = gate(160, but(|i| i % 10 == 0), but(|i| i % 4 == 0), 1);
    assert!(ran.stdout.contains("REGRESSED against main"), "{}", ran.stdout);
    assert!(ran.stdout.contains("flipped: i0"), "{}", ran.stdout);
    let verdict = world.json("reports/test/second/verdict.json");
    assert_eq!(verdict["comparisons"][0]["only_baseline"], 32);
    assert_eq!(verdict["comparisons"][0]["only_candidate"], 8);
}

#[test]
fn twenty_items_cannot_tell() {
    let (world, ran) = gate(20, but(|i| i % 10 == 0), but(|i| i % 4 == 0), 3);
    assert!(ran.stdout.contains("INCONCLUSIVE against main"), "{}", ran.stdout);
    let comparison = &world.json("reports/test/second/verdict.json")["comparisons"][0];
    let needed = comparison["items_needed"].as_u64().expect("items needed");
    assert!(needed > 20);
    assert!(ran.words().contains("items would decide it"), "{}", ran.stdout);
    assert!(
        ran.words().contains(&format!(
            "{} items would be enough to detect a drop as large as",
            count(needed)
        )),
        "{}",
        ran.stdout
    );
}

#[test]
fn another_dataset_is_incomparable() {
    let world = World::new(40);
    let server = Server::start(right);
    world.suite(&server.url(), "");
    world.run_suite("a", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.data(100..140);
    world.run_suite("b", &[]).expect(0);
    let ran = world.run(&["gate", "reports/test/b", "--baseline", "main"]).expect(4);
    assert!(ran.stdout.contains("INCOMPARABLE"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("every metric is gated at alpha 0.05, margin 0.03"),
        "{}",
        ran.stderr
    );
}

#[test]
fn another_metric_is_incomparable() {
    let world = World::new(40);
    let server = Server::start(right);
    let path = world.suite(&server.url(), "");
    world.run_suite("a", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    let text = std::fs::read_to_string(&path).expect("suite");
    world.write("suite.yaml", &text.replace("[trim, casefold]", "[trim]"));
    let ran = world.run_suite("b", &["--baseline", "main"]).expect(4);
    assert!(ran.stdout.contains("configured differently"), "{}", ran.stdout);
}

#[test]
fn baselines_are_immutable() {
    let world = World::new(5);
    let server = Server::start(right);
    world.suite(&server.url(), "");
    world.run_suite("a", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    let ran = world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(2);
    assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
    world.run(&["baseline", "promote", "reports/test/a", "main", "--force"]).expect(0);
    let listed = world.run(&["baseline", "list"]).expect(0);
    assert!(listed.stdout.starts_with("test/main  run a of "), "{}", listed.stdout);
    let shown = world.run(&["baseline", "show", "main"]).expect(0);
    assert!(shown.stdout.contains("plain · small · exact: 100.0 %"), "{}", shown.stdout);
}

#[test]
fn two_prompts_are_compared() {
    let world = World::new(160);
    let server = Server::start(|seen| {
        let is_plain = seen.prompt().starts_with("Colour");
        let wrong = move |i| !is_plain && i % 3 == 0;
        but(wrong)(seen)
    });
    world.suite(&server.url(), "");
    let ran = world.run_suite("a", &[]).expect(0);
    assert!(ran.stdout.contains("100.0 % [97.7, 100.0] a"), "{}", ran.stdout);
    assert!(ran.stdout.contains("] b"), "the worse prompt is in another group: {}", ran.stdout);
    let compare = |a, b, code| {
        world.run(&["compare", "reports/test/a", "--between", a, b]).expect(code).stdout
    };
    assert!(compare("plain", "terse", 1).contains("REGRESSED against plain"));
    assert!(compare("terse", "plain", 0).contains("IMPROVED against terse"));
    for (other, words) in
        [("nope", "no prompt or model `nope`"), ("small", "not two prompts or two models")]
    {
        let ran = world.run(&["compare", "reports/test/a", "--between", "plain", other]).expect(2);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[test]
fn verdicts_have_every_form() {
    let world = World::new(100);
    let server = Server::start(right);
    world.suite(&server.url(), "");
    world.run_suite("a", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.run_suite("b", &[]).expect(0);
    for (format, words) in [
        ("json", "\"answer\": \"pass\""),
        ("markdown", "|"),
        ("junit", "<testsuite"),
        ("github", "::"),
    ] {
        let arguments = ["gate", "reports/test/b", "--baseline", "main", "--format", format];
        let ran = world.run(&[&arguments[..], &["--output", "verdict.out"]].concat()).expect(0);
        assert_eq!(ran.stdout, "");
        let text = String::from_utf8(world.bytes("verdict.out")).expect("UTF-8");
        assert!(text.contains(words), "{format}: {text}");
    }
}

#[test]
fn what_the_baseline_has_and_the_run_lacks_is_incomparable() {
    let world = World::new(100);
    let server = Server::start(right);
    let path = world.suite(&server.url(), "");
    world.run_suite("a", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    // Left out on purpose: what was run is compared.
    world.run_suite("b", &["--prompt", "plain", "--baseline", "main"]).expect(0);
    // Gone from the suite: that is another experiment.
    let text = std::fs::read_to_string(&path).expect("suite");
    let without: Vec<_> = text.lines().filter(|line| !line.contains("name: terse")).collect();
    world.write("suite.yaml", &without.join("\n"));
    let ran = world.run_suite("c", &["--baseline", "main"]).expect(4);
    assert!(
        ran.stdout.contains("the run has no scores of this prompt and model"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_gate_without_its_suite_is_the_gate_of_the_run() {
    let world = World::new(100);
    let server = Server::start(right);
    world.suite(&server.url(), "gate: { metrics: { exact: { margin: 0.0001 } } }\n");
    world.run_suite("a", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.run_suite("b", &[]).expect(0);
    let gate = ["gate", "reports/test/b", "--baseline", "main"];
    world.run(&gate).expect(3);
    std::fs::remove_file(world.path("suite.yaml")).expect("removed");
    let ran = world.run(&gate).expect(3);
    assert!(
        ran.stderr.contains("the gate is the one kept in reports/test/b/run.json"),
        "{}",
        ran.stderr
    );
    // A gate of a later version is not replaced by the default one.
    let record = std::fs::read_to_string(world.path("reports/test/b/run.json")).expect("a record");
    world.write("reports/test/b/run.json", &record.replace("\"margin\"", "\"leeway\""));
    let told = world.run(&gate).expect(2).stderr;
    assert!(told.contains("the gate that the run was made with cannot be read"), "{told}");
    world.write("suite.yaml", "name: [");
    world.run(&gate).expect(2);
}

#[test]
fn a_minimum_is_held_by_its_interval() {
    let world = World::new(150);
    let server = Server::start(but(|i| i % 10 == 0));
    for (id, min, code, words) in [
        ("met", "0.8", 0, "PASS"),
        ("open", "0.9", 3, "INCONCLUSIVE"),
        ("missed", "0.97", 1, "REGRESSED"),
    ] {
        world
            .suite(&server.url(), &format!("gate: {{ metrics: {{ exact: {{ min: {min} }} }} }}\n"));
        let ran = world.run_suite(id, &["--prompt", "plain"]).expect(code);
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    // Beside a baseline, both must hold.
    world.run(&["baseline", "promote", "reports/test/missed", "main"]).expect(0);
    let ran = world.run(&["gate", "reports/test/met", "--baseline", "main"]).expect(1);
    assert!(ran.stdout.contains("REGRESSED"), "{}", ran.stdout);
}
