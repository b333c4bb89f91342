//! What is written can be read back; the same rows give the same bytes.

use std::{
    fs::{self, File},
    path::Path,
};

use evalmark_core::{
    estimate::Estimate,
    metric::{Direction, Range},
    record::Outcome,
    score::Score,
};
use evalmark_report::{
    ReadError, WriteError,
    coded_texts::RowSubject,
    gathered_rows::{ScoreRows, gather_passed, gather_scores},
    run_values::{
        ConfusionRow, RunValueRow, read_confusion, read_run_values, write_confusion,
        write_run_values,
    },
    samples::{Layout, SampleRecord, SamplesWriter, gather_samples_at, samples},
    scores::{ScoreRef, for_each_score, gather_scores_at, score_records},
    summary::{SummaryRow, read_summary, write_summary},
};
use tempfile::tempdir;

use crate::fixture::{METRICS, RUN, SLICES, names, row, sample, write_samples, write_scores};

#[test]
fn samples_come_back_as_they_were() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, 50);
    let read = samples(&path).unwrap();
    assert_eq!(read.metrics(), METRICS);
    assert_eq!(read.slices(), SLICES);
    let mut count = 0;
    for (index, read) in (0..).zip(read) {
        let (read, written) = (read.unwrap(), sample(index));
        assert_eq!(read.item_id, *written.item.id);
        assert_eq!(read.item_hash, written.item.hash.to_string());
        assert_eq!(read.cluster.as_deref(), written.item.cluster.as_deref());
        assert_eq!(read.targets, *written.item.targets);
        assert_eq!(read.slices, *written.item.slices);
        assert_eq!(read.record, written.record);
        assert_eq!(read.outcome, written.outcome);
        assert_eq!(read.cost_usd, written.cost_usd);
        let values: Vec<_> = written.scores.iter().map(|score| score.value).collect();
        assert_eq!(read.scores, values);
        assert_eq!(read.request().unwrap().hash(), written.request.hash());
        count += 1;
    }
    assert_eq!(count, 50);
}

#[test]
fn scores_come_back_as_they_were() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    write_scores(&path, 50);
    let mut n_refs = 0;
    for_each_score(&path, |found: ScoreRef<'_>| {
        let written = sample(n_refs / 2);
        assert_eq!(found.item_id, &*written.item.id);
        assert_eq!(found.item_hash, written.item.hash.to_string());
        assert_eq!(found.cluster, written.item.cluster.as_deref());
        assert_eq!(found.epoch, written.request.epoch);
        n_refs += 1;
        Ok::<_, ReadError>(())
    })
    .unwrap();
    let read: Vec<_> = score_records(&path).unwrap().map(|row| row.unwrap().score).collect();
    let written: Vec<Score> = (0..50).flat_map(|index| sample(index).scores).collect();
    assert_eq!(n_refs, 100);
    assert_eq!(read, written);
}

/// Rows that are told apart by codes are the rows of the file, in files whose texts have dictionaries and in
/// those that are too short for them.
#[test]
fn gathered_scores_are_those_of_the_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    for n_samples in [1, 50, 60_000] {
        write_scores(&path, n_samples);
        let mut expected = Vec::new();
        for_each_score(&path, |row: ScoreRef<'_>| {
            let ScoreRef { item_id, item_hash, prompt, model, metric, .. } = row;
            let names = (item_id, item_hash, prompt, model, metric);
            expected.push(format!("{names:?} {:?} {:?} {}", row.score, row.passed, row.applies));
            Ok::<_, ReadError>(())
        })
        .unwrap();
        let mut found: Vec<String> = Vec::new();
        let mut take = |rows: Vec<String>| {
            found.extend(rows);
            Ok(())
        };
        let passed = |rows: &ScoreRows<'_>| one_by_one(rows, |row| rows.passed(row));
        gather_passed::<_, ReadError>(&path, passed, &mut take).unwrap();
        let graded = |rows: &ScoreRows<'_>| {
            one_by_one(rows, |row| rows.score(row).map(|score| score >= 1.0))
        };
        gather_scores::<_, ReadError>(&path, graded, &mut take).unwrap();
        let n_rows = expected.len();
        assert!(found[..n_rows] == expected && found[n_rows..] == expected, "{n_samples}");
    }
}

