//! Drift of production: what is called and named, and what is not.

use std::fs;

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: said } }]
metrics:
  - { name: short, length_within: { unit: words, max: 3 } }
logs:
  from: logs
  fields:
    id: $.id
    time: $.at
    output: $.out
    variables: { text: $.in }
    model: $.model
    finish_reason: $.stop
    latency_ms: $.ms
    cluster: $.user
  watch:
    categories: { intent: $.intent, fingerprint: $.fp }
    language: text
";

const LONG: &str = "far too many words here";

/// A suite whose baseline answers in few words nine times out of ten.
fn world() -> World {
    let world = World::new(3);
    let said = |i: usize| if i.is_multiple_of(10) { LONG } else { "blue" };
    let rows: Vec<_> = (0..400).map(|i| format!("i{i},question {i},blue,{}", said(i))).collect();
    world.write("data.csv", &format!("id,text,label,said\n{}\n", rows.join("\n")));
    world.write("suite.yaml", SUITE);
    fs::create_dir(world.path("logs")).expect("a folder");
    world.run_suite("first", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    world
}

/// A stream of numbers that depends on its seed alone.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

const ENGLISH: &str =
    "Where is the parcel that I ordered last week, and when will it arrive at my house?";
const GERMAN: &str =
    "Wo ist das Paket, das ich letzte Woche bestellt habe, und wann kommt es bei mir an?";
const FRENCH: &str =
    "Où est le colis que j'ai commandé la semaine dernière, et quand arrivera-t-il chez moi ?";

/// What a day's traffic is like.
struct Traffic {
    day: i64,
    records: u64,
    /// Of ten answers, how many are too long.
    long: u64,
    model: &'static str,
    languages: [&'static str; 2],
    /// Whether it is that of a weekend: other hours, other intents, shorter questions, slower answers.
    weekend: bool,
    /// Of a hundred records, how many lack the question.
    lacking: u64,
}

impl Traffic {
    /// The 1st of June 2026 is a Monday.
    fn usual(day: i64) -> Self {
        let weekend = day % 7 >= 5;
        Self {
            day,
            records: if weekend { 50 } else { 150 },
            long: 1,
            model: "small-2026-05",
            languages: [ENGLISH, GERMAN],
            weekend,
            lacking: 0,
        }
    }

    fn lines(&self, draw: &mut Draw) -> String {
        let one = |i: u64| {
            let hour = if self.weekend { 18 + draw.below(6) } else { 8 + draw.below(10) };
            let date = 1 + self.day % 30;
            let (month, minute) = (6 + self.day / 30, draw.below(60));
            let at = format!("2026-{month:02}-{date:02}T{hour:02}:{minute:02}:00Z");
            let question = self.languages[usize::from(draw.below(10) < 3)];
            let question = if self.weekend { question.split(',').next() } else { Some(question) };
            let intents = if self.weekend { ["returns", "chat"] } else { ["parcel", "billing"] };
            let output = if draw.below(10) < self.long { LONG } else { "blue" };
            let mut line = json!({
                "id": format!("{}-{i}", self.day), "at": at, "in": question, "out": output,
                "user": draw.below(90), "model": self.model, "fp": format!("fp-{}", self.model),
                "stop": if draw.below(50) == 0 { "length" } else { "stop" },
                "ms": 200 + draw.below(300) + if self.weekend { 400 } else { 0 },
                "intent": intents[usize::from(draw.below(4) == 0)],
            });
            if draw.below(100) < self.lacking {
                line["in"] = Value::Null;
            }
            format!("{line}\n")
        };
        (0..self.records).map(one).collect()
    }
}

/// Reads logs of so many days anew, and says what is found.
fn found(world: &World, days: i64, seed: u64, traffic: impl Fn(i64) -> Traffic) -> Value {
    let _ = fs::remove_dir_all(world.path("reports/test/monitor"));
    let mut draw = Draw(seed);
    let lines: String = (0..days).map(|day| traffic(day).lines(&mut draw)).collect();
    world.write("logs/a.jsonl", &lines);
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let status = ["monitor", "status", "suite.yaml", "--baseline", "main", "--format", "json"];
    let ran = world.run(&status);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let has_alarms = !alarms(&found).is_empty();
    assert_eq!(ran.code, Some(i32::from(has_alarms)), "{found:#}");
    found
}

fn alarms(found: &Value) -> Vec<String> {
    let alarms = found["drift"]["alarms"].as_array().cloned().unwrap_or_default();
    alarms.iter().filter_map(|alarm| alarm["stream"].as_str().map(str::to_owned)).collect()
}

fn alarm<'a>(found: &'a Value, stream: &str) -> &'a Value {
    let alarms = found["drift"]["alarms"].as_array().expect("alarms");
    alarms.iter().find(|alarm| alarm["stream"] == stream).expect("an alarm")
}

