//! Who is told what became of a run: receivers that answer, that are down, slow or full, and that come back.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{Ran, World, answer, item, right, scrambled};

const SECRET: &str = "hook-canary-0123456789";

/// A suite whose second run regresses: every third answer is wrong then.
fn world(model: &Server, more: &str) -> World {
    let world = World::new(60);
    let gate = "gate: { baseline: main, metrics: { exact: { margin: 0.03 } } }\n";
    world.suite(&model.url(), &format!("{gate}{more}"));
    world
}

fn worse(seen: &Seen) -> Reply {
    let item = item(seen);
    Reply::text(if item.is_multiple_of(3) { "wrong" } else { answer(item) })
}

/// The address that a receiver has, whose path is a secret.
fn hook(server: &Server) -> String {
    format!("{}/{SECRET}", server.url().trim_end_matches("/v1"))
}

fn grant(variable: &str, server: &Server) -> String {
    let place = server.url();
    format!("{variable}@{}", place.trim_start_matches("http://").trim_end_matches("/v1"))
}

fn with_hook(world: &World, arguments: &[&str], hook_server: &Server) -> Ran {
    let (hook, grant) = (hook(hook_server), grant("HOOK", hook_server));
    let variables = [("HOOK", &*hook), ("EVALMARK_ALLOW_KEY", &*grant)];
    world.run_in(arguments, &variables)
}

/// Waits until the sender that a run started has ended.
pub(crate) fn settled(world: &World) {
    let lock = fs::File::options().write(true).open(world.path("reports/outbox/.lock"));
    if let Ok(lock) = lock {
        lock.lock().expect("the sender ends");
    }
}

fn messages(server: &Server) -> Vec<Value> {
    server.requests().iter().map(Seen::json).collect()
}

fn no_secret(world: &World, ran: &Ran) {
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(SECRET), "{ran:?}");
    let mut folders = vec![world.path("reports")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let bytes = fs::read(entry.path()).expect("a file");
                let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
                assert!(!found, "{}", entry.path().display());
            }
        }
    }
}

