//! The source `mlflow` against a server that answers as `MLflow` 3.17.2 did: the records of an evaluation dataset, in pages.

use std::fs;

use evalmark_core::source::{SourceError, SourceKeys};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_net::Url;
use serde_json::{Value, json};

use crate::setup::{Place, failure, open};

const ID: &str = "d-911c22b8f80348eeb1e1395a5551c7f7";

fn record(i: usize) -> Value {
    json!({
        "dataset_record_id": format!("dr-{i}"),
        "dataset_id": ID,
        "inputs": { "question": format!("What is {i} plus 3?"), "meta": { "level": i } },
        "expectations": { "expected_response": (i + 3).to_string() },
        "tags": { "topic": "sums", "mlflow.user": "root" },
        "source": { "source_type": "HUMAN", "source_data": {} },
        "created_time": 1_795_878_207_504_u64,
        "outputs": {},
    })
}

/// Three records in pages of two.
fn answered(seen: &Seen) -> Reply {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let dataset = json!({ "dataset_id": ID, "name": "sums", "digest": "a8a5b8d1" });
    let records =
        |of: &[usize]| Value::from(of.iter().map(|i| record(*i)).collect::<Vec<_>>()).to_string();
    if path.ends_with("/mlflow/datasets/search") && seen.json()["page_token"].is_null() {
        return Reply::json(
            &json!({ "datasets": [{ "dataset_id": "d-0", "name": "sum" }], "next_page_token": "b" }),
        );
    }
    if path.ends_with("/mlflow/datasets/search") {
        return Reply::json(&json!({ "datasets": [dataset] }));
    }
    if path.ends_with(&format!("/datasets/{ID}")) {
        return Reply::json(&json!({ "dataset": dataset }));
    }
    if !path.ends_with(&format!("/datasets/{ID}/records")) {
        return Reply::status(404);
    }
    if query.contains("page_token=two") {
        return Reply::json(&json!({ "records": records(&[2]) }));
    }
    Reply::json(&json!({ "records": records(&[0, 1]), "next_page_token": "two" }))
}

fn params(server: &Server, dataset: &str, more: &Value) -> Value {
    let mut params = json!({ "url": server.url().trim_end_matches("/v1"), "dataset": dataset });
    params
        .as_object_mut()
        .expect("parameters")
        .extend(more.as_object().cloned().unwrap_or_default());
    params
}

struct OneKey;

impl SourceKeys for OneKey {
    fn key(&self, variable: &str, _: &Url) -> Result<String, SourceError> {
        assert_eq!(variable, "TEAM_TOKEN");
        Ok("canary-token".to_owned())
    }
}

#[test]
fn records_are_rows_by_name_and_by_id() {
    let place = Place::new();
    let server = Server::start(answered);
    let told = failure(place.resolve("mlflow", &params(&server, "sums", &json!({})), true));
    assert!(told.contains("its 3 rows are blake3 "), "{told}");
    let hash = told.split("blake3: ").nth(1).expect("a checksum")[..64].to_owned();
    let pinned = params(&server, ID, &json!({ "blake3": hash }));
    let found = place.resolve("mlflow", &pinned, false).expect("what was fetched is kept");
    let rows = fs::read_to_string(&found.path).expect("rows");
    let rows: Vec<Value> =
        rows.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 3);
    let expected = json!({
        "record_id": "dr-2",
        "inputs": { "question": "What is 2 plus 3?", "meta": { "level": 2 } },
        "expectations": { "expected_response": "5" },
        "tags": { "topic": "sums" },
    });
    assert_eq!(rows[2], expected);
    let other = Place::new();
    assert_eq!(other.resolve("mlflow", &pinned, true).expect("rows").blake3, hash);
    let n_asked = server.count();
    other.resolve("mlflow", &pinned, true).expect("rows");
    assert_eq!(server.count(), n_asked, "what is kept needs no server");
}

#[test]
fn a_key_is_sent_where_it_may_go() {
    let place = Place::new();
    let server = Server::start(answered);
    let with_token = params(&server, "sums", &json!({ "token_env": "TEAM_TOKEN" }));
    let told = failure(place.resolve("mlflow", &with_token, true));
    assert!(told.contains("needs the key in TEAM_TOKEN") && server.count() == 0, "{told}");
    let told = failure(place.resolve_with("mlflow", &with_token, true, &OneKey));
    assert!(told.contains("3 rows") && !told.contains("canary"), "{told}");
    let with_password =
        params(&server, "sums", &json!({ "user": "ann", "password_env": "TEAM_TOKEN" }));
    failure(place.resolve_with("mlflow", &with_password, true, &OneKey));
    let seen = server.requests();
    assert_eq!(seen[0].header("authorization"), Some("Bearer canary-token"));
    let last = seen.last().expect("a request");
    assert_eq!(last.header("authorization"), Some("Basic YW5uOmNhbmFyeS10b2tlbg=="));
}

#[test]
fn what_the_server_lacks_is_told() {
    let check = |dataset: &str, reply: Option<Reply>, expected: &str| {
        let place = Place::new();
        let server = Server::start(move |seen| reply.clone().unwrap_or_else(|| answered(seen)));
        let told = failure(place.resolve("mlflow", &params(&server, dataset, &json!({})), true));
        assert!(told.contains(expected), "`{expected}` is not in {told}");
        assert_eq!(place.cached(), Vec::<std::path::PathBuf>::new());
    };
    check("summe", None, "has no evaluation dataset `summe`");
    check(
        ID,
        Some(Reply::status(403)),
        "says 403 Forbidden: status 403 as asked for; name the variable",
    );
    check(
        ID,
        Some(Reply::json(&json!({ "dataset": { "dataset_id": ID, "name": 3 } }))),
        "(at dataset.name): invalid type",
    );
    let page = json!({ "dataset": { "dataset_id": ID, "name": "s" }, "records": "[]", "next_page_token": "x" });
    check(ID, Some(Reply::json(&page)), "(at next_page_token): the same page again");
    let page =
        json!({ "dataset": { "dataset_id": ID, "name": "s" }, "records": "[{\"inputs\": 3}]" });
    check(ID, Some(Reply::json(&page)), "(at records, [0]): missing field `dataset_record_id`");
    let page = json!({ "dataset": { "dataset_id": ID, "name": "s" }, "records": "[]" });
    check(ID, Some(Reply::json(&page)), "has no rows");
}

#[test]
fn wrong_parameters_are_mistakes() {
    for (params, pointer, expected) in [
        (json!({ "url": "http://me:hush@host", "dataset": "s" }), "/url", "user name or password"),
        (json!({ "url": "sqlite:///m.db", "dataset": "s" }), "/url", "must begin with `https://`"),
        (json!({ "url": "http://host", "dataset": " " }), "/dataset", "is empty"),
        (
            json!({ "url": "http://host", "dataset": "s", "user": "a" }),
            "/password_env",
            "belong together",
        ),
        (
            json!({ "url": "http://host", "dataset": "s", "token_env": "A", "user": "a" }),
            "/token_env",
            "one of both",
        ),
    ] {
        let error = open("mlflow", &params).map(drop).expect_err(expected);
        assert_eq!(error.pointer, pointer, "{error:?}");
        assert!(error.message.contains(expected) && !error.message.contains("hush"), "{error:?}");
    }
}
