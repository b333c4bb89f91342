//! Batches that end otherwise than well, and servers that take none.

use evalmark_core::record::ErrorKind;
use evalmark_harness::{Budget, Holder};
use evalmark_loopback::{
    Reply, Server,
    batches::{BatchEnd, BatchForm, BatchServer, BatchStep},
};
use serde_json::{Value, json};

use super::{Batched, FORMS, ask, echo, model, quick};
use crate::setup::Setup;

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
fn a_refusal_is_of_the_kind_that_its_code_says() {
    let check = |errors: Value, kind: ErrorKind, message: &str| {
        let world = Batched::new(BatchForm::OpenAi, echo);
        world.batches.end_as("failed", errors.clone());
        for (_, record) in world.ask(2).records() {
            let failure = record.failure.expect("a failure");
            assert_eq!((failure.kind, &*failure.message), (kind, message), "{errors}");
        }
    };
    let of = |code: Value| json!([{ "code": code, "message": "gone\nfishing" }]);
    let words = "the batch was refused: gone fishing";
    check(of(json!("fishing")), ErrorKind::Server, words);
    check(of(Value::Null), ErrorKind::Server, words);
    check(of(json!("server_error")), ErrorKind::Server, words);
    check(of(json!("token_limit_exceeded")), ErrorKind::RateLimited, words);
    check(of(json!("insufficient_quota")), ErrorKind::NoCredit, words);
    check(of(json!("model_not_found")), ErrorKind::BadRequest, words);
    check(json!([{ "code": "fishing" }]), ErrorKind::Server, "the batch was refused: fishing");
    let silent = "the batch was refused: the provider does not say why";
    check(json!([]), ErrorKind::Server, silent);
    // A line that the batch does not have.
    check(json!([{ "message": "gone fishing", "line": 77 }]), ErrorKind::Server, words);
}

#[test]
fn a_state_that_nobody_knows_is_named_while_it_is_waited_for() {
    for form in FORMS {
        let world = Batched::new(form, echo);
        world.batches.open_for(u32::MAX);
        world.batches.call_open("hibernating");
        let endpoint = world.setup.open(&world.model);
        std::thread::scope(|scope| {
            let asking =
                scope.spawn(|| ask(&world.setup, &endpoint, &world.model, 3, &Budget::default()));
            let state = || match endpoint.hold().map(|hold| hold.by) {
                Some(Holder::Batches(waiting)) => waiting.unknown_state,
                _ => None,
            };
            let begun = std::time::Instant::now();
            while state().as_deref() != Some("hibernating") {
                assert!(begun.elapsed().as_secs() < 30, "it is not named");
                std::thread::yield_now();
            }
            world.batches.end_open();
            asking.join().expect("no panic").assert_all_answered(3);
        });
        assert_eq!(endpoint.batches_left().unknown_state, None);
    }
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
