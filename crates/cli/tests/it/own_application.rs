//! `provider: http`: an application of one's own, asked as the suite spells it out.

use evalmark_core::finish_reason::FinishReason;
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::samples::{SampleRecord, samples};
use serde_json::json;

use crate::setup::{World, answer};

/// A suite that asks an application at `URL/chat`.
const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts:
  - name: plain
    messages: [{ role: system, content: Answer with a colour. }, { role: user, content: '{{ text }}' }]
models:
  - name: app
    provider: http
    params: { k: 3 }
    limits: { attempts: 2, timeout: 5s }
    api_key_env: APP_KEY
    http:
      url: URL/chat/{{ model }}
      query: { k: '{{ params.k }}' }
      headers: { x-app-key: '{{ key }}', x-tenant: acme }
      body: { question: '{{ prompt }}', note: 'k is {{ params.k }}', k: '{{ params.k }}', history: '{{ messages }}' }
      answer: { json: $.reply.text }
      usage: { input_tokens: $.usage.in, output_tokens: $.usage.out }
      finish_reason: $.why
      error: { json: $.problem }
metrics:
  - { name: exact, exact: {} }
";

const KEY: &str = "canary-0123456789";

fn world(url: &str, n: usize) -> World {
    let world = World::new(n);
    world.write("suite.yaml", &SUITE.replace("URL", url.trim_end_matches("/v1")));
    world
}

fn run(world: &World, id: &str) -> crate::setup::Ran {
    world.run_in(&["run", "suite.yaml", "--run-id", id], &[("APP_KEY", KEY)])
}

fn records(world: &World, run: &str) -> Vec<SampleRecord> {
    let rows = samples(&world.path(&format!("reports/test/{run}/samples.parquet")));
    rows.expect("samples").collect::<Result<_, _>>().expect("rows")
}

fn replied(text: &str) -> Reply {
    let usage = json!({ "in": 7, "out": 2 });
    Reply::json(&json!({ "reply": { "text": text }, "usage": usage, "why": "end_turn" }))
}

/// The item that a question is about.
fn item(seen: &Seen) -> usize {
    let question = seen.json()["question"].as_str().expect("a question").to_owned();
    question.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn an_application_is_asked_as_the_suite_says() {
    let server = Server::start(|seen| replied(answer(item(seen))));
    let world = world(&server.url(), 3);
    run(&world, "r").expect(0);
    let seen = &server.requests()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/chat/app?k=3"));
    assert_eq!(seen.header("x-app-key"), Some(KEY));
    assert_eq!(seen.header("x-tenant"), Some("acme"));
    assert_eq!(seen.header("authorization"), None, "the key stands where the suite puts it");
    let body = seen.json();
    assert_eq!((&body["k"], &body["note"]), (&json!(3), &json!("k is 3")));
    assert_eq!(body["history"][0], json!({ "role": "system", "content": "Answer with a colour." }));
    for (i, row) in records(&world, "r").iter().enumerate() {
        let record = &row.record;
        assert_eq!(record.output.as_deref(), Some(answer(i)));
        assert_eq!(record.finish_reason.as_ref().map(FinishReason::as_str), Some("stop"));
        assert_eq!((record.usage.input_tokens, record.usage.output_tokens), (Some(7), Some(2)));
    }
    run(&world, "again").expect(0);
    assert_eq!(server.count(), 3, "what was asked before is not asked again");
    let other = SUITE.replace("'{{ prompt }}'", "'{{ prompt }}', style: short");
    world.write("suite.yaml", &other.replace("URL", server.url().trim_end_matches("/v1")));
    run(&world, "other").expect(0);
    assert_eq!(server.count(), 6, "another template asks something else");
}

#[test]
fn failures_are_described_and_the_key_is_never_shown() {
    let echo = |seen: &Seen| {
        let key = seen.header("x-app-key").unwrap_or_default().to_owned();
        match item(seen) {
            0 => Reply::json(&json!({ "problem": format!("no quota for {key}") })),
            1 => Reply::json(&json!({ "reply": format!("nothing for {key}") })),
            2 => Reply::status(400).body(json!({ "problem": format!("bad {key}") }).to_string()),
            3 => Reply::status(302).header("location", "http://127.0.0.1:9/"),
            _ => replied(&format!("I saw {key}")),
        }
    };
    let server = Server::start(echo);
    let world = world(&server.url(), 6);
    let ran = run(&world, "r");
    let rows = records(&world, "r");
    let told = |i: usize| {
        rows[i].record.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default()
    };
    assert!(told(0).contains("the server reports an error in a 200: no quota for"), "{}", told(0));
    assert!(told(1).contains("the response has no answer at `$.reply.text`"), "{}", told(1));
    assert!(told(2).contains("HTTP 400 Bad Request: bad"), "{}", told(2));
    assert!(told(3).contains("redirects are not followed"), "{}", told(3));
    assert!(told(3).contains("set `url` under `http`"), "{}", told(3));
    assert!(rows[4].record.output.as_deref().is_some_and(|text| text.starts_with("I saw ")));
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran:?}");
    let mut folders = vec![world.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                let is_there = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
                assert!(!is_there, "{}", path.display());
            }
        }
    }
}

