//! What changed between two runs, for a terminal or for programs.

use evalmark_core::number_format::{count, counted};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{DiffedPair, DiffedRun, PairCounts, RunDiff, ScoreChange, VariantName};
use evalmark_terminal::changed_items;
use serde_json::{Value, json};

use crate::print::Printer;

/// The items to stdout; what is not shown, and why, to stderr.
pub(crate) fn tell(found: &RunDiff, only: Option<ScoreChange>, printer: Printer) {
    let [before, after] = [&found.before, &found.after].map(name);
    let (worse, better) = (found.n_worse, found.n_better);
    let head = format!(
        "{after} against {before}: {} worse, {} better, {} the same",
        counted(worse, "score"),
        counted(better, "score"),
        count(found.n_paired().saturating_sub(worse + better)),
    );
    printer.result(&printer.screen().wrap("", &head).join("\n"));
    if found.before.suite != found.after.suite {
        let [before, after] =
            [&found.before, &found.after].map(|run| printable_line(&run.suite).into_owned());
        printer.warning(&format!("the runs are of two suites, `{before}` and `{after}`"));
    }
    for text in unpaired(found) {
        printer.warning(&text);
    }
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

/// What belongs to nothing in the other run, each in a sentence.
fn unpaired(found: &RunDiff) -> Vec<String> {
    let [before, after] = [&found.before, &found.after].map(name);
    let most = |of: fn(&PairCounts) -> u64| found.pairings.iter().map(|p| of(&p.counts)).max();
    let sum = |of: fn(&PairCounts) -> u64| found.pairings.iter().map(|p| of(&p.counts)).sum();
    let items = [
        (most(|counts| counts.only_before), format!("only in {before}")),
        (most(|counts| counts.only_after), format!("only in {after}")),
        (most(|counts| counts.changed), "in both, with other content or targets".to_owned()),
    ];
    let scores: [(u64, &str); 2] =
        [(sum(|c| c.unscored_before), &before), (sum(|c| c.unscored_after), &after)];
    let variants = [(&found.only_before, &before), (&found.only_after, &after)];
    let variants = variants.into_iter().flat_map(|(alone, run)| {
        alone.iter().map(move |VariantName { prompt, model }| {
            let names = [prompt, model].map(|name| printable_line(name)).join(" · ");
            format!("{names} is not compared: it is only in {run}")
        })
    });
    let items = items.into_iter().filter(|(n, _)| n.unwrap_or_default() > 0).map(|(n, place)| {
        format!("{} not compared: {place}", counted(n.unwrap_or_default(), "item"))
    });
    let scores = scores.into_iter().filter(|(n, _)| *n > 0).map(|(n, run)| {
        format!(
            "{} not compared: {run} has no answer, or none that could be scored",
            counted(n, "score")
        )
    });
    let mut told: Vec<_> = variants.chain(items).chain(scores).collect();
    if found.n_paired() == 0 {
        told.push("nothing was compared: the runs share no scored item".to_owned());
    }
    told
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
        "n_paired": found.n_paired(),
        "pairings": found.pairings.iter().map(pairing).collect::<Vec<_>>(),
        "only_before": found.only_before.iter().map(variant).collect::<Vec<_>>(),
        "only_after": found.only_after.iter().map(variant).collect::<Vec<_>>(),
        "incomparable": incomparable,
        "items": found.items,
    })
}

fn variant(name: &VariantName) -> Value {
    json!({ "prompt": name.prompt, "model": name.model })
}

fn pairing(pair: &DiffedPair) -> Value {
    let PairCounts { paired, only_before, only_after, changed, unscored_before, unscored_after } =
        pair.counts;
    json!({
        "prompt": pair.variant.prompt,
        "model": pair.variant.model,
        "metric": pair.metric,
        "n_paired": paired,
        "n_only_before": only_before,
        "n_only_after": only_after,
        "n_changed": changed,
        "n_unscored_before": unscored_before,
        "n_unscored_after": unscored_after,
    })
}
