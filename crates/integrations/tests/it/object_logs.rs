//! Logs in object stores: each line once, over new, grown, replaced and refused objects and processes that end anywhere. Against
//! real servers they are read in `stores.rs`.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use evalmark_core::{
    files::FileAccess,
    logs::{LogInput, LogInputError, LogPosition, LogRead},
    source::{NoKeys, SourceKeys},
};
use evalmark_integrations::logs::{ObjectLogsOptions, object_logs};
use evalmark_loopback::{Reply, Seen, Server};
use tempfile::TempDir;

use crate::{objects::Granted, setup::gzip};

/// A day of November 2026.
fn now() -> i64 {
    1_795_000_000
}

/// What somebody who reads logs has: a folder for objects on their way, and what was read so far.
pub(crate) struct Reading {
    folder: TempDir,
    pub(crate) positions: Vec<LogPosition>,
}

/// What was read at once.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// Each with the object's name and its number there.
    pub(crate) lines: Vec<(String, u64, String)>,
    pub(crate) problems: Vec<String>,
}

impl Reading {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), positions: Vec::new() }
    }

    pub(crate) fn open(
        &self,
        place: &str,
        keys: &dyn SourceKeys,
        follow: bool,
    ) -> Result<Box<dyn LogInput>, LogInputError> {
        object_logs(ObjectLogsOptions {
            place,
            folder: Path::new(""),
            access: &FileAccess::unlimited(),
            cache_dir: Some(self.folder.path()),
            keys,
            positions: self.positions.clone(),
            follow,
            now,
        })
    }

    /// Reads so many chunks at most, and keeps how far it came.
    pub(crate) fn read(
        &mut self,
        place: &str,
        keys: &dyn SourceKeys,
        chunks: usize,
    ) -> Result<Read, String> {
        let mut input = self.open(place, keys, false).map_err(|error| error.to_string())?;
        let mut read = Read::default();
        for _ in 0..chunks {
            match input.read().map_err(|error| error.to_string())? {
                LogRead::Chunk(chunk) => {
                    let text = String::from_utf8(chunk.bytes).expect("text");
                    let numbered = text.lines().zip(chunk.first_line..);
                    let line =
                        |(line, n): (&str, u64)| (chunk.name.to_string(), n, line.to_owned());
                    read.lines.extend(numbered.map(line));
                    let told =
                        chunk.damaged.iter().map(|one| format!("{} {}", chunk.name, one.problem));
                    read.problems.extend(told);
                }
                LogRead::Waiting | LogRead::End => break,
            }
        }
        self.positions = input.positions().expect("positions");
        let left = std::fs::read_dir(self.folder.path().join("datasets/content"));
        let left = left.into_iter().flatten().flatten().count();
        assert!(left <= 1, "{left} objects were left behind");
        Ok(read)
    }
}

impl Read {
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, _, text)| text.as_str()).collect()
    }
}

type Objects = Arc<Mutex<BTreeMap<String, (Vec<u8>, u32)>>>;

/// A bucket of S3 that has these objects, each with a version of its content.
fn bucket(objects: &Objects) -> Server {
    let objects = objects.clone();
    Server::start(move |seen: &Seen| {
        let objects = objects.lock().expect("unpoisoned");
        if seen.path.contains("list-type=2") {
            let of = |(key, (body, version)): (&String, &(Vec<u8>, u32))| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-11-01T12:00:00.000Z</LastModified>\
                     <ETag>&quot;{version}&quot;</ETag><Size>{}</Size></Contents>",
                    body.len()
                )
            };
            let all: String = objects.iter().rev().map(of).collect();
            let xml = format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated>{all}</ListBucketResult>"
            );
            return Reply::bytes(xml.into_bytes());
        }
        let key = seen.path.strip_prefix("/data/").unwrap_or_default().replace("%2E", ".");
        match objects.get(&key) {
            None => Reply::status(404).body("<Error><Code>NoSuchKey</Code></Error>"),
            Some((body, version)) => Reply::bytes(body.clone())
                .header("etag", format!("\"{version}\""))
                .header("last-modified", "Sun, 01 Nov 2026 12:00:00 GMT"),
        }
    })
}

fn put(objects: &Objects, key: &str, body: impl Into<Vec<u8>>) {
    let mut objects = objects.lock().expect("unpoisoned");
    let version = objects.get(key).map_or(1, |(_, version)| version + 1);
    objects.insert(key.to_owned(), (body.into(), version));
}

