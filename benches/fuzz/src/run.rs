//! The loop: mutate, read, keep what is new; and an eye on the clock.

use std::{
    collections::HashSet,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{mutate::mutate, targets::Target};

/// An input that takes longer is as good as one that never ends.
const TOO_LONG: Duration = Duration::from_secs(10);
/// As much as a program's first thread has, where a command reads what it is given.
const STACK: usize = 8 << 20;
/// Seeds that are kept, at most.
const SEEDS: usize = 4_000;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// For so long.
    pub seconds: Duration,
    /// Or until there were so many inputs on each thread.
    pub inputs: u64,
    /// At once.
    pub threads: usize,
    /// Makes the mutations the same every time; without it they differ.
    pub seed: Option<u64>,
}

/// What came of it when nothing was found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Inputs that were read.
    pub inputs: u64,
    /// Outcomes that differ.
    pub outcomes: usize,
    /// The input that took longest.
    pub slowest: Duration,
}

struct Shared<'a> {
    target: &'a Target,
    folder: PathBuf,
    seeds: Mutex<Vec<Vec<u8>>>,
    outcomes: Mutex<HashSet<String>>,
    inputs: AtomicU64,
    slowest_us: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Option<String>>,
}

/// Reads mutated inputs of a target. `Err` says which input made it panic or take too long.
pub fn fuzz(target: &Target, effort: Effort) -> Result<Found, String> {
    let folder = tempfile::Builder::new().prefix("evalmark-fuzz-").tempdir();
    let folder = folder.map_err(|error| error.to_string())?;
    let seeds = target.seeds.make(folder.path()).map_err(|error| error.to_string())?;
    let shared = Shared {
        target,
        folder: folder.path().to_owned(),
        seeds: Mutex::new(seeds),
        outcomes: Mutex::default(),
        inputs: AtomicU64::new(0),
        slowest_us: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        failure: Mutex::default(),
    };
    thread::scope(|scope| {
        for number in 0..effort.threads.max(1) {
            let shared = &shared;
            let thread = thread::Builder::new().stack_size(STACK);
            let started = thread.spawn_scoped(scope, move || work(shared, number, effort));
            if let Err(error) = started {
                fail(shared, &error.to_string());
            }
        }
    });
    let failure = shared.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = failure {
        let kept = folder.keep();
        return Err(format!("{failure}; the input is in {}", kept.display()));
    }
    Ok(Found {
        inputs: shared.inputs.into_inner(),
        outcomes: shared.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner).len(),
        slowest: Duration::from_micros(shared.slowest_us.into_inner()),
    })
}

fn work(shared: &Shared<'_>, number: usize, effort: Effort) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = effort.seed.unwrap_or(now.as_secs()).wrapping_add(number as u64);
    let mut random = StdRng::seed_from_u64(seed);
    let folder = shared.folder.join(number.to_string());
    let began = Instant::now();
    if let Err(error) = fs::create_dir_all(&folder) {
        fail(shared, &error.to_string());
        return;
    }
    let mut done = 0;
    while done < effort.inputs
        && began.elapsed() < effort.seconds
        && !shared.failed.load(Ordering::Relaxed)
    {
        let input = next(shared, done, &mut random);
        if let Err(failure) = read(shared, &folder, input) {
            fail(shared, &failure);
            return;
        }
        done += 1;
    }
    shared.inputs.fetch_add(done, Ordering::Relaxed);
}

/// The seeds as they are come first.
fn next(shared: &Shared<'_>, done: u64, random: &mut StdRng) -> Vec<u8> {
    let seeds = shared.seeds.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(seed) = usize::try_from(done).ok().and_then(|done| seeds.get(done)) {
        return seed.clone();
    }
    let [one, other] = [0; 2].map(|_| random.random_range(0..seeds.len()));
    mutate(&seeds[one], &seeds[other], shared.target.words, random)
}

/// Has the target read an input, which is in a file while it does.
fn read(shared: &Shared<'_>, folder: &Path, input: Vec<u8>) -> Result<(), String> {
    let kept: io::Result<()> = fs::write(folder.join("input"), &input);
    kept.map_err(|error| error.to_string())?;
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (shared.target.read)(folder, &input)));
    let took = began.elapsed();
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    shared.slowest_us.fetch_max(took_us, Ordering::Relaxed);
    let outcome = outcome.map_err(|_| format!("a panic, in {}", folder.display()))?;
    if took > TOO_LONG {
        return Err(format!("an input took {:.0} s, in {}", took.as_secs_f64(), folder.display()));
    }
    let shape = shape(&outcome);
    let is_new = shared.outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(shape);
    if is_new {
        let mut seeds = shared.seeds.lock().unwrap_or_else(PoisonError::into_inner);
        if seeds.len() < SEEDS {
            seeds.push(input);
        }
    }
    Ok(())
}

/// An outcome without what differs from input to input: its letters, up to some length.
fn shape(outcome: &str) -> String {
    outcome.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(120).collect()
}

fn fail(shared: &Shared<'_>, why: &str) {
    shared.failed.store(true, Ordering::Relaxed);
    let mut failure = shared.failure.lock().unwrap_or_else(PoisonError::into_inner);
    failure.get_or_insert_with(|| why.to_owned());
}
