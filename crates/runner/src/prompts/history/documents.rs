//! The history of prompts for programs: JSON.

use serde_json::{Value, json};

use super::{
    blame::BlamedText,
    known_scores::KnownRun,
    log::{LogEntry, PromptChange, PromptLog},
    versions::{DiffedText, PromptDiff, PromptVersion},
};

/// The commits that changed a prompt.
pub fn log_document(log: &PromptLog) -> Value {
    let uncommitted = log
        .uncommitted
        .as_ref()
        .map(|prompt| json!({ "hash": prompt.hash, "runs": runs(&prompt.runs) }));
    json!({
        "name": log.name,
        "uncommitted": uncommitted,
        "commits": log.entries.iter().map(entry).collect::<Vec<_>>(),
        "has_more": log.has_more,
        "is_cut_off": log.is_cut_off,
    })
}

fn entry(entry: &LogEntry) -> Value {
    let from = match &entry.change {
        PromptChange::Renamed { from } => Some(from),
        _ => None,
    };
    let commit = &entry.commit;
    json!({
        "commit": commit.id.to_string(),
        "author": commit.author,
        "email": commit.email,
        "date": commit.date,
        "subject": commit.subject,
        "change": entry.change.as_str(),
        "renamed_from": from,
        "hash": entry.hash,
        "path": entry.path,
        "files": entry.files,
        "runs": runs(&entry.runs),
    })
}

/// What runs measured of a prompt.
fn runs(runs: &[KnownRun]) -> Vec<Value> {
    let run = |run: &KnownRun| {
        let scores = run.scores.iter().map(|score| {
            json!({
                "model": score.model,
                "metric": score.metric,
                "mean": score.estimate.mean,
                "ci_low": score.estimate.ci_low,
                "ci_high": score.estimate.ci_high,
                "n_items": score.estimate.n_items,
                "answer": score.answer,
            })
        });
        json!({
            "suite": run.suite,
            "run_id": run.run_id,
            "started_at": run.started_at,
            "prompt": run.prompt,
            "baseline": run.baseline,
            "scores": scores.collect::<Vec<_>>(),
        })
    };
    runs.iter().map(run).collect()
}

/// Two versions of a prompt.
pub fn diff_document(found: &PromptDiff) -> Value {
    let texts = |texts: &[DiffedText]| -> Vec<Value> {
        texts.iter().map(|text| json!({ "name": text.name, "diff": text.diff })).collect()
    };
    let values = found
        .values
        .iter()
        .map(|value| json!({ "key": value.key, "before": value.before, "after": value.after }));
    json!({
        "before": version(&found.before),
        "after": version(&found.after),
        "texts": texts(&found.texts),
        "front_matter": values.collect::<Vec<_>>(),
        "rendered": texts(&found.rendered),
        "item": found.item,
        "not_rendered": found.not_rendered,
    })
}

fn version(version: &PromptVersion) -> Value {
    json!({
        "named": version.named,
        "commit": version.commit.map(|commit| commit.to_string()),
        "path": version.path,
        "hash": version.hash,
        "runs": runs(&version.runs),
    })
}

/// The lines of a prompt, and who wrote them.
pub fn blame_document(blamed: &BlamedText) -> Value {
    let commits = blamed.commits.values().map(|commit| {
        json!({
            "commit": commit.id.to_string(),
            "author": commit.author,
            "email": commit.email,
            "date": commit.date,
            "subject": commit.subject,
        })
    });
    let files = blamed.files.iter().map(|file| {
        let lines = file.lines.iter().enumerate().map(|(i, line)| {
            json!({
                "line": i + 1,
                "commit": line.commit.map(|commit| commit.to_string()),
                "path": line.path,
                "line_then": line.line,
                "text": line.text,
            })
        });
        json!({ "path": file.path, "lines": lines.collect::<Vec<_>>() })
    });
    json!({
        "name": blamed.name,
        "files": files.collect::<Vec<_>>(),
        "commits": commits.collect::<Vec<_>>(),
    })
}
