//! Which metrics of two imported runs are gated. Such a run has the metrics that its file has scores of, so that one
//! that vanished is in the baseline alone.

use std::borrow::Cow;

use evalmark_core::suite::{GateSpec, GatedMetric};
use evalmark_store::run_record::RunRecord;

/// The gate, with the baseline's metrics that the imported run lacks, unless the user chose the metrics.
pub(super) fn of_both<'a>(
    spec: &'a GateSpec,
    before: &RunRecord,
    after: &RunRecord,
) -> Cow<'a, GateSpec> {
    let is_chosen = !after.effective_suite.value()["gate"]["metrics"].is_null();
    if after.imported.is_none() || is_chosen {
        return Cow::Borrowed(spec);
    }
    let mut spec = Cow::Borrowed(spec);
    for metric in &before.metrics {
        if !spec.metrics.contains_key(&metric.name) {
            spec.to_mut().metrics.insert(metric.name.clone(), GatedMetric::default());
        }
    }
    spec
}
