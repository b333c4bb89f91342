//! `MLflow` as a receiver of samples: tables of the run, and a trace for each sample with its scores.

use std::{collections::BTreeSet, time::Duration};

use evalmark_loopback::{Reply, Seen};
use serde_json::{Value, json};

use crate::{
    receivers::{Place, is_sent},
    sample_receivers::write_samples,
};

/// An `MLflow` that has a run already.
fn tracking(seen: &Seen) -> Reply {
    let path = seen.path.split('?').next().unwrap_or_default();
    match path.rsplit('/').next().unwrap_or_default() {
        "get-by-name" => Reply::json(&json!({ "experiment": { "experiment_id": "7" } })),
        "search" => Reply::json(&json!({ "runs": [{ "info": { "run_id": "abc" } }] })),
        _ => Reply::json(&json!({})),
    }
}

fn params(place: &Place, texts: bool) -> Value {
    json!({ "url": place.address(), "traces": true, "texts": texts })
}

fn of_path<'a>(seen: &'a [Seen], path: &str) -> Vec<&'a Seen> {
    seen.iter().filter(|seen| seen.path == path).collect()
}

#[test]
fn each_sample_is_a_trace_with_assessments() {
    let place = Place::new(tracking);
    write_samples(place.folder(), 3);
    place.queue("mlflow", &params(&place, true), "v");
    let (outcome, errors) = place.send(Duration::ZERO);
    assert!(is_sent(&outcome), "{errors:?}");
    let seen = place.server.requests();
    let traces = of_path(&seen, "/api/3.0/mlflow/traces");
    let infos: Vec<_> =
        traces.iter().map(|seen| seen.json()["trace"]["trace_info"].clone()).collect();
    assert_eq!(infos.len(), 3);
    let assessment = &infos[0]["assessments"][0];
    assert_eq!(
        (&assessment["assessment_name"], &assessment["feedback"]["value"]),
        (&json!("exact"), &json!(0.5))
    );
    assert_eq!(infos[0]["trace_metadata"]["mlflow.sourceRun"], "abc");
    // A sample that failed is an error, and has no score.
    assert_eq!((&infos[2]["state"], &infos[2]["assessments"]), (&json!("ERROR"), &json!([])));
    let spans = of_path(&seen, "/v1/traces");
    assert_eq!((spans.len(), spans[0].header("x-mlflow-experiment-id")), (1, Some("7")));
    let spans = &spans[0].json()["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(
        format!("tr-{}", spans[0]["traceId"].as_str().expect("an id")),
        infos[0]["trace_id"]
    );
    let tables =
        seen.iter().filter(|seen| seen.method == "PUT" && seen.path.ends_with("/samples.json"));
    let table = tables.map(Seen::json).next().expect("a table");
    assert_eq!(
        (table["columns"].as_array().map(Vec::len), table["data"].as_array().map(Vec::len)),
        (Some(11), Some(3))
    );
    let tag = of_path(&seen, "/api/2.0/mlflow/runs/set-tag")[0].json();
    assert_eq!(tag["key"], "mlflow.loggedArtifacts");
}

#[test]
fn texts_stay_here_unless_the_suite_says_otherwise() {
    let place = Place::new(tracking);
    write_samples(place.folder(), 2);
    place.queue("mlflow", &params(&place, false), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    for seen in place.server.requests() {
        let body = String::from_utf8(seen.body).expect("UTF-8");
        assert!(
            !["question 0", "@target", "HYPERLINK"].iter().any(|text| body.contains(text)),
            "{body}"
        );
    }
}

#[test]
fn traces_go_on_where_they_broke_off() {
    let place = Place::new(|seen| match (&*seen.path, seen.index) {
        ("/api/3.0/mlflow/traces", 60..=70) => Reply::status(503),
        _ => tracking(seen),
    });
    write_samples(place.folder(), 70);
    place.queue("mlflow", &params(&place, false), "v");
    let (outcome, errors) = place.send(Duration::from_secs(30));
    assert!(is_sent(&outcome), "{errors:?}");
    let seen = place.server.requests();
    let traces = of_path(&seen, "/api/3.0/mlflow/traces");
    let ids: BTreeSet<_> = traces
        .iter()
        .map(|seen| seen.json()["trace"]["trace_info"]["trace_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 70);
    // The first fifty were not sent again.
    let first = &traces[0].body;
    assert_eq!(traces.iter().filter(|seen| seen.body == *first).count(), 1);
}

#[test]
fn what_an_older_server_lacks_is_told() {
    let check = |status: u16, expected: &str| {
        let place = Place::new(move |seen| match &*seen.path {
            "/api/3.0/mlflow/traces" => Reply::status(status),
            _ => tracking(seen),
        });
        write_samples(place.folder(), 1);
        place.queue("mlflow", &params(&place, false), "v");
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains(expected), "{errors:?}");
    };
    check(404, "needs MLflow 3.4 or later");
    check(429, "429");
    check(401, "401");
}

/// An `MLflow` that knows an experiment and a run only once they are made.
fn made_once(seen: &Seen) -> Reply {
    let path = seen.path.split('?').next().unwrap_or_default().to_owned();
    let made = seen.index > 2;
    match path.trim_start_matches("/api/2.0/") {
        "mlflow/experiments/get-by-name" if !made => Reply::status(404),
        "mlflow/experiments/get-by-name" => {
            Reply::json(&json!({ "experiment": { "experiment_id": "7" } }))
        }
        "mlflow/experiments/create" => Reply::json(&json!({ "experiment_id": "7" })),
        "mlflow/runs/search" if !made => Reply::json(&json!({})),
        "mlflow/runs/search" => Reply::json(&json!({ "runs": [{ "info": { "run_id": "abc" } }] })),
        "mlflow/runs/create" => Reply::json(&json!({ "run": { "info": { "run_id": "abc" } } })),
        // The first attempt breaks off here.
        "mlflow/runs/log-batch" if seen.index < 5 => Reply::status(500),
        _ => Reply::json(&json!({})),
    }
}

#[test]
fn mlflow_has_one_run_however_often_it_is_tried() {
    let place = Place::new(made_once);
    place.queue(
        "mlflow",
        &json!({ "url": place.address(), "token_env": "MLFLOW_TRACKING_TOKEN" }),
        "v",
    );
    assert!(is_sent(&place.send(Duration::from_secs(20)).0));
    let seen = place.server.requests();
    let made = seen.iter().filter(|seen| seen.path.ends_with("/runs/create")).count();
    assert_eq!(made, 1);
    let logged: Vec<_> = seen.iter().filter(|seen| seen.path.ends_with("/log-batch")).collect();
    assert_eq!(logged.len(), 2);
    // The same points: MLflow keeps one of two that are alike.
    assert_eq!(logged[0].json()["metrics"], logged[1].json()["metrics"]);
    assert_eq!(logged[0].json()["metrics"][3]["key"], "exact/a_b/m-94335f4e");
    let kept = seen.iter().find(|seen| seen.method == "PUT").expect("an artefact");
    assert!(kept.path.ends_with("/artifacts/7/abc/artifacts/evalmark.json"), "{}", kept.path);
    assert!(
        seen.iter()
            .all(|seen| seen.header("authorization")
                == Some("Bearer canary-of-MLFLOW_TRACKING_TOKEN"))
    );
}
