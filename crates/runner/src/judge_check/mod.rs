//! A judge beside people: labels joined to a run's answers (`answers.rs`), and what they say of the
//! judge and of its verdicts (`finding.rs`).

mod answers;
mod finding;

use std::path::Path;

use evalmark_store::{integrity::open_answered, run_record::RunRecord};

use crate::{
    Host,
    error::{Hinted, Result, all_known, bail, run_error},
};

use answers::{LabelSource, answers};
pub use finding::{Corrected, ENOUGH_LABELS, JudgeFinding};

/// Compares a metric of a run with what people say: `labels` names a file or a column; `None`: the
/// labels that the suite names.
pub fn judge_check(
    path: &Path,
    metric: Option<&str>,
    labels: Option<&str>,
    host: &Host<'_>,
) -> Result<JudgeFinding> {
    let (folder, record) = open_answered(path)?;
    let metric = checked_metric(&record, metric)?;
    let source = LabelSource::open(labels, &record, host)?;
    let answers = answers(&folder, metric, &source)?;
    JudgeFinding::of(&record, metric, &answers)
}

/// The metric that was asked for, or the only one that is a judge's.
fn checked_metric<'a>(record: &'a RunRecord, asked_for: Option<&str>) -> Result<&'a str> {
    let known = || record.metrics.iter().map(|metric| metric.name.as_str());
    if let Some(name) = asked_for {
        let listed: Vec<_> = known().collect();
        all_known("the run has no metric", &[name.to_owned()], &listed, "its metrics")?;
        return known()
            .find(|metric| *metric == name)
            .ok_or_else(|| run_error!("the run has no metric `{name}`"));
    }
    match record.judged.as_slice() {
        [judged] => Ok(judged),
        [] => Err(run_error!("the run has no judged metric"))
            .hint("any other metric can also be compared with human labels: `--metric NAME`"),
        several => bail!(
            "the run has several judged metrics; say which: `--metric NAME` ({})",
            several.join(", ")
        ),
    }
}
