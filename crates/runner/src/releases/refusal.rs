//! Why a prompt is not released: every rule that is not met, with what to do about it.

use std::fmt;

use crate::{Ending, error::Advised};

/// A rule of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReleaseRule {
    /// The prompt is whole, and `evalmark prompts lint` finds no error in it.
    Prompt,
    /// The runs are finished, and their files are as they were written.
    Run,
    /// The runs measured this very prompt, all with one model.
    Measured,
    /// The verdicts pass.
    Verdict,
    /// The suites that the policy names have been run.
    Suite,
    /// They were run on the version of the dataset that the policy names.
    Dataset,
    /// They were compared with the baseline that the policy names.
    Baseline,
    /// They were gated at margins no larger than the policy's.
    Margin,
    /// The runs are no older than the policy allows.
    Age,
    /// The prompt is released where it has to be before.
    Order,
    /// Enough people have approved.
    Approvals,
    /// Somebody who may has signed.
    Signature,
    /// Nobody has released another prompt of that name in the meantime.
    Meanwhile,
}

impl ReleaseRule {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Run => "run",
            Self::Measured => "measured",
            Self::Verdict => "verdict",
            Self::Suite => "suite",
            Self::Dataset => "dataset",
            Self::Baseline => "baseline",
            Self::Margin => "margin",
            Self::Age => "age",
            Self::Order => "order",
            Self::Approvals => "approvals",
            Self::Signature => "signature",
            Self::Meanwhile => "meanwhile",
        }
    }
}

/// A rule that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmetRule {
    /// Which.
    pub rule: ReleaseRule,
    /// What is so.
    pub says: String,
    /// What to do about it.
    pub advice: String,
    /// How a command ends on it.
    pub ending: Ending,
}

impl UnmetRule {
    /// A rule that is not met because something is missing.
    pub(super) fn new(
        rule: ReleaseRule,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { rule, says: says.into(), advice: advice.into(), ending: Ending::Incomplete }
    }
}

/// A prompt that is not released.
#[derive(Clone, Debug, thiserror::Error)]
pub struct RefusedRelease {
    /// The prompt.
    pub prompt: String,
    /// The environment.
    pub environment: String,
    /// At least one.
    pub unmet: Vec<UnmetRule>,
}

impl fmt::Display for RefusedRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prompt, environment, unmet } = self;
        write!(f, "`{environment}` does not take `{prompt}`: ")?;
        match unmet.len() {
            1 => write!(f, "a rule is not met")?,
            n => write!(f, "{n} rules are not met")?,
        }
        for UnmetRule { rule, says, advice, .. } in unmet {
            write!(f, "\n  {}: {says}\n    hint: {advice}", rule.as_str())?;
        }
        Ok(())
    }
}

impl Advised for RefusedRelease {
    /// A regression is one; what is missing is less.
    fn ending(&self) -> Option<Ending> {
        let has = |ending: Ending| self.unmet.iter().any(|unmet| unmet.ending == ending);
        let worst = [Ending::Regressed, Ending::Incomplete, Ending::Inconclusive];
        worst.into_iter().find(|ending| has(*ending))
    }
}
