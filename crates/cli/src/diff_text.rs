//! What changed between two runs, for a terminal or for programs.

use evalmark_core::number_format::{count, counted};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{DiffedRun, RunDiff, ScoreChange};
use evalmark_terminal::changed_items;
use serde_json::{Value, json};

use crate::print::Printer;

/// The items to stdout; what is not shown, and why, to stderr.
pub(crate) fn tell(found: &RunDiff, only: Option<ScoreChange>, printer: Printer) {
    let [before, after] = [&found.before, &found.after].map(name);
    let (worse, better) = (found.n_worse, found.n_better);
    let head = format!(
        "{after} against {before}: {} worse, {} better",
        counted(worse, "score"),
        counted(better, "score")
    );
    printer.result(&printer.screen().wrap("", &head).join("\n"));
    for (metric, why) in &found.incomparable {
        printer.warning(&format!("`{metric}` is not compared: {why}"));
    }
    for side in [&found.before, &found.after] {
        if let Some(why) = &side.answers_left_out {
            printer.warning(&format!("the answers of {} cannot be shown: {why}", name(side)));
        }
    }
    if !found.items.is_empty() {
        printer.result(&format!("\n{}", changed_items(&found.items, printer.screen())));
    }
    let (shown, all) = (found.items.len() as u64, n_wanted(found, only));
    if shown < all {
        printer.remark(&format!(
            "{} of {} shown; `--limit {all}` shows all",
            count(shown),
            count(all)
        ));
    }
}

/// How many there are of what was asked for.
fn n_wanted(found: &RunDiff, only: Option<ScoreChange>) -> u64 {
    match only {
        None => found.n_worse + found.n_better,
        Some(ScoreChange::Worse) => found.n_worse,
        Some(ScoreChange::Better) => found.n_better,
    }
}

fn name(run: &DiffedRun) -> String {
    printable_line(&run.path.display().to_string()).into_owned()
}

/// The same for programs.
pub(crate) fn json(found: &RunDiff, only: Option<ScoreChange>) -> Value {
    let run = |run: &DiffedRun| {
        json!({
            "run_dir": run.path,
            "suite": run.suite,
            "run_id": run.run_id,
            "answers_left_out": run.answers_left_out,
        })
    };
    let incomparable = found.incomparable.iter();
    let incomparable: Vec<_> =
        incomparable.map(|(metric, why)| json!({ "metric": metric, "why": why })).collect();
    json!({
        "before": run(&found.before),
        "after": run(&found.after),
        "n_worse": found.n_worse,
        "n_better": found.n_better,
        "n_matching": n_wanted(found, only),
        "incomparable": incomparable,
        "items": found.items,
    })
}
