//! A prompt in production, command by command: released, watched through weeks in which nothing changes, failing because another
//! model answers, told to everybody, mended with cases from its own logs, released again, and quiet. Everything that is printed,
//! and what each receiver is told, is one snapshot.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use evalmark_loopback::{Reply, Seen, Server};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    narrative::Narrative,
    notified::settled,
    production_traffic::{DAY, FRENCH, Traffic},
    setup::World,
};

const PROMPT: &str = "\
---
description: Tells the colour of a lamp
owner: lighting
variables:
  text: { type: string, example: Which colour has the lamp? }
---
user:
{{ text }}
";

/// What mends it.
const MENDED: &str = "\
---
description: Tells the colour of a lamp
owner: lighting
variables:
  text: { type: string, example: Which colour has the lamp? }
---
system:
Answer with one word, and nothing else.
user:
{{ text }}
";

const POLICY: &str = "\
releases:
  environments:
    production:
      unsigned: true
      suites: { lamps: {} }
";

const SUITE: &str = "\
name: lamps
dataset: { path: data.csv, id: id, target: colour }
prompts: [{ name: plain, use: lamps/colour }]
models: [{ name: small, provider: openai, base_url: '@MODEL', model: small, params: { temperature: 0 } }]
metrics:
  - { name: exact, exact: {} }
  - { name: short, length_within: { unit: words, max: 1 } }
gate: { baseline: main, metrics: { exact: { margin: 0.1 }, short: { margin: 0.1 } } }
logs:
  from: logs
  fields:
    id: $.id
    time: $.at
    output: $.out
    variables: { text: $.in }
    model: $.model
    prompt_hash: $.prompt
    finish_reason: $.stop
    latency_ms: $.ms
    cluster: $.user
  watch: { language: text }
notify:
  - slack: { url_env: SLACK_WEBHOOK_URL }
  - teams: { url_env: TEAMS_WEBHOOK_URL }
  - webhook: { url_env: HOOK }
  - email: { from: evalmark@example.org, to: [lamps@example.org] }
export:
  - { pushgateway: { url: '@PLACE' }, on: [drift] }
  - { loki: { url: '@PLACE' }, on: [drift] }
  - { elasticsearch: { url: '@PLACE' }, on: [drift] }
  - { mlflow: { url: '@PLACE' }, on: [drift] }
  - { prometheus_remote_write: { url: '@PLACE/api/v1/write' }, on: [drift] }
  - { otlp: { url: '@PLACE', signals: [logs] }, on: [drift] }
  - confluence: { url: '@PLACE', space: QA, user: ci@example.org, password_env: CONFLUENCE_TOKEN, edition: data_center }
    on: [drift]
";

/// The variable by which a test says what time it is.
const CLOCK: &str = "EVALMARK_TEST_NOW";

/// The vendor's model, which answers in one word, until another one does that has to be asked for it.
fn model(seen: &Seen, is_swapped: bool) -> Reply {
    let all = seen.json()["messages"].to_string();
    let number = all
        .split("lamp ")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok());
    let answer = number.map_or("red", crate::setup::answer);
    let is_chatty = is_swapped && !all.contains("one word");
    Reply::text(if is_chatty { format!("It is {answer}!") } else { answer.to_owned() })
}

/// All receivers, as their products answer.
fn receivers(seen: &Seen) -> Reply {
    let path = seen.path.split('?').next().unwrap_or_default();
    match (&*seen.method, path) {
        (_, "/slack") => Reply::bytes("ok"),
        (_, "/logs-evalmark.runs-default/_bulk") => {
            let body = String::from_utf8_lossy(&seen.body).into_owned();
            let created = body.lines().filter(|line| line.starts_with("{\"create\""));
            let items: Vec<_> = created.map(|_| json!({ "create": { "status": 201 } })).collect();
            Reply::json(&json!({ "errors": false, "items": items }))
        }
        ("GET", "/rest/api/content") => Reply::json(&json!({ "results": [] })),
        ("GET", _) if path.starts_with("/rest/api/content") => Reply::status(404),
        (_, _) if path.starts_with("/rest/api/content") => Reply::json(&json!({ "id": "99" })),
        (_, _) if path.starts_with("/api/2.0/mlflow") => Reply::json(&json!({
            "experiment": { "experiment_id": "1" }, "experiment_id": "1", "runs": [],
            "run": { "info": { "run_id": "7", "experiment_id": "1", "artifact_uri": "mlflow-artifacts:/1/7/artifacts" } },
        })),
        _ => Reply::bytes("{}"),
    }
}

