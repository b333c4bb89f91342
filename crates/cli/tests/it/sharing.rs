//! Runs at the same time, with one cache between them.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use evalmark_loopback::{Reply, Server};

use crate::setup::{World, answer, item};

fn start(world: &World, arguments: &[&str]) -> Child {
    let mut command = world.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

#[test]
#[cfg(target_os = "linux")]
fn runs_at_the_same_time_buy_each_answer_once() {
    let server = Server::start_counting(|seen| {
        Reply::text(answer(item(seen))).after(Duration::from_millis(5))
    });
    let world = World::new(150);
    world.suite(&server.url(), "");
    let ids = ["a", "b", "c"];
    let children = ids.map(|id| start(&world, &["run", "suite.yaml", "--run-id", id]));
    for mut child in children {
        assert_eq!(child.wait().expect("an end").code(), Some(0));
    }
    assert_eq!(server.count(), 300);
    let scores = ids.map(|id| world.json(&format!("reports/test/{id}/run.json"))["counts"].clone());
    assert!(scores.iter().all(|counts| counts["answered"] == 300), "{scores:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_run_was_asking_is_asked_by_the_other() {
    // A killed run leaves requests behind that nobody answers.
    let server = Server::start_counting(|seen| {
        let slow = if item(seen).is_multiple_of(10) { 400 } else { 5 };
        Reply::text(answer(item(seen))).after(Duration::from_millis(slow))
    });
    let world = World::new(60);
    world.suite(&server.url(), "");
    let mut killed = start(&world, &["run", "suite.yaml", "--run-id", "killed"]);
    let begun = std::time::Instant::now();
    while server.count() < 20 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    let mut other = start(&world, &["run", "suite.yaml", "--run-id", "other"]);
    let seen = server.count();
    while server.count() < seen + 10 && begun.elapsed() < Duration::from_secs(40) {
        std::thread::yield_now();
    }
    killed.kill().expect("killed");
    killed.wait().expect("an end");
    assert_eq!(other.wait().expect("an end").code(), Some(0));
    // What was in flight or not yet committed when the first one was killed is bought again.
    assert!((120..=200).contains(&server.count()), "{}", server.count());
}

#[test]
#[cfg(unix)]
fn a_limit_on_files_is_told() {
    let server = Server::start(|seen| Reply::text("x".repeat(3000 + item(seen))));
    let world = World::new(400);
    world.suite(&server.url(), "");
    let program = env!("CARGO_BIN_EXE_evalmark");
    let script = format!("ulimit -f 600; exec {program} run suite.yaml --run-id r");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(world.folder.path()).stdin(Stdio::null());
    command.env("HOME", world.folder.path()).env("XDG_CACHE_HOME", world.path("cache"));
    let output = command.output().expect("a shell");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("ulimit -f") || stderr.contains("no space is left"), "{stderr}");
    world.run(&["resume", "reports/test/r"]).expect(0);
}

/// Two names of one model: each answer is bought once, however the two fall together.
#[test]
fn models_that_are_the_same_buy_each_answer_once() {
    let server = Server::start_counting(|seen| {
        Reply::text(answer(item(seen))).after(Duration::from_millis(2))
    });
    let world = World::new(40);
    let model = |name: &str| {
        format!(
            "  - {{ name: {name}, provider: openai, base_url: '{}', model: m, params: {{ temperature: 1 }} }}\n",
            server.url()
        )
    };
    let suite = format!(
        "name: test\ndataset: {{ path: data.csv, id: id, target: label }}\nprompts:\n  - {{ name: p, template: '{{{{ text }}}}' \
         }}\nmodels:\n{}{}metrics:\n  - {{ name: score, exact: {{}} }}\n",
        model("one"),
        model("other")
    );
    world.write("suite.yaml", &suite);
    let checked = world.run(&["check", "suite.yaml"]).expect(0);
    let told = "the models `one` and `other` are the same but for their names";
    assert!(checked.stderr.contains(told), "{checked:?}");
    world.run_suite("r", &[]).expect(0);
    assert_eq!(server.count(), 40);
    assert_eq!(world.json("reports/test/r/run.json")["counts"]["answered"], 80);
}
