//! One run against a minimum that its true mean just reaches: either answer is wrong.

use evalmark_verdict::{Decision, ItemScore, Rule, minimum};
use rand::RngExt;

use crate::{
    runner::Rng,
    variants::{Design, Variants, subject, variants},
};

/// Scores of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) n: usize,
    /// The mean of scores of 0 or 1; `None` for graded ones that gather at the top.
    pub(crate) share: Option<f64>,
}

/// The root of a uniform number, of this order, has the mean order/(order + 1).
const ORDER: f64 = 4.0;

impl Level {
    fn mean(&self) -> f64 {
        self.share.unwrap_or(ORDER / (ORDER + 1.0))
    }
}

impl Design for Level {
    fn rule(&self) -> &'static str {
        if self.share.is_some() { "minimum: Wilson, binomial" } else { "minimum: t, bootstrap" }
    }

    fn shape(&self) -> String {
        match self.share {
            Some(share) => format!("binary, {:.0} % right", 100.0 * share),
            None => "left skew, a mean of 0.8".into(),
        }
    }

    fn n(&self) -> String {
        self.n.to_string()
    }

    fn draw(&self, rng: &mut Rng, _: f64) -> Variants {
        variants((0..self.n).map(|_| {
            let score = match self.share {
                Some(share) => f64::from(u8::from(rng.random_bool(share))),
                None => rng.random::<f64>().powf(1.0 / ORDER),
            };
            (score, score)
        }))
    }

    fn judge(&self, rng: &mut Rng, drop: f64, rule: &Rule) -> Decision {
        let [_, items]: [Vec<ItemScore>; 2] = self.draw(rng, drop);
        minimum(&subject(), &items, self.mean(), rule)
            .unwrap_or_else(|error| unreachable!("the run is sound: {error}"))
    }

    fn truth(&self, _: f64) -> f64 {
        self.mean()
    }
}
