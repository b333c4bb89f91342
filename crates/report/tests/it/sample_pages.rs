//! Pages of samples hold what reading the whole file and choosing would find.

use std::{path::PathBuf, time::Duration};

use evalmark_core::record::Outcome;
use evalmark_report::{
    sample_pages::{ListedSample, PageRequest, SampleOrder, SamplePages, SampleQuery, SortKey},
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

/// A sample as a list has it.
fn listed(row: u64, all: &[SampleRecord]) -> ListedSample {
    let one = all[usize::try_from(row).unwrap()].clone();
    ListedSample {
        row,
        item_id: one.item_id,
        prompt: one.prompt,
        model: one.model,
        epoch: one.epoch,
        outcome: one.outcome,
        targets: one.targets,
        output: one.record.output,
        error: one.record.failure.map(|failure| failure.message),
        scores: one.scores,
        latency_ms: one.record.timing.latency_ms,
        cost_usd: one.cost_usd,
    }
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
            for sample in &page.samples {
                assert_eq!(*sample, listed(sample.row, &all));
                found.push(sample.row);
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
    for row in [0, 1, 8_191, 8_192, 8_193, ROWS - 1] {
        let sample = reader.sample(row).unwrap();
        assert_eq!(sample.as_ref(), all.get(usize::try_from(row).unwrap()), "{row}");
    }
    assert_eq!(reader.sample(ROWS).unwrap(), None);
    assert_eq!(reader.sample(u64::MAX).unwrap(), None);
    let request = PageRequest { from: u64::MAX, size: 0, time: Duration::ZERO };
    assert_eq!(reader.page(&SampleQuery::default(), request).unwrap().next, None);
}

#[test]
fn pages_in_an_order_hold_what_sorting_everything_would_show() {
    let (_folder, path) = file();
    let all: Vec<_> = samples(&path).unwrap().map(Result::unwrap).collect();
    let reader = SamplePages::open(&path).unwrap();
    let answered = SampleQuery { outcome: Some(Outcome::Answered), ..SampleQuery::default() };
    let score = |metric: &str| SortKey::Score(metric.to_owned());
    for by in [SortKey::Latency, SortKey::Cost, score(METRICS[0]), score("no metric")] {
        let value = |sample: &SampleRecord| match &by {
            SortKey::Latency => sample.record.timing.latency_ms,
            SortKey::Cost => sample.cost_usd,
            SortKey::Score(name) if name == METRICS[0] => sample.scores[0],
            SortKey::Score(_) => None,
        };
        for is_descending in [false, true] {
            // A filter is no matter of the order.
            for query in
                [&SampleQuery::default(), &answered].iter().take(1 + usize::from(is_descending))
            {
                let mut rows: Vec<u64> = (0..ROWS).collect();
                let sample = |row: &u64| &all[usize::try_from(*row).unwrap()];
                rows.retain(|row| naively(query, sample(row)));
                rows.sort_by(|a, b| {
                    let [one, other] = [a, b].map(|row| value(sample(row)));
                    let present = one.zip(other).map(|(one, other)| one.total_cmp(&other));
                    let present = present.map(|o| if is_descending { o.reverse() } else { o });
                    one.is_none().cmp(&other.is_none()).then(present.unwrap_or(a.cmp(b)))
                });
                let order = SampleOrder { by: by.clone(), is_descending };
                for from in [0, 5_000, rows.len() as u64 - 10, u64::MAX] {
                    let request = PageRequest { from, size: 50, time: Duration::from_mins(1) };
                    let page = reader.page_in_order(query, &order, request).unwrap();
                    let skipped = usize::try_from(from).unwrap();
                    let expected = rows.iter().copied().skip(skipped).take(50);
                    let found = page.samples.iter().map(|sample| sample.row);
                    assert!(found.eq(expected), "{order:?} {query:?} {from}");
                    assert!(page.samples.iter().all(|one| *one == listed(one.row, &all)));
                    assert_eq!(page.n_wanted, Some(rows.len() as u64));
                    assert_eq!(page.next.is_some(), from < rows.len() as u64 - 50);
                    assert!(!page.is_cut_short && page.upto == ROWS);
                }
            }
        }
    }
}

#[test]
fn what_could_not_be_put_in_order_in_time_is_told() {
    let (_folder, path) = file();
    let reader = SamplePages::open(&path).unwrap();
    let order = SampleOrder { by: SortKey::Latency, is_descending: true };
    let request = PageRequest { from: 0, size: 50, time: Duration::ZERO };
    let page = reader.page_in_order(&SampleQuery::default(), &order, request).unwrap();
    assert!(page.is_cut_short && page.upto < ROWS && page.n_wanted == Some(page.upto));
    assert!(page.samples.iter().all(|sample| sample.row < page.upto));
}
