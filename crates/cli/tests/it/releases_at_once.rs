//! Releases that two people make at once, and releases that are killed: one wins, the other is told, and nothing is half
//! written.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    aborted::{at_every_change, copy_of},
    releases::{gated, promote, propose, released, told, world},
    setup::World,
};

/// The number of the release that an environment has, once for all who read it.
fn release(world: &World) -> u64 {
    let status = world.run(&["release", "status", "staging", "--format", "json"]).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    status["environments"][0]["release"].as_u64().expect("a number")
}

/// A prompt that is released, and its next text, which is proposed.
fn proposed() -> World {
    let world = released();
    world.write("prompts/fragments/labels.j2", "Answer with one word.");
    let run = gated(&world, "r2");
    propose(&world, "staging", &run).expect(0);
    world
}

#[test]
fn of_two_processes_that_promote_one_proposal_one_wins() {
    for _ in 0..4 {
        let world = proposed();
        let start = || {
            let mut command =
                world.command(&["release", "promote", "support/intent", "--to", "staging"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("the program starts")
        };
        let both = [start(), start()].map(|child| child.wait_with_output().expect("an end"));
        let mut codes = both.each_ref().map(|output| output.status.code());
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(2)], "{both:?}");
        let loser = both.iter().find(|output| output.status.code() == Some(2)).expect("a loser");
        let said = String::from_utf8_lossy(&loser.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("nothing is proposed") && said.contains("release 2 of"), "{said}");
        assert_eq!(release(&world), 2);
        world.run(&["release", "verify"]).expect(0);
    }
}

#[test]
fn a_killed_promotion_is_there_or_not() {
    let world = proposed();
    let arguments = ["release", "promote", "support/intent", "--to", "staging"];
    at_every_change(&world, &arguments, |world, place| {
        let now = release(world);
        assert!(now == 1 || now == 2, "{place}: release {now}");
        // The same command ends what was begun, whatever that was.
        let again = promote(world, "staging");
        assert!(again.code == Some(0) || now == 2, "{place}: {again:?}");
        assert_eq!(release(world), 2, "{place}");
        world.run(&["release", "verify"]).expect(0);
        let left = fs::read_dir(world.path("releases/proposals/staging")).expect("a folder");
        assert_eq!(left.count(), 0, "{place}");
    });
}

#[test]
fn a_killed_proposal_is_there_or_not() {
    let world = world();
    let run = gated(&world, "r1");
    let arguments = ["release", "propose", "support/intent", "--to", "staging", "--run", &run];
    at_every_change(&world, &arguments, |world, place| {
        world.run(&["release", "verify"]).expect(0);
        propose(world, "staging", &run).expect(0);
        promote(world, "staging").expect(0);
        assert_eq!(release(world), 1, "{place}");
        world.run(&["release", "verify"]).expect(0);
    });
}

#[test]
fn a_killed_way_back_is_gone_or_not() {
    let world = proposed();
    promote(&world, "staging").expect(0);
    let arguments = ["release", "rollback", "staging", "--to", "1", "--restore"];
    at_every_change(&world, &arguments, |world, place| {
        let now = release(world);
        assert!(now == 2 || now == 3, "{place}: release {now}");
        // The same command ends what was begun, and writes the library, too.
        let again = world.run(&arguments);
        assert!(again.code == Some(0) || now == 3, "{place}: {again:?}");
        assert_eq!(release(world), 3, "{place}");
        let text = String::from_utf8(world.bytes("prompts/fragments/labels.j2")).expect("text");
        assert_eq!(text, "Answer with money, delivery or login.", "{place}");
        let log = String::from_utf8(world.bytes("releases/audit.jsonl")).expect("text");
        assert_eq!(log.matches("\"action\":\"rollback\"").count(), 1, "{place}: {log}");
        world.run(&["release", "verify"]).expect(0);
        world.run(&["audit", "verify"]).expect(0);
    });
}

fn git(folder: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "pull.rebase=false"]).args(arguments);
    let output = command.output().expect("git starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[track_caller]
fn git_ok(folder: &std::path::Path, arguments: &[&str]) {
    let (done, said) = git(folder, arguments);
    assert!(done, "git {arguments:?}: {said}");
}

#[test]
fn of_two_clones_that_release_one_pushes() {
    let ours = proposed();
    let folder = ours.folder.path();
    ours.write(".gitignore", "cache\n");
    git_ok(folder, &["init", "-q"]);
    git_ok(folder, &["add", "."]);
    git_ok(folder, &["commit", "-qm", "proposed"]);
    let shared = tempfile::tempdir().expect("a folder");
    git_ok(folder, &["init", "-q", "--bare", shared.path().to_str().expect("a path")]);
    git_ok(folder, &["remote", "add", "origin", shared.path().to_str().expect("a path")]);
    git_ok(folder, &["push", "-q", "origin", "main"]);
    let theirs = copy_of(&ours);
    for world in [&ours, &theirs] {
        promote(world, "staging").expect(0);
        git_ok(world.folder.path(), &["add", "."]);
        git_ok(world.folder.path(), &["commit", "-qm", "released"]);
        // Two clones rarely release in one second.
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    git_ok(folder, &["push", "-q", "origin", "main"]);
    let (pushed, _) = git(theirs.folder.path(), &["push", "-q", "origin", "main"]);
    assert!(!pushed, "the second must not win");
    let (merged, said) = git(theirs.folder.path(), &["pull", "-q", "origin", "main"]);
    assert!(!merged, "{said}");
    let said = told(&theirs.run(&["release", "verify"]).expect(4));
    assert!(said.contains("the marks of a conflict that git left"), "{said}");
    let said = told(&theirs.run(&["release", "status"]).expect(4));
    assert!(said.contains("two people released at once"), "{said}");
    git_ok(theirs.folder.path(), &["merge", "--abort"]);
    git_ok(theirs.folder.path(), &["reset", "-q", "--hard", "origin/main"]);
    theirs.run(&["release", "verify"]).expect(0);
    assert_eq!(theirs.bytes("releases/staging.json"), ours.bytes("releases/staging.json"));
}