#[test]
fn a_regression_is_told_once() {
    let model = Server::start(right);
    let world = world(&model, "notify: [{ webhook: { url_env: HOOK } }]\n");
    let receiver = Server::start(|_| Reply::bytes("ok"));
    // The first run passes, and nobody needs to know.
    with_hook(&world, &["run", "suite.yaml", "--run-id", "a", "--new-baseline"], &receiver)
        .expect(0);
    assert_eq!(receiver.count(), 0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    let model = Server::start(worse);
    world.suite(
        &model.url(),
        "gate: { baseline: main, metrics: { exact: { margin: 0.03 } } }\nnotify: [{ webhook: { url_env: HOOK } }]\n",
    );
    let ran = with_hook(&world, &["run", "suite.yaml", "--run-id", "b", "--no-cache"], &receiver)
        .expect(1);
    settled(&world);
    let told = messages(&receiver);
    assert_eq!(told.len(), 1, "{told:?} {ran:?}");
    assert_eq!(told[0]["specversion"], "1.0");
    assert_eq!(told[0]["data"]["answer"], "regressed");
    assert_eq!(told[0]["data"]["comparisons"][0]["metric"], "exact");
    assert!(ran.stderr.contains("told `webhook`"), "{}", ran.stderr);
    no_secret(&world, &ran);
    // The same verdict again, by every way.
    for arguments in [
        vec!["resume", "reports/test/b"],
        vec!["score", "reports/test/b"],
        vec!["gate", "reports/test/b", "--baseline", "main"],
    ] {
        with_hook(&world, &arguments, &receiver).expect(1);
    }
    let ran =
        with_hook(&world, &["export", "reports/test/b", "--to", "webhook"], &receiver).expect(0);
    assert!(ran.stderr.contains("told `webhook` before"), "{}", ran.stderr);
    settled(&world);
    assert_eq!(receiver.count(), 1);
}

#[test]
fn nobody_is_told_without_the_variable_and_without_leave() {
    let model = Server::start(right);
    let world = world(&model, "notify: [{ webhook: { url_env: HOOK }, on: [always] }]\n");
    let receiver = Server::start(|_| Reply::bytes("ok"));
    let ran = world.run(&["run", "suite.yaml", "--run-id", "a", "--new-baseline"]).expect(0);
    let told = "`webhook` is not told: the environment variable HOOK is not set";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let asked = model.count();
    let hook = hook(&receiver);
    let ran = world
        .run_in(&["run", "suite.yaml", "--run-id", "b", "--new-baseline"], &[("HOOK", &hook)])
        .expect(2);
    let flag = format!("--allow-key {}", grant("HOOK", &receiver));
    assert!(
        ran.stderr.contains("receiver `webhook`") && ran.stderr.contains(&flag),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains(SECRET), "{}", ran.stderr);
    assert_eq!((model.count(), receiver.count()), (asked, 0));
}

/// What a receiver in trouble does.
type Trouble = fn() -> Reply;

/// A receiver that is down, slow, full or broken for its first requests, and then works.
fn troubled(n: u64, trouble: Trouble) -> (Server, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let count = taken.clone();
    let server = Server::start(move |seen| {
        if seen.index < n {
            return trouble();
        }
        count.fetch_add(1, Ordering::SeqCst);
        Reply::bytes("ok")
    });
    (server, taken)
}

#[test]
fn a_receiver_in_trouble_changes_nothing_and_is_told_once_it_is_back() {
    let troubles: [(&str, Trouble); 4] = [
        ("500", || Reply::status(500)),
        ("429", || Reply::status(429).header("retry-after", "1")),
        ("503", || Reply::status(503)),
        ("reset", Reply::reset),
    ];
    for (name, trouble) in troubles {
        let model = Server::start(right);
        let world = world(&model, "notify: [{ webhook: { url_env: HOOK }, on: [always] }]\n");
        let (receiver, taken) = troubled(2, trouble);
        let arguments = ["run", "suite.yaml", "--run-id", "a", "--new-baseline"];
        with_hook(&world, &arguments, &receiver).expect(0);
        settled(&world);
        assert_eq!(taken.load(Ordering::SeqCst), 1, "{name}");
        let ran = world.run(&["outbox", "list", "--all", "--format", "json"]).expect(0);
        let listed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(listed["messages"][0]["state"], "sent", "{name}: {listed}");
        assert!(listed["messages"][0]["attempts"].as_u64() >= Some(3), "{name}: {listed}");
    }
}

#[test]
fn a_dead_receiver_does_not_slow_a_run_and_is_told_by_hand() {
    let model = Server::start(right);
    let world = world(&model, "notify: [{ webhook: { url_env: HOOK }, on: [always] }]\n");
    let receiver = Server::start(|_| Reply::hang());
    let url = receiver.url();
    let began = Instant::now();
    let arguments = ["run", "suite.yaml", "--run-id", "a", "--new-baseline"];
    let ran = with_hook(&world, &arguments, &receiver).expect(0);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(ran.stderr.contains("evalmark outbox send"), "{}", ran.stderr);
    // It ends, and works when it is back: the sender that the run started goes on.
    drop(receiver);
    let receiver = Server::start_at(&url, |_| Reply::bytes("ok"));
    settled(&world);
    let ids: BTreeSet<_> = messages(&receiver).iter().map(|one| one["id"].to_string()).collect();
    assert_eq!((receiver.count(), ids.len()), (1, 1));
    let ran = with_hook(&world, &["outbox", "send"], &receiver).expect(0);
    assert!(ran.stderr.contains("nothing waits"), "{}", ran.stderr);
}

/// Senders that are killed at any change of a file: a receiver that can tell a repetition is told each message under one id.
#[test]
fn a_killed_sender_loses_nothing_and_adds_nothing() {
    let model = Server::start(right);
    let world = world(&model, "export: []\n");
    world.run(&["run", "suite.yaml", "--run-id", "a", "--new-baseline"]).expect(0);
    let receiver = Server::start(|_| Reply::bytes("ok"));
    let more = "notify:\n  - { name: one, webhook: { url_env: HOOK } }\n  - { name: two, webhook: { url_env: HOOK } }\n  - { name: three, webhook: { url_env: HOOK } }\n";
    world.suite(&model.url(), more);
    let (hook, grant) = (hook(&receiver), grant("HOOK", &receiver));
    let export = ["export", "reports/test/a", "--to", "webhook"];
    for round in 0..12 {
        let at = (1 + scrambled(round) % 24).to_string();
        let variables =
            [("HOOK", &*hook), ("EVALMARK_ALLOW_KEY", &*grant), ("EVALMARK_TEST_ABORT_AT", &*at)];
        world.run_in(&export, &variables);
    }
    with_hook(&world, &["export", "reports/test/a", "--to", "webhook"], &receiver).expect(0);
    let ids: BTreeSet<_> = messages(&receiver).iter().map(|one| one["id"].to_string()).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    let ran = world.run(&["outbox", "list", "--all", "--format", "json"]).expect(0);
    let listed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let states: Vec<_> =
        listed["messages"].as_array().expect("a list").iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["sent", "sent", "sent"]);
}

