//! in-toto's predicate `test-result`, as a verdict fills it in.

use evalmark_core::verdict::Answer;
use serde::{Deserialize, Serialize};

use super::{Predicate, Resource};

/// What tests said of the subjects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestResult {
    /// All in all.
    pub result: TestOutcome,
    /// What the tests were made with: suite, dataset and baseline, each by digest.
    pub configuration: Vec<Resource>,
    /// Where more is to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Metrics that passed or improved.
    #[serde(default)]
    pub passed_tests: Vec<String>,
    /// Metrics about which the run cannot tell.
    #[serde(default)]
    pub warned_tests: Vec<String>,
    /// Metrics that got worse.
    #[serde(default)]
    pub failed_tests: Vec<String>,
}

/// What became of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TestOutcome {
    /// Passed, or improved.
    Passed,
    /// The run cannot tell.
    Warned,
    /// Something got worse.
    Failed,
}

/// There is no verdict that could be attested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// Nothing was compared.
    #[error("no metric was gated, so that there is nothing to attest")]
    NoMetric,
    /// The two runs do not measure the same thing.
    #[error("`{0}` could not be compared, so that there is nothing to attest")]
    Incomparable(String),
}

impl Predicate for TestResult {
    const TYPE: &'static str = "https://in-toto.io/attestation/test-result/v0.1";
}

impl TestResult {
    /// From the answer for each metric; the worst one is the result.
    pub fn of_answers<'a>(
        answers: impl IntoIterator<Item = (&'a str, Answer)>,
        configuration: Vec<Resource>,
    ) -> Result<Self, NoVerdict> {
        let (mut passed_tests, mut warned_tests, mut failed_tests) = (vec![], vec![], vec![]);
        for (metric, answer) in answers {
            let list = match answer {
                Answer::Improved | Answer::Pass => &mut passed_tests,
                Answer::Inconclusive => &mut warned_tests,
                Answer::Regressed => &mut failed_tests,
                Answer::Incomparable => return Err(NoVerdict::Incomparable(metric.to_owned())),
            };
            list.push(metric.to_owned());
        }
        let result = if !failed_tests.is_empty() {
            TestOutcome::Failed
        } else if !warned_tests.is_empty() {
            TestOutcome::Warned
        } else if !passed_tests.is_empty() {
            TestOutcome::Passed
        } else {
            return Err(NoVerdict::NoMetric);
        };
        Ok(Self { result, configuration, url: None, passed_tests, warned_tests, failed_tests })
    }
}
