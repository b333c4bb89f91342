//! Leaderboards for a terminal.

use evalmark_core::{
    estimate::Estimate,
    metric::Range,
    number_format::{NONE, interval, value},
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{Board, BoardPlace};
use unicode_width::UnicodeWidthStr;

use crate::{Screen, grid::fitted};

/// What the letters say.
pub(crate) const LEGEND: &str =
    "Rows that share a letter do not differ significantly on that metric.";

/// What the brackets say.
const INTERVALS: &str = "Brackets are 95 % intervals, as in the summary of the run.";

/// The boards as text, best first.
pub fn render(boards: &[Board], screen: Screen) -> String {
    let mut lines = Vec::new();
    for board in boards {
        lines.push(format!("{} ({})", printable_line(&board.metric), board.correction));
        lines.extend(places(board, screen));
        lines.push(String::new());
    }
    lines.extend(screen.wrap("", LEGEND));
    lines.extend(screen.wrap("", INTERVALS));
    lines.join("\n")
}

/// `a    63.7 % [57.5, 69.6]  definitions · small` for each place, one below the other.
fn places(board: &Board, screen: Screen) -> Vec<String> {
    let cells = board.places.iter().map(|place| {
        let [mean, interval] = match &place.estimate {
            Some(estimate) => written(estimate, board.range),
            None => ["no score".to_owned(), String::new()],
        };
        [place.group.clone(), mean, interval]
    });
    let cells: Vec<_> = cells.collect();
    let width = |column: usize| cells.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let [group, mean, interval] = [0, 1, 2].map(width);
    let room = screen.columns.map(|columns| columns.saturating_sub(7 + group + mean + interval));
    let places = board.places.iter().zip(&cells);
    let line = |(place, cells): (&BoardPlace, &[String; 3])| {
        let name = [&place.prompt, &place.model].map(|name| printable_line(name)).join(" · ");
        let name = fitted(&name, room.unwrap_or(usize::MAX).max(1));
        let [letters, value, bounds] = cells;
        format!("  {letters:<group$}  {value:>mean$} {bounds:<interval$}  {name}")
    };
    places.map(line).collect()
}

/// The mean, and its interval where there is one.
fn written(estimate: &Estimate, range: Range) -> [String; 2] {
    let interval = interval(estimate.ci_low, estimate.ci_high, range);
    let interval = if interval == NONE { String::new() } else { interval };
    [value(estimate.mean, range), interval]
}
