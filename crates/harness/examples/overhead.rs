//! What asking costs beyond a bare loop of requests, and what a stream of 30 events costs beyond an
//! answer that comes whole: processor time per request of each, in one process, against the loopback server, whose own thread is left out.
//!
//! `cargo run --release -p evalmark-harness --example overhead -- [requests] [at once] [delay ms]`

use std::{convert::Infallible, fs, process::ExitCode, sync::Arc, time::Duration, time::Instant};

use evalmark_core::{
    model::{self, AskMode, Limits, Model, Provider},
    request::{Message, Request},
};
use evalmark_harness::{Ask, Endpoint, Ledger, RequestRuntime, Stop, Tuning, ask};
use evalmark_loopback::{Reply, Server};

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let mut number = |default| numbers.next().unwrap_or(default);
    let (n, at_once, delay) = (number(50_000), number(64), number(0));
    let server = Server::start_counting(move |_| {
        Reply::text("an answer of usual length").after(Duration::from_millis(delay))
    });
    let streaming =
        Server::start_counting(move |_| Reply::bytes(stream()).after(Duration::from_millis(delay)));
    for _ in 0..2 {
        tell("bare loop", n, || bare(&server.url(), n, at_once));
        tell("harness  ", n, || harness(&server.url(), n, at_once, false));
        tell("streaming", n, || harness(&streaming.url(), n, at_once, true));
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "its figures are what an example is for")]
fn tell(name: &str, n: u64, work: impl FnOnce() -> Option<()>) {
    let (begun, before) = (Instant::now(), processor_ticks());
    let result = if work().is_some() { "" } else { " FAILED" };
    let ticks = processor_ticks() - before;
    let (seconds, each) = (begun.elapsed().as_secs_f64(), ticks * 1e4 / n as f64);
    println!("{name}{result}: {each:.1} us of CPU a request, {:.0} a second", n as f64 / seconds);
}

/// Hundredths of a second that all threads but the server's have used.
fn processor_ticks() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
    let servers: f64 = stats.filter(|stat| stat.contains("(loopback)")).map(|s| ticks(&s)).sum();
    fs::read_to_string("/proc/self/stat").map_or(0.0, |stat| ticks(&stat)) - servers
}

/// User and system time in a line of `/proc/…/stat`.
fn ticks(stat: &str) -> f64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum()
}

fn request(n: u64) -> Request {
    let content = format!("Is this sentence positive or negative? It was the {n}th time I saw it.");
    Request::chat("m".into(), [Message::new("user", content)], Arc::default(), 0)
}

/// The same answer a few letters at a time.
fn stream() -> Vec<u8> {
    let pieces = "an answer of usual length that comes".split_inclusive(' ').cycle().take(28);
    let part = |delta: &str, end: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-loopback\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"loopback\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{end}}}]}}\n\n"
        )
    };
    let texts = pieces.map(|piece| part(&format!("\"content\":\"{piece}\""), "null"));
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n";
    let end = [part("", "\"stop\""), usage.to_owned(), "data: [DONE]\n\n".to_owned()];
    texts.chain(end).collect::<String>().into_bytes()
}

fn bare(url: &str, n: u64, at_once: u64) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().ok()?;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).tcp_nodelay(true);
    let client = client.build().ok()?;
    let url = format!("{url}/chat/completions");
    let next = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let work = (0..at_once).map(|_| {
        let (client, url, next) = (client.clone(), url.clone(), next.clone());
        runtime.spawn(async move {
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= n {
                    return Some(());
                }
                let request = client.post(&url).body(request(number).to_json());
                let response = request.header("content-type", "application/json").send().await;
                let body = response.ok()?.bytes().await.ok()?;
                let _: serde_json::Value = serde_json::from_slice(&body).ok()?;
            }
        })
    });
    let work: Vec<_> = work.collect();
    work.into_iter().map(|task| runtime.block_on(task).ok()?).collect()
}

fn harness(url: &str, n: u64, at_once: u64, is_streamed: bool) -> Option<()> {
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
        is_streamed,
        splits_reasoning: false,
        mode: AskMode::Direct,
        limits: Limits { concurrency, ..Limits::default() },
        price: None,
        ca_file: None,
    };
    let endpoint = Endpoint::open(&model, None, &network, &ledger).ok()?;
    let request = |tag| Request { is_streamed, ..request(tag) };
    let asks = (0..n).map(|tag| Ok::<_, Infallible>(Ask { request: request(tag), tag }));
    let tally = ask(&endpoint, "run", asks, &|_| {}, &Stop::new()).ok()?;
    (tally.answered == n).then_some(())
}
