//! How samples ended, and why some have no answer.

use serde::Serialize;

use super::super::data::PageData;

/// Outcomes, and failures by kind.
#[derive(Serialize)]
pub(super) struct Errors<'a> {
    outcomes: Vec<Outcome>,
    failures: Vec<Failure<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct Outcome {
    name: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct Failure<'a> {
    kind: &'a str,
    count: u64,
    example: &'a str,
}

impl<'a> Errors<'a> {
    pub(super) fn of(page: &'a PageData) -> Self {
        let outcomes = page.run.outcomes.iter();
        let failures = page.run.failures.iter();
        Self {
            outcomes: outcomes
                .map(|one| Outcome { name: one.outcome.as_str(), count: one.count })
                .collect(),
            failures: failures
                .map(|one| Failure { kind: &one.kind, count: one.count, example: &one.example })
                .collect(),
            remarks: &page.run.remarks,
        }
    }
}
