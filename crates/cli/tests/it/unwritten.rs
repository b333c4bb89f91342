//! Results that cannot be written: a full disk behind stdout is an error, a reader who has seen enough
//! is none.

use std::{
    fs::File,
    process::{Output, Stdio},
};

use evalmark_loopback::Server;

use crate::setup::{World, right};

/// Runs the program with its stdout there.
fn output(world: &World, arguments: &[&str], stdout: Stdio) -> Output {
    let mut command = world.command(arguments);
    command.stdout(stdout).stderr(Stdio::piped());
    command.spawn().and_then(std::process::Child::wait_with_output).expect("the program starts")
}

/// Every command that prints, whatever it prints, in an order in which each finds what it needs.
const COMMANDS: [&[&str]; 25] = [
    &["--help"],
    &["run", "--help"],
    &["--version"],
    &["completions", "bash"],
    &["schema", "suite"],
    &["check", "suite.yaml"],
    &["check", "suite.yaml", "--permissions"],
    &["plan", "suite.yaml"],
    &["run", "suite.yaml", "--run-id", "a"],
    &["run", "suite.yaml", "--run-id", "b", "--format", "json"],
    &["show", "latest"],
    &["show", "latest", "--format", "json"],
    &["export-answers", "latest"],
    &["score", "latest"],
    &["resume", "latest"],
    &["report", "latest"],
    &["baseline", "promote", "latest~1", "main"],
    &["baseline", "list"],
    &["baseline", "show", "main"],
    &["compare", "latest"],
    &["diff", "main", "latest"],
    &["runs"],
    &["cache", "info"],
    &["cache", "prune", "--all"],
    &["view"],
];

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_an_error() {
    let (world, server) = (World::new(6), Server::start(right));
    world.suite(&server.url(), "");
    for arguments in COMMANDS {
        let full = File::options().write(true).open("/dev/full").expect("a full disk");
        let output = output(&world, arguments, full.into());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {told}");
        let expected = "error: the results cannot be written to stdout\n  caused by: No space left";
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
    // What the run left on disk is whole.
    world.run(&["show", "test:latest"]).expect(0);
    // A verdict on what cannot be told is no better than incomplete, and what is worse stays.
    for (arguments, code) in [
        (&["gate", "latest", "--baseline", "main"][..], 4),
        (&["trend", "test"], 4),
        (&["gate", "latest", "--baseline", "nope"], 4),
        (&["show", "nope"], 2),
    ] {
        let full = File::options().write(true).open("/dev/full").expect("a full disk");
        let output = output(&world, arguments, full.into());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}

/// `evalmark … | head -1`.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let (world, server) = (World::new(6), Server::start(right));
    world.suite(&server.url(), "");
    for arguments in COMMANDS.into_iter().filter(|arguments| arguments[0] != "view") {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = output(&world, arguments, writer.into());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {told}");
        assert!(!told.contains("error"), "{arguments:?}: {told}");
    }
}
