//! The source `http`: fetched once, known by its checksum, and nothing else than what the suite says.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use evalmark_loopback::{Identity, Reply, Server};
use serde_json::json;

use crate::setup::{Place, ROWS, blake3, failure, gzip, open};

fn serving(body: Vec<u8>) -> Server {
    Server::start(move |_| Reply::bytes(body.clone()).header("content-type", "text/csv"))
}

#[test]
fn a_file_is_fetched_once_and_read_without_a_network_after_that() {
    let place = Place::new();
    let packed = gzip(ROWS);
    let server = serving(packed.clone());
    let address = server.url();
    let params =
        json!({ "url": format!("{address}/data.csv.gz?v=1#x"), "blake3": blake3(&packed) });
    assert_eq!(failure(place.resolve("http", &params, false)), "is not on this machine yet");
    assert_eq!(server.count(), 0);
    let first = place.resolve("http", &params, true).expect("rows");
    assert_eq!(fs::read(&first.path).expect("a snapshot"), ROWS);
    assert_eq!(first.name, "data.csv");
    assert_eq!(first.origin, format!("{address}/data.csv.gz?…"));
    assert_eq!(first.server.as_deref(), address.strip_suffix("/v1"));
    assert!(first.note.as_ref().is_some_and(|note| note.contains("fetched")), "{first:?}");
    let seen = server.requests();
    assert_eq!((seen.len(), &*seen[0].method, &*seen[0].path), (1, "GET", "/v1/data.csv.gz?v=1"));
    for name in ["authorization", "cookie", "referer"] {
        assert_eq!(seen[0].header(name), None);
    }
    drop(server);
    let again = place.resolve("http", &params, true).expect("a snapshot");
    assert_eq!(
        (&again.path, &again.fetched_at, again.note),
        (&first.path, &first.fetched_at, None)
    );
    // A plain file with the same rows is the same snapshot.
    place.write("data.csv", ROWS);
    let plain = place.resolve("file", &json!({ "path": "data.csv" }), false).expect("rows");
    assert_eq!(plain.path, first.path);
}

