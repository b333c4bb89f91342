//! Results that are odd, broken, late or doubled: none costs an answer, or is paid twice.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use evalmark_core::record::{ErrorKind, Outcome};
use evalmark_harness::{Budget, Event, Tuning};
use evalmark_loopback::{
    Reply,
    batches::{BatchEnd, BatchForm, BatchServer, BatchStep},
};
use serde_json::Value;

use super::{Batched, COST, FORMS, echo, quick};
use crate::setup::Setup;

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
        let times = AtomicU32::new(0);
        let world = check_results(
            form,
            move |lines| match times.fetch_add(1, Ordering::SeqCst) {
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

/// Asks while results are broken, then while they are whole: nothing is bought twice.
fn check_broken(form: BatchForm, breaks: impl Fn(&BatchServer)) {
    let world = Batched::new(form, echo);
    breaks(&world.batches);
    for _ in 0..2 {
        let asked = world.ask(5);
        assert!(asked.tally.failed > 0 && asked.downs().is_empty(), "{form:?} {asked:?}");
        let failures = asked.records().into_iter().filter_map(|(_, record)| record.failure);
        for failure in failures {
            assert_eq!(failure.kind, ErrorKind::Malformed);
            let is_described = failure.message.contains("The batch is kept: `evalmark resume`");
            assert!(is_described, "{failure:?}");
        }
        assert_eq!(world.batches.batches(), [5], "{form:?}");
    }
    let before = fetches(&world.batches);
    assert!(before == 0 || before > 3, "{before}");
    world.batches.keep_results();
    world.batches.hide_files(false);
    world.ask(5).assert_all_answered(5);
    assert!(fetches(&world.batches) > before);
    let creations = world.batches.steps().into_iter().filter(|step| *step == BatchStep::Create);
    assert_eq!(creations.count(), 1, "{form:?}");
    assert_eq!(world.batches.bought().into_values().collect::<Vec<_>>(), [1; 5]);
    // It is settled: nothing is asked any more.
    let before = world.server.count();
    world.ask(5).assert_all_answered(5);
    assert_eq!(world.server.count(), before);
}

fn fetches(batches: &BatchServer) -> usize {
    batches.steps().iter().filter(|step| **step == BatchStep::Results).count()
}

#[test]
fn results_that_cannot_be_read_are_read_by_the_next_ask_rather_than_bought_again() {
    for form in FORMS {
        let check = |change: fn(Vec<u8>) -> Reply| {
            check_broken(form, |batches| batches.change_results(change));
        };
        check(|_| Reply::bytes("<!doctype html>\n<html>\nTry later\n</html>"));
        check(|_| Reply::bytes(""));
        check(|_| Reply::status(404));
        check(|lines| Reply::bytes(&lines[..lines.len().saturating_sub(9)]));
        // Whole lines, and too few.
        check(|lines| {
            let two = lines.split_inclusive(|byte| *byte == b'\n').take(2).collect::<Vec<_>>();
            Reply::bytes(two.concat())
        });
    }
    check_broken(BatchForm::OpenAi, |batches| batches.hide_files(true));
    let expired = |batches: &BatchServer| {
        batches.end_as("expired", Value::Null);
        batches.change_results(|_| Reply::bytes("<html>"));
    };
    check_broken(BatchForm::OpenAi, expired);
}

#[test]
fn results_that_are_whole_soon_after_are_waited_for() {
    for form in FORMS {
        let times = AtomicU32::new(0);
        let broken_at_first = move |lines: Vec<u8>| {
            let is_broken = times.fetch_add(1, Ordering::SeqCst) < 4;
            if is_broken { Reply::bytes("<html>") } else { Reply::bytes(lines) }
        };
        let world = check_results(form, broken_at_first, 5);
        assert_eq!(world.batches.batches(), [5]);
    }
}

#[test]
fn only_what_whole_results_lack_is_bought_again() {
    for form in FORMS {
        let world = Batched::new(form, |prompt, times| match (prompt, times) {
            ("3", 0) => BatchEnd::Missing,
            _ => BatchEnd::Text(prompt.to_owned()),
        });
        world.batches.change_results(|_| Reply::bytes("<html>"));
        assert_eq!(world.ask(5).tally.failed, 5);
        world.batches.keep_results();
        let asked = world.ask(5);
        let is_told = asked.events.iter().any(|event| {
            let Event::Retrying { failure, .. } = event else { return false };
            failure.message.contains("no line for 1 of its requests")
        });
        assert!(is_told, "{asked:?}");
        assert_eq!((asked.tally.answered, asked.tally.cached, asked.tally.failed), (5, 0, 0));
        assert_eq!((world.batches.batches(), world.most_bought()), (vec![5, 1], 1));
    }
}

#[test]
fn an_answer_counts_wherever_failures_of_the_same_request_stand() {
    for form in FORMS {
        let (answer, failure) = match form {
            BatchForm::OpenAi => ("\"status_code\":200", "\"status_code\":400"),
            BatchForm::Anthropic => ("\"type\":\"succeeded\"", "\"type\":\"expired\""),
        };
        let failures = move |lines: &[u8]| {
            let text = String::from_utf8(lines.to_vec()).expect("UTF-8");
            assert!(text.is_empty() || text.contains(answer), "{text}");
            text.replace(answer, failure).into_bytes()
        };
        let before = move |lines: Vec<u8>| Reply::bytes([failures(&lines), lines].concat());
        let behind = move |lines: Vec<u8>| Reply::bytes([&*lines, &*failures(&lines)].concat());
        for world in [check_results(form, before, 5), check_results(form, behind, 5)] {
            assert_eq!(world.batches.batches(), [5]);
        }
    }
}

#[test]
fn logprobs_are_asked_for_and_kept_in_batches_too() {
    let mut world = Batched::new(BatchForm::OpenAi, echo);
    let params = serde_json::json!({ "logprobs": true, "top_logprobs": 1 });
    world.model.params = std::sync::Arc::new(params.as_object().cloned().unwrap_or_default());
    world.batches.change_results(|lines| {
        let logprobs = r#""logprobs":{"content":[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"b","logprob":-9999.0}]}]}"#;
        let text = String::from_utf8(lines).expect("UTF-8");
        Reply::bytes(text.replace(r#""finish_reason":"#, &format!(r#"{logprobs},"finish_reason":"#)))
    });
    let asked = world.ask(2);
    let uploaded = world.server.requests().into_iter().find(|seen| seen.path.ends_with("/files"));
    let uploaded = String::from_utf8(uploaded.expect("an upload").body.clone()).expect("UTF-8");
    assert!(uploaded.contains(r#""logprobs":true,"top_logprobs":1"#), "{uploaded}");
    for (_, record) in asked.records() {
        let all = record.details.and_then(|details| details.logprobs).expect("logprobs");
        assert_eq!(
            (all.mean, all.n_tokens, all.content[0].top_logprobs[0].logprob),
            (Some(-0.5), 1, None)
        );
    }
}
