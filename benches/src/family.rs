//! Twenty comparisons, one gate.

use evalmark_core::verdict::Answer;
use evalmark_verdict::{Decision, FamilyCorrection, Rule, compare, gate_with};

use crate::{
    cell::{ALPHA, NO_MARGIN},
    grid::Experiment,
    runner::{Rng, Runner},
    table::{Row, Tolerance, three_sigma},
    variants::{Design, subject},
};

/// Comparisons under one gate.
const COMPARISONS: usize = 20;

/// Sign flips of max-T.
const FLIPS: u32 = 9999;

/// Metrics and variants of the same design, independent of each other: the worst case of Holm's
/// correction.
pub(crate) struct Family<D> {
    pub(crate) design: D,
    pub(crate) correction: Corrected,
    pub(crate) margin: f64,
    /// Repeats of the full grid.
    pub(crate) repeats: u32,
}

/// What keeps the family's false alarms down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Corrected {
    Holm,
    MaxT,
}

impl Corrected {
    fn name(self) -> &'static str {
        match self {
            Self::Holm => "Holm",
            Self::MaxT => "max-T",
        }
    }

    fn correction(self) -> FamilyCorrection {
        match self {
            Self::Holm => FamilyCorrection::Holm,
            Self::MaxT => FamilyCorrection::MaxT { flips: FLIPS },
        }
    }
}

impl<D: Design> Family<D> {
    /// What the gate answers when the comparisons' expected drops are these.
    fn answer(&self, rng: &mut Rng, margin: f64, drops: impl Iterator<Item = f64>) -> Answer {
        let rule = Rule::new(margin, ALPHA);
        let one = |drop| -> Decision {
            let [baseline, candidate] = self.design.draw(rng, drop);
            match compare(&subject(), &baseline, &candidate, &rule) {
                Ok(judged) => judged,
                Err(error) => unreachable!("variants are sound: {error}"),
            }
        };
        match gate_with(drops.map(one).collect(), self.correction.correction()) {
            Ok(gated) => gated.answer,
            Err(error) => unreachable!("there are comparisons: {error}"),
        }
    }

    fn false_passes(&self, runner: Runner) -> Row {
        // The likeliest way to one: one comparison lost its margin, and all others gained.
        let edge = runner.shares(&format!("{} edge", self.label()), self.repeats, |rng| {
            let gains = std::iter::repeat_n(-self.margin, COMPARISONS - 1);
            let drops = std::iter::once(self.margin).chain(gains);
            [self.answer(rng, self.margin, drops).passes()]
        });
        self.row("false passes", "intersection-union", edge.of[0], edge.repeats)
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
        let (correction, design) = (self.correction.name(), &self.design);
        format!("{correction} {COMPARISONS} comparisons {} {}", design.shape(), design.n())
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let label = self.label();
        let null = runner.shares(&format!("{label} null"), self.repeats, |rng| {
            let drops = std::iter::repeat_n(0.0, COMPARISONS);
            [self.answer(rng, NO_MARGIN, drops) == Answer::Regressed]
        });
        let mut rows =
            vec![self.row("false alarms", self.correction.name(), null.of[0], null.repeats)];
        // A pass needs every comparison, and no correction.
        rows.extend((self.correction == Corrected::Holm).then(|| self.false_passes(runner)));
        rows
    }
}
