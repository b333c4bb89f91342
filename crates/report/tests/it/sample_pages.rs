//! Pages of samples hold what reading the whole file and choosing would find.

use std::{path::PathBuf, time::Duration};

use evalmark_core::record::Outcome;
use evalmark_report::{
    sample_pages::{PageRequest, PlacedSample, SamplePages, SampleQuery},
    samples::{SampleRecord, samples},
};
use tempfile::{TempDir, tempdir};

use crate::fixture::{METRICS, write_samples};

/// More rows than a row group of the file has.
const ROWS: u64 = 16_500;

fn file() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, ROWS);
    (folder, path)
}

fn naively(query: &SampleQuery, sample: &SampleRecord) -> bool {
    let has = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
    let text = query.text.as_ref().map(|text| text.to_lowercase());
    let failure = sample.record.failure.as_ref().map(|failure| failure.message.clone());
    let mut texts = vec![sample.item_id.clone(), sample.request.clone()];
    texts.extend(sample.record.output.clone().into_iter().chain(failure));
    texts.extend(sample.targets.clone());
    let is_high = query.at_most.as_ref().is_some_and(|(metric, most)| {
        let at = METRICS.iter().position(|name| name == metric);
        at.and_then(|at| sample.scores[at]).is_some_and(|score| score > *most)
    });
    has(&query.prompt, &sample.prompt)
        && has(&query.model, &sample.model)
        && query.outcome.is_none_or(|outcome| outcome == sample.outcome)
        && !is_high
        && text.is_none_or(|text| texts.iter().any(|one| one.to_lowercase().contains(&text)))
}

#[test]
fn pages_hold_what_is_wanted_and_nothing_else() {
    let (_folder, path) = file();
    let all: Vec<_> = samples(&path).unwrap().map(Result::unwrap).collect();
    let reader = SamplePages::open(&path).unwrap();
    let some = &all[16_400];
    let (prompt, model) = (Some(some.prompt.clone()), Some(some.model.clone()));
    let text = |text: &str| Some(text.to_owned());
    let at_most = |most: f64| Some((METRICS[0].to_owned(), most));
    let any = SampleQuery::default();
    for query in [
        any.clone(),
        SampleQuery { prompt: prompt.clone(), ..any.clone() },
        SampleQuery { model: text("nobody"), ..any.clone() },
        SampleQuery { outcome: Some(Outcome::Failed), ..any.clone() },
        SampleQuery { outcome: Some(Outcome::Refused), prompt, model, ..any.clone() },
        SampleQuery { text: text(&some.item_id.to_uppercase()), ..any.clone() },
        SampleQuery { text: text("nothing has this"), ..any.clone() },
        SampleQuery { at_most: at_most(0.0), ..any.clone() },
        SampleQuery { at_most: at_most(0.5), outcome: Some(Outcome::Answered), ..any.clone() },
        SampleQuery { at_most: Some(("no metric".to_owned(), 0.5)), ..any },
    ] {
        let wanted: Vec<u64> = (0..)
            .zip(&all)
            .filter(|(_, sample)| naively(&query, sample))
            .map(|(row, _)| row)
            .collect();
        let (mut found, mut from, mut n_pages) = (Vec::new(), Some(0), 0);
        while let Some(row) = from {
            let request = PageRequest { from: row, size: 4_000, time: Duration::from_mins(1) };
            let page = reader.page(&query, request).unwrap();
            assert!(page.samples.len() <= 4_000 && page.n_rows == ROWS && !page.is_cut_short);
            for PlacedSample { row, sample } in &page.samples {
                assert_eq!(*sample, all[usize::try_from(*row).unwrap()]);
                found.push(*row);
            }
            (from, n_pages) = (page.next, n_pages + 1);
        }
        assert_eq!(found, wanted, "{query:?}");
        assert!(n_pages <= wanted.len() / 4_000 + 1, "{query:?}: {n_pages} pages");
    }
}

#[test]
fn a_search_without_time_goes_on_where_it_stopped() {
    let (_folder, path) = file();
    let reader = SamplePages::open(&path).unwrap();
    let query = SampleQuery { text: Some("nothing has this".to_owned()), ..SampleQuery::default() };
    let (mut from, mut n_pages) = (0, 0);
    loop {
        let request = PageRequest { from, size: 50, time: Duration::ZERO };
        let page = reader.page(&query, request).unwrap();
        assert!(page.samples.is_empty() && page.is_cut_short == page.next.is_some());
        n_pages += 1;
        match page.next {
            Some(next) => from = next,
            None => break,
        }
    }
    assert!(n_pages > 1);
}

#[test]
fn any_row_can_be_read_alone() {
    let (_folder, path) = file();
    let reader = SamplePages::open(&path).unwrap();
    let all: Vec<_> = samples(&path).unwrap().map(Result::unwrap).collect();
    for row in [0, 1, 16_383, 16_384, 16_385, ROWS - 1] {
        let sample = reader.sample(row).unwrap();
        assert_eq!(sample.as_ref(), all.get(usize::try_from(row).unwrap()), "{row}");
    }
    assert_eq!(reader.sample(ROWS).unwrap(), None);
    assert_eq!(reader.sample(u64::MAX).unwrap(), None);
    let request = PageRequest { from: u64::MAX, size: 0, time: Duration::ZERO };
    assert_eq!(reader.page(&SampleQuery::default(), request).unwrap().next, None);
}
