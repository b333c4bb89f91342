//! Whether the files of a run or baseline are those that its `run.json` speaks of: those of one
//! finished pass, and none that was changed since.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use evalmark_report::files::digest;
use evalmark_store::record::{RunRecord, RunStatus};

use crate::{exit::Exit, hint::Hinted, run_folder::RunFolder};

/// The first version of `run.json` that holds digests.
const WITH_DIGESTS: u32 = 2;

/// Fails where a run has not been finished, and its scores may be those of an earlier pass.
pub(crate) fn finished(folder: &RunFolder, record: &RunRecord) -> Result<()> {
    let run = folder.path.display();
    let (what, advice) = match record.status {
        RunStatus::Complete | RunStatus::Partial => return Ok(()),
        RunStatus::Running | RunStatus::Interrupted => (
            "is not finished: its scores are not there yet, or are those of an earlier pass",
            format!("wait for it to end, or finish it with `evalmark resume {run}`"),
        ),
        RunStatus::Scoring => (
            "was being scored again and did not come to its end",
            format!("`evalmark score {run}` makes its scores again"),
        ),
    };
    Err(anyhow!("the run {run} {what}")).hint(advice).ends(Exit::Incomplete)
}

/// Fails where a run has ended without all that a verdict needs.
pub(crate) fn complete(folder: &RunFolder, record: &RunRecord) -> Result<()> {
    finished(folder, record)?;
    let Some(why) = record.incomplete.clone().or_else(|| lacking(record)) else { return Ok(()) };
    let run = folder.path.display();
    Err(anyhow!("the run {run} is incomplete: {why}"))
        .hint(format!(
            "`evalmark resume {run}` asks for what is missing; `--as-it-is` decides on what is there"
        ))
        .ends(Exit::Incomplete)
}

/// What a run of earlier versions lacks too much of.
fn lacking(record: &RunRecord) -> Option<String> {
    let counts = &record.counts;
    let is_too_many = |missing: u64| missing as f64 > TOO_MANY_MISSING * counts.planned as f64;
    (record.status == RunStatus::Partial && is_too_many(counts.failed))
        .then(|| format!("{} of {} samples have no answer", counts.failed, counts.planned))
}

/// The share of missing scores from which a run counts as incomplete.
pub(crate) const TOO_MANY_MISSING: f64 = 0.05;

/// Fails where one of these files is not the one that was written with `run.json`. Files that are
/// not there are somebody else's matter.
pub(crate) fn unchanged(folder: &RunFolder, record: &RunRecord, paths: &[PathBuf]) -> Result<()> {
    if record.format_version < WITH_DIGESTS {
        return Ok(());
    }
    for path in paths.iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = digest(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if record.files.get(&name) == Some(&found) {
            continue;
        }
        let why = match record.files.get(&name) {
            Some(_) => "is not the file that its run.json speaks of: it was changed or replaced",
            None => "is a file that its run.json does not speak of",
        };
        return Err(anyhow!("{} {why}", path.display()))
            .hint(mend(folder, record))
            .ends(Exit::Incomplete);
    }
    Ok(())
}

/// Whether `run.json` says which files it belongs to.
pub(crate) fn has_digests(record: &RunRecord) -> bool {
    record.format_version >= WITH_DIGESTS
}

fn mend(folder: &RunFolder, record: &RunRecord) -> String {
    let path = folder.path.display();
    if record.files.contains_key("samples.parquet") {
        return format!("`evalmark score {path}` makes its scores again");
    }
    let name = folder.path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "check the baseline out again (`git checkout -- {path}`), or promote its run again: \
         `evalmark baseline promote RUN_DIR {name} --force`"
    )
}
