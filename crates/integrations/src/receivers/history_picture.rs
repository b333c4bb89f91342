//! The scores of past runs as a picture (PNG): a line a score with its intervals, for products that show no charts of their own.

use std::convert::Infallible;

use embedded_graphics::{
    Pixel,
    mono_font::{MonoFont, MonoTextStyle, iso_8859_1::FONT_7X13},
    pixelcolor::{Rgb888, RgbColor, WebColors},
    prelude::{Dimensions, DrawTarget, Drawable, OriginDimensions, Point, Primitive, Size},
    primitives::{Circle, Line, PrimitiveStyle},
    text::{Alignment, Baseline, Text, TextStyleBuilder},
};
use png::{BitDepth, ColorType, Encoder};

/// Width and height in pixels.
pub(super) const WIDTH: u32 = 760;
const HEIGHT: u32 = 300;

/// Where the plot begins and ends.
const LEFT: i32 = 64;
const RIGHT: i32 = WIDTH.cast_signed() - 16;
const TOP: i32 = 16;
const BOTTOM: i32 = HEIGHT.cast_signed() - 62;

/// Lines at most, each in a colour that people who confuse red and green tell apart.
const COLORS: [Rgb888; 3] = [Rgb888::CSS_STEEL_BLUE, Rgb888::CSS_DARK_ORANGE, Rgb888::CSS_DIM_GRAY];

/// Lines of a picture at most.
pub(super) const MOST_LINES: usize = COLORS.len();

const FONT: &MonoFont<'_> = &FONT_7X13;

/// A line of a picture: the value at each run, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ScoreLine {
    /// What it is the score of.
    pub(super) name: String,
    /// `None` where a run has no such score.
    pub(super) points: Vec<Option<ScorePoint>>,
}

/// A score of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ScorePoint {
    /// The score.
    pub(super) value: f64,
    /// The ends of its interval.
    pub(super) interval: Option<(f64, f64)>,
}

/// The picture; `None` where fewer than two runs have a score.
pub(super) fn history_picture(lines: &[ScoreLine], first: &str, last: &str) -> Option<Vec<u8>> {
    let lines = lines.get(..lines.len().min(MOST_LINES)).unwrap_or_default();
    let n_runs = lines.iter().map(|line| line.points.len()).max().unwrap_or_default();
    let scored = |at: usize| lines.iter().any(|line| matches!(line.points.get(at), Some(Some(_))));
    if (0..n_runs).filter(|at| scored(*at)).count() < 2 {
        return None;
    }
    let mut canvas = Canvas::white();
    let scale = Scale::of(lines, n_runs);
    axes(&mut canvas, &scale, first, last);
    for (at, (line, color)) in lines.iter().zip(COLORS).enumerate() {
        draw_line(&mut canvas, &scale, line, color);
        legend(&mut canvas, at, &line.name, color);
    }
    canvas.png()
}

/// From values and runs to pixels.
#[derive(Clone, Copy, Debug)]
struct Scale {
    low: f64,
    high: f64,
    n_runs: usize,
}

impl Scale {
    fn of(lines: &[ScoreLine], n_runs: usize) -> Self {
        let points = lines.iter().flat_map(|line| line.points.iter().flatten());
        let ends = points.flat_map(|point| {
            let (low, high) = point.interval.unwrap_or((point.value, point.value));
            [low, point.value, high]
        });
        let shown = ends.filter(|value| value.is_finite());
        let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        // Room above and below; a line that is level stands in the middle.
        let room = ((high - low) * 0.08).max(high.abs().max(low.abs()) * 1e-3).max(1e-6);
        Self { low: low - room, high: high + room, n_runs }
    }

    fn x(&self, run: usize) -> i32 {
        let share = run as f64 / (self.n_runs.max(2) - 1) as f64;
        LEFT + part(RIGHT - LEFT, share)
    }

    fn y(&self, value: f64) -> i32 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        BOTTOM - part(BOTTOM - TOP, share)
    }
}

/// A share of some pixels.
#[expect(clippy::cast_possible_truncation, reason = "a share is between 0 and 1")]
fn part(pixels: i32, share: f64) -> i32 {
    (share * f64::from(pixels)).round() as i32
}

/// The frame, and what its ends are.
fn axes(canvas: &mut Canvas, scale: &Scale, first: &str, last: &str) {
    for step in 0..=4 {
        let value = scale.low + (scale.high - scale.low) * f64::from(step) / 4.0;
        let y = scale.y(value);
        canvas.line((LEFT, y), (RIGHT, y), Rgb888::CSS_GAINSBORO);
        let digits = if scale.high - scale.low < 0.04 { 4 } else { 2 };
        let label = format!("{value:.digits$}");
        canvas.text(&label, (LEFT - 6, y), Alignment::Right, Rgb888::CSS_DIM_GRAY);
    }
    let below = BOTTOM + 12;
    canvas.text(first, (LEFT, below), Alignment::Left, Rgb888::CSS_DIM_GRAY);
    canvas.text(last, (RIGHT, below), Alignment::Right, Rgb888::CSS_DIM_GRAY);
}

