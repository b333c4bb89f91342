//! What a verdict means to whoever asked for it, such as a CI job: which answers fail it. The verdict itself
//! never depends on it.

use crate::verdict::Answer;

/// What a user makes of a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether there has to be a baseline.
    pub baseline: BaselineNeed,
    /// What becomes of a run that cannot tell.
    pub inconclusive: OnInconclusive,
    /// Which answers fail at all.
    pub fail_on: FailOn,
    /// Whether somebody passes the verdict over, for a reason that is recorded.
    pub is_overridden: bool,
}

/// Whether there has to be a baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BaselineNeed {
    /// Unless the suite or the command line says that there may be none yet.
    #[default]
    BySuite,
    /// The environment is a CI job's: the command line alone may say that there is none yet.
    InCi,
    /// Whatever else is said; and a suite that gates nothing is an error.
    Always,
}

/// What becomes of a run that cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInconclusive {
    /// It fails.
    #[default]
    Fail,
    /// It passes with a warning.
    Warn,
    /// It passes.
    Pass,
}

/// Which answers fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Whatever does not pass.
    #[default]
    Any,
    /// None: the verdict is told, and the command goes on. Where there is no verdict, it fails nevertheless.
    Never,
}

/// What follows from an answer, from the best to what a script must not overlook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// It passes.
    Pass,
    /// It does not pass, which is worth a remark.
    Notice,
    /// It does not pass, which is worth a warning.
    Warning,
    /// It fails, for there is no verdict.
    NoVerdict,
    /// It fails.
    Failure,
}

impl Consequence {
    /// Whether a job goes red on it.
    pub fn fails(self) -> bool {
        matches!(self, Self::NoVerdict | Self::Failure)
    }
}

impl Policy {
    /// What follows from an answer: the one place that knows.
    pub fn consequence(self, answer: Answer) -> Consequence {
        let may_fail = self.fail_on == FailOn::Any && !self.is_overridden;
        match (answer, self.inconclusive) {
            (Answer::Improved | Answer::Pass, _) => Consequence::Pass,
            (Answer::Incomparable, _) => Consequence::NoVerdict,
            (Answer::Inconclusive, OnInconclusive::Pass) if !self.is_overridden => {
                Consequence::Notice
            }
            (Answer::Inconclusive, OnInconclusive::Warn) => Consequence::Warning,
            (Answer::Inconclusive | Answer::Regressed, _) => {
                if may_fail {
                    Consequence::Failure
                } else {
                    Consequence::Warning
                }
            }
        }
    }

    /// Why an answer that would fail by default does not, as one types it; `None` where the policy changes
    /// nothing.
    pub fn excuse(self, answer: Answer) -> Option<&'static str> {
        let is_excused =
            Self::default().consequence(answer).fails() && !self.consequence(answer).fails();
        let option = match (answer, self.inconclusive) {
            _ if self.is_overridden => "--override",
            (Answer::Inconclusive, OnInconclusive::Warn) => "--inconclusive warn",
            (Answer::Inconclusive, OnInconclusive::Pass) => "--inconclusive pass",
            _ => "--fail-on never",
        };
        is_excused.then_some(option)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_an_answer() {
        use Answer::{Improved, Incomparable, Inconclusive, Pass, Regressed};
        let check = |inconclusive, fail_on, expected: [Consequence; 5]| {
            let policy = Policy { inconclusive, fail_on, ..Policy::default() };
            let answers = [Improved, Pass, Inconclusive, Regressed, Incomparable];
            assert_eq!(answers.map(|answer| policy.consequence(answer)), expected, "{policy:?}");
            for answer in answers {
                let fails = policy.consequence(answer).fails();
                let passes = policy.excuse(answer).is_some() || answer.passes();
                assert_eq!(fails, !passes, "{answer}: {policy:?}");
            }
        };
        let (good, hint, warn) = (Consequence::Pass, Consequence::Notice, Consequence::Warning);
        let (none, fail) = (Consequence::NoVerdict, Consequence::Failure);
        check(OnInconclusive::Fail, FailOn::Any, [good, good, fail, fail, none]);
        check(OnInconclusive::Warn, FailOn::Any, [good, good, warn, fail, none]);
        check(OnInconclusive::Pass, FailOn::Any, [good, good, hint, fail, none]);
        check(OnInconclusive::Fail, FailOn::Never, [good, good, warn, warn, none]);
        check(OnInconclusive::Warn, FailOn::Never, [good, good, warn, warn, none]);
        check(OnInconclusive::Pass, FailOn::Never, [good, good, hint, warn, none]);
        let overridden = Policy { is_overridden: true, ..Policy::default() };
        let answers = [Improved, Pass, Inconclusive, Regressed, Incomparable];
        let expected = [good, good, warn, warn, none];
        assert_eq!(answers.map(|answer| overridden.consequence(answer)), expected);
        assert_eq!(overridden.excuse(Regressed), Some("--override"));
        assert_eq!(overridden.excuse(Pass), None);
        assert_eq!(overridden.excuse(Incomparable), None);
    }
}
