//! Objects of S3, Google Cloud Storage and Azure, as their servers answer by contract: what changes, breaks
//! off or is refused. Against real servers they are read in `stores.rs`.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use evalmark_core::source::{CloudEnvironment, SourceError, SourceKeys};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_net::Url;
use serde_json::{Value, json};

use crate::setup::{Place, ROWS, blake3, failure, open};

const SECRET: &str = "canary-secret-of-the-tests";

/// Gives out the same secret for every variable, and AWS's own credentials.
pub(crate) struct Granted(pub(crate) &'static str);

impl SourceKeys for Granted {
    fn key(&self, _: &str, _: &Url) -> Result<String, SourceError> {
        Ok(self.0.to_owned())
    }

    fn cloud(&self, _: &str, _: &Url) -> Result<CloudEnvironment, SourceError> {
        let variables = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", self.0)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(CloudEnvironment { variables: variables.into(), ..CloudEnvironment::default() })
    }
}

fn address(server: &Server) -> String {
    server.url().trim_end_matches("/v1").to_owned()
}

/// The head of an object: what a HEAD request gets.
fn head(size: usize, etag: &str) -> Reply {
    Reply::raw(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {size}\r\netag: \"{etag}\"\r\n\
         last-modified: Sun, 01 Nov 2026 12:00:00 GMT\r\nconnection: close\r\n\r\n"
    ))
}

/// The object, or what is left of it where the request says so.
fn object(seen: &Seen, body: &[u8], etag: &str) -> Reply {
    let reply = match seen.header("range").and_then(|range| range.strip_prefix("bytes=")) {
        None => Reply::bytes(body),
        Some(range) => {
            let from: usize = range.split('-').next().expect("a range").parse().expect("a number");
            let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
            Reply::status(206).body(&body[from..]).header("content-range", range)
        }
    };
    reply
        .header("etag", format!("\"{etag}\""))
        .header("last-modified", "Sun, 01 Nov 2026 12:00:00 GMT")
}

fn s3(server: &Server, more: &Value) -> Value {
    let mut params =
        json!({ "bucket": "data", "key": "a b/rows.csv", "endpoint": address(server) });
    let more = more.as_object().expect("parameters").clone();
    params.as_object_mut().expect("parameters").extend(more);
    params
}

/// What a fetch of the rows ends with, from a server that answers HEAD with a whole object.
fn check(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static, expected: Result<(), &str>) {
    let place = Place::new();
    let server = Server::start(move |seen| match &*seen.method {
        "HEAD" if seen.header("if-match").is_none() => head(ROWS.len(), "one"),
        _ => reply(seen),
    });
    let params = s3(&server, &json!({ "blake3": blake3(ROWS) }));
    let found = place.resolve_with("s3", &params, true, &Granted(SECRET));
    for seen in server.requests() {
        let signed = seen.header("authorization").expect("a signature");
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIDTEST/"), "{signed}");
        assert!(seen.path.starts_with("/data/a%20b/rows.csv"), "{}", seen.path);
    }
    match expected {
        Ok(()) => assert_eq!(fs::read(found.expect("rows").path).expect("a snapshot"), ROWS),
        Err(expected) => {
            let text = failure(found);
            assert!(text.contains(expected), "`{expected}` is not in {text}");
            assert!(!text.contains(SECRET), "{text}");
            assert_eq!(place.cached(), Vec::<std::path::PathBuf>::new());
        }
    }
    assert!(server.count() < 12, "{} requests", server.count());
}

#[test]
fn an_object_is_all_of_what_it_was_when_it_was_looked_at() {
    check(|seen| object(seen, ROWS, "one"), Ok(()));
    // Another one since.
    check(|seen| object(seen, ROWS, "two"), Err("changed while it was read"));
    check(|_| Reply::status(412).body(""), Err("changed while it was read"));
    // Broken off, and gone on with where it still is the same.
    let first = AtomicU64::new(0);
    let breaks_once = move |seen: &Seen| {
        assert_eq!(seen.header("if-match"), Some("\"one\""));
        let whole = object(seen, ROWS, "one");
        if first.fetch_add(1, Ordering::Relaxed) == 0 { whole.truncated() } else { whole }
    };
    check(breaks_once, Ok(()));
    let changes_then = |seen: &Seen| match seen.header("range") {
        None => object(seen, ROWS, "one").truncated(),
        Some(_) => Reply::status(412).body(""),
    };
    check(changes_then, Err("changed while it was read"));
    check(|seen| object(seen, ROWS, "one").truncated(), Err("cannot be fetched"));
}

#[test]
fn what_a_server_says_is_told_and_tries_are_bounded() {
    let said =
        |code: &str| format!("<Error><Code>{code}</Code><Message>in words</Message></Error>");
    for (status, code, expected) in [
        (403, "AccessDenied", "may not be read with these credentials: AccessDenied: in words"),
        (404, "NoSuchKey", "there is no a b/rows.csv in data"),
        (503, "SlowDown", "cannot be fetched"),
        (301, "PermanentRedirect", "cannot be fetched"),
    ] {
        let body = said(code);
        check(
            move |_| {
                Reply::status(status).body(body.clone()).header("location", "http://127.0.0.1:1/")
            },
            Err(expected),
        );
    }
    check(|_| Reply::reset(), Err("cannot be fetched"));
}

