//! Human labels of some items, and a judge whose errors are not the same for both prompts.

use evalmark_verdict::{Decision, ItemScore, Rule, compare, compare_labelled};
use rand::RngExt;

use crate::{
    runner::Rng,
    shapes::coin,
    variants::{Design, Variants, item, subject},
};

/// Items that the judge scored.
const ITEMS: usize = 1000;

/// Share of the items on which the prompts differ, as people see it.
const DISCORDANT: f64 = 0.2;

/// How often the judge is wrong about the baseline's answers.
const ERRORS: f64 = 0.05;

/// How often it turns the candidate's wrong answers right, or the right ones wrong.
const LEANING: f64 = 0.15;

/// What the judge makes of the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaning {
    /// Takes wrong answers for right ones.
    Lenient,
    /// Takes right answers for wrong ones.
    Harsh,
}

/// Judged items of which some are labelled; with no label the judge is trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels {
    pub(crate) labels: usize,
    pub(crate) leaning: Leaning,
}

impl Labels {
    /// The judge's scores, and the labels behind them.
    fn both(&self, rng: &mut Rng, drop: f64) -> (Variants, Variants) {
        let (mut judge, mut human): (Variants, Variants) = Default::default();
        for key in 0..ITEMS {
            let (before, after) = answers(rng, drop);
            let labels = [before, after];
            let scores = [self.score(rng, before, false), self.score(rng, after, true)];
            for variant in 0..2 {
                judge[variant].push(item(key, scores[variant]));
                human[variant].push(item(key, labels[variant]));
            }
        }
        (judge, human)
    }

    fn score(&self, rng: &mut Rng, label: f64, candidate: bool) -> f64 {
        let right = label > 0.5;
        let leans = match self.leaning {
            Leaning::Lenient => candidate && !right,
            Leaning::Harsh => candidate && right,
        };
        let wrong = rng.random_bool(if leans { LEANING } else { ERRORS });
        f64::from(u8::from(right != wrong))
    }
}

/// As `coin`, but half of the items on which the prompts agree are wrong in both.
fn answers(rng: &mut Rng, drop: f64) -> (f64, f64) {
    let (before, after) = coin(rng, DISCORDANT, drop);
    if before > 0.5 && after > 0.5 && rng.random_bool(0.5) { (0.0, 0.0) } else { (before, after) }
}

impl Design for Labels {
    fn rule(&self) -> &'static str {
        if self.labels == 0 { "judge alone" } else { "PPI++, t, bootstrap" }
    }

    fn shape(&self) -> String {
        match self.leaning {
            Leaning::Lenient => "judge lenient to the candidate".into(),
            Leaning::Harsh => "judge harsh on the candidate".into(),
        }
    }

    fn n(&self) -> String {
        format!("{} labels of {ITEMS}", self.labels)
    }

    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants {
        self.both(rng, drop).0
    }

    fn judge(&self, rng: &mut Rng, drop: f64, rule: &Rule) -> Decision {
        let (judge, human) = self.both(rng, drop);
        // Items come in no order, so the first ones are as random as any.
        let labels: [&[ItemScore]; 2] = [&human[0][..self.labels], &human[1][..self.labels]];
        let found = if self.labels == 0 {
            let relative = Rule { judge_relative: true, ..rule.clone() };
            compare(&subject(), &judge[0], &judge[1], &relative)
        } else {
            compare_labelled(&subject(), [judge[0].as_slice(), judge[1].as_slice()], labels, rule)
        };
        found.unwrap_or_else(|error| unreachable!("variants are sound: {error}"))
    }
}
