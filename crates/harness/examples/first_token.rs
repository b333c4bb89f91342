//! How far the time to the first token is from what the server did: a server in this process notes the
//! moment before it writes an answer's first piece, and the record's moment is held against it.
//!
//! `cargo run --release -p evalmark-harness --example first_token -- [requests] [at once]`

use std::{
    collections::HashMap,
    convert::Infallible,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use evalmark_core::{
    model::{self, AskMode, Limits, Model, Provider},
    record::Record,
    request::Message,
};
use evalmark_harness::{Ask, Endpoint, Event, Ledger, RequestRuntime, Stop, Tuning, ask};

/// When the server wrote the first piece of each answer, microseconds since the Unix epoch.
type Written = Arc<Mutex<HashMap<u64, f64>>>;

#[expect(clippy::print_stdout, reason = "its figures are what an example is for")]
fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let (n, at_once) = (numbers.next().unwrap_or(500), numbers.next().unwrap_or(8));
    let written = Written::default();
    let Some(records) = serve(written.clone()).and_then(|url| asked(&url, n, at_once)) else {
        return ExitCode::FAILURE;
    };
    let Ok(written) = written.lock() else { return ExitCode::FAILURE };
    let off = |(tag, record): &(u64, Record)| {
        let seen = record.timing.started_at_us as f64 + record.first_token_ms()? * 1e3;
        Some((seen - written.get(tag)?) / 1e3)
    };
    let mut off: Vec<_> = records.iter().filter_map(off).collect();
    off.sort_by(f64::total_cmp);
    let Some(last) = off.len().checked_sub(1) else { return ExitCode::FAILURE };
    let [lowest, median, p99, most] = [0, last / 2, last * 99 / 100, last].map(|at| off[at]);
    println!(
        "{} of {n} answers, {at_once} at once: the first token was seen {median:.2} ms after it was \
         written (lowest {lowest:.2}, p99 {p99:.2}, most {most:.2})",
        off.len()
    );
    ExitCode::SUCCESS
}

fn asked(url: &str, n: u64, at_once: u64) -> Option<Vec<(u64, Record)>> {
    let folder = tempfile::tempdir().ok()?;
    let network = RequestRuntime::start(Tuning::default()).ok()?;
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).ok()?;
    let concurrency = usize::try_from(at_once).ok()?;
    let model = Model {
        name: "m".into(),
        provider: Provider::Server(model::ModelServer::open("openai", url)),
        model: "m".into(),
        params: Arc::default(),
        max_output_tokens: None,
        is_streamed: true,
        splits_reasoning: false,
        mode: AskMode::Direct,
        limits: Limits { concurrency, ..Limits::default() },
        price: None,
        ca_file: None,
    };
    let endpoint = Endpoint::open(&model, None, &network, &ledger).ok()?;
    let request = |tag: u64| model.request([Message::new("user", tag.to_string())], 0);
    let asks = (0..n).map(|tag| Ok::<_, Infallible>(Ask { request: request(tag), tag }));
    let records = Mutex::new(Vec::new());
    let hear = |event| {
        if let (Event::Answered { tag, record, .. }, Ok(mut records)) = (event, records.lock()) {
            records.push((tag, record));
        }
    };
    ask(&endpoint, "run", asks, &hear, &Stop::new()).ok()?;
    records.into_inner().ok()
}

/// A server on a thread of its own for each connection; it ends with this process.
fn serve(written: Written) -> Option<String> {
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    let url = format!("http://{}/v1", listener.local_addr().ok()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let written = written.clone();
            thread::spawn(move || answer_all(stream, &written));
        }
    });
    Some(url)
}

fn answer_all(stream: TcpStream, written: &Written) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut out = stream.try_clone().ok()?;
    let mut requests = BufReader::new(stream);
    loop {
        let tag = next_request(&mut requests)?;
        out.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .ok()?;
        piece(&mut out, r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#)?;
        thread::sleep(Duration::from_millis(5 + tag % 40));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        written.lock().ok()?.insert(tag, now.as_secs_f64() * 1e6);
        for _ in 0..5 {
            piece(&mut out, r#"{"choices":[{"delta":{"content":"word "}}]}"#)?;
            thread::sleep(Duration::from_millis(2));
        }
        piece(&mut out, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#)?;
        piece(&mut out, r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":5}}"#)?;
        piece(&mut out, "[DONE]")?;
        out.write_all(b"0\r\n\r\n").ok()?;
    }
}

/// An event as a chunk of its own.
fn piece(out: &mut TcpStream, data: &str) -> Option<()> {
    let event = format!("data: {data}\n\n");
    out.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).ok()
}

/// Reads a request; its prompt is a number.
fn next_request(requests: &mut BufReader<TcpStream>) -> Option<u64> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        requests.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    requests.read_exact(&mut body).ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    body["messages"][0]["content"].as_str()?.parse().ok()
}
