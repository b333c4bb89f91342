//! Quality beside what it takes: one point for each prompt and model, with intervals where there are
//! any. Points have letters; the table beside the picture says whose they are.

use minijinja::value::Value;

use super::{
    scale::Scale,
    svg::{Anchor, At, Svg},
};

const SIZE: At = At { x: 420.0, y: 250.0 };
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 210.0;

/// A point with its intervals.
#[derive(Clone, Debug)]
pub(in super::super) struct Point {
    /// Its letter.
    pub(in super::super) letter: String,
    pub(in super::super) x: f64,
    /// Ends of what lies around `x`, where that is known.
    pub(in super::super) x_ends: Option<[f64; 2]>,
    pub(in super::super) y: f64,
    pub(in super::super) y_ends: Option<[f64; 2]>,
}

/// An axis: its name, and how its values are written.
pub(in super::super) struct Axis<'a> {
    pub(in super::super) name: &'a str,
    pub(in super::super) write: &'a dyn Fn(f64) -> String,
}

/// The picture, with what it shows in words as its name.
pub(in super::super) fn scatter(points: &[Point], x: &Axis<'_>, y: &Axis<'_>, name: &str) -> Value {
    let ends = |ends: Option<[f64; 2]>| ends.into_iter().flatten();
    let xs = points.iter().flat_map(|p| ends(p.x_ends).chain([p.x]));
    let ys = points.iter().flat_map(|p| ends(p.y_ends).chain([p.y]));
    let across = Scale::holding(xs, LEFT, SIZE.x - 10.0);
    // Nothing costs less than nothing.
    let across = Scale { low: across.low.max(0.0), ..across };
    let up = Scale::holding(ys, BOTTOM, 14.0);
    let mut svg = Svg::new("scatter", SIZE, Some(name));
    let at = |x: f64, y: f64| At { x, y };
    for value in up.ticks(5) {
        let line = up.at(value);
        svg.line("grid-line", at(LEFT, line), at(SIZE.x - 10.0, line));
        svg.text("tick", at(LEFT - 6.0, line + 3.5), Anchor::End, &(y.write)(value));
    }
    for value in across.ticks(4) {
        let line = across.at(value);
        svg.line("axis", at(line, BOTTOM), at(line, BOTTOM + 4.0));
        svg.text("tick", at(line, BOTTOM + 16.0), Anchor::Middle, &(x.write)(value));
    }
    svg.line("axis", at(LEFT, BOTTOM), at(SIZE.x - 10.0, BOTTOM));
    let middle = f64::midpoint(LEFT, SIZE.x);
    svg.text("name", at(middle, SIZE.y - 6.0), Anchor::Middle, x.name);
    svg.text("name", at(2.0, 10.0), Anchor::Start, y.name);
    for point in points {
        let (px, py) = (across.at(point.x), up.at(point.y));
        if let Some([low, high]) = point.y_ends {
            svg.line("whisker", at(px, up.at(low)), at(px, up.at(high)));
        }
        if let Some([low, high]) = point.x_ends {
            svg.line("whisker", at(across.at(low), py), at(across.at(high), py));
        }
    }
    for point in points {
        let (px, py) = (across.at(point.x), up.at(point.y));
        svg.dot("point", at(px, py), 8.5);
        svg.text("letter", at(px, py + 3.5), Anchor::Middle, &point.letter);
    }
    svg.finish()
}
