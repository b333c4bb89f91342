//! A judge beside people: labels joined to a run's answers (`answers.rs`), and what they say of the
//! judge and of its verdicts (`finding.rs`).

mod answers;
mod finding;

use std::path::Path;

use evalmark_store::{integrity::open_answered, run_record::RunRecord};

use crate::{
    Host,
    error::{Advised, Result},
    unknown_name::{UnknownName, all_known},
};

pub use answers::{FewerScores, LabelSourceError};
use answers::{LabelSource, answers};
pub use finding::{Corrected, ENOUGH_LABELS, JudgeFinding, NoLabelledScore};

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
    Ok(JudgeFinding::of(&record, metric, &answers)?)
}

/// The metric that was asked for, or the only one that is a judge's.
fn checked_metric<'a>(
    record: &'a RunRecord,
    asked_for: Option<&str>,
) -> Result<&'a str, JudgedMetricError> {
    let known = || record.metrics.iter().map(|metric| metric.name.as_str());
    if let Some(name) = asked_for {
        let listed: Vec<_> = known().collect();
        let (none, wanted) = ("the run has no metric", [name.to_owned()]);
        all_known(none, &wanted, &listed, "its metrics")?;
        if let Some(found) = known().find(|metric| *metric == name) {
            return Ok(found);
        }
    }
    match record.judged.as_slice() {
        [judged] => Ok(judged),
        [] => Err(JudgedMetricError::NoneJudged),
        several => Err(JudgedMetricError::Several { judged: several.join(", ") }),
    }
}

/// Why it is not clear which metric to compare with people.
#[derive(Debug, thiserror::Error)]
pub enum JudgedMetricError {
    /// The run has none of that name.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// None is a judge's.
    #[error("the run has no judged metric")]
    NoneJudged,
    /// More than one is.
    #[error("the run has several judged metrics; say which: `--metric NAME` ({judged})")]
    Several {
        /// These.
        judged: String,
    },
}

impl Advised for JudgedMetricError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Name(unknown) => unknown.hint(),
            Self::NoneJudged => {
                let advice =
                    "any other metric can also be compared with human labels: `--metric NAME`";
                Some(advice.to_owned())
            }
            Self::Several { .. } => None,
        }
    }
}
