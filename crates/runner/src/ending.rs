//! How a command ends, decided in one place; a program maps it to an exit code.

use evalmark_core::{
    policy::{Consequence, Policy},
    verdict::Answer,
};

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done; with a gate: every gated metric passes.
    Done,
    /// A gated metric regressed.
    Regressed,
    /// Usage or configuration error; nothing was asked.
    Usage,
    /// The run cannot tell.
    Inconclusive,
    /// Too many missing answers, no items, no baseline, or runs that do not measure the same thing.
    Incomplete,
    /// Interrupted; the run can be resumed.
    Interrupted,
}

impl Ending {
    /// The number that stands for it, as scripts rely on it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Regressed => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Incomplete => 4,
            Self::Interrupted => 130,
        }
    }

    /// The worse of two endings: what a script must not overlook wins.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |ending| match ending {
            Self::Done => 0,
            Self::Inconclusive => 1,
            Self::Incomplete => 2,
            Self::Regressed => 3,
            Self::Usage => 4,
            Self::Interrupted => 5,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// What a command found, as far as its ending depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Findings {
    /// The gate's answer, where there is a gate.
    pub answer: Option<Answer>,
    /// Whether the gate is inconclusive because answers are missing.
    pub lacks_answers: bool,
    /// Whether there is less than was asked for.
    pub is_incomplete: bool,
    /// Whether it was interrupted.
    pub is_interrupted: bool,
}

impl Findings {
    /// The one place that decides how a command ends which did what it could. What it could not do
    /// is an error, which has an ending of its own.
    pub fn ending(&self, policy: Policy) -> Ending {
        let of_gate = match self.answer {
            None => Ending::Done,
            // Nothing excuses a run that gives no verdict.
            Some(Answer::Inconclusive) if self.lacks_answers => Ending::Incomplete,
            Some(answer) => match policy.consequence(answer) {
                Consequence::Pass | Consequence::Notice | Consequence::Warning => Ending::Done,
                Consequence::NoVerdict => Ending::Incomplete,
                Consequence::Failure if answer == Answer::Regressed => Ending::Regressed,
                Consequence::Failure => Ending::Inconclusive,
            },
        };
        let of_answers = match (self.is_interrupted, self.is_incomplete) {
            (true, _) => Ending::Interrupted,
            (false, true) => Ending::Incomplete,
            (false, false) => Ending::Done,
        };
        of_gate.worse(of_answers)
    }
}
