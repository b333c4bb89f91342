//! Spans and log records as instrumentations send them: each answer of a model becomes one line, whatever the
//! convention, the encoding and the way it comes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use evalmark_core::logs::{LogInput, LogRead};
use evalmark_integrations::logs::{OtlpOptions, OtlpReceiver};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use serde_json::{Value, json};

/// A receiver, and somebody who stores what it hands over.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    stored: Arc<Mutex<Stored>>,
    is_over: Arc<AtomicBool>,
    keeper: Option<JoinHandle<()>>,
}

#[derive(Clone, Default)]
pub(crate) struct Stored {
    pub(crate) lines: Vec<Value>,
    pub(crate) damaged: Vec<String>,
    pub(crate) left_out: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let options = OtlpOptions {
            addresses: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            with_attributes: false,
        };
        let mut receiver = OtlpReceiver::listen(&options).expect("a port");
        let address = receiver.addresses()[0];
        let stored = Arc::new(Mutex::new(Stored::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (keeps, over) = (stored.clone(), is_over.clone());
        let keeper = thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                match receiver.read().expect("a receiver reads") {
                    LogRead::Chunk(chunk) => {
                        let mut stored = keeps.lock().expect("no panic");
                        let text = String::from_utf8(chunk.bytes).expect("UTF-8");
                        let lines =
                            text.lines().map(|line| serde_json::from_str(line).expect(line));
                        stored.lines.extend(lines);
                        stored.damaged.extend(chunk.damaged.into_iter().map(|one| one.problem));
                        stored.left_out += chunk.left_out;
                    }
                    LogRead::Waiting => receiver.stored(),
                    LogRead::End => break,
                }
            }
        });
        Self { address, stored, is_over, keeper: Some(keeper) }
    }

    pub(crate) fn stored(&self) -> Stored {
        self.stored.lock().expect("no panic").clone()
    }

    /// Sends JSON.
    pub(crate) fn json(&self, path: &str, body: &Value) -> Reply {
        self.post(path, "Content-Type: application/json", body.to_string().as_bytes())
    }

    /// Sends a body with these headers.
    pub(crate) fn post(&self, path: &str, headers: &str, body: &[u8]) -> Reply {
        post(self.address, path, headers, body)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let ended = self.keeper.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()));
    }
}

/// An answer of the receiver.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, body: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\nContent-Length: {length}\r\n\r\n"
    );
    // A receiver that refuses a body need not read it.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end =
        bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    Reply { status, head, body: bytes.split_off(end) }
}

/// Attributes as OTLP has them in JSON.
pub(crate) fn attributes(values: &Value) -> Value {
    let pairs = values.as_object().into_iter().flatten();
    pairs.map(|(key, value)| json!({"key": key, "value": tagged(value)})).collect()
}

pub(crate) fn tagged(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::Array(list) => {
            json!({"arrayValue": {"values": list.iter().map(tagged).collect::<Vec<_>>()}})
        }
        Value::Object(_) => json!({"kvlistValue": {"values": attributes(value)}}),
        Value::Null => json!({}),
    }
}

/// A span of 250 milliseconds.
pub(crate) fn span(id: u64, values: &Value) -> Value {
    json!({
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": format!("{id:016x}"), "name": "chat",
        "startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225600250000000",
        "attributes": attributes(values), "status": {},
    })
}

pub(crate) fn traces(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(&json!({"service.name": "shop"}))},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}],
    }]})
}

pub(crate) fn logs(records: &[Value]) -> Value {
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
}