#[test]
fn another_content_is_an_error_that_says_both_checksums() {
    let place = Place::new();
    let server = serving(ROWS.to_vec());
    let url = format!("{}/data.csv", server.url());
    let text =
        failure(place.resolve("http", &json!({ "url": url, "blake3": blake3(b"old") }), true));
    for words in [&blake3(ROWS), &blake3(b"old"), "the content has changed"] {
        assert!(text.contains(words), "`{words}` is not in {text}");
    }
    assert_eq!(place.cached(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_missing_checksum_is_told_and_the_content_not_used() {
    let place = Place::new();
    let server = serving(b"abc".to_vec());
    let url = format!("{}/data.csv", server.url());
    let text = failure(place.resolve("http", &json!({ "url": url }), false));
    assert!(text.contains("check --fetch"), "{text}");
    assert_eq!(server.count(), 0);
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let text = failure(place.resolve("http", &json!({ "url": url }), true));
    assert!(text.contains(&format!("add `sha256: {sha256}`")), "{text}");
    // It need not be fetched again.
    let pinned = json!({ "url": url, "sha256": sha256 });
    assert!(place.resolve("http", &pinned, false).is_ok());
    assert_eq!(server.count(), 1);
    // Both checksums count.
    let both = json!({ "url": url, "sha256": sha256, "blake3": blake3(b"other") });
    assert!(place.resolve("http", &both, false).is_err());
}

#[test]
fn servers_that_give_no_file_are_told() {
    let check = |reply: Reply, attempts: u64, expected: &[&str]| {
        let place = Place::new();
        let server = Server::start(move |_| reply.clone());
        let url = format!("{}/data.csv?token=hush", server.url());
        let text =
            failure(place.resolve("http", &json!({ "url": url, "blake3": blake3(ROWS) }), true));
        for words in expected {
            assert!(text.contains(words), "`{words}` is not in {text}");
        }
        assert!(!text.contains("hush"), "{text}");
        assert_eq!(place.cached(), Vec::<std::path::PathBuf>::new());
        assert_eq!(server.count(), attempts);
    };
    check(Reply::status(404), 1, &["the server says 404 Not Found"]);
    check(Reply::status(403), 1, &["the server says 403 Forbidden", "sends no credentials"]);
    let moved = Reply::status(302).header("location", "/elsewhere.csv?token=hush");
    check(moved, 1, &["/elsewhere.csv?…", "redirects are not followed", "name that address"]);
    let half = format!("cannot be fetched beyond byte {}: ", ROWS.len() / 2);
    let broken = [half.as_str(), "after 4 attempts"];
    check(Reply::bytes(ROWS).truncated(), 4, &broken);
    check(Reply::bytes(ROWS).reset_inside(), 4, &["cannot be fetched", "after 4 attempts"]);
    // It says that there is more, and ends in order; or ends within a chunk, or between two.
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\n";
    let short = format!("{head}content-length: 1000\r\n\r\nid,text\n1,a\n");
    check(Reply::raw(short), 4, &["cannot be fetched beyond byte 12: ", "after 4 attempts"]);
    for chunk in ["c\r\nid,text\n1,a\n\r\n", "c\r\nid,text\n1,a\n\r\n40\r\n2,b"] {
        let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}");
        check(Reply::raw(chunked), 4, &["cannot be fetched beyond byte ", "after 4 attempts"]);
    }
    check(Reply::reset(), 4, &["cannot be fetched", "after 4 attempts"]);
    let soon = |status| Reply::status(status).header("retry-after", "0");
    check(soon(503), 4, &["the server says 503 Service Unavailable, after 4 attempts"]);
    check(soon(429), 4, &["the server says 429 Too Many Requests, after 4 attempts"]);
    // Nobody waits for an hour.
    check(Reply::status(503).header("retry-after", "3600"), 1, &["the server says 503"]);
}

#[test]
fn a_file_is_asked_for_again_where_that_may_help() {
    let place = Place::new();
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status(503).header("retry-after", "0"),
        1 => Reply::bytes(ROWS).truncated(),
        _ => Reply::bytes(ROWS),
    });
    let params = json!({ "url": format!("{}/data.csv", server.url()), "blake3": blake3(ROWS) });
    let found = place.resolve("http", &params, true).expect("rows");
    assert_eq!(fs::read(&found.path).expect("a snapshot"), ROWS);
    assert_eq!(server.count(), 3);
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused() {
    let place = Place::new();
    let identity = Identity::new("localhost");
    let server = Server::start_secure(&identity, |_| Reply::bytes(ROWS));
    let url = format!("{}/data.csv", server.url().replace("127.0.0.1", "localhost"));
    let params = json!({ "url": url, "blake3": blake3(ROWS) });
    let text = failure(place.resolve("http", &params, true));
    assert!(text.contains("no connection to localhost"), "{text}");
    assert_eq!(server.count(), 0);
    // The suite may vouch for it.
    let trusting = |file: &str| json!({ "url": url, "blake3": blake3(ROWS), "ca_file": file });
    for (file, expected) in [
        ("none.pem", "the certificates none.pem "),
        ("../../../etc/passwd", "the certificates ../../../etc/passwd "),
        ("empty.pem", "the certificates empty.pem contain no PEM certificate"),
    ] {
        place.write("empty.pem", b"");
        let text = failure(place.resolve("http", &trusting(file), true));
        assert!(text.contains(expected), "{file}: {text}");
    }
    place.write("ca.pem", identity.ca_pem().as_bytes());
    place.resolve("http", &trusting("ca.pem"), true).expect("rows");
    assert_eq!(server.count(), 1);
}

#[test]
fn wrong_parameters_are_mistakes() {
    for (params, pointer, expected) in [
        (json!({ "url": "https://me:hush@host/x.csv" }), "/url", "user name or password"),
        (json!({ "url": "https://hush@host/x.csv" }), "/url", "user name or password"),
        (json!({ "url": "ftp://host/x.csv" }), "/url", "must begin with `https://`"),
        (json!({ "url": "file:///etc/passwd" }), "/url", "must begin with `https://`"),
        (json!({ "url": "data.csv" }), "/url", "is not an address"),
        (json!({ "url": "https://host/x", "sha256": "abc" }), "/sha256", "64 hexadecimal digits"),
    ] {
        let error = open("http", &params).map(drop).expect_err(expected);
        assert_eq!(error.pointer, pointer);
        assert!(error.message.contains(expected), "{error:?}");
        assert!(!error.message.contains("hush"), "{error:?}");
    }
}