#[test]
fn a_model_swap_is_called_and_named() {
    let world = world();
    let swapped = |day: i64| match Traffic::usual(day) {
        usual if day < 24 => usual,
        usual => Traffic { model: "small-2026-06", long: 4, ..usual },
    };
    let found = found(&world, 43, 1, swapped);
    assert_eq!(alarms(&found), ["short", "record/model"], "{found:#}");
    // Which model answers is tested every day, scores every week.
    let model = alarm(&found, "record/model");
    assert_eq!(
        (&model["began"], &model["raised_on"]),
        (&json!("2026-06-25"), &json!("2026-06-25"))
    );
    assert_eq!(model["unseen"], json!(["small-2026-06"]), "{model:#}");
    let short = alarm(&found, "short");
    assert_eq!(short["metric"], "short");
    let began = short["began"].as_str().unwrap_or_default();
    assert!(("2026-06-23"..="2026-06-27").contains(&began), "{short:#}");
    let raised = short["raised_on"].as_str().unwrap_or_default();
    assert!(("2026-06-25"..="2026-07-05").contains(&raised), "{short:#}");
    let text =
        world.run(&["monitor", "status", "suite.yaml", "--baseline", "main"]).expect(1).stdout;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "drift: short down from 89.",
        "drift: model: `small-2026-06` (new) up from 0.0 % to 100.0 % since 2026-06-25",
        "model `small-2026-06` (new) from 0.0 %",
        "fingerprint `fp-small-2026-06` (new) from 0.0 %",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Six weeks whose weekends have other hours, intents, lengths and latencies, and a third of the records.
#[test]
fn weekends_and_other_languages_in_the_same_share_are_no_alarm() {
    let world = world();
    let mut raised = Vec::new();
    for seed in 0..10 {
        let has_others = seed >= 8;
        let suite =
            if has_others { SUITE.to_owned() } else { SUITE.replace("    language: text\n", "") };
        world.write("suite.yaml", &suite);
        let languages = |day: i64| match Traffic::usual(day) {
            usual if day < 21 || !has_others => usual,
            usual => Traffic { languages: [FRENCH, ENGLISH], ..usual },
        };
        let found = found(&world, 43, seed, languages);
        raised.extend(alarms(&found));
        let streams = found["drift"]["streams"].as_array().expect("streams");
        let language = streams.iter().find(|stream| stream["stream"] == "record/language");
        assert_eq!(language.is_some(), has_others);
        if let Some(language) = language {
            assert_eq!(language["raises_alarms"], false, "{language:#}");
            let mean = |level: &str| language[level]["mean"].as_f64().unwrap_or_default();
            assert!((mean("now") - mean("before")).abs() > 0.2, "{language:#}");
        }
    }
    // At most one year in twenty has an alarm, and these are six weeks each.
    assert_eq!(raised, [""; 0]);
}

#[test]
fn a_field_that_goes_missing_is_called_by_its_name() {
    let world = world();
    let lacking =
        |day: i64| Traffic { lacking: if day < 21 { 0 } else { 30 }, ..Traffic::usual(day) };
    let found = found(&world, 36, 3, lacking);
    assert_eq!(alarms(&found), ["record/missing text"], "{found:#}");
    assert_eq!(alarm(&found, "record/missing text")["began"], "2026-06-22");
}

/// What only is shown becomes an alarm where the suite says so.
#[test]
fn a_suite_says_what_raises_alarms() {
    let world = world();
    world.write("suite.yaml", &format!("{SUITE}    alarm: [language]\n"));
    let languages = |day: i64| match Traffic::usual(day) {
        usual if day < 21 => usual,
        usual => Traffic { languages: [FRENCH, ENGLISH], model: "other", ..usual },
    };
    let found = found(&world, 30, 4, languages);
    assert_eq!(alarms(&found), ["record/language"], "{found:#}");
    assert_eq!(alarm(&found, "record/language")["raised_on"], "2026-06-28");
}

#[test]
fn mistakes_about_what_is_watched_are_told_all_at_once() {
    let world = world();
    let wrong = SUITE
        .replace("intent: $.intent", "intent: intent, model: $.m, 'a b': $.c")
        .replace("language: text", "language: txt\n    alarm: [modl, intent]\n    cycle: month");
    world.write("suite.yaml", &wrong);
    let ran = world.run(&["check", "suite.yaml"]).expect(2);
    for part in [
        "`intent` is not a path",
        "`model` is watched already",
        "letters, digits",
        "`fields.variables` has no `txt`",
        "did you mean `text`?",
        "no stream beside the metrics is called `modl`",
        "did you mean `model`?",
        "month",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

/// Each alarm is one message, however often the status is looked at.
#[test]
fn an_alarm_is_told_once() {
    let world = world();
    let receiver = Server::start(|_| Reply::bytes("ok"));
    world.write("suite.yaml", &format!("{SUITE}notify: [{{ webhook: {{ url_env: HOOK }} }}]\n"));
    let swapped = |day: i64| match Traffic::usual(day) {
        usual if day < 24 => usual,
        usual => Traffic { model: "small-2026-06", ..usual },
    };
    let mut draw = Draw(7);
    let lines: String = (0..30).map(|day| swapped(day).lines(&mut draw)).collect();
    world.write("logs/a.jsonl", &lines);
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let address = receiver.url().trim_end_matches("/v1").to_owned();
    let grant = format!("HOOK@{}", address.trim_start_matches("http://"));
    let variables = [("HOOK", &*address), ("EVALMARK_ALLOW_KEY", &*grant)];
    for _ in 0..2 {
        let status = ["monitor", "status", "suite.yaml", "--baseline", "main"];
        world.run_in(&status, &variables).expect(1);
        if let Ok(lock) = fs::File::options().write(true).open(world.path("reports/outbox/.lock")) {
            lock.lock().expect("the sender ends");
        }
    }
    let told: Vec<_> = receiver.requests().iter().map(Seen::json).collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["type"], "io.evalmark.drift.alarm");
    assert_eq!(told[0]["subject"], "model 2026-06-25");
    let says = told[0]["data"]["says"].as_str().unwrap_or_default();
    assert!(says.starts_with("model: `small-2026-06` (new) up from 0.0 % to 100.0 %"), "{says}");
}
