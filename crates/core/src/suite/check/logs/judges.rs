//! Checking `logs.judges`: the share of the records, and what may be spent on them.

use crate::{
    logs::{BudgetPeriod, LogJudges},
    suite::{
        check::Checker,
        raw::{RawLogJudges, RawPeriod},
    },
};

impl Checker<'_> {
    /// `seed` is that of the sample.
    pub(super) fn log_judges(&mut self, raw: &RawLogJudges, seed: u64) -> LogJudges {
        match raw.rate {
            Some(rate) if rate > 0.0 && rate <= 1.0 => {}
            Some(_) => {
                let hint = "leave `judges` out where none is to be asked".to_owned();
                let message = "a rate of judges is more than 0, and at most 1".to_owned();
                self.complain_with_hint("/logs/judges/rate", message, hint);
            }
            None if !self.document.lost("/logs/judges/rate") => {
                self.complain("/logs/judges", "`judges` needs a `rate`, the share of the records");
            }
            None => {}
        }
        if raw.max_cost_usd.is_some_and(|usd| !usd.is_finite() || usd < 0.0) {
            let message = "`max_cost_usd` is an amount of US dollars, such as 2.50";
            self.complain("/logs/judges/max_cost_usd", message);
        }
        let is_limited = raw.max_cost_usd.is_some() || raw.max_tokens.is_some();
        if raw.per.is_some() && !is_limited {
            let message = "`per` is the period of a budget, and there is none";
            let hint = "add `max_cost_usd: …` or `max_tokens: …`, or leave it out".to_owned();
            self.complain_with_hint("/logs/judges/per", message.to_owned(), hint);
        }
        LogJudges {
            rate: raw.rate.unwrap_or(1.0),
            seed: raw.seed.unwrap_or(seed),
            max_cost_usd: raw.max_cost_usd,
            max_tokens: raw.max_tokens,
            per: match raw.per {
                None | Some(RawPeriod::Day) => BudgetPeriod::Day,
                Some(RawPeriod::Week) => BudgetPeriod::Week,
                Some(RawPeriod::Month) => BudgetPeriod::Month,
            },
        }
    }
}