/// Single rows, rows side by side, and rows at either end, in files of one row group and of several.
#[test]
fn chosen_rows_are_those_of_the_file() {
    let folder = tempdir().unwrap();
    let path = |name| folder.path().join(name);
    for n in [1, 50, 20_000] {
        write_samples(&path("samples.parquet"), n);
        write_scores(&path("scores.parquet"), n);
        let about = |sample: SampleRecord| (sample.item_id, sample.epoch, sample.record.output);
        let all = samples(&path("samples.parquet")).unwrap().map(|sample| about(sample.unwrap()));
        let all: Vec<_> = all.collect();
        let n = all.len() as u64;
        let few = (0..n).filter(|row| row % 911 < 3 || row % 7 == 5 || row + 1 == n).collect();
        for rows in [Vec::new(), few, vec![n - 1], (0..n).collect::<Vec<_>>()] {
            let mut found = Vec::new();
            let take = |sample| found.push(sample);
            gather_samples_at(&path("samples.parquet"), &rows, about, take).unwrap();
            let place = |row: &u64| usize::try_from(*row).unwrap();
            let expected: Vec<_> = rows.iter().map(|row| all[place(row)].clone()).collect();
            assert!(found == expected, "{n} samples, {} of them", rows.len());
            let scores = gather_scores_at(&path("scores.parquet"), &rows, |score| score).unwrap();
            let expected = rows.iter().map(|row| sample(row / 2).scores[place(row) % 2].clone());
            assert!(scores == expected.collect::<Vec<_>>(), "{n} scores");
        }
    }
}

/// The rows of a part as they are visited one by one.
fn one_by_one(
    rows: &ScoreRows<'_>,
    passed: impl Fn(usize) -> Option<bool>,
) -> Result<Vec<String>, ReadError> {
    let (mut texts, mut start) = (Vec::new(), 0);
    while start < rows.height {
        let RowSubject { item_id, item_hash, prompt, model, .. } = rows.subjects.get(start)?;
        let end = rows.subjects.same_until(start);
        for row in start..end {
            let (metric, score) = (rows.metric.some(row)?, rows.score(row));
            let names = (item_id, item_hash, prompt, model, metric);
            let applies = rows.applies(row);
            texts.push(format!("{names:?} {score:?} {:?} {applies}", passed(row)));
        }
        start = end;
    }
    Ok(texts)
}

#[test]
fn a_visitor_may_stop() {
    enum Stop {
        Enough(u32),
        Read(ReadError),
    }
    impl From<ReadError> for Stop {
        fn from(error: ReadError) -> Self {
            Self::Read(error)
        }
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    write_scores(&path, 50);
    let mut visited = 0;
    let stopped = for_each_score(&path, |_| {
        visited += 1;
        if visited == 3 { Err(Stop::Enough(visited)) } else { Ok(()) }
    });
    match stopped {
        Err(Stop::Enough(visited)) => assert_eq!(visited, 3),
        Err(Stop::Read(error)) => panic!("{error}"),
        Ok(()) => panic!("it went on"),
    }
}

#[test]
fn a_summary_comes_back_as_it_was() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("summary.parquet");
    let whole = SummaryRow {
        prompt: "zero-shot".to_owned(),
        model: "small".to_owned(),
        metric: "exact".to_owned(),
        n_planned: 10,
        n_scored: 9,
        n_missing: 1,
        estimate: Some(Estimate {
            mean: 0.5,
            stderr: Some(0.1),
            ci_low: Some(0.3),
            ci_high: Some(0.7),
            ci_method: "wilson".to_owned(),
            n_items: 9,
        }),
        latency_p50_ms: Some(12.5),
        input_tokens: Some(400),
        ..SummaryRow::default()
    };
    let slice = SummaryRow {
        slice: Some("channel".to_owned()),
        estimate: None,
        cost_usd: Some(0.25),
        value: Some("corpus_bleu".to_owned()),
        range: Range::Hundred,
        direction: Direction::Lower,
        ..whole.clone()
    };
    let rows = [whole, slice];
    write_summary(&path, File::create(&path).unwrap(), RUN, &rows).unwrap();
    assert_eq!(read_summary(&path).unwrap(), rows);
}

/// Every metric and slice repeats what its prompt and model took: one row of them sums rightly.
#[test]
fn a_summary_sums_rightly() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("summary.parquet");
    let of = |prompt: &str, metric: &str, slice: Option<&str>| SummaryRow {
        prompt: prompt.to_owned(),
        metric: metric.to_owned(),
        slice: slice.map(str::to_owned),
        n_planned: 10,
        input_tokens: Some(400),
        cost_usd: Some(0.25),
        ..SummaryRow::default()
    };
    let rows: Vec<_> = ["a", "b"]
        .iter()
        .flat_map(|prompt| {
            ["exact", "close"]
                .iter()
                .flat_map(|metric| [of(prompt, metric, None), of(prompt, metric, Some("channel"))])
        })
        .collect();
    write_summary(&path, File::create(&path).unwrap(), RUN, &rows).unwrap();
    let sum = |column: &str| column_sum(&path, column);
    assert_eq!([sum("input_tokens"), sum("sum_input_tokens")], ["3200", "800"]);
    assert_eq!([sum("cost_usd"), sum("sum_cost_usd")], ["2", "0.5"]);
    assert_eq!([sum("n_planned"), sum("sum_samples")], ["80", "20"]);
    assert_eq!(sum("sum_output_tokens"), "0");
}

