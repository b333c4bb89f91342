//! A verdict for a terminal: the answer in words first, then the figures, then what flipped.

use evalmark_core::verdict::{Comparison, Verdict};
use evalmark_report::text::printable;

use crate::{
    print::{Printer, Tone},
    table::{percent, points},
};

/// Flipped items named for each comparison.
const FLIPS: usize = 5;

/// The verdict as lines of text.
pub(crate) fn render(verdict: &Verdict, printer: Printer) -> String {
    let word = verdict.answer.as_str().to_uppercase();
    let word = printer.paint(verdict.answer.into(), &word);
    let mut lines = vec![format!(
        "{word} against {}: {}",
        printable(&verdict.baseline),
        printable(&verdict.says)
    )];
    for comparison in &verdict.comparisons {
        lines.push(String::new());
        lines.extend(comparison_lines(comparison, printer));
    }
    lines.join("\n")
}

fn comparison_lines(comparison: &Comparison, printer: Printer) -> Vec<String> {
    let word = printer.paint(comparison.answer.into(), comparison.answer.as_str());
    let subject = format!(
        "{} · {} · {}",
        printable(&comparison.prompt),
        printable(&comparison.model),
        printable(&comparison.metric)
    );
    let mut lines = vec![
        format!("  {word}  {}", printer.paint(Tone::Strong, &subject)),
        format!("    {}", printable(&comparison.says)),
    ];
    lines.extend(
        figures(comparison).map(|text| format!("    {}", printer.paint(Tone::Faint, &text))),
    );
    lines.extend(comparison.notes.iter().map(|note| format!("    note: {}", printable(note))));
    lines.extend(flips(comparison).map(|text| format!("    {text}")));
    lines
}

/// `83.3 % -> 71.2 %, difference -12.1 points [-18.0, -6.3], 66 pairs, …`
fn figures(comparison: &Comparison) -> Option<String> {
    let (before, after) = (comparison.baseline_mean?, comparison.candidate_mean?);
    let (estimate, lower, upper) = (comparison.estimate?, comparison.lower?, comparison.upper?);
    let interval = format!("[{}, {}]", points(lower), points(upper));
    let margin = points(comparison.margin);
    let mut parts = vec![
        format!("{} -> {}", percent(before), percent(after)),
        format!("difference {} points {interval}", points(estimate)),
        format!("margin {} points", margin.trim_start_matches('+')),
        format!("{} pairs", comparison.counts.paired),
    ];
    if let (Some(b), Some(c)) = (comparison.only_baseline, comparison.only_candidate) {
        parts.push(format!("{b} lost and {c} gained"));
    }
    if let Some(needed) = comparison.items_needed.filter(|_| !comparison.answer.passes()) {
        parts.push(format!("{needed} items show a drop of the margin"));
    }
    parts.push(comparison.method.clone());
    Some(parts.join(", "))
}

fn flips(comparison: &Comparison) -> Option<String> {
    if comparison.flips.is_empty() {
        return None;
    }
    let named = comparison.flips.iter().take(FLIPS).map(|flip| {
        format!(
            "{} ({} -> {})",
            printable(&flip.item_id),
            short(flip.baseline),
            short(flip.candidate)
        )
    });
    let named: Vec<_> = named.collect();
    let more = comparison.n_flips.saturating_sub(named.len() as u64);
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(format!("flipped: {}{rest}", named.join(", ")))
}

/// A score without needless digits.
fn short(score: f64) -> String {
    let text = format!("{score:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
