//! Feedback on a terminal: what was taken in, what it comes to, and how two variants compare by it.

use evalmark_core::{
    number_format::{count, counted, percent},
    verdict::Answer,
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{
    FeedbackComparison, FeedbackEstimate, FeedbackStatus, FeedbackVariant, ImportedFeedback,
    SignalStatus,
};

use crate::{Screen, grid::Grid};

/// What was taken in.
pub fn imported(found: &ImportedFeedback, screen: Screen) -> String {
    let mut first = format!(
        "{}: {} new, {} in place of earlier ones, {} known",
        counted(found.documents, "document"),
        count(found.added),
        count(found.replaced),
        count(found.known)
    );
    for (n, what) in [(found.passed_over, "passed over"), (found.damaged, "damaged")] {
        if n > 0 {
            first.extend([", ", &count(n), " ", what]);
        }
    }
    let mut lines = screen.wrap("", &first);
    for problem in &found.problems {
        lines.extend(screen.wrap("  ", &printable_line(problem)));
    }
    let all: u64 = found.signals.values().sum();
    let signals: Vec<_> = found
        .signals
        .iter()
        .map(|(signal, n)| format!("{} {}", count(*n), printable_line(signal)))
        .collect();
    let kept = format!(
        "{}: {} ({}), {} of a record that the monitor has",
        printable_line(&found.path.display().to_string()),
        counted(all, "event"),
        signals.join(", "),
        count(found.joined)
    );
    lines.extend(screen.wrap("", &kept));
    lines.join("\n")
}

/// What it comes to.
pub fn status(found: &FeedbackStatus, screen: Screen) -> String {
    let exposed = found
        .exposed
        .map_or_else(String::new, |n| format!(", {} of them shown with a question", count(n)));
    let mut lines = vec![format!("{}{exposed}", counted(found.records, "record")), String::new()];
    let row = |signal: &SignalStatus| {
        vec![
            printable_line(&signal.signal).into_owned(),
            format!("{} of {}", count(signal.rated), count(signal.of)),
            estimate(signal.raters.as_ref()),
            estimate(signal.weighted.as_ref()),
        ]
    };
    let header = ["signal", "records with it", "as they are", "weighted"];
    let grid = Grid {
        header: header.map(str::to_owned).into(),
        rows: found.signals.iter().map(row).collect(),
        n_names: 1,
        ruled: false,
    };
    lines.push(grid.render(screen.columns));
    let is_biased = |signal: &SignalStatus| !signal.happens && signal.weighted.is_none();
    if found.signals.iter().any(is_biased) {
        lines.extend(screen.wrap(
            "",
            "Those who rate are not drawn at random: \"as they are\" is the mean of those who rated, and says nothing of the \
             others. With a log of who was asked (`--exposures`), or a `propensity` in each event, it is weighted.",
        ));
    }
    if found.unjoined > 0 {
        let n = counted(found.unjoined, "event");
        let verb = if found.unjoined == 1 { "belongs" } else { "belong" };
        lines.extend(screen.wrap("", &format!("{n} {verb} to no record that the monitor has")));
    }
    lines.join("\n")
}

/// How two variants compare.
pub fn comparison(found: &FeedbackComparison, screen: Screen) -> String {
    let answer = match found.answer {
        Answer::Pass => "PASS",
        Answer::Improved => "IMPROVED",
        Answer::Regressed => "REGRESSED",
        Answer::Inconclusive => "INCONCLUSIVE",
        Answer::Incomparable => "INCOMPARABLE",
    };
    let says = match found.answer {
        Answer::Improved => "the new one is better",
        Answer::Regressed => "the new one is worse",
        Answer::Pass => "the new one is not worse by more than the margin",
        Answer::Inconclusive | Answer::Incomparable => "it takes more users",
    };
    let mut lines =
        vec![format!("{answer}  {}: {says}", printable_line(&found.signal)), String::new()];
    let row = |variant: &FeedbackVariant| {
        vec![
            printable_line(&variant.name).into_owned(),
            count(variant.records),
            count(variant.users as u64),
            variant.mean.map_or_else(|| "–".to_owned(), percent),
        ]
    };
    let header = ["variant", "records", "users with it", "mean"];
    let grid = Grid {
        header: header.map(str::to_owned).into(),
        rows: vec![row(&found.before), row(&found.after)],
        n_names: 1,
        ruled: false,
    };
    lines.push(grid.render(screen.columns));
    let points = |value: f64| format!("{:+.1}", 100.0 * value);
    let interval = format!(
        "difference between {} and {} points, margin {} points; this interval of {} holds whenever and however often \
         somebody looks, with a chance of {} to miss",
        points(found.ci_low),
        points(found.ci_high),
        100.0 * found.margin,
        counted(found.n_pairs as u64, "pair"),
        percent(found.alpha),
    );
    lines.extend(screen.wrap("", &interval));
    lines.join("\n")
}

fn estimate(estimate: Option<&FeedbackEstimate>) -> String {
    let Some(found) = estimate else { return "–".to_owned() };
    match (found.low, found.high) {
        (Some(low), Some(high)) => {
            format!("{} ({} to {})", percent(found.mean), percent(low), percent(high))
        }
        _ => percent(found.mean),
    }
}
