//! Prints the error rates of verdicts as a table; ends with 1 when one is not within tolerance.
//!
//! `cargo run --release -p evalmark-benches --bin error-rates -- [--quick] [--seed N] [--only WORD]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::{process::ExitCode, time::Instant};

use evalmark_benches::{DELAY_HEAD, Effort, HEAD, Settings, simulate, simulate_delays};

const USAGE: &str = "usage: error-rates [--quick] [--seed N] [--only WORD]";

fn main() -> ExitCode {
    let Some(settings) = settings(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let started = Instant::now();
    println!("Seed {}.\n\n{HEAD}", settings.seed);
    let (mut rows, mut failed) = (0, 0);
    simulate(&settings, |row| {
        println!("{row}");
        rows += 1;
        failed += u32::from(!row.holds());
    });
    let mut delays = Vec::new();
    simulate_delays(&settings, |delay| delays.push(delay.to_string()));
    if !delays.is_empty() {
        println!("\nDays from a drop to its alarm:\n\n{DELAY_HEAD}\n{}", delays.join("\n"));
    }
    println!("\n{rows} rates, {failed} of them not within tolerance.");
    eprintln!("{:.0} seconds", started.elapsed().as_secs_f64());
    if failed == 0 && rows > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn settings(mut arguments: impl Iterator<Item = String>) -> Option<Settings> {
    let mut settings = Settings { effort: Effort::Full, seed: 1, only: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => settings.effort = Effort::Quick,
            "--seed" => settings.seed = arguments.next()?.parse().ok()?,
            "--only" => settings.only = Some(arguments.next()?),
            _ => return None,
        }
    }
    Some(settings)
}
