//! Prints how often the whole program is wrong; ends with 1 when a rate is not within tolerance.
//!
//! `cargo run --release -p evalmark-benches --bin end-to-end -- [--evalmark PATH] [--seed N] [--trials N]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::{path::PathBuf, process::ExitCode, time::Instant};

use evalmark_benches::{HEAD, end_to_end::Trials};

const USAGE: &str = "usage: end-to-end [--evalmark PATH] [--seed N] [--trials N]";

fn main() -> ExitCode {
    let Some(trials) = trials(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let started = Instant::now();
    let rows = match trials.run() {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    println!("Seed {}.\n\n{HEAD}", trials.seed);
    for row in &rows {
        println!("{row}");
    }
    eprintln!("{:.0} seconds", started.elapsed().as_secs_f64());
    if rows.iter().all(evalmark_benches::Row::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn trials(mut arguments: impl Iterator<Item = String>) -> Option<Trials> {
    let mut trials = Trials { evalmark: beside(), seed: 1, trials: 200 };
    while let Some(argument) = arguments.next() {
        let value = arguments.next()?;
        match argument.as_str() {
            "--evalmark" => trials.evalmark = value.into(),
            "--seed" => trials.seed = value.parse().ok()?,
            "--trials" => trials.trials = value.parse().ok().filter(|&n| n > 0)?,
            _ => return None,
        }
    }
    Some(trials)
}

/// The program that was built into the same folder as this one.
fn beside() -> PathBuf {
    let name = format!("evalmark{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe().unwrap_or_default().with_file_name(name)
}
