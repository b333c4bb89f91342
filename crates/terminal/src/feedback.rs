//! Feedback on a terminal: what was taken in, what it comes to, and how two variants compare by it.

use evalmark_core::{
    number_format::{count, counted, percent},
    verdict::Answer,
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{
    ExposureCounts, FeedbackComparison, FeedbackEstimate, FeedbackStatus, FeedbackVariant,
    ImportedFeedback, JoinDoubts, SignalStatus, UncountedFeedback,
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
    lines.extend(doubts(&found.doubts, screen));
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
    if let Some(exposures) = &found.exposures {
        lines.extend(screen.wrap("", &exposed_lines(exposures)));
    }
    lines.extend(doubts(&found.doubts, screen));
    lines.join("\n")
}

/// How a log of exposures fits the records.
fn exposed_lines(exposures: &ExposureCounts) -> String {
    let mut text = format!("log of exposures: {}", counted(exposures.lines, "line"));
    let more = [
        (exposures.repeated, "said again what an earlier one says"),
        (exposures.unmatched, "named no record that the monitor has"),
    ];
    for (n, what) in more {
        if n > 0 {
            text.extend([", ", &count(n), " ", what]);
        }
    }
    if exposures.unasked_events > 0 {
        let events = counted(exposures.unasked_events, "event");
        text.extend(["; ", &events, " of records that it does not have left out"]);
    }
    text
}

/// What is not for sure of which event is of which record.
fn doubts(doubts: &JoinDoubts, screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    if doubts.unjoined > 0 {
        let n = counted(doubts.unjoined, "event");
        let verb = if doubts.unjoined == 1 { "belongs" } else { "belong" };
        lines.extend(screen.wrap("", &format!("{n} {verb} to no record that the monitor has")));
    }
    if doubts.other_kind > 0 {
        let n = counted(doubts.other_kind, "event");
        let told = format!("{n} of another kind than the others of the signal: left out");
        lines.extend(screen.wrap("", &told));
    }
    if doubts.of_several > 0 {
        let n = counted(doubts.of_several, "event");
        let told = format!(
            "{n} with an id that several records have: each counts once, for the last answer before it"
        );
        lines.extend(screen.wrap("", &told));
    }
    for one in &doubts.joined_to {
        let (signal, names) = (printable_line(&one.signal), printable_line(&one.names));
        let (n, record) = (count(one.records), printable_line(&one.record));
        let told = format!("{signal} of {names}, which {n} records have, counts for {record}");
        lines.extend(screen.wrap("  ", &told));
    }
    lines
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
    lines.extend(left_out(&found.left_out, screen));
    lines.extend(doubts(&found.doubts, screen));
    lines.join("\n")
}

/// What was not counted of outcomes, and what was counted though its time is not known.
fn left_out(left_out: &UncountedFeedback, screen: Screen) -> Vec<String> {
    let told = [
        (left_out.before_answer, "event", "from before the answer: not counted"),
        (left_out.after_window, "event", "from after the window: not counted"),
        (left_out.untimed, "event", "without a time: counted, whenever it was"),
        (left_out.undated_records, "record", "without a time: left out"),
        (left_out.waiting_records, "record", "whose window has not ended: left out"),
    ];
    let told = told.iter().filter(|(n, ..)| *n > 0);
    told.flat_map(|(n, noun, what)| screen.wrap("", &format!("{} {what}", counted(*n, noun))))
        .collect()
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
