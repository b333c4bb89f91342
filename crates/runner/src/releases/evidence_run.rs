//! The run that proved a released prompt, found again.

use std::path::Path;

use evalmark_store::{
    releases::{ReleaseEvidence, sha256_hex},
    run_folder::RunFolder,
    run_record::RunRecord,
};

use super::{context::root_of, evidence::whole};
use crate::{
    Ending,
    error::{Hinted, Result, RunError},
};

/// The run of a release's evidence, whole and as it was when it was released; `releases` is the folder of releases.
pub(crate) fn evidence_run(
    releases: &Path,
    evidence: &ReleaseEvidence,
) -> Result<(RunFolder, RunRecord)> {
    let path = root_of(releases).join(&evidence.run);
    let advice = "bring its folder back, or name a baseline with `--baseline NAME`";
    let run = || format!("the run {} of the release cannot be used", evidence.run);
    let (folder, record) = whole(&path).with_context(run).hint(advice).ends(Ending::Incomplete)?;
    let bytes = std::fs::read(folder.record()).with_context(run).hint(advice)?;
    if sha256_hex(&bytes) != evidence.run_sha256 {
        let told = format!("the run {} is not as it was when it was released", evidence.run);
        return Err(RunError::new(told).with_hint(advice).with_ending(Ending::Incomplete));
    }
    Ok((folder, record))
}
