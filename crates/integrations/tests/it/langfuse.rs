//! The source `langfuse` against a server that answers as its API says: pages of items, archived ones among them.

use std::fs;

use evalmark_core::source::{SourceError, SourceKeys};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_net::Url;
use serde_json::{Value, json};

use crate::setup::{Place, failure, open};

struct BothKeys;

impl SourceKeys for BothKeys {
    fn key(&self, variable: &str, _: &Url) -> Result<String, SourceError> {
        Ok(match variable {
            "LANGFUSE_PUBLIC_KEY" => "pk-lf-test".to_owned(),
            "TEAM_SECRET" => "sk-lf-test".to_owned(),
            other => panic!("{other} is not wanted"),
        })
    }
}

fn item(i: u32) -> Value {
    json!({
        "id": format!("item-{i}"),
        "status": if i == 1 { "ARCHIVED" } else { "ACTIVE" },
        "input": { "question": format!("q{i}") },
        "expectedOutput": if i == 2 { Value::Null } else { format!("a{i}").into() },
        "metadata": null,
        "datasetId": "d", "datasetName": "sums/daily", "mediaReferences": [],
    })
}

fn answered(seen: &Seen) -> Reply {
    assert_eq!(seen.header("authorization"), Some("Basic cGstbGYtdGVzdDpzay1sZi10ZXN0"));
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    match path {
        "/api/public/v2/datasets/sums%2Fdaily" => {
            Reply::json(&json!({ "id": "d", "name": "sums/daily" }))
        }
        "/api/public/dataset-items" => {
            assert!(query.contains("datasetName=sums%2Fdaily"), "{query}");
            let is_first = query.contains("page=1&");
            let items = if is_first { vec![item(3), item(2)] } else { vec![item(1), item(0)] };
            let meta = json!({ "page": 1, "limit": 2, "totalItems": 4, "totalPages": 2 });
            Reply::json(&json!({ "data": items, "meta": meta }))
        }
        _ => Reply::status(404).body(r#"{"message":"Not found"}"#),
    }
}

fn params(server: &Server, dataset: &str) -> Value {
    let url = server.url().trim_end_matches("/v1").to_owned();
    json!({ "url": url, "dataset": dataset, "secret_key_env": "TEAM_SECRET" })
}

#[test]
fn items_are_rows_and_archived_ones_are_counted() {
    let place = Place::new();
    let server = Server::start(answered);
    let mut params = params(&server, "sums/daily");
    let told = failure(place.resolve("langfuse", &params, true));
    assert!(told.contains("needs the key in LANGFUSE_PUBLIC_KEY") && server.count() == 0, "{told}");
    let told = failure(place.resolve_with("langfuse", &params, true, &BothKeys));
    assert!(told.contains("its 3 rows are blake3 "), "{told}");
    assert!(told.contains("; 1 archived items are left out"), "{told}");
    params["blake3"] = told.split("blake3: ").nth(1).expect("a checksum")[..64].into();
    let found = place.resolve("langfuse", &params, false).expect("what was fetched is kept");
    let expected = concat!(
        r#"{"id":"item-0","input":{"question":"q0"},"expected_output":"a0"}"#,
        "\n",
        r#"{"id":"item-2","input":{"question":"q2"}}"#,
        "\n",
        r#"{"id":"item-3","input":{"question":"q3"},"expected_output":"a3"}"#,
        "\n",
    );
    assert_eq!(fs::read_to_string(&found.path).expect("rows"), expected);
    assert_eq!(found.variables, ["LANGFUSE_PUBLIC_KEY", "TEAM_SECRET"]);
}

#[test]
fn what_the_server_lacks_is_told() {
    let check = |dataset: &str, reply: Option<Reply>, expected: &str| {
        let place = Place::new();
        let server = Server::start(move |seen| reply.clone().unwrap_or_else(|| answered(seen)));
        let told =
            failure(place.resolve_with("langfuse", &params(&server, dataset), true, &BothKeys));
        assert!(told.contains(expected), "`{expected}` is not in {told}");
        assert_eq!(place.cached(), Vec::<std::path::PathBuf>::new());
    };
    check("summe", None, "has no dataset `summe`; the keys belong to one project");
    check("sums/daily", Some(Reply::status(401)), "says 401 Unauthorized");
    check("sums/daily", Some(Reply::bytes("<html>")), "sends what its API does not have");
    // Nobody waits for an hour.
    let later = Reply::status(429).header("retry-after", "3600");
    check("sums/daily", Some(later), "says 429 Too Many Requests");
    let twice =
        json!({ "id": "d", "name": "s", "data": [item(0), item(0)], "meta": { "totalPages": 1 } });
    check("sums/daily", Some(Reply::json(&twice)), "gives the item `item-0` twice");
    let empty = json!({ "id": "d", "name": "s", "data": [], "meta": { "totalPages": 0 } });
    check("sums/daily", Some(Reply::json(&empty)), "has no rows");
}

#[test]
fn wrong_parameters_are_mistakes() {
    for (params, pointer, expected) in [
        (json!({ "dataset": "" }), "/dataset", "is empty"),
        (json!({ "dataset": "s", "url": "langfuse" }), "/url", "is not an address"),
        (json!({ "dataset": "s", "secret_key_env": "sk-lf-hush" }), "/secret_key_env", "is a key"),
        (json!({ "dataset": "s", "version": "monday" }), "/version", "is no moment"),
    ] {
        let error = open("langfuse", &params).map(drop).expect_err(expected);
        assert_eq!(error.pointer, pointer, "{error:?}");
        assert!(error.message.contains(expected) && !error.message.contains("hush"), "{error:?}");
    }
}
