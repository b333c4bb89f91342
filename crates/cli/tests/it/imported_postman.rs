//! Collections of Postman run here as there: the same requests are sent, and every test passes and fails as
//! newman decided. `crates/integrations/tests/real` has the collections, what newman sent and decided, and how
//! that was recorded.

use std::{collections::BTreeMap, fs, path::Path};

use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::scores::score_records;
use serde::Deserialize;
use serde_json::Value;

use crate::setup::{World, root};

/// What newman sent and decided.
#[derive(Deserialize)]
struct Expected {
    /// Request, iteration, test, and whether each of that name passed.
    tests: Vec<(String, u64, String, Vec<bool>)>,
    requests: Vec<Asked>,
}

#[derive(Clone, Deserialize)]
struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
    body: String,
    reply: Answer,
}

#[derive(Clone, Deserialize)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Passes by request, iteration and test.
type Passes = BTreeMap<(String, u64, String), Vec<bool>>;

#[test]
fn every_request_and_every_test_is_as_in_newman() {
    let folder = root().join("crates/integrations/tests/real/newman");
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    let n_compared: usize = names.iter().map(|folder| compare(folder)).sum();
    assert!(names.len() >= 6 && n_compared >= 60, "{n_compared} of {names:?}");
}

fn compare(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("expected.json")).expect("what newman decided");
    let Expected { tests, requests } = serde_json::from_str(&text).expect("JSON");
    let known = requests.clone();
    let server = Server::start(move |seen| {
        match known.iter().find(|asked| is_it(asked, seen)) {
            Some(Asked { reply, .. }) => {
                let empty = Reply::status(reply.status).body(reply.body.clone());
                let headers = reply.headers.iter();
                headers.fold(empty, |reply, (name, value)| reply.header(name, value.clone()))
            }
            // No request of newman's: none that evalmark may send.
            None => Reply::status(418),
        }
    });
    let world = World::new(1);
    let imported = import(&world, folder, &server.url());
    let suites: Vec<String> = imported["files"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|file| file["path"].as_str())
        .filter(|path| Path::new(path).extension().is_some_and(|ending| ending == "yaml"))
        .map(str::to_owned)
        .collect();
    let keys = [
        ("API_KEY", "sesame"),
        ("TOKEN_KEY", "sesame"),
        ("MANY_CASES_API_KEY", "sesame"),
        ("CITY_API_BASIC_KEY", "YW5uOnNlc2FtZQ=="),
    ];
    let mut ours = Passes::new();
    for suite in suites {
        world.run_in(&["run", &suite, "--run-id", "r", "--no-cache"], &keys).expect(0);
        let name = Path::new(&suite).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        passes(&world.path(&format!("reports/{name}/r/scores.parquet")), &mut ours);
    }
    let theirs: Passes =
        tests.into_iter().map(|(item, n, test, passes)| ((item, n, test), passes)).collect();
    assert_eq!(ours, theirs, "{}", folder.display());
    let unknown: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|seen| !requests.iter().any(|asked| is_it(asked, seen)))
        .map(|seen| {
            format!("{} {} {}", seen.method, seen.path, String::from_utf8_lossy(&seen.body))
        })
        .collect();
    assert!(unknown.is_empty(), "{}: {unknown:?}", folder.display());
    assert!(server.count() >= requests.len() as u64, "{}: some were not sent", folder.display());
    theirs.values().map(Vec::len).sum()
}

/// Imports a collection whose API is at this address.
fn import(world: &World, folder: &Path, url: &str) -> Value {
    let mut arguments = vec!["import", "postman", "collection.json", "--format", "json"];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("text");
        world.write(&name, &text.replace("http://127.0.0.1:18767", url.trim_end_matches("/v1")));
        match name.as_str() {
            "environment.json" => arguments.extend(["--environment", "environment.json"]),
            "data.csv" => arguments.extend(["--data", "data.csv"]),
            "data.json" => arguments.extend(["--data", "data.json"]),
            _ => {}
        }
    }
    serde_json::from_str(&world.run(&arguments).expect(0).stdout).expect("JSON")
}

/// Whether a request is the one that newman sent.
fn is_it(asked: &Asked, seen: &Seen) -> bool {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    let query: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
    let body = String::from_utf8_lossy(&seen.body);
    let is_form = |value: &str| value.starts_with("multipart/form-data");
    let has = |(name, value): (&String, &String)| {
        let found = seen.header(name).unwrap_or_default();
        found == value || (is_form(found) && is_form(value))
    };
    // The fields of a form with parts, as the recorded body lists them.
    let fields = || {
        let list: Vec<(String, String)> = serde_json::from_str(&asked.body).unwrap_or_default();
        list.iter().all(|(name, value)| {
            body.contains(&format!("name=\"{name}\"\r\n"))
                && body.contains(&format!("\r\n\r\n{value}\r\n"))
        })
    };
    let is_same_body = if asked.headers.values().any(|value| is_form(value)) {
        fields()
    } else {
        body == asked.body
    };
    asked.method == seen.method
        && asked.path == decoded(path)
        && asked.query == query
        && asked.headers.iter().all(has)
        && is_same_body
}

