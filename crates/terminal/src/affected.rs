//! The suites that a change reaches, and through which files.

use evalmark_core::number_format::{count, counted};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{AffectedReason, AffectedSuites};

use crate::{Screen, Tone};

/// Reasons of one suite that are shown.
const MOST_REASONS: usize = 10;

/// Every suite with its reasons.
pub fn list(affected: &AffectedSuites, screen: Screen) -> String {
    let mut lines = Vec::new();
    for suite in &affected.suites {
        let path = suite.path.display().to_string();
        lines.push(screen.paint(Tone::Strong, &printable_line(&path)));
        let reasons = suite.reasons.iter().take(MOST_REASONS);
        lines.extend(reasons.flat_map(|reason| screen.wrap("  ", &told(reason))));
        if let Some(more) = suite.reasons.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
            lines.push(format!("  … and {}", counted(more as u64, "more reason")));
        }
    }
    lines.join("\n")
}

fn told(reason: &AffectedReason) -> String {
    let through = printable_line(&reason.through);
    match &reason.file {
        Some(file) => {
            format!("{} ({}): {through}", printable_line(&file.path), file.change.as_str())
        }
        None => through.into_owned(),
    }
}

/// How many they are, in a sentence.
pub fn summary(affected: &AffectedSuites) -> String {
    let n_files = affected.changed.len() as u64;
    format!(
        "{} since {} {} {} of {}",
        counted(n_files, "changed file"),
        affected.base.short(),
        if n_files == 1 { "reaches" } else { "reach" },
        count(affected.suites.len() as u64),
        counted(affected.n_suites as u64, "suite"),
    )
}
