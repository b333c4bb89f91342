//! Datasets from compressed files and from servers: the same items, hashes and verdicts as from a plain
//! file, fetched once, and never by surprise.

use std::{collections::BTreeSet, fs, io::Write};

use evalmark_loopback::{Reply, Server};
use serde_json::Value;

use crate::setup::{Ran, World, right};

/// A world whose suite has this dataset and asks `model`.
fn world(model: &Server, dataset: &str) -> World {
    let world = World::new(4);
    let suite = crate::setup::suite(&model.url(), "");
    let plain = "dataset: { path: data.csv,";
    assert!(suite.contains(plain));
    world.write("suite.yaml", &suite.replace(plain, &format!("dataset: {{ {dataset},")));
    world
}

/// A server that has one file.
fn serving(body: Vec<u8>) -> Server {
    Server::start(move |_| Reply::bytes(body.clone()))
}

fn rows() -> Vec<u8> {
    World::new(4).bytes("data.csv")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

fn http(server: &Server, name: &str, body: &[u8]) -> String {
    let blake3 = blake3::hash(body).to_hex();
    format!("source: {{ http: {{ url: '{}/{name}', blake3: {blake3} }} }}", server.url())
}

fn said(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn hashes_are_those_of_the_plain_file_wherever_the_rows_come_from() {
    let model = Server::start(right);
    let packed = gzip(&rows());
    let files = serving(packed.clone());
    let datasets = [
        "path: data.csv".to_owned(),
        "path: data.csv.gz".to_owned(),
        "source: { file: { path: data.csv.gz } }".to_owned(),
        http(&files, "data.csv.gz", &packed),
    ];
    let mut hashes = BTreeSet::new();
    for dataset in &datasets {
        let world = world(&model, dataset);
        fs::write(world.path("data.csv.gz"), &packed).expect("written");
        world.run_suite("r", &[]).expect(0);
        let run = world.json("reports/test/r/run.json");
        let items =
            evalmark_report::samples::samples(&world.path("reports/test/r/samples.parquet"));
        let items = items.expect("samples").map(|row| row.expect("a row").item_hash);
        let items: BTreeSet<String> = items.collect();
        assert_eq!(items.len(), 4);
        hashes.insert((run["dataset_hash"].as_str().expect("a hash").to_owned(), items));
        let source = &run["dataset_source"];
        if dataset == &datasets[0] {
            assert_eq!(*source, Value::Null);
            continue;
        }
        assert_eq!(source["blake3"], *blake3::hash(&rows()).to_hex(), "{source}");
        assert!(source["fetched_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{source}");
        let origin = source["origin"].as_str().expect("an origin");
        assert!(origin.ends_with("data.csv.gz"), "{source}");
    }
    assert_eq!(hashes.len(), 1, "{hashes:?}");
}

#[test]
fn a_dataset_is_fetched_by_run_once_and_by_check_only_where_that_is_said() {
    let model = Server::start(right);
    let files = serving(rows());
    let world = world(&model, &http(&files, "data.csv", &rows()));
    for command in ["check", "plan"] {
        let ran = world.run(&[command, "suite.yaml"]).expect(2);
        assert!(said(&ran).contains("data.csv: is not on this machine yet"), "{}", ran.stderr);
        assert!(said(&ran).contains("suite.yaml:2:"), "{}", ran.stderr);
        assert!(said(&ran).contains("check --fetch"), "{}", ran.stderr);
    }
    assert_eq!(files.count(), 0);
    let ran = world.run(&["check", "--fetch", "suite.yaml"]).expect(0);
    assert!(said(&ran).contains("data.csv: fetched"), "{}", ran.stderr);
    assert_eq!(files.count(), 1);
    drop(files);
    for command in ["check", "plan"] {
        world.run(&[command, "suite.yaml"]).expect(0);
    }
    world.run_suite("r", &[]).expect(0);
    world.run(&["score", "reports/test/r"]).expect(0);
    world.run(&["resume", "reports/test/r"]).expect(0);
    let gated = world.run(&["gate", "reports/test/r", "--baseline", "reports/test/r"]);
    assert_ne!(gated.code, Some(2), "{}", gated.stderr);
    let reach = world.run(&["check", "--permissions", "suite.yaml"]).expect(0);
    let reach: Value = serde_json::from_str(&reach.stdout).expect("JSON");
    assert_eq!(reach["suites"][0]["hosts"].as_array().map(Vec::len), Some(2), "{reach}");
    assert!(!reach.to_string().contains("cache"), "{reach}");
}

#[test]
fn snapshots_are_where_the_run_keeps_its_answers() {
    let model = Server::start(right);
    let files = serving(rows());
    let world = world(&model, &http(&files, "data.csv", &rows()));
    world.run_suite("r", &["--cache-dir", "elsewhere"]).expect(0);
    assert!(world.path("elsewhere/datasets/content").is_dir());
    assert!(!world.path("cache/evalmark/datasets").exists());
    drop(files);
    let gated = world.run(&["gate", "reports/test/r", "--baseline", "reports/test/r"]);
    assert_ne!(gated.code, Some(2), "{}", gated.stderr);
    world.run(&["score", "reports/test/r"]).expect(0);
    let mut check = world.command(&["check", "suite.yaml"]);
    let ended = check.env("EVALMARK_CACHE_DIR", "elsewhere").status().expect("the program starts");
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn nothing_is_asked_where_the_data_is_not_what_the_suite_says() {
    let model = Server::start(right);
    let files = serving(b"id,text,label\n1,other,red\n".to_vec());
    let ran = world(&model, &http(&files, "data.csv", &rows())).run_suite("r", &[]).expect(2);
    let hashes = [rows(), b"id,text,label\n1,other,red\n".to_vec()];
    for hash in hashes.map(|bytes| blake3::hash(&bytes).to_hex().to_string()) {
        assert!(said(&ran).contains(&hash), "{}", ran.stderr);
    }
    let unpinned = format!("source: {{ http: {{ url: '{}/data.csv' }} }}", files.url());
    let ran = world(&model, &unpinned).run_suite("r", &[]).expect(2);
    assert!(said(&ran).contains("has no checksum in the suite"), "{}", ran.stderr);
    assert!(said(&ran).contains("add `sha256: "), "{}", ran.stderr);
    assert_eq!(model.count(), 0);
}

#[test]
fn mistakes_are_found_before_anything_is_fetched() {
    let model = Server::start(right);
    let files = serving(rows());
    let good = http(&files, "data.csv", &rows());
    let check = |dataset: &str, expected: &[&str]| {
        let ran = world(&model, dataset).run_suite("r", &[]).expect(2);
        for words in expected {
            assert!(said(&ran).contains(words), "`{words}` is not in {}", ran.stderr);
        }
        assert!(!ran.stderr.contains("hush"), "{}", ran.stderr);
    };
    check(&format!("{good}, path: data.csv"), &["exactly one of `path` and `source`"]);
    check("limits: 3", &["unknown key `limits`"]);
    check("format: csv", &["exactly one of `path` and `source`"]);
    check("source: {}", &["exactly one kind of source", "kinds: http, file"]);
    check("source: { htp: { url: x } }", &["unknown key `htp`", "did you mean `http`"]);
    check("source: { http: { sha256: x } }", &["`http` lacks the key `url`"]);
    check("source: { http: { url: 'https://a:hush@h/x.csv' } }", &["user name or password"]);
    check(
        "source: { http: { url: 'https://h/x.csv?token=hush1234' } }",
        &["must not contain a key"],
    );
    check("source: { http: { url: 'https://h/x.csv', sha256: abc } }", &["64 hexadecimal digits"]);
    check("path: none.csv.gz", &["none.csv.gz", "cannot be read"]);
    check(&format!("{good}, slice: [a]"), &["unknown key `slice`"]);
    let named = http(&files, "download", &rows());
    assert_eq!(files.count(), 0);
    check(&named, &["the extension of `download` does not show its format", "format: csv"]);
    assert_eq!((files.count(), model.count()), (1, 0));
    world(&model, &format!("{named}, format: csv")).run_suite("r", &[]).expect(0);
}

#[test]
fn errors_in_rows_name_where_they_come_from() {
    let model = Server::start(right);
    let rows = b"id,text,label\n1,a,red\n1,b,red\n".to_vec();
    let files = serving(rows.clone());
    let ran = world(&model, &http(&files, "data.csv", &rows)).run_suite("r", &[]).expect(2);
    let expected = format!("{}/data.csv, row 2", files.url());
    assert!(said(&ran).contains(&expected), "{}", ran.stderr);
}

#[test]
fn the_rows_of_a_database_are_a_dataset_and_other_rows_are_another_dataset() {
    let model = Server::start(right);
    let query = "SELECT id, text, label FROM tickets ORDER BY id";
    let world =
        world(&model, &format!("source: {{ sqlite: {{ path: tickets.db, query: '{query}' }} }}"));
    let database = rusqlite::Connection::open(world.path("tickets.db")).expect("opened");
    database.execute_batch("CREATE TABLE tickets (id TEXT, text TEXT, label TEXT)").expect("made");
    let rows = String::from_utf8(rows()).expect("text");
    for row in rows.lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        database
            .execute("INSERT INTO tickets VALUES (?, ?, ?)", [cells[0], cells[1], cells[2]])
            .expect("inserted");
    }
    world.run_suite("r", &[]).expect(0);
    let source = &world.json("reports/test/r/run.json")["dataset_source"];
    assert!(source["origin"].as_str().is_some_and(|at| at.ends_with("tickets.db")), "{source}");
    database.execute("UPDATE tickets SET label = 'else'", []).expect("changed");
    world.run_suite("later", &[]).expect(0);
    let hash =
        |run: &str| world.json(&format!("reports/test/{run}/run.json"))["dataset_hash"].clone();
    assert_ne!(hash("later"), hash("r"));
    let reach = world.run(&["check", "--permissions", "suite.yaml"]).expect(0);
    assert!(reach.stdout.contains("tickets.db"), "{}", reach.stdout);
}
