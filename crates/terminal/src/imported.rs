//! What was read of another tool's results, what was taken over, and what was not.

use evalmark_core::number_format::{count, counted};
use evalmark_store::run_record::{ImportedRest, RunRecord, SampleCounts};

/// The counts of an imported run; they add up. Empty for a run that was not imported.
pub fn render(record: &RunRecord) -> String {
    let Some(from) = &record.imported else { return String::new() };
    let version =
        from.tool_version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let n_left_out: u64 = left_out(&from.left_out, "result").map(|left| left.count).sum();
    let mut lines = vec![format!(
        "read {} of {}{version}: {} kept, {} left out",
        counted(from.read, "result"),
        from.tool,
        count(from.kept),
        count(n_left_out),
    )];
    lines.extend(left_out(&from.left_out, "result").map(rest));
    lines.push(contents(record));
    lines.extend(left_out(&from.left_out, "score").map(rest));
    lines.extend(from.remarks.iter().map(|remark| format!("  note: {remark}")));
    lines.join("\n")
}

fn left_out<'a>(all: &'a [ImportedRest], what: &'a str) -> impl Iterator<Item = &'a ImportedRest> {
    all.iter().filter(move |left| left.what == what)
}

fn rest(left: &ImportedRest) -> String {
    let ImportedRest { what, why, count: n, first } = left;
    format!("  left out: {}: {why} (first: {first})", counted(*n, what))
}

/// What the run has now.
fn contents(record: &RunRecord) -> String {
    let SampleCounts { planned, failed, .. } = record.counts;
    let metrics: Vec<_> = record.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let epochs = match record.epochs {
        1 => String::new(),
        epochs => format!(" in up to {}", counted(epochs.into(), "epoch")),
    };
    let failed = match failed {
        0 => String::new(),
        n => format!(", {} of them failed: they have no score", count(n)),
    };
    format!(
        "{} to {}{epochs}{failed}; metrics: {}",
        counted(planned, "answer"),
        counted(record.n_items, "item"),
        metrics.join(", ")
    )
}
