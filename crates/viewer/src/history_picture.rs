//! A score over its runs as an SVG picture: values with their intervals, and where they changed.

use std::fmt::Write;

use evalmark_core::{
    history::{History, Series, SeriesPoint},
    number_format::value,
};

use crate::render::escaped;

/// Size of the picture, and of what is left of and below the values.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 64.0;
const BELOW: f64 = 26.0;
const EDGE: f64 = 12.0;

/// Where runs and values lie.
struct Plane {
    n_points: usize,
    low: f64,
    high: f64,
}

impl Plane {
    fn of(points: &[SeriesPoint]) -> Self {
        let finite = points.iter().flat_map(|point| {
            let one = &point.estimate;
            [Some(one.mean), one.ci_low, one.ci_high]
        });
        let finite = finite.flatten().filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        // A score that never varied is a line in the middle.
        let gap = if high > low { 0.05 * (high - low) } else { 0.5 };
        Self { n_points: points.len(), low: low - gap, high: high + gap }
    }

    fn x(&self, at: usize) -> f64 {
        let steps = self.n_points.saturating_sub(1).max(1) as f64;
        let share = if self.n_points == 1 { 0.5 } else { at as f64 / steps };
        LEFT + EDGE + share * (WIDTH - LEFT - 2.0 * EDGE)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        (1.0 - share.clamp(0.0, 1.0)) * (HEIGHT - BELOW - EDGE) + EDGE
    }
}

/// The picture. Its name for those who do not see it is the sentence; the table beside it has the values.
pub(crate) fn svg(history: &History, series: &Series) -> String {
    let plane = Plane::of(&series.points);
    let mut svg = format!(
        "<svg class=\"history\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(&series.trend.says)
    );
    // Writing to a string does not fail.
    let _ = axis(&mut svg, history, series, &plane);
    let _ = changes(&mut svg, series, &plane);
    let _ = points(&mut svg, history, series, &plane);
    svg + "</svg>"
}

fn axis(svg: &mut String, history: &History, series: &Series, plane: &Plane) -> std::fmt::Result {
    let gap = (plane.high - plane.low) / 4.0;
    for step in 0..=2 {
        let at = plane.low + gap * f64::from(1 + step);
        let (y, label) = (plane.y(at), escaped(&value(at, series.range)));
        write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{WIDTH}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 6.0,
            y + 4.0
        )?;
    }
    let ends = [(0, "start"), (series.points.len().saturating_sub(1), "end")];
    let ends = if series.points.len() > 1 { &ends[..] } else { &ends[..1] };
    for (at, anchor) in ends {
        let Some(run) = history.run_of(series, *at) else { continue };
        let x = if *anchor == "start" { LEFT } else { WIDTH - 2.0 };
        let (y, run) = (HEIGHT - 6.0, escaped(run));
        write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{run}</text>")?;
    }
    Ok(())
}

/// A line before each run at which the score changed for good.
fn changes(svg: &mut String, series: &Series, plane: &Plane) -> std::fmt::Result {
    for change in &series.trend.change_points {
        let before = plane.x(change.point.saturating_sub(1));
        let x = f64::midpoint(before, plane.x(change.point));
        let bottom = HEIGHT - BELOW;
        write!(
            svg,
            "<line class=\"change\" x1=\"{x:.1}\" y1=\"{EDGE}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>"
        )?;
    }
    Ok(())
}

fn points(svg: &mut String, history: &History, series: &Series, plane: &Plane) -> std::fmt::Result {
    let comparable = series.points.iter().enumerate().filter(|(_, point)| point.apart.is_none());
    let line: Vec<_> = comparable
        .map(|(at, point)| format!("{:.1},{:.1}", plane.x(at), plane.y(point.estimate.mean)))
        .collect();
    write!(svg, "<polyline points=\"{}\"/>", line.join(" "))?;
    for (at, point) in series.points.iter().enumerate() {
        let (x, y) = (plane.x(at), plane.y(point.estimate.mean));
        let run = history.runs.get(point.run);
        let class = match (&point.apart, run.is_some_and(|run| !run.changed.is_empty())) {
            (Some(_), _) => "apart",
            (None, true) => "edited",
            (None, false) => "point",
        };
        let name = run.map(|run| run.run_id.as_str()).unwrap_or_default();
        let title = format!("{name}: {}", value(point.estimate.mean, series.range));
        write!(svg, "<g class=\"{class}\"><title>{}</title>", escaped(&title))?;
        if let (Some(low), Some(high)) = (point.estimate.ci_low, point.estimate.ci_high) {
            let (top, bottom) = (plane.y(high), plane.y(low));
            write!(svg, "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>")?;
        }
        write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/></g>")?;
    }
    Ok(())
}
