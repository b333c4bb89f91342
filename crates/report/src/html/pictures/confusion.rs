//! A confusion matrix: a cell for each pair of a right and a predicted class, darker where it
//! happened more often, and its number.

use evalmark_core::number_format;
use minijinja::value::Value;

use super::svg::{Anchor, At, Svg};

/// Width of a cell.
const SIDE: f64 = 54.0;
/// Height of a cell.
const HEIGHT: f64 = 34.0;
/// Room for the names of classes at the left.
const LEFT: f64 = 130.0;
/// Room above the cells for the names of columns.
const TOP: f64 = 22.0;
/// Characters of a class's name that fit.
const FITS: usize = 18;
/// Shades, from nothing to the whole row.
const SHADES: f64 = 8.0;

/// A matrix to draw.
pub(in super::super) struct Matrix<'a> {
    /// Classes that were right: the rows.
    pub(in super::super) targets: &'a [String],
    /// What was predicted: the columns.
    pub(in super::super) predicted: &'a [String],
    /// By row and column.
    pub(in super::super) counts: &'a [Vec<u64>],
}

/// The picture, with what it shows in words as its name.
pub(in super::super) fn confusion(matrix: &Matrix<'_>, name: &str) -> Value {
    let (n_rows, n_columns) = (matrix.targets.len() as f64, matrix.predicted.len() as f64);
    let size = At { x: LEFT + n_columns * SIDE + 2.0, y: TOP + n_rows * HEIGHT + 2.0 };
    let mut svg = Svg::new("confusion", size, Some(name));
    let at = |x: f64, y: f64| At { x, y };
    for (column, predicted) in matrix.predicted.iter().enumerate() {
        let x = LEFT + (column as f64 + 0.5) * SIDE;
        svg.text("tick", at(x, TOP - 7.0), Anchor::Middle, &short(predicted, 8));
    }
    for (row, (target, counts)) in matrix.targets.iter().zip(matrix.counts).enumerate() {
        let y = TOP + row as f64 * HEIGHT;
        let middle = y + HEIGHT / 2.0 + 4.0;
        svg.text("class", at(LEFT - 8.0, middle), Anchor::End, &short(target, FITS));
        let all = counts.iter().sum::<u64>().max(1) as f64;
        for (column, count) in counts.iter().enumerate() {
            let x = LEFT + column as f64 * SIDE;
            let is_right = matrix.predicted.get(column) == Some(target);
            let kind = if is_right { "right" } else { "wrong" };
            let shade = (*count as f64 / all * SHADES).ceil();
            svg.rect(
                &format!("{kind} shade-{shade}"),
                at(x + 1.0, y + 1.0),
                at(x + SIDE - 1.0, y + HEIGHT - 1.0),
            );
            if *count > 0 {
                let class = if shade > SHADES / 2.0 { "count on-dark" } else { "count" };
                svg.text(
                    class,
                    at(x + SIDE / 2.0, middle),
                    Anchor::Middle,
                    &number_format::count(*count),
                );
            }
        }
    }
    svg.finish()
}

/// The beginning of a name that fits.
fn short(name: &str, most: usize) -> String {
    match name.char_indices().nth(most) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}
