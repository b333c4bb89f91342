//! Twenty comparisons, one gate.

use evalmark_core::verdict::Answer;
use evalmark_verdict::{Judged, Rule, compare, gate};

use crate::{
    arms::{Design, subject},
    cell::{ALPHA, NO_MARGIN},
    grid::Experiment,
    runner::{Rng, Runner},
    table::{Row, Tolerance, three_sigma},
};

/// Comparisons under one gate.
const COMPARISONS: usize = 20;

/// Metrics and variants of the same design, independent of each other: the worst case of Holm's
/// correction.
pub(crate) struct Family<D> {
    pub(crate) design: D,
    pub(crate) margin: f64,
    /// Repeats of the full grid.
    pub(crate) repeats: u32,
}

impl<D: Design> Family<D> {
    /// What the gate answers when the comparisons' expected drops are these.
    fn answer(&self, rng: &mut Rng, margin: f64, drops: impl Iterator<Item = f64>) -> Answer {
        let rule = Rule::new(margin, ALPHA);
        let one = |drop| -> Judged {
            let [baseline, candidate] = self.design.draw(rng, drop);
            match compare(&subject(), &baseline, &candidate, &rule) {
                Ok(judged) => judged,
                Err(error) => unreachable!("arms are sound: {error}"),
            }
        };
        match gate(drops.map(one).collect()) {
            Ok(gated) => gated.answer,
            Err(error) => unreachable!("there are comparisons: {error}"),
        }
    }

    fn row(&self, rate: &'static str, rule: &str, observed: f64, repeats: u32) -> Row {
        Row {
            rate,
            rule: format!("{rule}: {}", self.design.rule()),
            shape: format!("{COMPARISONS} comparisons, {}", self.design.shape()),
            n: self.design.n(),
            nominal: ALPHA,
            observed,
            tolerance: Tolerance::AtMost(ALPHA + three_sigma(ALPHA, repeats)),
            repeats,
        }
    }
}

impl<D: Design> Experiment for Family<D> {
    fn label(&self) -> String {
        format!("Holm intersection-union {COMPARISONS} comparisons {}", self.design.shape())
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let label = self.label();
        let null = runner.shares(&format!("{label} null"), self.repeats, |rng| {
            let drops = std::iter::repeat_n(0.0, COMPARISONS);
            [self.answer(rng, NO_MARGIN, drops) == Answer::Regressed]
        });
        // The likeliest way to a false pass: one lost its margin, and all others gained.
        let edge = runner.shares(&format!("{label} edge"), self.repeats, |rng| {
            let gains = std::iter::repeat_n(-self.margin, COMPARISONS - 1);
            let drops = std::iter::once(self.margin).chain(gains);
            [self.answer(rng, self.margin, drops).passes()]
        });
        vec![
            self.row("false alarms", "Holm", null.of[0], null.repeats),
            self.row("false passes", "intersection-union", edge.of[0], edge.repeats),
        ]
    }
}
