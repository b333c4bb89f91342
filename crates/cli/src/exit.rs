//! Exit codes, as scripts rely on them.

use evalmark_core::verdict::Answer;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
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

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Regressed => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Incomplete => 4,
            Self::Interrupted => 130,
        }
    }

    /// The worse of two ends: what a script must not overlook wins.
    pub(crate) fn worse(self, other: Self) -> Self {
        let rank = |exit| match exit {
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

impl From<Answer> for Exit {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Improved | Answer::Pass => Self::Done,
            Answer::Regressed => Self::Regressed,
            Answer::Inconclusive => Self::Inconclusive,
            Answer::Incomparable => Self::Incomplete,
        }
    }
}
