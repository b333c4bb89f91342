//! Whatever the order of arrival, every sample comes out once, and in the order of the reports.

use std::{sync::Arc, thread};

use evalmark_core::{
    item::{Item, ItemHash},
    request::{Message, Request},
};

use super::*;

fn ended(rank: u64, length: usize) -> Box<Ended> {
    let item = Item {
        index: rank,
        row: rank + 1,
        id: rank.to_string().into(),
        hash: ItemHash([0; 16]),
        fields: evalmark_core::fields::Fields::default(),
        targets: [].into(),
        cluster: None,
        slices: [].into(),
    };
    let messages = [Message::new("user", "x".repeat(length))];
    let request = Request::chat("m".into(), messages, Arc::default(), 0);
    let sample = Sample { prompt: 0, model: 0, item, epoch: 0, request };
    Box::new((sample, Record::recorded("yes".into())))
}

/// Takes out what is scorable: ranks that were kept, and those that were not.
fn take(state: &mut State, total: u64, seen: &mut Vec<(u64, bool)>) {
    while state.is_scorable() {
        match state.next(total) {
            Next::Here(batch) => {
                seen.extend(batch.iter().map(|(sample, _)| (sample.item.index, true)));
            }
            Next::Elsewhere(ranks) => seen.extend(ranks.map(|rank| (rank, false))),
            Next::End | Next::GivenUp => return,
        }
    }
}

/// Puts samples in this order and tells what came out: how many were kept.
#[track_caller]
fn check(order: &[u64], total: u64, length: usize) -> usize {
    let (mut state, mut seen) = (State::default(), Vec::new());
    for rank in order {
        state.put(*rank, ended(*rank, length));
        take(&mut state, total, &mut seen);
    }
    state.is_over = true;
    take(&mut state, total, &mut seen);
    assert!(seen.iter().map(|(rank, _)| *rank).eq(0..total));
    assert_eq!((state.bytes, state.kept.len(), state.elsewhere.len()), (0, 0, 0));
    seen.iter().filter(|(_, is_kept)| *is_kept).count()
}

#[test]
fn in_order_everything_is_kept() {
    let order: Vec<u64> = (0..20_000).collect();
    assert_eq!(check(&order, 20_000, 10), 20_000);
}

#[test]
fn one_that_is_late_costs_those_beyond_the_window_their_place() {
    let mut order: Vec<u64> = (1..20_000).collect();
    order.push(0);
    assert_eq!(check(&order, 20_000, 10), WINDOW);
}

#[test]
fn out_of_order_all_come_out_in_order() {
    // Steps that share no factor with the total visit every rank.
    for step in [7, 101, 7_919] {
        let order: Vec<u64> = (0..20_000).map(|i| i * step % 20_000).collect();
        check(&order, 20_000, 10);
    }
}

#[test]
fn what_never_arrives_is_looked_for_elsewhere() {
    let order: Vec<u64> = (0..5_000).filter(|rank| rank % 3 != 1).collect();
    assert_eq!(check(&order, 5_000, 10), order.len());
    assert_eq!(check(&[], 5_000, 10), 0);
}

#[test]
fn long_texts_are_not_kept_without_bound() {
    let mut order: Vec<u64> = (1..100).collect();
    order.push(0);
    let kept = check(&order, 100, 1 << 20);
    assert!(kept <= KEPT_BYTES >> 20, "{kept}");
}

#[test]
fn the_order_of_prompts_is_not_that_of_asking() {
    let order: Vec<u64> = (0..9_000).flat_map(|item| [item, item + 9_000]).collect();
    assert!(check(&order, 18_000, 10) >= 9_000);
}

const SUITE: &str = "\
name: slow
dataset: { path: data.csv, target: target }
prompts: [{ name: p, template: '{{ question }}' }]
models: [{ name: m, provider: openai, base_url: 'http://127.0.0.1:1/v1' }]
metrics: [{ name: exact, exact: {} }]
";

/// A plan over ten items.
fn plan() -> Plan {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = (0..10).map(|row| format!("q{row},yes")).collect::<Vec<_>>().join("\n");
    std::fs::write(folder.path().join("data.csv"), format!("question,target\n{rows}\n"))
        .expect("a dataset");
    let path = folder.path().join("suite.yaml");
    std::fs::write(&path, SUITE).expect("a suite");
    let suite =
        evalmark_core::suite::Suite::read(&path, crate::host::readers(&[])).expect("a suite");
    Plan::new(&suite).expect("a plan")
}

#[test]
fn what_is_ready_is_not_held_back_until_a_batch_is_full() {
    let arrivals = ReorderBuffer::new(&plan(), |_| true, Some(PATIENCE));
    let put = |rank| {
        let (sample, record) = *ended(rank, 10);
        arrivals.put(sample, record);
    };
    let take = || match arrivals.next() {
        Next::Here(batch) => batch.len(),
        Next::Elsewhere(_) | Next::End | Next::GivenUp => 0,
    };
    // Nobody closes it, and a batch is never full.
    for rank in [0, 1, 2, 4] {
        put(rank);
    }
    assert_eq!(take(), 3);
    thread::scope(|scope| {
        let waiting = scope.spawn(take);
        put(3);
        assert_eq!(waiting.join().ok(), Some(2));
    });
}
