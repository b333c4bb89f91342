//! What CI systems show at a line of a file: comparisons that do not pass, suites without a verdict, and what is wrong
//! with a suite.

use evalmark_core::{
    policy::{Consequence, Policy},
    source_place::{SourcePlace, SourcePlaces},
    verdict::{Answer, Comparison, Measure},
};

use crate::gate_report::{GateReport, ReportedSuite};

/// What a finding is an instance of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingRule {
    /// A gated metric got worse.
    Regressed,
    /// The run cannot tell.
    Inconclusive,
    /// There is no verdict.
    NoVerdict,
    /// A suite has a mistake.
    InvalidSuite,
    /// A suite can be run, but not as one should.
    UnwiseSuite,
}

impl FindingRule {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Regressed,
        Self::Inconclusive,
        Self::NoVerdict,
        Self::InvalidSuite,
        Self::UnwiseSuite,
    ];

    /// Its name in reports.
    pub fn id(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
            Self::NoVerdict => "no-verdict",
            Self::InvalidSuite => "invalid-suite",
            Self::UnwiseSuite => "unwise-suite",
        }
    }

    /// What it means, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Regressed => "A gated metric got worse, and perhaps by more than its margin.",
            Self::Inconclusive => "The run cannot tell whether a gated metric got worse.",
            Self::NoVerdict => "Run and baseline cannot be compared, or the run has no verdict.",
            Self::InvalidSuite => "A suite has a mistake, and cannot be run.",
            Self::UnwiseSuite => "A suite can be run, but its results may mislead.",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Regressed => {
                "Look at the items that broke (`evalmark diff`), or promote the run if the change is wanted."
            }
            Self::Inconclusive => {
                "Add items, or accept a larger margin; `evalmark plan` says how many it takes."
            }
            Self::NoVerdict => "Resume the run, promote a baseline, or restore what was compared.",
            Self::InvalidSuite => "Correct the suite; `evalmark check` lists every mistake.",
            Self::UnwiseSuite => "Change the suite as the message says, if you agree with it.",
        }
    }
}

/// Something that a CI system shows at a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is an instance of.
    pub rule: FindingRule,
    /// What follows from it.
    pub consequence: Consequence,
    /// What it is about, in a few words.
    pub title: String,
    /// What is to be said, one sentence a line.
    pub message: Vec<String>,
    /// Where it is shown, if anywhere.
    pub place: Option<SourcePlace>,
    /// The column there, from 1, where known.
    pub column: Option<u64>,
    /// What it is recognised by from run to run.
    pub identity: Vec<String>,
}

impl Finding {
    /// A text that stands for what it is recognised by: 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("evalmark finding v1");
        hasher.update(self.rule.id().as_bytes());
        for part in &self.identity {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

impl GateReport {
    /// Whatever does not pass, suite by suite, worst first.
    pub fn findings(&self) -> Vec<Finding> {
        self.suites.iter().flat_map(|suite| findings_of_suite(suite, self.policy)).collect()
    }
}

fn findings_of_suite(suite: &ReportedSuite, policy: Policy) -> Vec<Finding> {
    let comparisons = suite.verdict.iter().flat_map(|verdict| verdict.worst_first());
    let mut findings: Vec<_> =
        comparisons.filter_map(|one| of_comparison(suite, one, policy)).collect();
    let worst = findings.iter().map(|finding| finding.consequence).max();
    let whole = suite.consequence(policy);
    if whole != Consequence::Pass && worst.is_none_or(|worst| worst < whole) {
        findings.insert(0, of_whole(suite, whole));
    }
    findings
}

/// A comparison that does not pass.
pub(crate) fn of_comparison(
    suite: &ReportedSuite,
    comparison: &Comparison,
    policy: Policy,
) -> Option<Finding> {
    let Comparison { prompt, model, metric, measure, answer, says, notes, .. } = comparison;
    let rule = match answer {
        Answer::Improved | Answer::Pass => return None,
        Answer::Regressed => FindingRule::Regressed,
        Answer::Inconclusive => FindingRule::Inconclusive,
        Answer::Incomparable => FindingRule::NoVerdict,
    };
    let measure = match measure {
        Measure::Difference => "difference",
        Measure::Ratio => "ratio",
        Measure::Level => "level",
    };
    let message = std::iter::once(says).chain(notes).cloned().collect();
    Some(Finding {
        rule,
        consequence: policy.consequence(*answer),
        title: format!("{prompt} / {model} / {metric} {answer}"),
        message,
        place: suite.places.as_ref().map(|places| places.of_prompt(prompt)),
        column: None,
        identity: [suite.suite.as_str(), prompt, model, metric, measure].map(str::to_owned).into(),
    })
}

fn of_whole(suite: &ReportedSuite, consequence: Consequence) -> Finding {
    let rule = match &suite.verdict {
        Some(verdict) if suite.incomplete.is_none() && verdict.answer == Answer::Inconclusive => {
            FindingRule::Inconclusive
        }
        Some(verdict) if verdict.answer == Answer::Regressed => FindingRule::Regressed,
        _ => FindingRule::NoVerdict,
    };
    Finding {
        rule,
        consequence,
        title: format!("{} {}", suite.suite, suite.word()),
        message: vec![suite.says()],
        place: suite.places.as_ref().map(SourcePlaces::of_suite),
        column: None,
        identity: vec![suite.suite.clone()],
    }
}
