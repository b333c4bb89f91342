//! Whether two runs scored against the same right answers: the same columns of the same items.

use evalmark_core::metric::MetricKind;
use evalmark_scoring::catalog;
use evalmark_store::record::RunRecord;
use serde_json::Value;

/// Why a metric's scores of the two runs were made with different targets; `None` where they were
/// not, or where the metric looks at no target.
pub(crate) fn moved(metric: &str, before: &RunRecord, after: &RunRecord) -> Option<String> {
    let (then, now) = (columns(&before.effective_suite)?, columns(&after.effective_suite)?);
    if then == now || !reads_targets(&after.effective_suite, metric) {
        return None;
    }
    Some(format!("its targets are {} now, and were {}", named(&now), named(&then)))
}

/// The columns that targets come from; `None` where a run of an earlier version does not tell.
fn columns(suite: &Value) -> Option<Vec<&str>> {
    let dataset = suite.get("dataset")?;
    Some(match dataset.get("target") {
        None => Vec::new(),
        Some(Value::Array(columns)) => columns.iter().filter_map(Value::as_str).collect(),
        Some(column) => column.as_str().into_iter().collect(),
    })
}

fn reads_targets(suite: &Value, metric: &str) -> bool {
    let entries = suite["metrics"].as_array().into_iter().flatten();
    let entry = entries.into_iter().find(|entry| entry["name"].as_str() == Some(metric));
    let kind = entry.and_then(|entry| catalog().iter().find(|kind| entry.get(kind.name).is_some()));
    kind.is_none_or(MetricKind::may_read_targets)
}

fn named(columns: &[&str]) -> String {
    match columns {
        [] => "unset".to_owned(),
        [column] => format!("the column `{column}`"),
        columns => format!("the columns `{}`", columns.join("`, `")),
    }
}
