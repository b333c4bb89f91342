//! Bodies of every kind that nobody should send, and more than can be stored: all are told, and nothing breaks.

use std::{io::Write, net::SocketAddr, thread};

use evalmark_core::logs::{LogInput, LogRead};
use evalmark_integrations::logs::{OtlpOptions, OtlpReceiver};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::otlp::{World, field, post, protobuf, span, traces};

const JSON: &str = "Content-Type: application/json";
const PROTOBUF: &str = "Content-Type: application/x-protobuf";

fn answer() -> Value {
    json!({"gen_ai.operation.name": "chat", "gen_ai.output.messages": "[{\"role\":\"assistant\",\"content\":\"x\"}]"})
}

#[test]
fn hostile_requests_are_refused_and_told() {
    let world = World::new();
    let check = |path: &str, headers: &str, body: &[u8], status: u16, part: &str| {
        let reply = world.post(path, headers, body);
        let body = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, status, "{path} {headers}: {body}");
        assert!(body.contains(part), "{part}: {body}");
    };
    let good = traces(&[span(1, &answer())]).to_string();
    check("/", JSON, good.as_bytes(), 404, "/v1/traces and /v1/logs");
    check("/v1/metrics", JSON, good.as_bytes(), 404, "/v1/traces");
    check("/v1/traces", "Content-Type: text/plain", good.as_bytes(), 415, "application/x-protobuf");
    check("/v1/traces", "X: y", good.as_bytes(), 415, "application/x-protobuf");
    let of_page = format!("{JSON}\r\nOrigin: https://example.org");
    check("/v1/traces", &of_page, good.as_bytes(), 403, "browsers");
    let packed = format!("{JSON}\r\nContent-Encoding: br");
    check("/v1/traces", &packed, good.as_bytes(), 415, "gzip");
    let packed = format!("{JSON}\r\nContent-Encoding: gzip");
    check("/v1/traces", &packed, good.as_bytes(), 400, "cannot be unpacked");
    check("/v1/traces", JSON, b"", 400, "EOF");
    check("/v1/traces", JSON, b"[]x", 400, "\"code\":3");
    check("/v1/traces", JSON, b"{\"resourceSpans\":7}", 400, "a list");
    check("/v1/traces", JSON, "[".repeat(1 << 20).as_bytes(), 400, "");
    check("/v1/traces", PROTOBUF, good.as_bytes(), 400, "not protobuf");
    check("/v1/traces", PROTOBUF, &[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], 400, "not protobuf");
    check("/v1/traces", JSON, &vec![b' '; (16 << 20) + 1], 413, "16 MiB");
    let grpc = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    check(grpc, JSON, good.as_bytes(), 415, "gRPC");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![b' '; 1 << 20]).expect("memory");
    }
    let bomb = bomb.finish().expect("memory");
    assert!(bomb.len() < 1 << 20);
    check("/v1/traces", &packed, &bomb, 413, "16 MiB");
    assert!(world.stored().lines.is_empty());
}

#[test]
fn entries_that_cannot_be_taken_are_counted_in_the_answer() {
    let world = World::new();
    let odd = json!({"traceId": "a", "spanId": 7, "attributes": []});
    let deep = format!("{}{}", "{\"arrayValue\":{\"values\":[".repeat(200), "]}}".repeat(200));
    let deep = format!("{{\"attributes\":[{{\"key\":\"k\",\"value\":{deep}}}]}}");
    let good = span(1, &answer());
    let body =
        format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{odd},{deep},{good}]}}]}}]}}");
    let reply = world.post("/v1/traces", JSON, body.as_bytes());
    let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(reply.status, 200);
    assert_eq!(told["partialSuccess"]["rejectedSpans"], "2", "{told}");
    assert!(
        told["partialSuccess"]["errorMessage"]
            .as_str()
            .is_some_and(|why| why.contains("cannot be read"))
    );
    let stored = world.stored();
    assert_eq!((stored.lines.len(), stored.damaged.len()), (1, 2));
    // Values without end, and lists in lists.
    let many =
        field(9, &[field(1, b"k"), field(2, &field(5, &[0x0A, 0].repeat(200_000)))].concat());
    let mut nested = Vec::new();
    for _ in 0..100 {
        nested = field(5, &field(1, &nested));
    }
    let nested = field(9, &[field(1, b"k"), field(2, &nested)].concat());
    let request = field(1, &field(2, &[field(2, &many), field(2, &nested)].concat()));
    let reply = world.post("/v1/traces", PROTOBUF, &request);
    assert_eq!(reply.status, 200);
    assert!(String::from_utf8_lossy(&reply.body).contains("too many values"));
    assert_eq!(world.stored().damaged.len(), 4);
    let all = format!(
        "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{}1]}}]}}]}}",
        "1,".repeat(20_000)
    );
    let reply = world.post("/v1/traces", JSON, all.as_bytes());
    assert_eq!(reply.status, 400, "{}", String::from_utf8_lossy(&reply.body));
}

#[test]
fn whoever_sends_more_than_can_be_stored_hears_when_to_come_again() {
    let options = OtlpOptions {
        addresses: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        with_attributes: false,
    };
    let mut receiver = OtlpReceiver::listen(&options).expect("a port");
    let address = receiver.addresses()[0];
    let text = traces(&[span(1, &answer())]).to_string();
    let large = text + &" ".repeat(15 << 20);
    let is_chunk = |receiver: &mut OtlpReceiver| {
        thread::yield_now();
        matches!(receiver.read(), Ok(LogRead::Chunk(_)))
    };
    // Four of these are handed over and not stored, and a fifth is too much.
    let send =
        |body: String| thread::spawn(move || post(address, "/v1/traces", JSON, body.as_bytes()));
    let sends: Vec<_> = (0..4).map(|_| send(large.clone())).collect();
    let mut handed = 0;
    while handed < 4 {
        handed += usize::from(is_chunk(&mut receiver));
    }
    let refused = post(address, "/v1/traces", JSON, large.as_bytes());
    assert_eq!(refused.status, 503);
    assert!(refused.head.to_lowercase().contains("retry-after: 1"), "{}", refused.head);
    receiver.stored();
    for sent in sends {
        assert_eq!(sent.join().expect("sent").status, 200);
    }
    // What is not stored when it ends is not taken.
    let last = send(large);
    while !is_chunk(&mut receiver) {}
    drop(receiver);
    assert_eq!(last.join().expect("sent").status, 503);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_bodies_break_nothing(at in 0_usize..400, byte: u8, cut in 0_usize..400) {
        thread_local! {
            static WORLD: World = World::new();
        }
        let json = traces(&[span(1, &answer())]).to_string().into_bytes();
        for (headers, mut body) in [(JSON, json), (PROTOBUF, protobuf(1, &answer()))] {
            let (at, cut) = (at % body.len(), cut % body.len());
            body[at] = byte;
            body.truncate(body.len().min(cut + 1).max(at + 1));
            for path in ["/v1/traces", "/v1/logs"] {
                let status = WORLD.with(|world| world.post(path, headers, &body).status);
                prop_assert!(matches!(status, 200 | 400), "{}", status);
            }
        }
    }
}
