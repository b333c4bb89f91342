//! Whether two runs scored against the same right answers: the same columns of the same items.

use evalmark_core::metric::MetricKind;
use evalmark_scoring::catalog;
use evalmark_store::run_record::{EffectiveSuite, RunRecord};

/// Why a metric's scores of the two runs were made with different targets; `None` where they were
/// not, or where the metric looks at no target.
pub(crate) fn moved(metric: &str, before: &RunRecord, after: &RunRecord) -> Option<String> {
    let suites = [before, after].map(|run| run.effective_suite.target_columns());
    let [Some(then), Some(now)] = suites else { return None };
    if then == now || !reads_targets(&after.effective_suite, metric) {
        return None;
    }
    Some(format!("its targets are {} now, and were {}", named(&now), named(&then)))
}

fn reads_targets(suite: &EffectiveSuite, metric: &str) -> bool {
    let metric = suite.metric(metric);
    let kind =
        metric.and_then(|metric| catalog().iter().find(|kind| metric.setting(kind.name).is_some()));
    kind.is_none_or(MetricKind::may_read_targets)
}

fn named(columns: &[&str]) -> String {
    match columns {
        [] => "unset".to_owned(),
        [column] => format!("the column `{column}`"),
        columns => format!("the columns `{}`", columns.join("`, `")),
    }
}
