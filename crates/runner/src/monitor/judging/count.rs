//! What became of a record that models were asked about.

use evalmark_core::{
    record::{ErrorKind, Record},
    score::Score,
};
use evalmark_scoring::{Question, QuestionError};
use evalmark_store::monitor::JudgeCounts;

use crate::judges::JudgeReplies;

/// What became of one record; the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum JudgedAs {
    NothingToAsk,
    Judged,
    Unreadable,
    Failed,
    Unreachable,
    OverBudget,
}

impl JudgedAs {
    /// What became of a metric's questions.
    pub(super) fn of(
        questions: Option<&Result<Vec<Question>, QuestionError>>,
        replies: &JudgeReplies,
        score: &Score,
    ) -> Self {
        let JudgeReplies::Given(replies) = replies else {
            // An answer that nothing can be asked about has its score all the same.
            let is_scored = questions.is_some() && score.value.is_some();
            return if is_scored { Self::Judged } else { Self::NothingToAsk };
        };
        if score.value.is_some() {
            return Self::Judged;
        }
        let failed = replies.iter().filter_map(|reply| Self::of_failure(&reply.record));
        failed.max().unwrap_or(Self::Unreadable)
    }

    /// What a failed request says.
    pub(super) fn of_failure(record: &Record) -> Option<Self> {
        Some(match record.failure.as_ref()?.kind {
            ErrorKind::Budget => Self::OverBudget,
            ErrorKind::EndpointDown | ErrorKind::Connection => Self::Unreachable,
            _ => Self::Failed,
        })
    }

    pub(super) fn count(self, counts: &mut JudgeCounts) {
        let count = match self {
            Self::NothingToAsk => &mut counts.nothing_to_ask,
            Self::Judged => &mut counts.judged,
            Self::Unreadable => &mut counts.unreadable,
            Self::Failed => &mut counts.failed,
            Self::Unreachable => &mut counts.unreachable,
            Self::OverBudget => &mut counts.over_budget,
        };
        *count += 1;
    }
}