#[test]
fn a_key_goes_where_it_is_allowed_alone() {
    let world = world("https://app.example.com/v1", 1);
    let told = run(&world, "r").expect(2).stderr;
    assert!(told.contains("--allow-key APP_KEY@app.example.com"), "{told}");
}

/// What `check` says of the suite with a change.
#[track_caller]
fn check(before: &str, after: &str, expected: &[&str]) {
    let world = World::new(1);
    let suite = SUITE.replace("URL", "http://127.0.0.1:9");
    assert!(suite.contains(before), "{before}");
    world.write("suite.yaml", &suite.replace(before, after));
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    for part in expected {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
}

#[test]
fn mistakes_are_told_with_their_line() {
    check("'{{ prompt }}'", "'{{ prompt'", &["suite.yaml:16:", "body.question"]);
    check("'{{ prompt }}'", "'{{ text }}'", &["undefined variable `text`", "there are `prompt`"]);
    check("'{{ prompt }}'", "'{{ key }}'", &["`key`", "the key stands in `headers` alone"]);
    check("$.reply.text", "reply..", &["suite.yaml:17:", "is not a JSONPath"]);
    check("{ json: $.reply.text }", "{}", &["exactly one of `json` and `regex`"]);
    check("{ json: $.reply.text }", "{ regex: '(' }", &["the pattern does not compile"]);
    check("$.why", "$[", &["is not a JSONPath"]);
    check("    api_key_env: APP_KEY\n", "", &["suite.yaml:", "`x-app-key` holds the key"]);
    check(
        "x-tenant: acme",
        "authorization: abcdef",
        &["`authorization`", "must not contain a key"],
    );
    check("acme", "Zq7pW2xk9LmR4tVb8NcY", &["suite.yaml:15:", "this looks like a key"]);
    check("x-tenant", "content-length", &["belongs to the connection"]);
    check("x-tenant", "'x tenant'", &["cannot be the name of a header"]);
    check(
        "127.0.0.1:9/chat/{{ model }}",
        "{{ model }}/",
        &["placeholders can stand behind the host"],
    );
    check("http://127.0.0.1:9/", "ftp://127.0.0.1:9/", &["must begin with http"]);
    check("      body:", "      method: GET\n      body:", &["a GET has no body"]);
    check(
        "      body:",
        "      bodi: {}\n      body:",
        &["unknown key `bodi`", "did you mean `body`"],
    );
    check(
        "    provider: http\n",
        "    provider: openai\n",
        &["`http` does not go with `provider: openai`"],
    );
    check("    http:\n", "    base_url: http://127.0.0.1:9\n    http:\n", &["`base_url`"]);
    let start = SUITE.find("    http:").expect("a form");
    let end = SUITE.find("metrics:").expect("metrics");
    let form = SUITE[start..end].replace("URL", "http://127.0.0.1:9");
    check(&form, "", &["`provider: http` needs the key `http`", "evalmark models http"]);
}

#[test]
fn templates_are_tried_on_what_the_suite_asks() {
    check(
        "'{{ prompt }}'",
        "'{{ messages[3].content }}'",
        &["suite.yaml:16:", "row 1", "prompt `plain`"],
    );
    check("'{{ prompt }}'", "'{{ prompt | int }}'", &["suite.yaml:16:", "cannot be asked"]);
    check("acme", "'{{ messages[2] }}'", &["suite.yaml:15:", "undefined", "there are `prompt`"]);
    check(
        "x-tenant: acme",
        "x-tenant: \"{{ prompt ~ '\\\\n' }}\"",
        &["suite.yaml:15:", "holds a line break", "stands on one line"],
    );
}

#[test]
fn numbers_are_numbers_where_the_suite_asks_with_them() {
    let server = Server::start(|seen| replied(&seen.json()["question"].to_string()));
    let world = World::new(1);
    let suite = SUITE.replace("URL", server.url().trim_end_matches("/v1"));
    let suite = suite.replace("'{{ prompt }}'", "'{{ prompt | int }}'").replace("{{ text }}", "42");
    world.write("suite.yaml", &suite);
    run(&world, "r").expect(0);
    assert_eq!(records(&world, "r")[0].record.output.as_deref(), Some("42"));
}

#[test]
fn what_an_answer_costs_is_what_the_application_says() {
    let server = Server::start(|seen| {
        let reply = json!({ "text": answer(item(seen)) });
        Reply::json(&json!({ "reply": reply, "usage": { "usd": 0.004 } }))
    });
    let world = World::new(100);
    let suite = SUITE.replace("URL", server.url().trim_end_matches("/v1"));
    world.write("suite.yaml", &suite);
    let ran = world.run_in(&["run", "suite.yaml", "--max-cost", "0.05"], &[("APP_KEY", KEY)]);
    let told = ran.expect(2).stderr;
    assert!(told.contains("`--max-cost` needs the price of model `app`"), "{told}");
    assert!(told.contains("cost_usd"), "{told}");
    world.write(
        "suite.yaml",
        &suite.replace("      error:", "      cost_usd: $.usage.usd\n      error:"),
    );
    let words = ["run", "suite.yaml", "--run-id", "r", "--max-cost", "0.05"];
    world.run_in(&words, &[("APP_KEY", KEY)]).expect(4);
    assert!((10..=12).contains(&server.count()), "{}", server.count());
    let rows = records(&world, "r");
    let paid: Vec<_> = rows.iter().filter_map(|row| row.cost_usd).collect();
    assert!(paid.iter().all(|usd| (usd - 0.004).abs() < 1e-12), "{paid:?}");
    let spent = world.json("reports/test/r/run.json")["totals"]["spent_usd"].as_f64();
    assert!(spent.is_some_and(|spent| spent <= 0.05 && spent > 0.03), "{spent:?}");
}

#[test]
fn an_unknown_cost_ends_a_run_that_may_not_cost_more() {
    for (cost, path) in [
        (json!(0.001), "$.nothing"),
        (json!("free"), "$.usage.usd"),
        (json!(-0.001), "$.usage.usd"),
        (json!(0.001), "$.usage.*"),
    ] {
        let usage = json!({ "usd": cost, "in": 5, "out": 1 });
        let server = Server::start(move |seen| {
            let reply = json!({ "text": answer(item(seen)) });
            Reply::json(&json!({ "reply": reply, "usage": usage }))
        });
        let world = World::new(20);
        let suite = SUITE.replace("URL", server.url().trim_end_matches("/v1"));
        let cost_usd = format!("      cost_usd: {path}\n      error:");
        world.write("suite.yaml", &suite.replace("      error:", &cost_usd));
        let words = ["run", "suite.yaml", "--max-cost", "1"];
        let told = world.run_in(&words, &[("APP_KEY", KEY)]).expect(4).stderr;
        assert!(told.contains("model `app`: what an answer cost is unknown"), "{path}: {told}");
        assert!(told.contains("the remaining 19 requests were not sent"), "{path}: {told}");
        assert_eq!(server.count(), 1, "{path}");
    }
}

/// A block of the page about applications, by the file that it is.
fn of_the_book(file: &str) -> &'static str {
    const PAGE: &str = include_str!("../../../../docs/src/own-application.md");
    let block = PAGE.split_once(&format!("<!-- file: {file} -->\n```")).expect(file).1;
    block.split_once('\n').and_then(|(_, text)| text.split_once("```")).expect("a block").0
}