struct Production {
    tale: Narrative,
    /// The first midnight after the release: the first day of the logs.
    begin: u64,
    /// Days of logs so far.
    n_served: u64,
    is_swapped: Arc<AtomicBool>,
    receivers: Server,
    _model: Server,
}

impl Production {
    fn new() -> Self {
        let is_swapped = Arc::new(AtomicBool::new(false));
        let swapped = is_swapped.clone();
        let model = Server::start(move |seen| model(seen, swapped.load(Ordering::SeqCst)));
        let receivers = Server::start(receivers);
        let world = World::new(1);
        for folder in ["prompts/lamps", "logs"] {
            fs::create_dir_all(world.path(folder)).expect("a folder");
        }
        let row = |i| format!("i{i},Colour of lamp {i}?,{}\n", crate::setup::answer(i));
        let rows: String = (0..120).map(row).collect();
        world.write("data.csv", &format!("id,text,colour\n{rows}"));
        world.write("prompts/lamps/colour.md", PROMPT);
        world.write("policy.yaml", POLICY);
        let address = receivers.url().trim_end_matches("/v1").to_owned();
        let suite = SUITE.replace("@MODEL", &model.url()).replace("@PLACE", &address);
        world.write("suite.yaml", &suite);
        let place = address.trim_start_matches("http://");
        let variables =
            [("SLACK_WEBHOOK_URL", "slack"), ("TEAMS_WEBHOOK_URL", "teams"), ("HOOK", "hook")];
        let grants = variables.map(|(name, _)| name).into_iter().chain(["CONFLUENCE_TOKEN"]);
        let grants: Vec<_> = grants.map(|name| format!("{name}@{place}")).collect();
        let mut environment: Vec<_> =
            variables.map(|(name, path)| (name.to_owned(), format!("{address}/{path}"))).into();
        environment.push(("CONFLUENCE_TOKEN".to_owned(), "token-canary-0123456789".to_owned()));
        environment.push(("EVALMARK_ALLOW_KEY".to_owned(), grants.join(",")));
        let tale = Narrative::new(world).with(environment);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
        Self {
            tale,
            begin: (now / DAY + 1) * DAY,
            n_served: 1,
            is_swapped,
            receivers,
            _model: model,
        }
    }

    /// The hash of the prompt that is released.
    fn released(&self) -> String {
        let state = self.tale.world.json("releases/production.json");
        state["prompts"]["lamps/colour"]["hash"].as_str().expect("a hash")[..16].to_owned()
    }

    /// Adds the logs of some days.
    fn serve(&mut self, days: std::ops::Range<u64>, traffic: Traffic) {
        self.n_served = days.end;
        self.tale.set(CLOCK, &self.clock());
        let prompt = self.released();
        let file = format!("logs/from-day-{:03}.jsonl", days.start);
        let lines: String = days.map(|day| traffic.lines(self.begin, day, &prompt)).collect();
        self.tale.world.write(&file, &lines);
    }

    /// The time: late on the last day that was served. The days lie after the release, which is made now.
    fn clock(&self) -> String {
        let seconds = (self.begin + self.n_served * DAY - 1).cast_signed();
        Timestamp::from_second(seconds).expect("a time").to_string()
    }

