//! A difference between two runs as a JSON document, for programs.

use evalmark_verdict::PairCounts;
use serde_json::{Value, json};

use super::{DiffedPair, DiffedRun, RunDiff, ScoreChange, VariantName};

/// The document: how many items match `only` is told beside those that are shown.
pub(super) fn document(found: &RunDiff, only: Option<ScoreChange>) -> Value {
    let run = |run: &DiffedRun| {
        json!({
            "run_dir": run.path,
            "suite": run.suite,
            "run_id": run.run_id,
            "answers_left_out": run.answers_left_out,
        })
    };
    json!({
        "before": run(&found.before),
        "after": run(&found.after),
        "n_worse": found.n_worse,
        "n_better": found.n_better,
        "n_matching": found.n_matching(only),
        "n_paired": found.n_paired(),
        "pairings": found.pairings.iter().map(pairing).collect::<Vec<_>>(),
        "only_before": found.only_before.iter().map(variant).collect::<Vec<_>>(),
        "only_after": found.only_after.iter().map(variant).collect::<Vec<_>>(),
        "incomparable": found.incomparable,
        "items": found.items,
    })
}

fn variant(name: &VariantName) -> Value {
    json!({ "prompt": name.prompt, "model": name.model })
}

fn pairing(pair: &DiffedPair) -> Value {
    let PairCounts { paired, only_before, only_after, changed, unscored_before, unscored_after } =
        pair.counts;
    json!({
        "prompt": pair.variant.prompt,
        "model": pair.variant.model,
        "metric": pair.metric,
        "n_paired": paired,
        "n_only_before": only_before,
        "n_only_after": only_after,
        "n_changed": changed,
        "n_unscored_before": unscored_before,
        "n_unscored_after": unscored_after,
    })
}
