//! Asking through a batch API: each request is bought once, whatever becomes of batches and results.

mod ends;
mod results;

use std::{convert::Infallible, sync::Mutex, time::Duration};

use evalmark_core::{
    model::{AskMode, Limits, Model, ModelServer, Provider},
    price::Price,
    record::ErrorKind,
    request::Message,
};
use evalmark_harness::{Ask, Budget, Endpoint, Tuning, ask_in_batches};
use evalmark_loopback::{
    Reply, Server,
    batches::{BatchEnd, BatchForm, BatchServer, BatchStep},
};

use crate::setup::{RequestFilter, Setup, tuning};

const FORMS: [BatchForm; 2] = [BatchForm::OpenAi, BatchForm::Anthropic];

fn quick() -> Tuning {
    Tuning {
        batch_poll: Duration::from_millis(5),
        longest_batch_poll: Duration::from_millis(20),
        batch_results_patience: Duration::from_millis(60),
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
