//! Asking through a batch API: each request is bought once, whatever becomes of batches and results.

use std::{convert::Infallible, sync::Mutex, time::Duration};

use evalmark_core::{
    model::{AskMode, Limits, Model, ModelServer, Provider},
    price::Price,
    record::{ErrorKind, Outcome},
    request::Message,
};
use evalmark_harness::{Ask, Budget, Endpoint, Tuning, ask_in_batches};
use evalmark_loopback::{
    Reply, Server,
    batches::{BatchEnd, BatchForm, BatchServer, BatchStep},
};
use serde_json::{Value, json};

use crate::setup::{RequestFilter, Setup, tuning};

const FORMS: [BatchForm; 2] = [BatchForm::OpenAi, BatchForm::Anthropic];

fn quick() -> Tuning {
    Tuning {
        batch_poll: Duration::from_millis(5),
        longest_batch_poll: Duration::from_millis(20),
        batch_doubt: Duration::from_millis(50),
        batch_requests: 10,
        ..tuning()
    }
}

fn model(form: BatchForm, url: &str) -> Model {
    let kind = match form {
        BatchForm::OpenAi => "openai",
        BatchForm::Anthropic => "anthropic",
    };
    Model {
        name: "small".into(),
        provider: Provider::Server(ModelServer::open(kind, url)),
        model: "m".into(),
        params: std::sync::Arc::default(),
        max_output_tokens: Some(5),
        is_streamed: false,
        splits_reasoning: false,
        mode: AskMode::Batch,
        limits: Limits { attempts: 3, timeout: Duration::from_secs(2), ..Limits::default() },
        price: Some(Price {
            input_usd_per_million: 1.0,
            output_usd_per_million: 2.0,
            batch_discount: 0.5,
            ..Price::default()
        }),
        ca_file: None,
    }
}

/// What an answer of ten tokens to a prompt and five of its own costs.
const COST: f64 = (10.0 + 2.0 * 5.0) / 2e6;

fn server(batches: &BatchServer) -> Server {
    let batches = batches.clone();
    Server::start(move |seen| batches.reply(seen))
}

fn echo(prompt: &str, _: u32) -> BatchEnd {
    BatchEnd::Text(prompt.to_owned())
}

/// Asks requests 0 to `n`.
fn ask(
    setup: &Setup,
    endpoint: &Endpoint,
    model: &Model,
    n: u64,
    budget: &Budget,
) -> RequestFilter {
    let requests = || {
        let ask = |tag: u64| {
            let request = model.request([Message::new("user", tag.to_string())], 0);
            Ok::<_, Infallible>(Ask { request, tag })
        };
        Ok((0..n).map(ask))
    };
    let events = Mutex::new(Vec::new());
    let hear = |event| events.lock().expect("no panic").push(event);
    let tally = ask_in_batches(endpoint, "run", &requests, &hear, &setup.stop, budget);
    RequestFilter { tally: tally.expect("an end"), events: events.into_inner().expect("no panic") }
}

/// A world of one server and one model.
struct Batched {
    setup: Setup,
    batches: BatchServer,
    server: Server,
    model: Model,
}

impl Batched {
    fn new(
        form: BatchForm,
        answer: impl Fn(&str, u32) -> BatchEnd + Send + Sync + 'static,
    ) -> Self {
        let batches = BatchServer::new(form, answer);
        let server = server(&batches);
        let model = model(form, &server.url());
        Self { setup: Setup::tuned(quick()), batches, server, model }
    }

    fn ask(&self, n: u64) -> RequestFilter {
        self.ask_within(n, &Budget::default())
    }

    fn ask_within(&self, n: u64, budget: &Budget) -> RequestFilter {
        let endpoint = self.setup.open_with(&self.model, Some("sk-canary-123456"));
        ask(&self.setup, &endpoint, &self.model, n, budget)
    }

    /// How often requests were bought, at most.
    fn most_bought(&self) -> u32 {
        self.batches.bought().into_values().max().unwrap_or(0)
    }
}

