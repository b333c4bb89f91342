//! A run becomes a baseline.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use evalmark_core::suite::file_name;
use evalmark_report::{files, usage::copy_usage};
use evalmark_store::record::{FORMAT_VERSION, RunOptions, RunRecord, RunStatus};

use super::{folder_of, slot::Slot};
use crate::{hint::Hinted, run_folder::RunFolder, whole};

/// Why a run can become a baseline with `--force` only, or not at all.
pub(crate) fn cannot_be_baseline(record: &RunRecord) -> Option<String> {
    match record.status {
        RunStatus::Complete => {
            record.stopped_early.as_ref().map(|stopped| format!("it {}", stopped.summary()))
        }
        RunStatus::Running | RunStatus::Interrupted | RunStatus::Scoring => {
            Some("it is not finished".to_owned())
        }
        RunStatus::Partial => Some(lacking(record)),
    }
}

/// What a run lacks answers or scores of.
fn lacking(record: &RunRecord) -> String {
    let counts = &record.counts;
    let mut parts = Vec::new();
    if counts.failed > 0 {
        parts.push(format!("{} of the run's samples have no answer", counts.failed));
    }
    for (metric, unscored) in &counts.unscored {
        let (count, planned, example) = (unscored.count, counts.planned, &unscored.example);
        parts.push(format!("{count} of {planned} samples have no score of `{metric}`: {example}"));
    }
    if parts.is_empty() {
        parts.push("the run is not complete".to_owned());
    }
    parts.join("; ")
}

/// Makes a run the baseline `name` of its suite; answers with the baseline's folder.
pub(crate) fn promote(run: &Path, name: &str, force: bool) -> Result<PathBuf> {
    if let Err(why) = file_name(name) {
        bail!("the baseline's name {why}");
    }
    let (folder, record) = RunFolder::open(run)?;
    can_be_promoted(&folder, &record, force)?;
    let shelf = folder_of(&folder.out(), &record.suite);
    let path = shelf.join(name);
    let cannot = || format!("the baseline {} cannot be written", path.display());
    fs::create_dir_all(&shelf).with_context(cannot)?;
    let _lock = RunFolder { path: shelf.clone() }.lock()?;
    let slot = Slot::new(&shelf, name);
    slot.recover().with_context(cannot)?;
    if slot.current().is_some() && !force {
        return Err(anyhow!("the baseline {} exists already", path.display()))
            .hint("choose another name, or replace it with `--force`");
    }
    build(&RunFolder { path: slot.next.clone() }, &folder, record).with_context(cannot)?;
    slot.fill().with_context(cannot)?;
    Ok(path)
}

/// Fails where a run is not what later ones should be compared with.
fn can_be_promoted(folder: &RunFolder, record: &RunRecord, force: bool) -> Result<()> {
    let run = folder.path.display();
    let above = folder.path.parent().and_then(Path::parent);
    if above.and_then(Path::file_name).is_some_and(|name| name == "baselines") {
        bail!("{run} is a baseline already; promote the run that it came from");
    }
    match record.status {
        RunStatus::Complete => {}
        RunStatus::Running | RunStatus::Interrupted => {
            return Err(anyhow!("the run {run} is not finished"))
                .hint(format!("`evalmark resume {run}` finishes it"));
        }
        RunStatus::Scoring => whole::finished(folder, record)?,
        RunStatus::Partial if force => {}
        RunStatus::Partial => {
            return Err(anyhow!(lacking(record))).hint(mend(&folder.path, record));
        }
    }
    whole::unchanged(folder, record, &[folder.scores(), folder.samples()])?;
    if let Some(stopped) = record.stopped_early.as_ref().filter(|_| !force) {
        return Err(anyhow!("the run {}", stopped.summary())).hint(
            "a baseline should have every item: set `stop_early: false` and run the suite again, \
             which requests only the rest; `--force` promotes the run as it is",
        );
    }
    Ok(())
}

/// Makes the baseline's folder; its `run.json` comes last.
fn build(baseline: &RunFolder, run: &RunFolder, record: RunRecord) -> Result<()> {
    files::create_folder(&baseline.path)?;
    let scores = files::copy(&run.scores(), &baseline.scores())?;
    let usage = copy_usage(&run.samples(), &baseline.usage())?;
    let digests = [("scores.parquet", scores), ("usage.parquet", usage)];
    // Where this machine keeps its files is nobody else's business.
    let options = RunOptions {
        cache_dir: None,
        working_dir: None,
        baseline: None,
        baseline_suite: None,
        ..record.options.clone()
    };
    baseline.write(&RunRecord {
        format_version: FORMAT_VERSION,
        options,
        ungated: None,
        files: digests.map(|(name, digest)| (name.to_owned(), digest)).into(),
        ..record
    })
}

/// What can be done about what a run lacks.
fn mend(run: &Path, record: &RunRecord) -> String {
    let run = run.display();
    let resume = format!("`evalmark resume {run}` retries them");
    let score =
        format!("retrying cannot help: fix the metric or the targets, then `evalmark score {run}`");
    let first = match (record.counts.failed > 0, record.counts.unscored.is_empty()) {
        (true, true) => resume,
        (true, false) => format!("{resume}, and for the scores, mend the metric or the targets"),
        (false, _) => score,
    };
    format!("{first}; `--force` takes the run as it is")
}
