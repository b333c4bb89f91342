//! The runs of a folder as a document for programs.

use evalmark_store::runs::ListedRun;
use serde_json::{Value, json};

/// Runs as a JSON document, for programs.
pub fn runs_document(runs: &[&ListedRun]) -> Value {
    let one = |run: &&ListedRun| {
        let record = run.record.as_ref();
        json!({
            "suite": run.suite,
            "run_id": run.run_id,
            "run_dir": run.folder.path,
            "state": run.state,
            "problem": run.problem,
            "started_at": run.started_at(),
            "finished_at": record.and_then(|record| record.finished_at.as_ref()),
            "items": record.map(|record| record.n_items),
            "samples": record.map(|record| record.counts.planned),
            "failed": record.map(|record| record.counts.failed),
            "cost_usd": record.and_then(|record| record.totals.cost_usd),
            "prompts": record.map(|record| {
                record.prompts.iter().map(|prompt| prompt.name.as_str()).collect::<Vec<_>>()
            }),
            "models": record.map(|record| &record.models),
            "verdict": run.verdict,
        })
    };
    json!({ "runs": runs.iter().map(one).collect::<Vec<_>>() })
}