/// The application of the book, where there is a Python to run it; it ends with the test.
struct BookApplication(std::process::Child);

impl BookApplication {
    fn start(world: &World) -> Option<(Self, u16)> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a port").port();
        let app = world.write("app.py", of_the_book("app.py"));
        let mut python = std::process::Command::new("python3");
        let quiet = python.stderr(std::process::Stdio::null());
        let child = quiet.arg(app).arg(port.to_string()).spawn().ok()?;
        let started = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed().as_secs() < 30, "the application does not listen");
            std::thread::yield_now();
        }
        Some((Self(child), port))
    }
}

impl Drop for BookApplication {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_application_of_the_book_answers() {
    let world = World::new(3);
    let Some((_app, port)) = BookApplication::start(&world) else { return };
    let suite = of_the_book("suites/app.yaml").replace(":3000", &format!(":{port}"));
    let dataset = "{ path: data.csv, id: id, target: label }";
    let own = "{ path: ../datasets/support-messages.csv, id: id, target: intent }";
    assert!(suite.contains(own), "{suite}");
    let suite =
        suite.replace(own, dataset).replace("{{ message }}", "Where is my parcel? {{ text }}");
    world.write("suite.yaml", &suite);
    world.run_in(&["run", "suite.yaml", "--run-id", "r", "--max-cost", "1"], &[]).expect(0);
    let rows = samples(&world.path("reports/app/r/samples.parquet")).expect("samples");
    for row in rows {
        let row = row.expect("a row");
        assert_eq!(row.record.output.as_deref(), Some("delivery"), "{row:?}");
        assert_eq!(row.cost_usd, Some(0.0001));
        assert!(row.record.usage.input_tokens.is_some_and(|tokens| tokens > 3), "{row:?}");
    }
}

#[test]
fn a_text_is_an_answer_and_a_body_too() {
    let server = Server::start(|seen| {
        assert_eq!(seen.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        Reply::status(200).body(format!("the colour: red ({} bytes)", seen.body.len()))
    });
    let world = World::new(1);
    let start = SUITE.find("    http:").expect("a form");
    let end = SUITE.find("metrics:").expect("metrics");
    let form = "    base_url: URL\n    http: { body: 'Q: {{ prompt }}', answer: { regex: 'colour: (\\w+)' } }\n";
    let suite = format!("{}{form}{}", &SUITE[..start], &SUITE[end..]);
    world.write("suite.yaml", &suite.replace("URL", &server.url()));
    run(&world, "r").expect(0);
    assert_eq!(records(&world, "r")[0].record.output.as_deref(), Some("red"));
}

#[test]
fn an_application_streams_as_the_suite_says() {
    let server = Server::start(|seen| {
        let (start, rest) = answer(item(seen)).split_at(1);
        let line = |event: serde_json::Value| format!("{event}\n");
        let pieces = [start, rest].map(|text| line(json!({ "piece": text, "done": false })));
        let end = line(json!({ "done": true, "why": "end_turn", "usage": { "in": 7, "out": 2 } }));
        let broken = item(seen) == 2;
        let body = [&*pieces[0], &*pieces[1], if broken { "" } else { &*end }].concat();
        Reply::bytes(body).drip(32, std::time::Duration::from_millis(20))
    });
    let world = World::new(3);
    let form = SUITE
        .replace("URL", server.url().trim_end_matches("/v1"))
        .replace("    params:", "    stream: true\n    params:")
        .replace(
            "      answer: { json: $.reply.text }\n",
            "      stream: { format: json_lines, delta: { json: $.piece }, done: $.done }\n",
        );
    world.write("suite.yaml", &form);
    run(&world, "r");
    let rows = records(&world, "r");
    for (i, row) in rows.iter().take(2).enumerate() {
        let record = &row.record;
        assert_eq!(record.output.as_deref(), Some(answer(i)), "{record:?}");
        assert_eq!(record.finish_reason.as_ref().map(FinishReason::as_str), Some("stop"));
        assert_eq!((record.usage.input_tokens, record.usage.output_tokens), (Some(7), Some(2)));
        assert!(record.first_token_ms() < record.timing.latency_ms, "{record:?}");
        assert!(record.tokens_per_second().is_some(), "{record:?}");
    }
    let failure = rows[2].record.failure.as_ref().expect("a stream that breaks off");
    assert!(failure.message.contains("the stream ends before the answer does"), "{failure:?}");
    assert_eq!(server.count(), 4, "it is asked again");
}

#[test]
fn how_answers_stream_is_said_where_they_do() {
    let stream = "      stream: { delta: { json: $.piece } }\n      answer:";
    check(
        "      answer:",
        stream,
        &["the model does not stream", "write `stream: true` beside `http`"],
    );
    check(
        "    params:",
        "    stream: true\n    params:",
        &[
            "`stream: true` needs `stream` here, too",
            "write `stream: { delta: { json: $.delta } }`",
        ],
    );
    check(
        "      answer:",
        "      stream: { delta: { json: $.piece }, done: '$[' }\n      answer:",
        &["`$[` is not a JSONPath", "write `stream: true` beside `http`"],
    );
}

/// An application that refuses is measured where the suite says that its refusals are answers.
#[test]
fn statuses_and_headers_are_scored_where_the_suite_asks_for_them() {
    let server = Server::start(|seen| match item(seen) {
        0 => Reply::status(404).body("no such page"),
        1 => Reply::status(500).body("broken"),
        _ => Reply::bytes("a page").header("X-Trace", "t-1"),
    });
    let check = |more: &str, expected: [Option<(&str, f64, f64)>; 3]| {
        let world = World::new(3);
        let url = server.url();
        let suite = format!(
            "name: test\ndataset: {{ path: data.csv, id: id, target: label }}\n\
             prompts: [{{ name: plain, template: '{{{{ text }}}}' }}]\n\
             models:\n  - name: app\n    provider: http\n    limits: {{ attempts: 1 }}\n    http:\n      \
             url: {}/chat\n      body: {{ question: '{{{{ prompt }}}}' }}\n{more}\
             metrics:\n  - {{ name: found, expression: status == 200 }}\n  \
             - {{ name: traced, expression: 'headers[\"x-trace\"] is defined' }}\n",
            url.trim_end_matches("/v1")
        );
        world.write("suite.yaml", &suite);
        world.run(&["run", "suite.yaml", "--run-id", "r", "--no-cache"]);
        let rows = records(&world, "r");
        for (row, expected) in rows.iter().zip(expected) {
            let Some((output, found, traced)) = expected else {
                assert_eq!(row.record.output, None, "{more}");
                continue;
            };
            assert_eq!(row.record.output.as_deref(), Some(output), "{more}");
            assert_eq!(row.scores, [Some(found), Some(traced)], "{more}");
        }
    };
    let (broken, page) = (Some(("broken", 0.0, 0.0)), Some(("a page", 1.0, 1.0)));
    let missing = Some(("no such page", 0.0, 0.0));
    check("      statuses: any\n      keep_headers: [x-trace]\n", [missing, broken, page]);
    check("      statuses: [404]\n      keep_headers: [x-trace]\n", [missing, None, page]);
    let world = World::new(1);
    let wrong = "      statuses: [200, 302]\n      keep_headers: [X-Trace]\n      error:";
    let wrong = SUITE.replace("      error:", wrong);
    world.write("suite.yaml", &wrong.replace("URL", "http://127.0.0.1:1"));
    let ran = world.run_in(&["check", "suite.yaml"], &[("APP_KEY", KEY)]).expect(2);
    for told in [
        "302 cannot be the status of an answer",
        "`X-Trace` cannot be the name of a header in lower case",
    ] {
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
}
