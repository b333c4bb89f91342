//! Pages through a run with very many samples, compares two, and writes the page of one, and prints
//! what each took as one table; ends with 1 when a page takes too long, or too much memory.
//!
//! `cargo run --release -p evalmark-benches --bin view -- [--evalmark PATH] [--samples N]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::process::ExitCode;

use evalmark_benches::view::{LONGEST, MOST_MEMORY, Measured, ViewTrial};

const USAGE: &str = "usage: view [--evalmark PATH] [--samples N]";

fn main() -> ExitCode {
    let Some(trial) = trial(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let measured = match trial.run() {
        Ok(measured) => measured,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let told = |bytes: Option<u64>| {
        bytes.map_or("–".to_owned(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6))
    };
    println!("Two runs of {} samples.\n", trial.samples);
    println!("| what | time | size | memory so far | |\n| --- | ---: | ---: | ---: | --- |");
    for one in &measured {
        let (ms, size, memory) = (one.took.as_millis(), told(one.bytes), told(one.memory));
        let mark = if one.holds() { "" } else { "too much" };
        println!("| `{}` | {ms} ms | {size} | {memory} | {mark} |", one.what);
    }
    println!(
        "\nPages: the longest of 3 times; at most {} ms and {} are allowed.",
        LONGEST.as_millis(),
        told(Some(MOST_MEMORY))
    );
    if measured.iter().all(Measured::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn trial(mut arguments: impl Iterator<Item = String>) -> Option<ViewTrial> {
    let mut trial = ViewTrial { evalmark: beside(), samples: 1_000_000 };
    while let Some(argument) = arguments.next() {
        let value = arguments.next()?;
        match argument.as_str() {
            "--evalmark" => trial.evalmark = std::path::absolute(value).ok()?,
            "--samples" => trial.samples = value.parse().ok().filter(|&n| n >= 100)?,
            _ => return None,
        }
    }
    Some(trial)
}

/// The program that was built into the same folder as this one.
fn beside() -> std::path::PathBuf {
    let name = format!("evalmark{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe().unwrap_or_default().with_file_name(name)
}
