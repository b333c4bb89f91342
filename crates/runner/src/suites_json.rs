//! Several suites in one call as JSON: the summary that programs read.

use evalmark_core::{
    policy::Policy,
    verdict::{Answer, Comparison, Measure, Verdict},
};
use serde::Serialize;

use crate::{EndedSuite, Ending, OverSuites, ending_of_suites};

#[derive(Serialize)]
struct SuitesSummary<'a> {
    suites: Vec<SuiteSummary<'a>>,
    n_comparisons: usize,
    n_regressed: usize,
    n_regressed_over_suites: usize,
    exit_code: u8,
}

#[derive(Serialize)]
struct SuiteSummary<'a> {
    suite: &'a str,
    run_dir: String,
    answer: Option<Answer>,
    exit_code: u8,
    comparisons: Vec<ComparisonSummary<'a>>,
    verdict: Option<&'a Verdict>,
}

#[derive(Serialize)]
struct ComparisonSummary<'a> {
    prompt: &'a str,
    model: &'a str,
    metric: &'a str,
    measure: Measure,
    answer: Answer,
    answer_over_suites: Answer,
    p_regressed_over_suites: f64,
    alpha: f64,
}

impl<'a> SuiteSummary<'a> {
    fn of(one: &'a EndedSuite, policy: Policy) -> Self {
        Self {
            suite: &one.suite,
            run_dir: one.run_dir.display().to_string(),
            answer: one.verdict.as_ref().map(|verdict| verdict.answer),
            exit_code: one.findings.ending(policy).exit_code(),
            comparisons: one.over_suites().map(ComparisonSummary::of).collect(),
            verdict: one.verdict.as_ref(),
        }
    }
}

impl<'a> ComparisonSummary<'a> {
    fn of(one: OverSuites<'a>) -> Self {
        let Comparison { prompt, model, metric, measure, answer, alpha, .. } = one.comparison;
        Self {
            prompt,
            model,
            metric,
            measure: *measure,
            answer: *answer,
            answer_over_suites: one.answer,
            p_regressed_over_suites: one.p_regressed,
            alpha: *alpha,
        }
    }
}

/// The summary over all suites, on one line.
pub fn suites_json(ended: &[EndedSuite], policy: Policy) -> Result<String, serde_json::Error> {
    let sum = |of: fn(&EndedSuite) -> usize| ended.iter().map(of).sum::<usize>();
    let ending: Ending = ending_of_suites(ended, policy);
    serde_json::to_string(&SuitesSummary {
        suites: ended.iter().map(|one| SuiteSummary::of(one, policy)).collect(),
        n_comparisons: sum(|one| one.comparisons().len()),
        n_regressed: sum(EndedSuite::n_regressed),
        n_regressed_over_suites: sum(EndedSuite::n_regressed_over_suites),
        exit_code: ending.exit_code(),
    })
}
