//! The page of a finished run again, from its files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::{suite::GateSpec, verdict::Verdict};
use evalmark_report::summary::read_summary;
use evalmark_store::{
    baseline::{Baseline, WantedBaseline},
    integrity::{self, open_whole},
    run_folder::RunFolder,
    run_record::RunRecord,
};

use crate::{
    Ending, Host,
    error::{Hinted, Result},
    gate::{gate_run, gate_spec, write_verdict},
    run::{Compared, write_html},
};

/// What the page shows beside the run.
#[derive(Clone, Debug, Default)]
pub struct ReportOptions {
    /// The baseline to compare with; `None`: the verdict that the run has.
    pub baseline: Option<String>,
    /// The suite's earlier name, where the baseline was made under that.
    pub baseline_suite: Option<String>,
}

/// Writes `report.html` again; answers with its path.
pub fn report(path: &Path, options: &ReportOptions, host: &Host<'_>) -> Result<PathBuf> {
    let (folder, record) = open_whole(path)?;
    let samples = [folder.samples()];
    integrity::has_files(&folder, &record, &samples)?;
    integrity::unchanged(&folder, &record, &samples)?;
    let (verdict, baseline) = verdict(options, &folder, &record, host)?;
    let rows = read_summary(&folder.summary())?;
    let compared = verdict.as_ref().map(|verdict| Compared {
        verdict,
        baseline: baseline.as_ref().ok(),
        lacks: baseline.as_ref().err().and_then(Clone::clone),
    });
    write_html(&folder, &record, rows, compared.as_ref())?;
    Ok(folder.html())
}

/// A verdict, and the baseline that it is about, or why that cannot be read.
type Decided = (Option<Verdict>, Result<Baseline, Option<String>>);

/// The verdict against the baseline asked for, or the one that the run has.
fn verdict(
    options: &ReportOptions,
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<Decided> {
    if let Some(name) = &options.baseline {
        integrity::complete(folder, record)?;
        let spec = gate_spec(folder, record, host)?;
        let of_suite = options.baseline_suite.as_deref().or(spec.baseline_suite.as_deref());
        let baseline = Baseline::get(&WantedBaseline::of_run(name, of_suite, folder, record))?;
        let decision = gate_run(folder, record, &baseline, &spec, host)?;
        write_verdict(folder, &decision.verdict)?;
        return Ok((Some(decision.verdict), Ok(baseline)));
    }
    let Ok(text) = fs::read_to_string(folder.verdict()) else { return Ok((None, Err(None))) };
    let verdict: Verdict = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a verdict", folder.verdict().display()))
        .hint(format!("`evalmark gate {} --baseline NAME` decides again", folder.path.display()))
        .ends(Ending::Incomplete)?;
    let kept = GateSpec::of_effective(record.effective_suite.value())?;
    let of_suite = options.baseline_suite.clone().or(kept.and_then(|kept| kept.baseline_suite));
    let baseline = baseline_of(&verdict, of_suite.as_deref(), folder, record);
    Ok((Some(verdict), baseline))
}

/// The baseline that a verdict was made with, as it was then; or why there is none.
fn baseline_of(
    verdict: &Verdict,
    of_suite: Option<&str>,
    folder: &RunFolder,
    record: &RunRecord,
) -> Result<Baseline, Option<String>> {
    let Some(digest) = &verdict.baseline_digest else { return Err(None) };
    let name = &verdict.baseline;
    let found = Baseline::find(&WantedBaseline::of_run(name, of_suite, folder, record));
    match found {
        Ok(Some(baseline)) if baseline.digest == *digest => Ok(baseline),
        Ok(Some(_)) => Err(Some(format!("the baseline `{name}` has been replaced since"))),
        Ok(None) => Err(Some(format!("the baseline `{name}` is no longer there"))),
        Err(error) => Err(Some(error.to_string())),
    }
}