fn place(server: &Server, pattern: &str) -> String {
    let address = server.url().trim_end_matches("/v1").to_owned();
    format!("s3://data/{pattern}?endpoint={address}&anonymous=true")
}

fn lines(ids: std::ops::Range<u32>) -> String {
    let line = |i| format!("{{\"id\":{i}}}\n");
    ids.map(line).collect()
}

#[test]
fn objects_are_read_once_in_the_order_of_their_keys() {
    let objects = Objects::default();
    put(&objects, "logs/b.jsonl.gz", gzip(lines(2..4).as_bytes()));
    put(&objects, "logs/a.jsonl", lines(0..2));
    put(&objects, "logs/c.jsonl.zst", zstd::encode_all(lines(4..6).as_bytes(), 1).expect("memory"));
    put(&objects, "logs/empty.jsonl", "");
    put(&objects, "logs/deep/d.jsonl", lines(90..91));
    put(&objects, "other/e.jsonl", lines(91..92));
    let server = bucket(&objects);
    let (mut reading, of) = (Reading::new(), place(&server, "logs/*"));
    let first = reading.read(&of, &NoKeys, 99).expect("lines");
    assert_eq!(first.texts().join("\n") + "\n", lines(0..6));
    assert_eq!(
        first.lines[3],
        ("s3://data/logs/b.jsonl.gz".to_owned(), 2, "{\"id\":3}".to_owned())
    );
    assert_eq!(first.problems, Vec::<String>::new());
    // Nothing is new; what is listed is not fetched again.
    let n_asked = server.count();
    assert_eq!(reading.read(&of, &NoKeys, 99).expect("lines").texts(), Vec::<&str>::new());
    assert_eq!(server.count(), n_asked + 1);
    // One that comes later is read, wherever its key stands; another pattern reads no line of them again.
    put(&objects, "logs/aa.jsonl", lines(6..7));
    assert_eq!(reading.read(&of, &NoKeys, 99).expect("lines").texts(), ["{\"id\":6}"]);
    let wider = reading.read(&place(&server, "**/*.jsonl*"), &NoKeys, 99).expect("lines");
    assert_eq!(wider.texts(), ["{\"id\":90}", "{\"id\":91}"]);
    assert_eq!(reading.positions.len(), 1);
}

#[test]
fn one_that_has_grown_goes_on_and_one_that_was_replaced_is_told() {
    let objects = Objects::default();
    put(&objects, "logs/a.jsonl", lines(0..3) + "{\"id\"");
    put(&objects, "logs/b.jsonl", lines(10..12));
    let server = bucket(&objects);
    let (mut reading, of) = (Reading::new(), place(&server, "logs/*.jsonl"));
    assert_eq!(reading.read(&of, &NoKeys, 99).expect("lines").lines.len(), 5);
    put(&objects, "logs/a.jsonl", lines(0..5));
    put(&objects, "logs/b.jsonl", lines(20..25));
    let next = reading.read(&of, &NoKeys, 99).expect("lines");
    assert_eq!(next.texts(), ["{\"id\":3}", "{\"id\":4}"]);
    assert_eq!(next.lines[0].1, 4, "its number in the object");
    assert_eq!(
        next.problems,
        ["s3://data/logs/b.jsonl was replaced after it was read; what it holds now is not read"]
    );
    // That is told once, and the same content under another tag is nothing new.
    put(&objects, "logs/a.jsonl", lines(0..5));
    let last = reading.read(&of, &NoKeys, 99).expect("lines");
    assert_eq!((last.lines.len(), last.problems.len()), (0, 0));
}

/// Whenever a process ends, whatever it had read of an object: each line comes once.
#[test]
fn reading_goes_on_within_an_object() {
    let objects = Objects::default();
    let line = |i| format!("{{\"id\":\"a-{i:030}\"}}\n");
    let long: String = (0..120_000).map(line).collect();
    put(&objects, "logs/a.jsonl", long.clone());
    put(&objects, "logs/b.jsonl.gz", gzip(long.replace("a-", "b-").as_bytes()));
    put(&objects, "logs/c.jsonl", lines(0..2));
    let server = bucket(&objects);
    let (mut reading, of) = (Reading::new(), place(&server, "logs/"));
    let mut all: Vec<String> = Vec::new();
    let mut n_readings = 0;
    loop {
        let read = reading.read(&of, &NoKeys, 2).expect("lines");
        if read.lines.is_empty() {
            break;
        }
        all.extend(read.lines.into_iter().map(|(_, _, text)| text));
        n_readings += 1;
    }
    assert!(n_readings >= 5, "{n_readings}");
    let expected = long.clone() + &long.replace("a-", "b-") + &lines(0..2);
    assert!(all.join("\n") + "\n" == expected, "{} lines", all.len());
}

