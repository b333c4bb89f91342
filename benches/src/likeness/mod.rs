//! The fuzzy metrics beside Python's rapidfuzz: the same pairs, in turns, and the same scores.

mod pairs;

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use evalmark_scoring::{Metric, Subject};
use serde::Deserialize;
use serde_json::json;

use crate::metric::metric;
use pairs::{Pair, SETS};

/// How often the two take turns; the quickest turn of each counts.
const TURNS: usize = 5;
/// How long one turn measures one algorithm on one set of pairs.
const TURN: Duration = Duration::from_millis(50);
/// How far scores may differ.
const CLOSE: f64 = 1e-9;

const SCRIPT: &str = include_str!("rapidfuzz.py");

/// What one algorithm took on one set of pairs.
#[derive(Debug)]
pub struct Compared {
    /// As suites name it.
    pub algorithm: String,
    /// What the pairs are like.
    pub pairs: &'static str,
    /// Nanoseconds a pair.
    pub evalmark: f64,
    /// The same of Python's rapidfuzz.
    pub rapidfuzz: f64,
    /// Whether every pair has the same score.
    pub is_equal: bool,
}

#[derive(Deserialize)]
struct Found {
    version: String,
    found: BTreeMap<String, Vec<Turn>>,
}

/// One algorithm on one set of pairs.
#[derive(Deserialize)]
struct Turn {
    nanoseconds: f64,
    scores: Vec<f64>,
}

/// Lets the metrics and `python`, which must have rapidfuzz, take turns on pairs of texts of 2,000
/// characters. With the rows comes rapidfuzz's version.
pub fn compare(python: &Path) -> io::Result<(String, Vec<Compared>)> {
    let folder = tempfile::tempdir()?;
    let (script, data) = (folder.path().join("rapidfuzz_timed.py"), folder.path().join("pairs"));
    let sets: Vec<Vec<Pair>> = SETS.iter().map(|(_, make)| pairs::set(*make)).collect();
    fs::write(&script, SCRIPT)?;
    fs::write(&data, serde_json::to_vec(&sets)?)?;
    let mut theirs = asked(python, &script, &data)?;
    let mut ours = measured(&sets, &theirs);
    for _ in 1..TURNS {
        quickest(&mut theirs.found, asked(python, &script, &data)?.found);
        let again = measured(&sets, &theirs);
        quickest(&mut ours, again);
    }
    let rows = theirs.found.into_iter().flat_map(|(algorithm, turns)| {
        let ours = ours.remove(&algorithm).unwrap_or_default();
        let sets = SETS.iter().zip(ours.into_iter().zip(turns));
        let row = |((pairs, _), (ours, theirs)): ((&'static str, _), (Turn, Turn))| Compared {
            algorithm: algorithm.clone(),
            pairs,
            evalmark: ours.nanoseconds,
            rapidfuzz: theirs.nanoseconds,
            is_equal: ours.scores.iter().zip(theirs.scores).all(|(a, b)| (a - b).abs() < CLOSE),
        };
        sets.map(|((name, make), turns)| row(((*name, *make), turns))).collect::<Vec<_>>()
    });
    Ok((theirs.version, rows.collect()))
}

fn asked(python: &Path, script: &Path, data: &Path) -> io::Result<Found> {
    let output = Command::new(python)
        .args([script, data])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        let why = "ended with an error: is rapidfuzz installed?";
        return Err(io::Error::other(format!("{} {why}", python.display())));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn measured(sets: &[Vec<Pair>], theirs: &Found) -> BTreeMap<String, Vec<Turn>> {
    let of = |algorithm: &String| {
        // As rapidfuzz does, which changes nothing before it compares.
        let metric = metric("fuzzy", json!({ "algorithm": algorithm, "normalize": [] }))?;
        Some((algorithm.clone(), sets.iter().map(|pairs| turn(&metric, pairs)).collect()))
    };
    theirs.found.keys().filter_map(of).collect()
}

fn turn(metric: &Metric, pairs: &[Pair]) -> Turn {
    let score = |(answer, target): &Pair| {
        metric.score(Subject::of_texts(answer, std::slice::from_ref(target))).value
    };
    let scores = pairs.iter().map(|pair| score(pair).unwrap_or(f64::NAN)).collect();
    let (mut rounds, start) = (0_u32, Instant::now());
    while start.elapsed() < TURN {
        for pair in pairs {
            std::hint::black_box(score(pair));
        }
        rounds += 1;
    }
    let each = start.elapsed().as_secs_f64() / f64::from(rounds) / pairs.len() as f64;
    Turn { nanoseconds: 1e9 * each, scores }
}

/// Keeps the quicker turn of each.
fn quickest(best: &mut BTreeMap<String, Vec<Turn>>, again: BTreeMap<String, Vec<Turn>>) {
    for (algorithm, turns) in again {
        for (best, turn) in best.get_mut(&algorithm).into_iter().flatten().zip(turns) {
            best.nanoseconds = best.nanoseconds.min(turn.nanoseconds);
        }
    }
}
