//! Pages through a run with very many samples; ends with 1 when a page takes too long, or the viewer
//! needs too much memory.
//!
//! `cargo run --release -p evalmark-benches --bin view -- [--evalmark PATH] [--samples N]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::process::ExitCode;

use evalmark_benches::view::{LONGEST, MOST_MEMORY, ViewTrial};

const USAGE: &str = "usage: view [--evalmark PATH] [--samples N]";

fn main() -> ExitCode {
    let Some(trial) = trial(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let times = match trial.run() {
        Ok(times) => times,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let (made_in, file) = (times.made_in.as_secs_f64(), megabytes(times.file_bytes));
    println!("{} samples, {file} of Parquet, made in {made_in:.0} s.\n", trial.samples);
    println!("| page | longest of 3 | size |\n| --- | --- | --- |");
    for page in &times.pages {
        let (ms, bytes) = (page.longest.as_millis(), page.bytes);
        println!("| `{}` | {ms} ms | {bytes} B |", page.path);
    }
    let told = |bytes: Option<u64>| bytes.map_or("not known".to_owned(), megabytes);
    println!(
        "\nMemory at most {}; at the end {} besides mapped files. At most {} ms and {} are allowed.",
        told(times.memory),
        told(times.own_memory),
        LONGEST.as_millis(),
        megabytes(MOST_MEMORY)
    );
    if times.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
