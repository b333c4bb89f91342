//! Slices of a dataset: how many of those that stand out do so by chance.

use evalmark_verdict::{Decision, Rule, compare, slices};

use crate::{
    cell::{ALPHA, NO_MARGIN},
    grid::Experiment,
    items::Binary,
    runner::{Rng, Runner},
    table::{Row, Tolerance, three_sigma},
    variants::{Design, subject},
};

/// Slices.
const SLICES: usize = 20;

/// A drop that most slices show.
const DROP: f64 = 0.1;

/// Slices of the same design, of which some really dropped.
pub(crate) struct Sliced {
    pub(crate) design: Binary,
    pub(crate) dropped: usize,
    pub(crate) repeats: u32,
}

impl Sliced {
    /// The share of those that stand out that did not drop, in millionths.
    fn falsely(&self, rng: &mut Rng) -> usize {
        let rule = Rule::new(NO_MARGIN, ALPHA);
        let one = |at| -> Decision {
            let drop = if at < self.dropped { DROP } else { 0.0 };
            let [baseline, candidate] = self.design.draw(rng, drop);
            compare(&subject(), &baseline, &candidate, &rule)
                .unwrap_or_else(|error| unreachable!("variants are sound: {error}"))
        };
        let marked = slices((0..SLICES).map(one).collect());
        let found = marked.iter().filter(|slice| slice.stands_out).count();
        let wrong = marked[self.dropped..].iter().filter(|slice| slice.stands_out).count();
        1_000_000 * wrong / found.max(1)
    }
}

impl Experiment for Sliced {
    fn label(&self) -> String {
        format!("Benjamini-Hochberg {} {} {}", self.design.shape(), self.dropped, self.design.n())
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let millionths = runner.mean(&self.label(), self.repeats, |rng| self.falsely(rng));
        let repeats = runner.repeats(self.repeats);
        vec![Row {
            rate: "false discoveries",
            rule: "Benjamini-Hochberg".into(),
            shape: format!("{SLICES} slices, {} dropped, {}", self.dropped, self.design.shape()),
            n: self.design.n(),
            nominal: ALPHA,
            observed: millionths / 1e6,
            tolerance: Tolerance::AtMost(ALPHA + three_sigma(ALPHA, repeats)),
            repeats,
        }]
    }
}
