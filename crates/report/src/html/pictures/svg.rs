//! SVG elements in a text. What they look like is the style sheet's; texts are escaped.

use std::fmt::Write;

use minijinja::value::Value;

use super::super::render::escaped;

/// A picture while it is drawn.
pub(super) struct Svg {
    text: String,
}

/// Where a text ends or begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A point, in the units of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct At {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Svg {
    /// An empty picture of this size. Without a name it is decoration: a text beside it says the same.
    pub(super) fn new(class: &str, size: At, name: Option<&str>) -> Self {
        let role = name.map_or_else(
            || "aria-hidden=\"true\"".to_owned(),
            |name| format!("role=\"img\" aria-label=\"{}\"", escaped(name)),
        );
        let At { x, y } = size;
        let text = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {x} {y}\" width=\"{x}\" height=\"{y}\" {role}>"
        );
        Self { text }
    }

    pub(super) fn line(&mut self, class: &str, from: At, to: At) {
        let [x1, y1, x2, y2] = [from.x, from.y, to.x, to.y].map(round);
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"
        ));
    }

    pub(super) fn rect(&mut self, class: &str, from: At, to: At) {
        let [x, y] = [from.x.min(to.x), from.y.min(to.y)].map(round);
        let [width, height] = [(to.x - from.x).abs(), (to.y - from.y).abs()].map(round);
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        ));
    }

    pub(super) fn dot(&mut self, class: &str, at: At, radius: f64) {
        let [x, y] = [at.x, at.y].map(round);
        self.add(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"));
    }

    pub(super) fn text(&mut self, class: &str, at: At, anchor: Anchor, text: &str) {
        let [x, y] = [at.x, at.y].map(round);
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.add(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(element);
    }

    /// The picture, ready to stand in the page.
    pub(super) fn finish(mut self) -> Value {
        self.text.push_str("</svg>");
        Value::from_safe_string(self.text)
    }
}

/// One decimal is finer than a screen.
fn round(value: f64) -> f64 {
    if value.is_finite() { (value * 10.0).round() / 10.0 } else { 0.0 }
}
