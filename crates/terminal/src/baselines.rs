//! Baselines in lines: what each was made from, and its means.

use evalmark_core::number_format::{counted, value};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{BaselineMean, broken_in_full};
use evalmark_store::{
    baseline::{ListedBaseline, cannot_be_baseline},
    run_record::RunRecord,
};

/// `support/main  run 20261127-1 of 2026-11-27, 240 items`.
pub fn line(listed: &ListedBaseline) -> String {
    let ListedBaseline { suite, name, record, .. } = listed;
    let text = match record {
        Ok(record) => {
            let RunRecord { run_id, started_at, n_items, .. } = record;
            let lacking = cannot_be_baseline(record).map(|why| format!("; incomplete: {why}"));
            let lacking = lacking.unwrap_or_default();
            let missing =
                listed.missing_files().into_iter().map(|file| format!("; {file} is missing"));
            let missing: String = missing.collect();
            let items = counted(*n_items, "item");
            format!("{suite}/{name}  run {run_id} of {started_at}, {items}{lacking}{missing}")
        }
        Err(error) => format!("{suite}/{name}  broken: {}", broken_in_full(error)),
    };
    printable_line(&text).into_owned()
}

/// The means of a baseline, a line each.
pub fn means(means: &[BaselineMean], record: &RunRecord) -> Vec<String> {
    let line = |one: &BaselineMean| {
        let BaselineMean { prompt, model, metric, mean } = one;
        let range = record.scale(metric).range;
        let mean = mean.map_or("no mean".to_owned(), |mean| value(mean, range));
        let names = [prompt, model, metric].map(|name| printable_line(name)).join(" · ");
        format!("  {names}: {mean}")
    };
    means.iter().map(line).collect()
}