/// What each convention says of the same answer.
fn same_answer() -> Vec<(&'static str, Value)> {
    let messages = |text: &str, role: &str| json!([{"role": role, "parts": [{"type": "text", "content": text}]}]);
    let later = |input: Value, output: Value| {
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt",
            "gen_ai.response.model": "gpt-1", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2,
            "gen_ai.response.finish_reasons": ["stop"], "gen_ai.conversation.id": "c1",
            "gen_ai.input.messages": input, "gen_ai.output.messages": output,
        })
    };
    let (asked, said) = (messages("Where?", "user"), messages("Here.", "assistant"));
    vec![
        ("later, as text", later(json!(asked.to_string()), json!(said.to_string()))),
        ("later, as values", later(asked, said)),
        (
            "earlier",
            json!({
                "gen_ai.system": "openai", "gen_ai.request.model": "gpt", "gen_ai.response.model": "gpt-1",
                "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 2, "session.id": "c1",
                "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Where?", "llm.request.type": "chat",
                "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "Here.",
                "gen_ai.completion.0.finish_reason": "stop",
            }),
        ),
        (
            "OpenInference",
            json!({
                "openinference.span.kind": "LLM", "llm.model_name": "gpt-1", "llm.token_count.prompt": 7,
                "llm.token_count.completion": 2, "session.id": "c1", "llm.finish_reason": "stop",
                "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Where?",
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.contents.0.message_content.type": "text",
                "llm.output_messages.0.message.contents.0.message_content.text": "Here.",
                "input.value": "{\"messages\":[]}", "output.value": "{}",
            }),
        ),
        (
            "OpenInference without messages",
            json!({
                "openinference.span.kind": "LLM", "llm.model_name": "gpt-1", "llm.token_count.prompt": 7,
                "llm.token_count.completion": 2, "session.id": "c1", "llm.finish_reason": "stop",
                "input.value": "Where?", "output.value": "Here.",
            }),
        ),
    ]
}

fn expected(id: u64) -> Value {
    json!({
        "id": format!("5b8efff798038103d269b633813fc60c:{id:016x}"), "time": 1_767_225_600_250_000_000_u64,
        "output": "Here.", "model": "gpt-1", "input_tokens": 7, "output_tokens": 2, "latency_ms": 250.0,
        "finish_reason": "stop", "cluster": "c1", "columns": {"input": "Where?"},
    })
}

/// The same whatever the order of its keys.
fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

#[test]
fn every_convention_says_the_same() {
    let world = World::new();
    for (id, (name, values)) in (0..).zip(same_answer()) {
        let reply = world.json("/v1/traces", &traces(&[span(id, &values)]));
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"{}".as_slice()), "{name}");
        let line = world.stored().lines.pop().expect(name);
        assert_eq!(sorted(&line), sorted(&expected(id)), "{name}");
    }
}

#[test]
fn events_of_a_span_say_what_its_attributes_do_not() {
    let world = World::new();
    let about = json!({
        "gen_ai.operation.name": "chat", "gen_ai.response.model": "gpt-1", "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2, "gen_ai.response.finish_reasons": ["stop"], "gen_ai.conversation.id": "c1",
    });
    let event =
        |name: &str, values: &Value| json!({"name": name, "attributes": attributes(values)});
    let of_lists = |key: &str, role: &str, text: &str| json!({key: json!([{"role": role, "content": text}]).to_string()});
    let shapes = [
        [
            event("gen_ai.user.message", &json!({"content": "Where?"})),
            event(
                "gen_ai.choice",
                &json!({"index": 0, "message": "{\"role\":\"assistant\",\"content\":\"Here.\"}"}),
            ),
        ],
        [
            event("gen_ai.content.prompt", &of_lists("gen_ai.prompt", "user", "Where?")),
            event(
                "gen_ai.content.completion",
                &of_lists("gen_ai.completion", "assistant", "Here."),
            ),
        ],
        [
            event("something else", &json!({})),
            event(
                "gen_ai.client.inference.operation.details",
                &json!({
                    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Where?"}]}],
                    "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "Here."}]}],
                }),
            ),
        ],
    ];
    for (id, events) in (0..).zip(shapes) {
        let mut span = span(id, &about);
        span["events"] = json!(events);
        assert_eq!(world.json("/v1/traces", &traces(&[span])).status, 200);
        let line = world.stored().lines.pop().expect("a line");
        assert_eq!(sorted(&line), sorted(&expected(id)), "{id}");
    }
}

/// A log record that names a span.
pub(crate) fn record(id: u64, name: &str, body: &Value) -> Value {
    json!({
        "timeUnixNano": "1767225600250000001", "eventName": name, "body": tagged(body),
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("{id:016x}"),
    })
}

