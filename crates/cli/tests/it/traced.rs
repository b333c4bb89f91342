//! A run as OpenTelemetry's traces, events and metrics: what arrives, what does not, and that it is the same when sent again.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::{setup::World, view_client::runs};

const ITEMS: usize = 120;

/// A run whose receiver is to be told by hand.
fn world(server: &Server, more: &str) -> World {
    let world = World::new(1);
    runs(&world, 1);
    let suite = std::fs::read_to_string(world.path("suite.yaml")).expect("a suite");
    let url = server.url().trim_end_matches("/v1").to_owned();
    let export = format!("export: [{{ otlp: {{ url: '{url}', protocol: http/json{more} }} }}]\n");
    world.write("suite.yaml", &format!("{suite}{export}"));
    world
}

fn collected(server: &Server, path: &str) -> Vec<Value> {
    let requests = server.requests();
    requests.iter().filter(|seen| seen.path == path).map(Seen::json).collect()
}

fn spans(server: &Server) -> Vec<Value> {
    let all = collected(server, "/v1/traces");
    let spans = all.iter().map(|of| &of["resourceSpans"][0]["scopeSpans"][0]["spans"]);
    spans.flat_map(|spans| spans.as_array().expect("spans").clone()).collect()
}

/// The value of an attribute.
fn attribute<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    let all = of["attributes"].as_array().expect("attributes");
    let found = all.iter().find(|one| one["key"] == name)?;
    found["value"].as_object().and_then(|value| value.values().next())
}

#[test]
fn a_run_is_a_trace_with_a_span_a_request_and_an_event_a_score() {
    let server = Server::start(|_| Reply::json(&json!({})));
    let world = world(&server, "");
    world.run(&["export", "reports/intents/r0", "--to", "otlp"]).expect(0);
    let spans = spans(&server);
    assert_eq!(spans.len(), ITEMS + 1);
    let (roots, requests): (Vec<_>, Vec<_>) =
        spans.iter().partition(|span| span["parentSpanId"] == "");
    assert_eq!(roots.len(), 1);
    let traces: BTreeSet<_> = spans.iter().map(|span| span["traceId"].as_str()).collect();
    let ids: BTreeSet<_> = spans.iter().map(|span| span["spanId"].as_str()).collect();
    assert_eq!((traces.len(), ids.len()), (1, ITEMS + 1));
    for span in &requests {
        assert_eq!(span["parentSpanId"], roots[0]["spanId"]);
        assert_eq!(attribute(span, "gen_ai.operation.name"), Some(&json!("chat")));
        assert_eq!(attribute(span, "gen_ai.provider.name"), Some(&json!("recorded")));
        assert_eq!(attribute(span, "evalmark.score.exact"), Some(&json!(1.0)));
        assert_eq!(attribute(span, "gen_ai.input.messages"), None);
    }
    let logs = collected(&server, "/v1/logs");
    let events = logs.iter().map(|of| &of["resourceLogs"][0]["scopeLogs"][0]["logRecords"]);
    let events: Vec<_> = events.flat_map(|of| of.as_array().expect("events")).collect();
    assert_eq!(events.len(), ITEMS);
    assert!(events.iter().all(|event| {
        event["eventName"] == "gen_ai.evaluation.result"
            && ids.contains(&event["spanId"].as_str())
            && attribute(event, "gen_ai.evaluation.score.label") == Some(&json!("pass"))
    }));
    let metrics = collected(&server, "/v1/metrics");
    let metrics = &metrics[0]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    let has_score = |of: &Value| of["name"] == "evalmark_score";
    assert!(metrics.as_array().expect("metrics").iter().any(has_score), "{metrics}");
    // No text of the dataset or of an answer.
    let sent: Vec<u8> = server.requests().into_iter().flat_map(|seen| seen.body).collect();
    assert!(!String::from_utf8_lossy(&sent).contains("What is"));
}

#[test]
fn texts_are_sent_where_the_suite_says_so() {
    let server = Server::start(|_| Reply::json(&json!({})));
    let world = world(&server, ", content: true, signals: [traces]");
    world.run(&["export", "reports/intents/r0", "--to", "otlp"]).expect(0);
    assert!(server.requests().iter().all(|seen| seen.path == "/v1/traces"));
    let spans = spans(&server);
    let of_request = spans.iter().find(|span| span["parentSpanId"] != "").expect("a request");
    let input = attribute(of_request, "gen_ai.input.messages").and_then(Value::as_str);
    let input: Value = serde_json::from_str(input.expect("messages")).expect("JSON");
    assert_eq!(input[0]["role"], "user");
    let text = input[0]["parts"][0]["content"].as_str().expect("a text");
    assert!(text.contains("What is"), "{text}");
    let output = attribute(of_request, "gen_ai.output.messages").and_then(Value::as_str);
    assert!(output.expect("messages").contains("\"content\":\"yes\""));
}

#[test]
fn what_was_taken_is_not_sent_again() {
    let n_refused = Arc::new(AtomicU64::new(0));
    let counted = n_refused.clone();
    // Metrics are refused once.
    let server = Server::start(move |seen: &Seen| {
        if seen.path == "/v1/metrics" && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::status(503);
        }
        Reply::json(&json!({}))
    });
    let world = world(&server, "");
    world.run(&["export", "reports/intents/r0", "--to", "otlp"]).expect(4);
    world.run(&["outbox", "send"]).expect(0);
    let ids: Vec<_> = spans(&server).into_iter().map(|span| span["spanId"].clone()).collect();
    // The run's own span comes twice, with the same id; those of requests once.
    assert_eq!(ids.len(), ITEMS + 2);
    let all: BTreeSet<_> = ids.iter().map(Value::to_string).collect();
    assert_eq!(all.len(), ITEMS + 1);
}