#[test]
fn a_checksum_is_needed_and_told() {
    let place = Place::new();
    let server = Server::start(|seen| match &*seen.method {
        "HEAD" => head(ROWS.len(), "one"),
        _ => object(seen, ROWS, "one"),
    });
    let params = s3(&server, &json!({ "anonymous": true }));
    assert!(failure(place.resolve("s3", &params, false)).contains("check --fetch"));
    assert_eq!(server.count(), 0);
    let told = failure(place.resolve("s3", &params, true));
    let sha256 = told.rsplit_once("add `sha256: ").expect(&told).1.trim_end_matches('`').to_owned();
    assert!(server.requests().iter().all(|seen| seen.header("authorization").is_none()));
    let asked = server.count();
    let pinned = s3(&server, &json!({ "anonymous": true, "sha256": sha256 }));
    let kept = place.resolve("s3", &pinned, false).expect("kept");
    assert_eq!((&*kept.name, kept.variables.len()), ("rows.csv", 0));
    let other = s3(&server, &json!({ "anonymous": true, "blake3": blake3(b"other") }));
    assert_eq!(failure(place.resolve("s3", &other, false)), "is not on this machine yet");
    assert_eq!(server.count(), asked);
    assert!(failure(place.resolve("s3", &other, true)).contains("the content has changed"));
    // Whose leave is missing is told before anything is asked.
    let own = json!({ "access_key_env": "OWN_ID", "secret_key_env": "OWN_SECRET" });
    let asked = server.count();
    let text = failure(place.resolve("s3", &s3(&server, &own), true));
    assert!(text.contains("the key in OWN_ID") && text.contains("the key in OWN_SECRET"), "{text}");
    assert_eq!(server.count(), asked);
}

/// A bucket with a listing, as S3 and Google Cloud Storage write it.
fn listed(keys: &[(&str, usize)]) -> String {
    let entries = keys.iter().map(|(key, size)| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-01T12:00:00.000Z</LastModified>\
             <ETag>&quot;one&quot;</ETag><Size>{size}</Size></Contents>"
        )
    });
    format!("<ListBucketResult>{}</ListBucketResult>", entries.collect::<String>())
}

#[test]
fn google_gets_a_token_and_lists_what_a_pattern_names() {
    let place = Place::new();
    let parts: [&[u8]; 2] = [b"{\"id\":1,\"n\":1.10}\n", b"{\"id\":2,\"n\":null}\n"];
    let server = Server::start(move |seen| {
        assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {SECRET}")));
        if seen.path.contains("list-type=2") {
            let others = [("logs/.hidden.jsonl", 9), ("logs/old/c.jsonl", 9), ("logs/c.txt", 9)];
            let of_part = [("logs/b.jsonl", parts[1].len()), ("logs/a.jsonl", parts[0].len())];
            return Reply::bytes(listed(&[&others[..], &of_part].concat()));
        }
        let at = usize::from(seen.path.ends_with("b%2Ejsonl"));
        object(seen, parts[at], "one")
    });
    let params = json!({
        "bucket": "data", "key": "logs/*.jsonl", "endpoint": address(&server), "token_env": "TOKEN",
    });
    let told = failure(place.resolve_with("gcs", &params, true, &Granted(SECRET)));
    assert!(told.contains("2 rows of 2 objects"), "{told}");
    let rows = parts.concat();
    let pinned = {
        let mut params = params.clone();
        params["blake3"] = blake3(&rows).into();
        params
    };
    let found = place.resolve("gcs", &pinned, false).expect("kept rows");
    assert_eq!(fs::read(&found.path).expect("rows"), rows);
    assert_eq!(
        (&*found.name, &*found.origin),
        ("rows.jsonl", &*format!("gs://data/logs/*.jsonl at {}/", address(&server)))
    );
    assert_eq!(found.variables, ["TOKEN"]);
}

/// A suite's parameters are refused at a place.
fn refused(source: &str, known: &Value, more: &Value, pointer: &str, expected: &str) {
    let mut params = known.as_object().expect("parameters").clone();
    params.extend(more.as_object().expect("parameters").clone());
    let error = open(source, &Value::Object(params)).map(drop).expect_err(expected);
    assert_eq!(error.pointer, pointer, "{more}");
    assert!(error.message.contains(expected) && !error.message.contains("hush"), "{error:?}");
}

#[test]
fn wrong_parameters_are_mistakes() {
    let s3 = json!({ "bucket": "b", "key": "k", "region": "r" });
    for (more, pointer, expected) in [
        (json!({ "region": null }), "/region", "`region` is missing"),
        (json!({ "bucket": "b/../c" }), "/bucket", "not a name"),
        (json!({ "key": "" }), "/key", "`key` is empty"),
        (json!({ "key": "a//b" }), "/key", "empty, `.` or `..`"),
        (json!({ "key": "a/../b" }), "/key", "empty, `.` or `..`"),
        (json!({ "key": "a[" }), "/key", "not a pattern"),
        (json!({ "key": "a/", "version": "1" }), "/version", "several"),
        (json!({ "secret_key_env": "S" }), "/secret_key_env", "access_key_env"),
        (json!({ "endpoint": "https://u:hush@h" }), "/endpoint", "user name or password"),
        (json!({ "endpoint": "ftp://h" }), "/endpoint", "must begin with"),
    ] {
        refused("s3", &s3, &more, pointer, expected);
    }
    let gcs = json!({ "bucket": "b", "key": "k" });
    let both = json!({ "anonymous": true, "token_env": "T" });
    refused("gcs", &gcs, &both, "/anonymous", "or with none");
    refused("gcs", &gcs, &json!({ "sha256": "x" }), "/sha256", "64 hexadecimal");
    let azure = json!({ "account": "a", "container": "c", "key": "k.csv" });
    refused("azure", &azure, &json!({}), "", "what the container is asked with");
    let both = json!({ "key_env": "K", "sas_env": "S" });
    refused("azure", &azure, &both, "", "here are several");
    refused("azure", &azure, &json!({ "key_env": " " }), "/key_env", "is empty");
}
