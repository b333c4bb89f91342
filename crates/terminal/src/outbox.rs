//! The outbox: who is still to be told what, and why they were not.

use evalmark_core::number_format::count;
use evalmark_report::safe_text::printable_line;
use evalmark_store::outbox::{OutboxEntry, OutboxState};

use crate::{Screen, grid::Grid};

/// Messages as a table, and below it why some of them wait.
pub fn render(listed: &[(OutboxState, OutboxEntry)], screen: Screen) -> String {
    let header =
        ["receiver", "kind", "suite", "run", "says", "state", "attempts", "next attempt (UTC)"];
    let grid = Grid {
        header: header.map(str::to_owned).to_vec(),
        rows: listed.iter().map(|(state, entry)| row(*state, entry)).collect(),
        n_names: 4,
        ruled: false,
    };
    let mut lines = vec![grid.render(screen.columns)];
    for (_, entry) in listed {
        if let Some(error) = &entry.last_error {
            let (name, run) = (&entry.receiver.name, entry.message["run_id"].as_str());
            let text = format!("{name}, run {}: {error}", run.unwrap_or_default());
            lines.extend(screen.wrap("", &printable_line(&text)));
        }
    }
    lines.join("\n")
}

fn row(state: OutboxState, entry: &OutboxEntry) -> Vec<String> {
    let said =
        |key: &str| printable_line(entry.message[key].as_str().unwrap_or_default()).into_owned();
    let state = match state {
        OutboxState::Pending if entry.may_have_arrived() => "may have arrived",
        OutboxState::Pending => "waits",
        OutboxState::Sent => "sent",
        OutboxState::GivenUp => "given up",
    };
    let next = entry.not_before.map_or_else(
        || "at once".to_owned(),
        |moment| {
            let text = moment.to_string();
            text.get(..19).unwrap_or(&text).replacen('T', " ", 1)
        },
    );
    vec![
        printable_line(&entry.receiver.name).into_owned(),
        printable_line(&entry.receiver.kind).into_owned(),
        said("suite"),
        said("run_id"),
        said("answer"),
        state.to_owned(),
        count(u64::from(entry.attempts)),
        if state == "sent" || state == "given up" { "none".to_owned() } else { next },
    ]
}
