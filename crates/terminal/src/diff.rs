//! What two runs differ by, around the changed items: how many there are, and what could not be compared.

use evalmark_core::number_format::{count, counted};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{DiffedRun, PairCounts, RunDiff, ScoreChange, VariantName};

use crate::Screen;

/// The first line: how many scores are worse, better and the same.
pub fn head(found: &RunDiff, screen: Screen) -> String {
    let [before, after] = [&found.before, &found.after].map(name);
    let (worse, better) = (found.n_worse, found.n_better);
    let head = format!(
        "{after} against {before}: {} worse, {} better, {} the same",
        counted(worse, "score"),
        counted(better, "score"),
        count(found.n_paired().saturating_sub(worse + better)),
    );
    screen.wrap("", &head).join("\n")
}

/// What is not compared or cannot be shown, each in a sentence.
pub fn warnings(found: &RunDiff) -> Vec<String> {
    let mut told = Vec::new();
    if found.before.suite != found.after.suite {
        let [before, after] = [&found.before, &found.after].map(|run| printable_line(&run.suite));
        told.push(format!("the runs are of two suites, `{before}` and `{after}`"));
    }
    told.extend(unpaired(found));
    let metrics = found.incomparable.iter();
    told.extend(metrics.map(|one| format!("`{}` is not compared: {}", one.metric, one.why)));
    for side in [&found.before, &found.after] {
        if let Some(why) = &side.answers_left_out {
            told.push(format!("the answers of {} cannot be shown: {why}", name(side)));
        }
    }
    told
}

/// What was left out by a limit; `None` where all is shown.
pub fn rest(found: &RunDiff, only: Option<ScoreChange>) -> Option<String> {
    let (shown, all) = (found.items.len() as u64, found.n_matching(only));
    (shown < all)
        .then(|| format!("{} of {} shown; `--limit {all}` shows all", count(shown), count(all)))
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

fn name(run: &DiffedRun) -> String {
    printable_line(&run.path.display().to_string()).into_owned()
}
