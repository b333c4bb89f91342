//! How a command ends, decided in one place; a program maps it to an exit code.

use evalmark_core::verdict::Answer;

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

impl From<&Findings> for Ending {
    /// The one place that decides how a command ends which did what it could. What it could not do
    /// is an error, which has an ending of its own.
    fn from(found: &Findings) -> Self {
        let of_gate = match found.answer {
            None | Some(Answer::Improved | Answer::Pass) => Self::Done,
            Some(Answer::Regressed) => Self::Regressed,
            Some(Answer::Inconclusive) if found.lacks_answers => Self::Incomplete,
            Some(Answer::Inconclusive) => Self::Inconclusive,
            Some(Answer::Incomparable) => Self::Incomplete,
        };
        let of_answers = match (found.is_interrupted, found.is_incomplete) {
            (true, _) => Self::Interrupted,
            (false, true) => Self::Incomplete,
            (false, false) => Self::Done,
        };
        of_gate.worse(of_answers)
    }
}
