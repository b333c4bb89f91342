//! Which records of production logs models are asked about, and what that may cost.

use super::LogSample;

/// A share of the answered records, and what may be spent on them.
#[derive(Clone, Debug, PartialEq)]
pub struct LogJudges {
    /// The share of the records, in (0, 1].
    pub rate: f64,
    /// Another seed is another share.
    pub seed: u64,
    /// US dollars that may be spent in a period.
    pub max_cost_usd: Option<f64>,
    /// Tokens that may be used in a period.
    pub max_tokens: Option<u64>,
    /// The period.
    pub per: BudgetPeriod,
}

/// What a budget is for, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BudgetPeriod {
    /// From midnight to midnight.
    #[default]
    Day,
    /// From Monday on.
    Week,
    /// A month of the calendar.
    Month,
}

impl LogJudges {
    /// Whether models are asked about the record of this id. Its place is that in a [`LogSample`] of the same seed, so that
    /// the smaller share lies within the larger.
    pub fn is_drawn(&self, id: &str) -> bool {
        LogSample::place(self.seed, id) < self.rate
    }
}

impl BudgetPeriod {
    /// As a suite writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_smaller_share_lies_within_the_larger() {
        let judges = |rate, seed| LogJudges {
            rate,
            seed,
            max_cost_usd: None,
            max_tokens: None,
            per: BudgetPeriod::Day,
        };
        let sample = LogSample { rate: 0.1, seed: 7, rates: BTreeMap::new() };
        let ids: Vec<_> = (0..20_000).map(|i| format!("id-{i}")).collect();
        let drawn = |judges: &LogJudges| ids.iter().filter(|id| judges.is_drawn(id)).count();
        let n = drawn(&judges(0.02, 7));
        assert!((340..460).contains(&n), "{n}");
        assert_eq!(drawn(&judges(1.0, 7)), 20_000);
        let kept = |id: &String| sample.draw(id, None, false).is_drawn;
        let of_judges = ids.iter().filter(|id| judges(0.02, 7).is_drawn(id));
        assert!(of_judges.clone().all(kept));
        assert!(of_judges.filter(|id| judges(0.02, 8).is_drawn(id)).count() < 30);
    }
}
