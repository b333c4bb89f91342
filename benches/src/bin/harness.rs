//! Prints what the whole program takes beside a bare loop of requests, in ratios of one run.
//!
//! `cargo run --release -p evalmark-benches --bin harness -- [--evalmark PATH] [--large] [--load …]`; the
//! program is the one that was built into the same folder. `--large` adds a million items; `--load
//! ITEMS AT_ONCE MS`, which may be repeated, measures other loads instead.
//!
//! With `--cores` it prints how the program scales with cores: asking as above; `evalmark run` over a million recorded
//! answers with ten scores each, on more and more cores, with the time of each stage's thread; and `evalmark
//! gate` over such runs beside polars reading the same columns. `--scoring ITEMS METRICS` and `--gate ITEMS
//! METRICS SLICES`, which may be repeated, measure other runs instead. The Python of `--python PATH` must have
//! the package polars.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::{io, path::PathBuf, process::ExitCode, time::Duration};

use evalmark_benches::harness::{Bench, GATES, GateLoad, Load, SCORING, TABLE, ask};

const USAGE: &str = "usage: harness [--evalmark PATH] [--large] [--load ITEMS AT_ONCE MS]...
       harness --cores [--evalmark PATH] [--python PATH] [--load ITEMS AT_ONCE MS]...
               [--scoring ITEMS METRICS]... [--gate ITEMS METRICS SLICES]...";

/// What the command line asks for.
struct Wanted {
    evalmark: PathBuf,
    python: PathBuf,
    is_large: bool,
    of_cores: bool,
    loads: Vec<Load>,
    scorings: Vec<GateLoad>,
    gates: Vec<GateLoad>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, url, items, at_once] = arguments.as_slice()
        && mode == "--bare"
    {
        return bare(url, items, at_once);
    }
    let Some(mut wanted) = Wanted::read(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    wanted.fill();
    let told = if wanted.of_cores { tell_cores(&wanted) } else { tell(&wanted) };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Wanted {
    fn read(arguments: Vec<String>) -> Option<Self> {
        let mut wanted = Self {
            evalmark: beside(),
            python: "python3".into(),
            is_large: false,
            of_cores: false,
            loads: Vec::new(),
            scorings: Vec::new(),
            gates: Vec::new(),
        };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--large" => wanted.is_large = true,
                "--cores" => wanted.of_cores = true,
                "--evalmark" => wanted.evalmark = rest.next()?.into(),
                "--python" => wanted.python = rest.next()?.into(),
                "--load" => {
                    let [items, at_once, ms] = numbers(&mut rest)?;
                    wanted.loads.push(load(items, at_once, ms));
                }
                "--scoring" => {
                    let [items, metrics] = numbers(&mut rest)?;
                    wanted.scorings.push(of_items([items, metrics, 0])?);
                }
                "--gate" => {
                    wanted.gates.push(of_items(numbers(&mut rest)?)?);
                }
                _ => return None,
            }
        }
        Some(wanted)
    }

    /// Where nothing is named: the usual.
    fn fill(&mut self) {
        let is_any = !(self.loads.is_empty() && self.scorings.is_empty() && self.gates.is_empty());
        if is_any {
            return;
        }
        let million = |slices| GateLoad { items: 1_000_000, metrics: 10, slices };
        self.scorings = vec![million(0)];
        self.gates = vec![million(0), million(7)];
        self.loads = if self.of_cores { all_cores(self.is_large) } else { usual(self.is_large) };
    }
}

/// The next few numbers.
fn numbers<const N: usize>(rest: &mut impl Iterator<Item = String>) -> Option<[u64; N]> {
    let numbers: Option<Vec<u64>> = rest.take(N).map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

fn of_items([items, metrics, slices]: [u64; 3]) -> Option<GateLoad> {
    let (metrics, slices) = (usize::try_from(metrics).ok()?, usize::try_from(slices).ok()?);
    Some(GateLoad { items, metrics, slices })
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

/// Loads that keep all cores busy, and the one that keeps thousands of requests waiting.
fn all_cores(is_large: bool) -> Vec<Load> {
    let mut loads = vec![load(200_000, 256, 0), load(50_000, 4096, 200)];
    if is_large {
        loads.push(load(1_000_000, 256, 0));
    }
    loads
}

fn tell_cores(wanted: &Wanted) -> io::Result<()> {
    let bench = Bench::new(&wanted.evalmark)?;
    println!("on {} cores", std::thread::available_parallelism()?);
    if !wanted.loads.is_empty() {
        println!("\n{TABLE}");
    }
    for load in &wanted.loads {
        println!("{}", bench.measure(*load)?);
    }
    for load in &wanted.scorings {
        println!("\nrun, {} recorded answers, {} metrics\n\n{SCORING}", load.items, load.metrics);
        bench.measure_scoring(*load, |measured| println!("{measured}"))?;
    }
    if !wanted.gates.is_empty() {
        println!("\n{GATES}");
    }
    for load in &wanted.gates {
        println!("{}", bench.measure_gate(*load, &wanted.python)?);
    }
    Ok(())
}

fn tell(wanted: &Wanted) -> io::Result<()> {
    let bench = Bench::new(&wanted.evalmark)?;
    println!("{TABLE}");
    for load in &wanted.loads {
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