    /// What status says as data, beside what it printed.
    fn status(&self, code: i32) -> Value {
        let arguments = ["monitor", "status", "suite.yaml", "--format", "json"];
        let clock = self.clock();
        let ran = self.tale.world.run_in(&arguments, &[(CLOCK, &clock)]);
        serde_json::from_str(&ran.expect(code).stdout).expect("JSON")
    }

    /// Dates become days of the story.
    fn in_days(&self, told: String) -> String {
        let date = |day: i64| {
            let at = self.begin.cast_signed() + day * DAY.cast_signed();
            Timestamp::from_second(at).expect("a time").strftime("%Y-%m-%d").to_string()
        };
        (-1..200).fold(told, |told, day| told.replace(&date(day), &format!("[day {day}]")))
    }
}

fn streams_of(found: &Value) -> Vec<&str> {
    let alarms = found["drift"]["alarms"].as_array().map_or(&[][..], |alarms| alarms);
    alarms.iter().filter_map(|alarm| alarm["stream"].as_str()).collect()
}

#[test]
fn production_is_watched() {
    let mut story = Production::new();
    story.is_released();
    story.is_as_released();
    story.drifts();
    story.is_told();
    story.becomes_cases();
    story.is_mended();
    story.is_quiet();
    story.tale.check("production_is_watched", |told| story.in_days(told));
}

impl Production {
    fn is_released(&mut self) {
        self.tale.chapter("A suite, a gated run, a release");
        self.tale.run("check suite.yaml", 0);
        self.tale.run("run suite.yaml --run-id first --new-baseline --quiet", 0);
        self.tale.run("gate reports/lamps/first --baseline main --new-baseline", 0);
        self.tale.run("baseline promote reports/lamps/first main", 0);
        self.tale.run("release propose lamps/colour --to production --run reports/lamps/first", 0);
        self.tale.run("release promote lamps/colour --to production", 0);
    }

    /// Weekends, and another language in the place of one.
    fn is_as_released(&mut self) {
        self.tale.chapter("Four weeks of production: weekends, and French in the place of German");
        self.serve(0..21, Traffic::USUAL);
        self.serve(21..29, Traffic { others: FRENCH, ..Traffic::USUAL });
        self.tale.run("monitor suite.yaml", 0);
        self.tale.run("monitor status suite.yaml", 0);
        let found = self.status(0);
        assert_eq!(streams_of(&found), [""; 0]);
        let streams = found["drift"]["streams"].as_array().expect("streams");
        let language = streams.iter().find(|one| one["stream"] == "record/language");
        let mean = |level: &str| language.and_then(|one| one[level]["mean"].as_f64());
        assert_ne!(mean("before"), mean("now"), "the languages did change: {language:?}");
        settled(&self.tale.world);
        assert_eq!(self.receivers.count(), 0);
    }

    fn drifts(&mut self) {
        self.tale.chapter("The vendor serves another model under the same name");
        self.is_swapped.store(true, Ordering::SeqCst);
        let swapped = Traffic { model: "small-2026-06", chatty: 4, others: FRENCH };
        self.serve(29..44, swapped);
        self.tale.run("monitor suite.yaml", 0);
        self.tale.run("monitor status suite.yaml", 1);
        let found = self.status(1);
        assert_eq!(streams_of(&found), ["short", "record/model"]);
        let alarms = &found["drift"]["alarms"];
        assert_eq!(alarms[1]["unseen"], json!(["small-2026-06"]));
        let swapped_on = self.in_days(alarms[1]["began"].to_string());
        assert_eq!(swapped_on, "\"[day 29]\"");
    }
}

impl Production {
    /// Everybody hears of both alarms, once.
    fn is_told(&mut self) {
        self.tale.chapter("Everybody is told, once");
        self.status(1);
        settled(&self.tale.world);
        self.tale.run("outbox list --all", 0);
        let mut heard: Vec<_> = self.receivers.requests().iter().map(heard).collect();
        heard.sort();
        heard.dedup();
        for (place, said) in &heard {
            self.tale.tell(&format!("{place}:"));
            for line in said {
                self.tale.tell(&format!("  {line}"));
            }
        }
        let mails = fs::read_dir(self.tale.world.path("reports/outbox/mail")).expect("mails");
        assert_eq!(mails.count(), 2);
    }

