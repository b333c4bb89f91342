//! Leaderboards for a terminal.

use evalmark_core::{estimate::Estimate, metric::Range, number_format::value};
use evalmark_report::safe_text::printable;
use evalmark_runner::Board;

use crate::table::{ends, wrapped};

/// What the letters say.
pub(crate) const LEGEND: &str =
    "Rows that share a letter do not differ significantly on that metric.";

/// The boards as text, best first.
pub(crate) fn render(boards: &[Board]) -> String {
    let mut lines = Vec::new();
    for board in boards {
        lines.push(format!("{} ({})", printable(&board.metric), board.correction));
        let width = board.places.iter().map(|place| place.group.len()).max().unwrap_or(1);
        lines.extend(board.places.iter().map(|place| {
            let mean = place
                .estimate
                .as_ref()
                .map_or("no score".to_owned(), |mean| mean_with_interval(mean, board.range));
            let (prompt, model) = (printable(&place.prompt), printable(&place.model));
            format!("  {:<width$}  {mean}  {prompt} · {model}", place.group)
        }));
        lines.push(String::new());
    }
    lines.extend(wrapped("", LEGEND));
    lines.join("\n")
}

fn mean_with_interval(estimate: &Estimate, range: Range) -> String {
    let interval = ends(estimate.ci_low, estimate.ci_high, range);
    format!("{:>7}{interval:<16}", value(estimate.mean, range))
}
