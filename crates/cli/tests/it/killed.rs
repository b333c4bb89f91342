//! A run that is killed without warning, again and again, ends as if nothing had happened.
//!
//! `EVALMARK_TEST_KILLS=1000` makes it as many kills.

use std::{
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{World, answer, item, scrambled, suite};

/// Kills of the usual form.
const KILLS: u64 = 50;

const ITEMS: usize = 250;

/// Requests in flight at once.
const CONCURRENCY: u64 = 8;

/// What an answer takes, milliseconds.
const SERVICE: u64 = 10;

/// How long an answer that arrived may wait to be committed, milliseconds, with room for a busy
/// machine.
const COMMIT: u64 = 200;

fn slow(seen: &Seen) -> Reply {
    let i = item(seen);
    let text = if i.is_multiple_of(7) { "none" } else { answer(i) };
    Reply::text(text).after(Duration::from_millis(SERVICE))
}

/// Starts the program and kills it after so many more answers; whether it was still running.
fn kill_after(world: &World, arguments: &[&str], answers: u64, asked: &AtomicU64) -> bool {
    let goal = asked.load(Ordering::Relaxed) + answers;
    let mut child = world
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    // No answer is awaited for ever: what is left may be fewer, or the kill may come before any.
    let patience = Duration::from_millis(if answers == 0 { 15 } else { 3000 });
    loop {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        let is_due = answers > 0 && asked.load(Ordering::Relaxed) >= goal;
        if is_due || start.elapsed() > patience {
            child.kill().expect("killed");
            return child.wait().expect("a child").code().is_none();
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_killed_run_goes_on_and_ends_like_any_other() {
    let kills: u64 = std::env::var("EVALMARK_TEST_KILLS")
        .map_or(KILLS, |kills| kills.parse().expect("EVALMARK_TEST_KILLS is a number"));
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let server = Server::start_counting(move |seen| {
        count.fetch_add(1, Ordering::Relaxed);
        slow(seen)
    });
    let reference = Server::start_counting(slow);
    let (world, untouched) = (World::new(ITEMS), World::new(ITEMS));
    world.write("suite.yaml", &suite(&server.url(), "").replace("attempts: 4", "attempts: 1"));
    untouched.suite(&reference.url(), "");
    let (mut killed, mut round, mut step) = (0, 0, 0);
    while killed < kills {
        round += 1;
        let id = format!("r{round}");
        let (begin, folder) = (["--prompt", "plain", "--no-cache"], format!("reports/test/{id}"));
        let before = (asked.load(Ordering::Relaxed), killed);
        loop {
            let has_begun = world.path(&folder).join("run.json").is_file();
            assert!(has_begun || !world.path(&folder).exists(), "a folder without its run.json");
            let new = [&["run", "suite.yaml", "--run-id", &id], &begin[..]].concat();
            let arguments = if has_begun { vec!["resume", folder.as_str()] } else { new };
            // Often before the first commit, often after several.
            step += 1;
            let answers = scrambled(step) % 200;
            if killed >= kills || !kill_after(&world, &arguments, answers, &asked) {
                break;
            }
            killed += 1;
        }
        world.run(&["resume", &folder]).expect(0);
        untouched.run_suite(&id, &begin).expect(0);
        let scores = format!("{folder}/scores.parquet");
        assert!(world.bytes(&scores) == untouched.bytes(&scores), "round {round} differs");
        // What was in flight, or had arrived and was not committed, is asked for again: no more.
        let again = asked.load(Ordering::Relaxed) - before.0 - ITEMS as u64;
        let most = (killed - before.1) * CONCURRENCY * (1 + COMMIT / SERVICE);
        assert!(again <= most, "{again} requests were repeated after {} kills", killed - before.1);
        fs::remove_dir_all(world.path(&folder)).expect("removed");
    }
}
