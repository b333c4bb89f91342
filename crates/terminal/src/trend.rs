//! A suite's history for a terminal: every score with its interval, run by run, and what can be said
//! of its course.

use std::{borrow::Cow, ops::Range as Columns};

use evalmark_core::{
    estimate::Estimate,
    history::{Course, History, Series, SeriesPoint},
    number_format::{counted, estimate},
};
use evalmark_report::safe_text::{printable, printable_line};
use textwrap::core::display_width;

use crate::{Screen, Tone, screen::WIDTH};

/// Runs of a score that are drawn; JSON has them all.
const MOST_SHOWN: usize = 30;

/// Columns of a picture: narrow ones tell nothing, and wide ones no more.
const PICTURE: Columns<usize> = 16..48;

/// Columns of a run's id.
const RUN_ID: usize = 24;

/// The history as text.
pub fn render(history: &History, screen: Screen) -> String {
    let mut lines = screen.wrap("", &heading(history));
    for series in &history.series {
        lines.push(String::new());
        lines.extend(score(history, series, screen));
    }
    let changed = history.runs.iter().filter(|run| !run.changed.is_empty());
    let changed: Vec<_> = changed
        .map(|run| format!("{}: {}", run.run_id, run.changed.join(", ")))
        .flat_map(|text| screen.wrap("  ", &printable_line(&text)))
        .collect();
    if !changed.is_empty() {
        lines.extend([String::new(), "changed since the run before (*)".to_owned()]);
        lines.extend(changed);
    }
    if !history.left_out.is_empty() {
        lines.extend([String::new(), "left out".to_owned()]);
        let left_out = history.left_out.iter();
        let left_out = left_out.map(|run| format!("{}: {}", run.run_id, run.why));
        lines.extend(left_out.flat_map(|text| screen.wrap("  ", &printable_line(&text))));
    }
    lines.push(String::new());
    lines.extend(screen.wrap("", &history.rate()));
    lines.join("\n")
}

fn heading(history: &History) -> String {
    let day = |at: usize| history.runs.get(at).map(|run| run.started_at.chars().take(10));
    let day = |at: usize| day(at).map(Iterator::collect::<String>).unwrap_or_default();
    let runs = counted(history.runs.len() as u64, "run");
    let (first, last) = (day(0), day(history.runs.len().saturating_sub(1)));
    printable_line(&format!("{}: {runs}, {first} to {last}", history.suite)).into_owned()
}

fn score(history: &History, series: &Series, screen: Screen) -> Vec<String> {
    let names = [&series.prompt, &series.model, &series.metric].map(|name| printable_line(name));
    let mut lines = vec![screen.paint(Tone::Strong, &names.join(" · "))];
    let says = screen.wrap("  ", &printable_line(&series.trend.says));
    lines.extend(says.iter().map(|line| screen.paint(tone(series.trend.course), line)));
    lines.extend(rows(history, series, screen));
    lines
}

fn tone(course: Course) -> Tone {
    match course {
        Course::Better => Tone::Good,
        Course::Worse => Tone::Bad,
        Course::NoneFound => Tone::Faint,
        Course::CannotTell => Tone::Unsure,
    }
}

/// One line for each run: its id, its value with its interval, and where these lie.
fn rows(history: &History, series: &Series, screen: Screen) -> Vec<String> {
    let skipped = series.points.len().saturating_sub(MOST_SHOWN);
    let shown = &series.points[skipped..];
    let ids: Vec<String> = shown.iter().map(|point| id_of(history, point)).collect();
    let values: Vec<String> = shown.iter().map(|p| estimate(&p.estimate, series.range)).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| display_width(text)).max();
    let (id_width, value_width) =
        (widest(&ids).unwrap_or_default(), widest(&values).unwrap_or_default());
    let left = screen.columns.unwrap_or(WIDTH).saturating_sub(id_width + value_width + 7);
    let scale = Scale::of(shown, left.min(PICTURE.end));
    let mut lines = Vec::new();
    if skipped > 0 {
        lines.push(format!("  … {}", counted(skipped as u64, "earlier run")));
    }
    for (at, ((point, id), value)) in shown.iter().zip(&ids).zip(&values).enumerate() {
        if series.trend.change_points.iter().any(|change| change.point == at + skipped) {
            let line = "─".repeat(id_width + value_width + 3 + scale.width);
            lines.push(format!("  {}", screen.paint(Tone::Faint, &line)));
        }
        let gap = " ".repeat(id_width - display_width(id));
        let picture = if left < PICTURE.start { String::new() } else { scale.picture(point) };
        let line = format!("  {id}{gap}  {value:<value_width$}  {picture}");
        lines.push(line.trim_end().to_owned());
        if let Some(apart) = &point.apart {
            lines
                .extend(screen.wrap("      ", &format!("stands apart: {}", printable_line(apart))));
        }
    }
    lines
}

/// A run's id, cut in its middle where it is long, with a star where something changed.
fn id_of(history: &History, point: &SeriesPoint) -> String {
    let Some(run) = history.runs.get(point.run) else { return String::new() };
    let id = printable(&run.run_id);
    let star = if run.changed.is_empty() { ' ' } else { '*' };
    format!("{}{star}", shortened(&id))
}

fn shortened(id: &str) -> Cow<'_, str> {
    if display_width(id) <= RUN_ID {
        return Cow::Borrowed(id);
    }
    let half = |text: &mut dyn Iterator<Item = char>| {
        let mut taken = String::new();
        for c in text {
            if display_width(&taken) + display_width(&c.to_string()) > (RUN_ID - 1) / 2 {
                break;
            }
            taken.push(c);
        }
        taken
    };
    let end: String = half(&mut id.chars().rev()).chars().rev().collect();
    Cow::Owned(format!("{}…{end}", half(&mut id.chars())))
}

/// Where values lie in a picture.
struct Scale {
    low: f64,
    high: f64,
    width: usize,
}

impl Scale {
    fn of(points: &[SeriesPoint], width: usize) -> Self {
        let ends = points.iter().map(|point| ends(&point.estimate));
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), ends| {
            (low.min(ends.0), high.max(ends.1))
        });
        Self { low, high, width: width.max(1) }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column")]
    fn column(&self, value: f64) -> usize {
        let span = self.high - self.low;
        let share = if span > 0.0 { (value - self.low) / span } else { 0.5 };
        ((self.width - 1) as f64 * share.clamp(0.0, 1.0)).round() as usize
    }

    /// `  ├──●───┤`; what stands apart is hollow.
    fn picture(&self, point: &SeriesPoint) -> String {
        let (low, high) = ends(&point.estimate);
        let [low, middle, high] = [low, point.estimate.mean, high].map(|value| self.column(value));
        let cell = |at: usize| match at {
            at if at == middle => {
                if point.apart.is_some() {
                    '○'
                } else {
                    '●'
                }
            }
            at if at == low => '├',
            at if at == high => '┤',
            at if (low..high).contains(&at) => '─',
            _ => ' ',
        };
        (0..=high.max(middle)).map(cell).collect()
    }
}

fn ends(estimate: &Estimate) -> (f64, f64) {
    (estimate.ci_low.unwrap_or(estimate.mean), estimate.ci_high.unwrap_or(estimate.mean))
}