#[test]
fn everything_is_answered_in_as_many_batches_as_it_takes_and_for_half_the_price() {
    for form in FORMS {
        let world = Batched::new(form, echo);
        let budget = Budget::new(Some(1.0), None);
        let asked = world.ask_within(25, &budget);
        asked.assert_all_answered(25);
        assert_eq!(world.batches.batches(), [10, 10, 5]);
        assert!((budget.spent().cost_usd - 25.0 * COST).abs() < 1e-12, "{:?}", budget.spent());
        let (_, record) = &asked.records()[0];
        assert_eq!(record.timing.latency_ms, None);
        let cost = world.model.record_cost_usd(record).expect("a cost");
        assert!((cost - COST).abs() < 1e-12);
        // Whatever is there is not asked again, and no exchange takes place.
        let before = world.server.count();
        world.ask(25).assert_all_answered(25);
        assert_eq!((world.server.count(), world.most_bought()), (before, 1));
        let leftovers = std::fs::read_dir(world.setup.folder.path().join("ledger.sqlite-batches"));
        let names: Vec<_> = leftovers
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .filter(|name| !name.starts_with("journal.sqlite"))
            .collect();
        assert!(names.is_empty(), "{names:?}");
    }
}

#[test]
fn identical_requests_are_asked_once_and_other_runs_get_them_from_the_ledger() {
    for form in FORMS {
        let world = Batched::new(form, |_, _| BatchEnd::Text("same".to_owned()));
        let endpoint = world.setup.open(&world.model);
        let requests = || {
            let ask = |tag: u64| {
                let request = world.model.request([Message::new("user", "hi")], 0);
                Ok::<_, Infallible>(Ask { request, tag })
            };
            Ok((0..30).map(ask))
        };
        let tally = |run: &str| {
            let stop = &world.setup.stop;
            ask_in_batches(&endpoint, run, &requests, &|_| {}, stop, &Budget::default())
        };
        assert_eq!(tally("run").expect("an end").answered, 30);
        assert_eq!(tally("other").expect("an end").cached, 30);
        assert_eq!((world.batches.batches(), world.most_bought()), (vec![1], 1));
    }
}

#[test]
fn what_has_no_answer_is_asked_again_where_that_may_help() {
    for form in FORMS {
        let world = Batched::new(form, |prompt, times| match (prompt, times) {
            ("0", _) => BatchEnd::Error(400, "no such thing".to_owned()),
            ("1", 0) => BatchEnd::Error(500, "busy".to_owned()),
            ("2", 0 | 1) | ("3", _) => BatchEnd::Expired,
            ("4", _) => BatchEnd::Cancelled,
            (prompt, _) => BatchEnd::Text(prompt.to_owned()),
        });
        let asked = world.ask(8);
        let records = asked.records();
        assert_eq!(records.len(), 8);
        let kinds: Vec<_> = records
            .iter()
            .map(|(_, record)| record.failure.as_ref().map(|failure| failure.kind))
            .collect();
        assert_eq!(
            kinds[..5],
            [
                Some(ErrorKind::BadRequest),
                None,
                None,
                Some(ErrorKind::Timeout),
                Some(ErrorKind::Server),
            ]
        );
        assert!(kinds[5..].iter().all(Option::is_none));
        let attempts: Vec<_> = records.iter().map(|(_, record)| record.attempts).collect();
        assert_eq!(attempts[..5], [1, 2, 3, 3, 1], "{form:?}");
        assert_eq!((world.batches.batches(), world.most_bought()), (vec![8, 3, 2], 1));
        // What failed is asked again by the next ask, and nothing else.
        world.ask(8);
        assert_eq!(world.batches.batches()[3], 3);
    }
}

#[test]
fn a_creation_that_nobody_acknowledged_is_found_again() {
    for form in FORMS {
        let mut world = Batched::new(form, echo);
        // As if the connection broke after the server had done it.
        let batches = world.batches.clone();
        let is_first = std::sync::atomic::AtomicBool::new(true);
        world.server = Server::start(move |seen| {
            let before = batches.batches().len();
            let reply = batches.reply(seen);
            let has_created = batches.batches().len() > before;
            if has_created && is_first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                return Reply::reset();
            }
            reply
        });
        world.model = model(form, &world.server.url());
        let asked = world.ask(8);
        asked.assert_all_answered(8);
        let steps = world.batches.steps();
        assert_eq!(
            (world.batches.batches(), world.most_bought()),
            (vec![8], 1),
            "{form:?} {steps:?}"
        );
        assert!(world.batches.steps().contains(&BatchStep::List));
    }
}

