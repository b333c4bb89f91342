//! Drift for a terminal: alarms in words, and a line for every stream.

use evalmark_core::{
    drift::{DriftReport, StreamDrift},
    drift_text::AlarmText,
    number_format::{NONE, count, counted, percent},
};
use evalmark_report::safe_text::printable_line;

use crate::{Screen, Tone, grid::Grid};

/// What looks are called.
#[derive(Clone, Copy)]
pub struct LookNames {
    /// What each of them is, such as `day`.
    pub noun: &'static str,
    /// The name of one.
    pub name: fn(i64) -> String,
}

/// Alarms, then the streams.
pub fn render(report: &DriftReport, looks: LookNames, screen: Screen) -> String {
    let mut lines = Vec::new();
    for stream in report.alarmed() {
        if let Some(alarm) = &stream.alarm {
            let text = AlarmText::of(report, stream, alarm, looks.name);
            let says = printable_line(&format!("drift: {}", text.says)).into_owned();
            lines.extend(screen.wrap("", &says).iter().map(|l| screen.paint(Tone::Bad, l)));
            lines.extend(screen.wrap("  ", &printable_line(&text.alongside)));
        }
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(table(report).render(screen.columns));
    for stream in &report.streams {
        lines.extend(remarks(stream).iter().flat_map(|text| screen.wrap("", text)));
    }
    lines.push(String::new());
    lines.extend(screen.wrap("", &promise(report, looks.noun)));
    lines.join("\n")
}

fn table(report: &DriftReport) -> Grid {
    let header = ["stream", "before", "now", "n", "evidence"].map(str::to_owned).into();
    let rows = report.streams.iter().map(|stream| {
        let name = stream.shown_name();
        let name = match &stream.category {
            Some(category) => format!("{name}: {category}"),
            None => name.to_owned(),
        };
        let now = &stream.production;
        let shown = |level: &evalmark_core::drift::StreamLevel| {
            if level.n == 0 {
                return NONE.to_owned();
            }
            stream.kind.text(level.amount.unwrap_or(level.mean))
        };
        vec![
            printable_line(&name).into_owned(),
            shown(&stream.released),
            shown(now),
            count(now.n),
            evidence(stream),
        ]
    });
    Grid { header, rows: rows.collect(), n_names: 1, ruled: false }
}

/// How far the evidence is on its way to an alarm.
fn evidence(stream: &StreamDrift) -> String {
    match (&stream.alarm, stream.threshold) {
        (Some(_), _) => "alarm".to_owned(),
        (None, None) => "shown only".to_owned(),
        (None, Some(threshold)) => percent((stream.evidence / threshold).clamp(0.0, 1.0)),
    }
}

fn remarks(stream: &StreamDrift) -> Vec<String> {
    let name = printable_line(stream.shown_name());
    let mut remarks = Vec::new();
    if !stream.unseen.is_empty() {
        let names: Vec<_> =
            stream.unseen.iter().map(|one| format!("`{}` ({})", one.name, count(one.n))).collect();
        let text = format!("{name}: new are {}", names.join(", "));
        remarks.push(printable_line(&text).into_owned());
    }
    if stream.n_left_out > 0 {
        let values = counted(stream.n_left_out, "value");
        remarks.push(format!(
            "{name}: {values} left out, which the released run cannot be held against"
        ));
    }
    if !stream.strata_lacking.is_empty() {
        let strata = printable_line(&stream.strata_lacking.join(", ")).into_owned();
        remarks.push(format!("{name}: production lacks {strata}"));
    }
    remarks
}

fn promise(report: &DriftReport, noun: &str) -> String {
    let tested = report.streams.iter().filter(|one| one.threshold.is_some()).count() as u64;
    format!(
        "{} so far. Where nothing drifts, the chance that any of {} raises an alarm within a year is at most {}.",
        counted(report.n_looks, noun),
        counted(tested, "tested stream"),
        percent(report.alpha)
    )
}
