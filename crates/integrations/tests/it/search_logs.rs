//! Documents of Elasticsearch as logs: pages, a server that answers in part, keys, and what is not asked.

use std::sync::Mutex;

use evalmark_core::{
    logs::{LogInput, LogPosition, LogRead},
    source::{NoKeys, SourceError, SourceKeys},
};
use evalmark_integrations::logs::{ElasticsearchLogs, ElasticsearchOptions};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_net::Url;
use serde_json::{Value, json};

/// Documents as a server holds them: time, id, what is in it.
type Documents = Vec<(i64, String, Value)>;

const NOW: i64 = 1_000_000_000;

/// What a server answers to a question about them; pages have `page` documents.
fn answer(documents: &Documents, page: usize, seen: &Seen) -> Value {
    let body = seen.json();
    let filter = &body["query"]["bool"];
    let range = &filter["filter"][0]["range"]["@timestamp"];
    let (from, until) = (range["gte"].as_i64().unwrap_or(i64::MIN), range["lt"].as_i64());
    let known = filter["must_not"][0]["ids"]["values"].as_array().cloned().unwrap_or_default();
    let mut found: Vec<_> = documents
        .iter()
        .filter(|(at, id, _)| *at >= from && Some(*at) < until && !known.contains(&json!(id)))
        .collect();
    found.sort_by_key(|(at, ..)| *at);
    let hit = |(at, id, source): &&(i64, String, Value)| json!({ "_id": id, "_index": "app", "_source": source, "sort": [at] });
    let hits: Vec<_> = found.iter().take(page).map(hit).collect();
    json!({ "timed_out": false, "_shards": { "failed": 0 }, "hits": { "hits": hits } })
}

fn document(at: i64, i: usize) -> (i64, String, Value) {
    (at, format!("d{i}"), json!({ "n": i }))
}

/// Reads so many pages at most; the lines, and how far it came.
fn read(
    place: &str,
    positions: Vec<LogPosition>,
    pages: usize,
) -> Result<(Vec<Value>, Vec<LogPosition>), String> {
    let options = ElasticsearchOptions {
        place,
        keys: &NoKeys,
        positions: positions.clone(),
        follow: false,
        now: || NOW,
    };
    let mut reader = ElasticsearchLogs::open(options).map_err(|error| error.to_string())?;
    let (mut lines, mut positions) = (Vec::new(), positions);
    for _ in 0..pages {
        match reader.read().map_err(|error| error.to_string())? {
            LogRead::Chunk(chunk) => {
                let file = chunk.file.expect("a place");
                positions.resize_with(positions.len().max(file + 1), LogPosition::default);
                positions[file] = *chunk.after;
                let text = String::from_utf8(chunk.bytes).expect("text");
                lines.extend(text.lines().map(|line| serde_json::from_str(line).expect("JSON")));
            }
            LogRead::Waiting | LogRead::End => break,
        }
    }
    Ok((lines, positions))
}

/// Each document once, wherever a page or a process ends, also among those of one time.
#[test]
fn each_document_comes_once() {
    let documents: Documents =
        (0..57).map(|i| document(5 + i64::try_from(i / 9).expect("few"), i)).collect();
    for page in [1, 4, 9, 100] {
        for pages in [1, 3, usize::MAX] {
            let own = documents.clone();
            let server = Server::start(move |seen| Reply::json(&answer(&own, page, seen)));
            let place = format!("elasticsearch:{}/app", server.url());
            let other = LogPosition { path: "app.log".into(), ..LogPosition::default() };
            let (mut all, mut positions) = (Vec::new(), vec![other.clone()]);
            loop {
                let (lines, after) = read(&place, positions, pages).expect("documents");
                positions = after;
                if lines.is_empty() {
                    break;
                }
                all.extend(lines);
            }
            let mut numbers: Vec<_> =
                all.iter().map(|line| line["n"].as_u64().expect("n")).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..57).collect::<Vec<_>>(), "{page} {pages}");
            assert_eq!(all[0]["_id"], format!("d{}", all[0]["n"]));
            // Files that were read before keep their places.
            assert_eq!((&positions[0], positions.len()), (&other, 2));
            // Another question has read nothing yet.
            let (again, _) = read(&format!("{place}?query=a:b"), positions, 1).expect("documents");
            assert_eq!(again.len(), page.min(57));
        }
    }
}

#[test]
fn what_is_too_young_waits() {
    let documents = vec![document(NOW - 60_001, 1), document(NOW - 59_999, 2)];
    let server = Server::start(move |seen| Reply::json(&answer(&documents, 10, seen)));
    let place = format!("elasticsearch:{}/app", server.url());
    let (lines, positions) = read(&place, Vec::new(), 9).expect("documents");
    assert_eq!(lines.len(), 1);
    // The same question with another delay goes on.
    let (lines, _) = read(&format!("{place}?delay=5s"), positions, 9).expect("documents");
    assert_eq!(lines[0]["n"], 2);
}

/// Answers that lack something are no answers: what they lack would never be read.
#[test]
fn a_server_that_answers_in_part_is_an_error() {
    let check = |reply: Value, told: &str| {
        let server = Server::start(move |_| Reply::json(&reply));
        let error = read(&format!("elasticsearch:{}/app", server.url()), Vec::new(), 1);
        let error = error.expect_err(told);
        assert!(error.contains(told), "{error}");
    };
    let hits = json!({ "hits": [{ "_id": "a", "_source": {}, "sort": [1] }] });
    check(json!({ "timed_out": true, "hits": hits }), "could not search all of its shards");
    check(json!({ "_shards": { "failed": 1 }, "hits": hits }), "could not search all");
    check(
        json!({ "hits": { "hits": [{ "_id": "a", "_source": {}, "sort": ["x"] }] } }),
        "by no time",
    );
    check(json!({ "took": 1 }), "sends what its API does not have");
}

/// Keys that are asked for, and what for.
struct Asked(Mutex<Vec<(String, String)>>);

impl SourceKeys for Asked {
    fn key(&self, variable: &str, server: &Url) -> Result<String, SourceError> {
        self.0.lock().expect("one").push((variable.to_owned(), server.to_string()));
        Ok("a-key".to_owned())
    }

    fn is_set(&self, _: &str) -> bool {
        true
    }
}

#[test]
fn keys_go_to_the_server_that_is_named() {
    let server = Server::start(|seen| Reply::json(&answer(&Vec::new(), 1, seen)));
    for (query, header) in
        [("api_key_env=KEY", "ApiKey a-key"), ("user=ann&password_env=KEY", "Basic YW5uOmEta2V5")]
    {
        let keys = Asked(Mutex::default());
        let place = format!("elasticsearch:{}/app?{query}", server.url());
        let options = ElasticsearchOptions {
            place: &place,
            keys: &keys,
            positions: Vec::new(),
            follow: false,
            now: || NOW,
        };
        let mut reader = ElasticsearchLogs::open(options).expect("a server");
        assert!(matches!(reader.read(), Ok(LogRead::End)));
        let asked = keys.0.lock().expect("one").clone();
        assert_eq!(asked.len(), 1);
        assert!(asked[0].0 == "KEY" && asked[0].1.starts_with("http://127.0.0.1"), "{asked:?}");
        let last = server.requests().pop().expect("a request");
        assert_eq!(last.header("authorization"), Some(header));
    }
    let refused =
        read(&format!("elasticsearch:{}/app?api_key_env=KEY", server.url()), Vec::new(), 1);
    assert!(refused.is_err());
}