    fn becomes_cases(&mut self) {
        self.tale.chapter("Failing records become cases");
        let pick = "--pick failing=3,drifting=2,random=1";
        self.tale.run(&format!("dataset from-logs suite.yaml --write review.csv {pick}"), 0);
        self.tale.run("dataset freeze suite.yaml review.csv", 2);
        self.tale.chapter("Somebody fills in what is right, and freezes them");
        let review = String::from_utf8(self.tale.world.bytes("review.csv")).expect("text");
        self.tale.world.write("review.csv", &labelled(&review));
        self.tale.run("dataset freeze suite.yaml review.csv", 0);
        self.tale.run("check suite.yaml", 0);
    }

    fn is_mended(&mut self) {
        self.tale.chapter("The suite shows what production showed");
        self.tale.run("run suite.yaml --run-id swapped --no-cache --quiet", 1);
        self.tale.chapter("The prompt is mended, gated and released, which ends the alarms");
        self.tale.world.write("prompts/lamps/colour.md", MENDED);
        self.tale.run("run suite.yaml --run-id mended --no-cache --quiet", 0);
        self.tale.run("gate reports/lamps/mended --baseline main", 0);
        self.tale.run("release propose lamps/colour --to production --run reports/lamps/mended", 0);
        self.tale.run("release promote lamps/colour --to production", 0);
        self.tale.run("monitor status suite.yaml", 0);
    }

    fn is_quiet(&mut self) {
        self.tale.chapter("Two weeks with the mended prompt");
        settled(&self.tale.world);
        let told = self.receivers.count();
        let mended = Traffic { model: "small-2026-06", chatty: 0, others: FRENCH };
        self.serve(44..60, mended);
        self.tale.run("monitor suite.yaml", 0);
        self.tale.run("monitor status suite.yaml", 0);
        let found = self.status(0);
        assert_eq!(streams_of(&found), [""; 0]);
        assert_eq!(found["drift"]["days"], 15);
        settled(&self.tale.world);
        assert_eq!(self.receivers.count(), told, "nobody is told of a quiet time");
    }
}

/// The review, with the right answer in each row.
fn labelled(review: &str) -> String {
    let mut rows = review.split_inclusive('\n');
    let head = rows.next().expect("a head");
    assert!(head.starts_with("id,text,colour,log_keep,"), "{head}");
    let label = |row: &str| {
        // The answer and `log_keep` are empty.
        assert!(row.contains(",\"\",\"\","), "{row}");
        row.replacen(",\"\",\"\",", ",red,yes,", 1)
    };
    [head.to_owned(), rows.map(label).collect()].concat()
}

/// Where a message went, and what it says to people.
fn heard(seen: &Seen) -> (String, Vec<String>) {
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let mut said = Vec::new();
    if seen.path.starts_with("/metrics") {
        let figures = body.lines().filter(|line| line.starts_with("evalmark_drift_change"));
        said.extend(figures.map(str::to_owned));
    } else {
        let documents = match serde_json::from_str(&body) {
            Ok(whole) => vec![whole],
            Err(_) => body.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        };
        for document in &documents {
            sentences(document, &mut said);
        }
    }
    said.dedup();
    (format!("{} {}", seen.method, seen.path), said)
}

/// Texts of several words in a document, and in documents that are texts of it.
fn sentences(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| sentences(value, said)),
        Value::Array(values) => values.iter().for_each(|value| sentences(value, said)),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(json @ Value::Object(_)) => sentences(&json, said),
            _ if text.contains(' ') => said.push(text.clone()),
            _ => {}
        },
        _ => {}
    }
}