#[test]
fn what_would_be_sent_is_shown_without_secrets() {
    let model = Server::start(right);
    let more = "notify:\n  - slack: { url_env: SLACK_WEBHOOK_URL }\n  - teams: { url_env: TEAMS_WEBHOOK_URL }\n  - email: { from: ci@example.org, to: [team@example.org] }\n";
    let world = world(&model, more);
    world.run(&["run", "suite.yaml", "--run-id", "a", "--new-baseline"]).expect(0);
    let variables =
        [("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/hush-hush-hush")];
    let arguments = [
        "export",
        "reports/test/a",
        "--to",
        "slack",
        "--to",
        "teams",
        "--to",
        "email",
        "--dry-run",
    ];
    let ran = world.run_in(&arguments, &variables).expect(0);
    for part in ["rich_text", "AdaptiveCard", "To: team@example.org"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("hush"), "{}", ran.stdout);
    let ran = world.run(&["export", "reports/test/a", "--to", "slak", "--dry-run"]).expect(2);
    assert!(ran.stderr.contains("did you mean `slack`?"), "{}", ran.stderr);
}

#[test]
fn receivers_of_the_project_hold_for_every_suite_below_it() {
    let model = Server::start(right);
    let world = world(&model, "");
    world.write(
        "evalmark.yaml",
        "notify: [{ name: team, webhook: { url_env: HOOK }, on: [always] }]\n",
    );
    let receiver = Server::start(|_| Reply::bytes("ok"));
    let arguments = ["run", "suite.yaml", "--run-id", "a", "--new-baseline"];
    with_hook(&world, &arguments, &receiver).expect(0);
    settled(&world);
    assert_eq!(receiver.count(), 1);
    world.write("evalmark.yaml", "notify:\n  - { slak: { url_env: HOOK } }\n  - { webhook: { url_env: 'https://hooks.example/T0' } }\nexport:\n  - slack: { url_env: HOOK }\n");
    let ran = world.run(&["check", "suite.yaml"]).expect(2);
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(told.contains("evalmark.yaml:2:7: unknown key `slak`"), "{told}");
    assert!(told.contains("evalmark.yaml:3:") && told.contains("this is an address"), "{told}");
    assert!(!told.contains("T0"), "{told}");
    assert!(told.contains("5:5: unknown key `slack`"), "{told}");
    assert!(told.contains("`slack` stands under `notify:`"), "{told}");
}

#[test]
fn whom_a_suite_tells_is_among_its_permissions() {
    let model = Server::start(right);
    let more = "notify: [{ webhook: { url_env: HOOK } }]\nexport: [{ pushgateway: { url: 'http://gate.example:9091', token_env: GATE_TOKEN } }]\n";
    let world = world(&model, more);
    let ran = world.run(&["check", "suite.yaml", "--permissions"]).expect(0);
    let reach: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let suite = &reach["suites"][0];
    assert!(suite["hosts"].to_string().contains("http://gate.example:9091"), "{suite}");
    let hook = serde_json::json!({ "name": "HOOK", "hosts": [] });
    let token = serde_json::json!({ "name": "GATE_TOKEN", "hosts": ["http://gate.example:9091"] });
    let variables = suite["variables"].as_array().expect("variables");
    assert!(variables.contains(&hook) && variables.contains(&token), "{suite}");
}

#[test]
fn a_run_becomes_files_without_anything_in_the_suite() {
    let model = Server::start(right);
    let world = world(&model, "");
    world.run(&["run", "suite.yaml", "--run-id", "a", "--new-baseline"]).expect(0);
    let arguments = ["export", "reports/test/a", "--to", "csv", "--to", "wandb"];
    let ran = world.run(&arguments).expect(0);
    let [scores, samples, folder] = *ran.stdout.lines().collect::<Vec<_>>() else {
        panic!("{ran:?}");
    };
    let lines = |file: &str| fs::read_to_string(world.path(file)).expect("a file").lines().count();
    assert_eq!((lines(scores), lines(samples)), (5, 121));
    assert!(scores.ends_with("outbox/csv/test/a/scores.csv"), "{scores}");
    assert!(world.path(folder).join("files/media/table").is_dir(), "{folder}");
    let ran = world.run(&[&arguments[..], &["--dry-run"]].concat()).expect(0);
    assert!(ran.stdout.contains("score.exact"), "{}", ran.stdout);
    let ran = world.run(&["export", "reports/test/a", "--to", "langfuse"]).expect(2);
    assert!(ran.stderr.contains("has no receiver `langfuse`"), "{}", ran.stderr);
}
