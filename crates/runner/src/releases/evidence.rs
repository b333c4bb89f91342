//! What a run says of a prompt: whether it measured that very text, with which model, and the verdict on it.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use evalmark_core::verdict::{Answer, Comparison, Verdict};
use evalmark_store::{
    integrity::{complete, has_files, open_whole, unchanged},
    releases::{MetricEvidence, ReleaseEvidence, ReleasedModel, sha256_hex},
    run_folder::RunFolder,
    run_record::{KeptModel, RunRecord},
};
use serde_json::Value;

use super::{
    context::Releases,
    refusal::{ReleaseRule, UnmetRule},
};
use crate::{
    Host,
    error::RunError,
    gate::{RecomputedVerdict, recompute},
};

/// A verdict takes no more bytes.
const MAX_VERDICT: u64 = 256 << 20;

/// The prompt and model that runs are to prove.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The prompt's name in the library.
    pub(super) prompt: &'a str,
    /// The hash of its content.
    pub(super) hash: &'a str,
    /// What the suites call the model; `None` where each run has one only.
    pub(super) model: Option<&'a str>,
}

/// Why a run proves nothing.
pub(super) enum Unproved {
    /// What it says is not so, or not enough.
    Not(UnmetRule),
    /// What its verdict was compared with is not there any more.
    NotThere(UnmetRule),
}

impl From<UnmetRule> for Unproved {
    fn from(rule: UnmetRule) -> Self {
        Self::Not(rule)
    }
}

impl Unproved {
    /// The rule that is not met.
    pub(super) fn rule(self) -> UnmetRule {
        match self {
            Self::Not(rule) | Self::NotThere(rule) => rule,
        }
    }
}

/// What a run proves, and with which model.
pub(super) fn read_evidence(
    run: &Path,
    releases: &Releases,
    wanted: Wanted<'_>,
    host: &Host<'_>,
) -> Result<(ReleaseEvidence, ReleasedModel), Unproved> {
    let (folder, record) = whole(run).map_err(|error| {
        let advice = error.hints().first().map_or("give another run", |hint| *hint).to_owned();
        UnmetRule::new(ReleaseRule::Run, error.in_full(), advice)
    })?;
    let prompt = measured(&record, wanted)?;
    let model = model_of(&record, run, wanted)?;
    let (kept, verdict_sha256) = verdict_of(&folder, &record)?;
    let verdict = recomputed(&folder, &record, &kept, host)?;
    let run_bytes = std::fs::read(folder.record()).map_err(|error| {
        let says = format!("{} cannot be read: {error}", folder.record().display());
        UnmetRule::new(ReleaseRule::Run, says, "give another run")
    })?;
    let of_prompt: Vec<_> = verdict
        .comparisons
        .iter()
        .filter(|found| found.prompt == prompt && found.model == model.name)
        .collect();
    let evidence = ReleaseEvidence {
        suite: record.suite.clone(),
        suite_hash: record.suite_hash.clone(),
        dataset_hash: record.dataset_hash.clone(),
        run_id: record.run_id.clone(),
        run: releases.path_of(run),
        run_sha256: sha256_hex(&run_bytes),
        verdict_sha256,
        prompt,
        model: model.name.clone(),
        answer: answer_about(&verdict, &of_prompt),
        metrics: of_prompt.into_iter().map(metric_evidence).collect(),
        baseline: verdict.baseline,
        baseline_digest: verdict.baseline_digest,
        says: verdict.says,
        n_items: record.n_items,
        finished_at: record.finished_at.clone().unwrap_or_else(|| record.started_at.clone()),
        git: record.git.clone(),
    };
    Ok((evidence, released_model(model)))
}

/// A run that is finished and complete, all of whose files are as they were written.
pub(super) fn whole(run: &Path) -> Result<(RunFolder, RunRecord), RunError> {
    let (folder, record) = open_whole(run)?;
    complete(&folder, &record)?;
    let files: Vec<PathBuf> = record.files.keys().map(|name| folder.path.join(name)).collect();
    has_files(&folder, &record, &files)?;
    unchanged(&folder, &record, &files)?;
    Ok((folder, record))
}

/// What the suite calls the prompt, where the run measured this very text.
fn measured(record: &RunRecord, wanted: Wanted<'_>) -> Result<String, UnmetRule> {
    let found = record.prompts.iter().find(|prompt| prompt.hash == wanted.hash);
    found.map(|prompt| prompt.name.clone()).ok_or_else(|| {
        let has = record.prompts.iter();
        let has = has.map(|prompt| format!("{} ({})", prompt.name, short(&prompt.hash)));
        let says = format!(
            "the run {} of `{}` did not measure this text ({}), but {}",
            record.run_id,
            record.suite,
            short(wanted.hash),
            has.collect::<Vec<_>>().join(", ")
        );
        let advice = format!(
            "run the suite again with the prompt as it is: `evalmark run {}`; it has to say `use: {}`, with no tools, \
             examples or json_schema beside",
            record.suite_path.display(),
            wanted.prompt
        );
        UnmetRule::new(ReleaseRule::Measured, says, advice)
    })
}