fn passes(scores: &Path, into: &mut Passes) {
    for row in score_records(scores).expect("scores") {
        let row = row.expect("a row");
        let Some(passed) = row.score.passed.filter(|_| !row.score.not_applicable) else { continue };
        let (item, n) = row.item_id.rsplit_once(" #").unwrap_or((&row.item_id, "1"));
        let item = item.rsplit(" / ").next().unwrap_or(item).to_owned();
        let name = row.metric.trim_end_matches(|c: char| c.is_ascii_digit());
        let test = name.strip_suffix('-').unwrap_or(&row.metric).to_owned();
        into.entry((item, n.parse().expect("a number"), test)).or_default().push(passed);
    }
}

/// A collection with one request.
fn collection(request: &str, more: &str) -> String {
    format!(
        r#"{{"info": {{"name": "One"}}, "item": [{{"name": "Ask", "request": {request}}}]{more}}}"#
    )
}

#[test]
fn a_file_that_is_no_collection_says_what_it_is() {
    let world = World::new(1);
    let check = |text: &str, told: &str| {
        world.write("c.json", text);
        let ran = world.run(&["import", "postman", "c.json"]).expect(2);
        assert!(ran.stderr.contains(told), "{text}: {}", ran.stderr);
        assert!(!world.path("suites").exists(), "{text}");
    };
    check(r#"{"requests": [], "folders": []}"#, "version 1");
    check(r#"{"values": []}"#, "`--environment FILE`");
    check("[1]", "a collection has `info`");
    check(r#"{"info": {"name": "a"}, "item": []}"#, "the collection has no request");
    check(
        r#"{"info": {"name": "a"}, "item": [{"name": "x"}, 3]}"#,
        "the collection has no request",
    );
    check(&collection(r#"{"method": "DELETE", "url": "http://h/"}"#, ""), "never by DELETE");
    check(&collection(r#""{{base}}/x""#, ""), "`{{base}}` has no value");
    check(&collection(r#"{"method": "GET"}"#, ""), "it has no address");
    check(&collection(r#""http://u:p@h/x""#, ""), "a user name or a password");
    let deep = format!(
        "{}{}",
        r#"{"info": {"name": "a"}, "item": [{"item": ["#.repeat(60),
        "]}]}".repeat(60)
    );
    check(&deep, "too deep");
}

/// Secrets are named, and stand in no file and no message.
#[test]
fn secrets_become_names_of_variables() {
    let world = World::new(1);
    let check = |request: &str, holds: &str, told: &str| {
        let variables = r#", "variable": [{"key": "pin", "value": "hush", "type": "secret"}, {"key": "myToken", "value": "hush"}]"#;
        world.write("c.json", &collection(request, variables));
        let ran = world.run(&["import", "postman", "c.json"]).expect(0);
        let suite = String::from_utf8(world.bytes("suites/One.yaml")).expect("text");
        let rows = String::from_utf8(world.bytes("datasets/One.jsonl")).expect("text");
        let all = [&suite, &rows, &ran.stdout, &ran.stderr].map(String::as_str).concat();
        assert!(!all.contains("hush"), "{request}: {all}");
        assert!(suite.contains(holds), "{request}: {suite}");
        assert!(ran.stderr.contains(told), "{request}: {}", ran.stderr);
        for file in ["suites/One.yaml", "datasets/One.jsonl"] {
            std::fs::remove_file(world.path(file)).expect("removed");
        }
    };
    let header = |name: &str, value: &str| {
        format!(
            r#"{{"method": "GET", "url": "http://h/", "header": [{{"key": "{name}", "value": "{value}"}}]}}"#
        )
    };
    check(&header("Authorization", "Bearer {{myToken}}"), "api_key_env: MY_TOKEN_KEY", "tests");
    check(&header("Authorization", "Bearer hush"), "Authorization: \"Bearer {{ key }}\"", "tests");
    check(&header("X-Plain", "{{pin}}"), "api_key_env: PIN_KEY", "tests");
    check(
        r#"{"method": "GET", "url": "http://h/?k={{pin}}"}"#,
        "k=%7B%7Bpin%7D%7D",
        "secrets in a header alone",
    );
    let auth = |kind: &str, settings: &str| {
        format!(
            r#"{{"method": "GET", "url": "http://h/", "auth": {{"type": "{kind}", "{kind}": {settings}}}}}"#
        )
    };
    check(&auth("bearer", r#"{"token": "hush"}"#), "api_key_env: ONE_API_KEY", "tests");
    check(
        &auth("basic", r#"[{"key": "password", "value": "hush"}]"#),
        "Basic {{ key }}",
        "in base64",
    );
    check(
        &auth("apikey", r#"[{"key": "in", "value": "query"}, {"key": "value", "value": "hush"}]"#),
        "http://h/",
        "the key in the address",
    );
    check(
        &auth("digest", r#"[{"key": "password", "value": "hush"}]"#),
        "http://h/",
        "the authorization `digest`",
    );
}