fn check_results(
    form: BatchForm,
    change: impl Fn(Vec<u8>) -> Reply + Send + Sync + 'static,
    answered: u64,
) -> Batched {
    let world = Batched::new(form, echo);
    world.batches.change_results(change);
    let budget = Budget::new(Some(1.0), None);
    let asked = world.ask_within(5, &budget);
    let (records, spent) = (asked.records(), budget.spent().cost_usd);
    assert!((spent - answered as f64 * COST).abs() < 1e-12, "{form:?}: {spent}");
    assert_eq!((records.len(), asked.tally.answered), (5, answered), "{form:?} {records:?}");
    for (tag, record) in records {
        if record.outcome == Outcome::Answered {
            assert_eq!(record.output, Some(tag.to_string()));
        } else {
            let failure = record.failure.expect("a failure");
            assert!(
                matches!(failure.kind, ErrorKind::Malformed | ErrorKind::TooLarge),
                "{failure:?}"
            );
        }
    }
    assert_eq!(world.most_bought(), 1);
    world
}

#[test]
fn odd_results_are_answers_or_described_failures() {
    for form in FORMS {
        check_results(form, |lines| Reply::bytes([b"\xef\xbb\xbf", &*lines].concat()), 5);
        check_results(form, |lines| Reply::bytes([&*lines, &*lines].concat()), 5);
        let odd = b"no JSON\n{}\n[1]\n{\"custom_id\":\"x-1\"}\n\xff\xfe\n\n\r\n";
        check_results(form, |lines| Reply::bytes([&odd[..], &*lines].concat()), 5);
        // The last line is cut off, and is so whenever it is fetched.
        check_results(form, |lines| Reply::bytes(&lines[..lines.len().saturating_sub(9)]), 4);
        check_results(form, |_| Reply::bytes("<html>Gone</html>"), 0);
        check_results(form, |lines| Reply::bytes(lines).drip(7, Duration::from_millis(1)), 5);
        // Another batch's results.
        let foreign = |lines: Vec<u8>| {
            let text = String::from_utf8(lines).expect("UTF-8");
            Reply::bytes(text.replace("\"custom_id\":\"", "\"custom_id\":\"0"))
        };
        check_results(form, foreign, 0);
    }
}

#[test]
fn results_that_break_off_are_fetched_again() {
    for form in FORMS {
        let times = std::sync::atomic::AtomicU32::new(0);
        let world = check_results(
            form,
            move |lines| match times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Reply::bytes(lines).truncated(),
                1 => Reply::bytes(lines).reset_inside(),
                2 => Reply::status(500),
                _ => Reply::bytes(lines),
            },
            5,
        );
        assert_eq!(world.batches.batches(), [5]);
    }
}

#[test]
fn one_answer_that_is_too_long_costs_no_other() {
    for form in FORMS {
        let mut world = Batched::new(form, |prompt, _| {
            let text = if prompt == "3" { "x".repeat(3 << 20) } else { prompt.to_owned() };
            BatchEnd::Text(text)
        });
        world.setup = Setup::tuned(Tuning { response_limit: 1 << 20, ..quick() });
        let asked = world.ask(5);
        assert_eq!((asked.tally.answered, asked.tally.failed), (4, 1));
        let records = asked.records();
        let failure = records[3].1.failure.as_ref().expect("a failure");
        assert!(failure.message.contains("larger than 1048576 bytes"), "{failure:?}");
        assert_eq!(world.batches.batches(), [5]);
    }
}

