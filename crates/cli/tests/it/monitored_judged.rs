//! Metrics that a model judges, in `evalmark monitor`: a seeded share of the records, redacted, each bought once, within a
//! budget, and nothing waits for them.

use std::{
    collections::BTreeMap,
    fs,
    process::Child,
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: 'Please answer. {{ text }}' }]
models:
  - { name: kept, recorded: { column: label } }
  - { name: judge, evaluate: false, provider: openai, base_url: 'URL', limits: { attempts: 1, concurrency: 1 }, price: { input: 1, output: 1 } }
metrics:
  - { name: helpful, judge: { model: judge, rubric: 'Is it helpful?' } }
  - { name: short, length_within: { unit: words, max: 3 } }
logs:
  from: logs
  fields: { id: $.id, time: $.at, output: $.out, variables: { text: $.in }, error: $.error }
  redact: [email]
  sample: { rate: 0.5, seed: 3 }
";

const JUDGES: &str = "  judges: { rate: 0.25 }\n";

fn world(url: &str, judges: &str) -> World {
    let world = World::new(3);
    world.write("suite.yaml", &format!("{SUITE}{judges}").replace("URL", url));
    fs::create_dir(world.path("logs")).expect("a folder");
    world
}

/// Lines of a day of November; each third asks for the address of somebody.
fn lines(ids: std::ops::Range<u32>, day: u32) -> String {
    let line = |i: u32| {
        let (at, out) =
            (format!("2026-11-{day:02}T10:00:00Z"), format!("answer {i} to ann@example.org"));
        let text = format!("question {i} of bob@example.org");
        format!("{}\n", json!({ "id": format!("r{i}"), "at": at, "out": out, "in": text }))
    };
    ids.map(line).collect()
}

/// A judge that likes every second answer.
fn graded(seen: &Seen) -> Reply {
    let text = seen.prompt();
    let number = text.split(" BEGIN ANSWER>>>\nanswer ").nth(1);
    let number = number.and_then(|rest| rest.split(' ').next());
    let number: u32 = number.and_then(|number| number.parse().ok()).expect("an answer");
    Reply::text(json!({ "grade": f64::from(number % 2) }).to_string())
}

