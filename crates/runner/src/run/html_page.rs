//! `report.html` of a run.

use evalmark_core::{
    number_format::{count, counted},
    verdict::Verdict,
};
use evalmark_report::{html::HtmlReport, summary::SummaryRow};
use evalmark_store::{
    record::{RunRecord, SampleCounts},
    run_folder::RunFolder,
};

use crate::{
    error::{Hinted, Result},
    failure_sample::FailedSamples,
    redacted_keys::hide,
};

/// Writes `report.html`.
pub(crate) fn write_html(
    folder: &RunFolder,
    record: &RunRecord,
    summary: Vec<SummaryRow>,
    failing: FailedSamples,
    verdict: Option<&Verdict>,
) -> Result<()> {
    let (outcomes, failures, failing) = failing.finish();
    let mut facts = vec![
        ("items".to_owned(), record.n_items.to_string()),
        ("epochs".to_owned(), record.epochs.to_string()),
        ("dataset".to_owned(), record.dataset_hash.chars().take(16).collect()),
        ("evalmark".to_owned(), record.tool_version.clone()),
    ];
    if let Some(why) = record.ungated.as_ref().filter(|_| verdict.is_none()) {
        facts.insert(0, ("gate".to_owned(), why.clone()));
    }
    if let Some(stopped) = &record.stopped_early {
        facts.insert(0, ("asked".to_owned(), stopped.summary()));
    }
    if let Some(git) = &record.git {
        let state = if git.clean { "" } else { " (with changes)" };
        facts.push(("git revision".to_owned(), format!("{}{state}", git.revision)));
    }
    let cut_off = cut_off_remarks(&record.counts, record.models.len());
    let page = HtmlReport {
        suite: record.suite.clone(),
        run_id: record.run_id.clone(),
        started_at: record.started_at.clone(),
        facts,
        warnings: cut_off.into_iter().map(|(_, remark)| remark).collect(),
        verdicts: verdict.cloned().into_iter().collect(),
        summary,
        outcomes,
        failures,
        failing,
    };
    let text = evalmark_report::html::html(&page).context("the page cannot be made")?;
    Ok(folder.write_text(&folder.html(), &text, hide)?)
}

/// What is said of answers that ended at the token limit, and whether it is a warning: that is what
/// every tenth of a model's answers calls for.
pub fn cut_off_remarks(counts: &SampleCounts, n_models: usize) -> Vec<(bool, String)> {
    let all = counts.planned / n_models.max(1) as u64;
    let remark = |(model, n): (&String, &u64)| {
        let remark = format!(
            "{} of {} of model `{model}` ended at the token limit (finish_reason \
             `length`), so the end of the text is missing; raise `max_tokens`",
            count(*n),
            counted(all, "answer")
        );
        (10 * n >= all, remark)
    };
    counts.cut_off.iter().map(remark).collect()
}
