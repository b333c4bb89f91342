//! What users said of production's answers: taken in, joined with the monitor's records, estimated with what is known of
//! who says anything, and compared between two variants that serve at the same time.
//!
//! Begin with [`FeedbackImport`], which keeps events under `reports/SUITE/feedback`; [`feedback_status`] says what they
//! come to, and [`compare_feedback`] decides between two variants. Whoever reads products' exports hands over
//! [`FeedbackEvent`](evalmark_core::feedback::FeedbackEvent)s.

mod compare;
mod error;
mod exposures;
mod import;
mod joined;
mod status;

pub(crate) use self::joined::{JoinedFeedback, score};
pub use self::{
    compare::{
        CompareFeedbackOptions, FeedbackComparison, FeedbackVariant, UncountedFeedback,
        compare_feedback, ending_of_feedback,
    },
    error::FeedbackUseError,
    exposures::ExposureCounts,
    import::{FeedbackImport, ImportedFeedback},
    joined::{JoinDoubts, JoinedTo},
    status::{
        FeedbackEstimate, FeedbackStatus, FeedbackStatusOptions, SignalStatus, feedback_status,
    },
};