#[test]
fn a_refused_batch_names_the_requests_that_are_wrong() {
    let world = Batched::new(BatchForm::OpenAi, echo);
    let problem =
        |code: &str, line: Value| json!([{ "code": code, "message": "why", "line": line }]);
    world.batches.end_as("failed", problem("invalid_request", json!(2)));
    let batches = world.batches.clone();
    let thread = std::thread::spawn(move || {
        while batches.batches().is_empty() {
            std::thread::yield_now();
        }
        batches.end_well();
    });
    let asked = world.ask(4);
    thread.join().expect("no panic");
    let records = asked.records();
    let failure = records[1].1.failure.as_ref().expect("a failure");
    assert_eq!((failure.kind, &*failure.message), (ErrorKind::BadRequest, "why"));
    assert_eq!((asked.tally.answered, world.batches.batches()), (3, vec![4, 3]));
    // Refused as a whole: all fail, and nothing is tried without end.
    let world = Batched::new(BatchForm::OpenAi, echo);
    world.batches.end_as("failed", problem("model_not_found", Value::Null));
    assert_eq!((world.ask(4).tally.failed, world.batches.batches()), (4, vec![4]));
    // Because too much is under way: again, as often as the suite allows.
    let world = Batched::new(BatchForm::OpenAi, echo);
    world.batches.end_as("failed", problem("token_limit_exceeded", Value::Null));
    assert_eq!((world.ask(4).tally.failed, world.batches.batches()), (4, vec![4, 4, 4]));
}

#[test]
fn batches_that_expired_or_were_cancelled_keep_what_they_have() {
    let half = |prompt: &str, times: u32| {
        let is_left = prompt.parse::<u32>().is_ok_and(|n| n >= 2) && times == 0;
        if is_left { BatchEnd::Missing } else { BatchEnd::Text(prompt.to_owned()) }
    };
    let world = Batched::new(BatchForm::OpenAi, half);
    world.batches.end_as("expired", Value::Null);
    world.ask(5).assert_all_answered(5);
    assert_eq!((world.batches.batches(), world.most_bought()), (vec![5, 3], 1));
    let world = Batched::new(BatchForm::OpenAi, half);
    world.batches.end_as("cancelled", Value::Null);
    let asked = world.ask(5);
    assert_eq!((asked.tally.answered, asked.tally.failed), (2, 3));
    assert_eq!(world.batches.batches(), [5], "whoever cancels a batch wants no other at once");
    world.batches.end_well();
    world.ask(5).assert_all_answered(5);
    assert_eq!(world.batches.batches(), [5, 3]);
}

#[test]
fn the_budget_counts_what_is_set_aside_and_what_was_spent() {
    for form in FORMS {
        let world = Batched::new(form, echo);
        // Eight tokens and five for each request at most, and fifteen in the end.
        let budget = Budget::new(None, Some(100));
        let asked = world.ask_within(30, &budget);
        assert!(asked.tally.out_of_budget, "{:?}", asked.tally);
        assert!(asked.tally.answered > 0 && asked.tally.abandoned > 0, "{:?}", asked.tally);
        assert_eq!(budget.spent().tokens, 15 * asked.tally.answered);
        assert_eq!(world.most_bought(), 1);
        world.ask(30).assert_all_answered(30);
        assert_eq!(world.most_bought(), 1);
    }
}

#[test]
fn a_server_that_does_not_take_batches_is_given_up() {
    for form in FORMS {
        for status in [401, 404, 400] {
            let server = Server::start(move |_| Reply::status(status));
            let model = model(form, &server.url());
            let setup = Setup::tuned(quick());
            let endpoint = setup.open(&model);
            let asked = ask(&setup, &endpoint, &model, 25, &Budget::default());
            assert_eq!(asked.downs().len(), 1, "{form:?} {status}: {asked:?}");
            assert_eq!((asked.tally.abandoned, server.count()), (25, 1));
            // Nothing is left behind that another ask would wait for.
            let good = BatchServer::new(form, echo);
            let url = server.url();
            drop(server);
            let _server = Server::start_at(&url, {
                let good = good.clone();
                move |seen| good.reply(seen)
            });
            let endpoint = setup.open(&model);
            ask(&setup, &endpoint, &model, 5, &Budget::default()).assert_all_answered(5);
        }
    }
}

