//! Figures for Prometheus, and what is made of them: `/metrics` of the viewer and of a monitor, a dashboard, rules.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    setup::World,
    view_client::{PATIENCE, View, runs},
};

const OPEN_METRICS: &str = "Accept: application/openmetrics-text; version=1.0.0";

#[test]
fn the_viewer_shows_the_latest_runs_to_whoever_sends_a_token() {
    let world = World::new(1);
    runs(&world, 2);
    let view = View::start(&world);
    let get = "GET /metrics HTTP/1.1".to_owned();
    let bearer = format!("Authorization: Bearer {}", view.token);
    let ask = |more: &[&str]| {
        let more = more.iter().map(|line| (*line).to_owned());
        view.send(&[get.clone(), view.host()].into_iter().chain(more).collect::<Vec<_>>())
    };
    for refused in [&[][..], &["Authorization: Bearer 00"], &["Authorization: Basic eDp5"]] {
        let page = ask(refused);
        assert_eq!(page.status, 401, "{refused:?}");
        assert_eq!(page.headers["www-authenticate"], "Bearer");
        assert!(!page.body.contains("intents"), "{}", page.body);
    }
    // It opens nothing else.
    let other = view.send(&["GET / HTTP/1.1".to_owned(), view.host(), bearer.clone()]);
    assert_eq!(other.status, 403);
    let text = ask(&[&bearer]);
    assert_eq!(text.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let of_run = "suite=\"intents\",prompt=\"plain\",model=\"m\",metric=\"exact\"";
    // The second run, in which 6 of 120 answers are wrong.
    assert!(text.body.contains(&format!("evalmark_score{{{of_run}}} 0.95\n")), "{}", text.body);
    assert!(text.body.contains("evalmark_runs{suite=\"intents\",state=\"complete\"} 2\n"));
    assert!(text.body.contains("evalmark_suites_left_out 0\n") && !text.body.contains("EOF"));
    let open = ask(&[&bearer, OPEN_METRICS]);
    assert!(open.headers["content-type"].starts_with("application/openmetrics-text"));
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
    world.run(&["run", "suite.yaml", "--run-id", "r9"]).expect(0);
    let now = ask(&[&bearer]).body;
    assert!(now.contains("evalmark_runs{suite=\"intents\",state=\"complete\"} 3\n"), "{now}");
}

#[test]
fn a_token_of_the_users_choice_is_long_and_in_a_variable() {
    let world = World::new(1);
    runs(&world, 1);
    let arguments = ["view", "reports", "--no-open", "--metrics-token-env", "TOKEN"];
    let told = world.run_in(&arguments, &[]).expect(2).stderr;
    assert!(told.contains("TOKEN is not set"), "{told}");
    let told = world.run_in(&arguments, &[("TOKEN", "short-canary")]).expect(2).stderr;
    assert!(told.contains("at least 16 letters") && !told.contains("canary"), "{told}");
}

/// A monitor that follows logs until the test ends.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn metrics_of(address: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let request = format!("GET /metrics HTTP/1.1\r\n{more}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Where a monitor says that it shows its figures.
fn told_address(stderr: &Path) -> String {
    let begun = Instant::now();
    loop {
        let told = BufReader::new(File::open(stderr).expect("a file")).lines();
        let mut told = told.map_while(Result::ok);
        if let Some(line) = told.find(|line| line.contains("/metrics")) {
            let (_, rest) = line.split_once("http://").expect("an address");
            return rest.trim_end_matches("/metrics").to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "nothing is told");
        std::thread::yield_now();
    }
}

#[test]
fn a_monitor_that_follows_shows_what_it_reads() {
    let world = World::new(3);
    world.write(
        "suite.yaml",
        "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics: [{ name: exact, exact: {} }, { name: short, length_within: { unit: words, max: 3 } }]
logs: { fields: { id: $.id, time: $.at, output: $.out, target: $.label, error: $.error } }
",
    );
    let line = |i: u32| {
        let at = format!("2026-11-0{}T10:00:00Z", 1 + i % 9);
        format!("{{\"id\":\"r{i}\",\"at\":\"{at}\",\"out\":\"blue\",\"label\":\"blue\"}}\n")
    };
    let lines: String = (0..40).map(line).collect();
    world.write("app.jsonl", &format!("{lines}{{\"error\":\"down\"}}\nnot json\n"));
    let stderr = world.path("stderr");
    let child = world
        .command(&[
            "monitor",
            "suite.yaml",
            "--from",
            "app.jsonl",
            "--follow",
            "--metrics",
            "127.0.0.1:0",
        ])
        .stdout(Stdio::null())
        .stderr(File::create(&stderr).expect("a file"))
        .spawn()
        .expect("the program starts");
    let _following = Following(child);
    let begun = Instant::now();
    let address = told_address(&stderr);
    let host = format!("Host: {address}\r\n");
    let shown = loop {
        let shown = metrics_of(&address, &format!("{host}{OPEN_METRICS}\r\n"));
        if shown.contains("evalmark_monitor_score_mean") {
            break shown;
        }
        assert!(begun.elapsed() < PATIENCE + Duration::from_secs(30), "{shown}");
        std::thread::sleep(Duration::from_millis(50));
    };
    for line in [
        "evalmark_monitor_lines_total{suite=\"test\"} 42\n",
        "evalmark_monitor_records_total{suite=\"test\"} 41\n",
        "evalmark_monitor_failed_records_total{suite=\"test\"} 1\n",
        "evalmark_monitor_damaged_lines_total{suite=\"test\"} 1\n",
        "evalmark_monitor_scores_count{suite=\"test\",metric=\"exact\"} 40\n",
        "evalmark_monitor_scores_sum{suite=\"test\",metric=\"exact\"} 40\n",
        "# TYPE evalmark_monitor_scores summary\n",
        "evalmark_monitor_score_mean{suite=\"test\",metric=\"short\"} 1\n",
        "# EOF\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    let other = metrics_of(&address, "Host: evil.example\r\n");
    assert!(other.starts_with("HTTP/1.1 421"), "{other}");
}

/// A baseline of two prompts says which it is that serves.
#[test]
fn figures_are_held_against_the_prompt_that_is_named() {
    let world = World::new(60);
    let suite = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }, { name: other, template: 'Say: {{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics: [{ name: exact, exact: {} }]
logs: { fields: { id: $.id, time: $.at, output: $.out, target: $.label } }
";
    world.write("suite.yaml", suite);
    world.run_suite("first", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    let line = |i: u32| {
        let at = format!("2026-11-0{}T10:00:00Z", 1 + i % 9);
        format!("{{\"id\":\"r{i}\",\"at\":\"{at}\",\"out\":\"blue\",\"label\":\"blue\"}}\n")
    };
    world.write("app.jsonl", &(0..90).map(line).collect::<String>());
    let stderr = world.path("stderr");
    let arguments = ["monitor", "suite.yaml", "--from", "app.jsonl", "--follow"];
    let shown = ["--metrics", "127.0.0.1:0", "--baseline", "main", "--prompt", "other"];
    let child = world
        .command(&[&arguments[..], &shown].concat())
        .stdout(Stdio::null())
        .stderr(File::create(&stderr).expect("a file"))
        .spawn()
        .expect("the program starts");
    let _following = Following(child);
    let begun = Instant::now();
    let address = told_address(&stderr);
    let host = format!("Host: {address}\r\n");
    let wanted = "evalmark_drift_alarm{suite=\"test\",stream=\"exact\"} 0\n";
    loop {
        let shown = metrics_of(&address, &format!("{host}{OPEN_METRICS}\r\n"));
        if shown.contains(wanted) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE + Duration::from_secs(30), "{shown}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let told = world.run(&[&arguments[..4], &["--prompt", "other"]].concat()).expect(2).stderr;
    assert!(told.contains("--metrics"), "{told}");
}

#[test]
fn metrics_are_of_those_who_follow() {
    let world = World::new(1);
    let arguments = ["monitor", "suite.yaml", "--metrics", "127.0.0.1:0"];
    let told = world.run(&arguments).expect(2).stderr;
    assert!(told.contains("--follow"), "{told}");
}

#[test]
fn a_dashboard_and_rules_are_about_the_suite() {
    let world = World::new(3);
    let suite = |logs: &str| {
        let text = format!(
            "\
name: test
dataset: {{ path: data.csv, id: id, target: label }}
prompts: [{{ name: plain, template: '{{{{ text }}}}' }}]
models: [{{ name: kept, recorded: {{ column: label }} }}]
metrics: [{{ name: exact, exact: {{}} }}, {{ name: close, fuzzy: {{ algorithm: jaro_winkler }} }}]
{logs}"
        );
        world.write("suite.yaml", &text);
    };
    suite("");
    let dashboard = || -> Value {
        let ran = world.run(&["export", "grafana", "suite.yaml"]).expect(0);
        serde_json::from_str(&ran.stdout).expect("JSON")
    };
    let titles = |dashboard: &Value| -> Vec<String> {
        let panels = dashboard["panels"].as_array().expect("panels");
        panels.iter().map(|panel| panel["title"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let offline = dashboard();
    assert!(titles(&offline).contains(&"close".to_owned()), "{:?}", titles(&offline));
    assert!(!titles(&offline).contains(&"Drift".to_owned()), "{:?}", titles(&offline));
    let rules = world.run(&["export", "prometheus-rules", "suite.yaml"]).expect(0).stdout;
    assert!(rules.contains("EvalmarkRegressed") && !rules.contains("EvalmarkDrift"), "{rules}");
    suite("logs: { fields: { output: $.out } }\n");
    let online = dashboard();
    assert!(titles(&online).contains(&"Drift".to_owned()), "{:?}", titles(&online));
    assert_eq!(online["uid"], offline["uid"]);
    let arguments =
        ["export", "prometheus-rules", "suite.yaml", "--record-age", "2h", "--max-failed", "0.2"];
    let rules = world.run(&arguments).expect(0).stdout;
    assert!(rules.contains("> 7200") && rules.contains("> 0.2"), "{rules}");
    let wrong = ["export", "prometheus-rules", "suite.yaml", "--max-failed", "5"];
    assert!(world.run(&wrong).expect(2).stderr.contains("between 0 and 1"));
}

/// Every object that another refers to is there, names stay in their quotes, and importing it again makes no other object.
#[test]
fn saved_objects_of_kibana_belong_together() {
    let world = World::new(1);
    let text = r#"
name: a.b
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics: [{ name: exact, exact: {} }, { name: "c\") or (d", fuzzy: { algorithm: jaro_winkler } }]
"#;
    world.write("suite.yaml", text);
    let export = ["export", "kibana", "suite.yaml", "--index", "logs-quality.*"];
    let written = world.run(&export).expect(0).stdout;
    assert_eq!(written, world.run(&export).expect(0).stdout);
    let objects: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let id = |one: &Value| (one["type"].clone(), one["id"].clone());
    let ids: Vec<_> = objects.iter().map(id).collect();
    for object in &objects {
        for to in object["references"].as_array().expect("references") {
            assert!(ids.contains(&id(to)), "{to}");
        }
    }
    let unique =
        |ids: &[(Value, Value)]| ids.iter().enumerate().all(|(at, one)| !ids[..at].contains(one));
    assert!(unique(&ids), "{ids:?}");
    let of_kind = |kind: &str| objects.iter().filter(|one| one["type"] == kind).count();
    let kinds = ["index-pattern", "visualization", "search", "dashboard"].map(of_kind);
    assert_eq!(kinds, [1, 3, 3, 1]);
    assert_eq!(objects[0]["attributes"]["title"], "logs-quality.*");
    let charts = objects
        .iter()
        .filter_map(|one| one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"].as_str());
    let metrics: Vec<Value> = charts
        .filter_map(|source| serde_json::from_str::<Value>(source).ok())
        .filter_map(|source| {
            Some(source["filter"].get(2)?["query"]["match_phrase"]["evalmark.metric"].clone())
        })
        .collect();
    assert_eq!(metrics, ["exact", "c\") or (d"]);
}
