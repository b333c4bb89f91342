//! Elasticsearch and `OpenSearch` as receivers: documents, the index template, and what follows where some are refused.

use std::time::Duration;

use evalmark_loopback::{Reply, Seen};
use evalmark_store::outbox::OutboxEntry;
use serde_json::{Value, json};

use crate::receivers::{Place, is_sent};

fn result(status: u64, kind: &str) -> Value {
    let error =
        if status < 300 { Value::Null } else { json!({ "type": kind, "reason": "<b>hush</b>" }) };
    json!({ "create": { "status": status, "error": error } })
}

fn lines(seen: &Seen) -> Vec<Value> {
    let body = String::from_utf8(seen.body.clone()).expect("UTF-8");
    body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn what_was_refused_goes_out_again_alone() {
    let place = Place::new(|seen| {
        let full = "es_rejected_execution_exception";
        let items = match seen.index {
            0 => vec![result(201, ""), result(429, full), result(429, full)],
            1 => vec![result(409, "version_conflict_engine_exception"), result(503, full)],
            _ => vec![result(201, "")],
        };
        Reply::json(&json!({ "errors": true, "items": items }))
    });
    let params = json!({ "url": place.address(), "api_key_env": "ELASTIC_API_KEY" });
    place.queue("elasticsearch", &params, "v");
    let (outcome, errors) = place.send(Duration::from_secs(20));
    assert!(is_sent(&outcome), "{errors:?}");
    assert!(errors[0].contains("refuses 2 of 3 documents: es_rejected_execution"), "{errors:?}");
    assert!(errors[1].contains("refuses 1 of 2 documents"), "{errors:?}");
    let seen = place.server.requests();
    assert_eq!((seen.len(), &*seen[0].path), (3, "/logs-evalmark.runs-default/_bulk"));
    assert_eq!(seen[0].header("authorization"), Some("ApiKey canary-of-ELASTIC_API_KEY"));
    let [all, again, last] = [lines(&seen[0]), lines(&seen[1]), lines(&seen[2])];
    assert_eq!((all.len(), &again[..], &last[..]), (6, &all[2..6], &all[4..6]));
    assert_eq!(all[1]["event"]["outcome"], "failure");
    assert_eq!(all[3]["evalmark"]["metric"], "exact");
}

#[test]
fn each_class_of_errors_has_what_follows() {
    let check = |reply: fn() -> Reply, expected: &str, least: i64, may_have_arrived: bool| {
        let place = Place::new(move |_| reply());
        place.queue("elasticsearch", &json!({ "url": place.address() }), "v");
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains(expected) && !errors[0].contains("hush"), "{errors:?}");
        let entry: OutboxEntry = place.pending().remove(0);
        let wait = entry.not_before.expect("a wait").duration_since(jiff::Timestamp::now());
        assert!((least - 2..=least).contains(&wait.as_secs()), "{expected}: {wait}");
        assert_eq!(entry.may_have_arrived(), may_have_arrived, "{expected}");
    };
    check(|| Reply::status(401), "401", 3600, false);
    check(|| Reply::status(429).header("retry-after", "30"), "429", 30, false);
    check(|| Reply::status(503), "503", 1, false);
    check(|| Reply::bytes("{"), "no JSON", 1, true);
    let mapped = || {
        let items = [result(201, ""), result(400, "mapper_parsing_exception"), result(429, "full")];
        Reply::json(&json!({ "errors": true, "items": items }))
    };
    check(mapped, "2 of 3 documents: mapper_parsing_exception (status 400)", 3600, false);
    check(
        || Reply::json(&json!({ "items": [{ "create": { "status": 500 } }] })),
        "no reason",
        1,
        false,
    );
}

#[test]
fn setup_puts_the_template_first() {
    let place = Place::new(|_| Reply::json(&json!({ "acknowledged": true })));
    let params =
        json!({ "url": place.address(), "index": "logs-quality-default", "setup": "data_stream" });
    place.queue("elasticsearch", &params, "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let seen = place.server.requests();
    assert_eq!(
        (&*seen[0].method, &*seen[0].path),
        ("PUT", "/_index_template/evalmark-logs-quality-default")
    );
    let template = seen[0].json();
    assert_eq!(template["index_patterns"], json!(["logs-quality-default"]));
    assert_eq!(template["data_stream"], json!({}));
    let fields = &template["template"]["mappings"]["properties"]["evalmark"]["properties"];
    assert_eq!(fields["score"]["type"], "double");
    assert_eq!(&*seen[1].path, "/logs-quality-default/_bulk");

    let place = Place::new(|_| Reply::status(403));
    place.queue("elasticsearch", &json!({ "url": place.address(), "setup": "data_stream" }), "v");
    let (_, errors) = place.send(Duration::ZERO);
    assert!(errors[0].contains("permission to manage index templates"), "{errors:?}");
    assert_eq!(place.server.count(), 1);
}

#[test]
fn one_proof_of_identity_is_sent() {
    let kinds = evalmark_integrations::receivers::catalog();
    let kind = kinds.iter().find(|kind| kind.name == "elasticsearch").expect("a kind");
    let check = |params: Value, pointer: &str, expected: &str| {
        let error = (kind.open)(&params).expect_err("a mistake");
        assert_eq!(error.pointer, pointer, "{error:?}");
        assert!(error.message.contains(expected), "{error:?}");
    };
    let url = "http://127.0.0.1:9200";
    check(
        json!({ "url": url, "api_key_env": "A", "token_env": "B" }),
        "/api_key_env",
        "stands beside",
    );
    check(json!({ "url": url, "api_key_env": "a b" }), "/api_key_env", "no name");
    check(json!({ "url": url, "user": "u" }), "", "belong together");
    check(json!({ "api_key_env": "A" }), "", "exactly one of `url` and `url_env`");
    check(json!({ "url": url, "indx": "a" }), "", "unknown field `indx`");
}

#[test]
fn a_shipper_of_logs_finds_the_same_documents_in_a_file() {
    let place = Place::new(|_| Reply::status(500));
    place.queue("ecs", &json!({}), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let folder = place.outbox().folder().join("ecs");
    let files: Vec<_> = std::fs::read_dir(folder).expect("a folder").flatten().collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].path()).expect("a text");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let actions: Vec<_> =
        lines.iter().filter_map(|line| line["event"]["action"].as_str()).collect();
    assert_eq!(actions, ["run", "comparison", "score"]);
    assert!(
        lines
            .iter()
            .all(|line| line["ecs"]["version"].is_string() && line["@timestamp"].is_string())
    );
    assert_ne!(lines[0]["event"]["id"], lines[1]["event"]["id"]);
    assert_eq!(place.server.count(), 0);
}