#[test]
fn a_stop_leaves_the_batch_at_work_and_the_next_ask_waits_for_it() {
    for form in FORMS {
        let mut world = Batched::new(form, echo);
        world.batches.open_for(u32::MAX);
        let (stop, batches) = (world.setup.stop.clone(), world.batches.clone());
        let thread = std::thread::spawn(move || {
            while batches.steps().iter().filter(|step| **step == BatchStep::State).count() < 3 {
                std::thread::yield_now();
            }
            stop.gracefully();
        });
        let endpoint = world.setup.open(&world.model);
        let asked = ask(&world.setup, &endpoint, &world.model, 5, &Budget::default());
        thread.join().expect("no panic");
        assert!(asked.tally.interrupted && asked.events.is_empty(), "{asked:?}");
        let left = endpoint.batches_left();
        // Anthropic counts none before all have ended.
        let ended = if form == BatchForm::OpenAi { 2 } else { 0 };
        assert_eq!((left.batches, left.requests, left.ended), (1, 5, ended));
        world.setup.stop = evalmark_harness::Stop::new();
        world.batches.end_open();
        world.ask(5).assert_all_answered(5);
        assert_eq!((world.batches.batches(), world.most_bought()), (vec![5], 1));
    }
}

#[test]
fn a_batch_that_the_server_does_not_know_is_not_bought_again_unasked() {
    for form in FORMS {
        let mut world = Batched::new(form, echo);
        world.batches.open_for(u32::MAX);
        let (stop, batches) = (world.setup.stop.clone(), world.batches.clone());
        let thread = std::thread::spawn(move || {
            while !batches.steps().contains(&BatchStep::State) {
                std::thread::yield_now();
            }
            stop.gracefully();
        });
        world.ask(5);
        thread.join().expect("no panic");
        world.setup.stop = evalmark_harness::Stop::new();
        world.batches.forget();
        let asked = world.ask(5);
        let downs = asked.downs();
        assert!(downs[0].contains("another account's key"), "{downs:?}");
        assert_eq!((asked.tally.abandoned, world.most_bought()), (5, 1));
    }
}

#[test]
fn two_asks_at_once_buy_nothing_twice() {
    for form in FORMS {
        let world = Batched::new(form, echo);
        world.batches.open_for(5);
        // Two ledgers over one file are as good as two processes.
        let ledger = || {
            let path = world.setup.folder.path().join("ledger.sqlite");
            evalmark_harness::Ledger::open_shared(&path).expect("a ledger")
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let keys = evalmark_harness::Keys::None;
                    let network = &world.setup.network;
                    let endpoint = Endpoint::open(&world.model, keys, network, &ledger());
                    let endpoint = endpoint.expect("an endpoint");
                    let asked = ask(&world.setup, &endpoint, &world.model, 25, &Budget::default());
                    assert_eq!((asked.tally.ended(), asked.tally.failed), (25, 0), "{asked:?}");
                });
            }
        });
        assert_eq!(world.most_bought(), 1, "{form:?}");
        assert_eq!(world.batches.batches().iter().sum::<usize>(), 25);
    }
}

#[test]
fn the_key_goes_with_each_step_and_nowhere_else() {
    for form in FORMS {
        let key = "sk-canary-123456";
        let world = Batched::new(form, move |prompt, _| BatchEnd::Text(format!("{prompt} {key}")));
        let elsewhere = Server::start(|_| Reply::text("stolen"));
        let asked = world.ask(3);
        for (_, record) in asked.records() {
            assert!(!format!("{record:?}").contains(key), "{record:?}");
        }
        let requests = world.server.requests();
        assert!(requests.len() >= 4);
        for seen in &requests {
            let has_key = seen.headers.iter().any(|(_, value)| value.contains(key));
            assert!(has_key, "{} {}", seen.method, seen.path);
        }
        // Neither does it follow where results are said to be.
        let place = elsewhere.url();
        let world = Batched::new(form, echo);
        world.batches.change_results(move |_| {
            Reply::status(302).header("location", format!("{place}/results"))
        });
        let asked = world.ask(3);
        assert_eq!((asked.downs().len(), elsewhere.count()), (1, 0), "{asked:?}");
        for entry in walk(world.setup.folder.path()) {
            let bytes = std::fs::read(&entry).expect("a file");
            let is_there = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!is_there, "{}", entry.display());
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
