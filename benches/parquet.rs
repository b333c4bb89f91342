//! Parquet writing: samples per second of `samples.parquet`, scores per second of `scores.parquet`.

use std::{fs::File, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evalmark_core::{
    item::{Item, ItemHash},
    record::{Outcome, Record},
    request::{Message, Request},
    score::Score,
};
use evalmark_report::{
    samples::{Layout, SampleRow, SamplesWriter},
    scores::{ScoreRow, ScoresWriter},
    summary::RunName,
};

const ROWS: u64 = 50_000;

fn item(index: u64) -> Item {
    Item {
        index,
        row: index + 1,
        id: format!("i{index}").into(),
        hash: ItemHash(u128::from(index).to_le_bytes()),
        fields: evalmark_core::fields::Fields::default(),
        targets: Arc::from(["delivery".to_owned()]),
        cluster: None,
        slices: Arc::from([Some("chat".to_owned())]),
    }
}

fn request(index: u64) -> Request {
    let content =
        format!("Which intent does this message express? I never received order {index}.");
    Request::chat("small".into(), [Message::new("user", content)], Arc::default(), 0)
}

fn writing(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let record = Record::recorded("delivery".to_owned());
    let scores = [Score::of(1.0), Score::of(0.0)];
    let rows: Vec<_> = (0..ROWS).map(|i| (item(i), request(i))).collect();
    let mut group = criterion.benchmark_group("parquet");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    group.bench_function("samples", |bencher| {
        bencher.iter(|| {
            let metrics = ["exact".to_owned(), "format".to_owned()];
            let layout = Layout {
                run_id: "r",
                suite: "bench",
                metrics: &metrics,
                slices: &["channel".to_owned()],
            };
            let path = folder.path().join("samples.parquet");
            let mut writer =
                SamplesWriter::create(&path, File::create(&path).expect("a file"), &layout)
                    .expect("a file");
            for (item, request) in &rows {
                let row = SampleRow {
                    prompt: "plain",
                    prompt_hash: "0",
                    model: "small",
                    item,
                    epoch: 0,
                    request,
                    record: &record,
                    outcome: Outcome::Answered,
                    cost_usd: None,
                    scores: &scores,
                    input: r#"{"text":"I never received my order.","intent":"delivery"}"#,
                };
                writer.push(&row).expect("written");
            }
            writer.finish().expect("finished");
        });
    });
    group.bench_function("scores", |bencher| {
        bencher.iter(|| {
            let path = folder.path().join("scores.parquet");
            let run = RunName { run_id: "r", suite: "s" };
            let mut writer = ScoresWriter::create(&path, File::create(&path).expect("a file"), run)
                .expect("a file");
            for (item, _) in &rows {
                let (prompt, model, metric) = ("plain", "small", "exact");
                let score = &scores[0];
                let row = ScoreRow { prompt, model, item, epoch: 0, metric, score };
                writer.push(&row).expect("written");
            }
            writer.finish().expect("finished");
        });
    });
}

criterion_group!(benches, writing);
criterion_main!(benches);
