//! `evalmark canary`: a model that stays as it was is left in peace, one that is swapped is called and
//! named, and an outage is neither.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{World, answer, item, right};

const N: usize = 60;

const CANARY: [&str; 5] = ["canary", "suite.yaml", "--once", "--prompt", "plain"];

/// What the server does from now on.
#[derive(Clone, Default)]
struct Behaviour(Arc<AtomicU8>);

impl Behaviour {
    const SAME: u8 = 0;
    const SWAPPED: u8 = 1;
    const DOWN: u8 = 2;

    fn set(&self, to: u8) {
        self.0.store(to, Ordering::Relaxed);
    }

    fn reply(&self, seen: &Seen) -> Reply {
        match self.0.load(Ordering::Relaxed) {
            Self::SWAPPED => {
                let wrong = format!("I believe that it is {}.", answer(item(seen) + 1));
                Reply::text(wrong).change_body(|body| {
                    let body = String::from_utf8(body).expect("JSON");
                    body.replace(r#""model":"loopback""#, r#""model":"loopback-mini""#).into()
                })
            }
            Self::DOWN => Reply::status(400),
            _ => right(seen),
        }
    }
}

/// A released suite: its baseline is `main`.
fn released() -> (World, Server, Behaviour) {
    let (world, behaviour) = (World::new(N), Behaviour::default());
    let own = behaviour.clone();
    let server = Server::start(move |seen| own.reply(seen));
    world.suite(&server.url(), "gate: { baseline: main }\n");
    world.run_suite("released", &["--prompt", "plain", "--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/released", "main"]).expect(0);
    (world, server, behaviour)
}

fn stream<'a>(told: &'a Value, name: &str) -> &'a Value {
    let streams = told["drift"]["streams"].as_array().expect("streams");
    streams.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} in {told:#}"))
}

#[test]
fn a_swapped_model_is_called_and_named() {
    let (world, server, behaviour) = released();
    for look in 1..=5 {
        let asked = server.count();
        let ran = world.run(&CANARY).expect(0);
        assert_eq!(server.count() - asked, N as u64, "every look asks anew");
        assert!(ran.words().contains(&format!("{look} look")), "{}", ran.stdout);
    }
    // At another pace, or with another chance of false alarms, what the looks say would not hold.
    for (other, told) in [
        (["--every", "1h"], "made with 1,460 looks a year, and not with 8,760 looks a year"),
        (["--alpha", "0.01"], "made with `--alpha 0.05`, and not with `--alpha 0.01`"),
    ] {
        let asked = server.count();
        let ran = world.run(&[&CANARY[..], &other].concat()).expect(2);
        assert!(ran.stderr.contains(told) && ran.stderr.contains("--restart"), "{}", ran.stderr);
        assert_eq!(server.count(), asked, "nothing is asked");
    }
    // An outage does not count as a look.
    behaviour.set(Behaviour::DOWN);
    let ran = world.run(&CANARY).expect(4);
    assert!(ran.stderr.contains("the look does not count"), "{}", ran.stderr);
    behaviour.set(Behaviour::SWAPPED);
    let told = world.run(&[&CANARY[..], &["--format", "json"]].concat()).expect(1);
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!((&told["raised"], &told["drift"]["n_looks"]), (&true.into(), &6.into()));
    let names = stream(&told, "small · model as served");
    assert_eq!(names["unseen"][0]["name"], "loopback-mini", "{names:#}");
    assert_eq!(names["alarm"]["began"], names["alarm"]["at"]);
    let exact = stream(&told, "plain · small · exact");
    assert_eq!(exact["alarm"]["moved"], "down", "{exact:#}");
    assert_eq!(exact["alarm"]["before"]["mean"], 1.0);
    assert_eq!(exact["alarm"]["now"]["mean"], 0.0);
    // The alarm stands, in words, until it is dealt with.
    behaviour.set(Behaviour::SAME);
    let ran = world.run(&CANARY).expect(1);
    for told in ["drift: plain · small · exact down from 100.0 %", "`loopback-mini`"] {
        assert!(ran.words().contains(told), "{told} in {}", ran.stdout);
    }
    world.run(&[&CANARY[..], &["--restart"]].concat()).expect(0);
    let looks = world.json("reports/test/canary.json")["looks"].as_array().map(Vec::len);
    assert_eq!(looks, Some(1));
}

