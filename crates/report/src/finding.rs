//! What CI systems show at a line of a file: comparisons that do not pass, suites without a verdict, and what is wrong
//! with a suite or a prompt.

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
    /// A prompt's file has a mistake.
    InvalidPrompt,
    /// A prompt uses a variable that it does not declare.
    UndefinedVariable,
    /// A prompt declares a variable that it does not use.
    UnusedVariable,
    /// A column of a dataset reaches no prompt.
    UnusedColumn,
    /// What fills a prompt is not fenced.
    UnfencedInput,
    /// A prompt holds what looks like a key.
    SecretInPrompt,
    /// A prompt holds what looks like personal data.
    PersonalDataInPrompt,
    /// A prompt is longer than the policy allows.
    PromptTooLong,
    /// A prompt does not do what the policy asks for.
    AgainstPolicy,
}

impl FindingRule {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Regressed,
        Self::Inconclusive,
        Self::NoVerdict,
        Self::InvalidSuite,
        Self::UnwiseSuite,
        Self::InvalidPrompt,
        Self::UndefinedVariable,
        Self::UnusedVariable,
        Self::UnusedColumn,
        Self::UnfencedInput,
        Self::SecretInPrompt,
        Self::PersonalDataInPrompt,
        Self::PromptTooLong,
        Self::AgainstPolicy,
    ];

    /// Its name in reports.
    pub fn id(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
            Self::NoVerdict => "no-verdict",
            Self::InvalidSuite => "invalid-suite",
            Self::UnwiseSuite => "unwise-suite",
            Self::InvalidPrompt => "invalid-prompt",
            Self::UndefinedVariable => "undefined-variable",
            Self::UnusedVariable => "unused-variable",
            Self::UnusedColumn => "unused-column",
            Self::UnfencedInput => "unfenced-input",
            Self::SecretInPrompt => "secret-in-prompt",
            Self::PersonalDataInPrompt => "personal-data-in-prompt",
            Self::PromptTooLong => "prompt-too-long",
            Self::AgainstPolicy => "against-policy",
        }
    }

    /// What its findings are about, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Regressed => "a metric regressed",
            Self::Inconclusive => "the run cannot tell",
            Self::NoVerdict => "there is no verdict",
            Self::InvalidSuite => "the suite has a mistake",
            Self::UnwiseSuite => "the suite is unwise",
            Self::InvalidPrompt => "the prompt has a mistake",
            Self::UndefinedVariable => "a variable is not declared",
            Self::UnusedVariable => "a variable is not used",
            Self::UnusedColumn => "a column reaches no prompt",
            Self::UnfencedInput => "input is not fenced",
            Self::SecretInPrompt => "the prompt seems to hold a key",
            Self::PersonalDataInPrompt => "the prompt seems to hold personal data",
            Self::PromptTooLong => "the prompt is too long",
            Self::AgainstPolicy => "the prompt is against the policy",
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
            Self::InvalidPrompt => "A prompt's file has a mistake, and cannot be used.",
            Self::UndefinedVariable => "A prompt uses a variable that it does not declare.",
            Self::UnusedVariable => "A prompt declares a variable that it does not use.",
            Self::UnusedColumn => "A column of a suite's dataset reaches no prompt.",
            Self::UnfencedInput => {
                "A prompt does not mark where what it is filled with begins and ends."
            }
            Self::SecretInPrompt => "A prompt holds what looks like a key.",
            Self::PersonalDataInPrompt => "A prompt holds what looks like personal data.",
            Self::PromptTooLong => "A prompt is longer than the team's policy allows.",
            Self::AgainstPolicy => "A prompt does not do what the team's policy asks for.",
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
            Self::InvalidPrompt => "Correct the file as the message says.",
            Self::UndefinedVariable => {
                "Declare it under `variables` in the front matter, or correct its name."
            }
            Self::UnusedVariable => "Use it, or remove it from the front matter.",
            Self::UnusedColumn => "Use it in the prompt, or leave it out of the dataset.",
            Self::UnfencedInput => {
                "Put the variable between tags or in a fenced block, or declare it as `trusted: true` if its text is your own."
            }
            Self::SecretInPrompt => "Remove it, and revoke it if it was real.",
            Self::PersonalDataInPrompt => "Replace it by made-up data that cannot be anybody's.",
            Self::PromptTooLong => "Shorten it, or change the policy.",
            Self::AgainstPolicy => "Change the prompt as the message says, or the policy.",
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