/// The model that the run evaluated.
fn model_of<'a>(
    record: &'a RunRecord,
    run: &Path,
    wanted: Wanted<'_>,
) -> Result<&'a KeptModel, UnmetRule> {
    let models = record.effective_suite.models().iter();
    let evaluated: Vec<_> = models.filter(|model| record.models.contains(&model.name)).collect();
    let names = || evaluated.iter().map(|m| format!("`{}`", m.name)).collect::<Vec<_>>().join(", ");
    let refuse = |says: String, advice: &str| UnmetRule::new(ReleaseRule::Measured, says, advice);
    match (wanted.model, evaluated.as_slice()) {
        (Some(name), all) => {
            all.iter().find(|model| model.name == name).copied().ok_or_else(|| {
                let says = format!("the run {} has no model `{name}`", run.display());
                refuse(says, &format!("it has {}", names()))
            })
        }
        (None, [one]) => Ok(one),
        (None, []) => Err(refuse(
            format!("the run {} does not say which models it evaluated", run.display()),
            "run the suite again",
        )),
        (None, _) => Err(refuse(
            format!("the run {} evaluated several models: {}", run.display(), names()),
            "say which is released with `--model NAME`",
        )),
    }
}

/// What every request holds, whatever the suite calls the model.
fn released_model(model: &KeptModel) -> ReleasedModel {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    ReleasedModel {
        provider: text(&model.provider),
        model: text(&model.model),
        parameters: model.params.as_object().cloned().unwrap_or_default(),
    }
}

/// The verdict on a run, and the SHA-256 of its file.
fn verdict_of(folder: &RunFolder, record: &RunRecord) -> Result<(Verdict, String), UnmetRule> {
    let path = folder.verdict();
    let run = folder.path.display();
    let gate = format!(
        "`evalmark gate {run} --baseline NAME` gives it one; where there is no baseline yet, say `--new-baseline`, too"
    );
    let refuse = |says: String| UnmetRule::new(ReleaseRule::Verdict, says, gate.clone());
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_VERDICT).read_to_end(&mut bytes));
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => refuse(format!("the run {run} has no verdict")),
        _ => refuse(format!("{} cannot be read: {error}", path.display())),
    })?;
    let verdict: Verdict = serde_json::from_slice(&bytes)
        .map_err(|error| refuse(format!("{} is no verdict: {error}", path.display())))?;
    if (&verdict.suite, &verdict.run_id) != (&record.suite, &record.run_id) {
        let (suite, run_id) = (&verdict.suite, &verdict.run_id);
        return Err(refuse(format!("{} is about another run, {suite}/{run_id}", path.display())));
    }
    Ok((verdict, sha256_hex(&bytes)))
}

/// The verdict on a run as its scores give it now, which has to be the kept one: whoever may write a folder may write any
/// verdict into it.
fn recomputed(
    folder: &RunFolder,
    record: &RunRecord,
    kept: &Verdict,
    host: &Host<'_>,
) -> Result<Verdict, Unproved> {
    let (path, run) = (folder.verdict(), folder.path.display());
    let refuse = |why: String, advice: String| {
        let says = format!("{} does not stand: {why}", path.display());
        UnmetRule::new(ReleaseRule::Verdict, says, advice)
    };
    if kept.answer == Answer::Incomparable {
        return Ok(kept.clone());
    }
    let again = format!("decide anew with `evalmark gate {run} --baseline {}`", kept.baseline);
    match recompute(folder, record, kept, host) {
        Ok(RecomputedVerdict::Same(verdict)) => {
            let baseline = kept.baseline.clone();
            Ok(Verdict { baseline, ..*verdict })
        }
        Ok(RecomputedVerdict::Other(why)) => Err(refuse(why, again).into()),
        Ok(RecomputedVerdict::NotThere(why)) => {
            let advice = format!(
                "run the suite again with `evalmark run {}`, which buys no answer twice, and propose that run",
                record.suite_path.display()
            );
            Err(Unproved::NotThere(refuse(why, advice)))
        }
        Err(error) => Err(refuse(error.in_full(), again).into()),
    }
}

/// The answer about one prompt and model: the worst of their comparisons. Where there are none, or where the runs
/// cannot be compared, it is that of the whole verdict.
fn answer_about(verdict: &Verdict, of_prompt: &[&Comparison]) -> Answer {
    if verdict.answer == Answer::Incomparable || of_prompt.is_empty() {
        return verdict.answer;
    }
    let has = |answer: Answer| of_prompt.iter().any(|found| found.answer == answer);
    let worst = [Answer::Incomparable, Answer::Regressed, Answer::Inconclusive, Answer::Pass];
    worst.into_iter().find(|answer| has(*answer)).unwrap_or(Answer::Improved)
}

fn metric_evidence(found: &Comparison) -> MetricEvidence {
    MetricEvidence {
        metric: found.metric.clone(),
        answer: found.answer,
        margin: found.margin,
        baseline_mean: found.baseline_mean,
        candidate_mean: found.candidate_mean,
        lower: found.lower,
        upper: found.upper,
    }
}

/// The digits of a hash that people read.
pub(super) fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}