#[test]
fn another_baseline_begins_anew() {
    let (world, _server, behaviour) = released();
    behaviour.set(Behaviour::SWAPPED);
    world.run(&CANARY).expect(1);
    world.run_suite("next", &["--prompt", "plain", "--no-cache"]).expect(1);
    world.run(&["baseline", "promote", "reports/test/next", "main", "--force"]).expect(0);
    let ran = world.run(&CANARY).expect(0);
    assert!(ran.stderr.contains("the canary begins anew"), "{}", ran.stderr);
}

/// The answers of the baseline's run are gone: the first look says what answers are like.
#[test]
fn the_first_look_stands_in_for_a_run_that_is_gone() {
    let (world, _server, behaviour) = released();
    std::fs::remove_dir_all(world.path("reports/test/released")).expect("removed");
    world.run(&CANARY).expect(0);
    behaviour.set(Behaviour::SWAPPED);
    let told = world.run(&[&CANARY[..], &["--format", "json"]].concat()).expect(1);
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(stream(&told, "small · model as served")["unseen"][0]["n"], N);
}

#[test]
fn what_cannot_be_watched_is_told_before_anything_is_asked() {
    let (world, server, _) = released();
    let asked = server.count();
    let check = |arguments: &[&str], code: i32, told: &str| {
        let ran = world.run(arguments).expect(code);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    };
    check(&["canary", "suite.yaml", "--once", "--every", "soon"], 2, "such as `6h`");
    check(&["canary", "suite.yaml", "--once", "--alpha", "0.7"], 2, "alpha must lie between");
    check(&["canary", "suite.yaml", "--once", "--baseline", "old"], 4, "`old`");
    check(&["canary", "suite.yaml", "--once", "--limit", "5"], 4, "other items of the dataset");
    check(&["canary", "suite.yaml", "--once"], 4, "another prompt `terse`, or none");
    world.suite(&server.url(), "");
    check(&CANARY, 4, "a canary needs a baseline");
    assert_eq!(server.count(), asked, "nothing was asked");
}

/// Ctrl-C between two looks ends it, and is no failure.
#[cfg(target_os = "linux")]
#[test]
fn a_wait_is_interrupted_by_a_signal() {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    let (world, _server, _) = released();
    let plain = world.command(&["canary", "suite.yaml", "--every", "1h", "--prompt", "plain"]);
    // A signal that comes before the program listens is lost.
    let mut command = Command::new("env");
    command.arg("--ignore-signal=INT").arg(plain.get_program()).args(plain.get_args());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(world.folder.path()).stdout(Stdio::piped());
    let mut program = command.spawn().expect("the program starts");
    let mut seen = String::new();
    let stdout = BufReader::new(program.stdout.take().expect("stdout"));
    for line in stdout.lines().map_while(Result::ok) {
        seen += &line;
        if seen.contains("is at most") {
            break;
        }
    }
    let id = Pid::from_raw(i32::try_from(program.id()).expect("an id"));
    let end = Instant::now() + Duration::from_mins(1);
    let ended = loop {
        if let Some(ended) = program.try_wait().expect("its state") {
            break ended;
        }
        kill(id, Signal::SIGINT).expect("sent");
        assert!(Instant::now() < end, "it does not end");
        thread::yield_now();
    };
    assert_eq!(ended.code(), Some(0), "{seen}");
    assert!(seen.contains("1 look so far"), "{seen}");
}
