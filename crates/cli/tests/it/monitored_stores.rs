//! `evalmark monitor` over objects of a store: each line once wherever a process is killed, with the leave that a key needs, and
//! that key in no file.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::World;

const SECRET: &str = "canary-secret-of-the-stores";
const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", SECRET)];

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics:
  - { name: short, length_within: { unit: words, max: 3 } }
logs:
  fields: { id: $.id, time: $.at, output: $.out }
";

type Objects = Arc<Mutex<BTreeMap<String, String>>>;

/// A bucket of S3 that gives its objects to requests signed with the right key id.
fn bucket(objects: &Objects) -> Server {
    let objects = objects.clone();
    Server::start(move |seen: &Seen| {
        let signature = seen.header("authorization").unwrap_or_default();
        if !signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDTEST/") {
            return Reply::status(403).body("<Error><Code>AccessDenied</Code></Error>");
        }
        let objects = objects.lock().expect("unpoisoned");
        if seen.path.contains("list-type=2") {
            let of = |(key, body): (&String, &String)| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-11-01T12:00:00.000Z</LastModified>\
                     <ETag>&quot;{}&quot;</ETag><Size>{}</Size></Contents>",
                    blake3::hash(body.as_bytes()).to_hex(),
                    body.len()
                )
            };
            let all: String = objects.iter().map(of).collect();
            return Reply::bytes(
                format!("<ListBucketResult>{all}</ListBucketResult>").into_bytes(),
            );
        }
        let key = seen.path.strip_prefix("/data/").unwrap_or_default().replace("%2E", ".");
        match objects.get(&key) {
            None => Reply::status(404).body("<Error><Code>NoSuchKey</Code></Error>"),
            Some(body) => Reply::bytes(body.clone().into_bytes())
                .header("etag", format!("\"{}\"", blake3::hash(body.as_bytes()).to_hex()))
                .header("last-modified", "Sun, 01 Nov 2026 12:00:00 GMT"),
        }
    })
}

fn put(objects: &Objects, key: &str, ids: std::ops::Range<u32>) {
    let line = |i: u32| {
        let line = json!({ "id": format!("r{i}"), "at": "2026-11-01T10:00:00Z", "out": "blue" });
        format!("{line}\n")
    };
    let lines: String = ids.map(line).collect();
    objects.lock().expect("unpoisoned").insert(key.to_owned(), lines);
}

fn address(server: &Server) -> String {
    server.url().trim_end_matches("/v1").to_owned()
}

fn place(server: &Server) -> String {
    format!("s3://data/logs/*.jsonl?endpoint={}", address(server))
}

fn kept(world: &World) -> Value {
    let ran = world.run(&["monitor", "status", "suite.yaml", "--format", "json"]).expect(0);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(found["lines"]["kept"], found["metrics"][0]["all"]["n_items"]);
    found["lines"]["kept"].clone()
}

/// That no file below a folder holds the secret.
fn holds_no_secret(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            holds_no_secret(&path);
        } else {
            let bytes = fs::read(&path).expect("a file");
            let is_held = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!is_held, "{}", path.display());
        }
    }
}

#[test]
fn a_process_that_is_killed_anywhere_reads_each_line_once() {
    let (mut killed, mut at) = (0, 1);
    loop {
        let objects = Objects::default();
        put(&objects, "logs/b.jsonl", 0..40);
        let (server, world) = (bucket(&objects), World::new(3));
        world.write("suite.yaml", SUITE);
        let of = place(&server);
        let arguments = ["monitor", "suite.yaml", "--from", &of];
        world.run_in(&arguments, &KEYS).expect(0);
        put(&objects, "logs/a.jsonl", 40..60);
        put(&objects, "logs/b.jsonl", 0..45);
        let change = at.to_string();
        let abort = [&KEYS[..], &[("EVALMARK_TEST_ABORT_AT", change.as_str())]].concat();
        let ran = world.run_in(&arguments, &abort);
        if ran.code == Some(0) {
            break;
        }
        killed += 1;
        put(&objects, "logs/c.jsonl", 60..70);
        world.run_in(&arguments, &KEYS).expect(0);
        assert_eq!(kept(&world), 75, "killed at change {at}");
        holds_no_secret(world.folder.path());
        at += 1;
    }
    assert!(killed >= 5, "{killed}");
}

/// Who names a store on the command line gives leave for its own server; a suite, which may be a stranger's, gives none.
#[test]
fn a_suite_needs_leave_for_its_store() {
    let objects = Objects::default();
    put(&objects, "logs/a.jsonl", 0..10);
    let (server, world) = (bucket(&objects), World::new(3));
    world.write(
        "suite.yaml",
        &SUITE.replace("logs:\n", &format!("logs:\n  from: '{}'\n", place(&server))),
    );
    let refused = world.run_in(&["monitor", "suite.yaml"], &KEYS).expect(2);
    let host = address(&server).replace("http://", "");
    let leave = format!("AWS_SECRET_ACCESS_KEY@{host}");
    let told = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&format!("--allow-key {leave}")), "{told}");
    assert_eq!(server.count(), 0);
    world.run_in(&["monitor", "suite.yaml", "--allow-key", &leave], &KEYS).expect(0);
    assert_eq!(kept(&world), 10);
    let beside = place(&server);
    let both = world.run_in(&["monitor", "suite.yaml", "--from", &beside, "logs"], &KEYS).expect(2);
    assert!(both.stderr.contains("is read alone"), "{}", both.stderr);
    let none = format!("s3://data/none/*?endpoint={}", address(&server));
    let none = world.run_in(&["monitor", "suite.yaml", "--from", &none], &KEYS).expect(2);
    assert!(none.stderr.contains("there are no logs at s3://data/none/*"), "{}", none.stderr);
    assert!(none.stderr.contains("look at the bucket"), "{}", none.stderr);
    holds_no_secret(world.folder.path());
}
