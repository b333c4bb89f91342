//! A run that is looked at after every item and stops as soon as its answer is certain.

use evalmark_core::verdict::Answer;
use evalmark_verdict::{Decision, Interim, Rule, Stopping, compare};
use rand::RngExt;

use crate::{
    cell::{ALPHA, NO_MARGIN},
    grid::Experiment,
    items::Binary,
    runner::{Rng, Runner},
    table::{Row, Tolerance, three_sigma},
    variants::{Design, subject},
};

/// What a drop within nothing is held against: the usual margin.
const MARGIN: f64 = 0.03;

/// The margin that a run of 600 items can resolve.
const WIDE: f64 = 0.06;

/// Early stopping over one comparison.
pub(crate) struct Early {
    pub(crate) design: Binary,
    pub(crate) repeats: u32,
}

/// What came of one run.
struct End {
    answer: Answer,
    asked: usize,
}

impl Early {
    /// Asks the items in their order and looks after each.
    fn run(&self, rng: &mut Rng, drop: f64, margin: f64) -> End {
        let rule = Rule::new(margin, ALPHA);
        let [baseline, candidate] = self.design.draw(rng, drop);
        let watched = Stopping::new(&rule, &baseline, 1, rng.random());
        let mut watched = watched.unwrap_or_else(|error| unreachable!("a sound rule: {error}"));
        let in_order =
            |variant: &[_]| watched.order().iter().map(|&at| variant[at]).collect::<Vec<_>>();
        let (baseline, candidate) = (in_order(&baseline), in_order(&candidate));
        let last = watched.final_rule();
        for asked in 1..=self.design.n {
            if let Interim::Stop(stop) = watched.look(&baseline[..asked], &candidate[..asked]) {
                let judged = judged(&baseline[..asked], &candidate[..asked], &last);
                return End { answer: judged.stopped(&stop).comparison.answer, asked };
            }
        }
        let judged = judged(&baseline, &candidate, &last);
        End { answer: judged.comparison.answer, asked: self.design.n }
    }

    fn row(&self, rate: &'static str, detail: &str, nominal: f64, observed: f64) -> Row {
        let shape = format!("{}{detail}", self.design.shape());
        Row {
            rate,
            rule: "early stopping".into(),
            shape,
            n: self.design.n(),
            nominal,
            observed,
            tolerance: Tolerance::None,
            repeats: self.repeats,
        }
    }

    fn wrong(&self, runner: Runner, rate: &'static str) -> Row {
        let passes = rate == "false passes";
        let (drop, margin) = if passes { (WIDE, WIDE) } else { (0.0, NO_MARGIN) };
        let found = runner.shares(&format!("early {rate}"), self.repeats, |rng| {
            let answer = self.run(rng, drop, margin).answer;
            [if passes { answer.passes() } else { answer == Answer::Regressed }]
        });
        let limit = Tolerance::AtMost(ALPHA + three_sigma(ALPHA, found.repeats));
        let detail = if passes { ", margin 6 points, every look" } else { ", every look" };
        let row = self.row(rate, detail, ALPHA, found.of[0]);
        Row { tolerance: limit, repeats: found.repeats, ..row }
    }

    /// Power beside that of the test at the end alone, and the share of the calls it took.
    fn found(&self, runner: Runner, drop: f64) -> [Row; 2] {
        let label = format!("early {drop}");
        let found = runner.shares(&label, self.repeats, |rng| {
            [self.run(rng, drop, MARGIN).answer == Answer::Regressed]
        });
        let fixed = runner.shares(&label, self.repeats, |rng| {
            let [baseline, candidate] = self.design.draw(rng, drop);
            let judged = judged(&baseline, &candidate, &Rule::new(MARGIN, ALPHA));
            [judged.comparison.answer == Answer::Regressed]
        });
        let asked = runner.mean(&label, self.repeats, |rng| self.run(rng, drop, MARGIN).asked);
        let detail = format!(", drop of {:.0} points", 100.0 * drop);
        let used = asked / self.design.n as f64;
        let half = if drop > 0.09 { Tolerance::AtMost(0.5) } else { Tolerance::None };
        let power = self.row("power", &detail, fixed.of[0], found.of[0]);
        let used = self.row("calls used", &detail, 0.5, used);
        let repeats = found.repeats;
        [Row { repeats, ..power }, Row { tolerance: half, repeats, ..used }]
    }
}

fn judged(
    baseline: &[evalmark_verdict::ItemScore],
    candidate: &[evalmark_verdict::ItemScore],
    rule: &Rule,
) -> Decision {
    compare(&subject(), baseline, candidate, rule)
        .unwrap_or_else(|error| unreachable!("variants are sound: {error}"))
}

impl Experiment for Early {
    fn label(&self) -> String {
        format!("early stopping {} {}", self.design.shape(), self.design.n())
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let mut rows = vec![self.wrong(runner, "false alarms"), self.wrong(runner, "false passes")];
        rows.extend(self.found(runner, 0.06));
        rows.extend(self.found(runner, 0.1));
        rows
    }
}
