//! What the comparisons of a gate depend on besides the scores: the runs' metrics, and how the later
//! run was asked.

use std::collections::{BTreeMap, BTreeSet};

use evalmark_core::suite::GateSpec;
use evalmark_scoring::Metric;
use evalmark_store::run_record::RunRecord;
use evalmark_verdict::{
    CorpusMetric, GatedRuns, LookedAt, MetricTraits, Variant, count_lacking, family_size,
};

use super::same_targets;
use crate::metric_scale::RunValue;

/// Two runs, and what decides how each metric of theirs is compared; `corpus_metrics` has the metrics whose
/// value is one of the whole run.
pub(super) fn gated_runs<'a>(
    before: &RunRecord,
    after: &RunRecord,
    spec: &'a GateSpec,
    corpus_metrics: &'a BTreeMap<String, Metric>,
) -> GatedRuns<'a> {
    let names: BTreeSet<&str> = spec.metrics.keys().map(String::as_str).collect();
    let names = after.metrics.iter().map(|metric| metric.name.as_str()).chain(names);
    let traits = |name: &str| {
        let scale = after.scale(name);
        let run_value = corpus_metrics.get(name).and_then(Metric::corpus);
        let run_value = run_value
            .map(|corpus| Box::new(RunValue { corpus, all: false }) as Box<dyn CorpusMetric + 'a>);
        MetricTraits {
            // Another tool's metric lies where its values of a run do.
            range: scale.range.with(before.scale(name).range),
            direction: scale.direction,
            is_judged: after.is_judged(name),
            run_value,
            changed: changed(name, before, after),
        }
    };
    let metrics = names.map(|name| (name.to_owned(), traits(name))).collect();
    GatedRuns { spec, metrics, looked_at: None }
}

/// Why a metric's scores of the two runs are not the same measure.
pub(crate) fn changed(metric: &str, before: &RunRecord, after: &RunRecord) -> Option<String> {
    let hash =
        |run: &RunRecord| run.metrics.iter().find(|m| m.name == metric).map(|m| m.hash.clone());
    let why = match (hash(before), hash(after)) {
        (Some(then), Some(now)) if then == now => {
            return same_targets::moved(metric, before, after);
        }
        (Some(_), Some(_)) => "the metric, or its judge, is configured differently",
        (None, _) => "the baseline does not have this metric",
        (_, None) => "the run does not have this metric",
    };
    Some(why.to_owned())
}

/// How a run was looked at while it was asked; `None` where nobody looked.
pub(super) fn looked_at(
    record: &RunRecord,
    candidate: &[Variant],
    reference: &[Variant],
    spec: &GateSpec,
) -> Option<LookedAt> {
    let early = record.stop_early.as_ref()?;
    let names: Vec<_> =
        candidate.iter().map(|variant| (&*variant.prompt, &*variant.model)).collect();
    let lacking = if left_out(record) { 0 } else { count_lacking(&names, reference) };
    Some(LookedAt {
        seed: early.seed,
        planned_items: early.planned_items,
        largest_cluster: early.largest_cluster,
        family: family_size(names.len(), lacking, spec),
    })
}

/// Whether the user left some of the suite's prompts and models out.
pub(crate) fn left_out(record: &RunRecord) -> bool {
    !(record.options.prompts.is_empty() && record.options.models.is_empty())
}