fn draw_line(canvas: &mut Canvas, scale: &Scale, line: &ScoreLine, color: Rgb888) {
    let mut before: Option<(i32, i32)> = None;
    for (run, point) in line.points.iter().enumerate() {
        let Some(point) = point.filter(|point| point.value.is_finite()) else {
            before = None;
            continue;
        };
        let at = (scale.x(run), scale.y(point.value));
        if let Some((low, high)) = point.interval {
            canvas.line((at.0, scale.y(low)), (at.0, scale.y(high)), color);
        }
        if let Some(before) = before {
            canvas.line(before, at, color);
        }
        canvas.dot(at, color);
        before = Some(at);
    }
}

fn legend(canvas: &mut Canvas, at: usize, name: &str, color: Rgb888) {
    let y = BOTTOM + 28 + 14 * i32::try_from(at).unwrap_or_default();
    canvas.dot((LEFT, y), color);
    // The font has Latin letters alone.
    let latin = |c: char| if c.is_control() || u32::from(c) > 0xff { '?' } else { c };
    let name: String = name.chars().map(latin).take(95).collect();
    canvas.text(&name, (LEFT + 10, y), Alignment::Left, Rgb888::CSS_BLACK);
}

/// Pixels in three bytes each.
struct Canvas {
    pixels: Vec<u8>,
}

impl Canvas {
    fn white() -> Self {
        Self { pixels: vec![0xff; (WIDTH * HEIGHT * 3) as usize] }
    }

    fn line(&mut self, from: (i32, i32), to: (i32, i32), color: Rgb888) {
        let line = Line::new(Point::new(from.0, from.1), Point::new(to.0, to.1));
        let Ok(()) = line.into_styled(PrimitiveStyle::with_stroke(color, 1)).draw(self);
    }

    fn dot(&mut self, at: (i32, i32), color: Rgb888) {
        let circle = Circle::with_center(Point::new(at.0, at.1), 6);
        let Ok(()) = circle.into_styled(PrimitiveStyle::with_fill(color)).draw(self);
    }

    /// A text whose middle line goes through a place.
    fn text(&mut self, text: &str, at: (i32, i32), alignment: Alignment, color: Rgb888) {
        let style = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Middle).build();
        let letters = MonoTextStyle::new(FONT, color);
        let text = Text::with_text_style(text, Point::new(at.0, at.1), letters, style);
        let Ok(_) = text.draw(self);
    }

    fn png(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, WIDTH, HEIGHT);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&self.pixels).ok()?;
        writer.finish().ok()?;
        Some(out)
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(WIDTH, HEIGHT)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        let inside = self.bounding_box();
        for Pixel(at, color) in pixels.into_iter().filter(|Pixel(at, _)| inside.contains(*at)) {
            let place = (at.y.cast_unsigned() * WIDTH + at.x.cast_unsigned()) as usize * 3;
            if let Some(pixel) = self.pixels.get_mut(place..place + 3) {
                pixel.copy_from_slice(&[color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, values: &[Option<f64>]) -> ScoreLine {
        let point = |value: f64| ScorePoint { value, interval: Some((value - 0.05, value + 0.05)) };
        ScoreLine { name: name.to_owned(), points: values.iter().map(|of| of.map(point)).collect() }
    }

    /// The pixels of a picture.
    fn read(picture: &[u8]) -> Vec<u8> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().expect("PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("pixels");
        assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
        pixels
    }

    fn count(pixels: &[u8], color: Rgb888) -> usize {
        let wanted = [color.r(), color.g(), color.b()];
        pixels.chunks(3).filter(|pixel| *pixel == wanted).count()
    }

    #[test]
    fn each_score_has_a_line_of_its_own_colour() {
        let lines = [
            line("exact · plain · small", &[Some(0.8), None, Some(0.9), Some(0.7)]),
            line("ずれ", &[None, Some(0.2), Some(0.3), Some(0.1)]),
        ];
        let picture = history_picture(&lines, "2026-01-01", "2026-02-01").expect("a picture");
        let pixels = read(&picture);
        assert!(count(&pixels, COLORS[0]) > 200 && count(&pixels, COLORS[1]) > 200);
        assert!(picture.len() < 30_000, "{}", picture.len());
    }

    #[test]
    fn values_that_are_odd_are_drawn_within_the_picture() {
        assert_eq!(history_picture(&[], "", ""), None);
        assert_eq!(history_picture(&[line("one run", &[Some(0.5)])], "", ""), None);
        let wild = ScorePoint { value: 1e308, interval: Some((f64::NEG_INFINITY, f64::INFINITY)) };
        let level = line("level", &[Some(1.0), Some(1.0)]);
        let odd = ScoreLine {
            name: "\u{1b}[31m".repeat(50),
            points: vec![Some(wild), Some(ScorePoint::default())],
        };
        for lines in [vec![level.clone()], vec![odd.clone()], vec![odd, level]] {
            read(&history_picture(&lines, &"x".repeat(500), "y").expect("a picture"));
        }
    }
}