fn status(world: &World) -> Value {
    let ran = world.run(&["monitor", "status", "suite.yaml", "--format", "json"]).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn a_share_of_the_records_is_judged_redacted_and_bought_once() {
    let texts = Arc::new(Mutex::new(Vec::new()));
    let heard = texts.clone();
    let server = Server::start(move |seen| {
        heard.lock().expect("unpoisoned").push(seen.json().to_string());
        graded(seen)
    });
    let world = world(&server.url(), JUDGES);
    let failed = "{\"id\":\"e\",\"error\":\"timed out\"}\n";
    world.write("logs/a.jsonl", &(lines(0..400, 1) + failed));
    let ran = world.run(&["monitor", "suite.yaml"]).expect(0);
    let found = status(&world);
    let n = found["judging"]["judged"].as_u64().expect("a number");
    assert!((70..130).contains(&n), "{n}");
    assert_eq!(found["judging"]["drawn"], n);
    assert_eq!(server.count(), n);
    assert_eq!(found["lines"]["kept"], 401);
    let (helpful, short) = (&found["metrics"][0], &found["metrics"][1]);
    assert_eq!(helpful["all"]["n_items"], n);
    let mean = helpful["all"]["mean"].as_f64().expect("a mean");
    assert!((0.35..0.65).contains(&mean), "{mean}");
    // All others have been scored as ever.
    assert_eq!(short["all"]["n_items"], 400);
    assert!(
        ran.stdout.contains(&format!("judges: {n} drawn, {n} judged; $0.00")),
        "{}",
        ran.stdout
    );
    for text in texts.lock().expect("unpoisoned").iter() {
        assert!(!text.contains("example.org"), "{text}");
        assert!(text.contains("Please answer. question") && text.contains("of [email]"), "{text}");
    }
    // Whoever reads the same logs again, into another folder, draws the same and buys nothing.
    let again = world.run(&["monitor", "suite.yaml", "--out", "again"]).expect(0);
    assert!(again.stdout.contains(&format!("{n} drawn, {n} judged\n")), "{}", again.stdout);
    assert_eq!(server.count(), n);
    // The texts of those that are judged, but not in the sample, are kept nowhere.
    assert!(fs::read_dir(world.path("reports/test/monitor")).expect("a folder").all(|entry| {
        !entry.expect("an entry").file_name().to_string_lossy().ends_with(".waiting")
    }));
}

/// Killed at its first change of a file, then at its second, and so on: every record that was drawn is judged once, what was
/// bought is not bought again, and counts as spent.
#[test]
fn a_process_that_is_killed_anywhere_judges_each_record_once() {
    let (mut killed, mut at) = (0, 1);
    loop {
        let server = Server::start(graded);
        let world = world(&server.url(), "  judges: { rate: 0.5, max_cost_usd: 1 }\n");
        world.write("logs/a.jsonl", &lines(0..60, 1));
        let ran = world
            .run_in(&["monitor", "suite.yaml"], &[("EVALMARK_TEST_ABORT_AT", &at.to_string())]);
        if ran.code == Some(0) {
            break;
        }
        killed += 1;
        world.write("logs/b.jsonl", &lines(60..80, 2));
        world.run(&["monitor", "suite.yaml"]).expect(0);
        let found = status(&world);
        assert_eq!(found["lines"]["kept"], 80, "killed at change {at}");
        assert_eq!(found["metrics"][1]["all"]["n_items"], 80, "killed at change {at}");
        let judging = &found["judging"];
        let n = judging["judged"].as_u64().expect("a number");
        assert_eq!((&judging["drawn"], &judging["waiting"]), (&json!(n), &json!(0)));
        assert_eq!(found["metrics"][0]["all"]["n_items"], n, "killed at change {at}");
        // What was under way when it was killed is asked again.
        let asked = server.count();
        assert!((n..=n + 3).contains(&asked), "killed at change {at}: {asked} for {n}");
        let cost = judging["cost_usd"].as_f64().expect("a cost");
        let each = 15e-6;
        assert!((cost / each - n as f64).abs() < 1e-6, "killed at change {at}: {cost} for {n}");
        at += 1;
    }
    assert!(killed >= 8, "{killed}");
}

#[test]
fn a_budget_is_that_of_a_day_and_what_is_beyond_it_is_counted() {
    let server = Server::start(graded);
    let world = world(&server.url(), "  judges: { rate: 1, max_tokens: 2000, per: day }\n");
    let read = |file: &str, ids: std::ops::Range<u32>, day: u32| {
        world.write(file, &lines(ids, day));
        let now = format!("2026-11-{day:02}T12:00:00Z");
        world.run_in(&["monitor", "suite.yaml"], &[("EVALMARK_TEST_NOW", &now)]).expect(0)
    };
    read("logs/a.jsonl", 0..200, 3);
    let first = status(&world);
    let judged = first["judging"]["judged"].as_u64().expect("a number");
    assert!((20..130).contains(&judged), "{judged}");
    assert_eq!(first["judging"]["unjudged"]["over_budget"], 200 - judged);
    assert_eq!(first["judging"]["period_tokens"], judged * 15);
    assert_eq!(first["metrics"][1]["all"]["n_items"], 200, "others are scored");
    // The same day has no more to spend; the next has.
    read("logs/b.jsonl", 200..210, 3);
    let same = status(&world);
    assert_eq!(
        (&same["judging"]["judged"], &same["judging"]["period"]),
        (&json!(judged), &json!("2026-11-03"))
    );
    let told = read("logs/c.jsonl", 210..220, 4).stdout;
    let next = status(&world);
    assert_eq!(next["judging"]["judged"], judged + 10);
    assert_eq!(
        (&next["judging"]["period"], &next["judging"]["period_tokens"]),
        (&json!("2026-11-04"), &json!(150))
    );
    let beyond = format!("{} unjudged beyond the budget", 210 - judged);
    assert!(told.contains(&beyond), "{told}");
    assert_eq!(server.count(), judged + 10);
}

#[test]
fn a_judge_that_is_down_stops_nothing() {
    let check = |url: &str, why: &str| {
        let world = world(url, "  judges: { rate: 1 }\n");
        world.write("logs/a.jsonl", &lines(0..50, 1));
        let ran = world.run(&["monitor", "suite.yaml"]).expect(0);
        let found = status(&world);
        assert_eq!(found["judging"]["unjudged"][why], 50, "{}", found["judging"]);
        assert_eq!(
            (&found["judging"]["judged"], &found["judging"]["waiting"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(found["metrics"][0]["all"], Value::Null);
        assert_eq!(found["metrics"][1]["all"]["n_items"], 50);
        assert!(ran.stdout.contains("50 unjudged"), "{}", ran.stdout);
    };
    check("http://127.0.0.1:9", "unreachable");
    let broken = Server::start(|_| Reply::status(400));
    check(&broken.url(), "failed");
    let babbles = Server::start(|_| Reply::text("I like it."));
    check(&babbles.url(), "unreadable");
}

#[test]
fn without_the_section_nothing_is_asked_and_the_notice_says_how() {
    let server = Server::start(graded);
    let world = world(&server.url(), "");
    world.write("logs/a.jsonl", &lines(0..20, 1));
    let ran = world.run(&["monitor", "suite.yaml"]).expect(0);
    assert!(
        ran.stderr.contains("metric `helpful` is judged by a model, which is not asked"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("judges: { rate: 0.02 }"), "{}", ran.stderr);
    assert_eq!(server.count(), 0);
    assert_eq!(status(&world)["judging"], Value::Null);
}

#[test]
fn what_cannot_be_asked_is_told_before_anything_is_read() {
    let world =
        world("https://judges.example.org/v1", "  judges: { rate: 0.1, max_cost_usd: 1 }\n");
    world.write("logs/a.jsonl", &lines(0..20, 1));
    let check = |change: (&str, &str), code: i32, parts: &[&str]| {
        let suite = fs::read_to_string(world.path("suite.yaml")).expect("a suite");
        world.write("suite.yaml", &suite.replace(change.0, change.1));
        let ran = world.run(&["monitor", "suite.yaml"]).expect(code);
        for part in parts {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
        world.write("suite.yaml", &suite);
        assert!(!world.path("reports/test/monitor/state.json").exists());
    };
    check(
        (", price: { input: 1, output: 1 }", ""),
        2,
        &["needs the price of model `judge`", "add `price"],
    );
    let key = "provider: openai, api_key_env: JUDGE_KEY,";
    check(
        ("provider: openai,", key),
        2,
        &["send the key in JUDGE_KEY", "--allow-key JUDGE_KEY@judges.example.org"],
    );
    let wrong = "rate: 0, max_cost_usd: -1, per: hour";
    check(("rate: 0.1, max_cost_usd: 1", wrong), 2, &["`hour` is not one of: day, week, month"]);
    let wrong = "rate: 0, max_cost_usd: -1";
    check(
        ("rate: 0.1, max_cost_usd: 1", wrong),
        2,
        &["more than 0, and at most 1", "an amount of US dollars"],
    );
    check(
        ("rate: 0.1, max_cost_usd: 1", "per: week"),
        2,
        &["needs a `rate`", "the period of a budget"],
    );
}

/// A monitor that follows, until it is killed.
struct Followed(Child);

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whoever follows logs does not wait for a judge; what waits is asked by the next, or kept unjudged where the suite has changed.
#[test]
fn records_wait_on_the_disk_for_a_judge_that_takes_its_time() {
    let server = Server::start(|_| Reply::hang());
    let world = world(&server.url(), "  judges: { rate: 0.5 }\n");
    world.write("logs/a.jsonl", &lines(0..40, 1));
    let state = || -> Value {
        let bytes = fs::read(world.path("reports/test/monitor/state.json")).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    };
    let follow = |kept: u64| {
        let mut command = world.command(&["monitor", "suite.yaml", "--follow"]);
        let running = Followed(command.spawn().expect("the program starts"));
        let until = Instant::now() + Duration::from_mins(1);
        while state()["counts"]["kept"] != kept {
            assert!(Instant::now() < until, "{}", state());
            sleep(Duration::from_millis(50));
        }
        drop(running);
    };
    follow(40);
    let waiting = state()["judging"]["waiting"][0]["records"].as_u64().expect("records");
    assert!((10..30).contains(&waiting), "{waiting}");
    let found = status(&world);
    assert_eq!(found["judging"]["waiting"], waiting);
    assert_eq!(found["metrics"][1]["all"]["n_items"], 40 - waiting);
    let name = state()["judging"]["waiting"][0]["name"].as_str().expect("a name").to_owned();
    let kept = fs::read_to_string(world.path("reports/test/monitor").join(name)).expect("a file");
    assert!(kept.contains("[email]") && !kept.contains("example.org"), "{kept}");
    // Another rubric is another metric.
    let suite = fs::read_to_string(world.path("suite.yaml")).expect("a suite");
    let quick = Server::start(graded);
    let other = suite.replace("Is it helpful?", "Is it kind?").replace(&server.url(), &quick.url());
    world.write("suite.yaml", &other);
    world.write("logs/b.jsonl", &lines(40..60, 2));
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let found = status(&world);
    assert_eq!(found["judging"]["unjudged"]["suite_changed"], waiting);
    assert_eq!(found["judging"]["waiting"], 0);
    assert_eq!(found["metrics"][0]["all"]["n_items"], found["judging"]["judged"]);
    assert_eq!(quick.count(), found["judging"]["judged"].as_u64().expect("a number"));
}

/// The stream of a judged metric has the records that were judged, and is held against the released run as all are.
#[test]
fn a_judged_metric_is_a_stream_of_drift() {
    let server = Server::start(|seen| {
        let good = u8::from(!seen.prompt().contains("poor answer"));
        Reply::text(json!({ "grade": good }).to_string())
    });
    let world = world(&server.url(), "  judges: { rate: 0.4 }\n  watch: { cycle: day }\n");
    let rows: Vec<_> = (0..300).map(|i| format!("i{i},question {i},good answer {i}")).collect();
    world.write("data.csv", &format!("id,text,label\n{}\n", rows.join("\n")));
    world.run_suite("first", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    let mut logs = String::new();
    for (day, i) in (1..=16).flat_map(|day| (0..60).map(move |i| (day, i))) {
        let quality = if day > 10 && i % 2 == 0 { "poor" } else { "good" };
        let at = format!("2026-11-{day:02}T{:02}:00:00Z", i % 24);
        let (id, out) = (format!("{day}-{i}"), format!("{quality} answer {i} of {day}"));
        logs += &json!({ "id": id, "at": at, "out": out, "in": "why?" }).to_string();
        logs.push('\n');
    }
    world.write("logs/a.jsonl", &logs);
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let arguments = ["monitor", "status", "suite.yaml", "--baseline", "main", "--format", "json"];
    let ran = world.run_in(&arguments, &[("EVALMARK_TEST_NOW", "2026-11-17T01:00:00Z")]).expect(1);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let alarms = found["drift"]["alarms"].as_array().expect("alarms");
    let names: BTreeMap<_, _> = alarms.iter().map(|one| (one["stream"].as_str(), one)).collect();
    let helpful = names.get(&Some("helpful")).expect("an alarm");
    assert_eq!(helpful["began"], "2026-11-11");
    let n: u64 = found["metrics"][0]["days"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|day| day["estimate"]["n_items"].as_u64())
        .sum();
    assert_eq!(n, found["judging"]["judged"].as_u64().expect("a number"));
    assert!((300..470).contains(&n), "{n}");
}