/// Sends bodies one after the other, without waiting for what is answered.
pub(crate) fn send_at_once<const N: usize>(world: &World, bodies: [(&'static str, Value); N]) {
    let address = world.address;
    let sends = bodies.map(|(path, body)| {
        let sent = thread::spawn(move || {
            let headers = "Content-Type: application/json";
            post(address, path, headers, body.to_string().as_bytes()).status
        });
        // The order matters, and how long it takes does not.
        thread::yield_now();
        sent
    });
    for sent in sends {
        assert_eq!(sent.join().expect("sent"), 200);
    }
}

#[test]
fn halves_are_joined_whichever_comes_first() {
    let world = World::new();
    let about = json!({
        "gen_ai.operation.name": "chat", "gen_ai.response.model": "gpt-1", "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2, "gen_ai.response.finish_reasons": ["stop"], "gen_ai.conversation.id": "c1",
    });
    for id in 0..4_u64 {
        let choice = json!({"index": 0, "message": {"role": "assistant", "content": "Here."}});
        let records = [
            record(id, "gen_ai.user.message", &json!({"content": "Where?"})),
            record(id, "gen_ai.choice", &choice),
        ];
        let (of_logs, of_span) = (logs(&records), traces(&[span(id, &about)]));
        let mut halves = [("/v1/logs", of_logs), ("/v1/traces", of_span)];
        if id % 2 == 1 {
            halves.reverse();
        }
        send_at_once(&world, halves);
        let line = world.stored().lines.pop().expect("a line");
        assert_eq!(sorted(&line), sorted(&expected(id)), "{id}");
    }
    assert_eq!(world.stored().lines.len(), 4);
}

#[test]
fn packed_bodies_are_unpacked() {
    let world = World::new();
    let (_, values) = &same_answer()[0];
    for (id, name) in [(1, "gzip"), (2, "deflate")] {
        let body = traces(&[span(id, values)]).to_string();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(body.as_bytes()).expect("memory");
        deflate.write_all(body.as_bytes()).expect("memory");
        let (gzip, deflate) = (gzip.finish().expect("memory"), deflate.finish().expect("memory"));
        let packed = if name == "gzip" { gzip } else { deflate };
        let headers =
            format!("Content-Type: application/json; charset=utf-8\r\nContent-Encoding: {name}");
        assert_eq!(world.post("/v1/traces", &headers, &packed).status, 200, "{name}");
        assert_eq!(sorted(&world.stored().lines.pop().expect(name)), sorted(&expected(id)));
    }
}

/// A field of a message with bytes.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let (mut field, mut length) = (vec![number << 3 | 2], bytes.len());
    while length >= 0x80 {
        field.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    field.push(length.to_le_bytes()[0]);
    field.extend_from_slice(bytes);
    field
}

fn fixed(number: u8, value: u64) -> Vec<u8> {
    [vec![number << 3 | 1], value.to_le_bytes().to_vec()].concat()
}

fn value_message(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => field(1, text.as_bytes()),
        Value::Number(number) => {
            vec![3 << 3, number.as_u64().expect("small").try_into().expect("small")]
        }
        Value::Array(list) => {
            let values: Vec<_> = list.iter().map(|one| field(1, &value_message(one))).collect();
            field(5, &values.concat())
        }
        Value::Object(pairs) => {
            let pairs: Vec<_> =
                pairs.iter().map(|(key, value)| field(1, &pair(key, value))).collect();
            field(6, &pairs.concat())
        }
        _ => Vec::new(),
    }
}

fn pair(key: &str, value: &Value) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, &value_message(value))].concat()
}

/// The request with one span, in protobuf.
pub(crate) fn protobuf(id: u64, values: &Value) -> Vec<u8> {
    let trace = 0x5B8E_FFF7_9803_8103_D269_B633_813F_C60C_u128.to_be_bytes();
    let mut span = [field(1, &trace), field(2, &id.to_be_bytes()), field(5, b"chat")].concat();
    span.extend(fixed(7, 1_767_225_600_000_000_000));
    span.extend(fixed(8, 1_767_225_600_250_000_000));
    for (key, value) in values.as_object().into_iter().flatten() {
        span.extend(field(9, &pair(key, value)));
    }
    field(1, &field(2, &field(2, &span)))
}

#[test]
fn protobuf_says_the_same_as_json() {
    let world = World::new();
    for (id, (name, values)) in (0..).zip(same_answer()) {
        let body = protobuf(id, &values);
        let reply = world.post("/v1/traces", "Content-Type: application/x-protobuf", &body);
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{name}");
        assert_eq!(
            sorted(&world.stored().lines.pop().expect(name)),
            sorted(&expected(id)),
            "{name}"
        );
    }
}
