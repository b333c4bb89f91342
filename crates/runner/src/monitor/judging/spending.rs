//! What may be spent on judges in a period, and what was.

use evalmark_core::logs::{BudgetPeriod, LogJudges};
use evalmark_harness::Budget;
use evalmark_store::monitor::PeriodSpending;
use jiff::{Timestamp, tz::TimeZone};

use crate::budget_limits::BudgetLimits;

/// The name of the period that a moment is in: `2026-11-29`, `2026-W48` or `2026-11`.
fn period_of(per: BudgetPeriod, at: Timestamp) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    match per {
        BudgetPeriod::Day => date.to_string(),
        BudgetPeriod::Week => {
            let week = date.iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
        BudgetPeriod::Month => format!("{:04}-{:02}", date.year(), date.month()),
    }
}

/// What was spent so far in the period that a moment is in.
pub(super) fn spent_in(
    spec: &LogJudges,
    before: Option<&PeriodSpending>,
    at: Timestamp,
) -> PeriodSpending {
    let period = period_of(spec.per, at);
    match before {
        Some(before) if before.period == period => before.clone(),
        _ => PeriodSpending { period, ..PeriodSpending::default() },
    }
}

/// What is left of it.
pub(super) fn budget_left(spec: &LogJudges, spent: &PeriodSpending) -> Budget {
    let limits = BudgetLimits { max_cost_usd: spec.max_cost_usd, max_tokens: spec.max_tokens };
    let PeriodSpending { cost_usd, tokens, .. } = *spent;
    let left = limits.after(evalmark_harness::Spent { cost_usd, tokens, estimated: 0 });
    Budget::new(left.max_cost_usd, left.max_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_at_midnight_on_a_monday_or_with_the_month() {
        let check = |at: &str, names: [&str; 3]| {
            let at: Timestamp = at.parse().expect("a moment");
            let periods = [BudgetPeriod::Day, BudgetPeriod::Week, BudgetPeriod::Month];
            assert_eq!(periods.map(|per| period_of(per, at)), names);
        };
        check("2026-11-29T23:59:59Z", ["2026-11-29", "2026-W48", "2026-11"]);
        check("2026-11-30T00:00:00Z", ["2026-11-30", "2026-W49", "2026-11"]);
        check("2027-01-01T12:00:00Z", ["2027-01-01", "2026-W53", "2027-01"]);
    }

    #[test]
    fn a_new_period_has_spent_nothing() {
        let spec = LogJudges {
            rate: 1.0,
            seed: 0,
            max_cost_usd: Some(5.0),
            max_tokens: Some(100),
            per: BudgetPeriod::Day,
        };
        let at = |text: &str| text.parse::<Timestamp>().expect("a moment");
        let before = PeriodSpending { period: "2026-11-29".to_owned(), cost_usd: 4.5, tokens: 130 };
        let same = spent_in(&spec, Some(&before), at("2026-11-29T23:00:00Z"));
        assert_eq!(same, before);
        let left = budget_left(&spec, &same);
        assert_eq!((left.max_cost_usd(), left.max_tokens()), (Some(0.5), Some(0)));
        let next = spent_in(&spec, Some(&before), at("2026-11-30T00:00:00Z"));
        let left = budget_left(&spec, &next);
        assert_eq!((left.max_cost_usd(), left.max_tokens()), (Some(5.0), Some(100)));
    }
}
