//! Plan expansion: reading the dataset, rendering both prompts, hashing each request.

use std::{fmt::Write, fs};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evalmark_core::{
    dataset::{DatasetError, Format, ScratchSpace},
    plan::Plan,
    source::Sources,
    suite::{Readers, Suite},
};

const ITEMS: usize = 10_000;

const SUITE: &str = "\
name: bench
dataset: { path: data.csv, id: id, target: label }
prompts:
  - { name: short, template: '{{ text }}' }
  - { name: long, template: 'Which intent does this message express? Message: {{ text }} Answer:' }
models:
  - { name: small, provider: openai, base_url: 'http://127.0.0.1:1/v1', params: { temperature: 0 } }
metrics:
  - { name: exact, exact: {} }
";

fn expansion(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut csv = "id,text,label\n".to_owned();
    for i in 0..ITEMS {
        writeln!(csv, "i{i},\"I never received order {i}, where is it?\",delivery").expect("text");
    }
    fs::write(folder.path().join("data.csv"), csv).expect("written");
    let path = folder.path().join("suite.yaml");
    fs::write(&path, SUITE).expect("written");
    let no_parquet = |path: &std::path::Path, _: fs::File, _: Format| {
        Err(DatasetError::of_file(path, "no Parquet in this bench"))
    };
    let readers = Readers {
        kinds: evalmark_scoring::catalog(),
        providers: evalmark_harness::providers::catalog(),
        columnar: no_parquet,
        scratch: ScratchSpace::new(tempfile::tempfile),
        roots: &[],
        sources: Sources::NONE,
        receivers: &[],
    };
    let suite = Suite::read(&path, readers).expect("a suite");
    let plan = Plan::new(&suite).expect("a plan");
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(plan.n_samples())).sample_size(20);
    group.bench_function("check", |bencher| {
        bencher.iter(|| Plan::new(&suite).expect("a plan").profile.n_items);
    });
    group.bench_function("expand and hash", |bencher| {
        bencher.iter(|| {
            let samples = plan.by_item(0).expect("opens");
            let hashes = samples.map(|sample| sample.expect("a sample").request.hash());
            hashes.fold(0_u8, |sum, hash| sum ^ hash.0[0])
        });
    });
}

criterion_group!(benches, expansion);
criterion_main!(benches);
