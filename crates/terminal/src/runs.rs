//! A list of runs.

use evalmark_core::number_format::{count, or_none};
use evalmark_report::safe_text::printable_line;
use evalmark_store::runs::ListedRun;

use crate::{Screen, grid::Grid};

/// The runs as a table, and below it what is wrong with some of them.
pub fn render(runs: &[&ListedRun], screen: Screen) -> String {
    let header = ["suite", "run", "began (UTC)", "state", "items", "no answer", "verdict"];
    let grid = Grid {
        header: header.map(str::to_owned).to_vec(),
        rows: runs.iter().map(|run| row(run)).collect(),
        n_names: 2,
        ruled: false,
    };
    let mut lines = vec![grid.render(screen.columns)];
    lines.extend(runs.iter().flat_map(|run| problem(run, screen)));
    lines.join("\n")
}

fn row(run: &ListedRun) -> Vec<String> {
    let record = run.record.as_ref();
    vec![
        printable_line(&run.suite).into_owned(),
        printable_line(&run.run_id).into_owned(),
        or_none(run.started_at().map(moment)),
        run.state.as_str().to_owned(),
        or_none(record.map(|record| count(record.n_items))),
        or_none(record.map(|record| count(record.counts.failed))),
        or_none(run.verdict.as_ref().map(|verdict| verdict.answer.as_str().to_owned())),
    ]
}

/// `2026-11-27 15:10:14`, whatever a run's record says.
fn moment(started_at: &str) -> String {
    let moment = started_at.trim_end_matches('Z').replacen('T', " ", 1);
    printable_line(moment.get(..19).unwrap_or(&moment)).into_owned()
}

fn problem(run: &ListedRun, screen: Screen) -> Vec<String> {
    let Some(problem) = &run.problem else { return Vec::new() };
    let [suite, run_id] = [&run.suite, &run.run_id].map(|name| printable_line(name));
    screen.wrap("", &format!("{suite}/{run_id}: {}", printable_line(problem)))
}
