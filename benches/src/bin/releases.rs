//! Makes a folder of signed releases and an audit log, and prints how long `evalmark release status|verify` and
//! `evalmark audit verify|show` take on them.
//!
//! `cargo build --release -p evalmark -p evalmark-benches`, then
//! `target/release/releases [--evalmark PATH] [--releases N] [--audit-entries N]`:
//!
//! - `--evalmark`: the program; default: the one in the folder of this one.
//! - `--releases`: how many there are of one environment; default: 10,000.
//! - `--audit-entries`: how many lines the log has; default: 100,000.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for people to read")]

use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use evalmark_core::verdict::Answer;
use evalmark_store::{
    attestation::{Envelope, Resource, Statement, TestResult},
    audit::{AuditAction, AuditEntry, AuditLog, AuditSubject, Who},
    releases::{
        EnvironmentState, RELEASE_FORMAT, ReleaseAction, ReleaseFile, ReleaseRecord, ReleasedFile,
        ReleasedModel, ReleasedPrompt, ReleasesFolder, sha256_hex,
    },
    signing::SigningKey,
};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: releases [--evalmark PATH] [--releases N] [--audit-entries N]";

/// Prompts that the releases are of.
const PROMPTS: u64 = 50;

/// A key that signs nothing else.
const KEY: &str = include_str!("../../../crates/store/tests/keys/ssh-ed25519");
const PUBLIC_KEY: &str = include_str!("../../../crates/store/tests/keys/ssh-ed25519.pub");

fn main() -> ExitCode {
    match measured() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn measured() -> Result<()> {
    let (mut program, mut n_releases, mut n_entries) = (beside(), 10_000_u64, 100_000_u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or("a value is missing")?;
        match argument.as_str() {
            "--evalmark" => program = fs::canonicalize(value)?,
            "--releases" => n_releases = value.parse()?,
            "--audit-entries" => n_entries = value.parse()?,
            _ => return Err("an argument is unknown".into()),
        }
    }
    let released = tempfile::tempdir()?;
    make(released.path(), n_releases)?;
    for command in ["status", "verify"] {
        let seconds = median(&program, released.path(), &["release", command])?;
        println!("{n_releases} releases, {command}: {seconds:.2} s (median of 5)");
    }
    let logged = tempfile::tempdir()?;
    make_log(logged.path(), n_entries)?;
    for command in [&["verify"][..], &["show"], &["show", "--action", "override"]] {
        let seconds = median(&program, logged.path(), &[&["audit"], command].concat())?;
        let command = command.join(" ");
        println!("{n_entries} entries of the audit log, {command}: {seconds:.2} s (median of 5)");
    }
    Ok(())
}

/// Seconds that a command takes: the median of five.
fn median(program: &Path, world: &Path, arguments: &[&str]) -> Result<f64> {
    let mut seconds = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let output = Command::new(program).current_dir(world).args(arguments).output()?;
        seconds.push(started.elapsed().as_secs_f64());
        if !output.status.success() {
            let told = [output.stdout, output.stderr].concat();
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&told)).into());
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[2])
}

/// An audit log of gates, some of them overridden, as `evalmark` writes it.
fn make_log(world: &Path, n_entries: u64) -> Result<()> {
    let path = AuditLog::start(world)?.path().to_owned();
    let mut file = BufWriter::new(File::create(path)?);
    let mut previous = Vec::new();
    for seq in 1..=n_entries {
        let is_override = seq % 100 == 0;
        let evidence = [("verdict", "regressed"), ("run.json", &*format!("blake3:{seq:064x}"))];
        let evidence = evidence.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut entry = AuditEntry {
            seq,
            time: "2026-01-01T00:00:00Z".parse()?,
            who: Who::default(),
            action: if is_override { AuditAction::Override } else { AuditAction::Gate },
            subject: AuditSubject { suite: Some("suite".to_owned()), ..AuditSubject::default() },
            evidence: evidence.into(),
            previous: std::mem::take(&mut previous),
            hash: String::new(),
        };
        // The hash is that of the line without it.
        let line = serde_json::to_string(&entry)?;
        let body = line.strip_suffix(",\"hash\":\"\"}").ok_or("the hash comes last")?;
        entry.hash = sha256_hex(format!("{body}}}").as_bytes());
        writeln!(file, "{}", serde_json::to_string(&entry)?)?;
        previous.push(entry.hash);
    }
    Ok(file.flush()?)
}

/// The folder of releases, each of another text.
fn make(world: &Path, n_releases: u64) -> Result<()> {
    let folder = ReleasesFolder::new(&world.join("releases"));
    fs::create_dir_all(folder.path.join("production"))?;
    fs::write(folder.path.join("allowed_signers"), format!("ada {PUBLIC_KEY}"))?;
    fs::write(world.join("policy.yaml"), "releases: { environments: { production: {} } }\n")?;
    let key = SigningKey::parse(KEY.as_bytes())?;
    let mut previous = None;
    for release in 1..=n_releases {
        let record = record(&folder, release, previous)?;
        let sign = |sha256: &str| -> Result<Option<Value>> {
            let prompt = record.prompts.values().flatten().next().ok_or("a prompt")?;
            let subject = Resource::with_digest("a.md", "sha256", &*prompt.files[0].sha256);
            let about = Resource::with_digest("release", "sha256", sha256);
            let result = TestResult::of_answers([("suite/exact", Answer::Pass)], vec![about])?;
            let mut envelope = Envelope::new(&Statement::new(vec![subject], result));
            envelope.sign(&key)?;
            Ok(Some(serde_json::from_str(&envelope.to_json())?))
        };
        let text = serde_json::to_string(&ReleaseFile::new(&record, sign)??)? + "\n";
        fs::write(folder.release_file("production", release), &text)?;
        previous = Some(sha256_hex(text.as_bytes()));
    }
    let state: EnvironmentState = folder.state("production")?;
    let text = serde_json::to_string_pretty(&state)? + "\n";
    Ok(fs::write(folder.state_file("production"), text)?)
}

fn record(
    folder: &ReleasesFolder,
    release: u64,
    previous: Option<String>,
) -> Result<ReleaseRecord> {
    let text = format!("---\ndescription: a prompt\n---\nText {release}\n");
    let sha256 = sha256_hex(text.as_bytes());
    let place = folder.path.join("objects").join(&sha256[..2]);
    fs::create_dir_all(&place)?;
    fs::write(place.join(&sha256[2..]), text)?;
    let prompt = ReleasedPrompt {
        hash: format!("{release:032x}"),
        files: vec![ReleasedFile { path: "a.md".to_owned(), sha256 }],
        model: ReleasedModel::default(),
        evidence: Vec::new(),
        proposed_by: "Ada".to_owned(),
        proposed_at: "2026-01-01T00:00:00Z".to_owned(),
    };
    let name = format!("prompt-{}", release % PROMPTS);
    Ok(ReleaseRecord {
        format_version: RELEASE_FORMAT,
        environment: "production".to_owned(),
        release,
        previous,
        action: ReleaseAction::Promote { proposal: sha256_hex(b"proposal") },
        prompts: BTreeMap::from([(name, Some(prompt))]),
        approvals: Vec::new(),
        released_by: "Ada".to_owned(),
        released_at: "2026-01-01T00:00:00Z".to_owned(),
        reason: None,
        audit: None,
    })
}

/// The program that was built into the same folder as this one.
fn beside() -> PathBuf {
    let name = format!("evalmark{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe().unwrap_or_default().with_file_name(name)
}
