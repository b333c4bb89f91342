//! A budget is not passed, whoever shares it, and what was left out can be asked later.

use std::time::Duration;

use evalmark_core::{
    model::{Limits, Model},
    price::Price,
};
use evalmark_harness::{Budget, Tuning};
use evalmark_loopback::{Reply, Server};

use crate::setup::{Setup, limits, model_at, tuning};

const PRICE: Price = Price {
    input_usd_per_million: 2.0,
    output_usd_per_million: 8.0,
    cached_input_usd_per_million: None,
    cache_write_usd_per_million: None,
    reasoning_usd_per_million: None,
    batch_discount: 0.0,
};

/// Echoes after a moment; each request uses 8 tokens in and 12 out.
fn server() -> Server {
    Server::start(|seen| Reply::text(seen.prompt()).usage(8, 12).after(Duration::from_millis(2)))
}

fn priced(server: &Server) -> Model {
    let limits = Limits { concurrency: 16, ..limits() };
    Model { price: Some(PRICE), ..model_at(&server.url(), limits) }
}

#[test]
fn tokens_end_a_run_before_they_are_used_up() {
    let (server, budget) = (server(), Budget::new(None, Some(4_000)));
    // What was paid for is awaited, however long it takes.
    let setup = Setup::tuned(Tuning { grace: Duration::ZERO, ..tuning() });
    let asked = setup.ask_within(&setup.open(&priced(&server)), 1_000, &budget);
    assert!(asked.tally.out_of_budget && !asked.tally.interrupted, "{:?}", asked.tally);
    let spent = budget.spent();
    assert_eq!(spent.tokens, 20 * asked.tally.answered);
    assert_eq!(server.count(), asked.tally.answered, "what was in flight has ended");
    // Nothing is set aside any more, and less than one estimate (9 and 256) is left.
    assert!((3_735..=4_000).contains(&spent.tokens), "{spent:?}");
}

#[test]
fn dollars_end_a_run_and_the_rest_can_be_asked_later() {
    let (server, setup) = (server(), Setup::new());
    // A request costs 112 millionths of a dollar.
    let budget = Budget::new(Some(0.05), None);
    let endpoint = setup.open(&priced(&server));
    let first = setup.ask_within(&endpoint, 1_000, &budget);
    let cost_usd = budget.spent().cost_usd;
    assert!(first.tally.out_of_budget && cost_usd <= 0.05 + 1e-9, "{cost_usd}");
    assert!(cost_usd > 0.05 - 0.0023, "{cost_usd}");
    let budget = Budget::new(Some(1.0), None);
    let second = setup.ask_within(&endpoint, 1_000, &budget);
    second.assert_all_answered(1_000);
    assert!(!second.tally.out_of_budget);
    assert_eq!(second.tally.cached, first.tally.answered, "what was answered costs nothing");
    let expected = 112e-6 * second.tally.answered as f64;
    assert!((budget.spent().cost_usd - expected).abs() < 1e-9);
    assert_eq!(server.count(), 1_000);
}

#[test]
fn several_models_share_a_budget() {
    let (one, two) = (server(), server());
    let (setup, budget) = (Setup::new(), Budget::new(None, Some(6_000)));
    let endpoints = [setup.open(&priced(&one)), setup.open(&priced(&two))];
    let tallies = std::thread::scope(|scope| {
        let asks = endpoints.each_ref().map(|endpoint| {
            let (setup, budget) = (&setup, &budget);
            scope.spawn(move || setup.ask_within(endpoint, 1_000, budget).tally)
        });
        asks.map(|ask| ask.join().expect("an end"))
    });
    assert!(tallies.iter().all(|tally| tally.out_of_budget && tally.answered > 20), "{tallies:?}");
    let answered: u64 = tallies.iter().map(|tally| tally.answered).sum();
    assert_eq!(budget.spent().tokens, 20 * answered);
    assert!(budget.spent().tokens <= 6_000);
}

#[test]
fn a_limit_on_answers_bounds_the_estimate() {
    let (server, setup) = (server(), Setup::new());
    let endpoint = setup.open(&priced(&server));
    let asks = |max_tokens: u64| {
        (0..10).map(move |tag| {
            let mut ask = crate::setup::asking(&tag.to_string(), tag);
            ask.request.max_output_tokens = Some(max_tokens);
            Ok::<_, std::convert::Infallible>(ask)
        })
    };
    let ask = |max_tokens: u64, budget: &Budget| {
        evalmark_harness::ask_within(
            &endpoint,
            "run",
            asks(max_tokens),
            &|_| {},
            &setup.stop,
            budget,
        )
    };
    let tally = ask(5_000, &Budget::new(None, Some(4_000))).expect("an end");
    assert!(tally.out_of_budget && tally.answered == 0 && server.count() == 0, "{tally:?}");
    let tally = ask(12, &Budget::new(None, Some(9 * 20 + 21))).expect("an end");
    assert!(!tally.out_of_budget && tally.answered == 10, "{tally:?}");
}

#[test]
fn failures_cost_nothing_and_unlimited_is_counted() {
    let server = Server::start(|seen| match seen.prompt().as_str() {
        "3" => Reply::status(400),
        _ => Reply::text(seen.prompt()).no_usage(),
    });
    let (setup, budget) = (Setup::new(), Budget::default());
    let asked = setup.ask_within(&setup.open(&priced(&server)), 5, &budget);
    assert_eq!((asked.tally.answered, asked.tally.failed), (4, 1));
    // A character is a token at most, a message 8, and an unseen answer 256.
    assert_eq!((budget.spent().tokens, budget.spent().estimated), (4 * 265, 4));
}
