//! Production logs for a terminal: what was read, and each metric by day.

use std::{fmt::Write, path::Path};

use evalmark_core::number_format::{
    count, counted, difference, dollars, interval, moment, or_none, value,
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{MonitorDay, MonitorEnd, MonitorStatus, MonitoredMetric, day_name};
use evalmark_store::monitor::{
    DamagedLine, JudgingState, LineCounts, MonitorRestart, MonitorState,
};

use crate::{
    Screen, Tone,
    drift::{self, LookNames},
    grid::Grid,
};

/// Damaged lines that are shown; JSON has more.
const MOST_DAMAGED: usize = 5;

/// Days that are shown of each metric, the last ones; JSON has them all.
const MOST_DAYS: usize = 14;

/// One line about how far it is.
pub fn progress(state: &MonitorState) -> String {
    format!("{}: {}", moment(&state.written_at), lines(state.counts))
}

/// What reading came to.
pub fn reading(end: &MonitorEnd, folder: &Path, screen: Screen) -> String {
    let told = if end.counts == LineCounts::default() {
        "nothing new: every line of these logs has been read before".to_owned()
    } else {
        lines(end.counts)
    };
    let mut text = screen.wrap("", &told);
    if end.counts.damaged > 0 {
        text.extend(damaged(&end.state, screen));
    }
    text.extend(judging(&end.state.judging, screen));
    let folder = printable_line(&folder.display().to_string()).into_owned();
    text.push(screen.paint(Tone::Faint, &format!("records: {folder}")));
    text.join("\n")
}

/// What a monitor's records show.
pub fn status(status: &MonitorStatus, screen: Screen) -> String {
    let state = &status.state;
    let mut text = vec![screen.paint(Tone::Strong, &printable_line(&status.suite))];
    text.extend(
        screen.wrap(
            "",
            &format!("read until {}: {}", moment(&state.written_at), lines(state.counts)),
        ),
    );
    if state.counts.damaged > 0 {
        text.extend(damaged(state, screen));
    }
    text.extend(judging(&state.judging, screen));
    let missing = state
        .missing
        .iter()
        .map(|(name, n)| format!("{} in {}", printable_line(name), counted(*n, "record")));
    let missing: Vec<_> = missing.collect();
    if !missing.is_empty() {
        text.extend(screen.wrap("", &format!("missing: {}", missing.join(", "))));
    }
    if status.outdated > 0 {
        let told = format!(
            "{} scored before a metric was changed; its scores of then are left out",
            counted(status.outdated, "record")
        );
        text.extend(screen.wrap("", &told));
    }
    if status.from_future > 0 {
        let told = format!(
            "{} dated in the future: the times of these do not count",
            counted(status.from_future, "record")
        );
        text.extend(screen.wrap("", &told));
    }
    if let Some(reference) = &status.reference {
        let told = format!("beside them: {}", printable_line(reference));
        text.extend(screen.wrap("", &told));
    }
    for metric in &status.metrics {
        text.push(String::new());
        text.extend(of_metric(metric, screen));
    }
    text.push(String::new());
    text.extend(drift_text(status, screen));
    text.join("\n")
}

/// What a restart did.
pub fn restarted(restart: &MonitorRestart, screen: Screen) -> String {
    let told = format!(
        "drift is tested anew from {} on: earlier records, and the alarms about them, no longer count",
        moment(&restart.at.to_string())
    );
    screen.wrap("", &told).join("\n")
}

/// What drifts, since when, what changed with it, and how every stream stands.
fn drift_text(status: &MonitorStatus, screen: Screen) -> Vec<String> {
    let mut text = Vec::new();
    if let Some(since) = &status.since {
        let told = format!(
            "drift is tested since {}: {} from before, or of another prompt, left out",
            moment(since),
            counted(status.left_out, "record")
        );
        text.extend(screen.wrap("", &told));
    }
    if let Some(why) = &status.drift.metrics_untested {
        text.extend(
            screen.wrap("", &printable_line(&format!("metrics are not tested for drift: {why}"))),
        );
    }
    match &status.drift.report {
        Some(report) => {
            if report.alarmed().next().is_none() {
                text.push(screen.paint(Tone::Good, "no alarm"));
            }
            let looks = LookNames { noun: "day", name: day_name };
            text.push(drift::render(report, looks, screen));
        }
        None if status.drift.metrics_untested.is_some() => {}
        None => text.push("nothing is tested for drift yet".to_owned()),
    }
    text
}

fn lines(counts: LineCounts) -> String {
    let LineCounts { read, kept, sampled, failed, damaged, left_out, repeated } = counts;
    let mut told = format!("{}, {}", counted(read, "line"), counted(kept, "record"));
    if sampled < kept {
        let _ = write!(told, ", {} with their texts", count(sampled));
    }
    if failed > 0 {
        let _ = write!(told, ", {} without an answer", count(failed));
    }
    if damaged > 0 {
        let _ = write!(told, ", {} damaged", count(damaged));
    }
    if repeated > 0 {
        let _ = write!(told, ", {} sent again", count(repeated));
    }
    if left_out > 0 {
        let _ = write!(told, "; {} of no model's answer", count(left_out));
    }
    told
}

/// What became of the records that models were to be asked about, and what it cost.
fn judging(state: &JudgingState, screen: Screen) -> Vec<String> {
    let counts = &state.counts;
    if state.is_empty() {
        return Vec::new();
    }
    let mut told =
        format!("judges: {} drawn, {} judged", count(counts.drawn), count(counts.judged));
    if counts.nothing_to_ask > 0 {
        let _ = write!(told, ", {} with nothing to ask", count(counts.nothing_to_ask));
    }
    if state.n_waiting() > 0 {
        let _ = write!(told, ", {} waiting", count(state.n_waiting()));
    }
    for (why, n) in counts.unjudged().into_iter().filter(|(_, n)| *n > 0) {
        let why = match why {
            "over_budget" => "beyond the budget",
            "unreachable" => "as the model could not be reached",
            "failed" => "as a request failed",
            "unreadable" => "as the reply is no grade",
            _ => "as the suite changed",
        };
        let _ = write!(told, ", {} unjudged {why}", count(n));
    }
    if state.cost_usd > 0.0 {
        let _ = write!(told, "; {}", dollars(state.cost_usd));
    }
    if let Some(spent) = state.spent.as_ref().filter(|spent| spent.cost_usd > 0.0) {
        let _ = write!(
            told,
            ", {} of it in {}",
            dollars(spent.cost_usd),
            printable_line(&spent.period)
        );
    }
    screen.wrap("", &told)
}

/// Where damaged lines are, and what is wrong with them.
fn damaged(state: &MonitorState, screen: Screen) -> Vec<String> {
    let one = |DamagedLine { file, line, problem }: &DamagedLine| {
        let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
        screen.wrap("  ", &printable_line(&format!("{place} {problem}")))
    };
    let shown = state.damaged.iter().take(MOST_DAMAGED).flat_map(one);
    let left = state.counts.damaged.saturating_sub(MOST_DAMAGED as u64);
    let more = (left > 0).then(|| format!("  and {} more", count(left)));
    shown.chain(more).collect()
}

fn of_metric(metric: &MonitoredMetric, screen: Screen) -> Vec<String> {
    let header = ["day", "records", "scored", "mean", "95 % interval"];
    let skipped = metric.days.len().saturating_sub(MOST_DAYS);
    let mut rows: Vec<_> = metric.days[skipped..].iter().map(|day| row(day, metric)).collect();
    if metric.days.len() > 1 {
        let records = metric.days.iter().map(|day| day.records).sum();
        let all =
            MonitorDay { day: Some("all days".to_owned()), records, estimate: metric.all.clone() };
        rows.push(row(&all, metric));
    }
    let header = header.map(str::to_owned).to_vec();
    let grid = Grid { header, rows, n_names: 1, ruled: false };
    let name = printable_line(&metric.metric).into_owned();
    let title = format!("{name} ({} is better)", metric.better);
    let mut lines = vec![screen.paint(Tone::Strong, &title)];
    lines.extend(grid.render(screen.columns).lines().map(str::to_owned));
    for reference in &metric.references {
        let (prompt, model) = (printable_line(&reference.prompt), printable_line(&reference.model));
        let mut told =
            format!("baseline, {prompt} · {model}: {}", value(reference.mean, metric.range));
        if let Some(all) = &metric.all {
            let change = difference(all.mean - reference.mean, metric.range);
            let _ = write!(told, "; production: {change}");
        }
        lines.extend(screen.wrap("  ", &told));
    }
    if skipped > 0 {
        lines.push(format!("  {} before these", counted(skipped as u64, "day")));
    }
    lines
}

fn row(day: &MonitorDay, metric: &MonitoredMetric) -> Vec<String> {
    let estimate = day.estimate.as_ref();
    vec![
        day.day.clone().unwrap_or_else(|| "no time".to_owned()),
        count(day.records),
        count(estimate.map_or(0, |estimate| estimate.n_items)),
        or_none(estimate.map(|estimate| value(estimate.mean, metric.range))),
        or_none(estimate.map(|estimate| interval(estimate.ci_low, estimate.ci_high, metric.range))),
    ]
}
