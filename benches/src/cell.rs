//! One comparison: how often it is wrong when nothing changed, when the margin was lost, and how
//! often it finds a drop.

use evalmark_core::verdict::{Answer, Comparison};
use evalmark_verdict::Rule;

use crate::{
    grid::Experiment,
    runner::{Runner, Shares},
    table::{Row, Tolerance, three_sigma},
    variants::Design,
};

/// One-sided error rate of every bound.
pub(crate) const ALPHA: f64 = 0.05;

/// A regression is a drop that is real and may exceed the margin. So small a margin leaves only
/// the first condition, so that false alarms and power are those of the test at its least
/// protected.
pub(crate) const NO_MARGIN: f64 = 1e-6;

/// How far power may be from its closed form, beside the simulation's own error.
const POWER_OFF: f64 = 0.03;

/// A drop, and how often the closed form says it is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Power {
    pub(crate) drop: f64,
    pub(crate) closed: f64,
    /// Whether the closed form is one for such scores; if not, the rate is shown and not held
    /// to it.
    pub(crate) applies: bool,
}

/// A design and what is asked of it.
pub(crate) struct Cell<D> {
    pub(crate) design: D,
    /// The margins at which false passes are counted.
    pub(crate) margins: Vec<f64>,
    /// Where there is a closed form.
    pub(crate) power: Option<Power>,
    /// Whether the rates are held to their nominal value, or only shown.
    pub(crate) held: bool,
    /// Repeats of the full grid.
    pub(crate) repeats: u32,
}

/// What was counted at one true difference: regressed, passed, covered.
type Rates = Shares<3>;

impl<D: Design> Cell<D> {
    /// Rates when every item's expected drop is `drop`.
    fn rates(&self, runner: Runner, drop: f64, margin: f64) -> Rates {
        let rule = Rule::new(margin, ALPHA);
        let label = format!("{} {} {drop} {margin}", self.design.shape(), self.design.n());
        runner.shares(&label, self.repeats, |rng| {
            seen(&self.design.judge(rng, drop, &rule).comparison, self.design.truth(drop))
        })
    }

    fn row(&self, rate: &'static str, nominal: f64, observed: f64, repeats: u32) -> Row {
        Row {
            rate,
            rule: self.design.rule().into(),
            shape: self.design.shape(),
            n: self.design.n(),
            nominal,
            observed,
            tolerance: if self.held {
                Tolerance::AtMost(nominal + three_sigma(nominal, repeats))
            } else {
                Tolerance::None
            },
            repeats,
        }
    }

    fn false_passes(&self, margin: f64, edge: &Rates) -> Row {
        let row = self.row("false passes", ALPHA, edge.of[1], edge.repeats);
        Row { shape: format!("{}, margin {:.0} points", row.shape, 100.0 * margin), ..row }
    }

    /// Of the differences that were simulated, the worst covered one.
    fn coverage(&self, null: &Rates, edges: &[Rates]) -> Row {
        let (nominal, repeats) = (1.0 - 2.0 * ALPHA, null.repeats);
        let tolerance = Tolerance::AtLeast(nominal - three_sigma(nominal, repeats));
        let worst = edges.iter().map(|edge| edge.of[2]).fold(null.of[2], f64::min);
        let tolerance = if self.held { tolerance } else { Tolerance::None };
        Row { tolerance, ..self.row("coverage", nominal, worst, repeats) }
    }

    fn found(&self, runner: Runner, power: Power) -> Row {
        let found = self.rates(runner, power.drop, NO_MARGIN);
        let off = POWER_OFF + three_sigma(power.closed, found.repeats);
        let tolerance = if power.applies {
            Tolerance::Within(power.closed - off, power.closed + off)
        } else {
            Tolerance::None
        };
        let row = self.row("power", power.closed, found.of[0], found.repeats);
        let shape = format!("{}, drop of {:.1} points", row.shape, 100.0 * power.drop);
        Row { shape, tolerance, ..row }
    }
}

impl<D: Design> Experiment for Cell<D> {
    fn label(&self) -> String {
        format!("{} {} {}", self.design.rule(), self.design.shape(), self.design.n())
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let null = self.rates(runner, 0.0, NO_MARGIN);
        let edge = |&margin: &f64| self.rates(runner, margin, margin);
        let edges: Vec<Rates> = self.margins.iter().map(edge).collect();
        let mut rows = vec![self.row("false alarms", ALPHA, null.of[0], null.repeats)];
        let passes = self.margins.iter().zip(&edges);
        rows.extend(passes.map(|(&margin, edge)| self.false_passes(margin, edge)));
        rows.push(self.coverage(&null, &edges));
        rows.extend(self.power.map(|power| self.found(runner, power)));
        rows
    }
}

/// Whether the answer is a regression, whether it is a pass, and whether the bounds hold the
/// truth; a bound that is not there holds everything.
fn seen(comparison: &Comparison, truth: f64) -> [bool; 3] {
    let above = comparison.lower.is_none_or(|lower| lower <= truth);
    let below = comparison.upper.is_none_or(|upper| upper >= truth);
    let answer = comparison.answer;
    [answer == Answer::Regressed, answer.passes(), above && below]
}