#[test]
fn following_waits_for_the_first_object_and_lists_again() {
    let objects = Objects::default();
    let server = bucket(&objects);
    let reading = Reading::new();
    let of = place(&server, "logs/*.jsonl");
    let error = reading.open(&of, &NoKeys, false).expect("open").read().expect_err("nothing");
    assert!(error.to_string().contains("there are no logs at s3://data/logs/*.jsonl"), "{error}");
    let mut input = reading.open(&format!("{of}&every=0s"), &NoKeys, true).expect("open");
    assert!(matches!(input.read().expect("a listing"), LogRead::Waiting));
    put(&objects, "logs/a.jsonl", lines(0..2));
    let mut come = 0;
    for _ in 0..4 {
        if let LogRead::Chunk(chunk) = input.read().expect("a listing") {
            come += chunk.bytes.len();
        }
    }
    assert_eq!(come, lines(0..2).len());
}

#[test]
fn google_gets_a_token() {
    let server = Server::start(|seen| {
        assert_eq!(seen.header("authorization"), Some("Bearer canary-secret-of-the-tests"));
        let about =
            "<LastModified>2026-11-01T12:00:00.000Z</LastModified><ETag>&quot;1&quot;</ETag>";
        if seen.path.contains("list-type=2") {
            let size = lines(0..2).len();
            let one =
                format!("<Contents><Key>logs/a.jsonl</Key>{about}<Size>{size}</Size></Contents>");
            return Reply::bytes(
                format!("<ListBucketResult>{one}</ListBucketResult>").into_bytes(),
            );
        }
        Reply::bytes(lines(0..2).into_bytes())
            .header("etag", "\"1\"")
            .header("last-modified", "Sun, 01 Nov 2026 12:00:00 GMT")
    });
    let address = server.url().trim_end_matches("/v1").to_owned();
    let of = format!("gs://data/logs/?endpoint={address}&token_env=TOKEN");
    let read = Reading::new().read(&of, &Granted("canary-secret-of-the-tests"), 9).expect("lines");
    assert_eq!(read.lines.len(), 2);
    assert_eq!(read.lines[0].0, "gs://data/logs/a.jsonl");
}

#[test]
fn what_a_store_refuses_is_told_without_secrets() {
    let server = Server::start(|_| {
        Reply::status(403).body("<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    });
    let reading = Reading::new();
    let mut input = reading.open(&place(&server, "logs/*"), &NoKeys, false).expect("open");
    let error = input.read().expect_err("a refusal").to_string();
    assert!(error.contains("may not be read with these credentials: AccessDenied"), "{error}");
    assert!(!error.contains("anonymous=true"), "{error}");
    let keyed =
        place(&server, "logs/*").replace("anonymous=true", "access_key_env=A&secret_key_env=B");
    let error = reading.open(&keyed, &NoKeys, false).err().expect("no keys").to_string();
    assert!(error.contains("needs the key in A"), "{error}");
}

/// A damaged object is told, and the others are read.
#[test]
fn a_damaged_object_is_told_and_stops_nothing() {
    let objects = Objects::default();
    let packed = gzip(lines(0..2000).as_bytes());
    put(&objects, "logs/a.jsonl.gz", &packed[..packed.len() / 2]);
    put(&objects, "logs/b.jsonl", lines(5..6));
    put(&objects, "logs/c.parquet", "PAR1 and nothing else");
    let server = bucket(&objects);
    let mut reading = Reading::new();
    let read = reading.read(&place(&server, "logs/*"), &NoKeys, 99).expect("lines");
    assert_eq!(read.texts().last(), Some(&"{\"id\":5}"));
    assert_eq!(read.problems.len(), 2, "{:?}", read.problems);
    assert!(
        read.problems[0].contains("a.jsonl.gz cannot be unpacked any further"),
        "{:?}",
        read.problems
    );
    let again = reading.read(&place(&server, "logs/*"), &NoKeys, 99).expect("lines");
    assert_eq!((again.lines.len(), again.problems.len()), (0, 0));
}
