//! Prints what the fuzzy metrics take beside Python's rapidfuzz, on the same pairs of 2,000 characters
//! in the same run; ends with 1 where they do not have the same scores.
//!
//! `cargo run --release -p evalmark-benches --bin likeness -- [--python PATH]`; that Python must have
//! the package rapidfuzz.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::{path::PathBuf, process::ExitCode};

use evalmark_benches::likeness::compare;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let python = match arguments.as_slice() {
        [] => "python3".into(),
        [flag, path] if flag == "--python" => PathBuf::from(path),
        _ => {
            eprintln!("usage: likeness [--python PATH]");
            return ExitCode::from(2);
        }
    };
    let (version, rows) = match compare(&python) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("| algorithm | pairs | evalmark | rapidfuzz {version} | ratio | scores |");
    println!("| --- | --- | ---: | ---: | ---: | --- |");
    for row in &rows {
        println!(
            "| {} | {} | {:.1} µs | {:.1} µs | {:.2} | {} |",
            row.algorithm,
            row.pairs,
            row.evalmark / 1e3,
            row.rapidfuzz / 1e3,
            row.evalmark / row.rapidfuzz,
            if row.is_equal { "equal" } else { "DIFFER" },
        );
    }
    let are_equal = rows.iter().all(|row| row.is_equal);
    if are_equal && !rows.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
