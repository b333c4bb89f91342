//! `cargo run --release -p evalmark-fuzz -- TARGET SECONDS [THREADS]`: mutates input for one target, or
//! for `all` of them in turn, for so long; ends with 1 at a panic, at an input that takes longer than
//! ten seconds, or at more than 2 GB of memory.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people to read")]

use std::{process::ExitCode, time::Duration};

use evalmark_fuzz::{Effort, Target, fuzz, targets};

/// What the process may use; beyond, it is ended by an allocation that fails.
#[cfg(unix)]
const MEMORY: u64 = 2_000_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((chosen, effort)) = parse(&arguments) else {
        let names: Vec<_> = targets().iter().map(|target| target.name).collect();
        eprintln!("usage: fuzz TARGET|all SECONDS [THREADS]; the targets: {}", names.join(", "));
        return ExitCode::from(2);
    };
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, setrlimit};
        let limited = setrlimit(Resource::RLIMIT_DATA, MEMORY, MEMORY);
        if limited.is_err() {
            eprintln!("the memory cannot be limited here");
        }
    }
    let mut code = ExitCode::SUCCESS;
    for target in chosen {
        match fuzz(target, effort) {
            Ok(found) => println!(
                "{}: {} inputs, {} kinds of outcome, slowest {:.2} s",
                target.name,
                found.inputs,
                found.outcomes,
                found.slowest.as_secs_f64()
            ),
            Err(error) => {
                eprintln!("{}: {error}", target.name);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn parse(arguments: &[String]) -> Option<(Vec<&'static Target>, Effort)> {
    let (name, seconds, threads) = match arguments {
        [name, seconds] => (name, seconds, "1"),
        [name, seconds, threads] => (name, seconds, threads.as_str()),
        _ => return None,
    };
    let chosen: Vec<_> =
        targets().iter().filter(|target| name == "all" || target.name == name).collect();
    let seconds = Duration::from_secs(seconds.parse().ok()?);
    let effort = Effort { seconds, inputs: u64::MAX, threads: threads.parse().ok()?, seed: None };
    (!chosen.is_empty()).then_some((chosen, effort))
}
