//! Prints what the whole program takes beside a bare loop of requests, in ratios of one run.
//!
//! `cargo run --release -p evalmark-benches --bin harness -- [--evalmark PATH] [--large] [--load …]`; the
//! program is the one that was built into the same folder. `--large` adds a million items; `--load
//! ITEMS AT_ONCE MS`, which may be repeated, measures other loads instead.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::{io, path::PathBuf, process::ExitCode, time::Duration};

use evalmark_benches::harness::{Bench, Load, TABLE, ask};

const USAGE: &str = "usage: harness [--evalmark PATH] [--large] [--load ITEMS AT_ONCE MS]...";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, url, items, at_once] = arguments.as_slice()
        && mode == "--bare"
    {
        return bare(url, items, at_once);
    }
    let mut evalmark = beside();
    let (mut is_large, mut loads) = (false, Vec::new());
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match (argument.as_str(), rest.len()) {
            ("--large", _) => is_large = true,
            ("--load", 3..) => {
                let numbers = rest.by_ref().take(3).map(|number| number.parse());
                let numbers: Vec<u64> = numbers.collect::<Result<_, _>>().unwrap_or_default();
                let [items, at_once, ms] = numbers[..] else {
                    eprintln!("{USAGE}");
                    return ExitCode::from(2);
                };
                loads.push(load(items, at_once, ms));
            }
            ("--evalmark", 1..) => evalmark = rest.next().unwrap_or_default().into(),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    if loads.is_empty() {
        loads = usual(is_large);
    }
    match tell(&evalmark, &loads) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(items: u64, at_once: u64, ms: u64) -> Load {
    Load { items, at_once, service: Duration::from_millis(ms) }
}

fn usual(is_large: bool) -> Vec<Load> {
    let mut loads = vec![
        load(10_000, 64, 0),
        load(100_000, 64, 0),
        load(2_000, 32, 50),
        load(50_000, 1024, 200),
    ];
    if is_large {
        loads.push(load(1_000_000, 64, 0));
    }
    loads
}

fn tell(evalmark: &std::path::Path, loads: &[Load]) -> io::Result<()> {
    let bench = Bench::new(evalmark)?;
    println!("{TABLE}");
    for load in loads {
        println!("{}", bench.measure(*load)?);
    }
    let [version, cached] = bench.starts()?.map(|wall| wall.as_secs_f64() * 1e3);
    println!(
        "\n`evalmark --version`: {version:.1} ms; a cached run of 100 samples: {cached:.1} ms"
    );
    Ok(())
}

fn bare(url: &str, items: &str, at_once: &str) -> ExitCode {
    let (Ok(items), Ok(at_once)) = (items.parse(), at_once.parse()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match ask(url, items, at_once) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The program that was built into the same folder as this one.
fn beside() -> PathBuf {
    let name = format!("evalmark{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe().unwrap_or_default().with_file_name(name)
}
