//! Logs of production: lines per second that are parsed alone, that a monitor reads, scores by three cheap metrics and stores,
//! and records per second that its status shows. The first is the floor of the second.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evalmark_core::files::FileAccess;
use evalmark_integrations::logs::{LogFiles, LogFilesOptions};
use evalmark_runner::{
    Host, Monitor, MonitorOptions, MonitorStatusOptions, Notice, Notices, Permissions, Secrets,
    monitor_status,
};
use serde_json::{Value, json};

const LINES: u64 = 100_000;

const SUITE: &str = "\
name: bench
dataset: { path: data.csv, id: id }
prompts: [ { name: plain, template: '{{ text }}' } ]
models: [ { name: kept, provider: recorded, recorded: { column: answer } } ]
metrics:
  - { name: brief, length_within: { unit: words, max: 40 } }
  - { name: answers, not: true, refusal: {} }
  - { name: private, pii: { kinds: [email, phone, card] } }
logs:
  fields: { id: $.id, time: $.at, output: $.response.text, variables: { text: $.ask }, model: $.model, cluster: $.user }
";

struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _: &str) -> Option<String> {
        None
    }
}

fn log() -> String {
    let mut text = String::new();
    for i in 0..LINES {
        let (day, second) = (1 + i / 5_000, i % 5_000);
        let line = json!({
            "id": format!("r{i}"), "user": format!("u{}", i * 7 % 10_000), "model": "small-2026-11-01",
            "at": format!("2026-10-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60),
            "ask": format!("Where is parcel {i}, which I ordered last week?"),
            "response": { "text": format!("Parcel {i} left the warehouse this morning. {}", "It will be there soon. ".repeat((i % 7) as usize)) },
        });
        writeln!(text, "{line}").expect("memory");
    }
    text
}

fn read(folder: &Path, out: &Path, host: &Host<'_>) -> u64 {
    let options = MonitorOptions { suite: folder.join("suite.yaml"), out: out.to_owned() };
    let mut monitor = Monitor::open(&options, host).expect("a monitor");
    let places: [PathBuf; 1] = [folder.join("app.jsonl")];
    let access = FileAccess::unlimited();
    let positions = monitor.positions();
    let options =
        LogFilesOptions { places: &places, access, positions, follow: false, now: 1_793_000_000 };
    let mut files = LogFiles::open(options).expect("a log");
    monitor.read(&mut files, &mut |_| ()).expect("read").counts.kept
}

fn monitoring(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = log();
    fs::write(folder.path().join("suite.yaml"), SUITE).expect("written");
    fs::write(folder.path().join("data.csv"), "id,text,answer\n1,Where?,Here.\n").expect("written");
    fs::write(folder.path().join("app.jsonl"), &lines).expect("written");
    let hear = |_: &Notice<'_>| ();
    let permissions = Permissions::default();
    let host = Host::new(Notices::new(&hear), &NoSecrets, &permissions);
    let mut group = criterion.benchmark_group("monitor");
    group.throughput(Throughput::Elements(LINES)).sample_size(10);
    group.bench_function("parse alone, on one core", |bencher| {
        bencher.iter(|| {
            let parsed = lines.lines().map(serde_json::from_str::<Value>);
            parsed.filter(|one| one.as_ref().is_ok_and(|line| line["id"].is_string())).count()
        });
    });
    let out = folder.path().join("reports");
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            drop(fs::remove_dir_all(&out));
            assert_eq!(read(folder.path(), &out, &host), LINES);
        });
    });
    let options = MonitorStatusOptions::of(&folder.path().join("suite.yaml"), &out);
    group.bench_function("status", |bencher| {
        bencher.iter(|| monitor_status(&options, &host).expect("a status").state.counts.kept);
    });
    group.finish();
}

criterion_group!(benches, monitoring);
criterion_main!(benches);
