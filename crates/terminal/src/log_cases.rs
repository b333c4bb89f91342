//! Records that become items of a dataset: what was picked for review, and what was frozen.

use std::path::Path;

use evalmark_core::number_format::{count, counted};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{CasesFromLogs, Frozen, Picked};

use crate::{Screen, grid::Grid};

/// What was picked, and what to do next.
pub fn picked(found: &CasesFromLogs, suite: &Path, screen: Screen) -> String {
    let (records, with_texts) = (counted(found.records, "record"), count(found.with_texts));
    let looked = format!("{records}, {with_texts} with an answer and its texts");
    let mut lines = screen.wrap("", &looked);
    lines.push(String::new());
    let row = |picked: &Picked| {
        let Picked { found, repeated, near, left, taken, .. } = *picked;
        let numbers = [found, repeated, near, left, taken].map(count);
        [picked.kind.name().to_owned()].into_iter().chain(numbers).collect()
    };
    let header = ["kind", "found", "again", "near duplicates", "more than asked for", "taken"];
    let grid = Grid {
        header: header.map(str::to_owned).into(),
        rows: found.kinds.iter().map(row).collect(),
        n_names: 1,
        ruled: false,
    };
    lines.push(grid.render(screen.columns));
    let file = shown(&found.written.path);
    let next = format!(
        "{file}: {} to review; fill in the right answers, write `no` into `log_keep` of what is not to be kept, and then: \
         `evalmark dataset freeze {} {file}`",
        counted(found.written.n_rows, "record"),
        shown(suite),
    );
    lines.extend(screen.wrap("", &next));
    if found.too_long > 0 {
        let told = format!(
            "warning: {} longer than the 32,767 characters of a spreadsheet's cell, which would cut them; review a .jsonl \
             file instead",
            if found.too_long == 1 {
                "1 text is".to_owned()
            } else {
                format!("{} texts are", count(found.too_long))
            },
        );
        lines.extend(screen.wrap("", &told));
    }
    lines.join("\n")
}

/// What was frozen.
pub fn frozen(frozen: &Frozen, screen: Screen) -> String {
    let dataset = shown(&frozen.dataset);
    let added = frozen.added.len() as u64;
    let mut first = match added {
        0 => format!("{dataset}: nothing new"),
        n => format!("{dataset}: {} frozen", counted(n, "item")),
    };
    if !frozen.known.is_empty() {
        first.extend([", ", &count(frozen.known.len() as u64), " frozen before"]);
    }
    if frozen.dropped > 0 {
        first.extend([", ", &count(frozen.dropped), " not kept"]);
    }
    let mut lines = screen.wrap("", &first);
    let from = shown(&frozen.provenance);
    lines.extend(screen.wrap("", &format!("where they came from: {from}")));
    if !frozen.unselected.is_empty() {
        let n = format!("{} of them", count(frozen.unselected.len() as u64));
        let told = format!(
            "warning: the suite takes only a part of its dataset, without {n}, such as `{}`",
            printable_line(&frozen.unselected[0])
        );
        lines.extend(screen.wrap("", &told));
    }
    lines.join("\n")
}

fn shown(path: &Path) -> String {
    printable_line(&path.display().to_string()).into_owned()
}
