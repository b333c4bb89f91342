//! The whole program killed while it releases or takes back, at fifty moments that a seed chooses: what is left is the
//! state before or that after, and the same command ends what was begun, with whoever signed it.
//!
//! `EVALMARK_TEST_KILLS=1000` makes it as many kills.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    aborted::copy_of,
    releases::{gated, propose},
    releases_signed::{GRACE, signed_world, with_key},
    setup::{World, scrambled},
};

/// Kills of both commands together.
const KILLS: u64 = 50;

const PROMOTE: [&str; 7] =
    ["release", "promote", "support/intent", "--to", "staging", "--key", "keys/ssh-ecdsa"];

const BACK: [&str; 8] =
    ["release", "rollback", "staging", "--to", "1", "--restore", "--key", "keys/ssh-ecdsa"];

/// One release, and another text of the fragment, which is proposed.
fn proposed() -> World {
    let (world, run) = signed_world();
    propose(&world, "staging", &run).expect(0);
    with_key(&world, "promote", "staging", GRACE).expect(0);
    world.write("prompts/fragments/labels.j2", "Answer with one word.");
    let run = gated(&world, "r2");
    propose(&world, "staging", &run).expect(0);
    world
}

/// Runs a command; kills it at a moment, unless it ended before. Whether it was killed.
fn killed(mut command: Command, moment: Duration) -> bool {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while start.elapsed() < moment {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        thread::sleep(Duration::from_micros(200));
    }
    child.kill().expect("killed");
    child.wait().expect("a child").code().is_none()
}

/// Kills a command at half of the moments, each in a copy of the world; `check` sees what each kill left, and how many of
/// them left the state before comes back.
fn kill_often(world: &World, arguments: &[&str], check: impl Fn(&World, &str) -> bool) -> usize {
    let most: u64 = std::env::var("EVALMARK_TEST_KILLS")
        .map_or(KILLS, |kills| kills.parse().expect("EVALMARK_TEST_KILLS is a number"));
    let most = most.div_ceil(2);
    let whole = copy_of(world);
    let start = Instant::now();
    whole.run(arguments).expect(0);
    let takes = start.elapsed();
    let (mut kills, mut before) = (0, 0);
    for seed in 0.. {
        if kills == most {
            break;
        }
        assert!(seed < 10 * most, "the command ends before {kills} kills");
        let world = copy_of(world);
        let part = u32::try_from(scrambled(seed) % 1000).expect("small");
        if killed(world.command(arguments), takes * part / 1000) {
            kills += 1;
            before += usize::from(check(&world, &format!("seed {seed}")));
        }
    }
    before
}

fn release(world: &World) -> u64 {
    let status = world.run(&["release", "status", "staging", "--format", "json"]).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    status["environments"][0]["release"].as_u64().expect("a number")
}

/// What is whole after the command was given again: the chain, the log, and who signed the newest release.
fn all_is_told(world: &World, action: &str, n: usize, place: &str) {
    world.run(&["release", "verify"]).expect(0);
    world.run(&["audit", "verify"]).expect(0);
    let log = String::from_utf8(world.bytes("releases/audit.jsonl")).expect("text");
    let entries = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let of_action: Vec<_> = entries.filter(|entry| entry["action"] == action).collect();
    assert_eq!(of_action.len(), n, "{place}: {log}");
    for entry in of_action {
        assert_eq!(entry["who"]["signer"], "grace@example.com", "{place}: {entry}");
    }
}

#[test]
fn a_promotion_that_is_killed_anywhere_is_there_or_not() {
    let world = proposed();
    let before = kill_often(&world, &PROMOTE, |world, place| {
        let now = release(world);
        assert!(now == 1 || now == 2, "{place}: release {now}");
        let again = world.run(&PROMOTE);
        // Where the kill came after the last change, nothing is proposed any more.
        assert!(again.code == Some(0) || (again.code == Some(2) && now == 2), "{place}: {again:?}");
        if again.code == Some(0) {
            assert!(again.stdout.contains("signed by grace@example.com"), "{place}: {again:?}");
        }
        assert_eq!(world.json("releases/staging.json")["release"], 2, "{place}");
        all_is_told(world, "promote", 2, place);
        now == 1
    });
    assert!(before > 0, "no kill came before the release");
}

#[test]
fn a_way_back_that_is_killed_anywhere_is_gone_or_not() {
    let world = proposed();
    let first = world.bytes("releases/staging/000001.json");
    let fragment = "prompts/fragments/labels.j2";
    with_key(&world, "promote", "staging", GRACE).expect(0);
    let before = kill_often(&world, &BACK, |world, place| {
        let now = release(world);
        assert!(now == 2 || now == 3, "{place}: release {now}");
        let again = world.run(&BACK);
        let is_done = again.stderr.contains("has what it had after release 1 already");
        assert!(again.code == Some(0) || (is_done && now == 3), "{place}: {again:?}");
        assert_eq!(world.json("releases/staging.json")["release"], 3, "{place}");
        let text = String::from_utf8(world.bytes(fragment)).expect("text");
        assert_eq!(text, "Answer with money, delivery or login.", "{place}");
        assert_eq!(world.bytes("releases/staging/000001.json"), first, "{place}");
        all_is_told(world, "rollback", 1, place);
        now == 2
    });
    assert!(before > 0, "no kill came before the way back");
}
