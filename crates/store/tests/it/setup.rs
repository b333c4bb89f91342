//! A run that is small enough to be written out.

use std::{borrow::Cow, fs, path::Path};

use evalmark_store::{
    durable::digest,
    run_folder::RunFolder,
    run_record::{RunRecord, RunStatus},
};
use serde_json::json;

pub(crate) fn keep(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// The record of a run that was begun.
pub(crate) fn record(suite: &str, run_id: &str) -> RunRecord {
    let record = json!({
        "format_version": 2, "tool_version": "0.1.0", "run_id": run_id, "suite": suite,
        "suite_path": "suites/a.yaml", "suite_hash": "a".repeat(64), "dataset_hash": "b".repeat(64),
        "n_items": 3, "epochs": 1, "status": "running", "started_at": "2026-11-27T12:00:00Z",
        "finished_at": null, "git": { "revision": "abc", "clean": true },
        "prompts": [{ "name": "plain", "hash": "c" }], "models": ["small"],
        "metrics": [{ "name": "exact", "hash": "d" }],
        "options": {
            "prompts": [], "models": [], "limit": null, "epochs": null, "concurrency": null,
            "no_cache": false, "cache_dir": "/home/someone/cache", "working_dir": "/home/someone",
        },
        "counts": {
            "planned": 3, "answered": 3, "refused": 0, "invalid": 0, "failed": 0, "cached": 0,
            "errors": {},
        },
        "totals": {
            "input_tokens": 1, "output_tokens": 2, "cost_usd": 0.5, "judge_tokens": 0,
            "judge_cost_usd": null,
        },
        "slices": [], "effective_suite": { "name": suite, "z": 1, "a": [2.5] },
    });
    serde_json::from_value(record).expect("a record")
}

/// A finished run with files that stand for Parquet.
pub(crate) fn finished(out: &Path, suite: &str, run_id: &str) -> RunFolder {
    let mut record = record(suite, run_id);
    let folder = RunFolder::begin(out, &record, keep).expect("a run folder");
    for (path, content) in
        [(folder.scores(), "scores"), (folder.samples(), "samples"), (folder.summary(), "summary")]
    {
        fs::write(&path, format!("{content} of {run_id}")).expect("a file");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        record.files.insert(name, digest(&path).expect("a digest"));
    }
    record.status = RunStatus::Complete;
    folder.write(&record, keep).expect("a record");
    folder
}