/// The sum of a column, as an analyst takes it: what is null adds nothing.
fn column_sum(path: &Path, column: &str) -> String {
    let rows = evalmark_report::dataset::parquet_rows(path).unwrap();
    let values = rows.map(|row| row.unwrap().get(column).and_then(serde_json::Value::as_f64));
    values.flatten().fold(0.0, |sum, value| sum + value).to_string()
}

#[test]
fn values_of_a_run_come_back_as_they_were() {
    let folder = tempdir().unwrap();
    let (values, cells) = (folder.path().join("values"), folder.path().join("cells"));
    let value = RunValueRow {
        prompt: "zero-shot".to_owned(),
        value: "recall".to_owned(),
        class: Some("spam".to_owned()),
        estimate: Some(Estimate {
            mean: 0.5,
            stderr: Some(0.1),
            ci_low: Some(0.3),
            ci_high: None,
            ci_method: "bca_bootstrap".to_owned(),
            n_items: 9,
        }),
        ..RunValueRow::default()
    };
    let rows = [value.clone(), RunValueRow { class: None, estimate: None, ..value }];
    write_run_values(&values, File::create(&values).unwrap(), RUN, &rows).unwrap();
    assert_eq!(read_run_values(&values).unwrap(), rows);
    let cell = ConfusionRow { target: "spam".to_owned(), count: 3, ..ConfusionRow::default() };
    let rows = [cell.clone(), ConfusionRow { predicted: Some("ham".to_owned()), ..cell }];
    write_confusion(&cells, File::create(&cells).unwrap(), RUN, &rows).unwrap();
    assert_eq!(read_confusion(&cells).unwrap(), rows);
}

#[test]
fn a_file_without_rows_can_be_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, 0);
    let read = samples(&path).unwrap();
    assert_eq!(read.metrics(), METRICS);
    assert_eq!(read.count(), 0);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let folder = tempdir().unwrap();
    let bytes = |name: &str, write: fn(&Path, u64)| {
        let path = folder.path().join(name);
        write(&path, 20_000);
        fs::read(path).unwrap()
    };
    // Alone, and while another thread writes.
    let alone = (bytes("a", write_scores), bytes("b", write_samples));
    let beside = std::thread::scope(|scope| {
        let scores = scope.spawn(|| bytes("c", write_scores));
        let samples = bytes("d", write_samples);
        (scores.join().unwrap(), samples)
    });
    assert!(alone == beside);
}

#[test]
fn rows_that_do_not_fit_are_errors() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let (metrics, slices) = (names(&["a", "a"]), names(&[]));
    let layout = Layout { run_id: "r", suite: "s", metrics: &metrics, slices: &slices };
    let error = SamplesWriter::create(&path, File::create(&path).unwrap(), &layout).err().unwrap();
    assert!(matches!(error, WriteError::SameName { column, .. } if column == "score.a"));
    let layout = Layout { metrics: &metrics[..1], ..layout };
    let mut writer = SamplesWriter::create(&path, File::create(&path).unwrap(), &layout).unwrap();
    let error = writer.push(&row(&sample(0))).err().unwrap();
    assert!(matches!(error, WriteError::Misfit { .. }), "{error}");
}

#[test]
fn a_score_that_is_no_number_is_null() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let (metrics, slices) = (names(&["nan", "infinite"]), names(&SLICES));
    let layout = Layout { run_id: "r", suite: "s", metrics: &metrics, slices: &slices };
    let mut writer = SamplesWriter::create(&path, File::create(&path).unwrap(), &layout).unwrap();
    let mut sample = sample(0);
    sample.scores = vec![Score::of(f64::NAN), Score::of(f64::INFINITY)];
    sample.cost_usd = Some(f64::NAN);
    sample.outcome = Outcome::Invalid;
    writer.push(&row(&sample)).unwrap();
    writer.finish().unwrap();
    let read = samples(&path).unwrap().next().unwrap().unwrap();
    assert_eq!(read.scores, [None, None]);
    assert_eq!(read.cost_usd, None);
    assert_eq!((read.outcome, read.record.outcome), (Outcome::Invalid, Outcome::Answered));
}

#[test]
fn many_rows_are_read_in_order() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    write_scores(&path, 50_000);
    let mut row = 0;
    let visited = for_each_score(&path, |found| {
        if found.item_id != format!("item-{}", row / 2) {
            return Err(ReadError::Damaged { path: path.clone(), message: format!("row {row}") });
        }
        row += 1;
        Ok(())
    });
    visited.unwrap();
    assert_eq!(row, 100_000);
}

/// A run folder's file as the first release wrote it.
#[test]
fn samples_without_details_are_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/samples-without-details.parquet");
    let rows: Vec<_> = samples(Path::new(path)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 4);
    for row in &rows {
        assert!(row.record.output.is_some() && row.record.details.is_none(), "{row:?}");
        assert_eq!(row.request().unwrap().to_json(), row.request);
    }
}
