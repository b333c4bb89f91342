//! Spans of calls that failed, and those that are no call of a model.

use serde_json::json;

use crate::otlp::{World, logs, record, send_at_once, span, traces};

#[test]
fn what_is_no_answer_is_counted_and_failures_are_records() {
    let world = World::new();
    let mut failed = span(
        1,
        &json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt", "error.type": "timeout", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Where?"}),
    );
    failed["status"] = json!({"code": 2, "message": "no answer in 30 s"});
    let others = [
        json!({"http.method": "POST"}),
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find"}),
        json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt"}),
        json!({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "e"}),
        json!({"openinference.span.kind": "CHAIN", "input.value": "a", "output.value": "b"}),
        json!({"traceloop.span.kind": "workflow"}),
    ];
    let mut spans: Vec<_> = (10..).zip(&others).map(|(id, values)| span(id, values)).collect();
    spans.push(failed);
    assert_eq!(world.json("/v1/traces", &traces(&spans)).status, 200);
    let stored = world.stored();
    assert_eq!(stored.left_out, others.len() as u64);
    assert_eq!(stored.lines.len(), 1);
    assert_eq!(stored.lines[0]["error"], "timeout: no answer in 30 s");
    assert_eq!(stored.lines[0]["model"], "gpt");
}

#[test]
fn what_was_asked_is_known_of_a_call_that_failed() {
    let world = World::new();
    for id in 0..4 {
        let mut failed =
            span(id, &json!({"gen_ai.operation.name": "chat", "error.type": "BadRequestError"}));
        failed["status"] = json!({"code": 2, "message": "no such parcel"});
        let asked = record(id, "gen_ai.user.message", &json!({"content": "Where is parcel 4?"}));
        let mut halves = [("/v1/logs", logs(&[asked])), ("/v1/traces", traces(&[failed]))];
        if id % 2 == 1 {
            halves.reverse();
        }
        send_at_once(&world, halves);
        let stored = world.stored();
        assert!(stored.damaged.is_empty(), "{:?}", stored.damaged);
        let line = stored.lines.last().expect("a line");
        assert_eq!(line["error"], "BadRequestError: no such parcel");
        assert_eq!(line["columns"]["input"], "Where is parcel 4?");
    }
    assert_eq!(world.stored().lines.len(), 4);
}
