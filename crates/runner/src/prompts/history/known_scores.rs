//! What runs measured of prompts, by what the prompts said.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    slice,
    sync::Arc,
};

use evalmark_core::{
    estimate::Estimate,
    metric::Range,
    prompt_library::PromptContent,
    verdict::{Answer, Verdict},
};
use evalmark_report::summary::read_summary;
use evalmark_store::{
    StoreError, integrity,
    run_record::RunRecord,
    runs::{ListedRun, RunState, list_runs},
};

use crate::error::Result;

/// What runs measured of prompts, by the hash of what the prompts said; of each the latest run first.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownScores(BTreeMap<Arc<str>, Vec<KnownRun>>);

/// A run that measured a prompt.
#[derive(Clone, Debug)]
pub struct KnownRun {
    /// Its suite.
    pub suite: String,
    /// Its name.
    pub run_id: String,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// The prompt's name in the suite.
    pub prompt: String,
    /// What it was compared with; `None` where it was compared with nothing.
    pub baseline: Option<String>,
    /// Its scores over all items.
    pub scores: Vec<KnownScore>,
}

/// A score of a prompt.
#[derive(Clone, Debug)]
pub struct KnownScore {
    /// The model.
    pub model: String,
    /// The metric.
    pub metric: String,
    /// The mean with its interval.
    pub estimate: Estimate,
    /// Where the metric's values lie.
    pub range: Range,
    /// What the gate answered of it; `None` where it was not compared.
    pub answer: Option<Answer>,
}

impl KnownScores {
    /// What the runs below `out` measured of prompts with these hashes. Runs that did not end, or are broken, are left
    /// out.
    pub(super) fn of(out: &Path, hashes: &BTreeSet<Arc<str>>) -> Result<Self> {
        let mut known: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for run in list_runs(out, None).map_err(StoreError::from)?.iter().rev() {
            for (hash, found) in measured(run, hashes) {
                known.entry(hash).or_default().push(found);
            }
        }
        Ok(Self(known))
    }

    /// The runs that measured a prompt with this hash.
    pub(super) fn runs(&self, hash: &str) -> Vec<KnownRun> {
        self.0.get(hash).cloned().unwrap_or_default()
    }
}

/// What a run measured of these prompts.
fn measured(run: &ListedRun, hashes: &BTreeSet<Arc<str>>) -> Vec<(Arc<str>, KnownRun)> {
    let has_ended = matches!(run.state, RunState::Complete | RunState::Partial);
    let Some(record) = run.record.as_ref().filter(|_| has_ended) else { return Vec::new() };
    let prompts: Vec<_> =
        prompts(record).into_iter().filter(|(_, hash)| hashes.contains(hash)).collect();
    let summary = run.folder.summary();
    if prompts.is_empty()
        || integrity::unchanged(&run.folder, record, slice::from_ref(&summary)).is_err()
    {
        return Vec::new();
    }
    let Ok(rows) = read_summary(&summary) else { return Vec::new() };
    let verdict = run.verdict.as_ref().and_then(|_| {
        let content = std::fs::read(run.folder.path.join("verdict.json")).ok()?;
        serde_json::from_slice::<Verdict>(&content).ok()
    });
    let found = prompts.into_iter().map(|(prompt, hash)| {
        let rows = rows.iter().filter(|row| row.slice.is_none() && row.prompt == prompt);
        let scores = rows.filter_map(|row| {
            let comparisons = verdict.iter().flat_map(|verdict| &verdict.comparisons);
            let mut answers = comparisons.filter(|one| {
                (&one.prompt, &one.model, &one.metric) == (&row.prompt, &row.model, &row.metric)
            });
            Some(KnownScore {
                model: row.model.clone(),
                metric: row.metric.clone(),
                estimate: row.estimate.clone()?,
                range: row.range,
                answer: answers.next().map(|one| one.answer),
            })
        });
        let known = KnownRun {
            suite: record.suite.clone(),
            run_id: record.run_id.clone(),
            started_at: record.started_at.clone(),
            prompt: prompt.clone(),
            baseline: run.verdict.as_ref().map(|verdict| verdict.baseline.clone()),
            scores: scores.collect(),
        };
        (hash, known)
    });
    found.collect()
}

/// The prompts of a run: their names, and the hashes of what they say.
fn prompts(record: &RunRecord) -> Vec<(String, Arc<str>)> {
    let kept = record.effective_suite.value()["prompts"].as_array();
    let ran = |name: &str| record.prompts.iter().any(|prompt| prompt.name == name);
    let prompt = |prompt: &serde_json::Value| {
        let name = prompt["name"].as_str().filter(|name| ran(name))?;
        Some((name.to_owned(), PromptContent::kept_hash(prompt)?))
    };
    kept.into_iter().flatten().filter_map(prompt).collect()
}
