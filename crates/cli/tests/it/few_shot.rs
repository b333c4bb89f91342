//! Few-shot examples through the whole program: the same requests in whatever order the items stand, on
//! however many threads, and when a run is resumed.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{World, answer, suite};

fn with_examples(url: &str, examples: &str) -> String {
    let terse = "  - { name: terse, template: '{{ text }}'";
    suite(url, "").replace(terse, &format!("{terse}, examples: {{ {examples} }}"))
}

/// The item that is asked about last.
fn asked(seen: &Seen) -> usize {
    let json = seen.json();
    let last = json["messages"].as_array().and_then(|messages| messages.last()).expect("one");
    let text = last["content"].as_str().expect("text");
    text.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

fn right(seen: &Seen) -> Reply {
    Reply::text(answer(asked(seen)))
}

fn bodies(server: &Server) -> BTreeSet<String> {
    server.requests().iter().map(|seen| seen.json()["messages"].to_string()).collect()
}

#[test]
fn requests_are_the_same_in_any_order_and_on_any_number_of_threads() {
    let run = |rows: &dyn Fn(Vec<String>) -> Vec<String>, concurrency: &str| {
        let server = Server::start(right);
        let world = World::new(60);
        let text = String::from_utf8(world.bytes("data.csv")).expect("text");
        let lines = rows(text.lines().skip(1).map(str::to_owned).collect());
        world.write("data.csv", &format!("id,text,label\n{}\n", lines.join("\n")));
        world.write(
            "suite.yaml",
            &with_examples(&server.url(), "count: 3, seed: 4, balance: label"),
        );
        world.run_suite("r", &["--concurrency", concurrency]).expect(0);
        assert_eq!(server.count(), 120);
        bodies(&server)
    };
    let one = run(&|rows| rows, "1");
    let shuffled = |mut rows: Vec<String>| {
        rows.sort_by_key(|row| blake3::hash(row.as_bytes()).to_hex().to_string());
        rows
    };
    assert_eq!(one, run(&shuffled, "32"));
    let few_shot: Vec<_> = one.iter().filter(|body| body.contains("assistant")).collect();
    assert_eq!(few_shot.len(), 60, "each item is shown its own");
    for body in few_shot {
        for label in ["red", "green", "blue"] {
            assert!(body.contains(label), "one of each: {body}");
        }
    }
}

#[test]
fn a_run_that_is_resumed_asks_for_what_is_missing_and_shows_the_same() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = is_well.clone();
    let server = Server::start(move |seen| {
        let fails = asked(seen).is_multiple_of(3) && !well.load(Ordering::SeqCst);
        if fails { Reply::status(400) } else { right(seen) }
    });
    let world = World::new(30);
    world.write("suite.yaml", &with_examples(&server.url(), "count: 2"));
    let _ = world.run_suite("r", &[]);
    let (before, n) = (bodies(&server), server.count());
    assert_eq!((before.len(), n), (60, 60));
    is_well.store(true, Ordering::SeqCst);
    world.run(&["resume", "reports/test/r"]).expect(0);
    assert_eq!(server.count(), 80, "a third is asked again");
    assert_eq!(bodies(&server), before, "with the same examples");
}
