//! The evaluation engine as a library: from a suite to answers, scores and a verdict.
//!
//! What it tells while it works is a [`Notice`]; what it could not do is a [`RunError`]; how whatever
//! it did ends is an [`Ending`], decided in one function. Keys come through [`Secrets`].
//!
//! What it deliberately does not do: it prints nothing, reads no environment variable, parses no
//! arguments and never ends the process.

mod ending;
mod error;
mod host;
pub mod known_keys;
mod notice;
pub mod permissions;
mod secrets;

pub mod across_suites;
pub mod against;
pub mod ask;
pub mod calibrate;
pub mod calibration;
pub mod collect;
pub mod corpus_metric;
pub mod early;
pub mod export;
pub mod failure_sample;
pub mod gate;
pub mod judge_check;
pub mod judges;
pub mod judging;
pub mod leaderboard;
pub mod load;
pub mod metric_scale;
pub mod plan;
pub mod power_plan;
pub mod programs;
pub mod reach;
pub mod records;
pub mod reorder;
pub mod report;
pub mod run;
pub mod run_id;
pub mod scored;
pub mod summary;
pub mod usable_targets;
pub mod variants;
pub use ending::{Ending, Findings};
pub use error::{Hinted, RunError};
pub use host::{Host, readers};
pub use notice::{AskTag, Asking, Notice, NoticeLevel, Notices};
pub use permissions::Permissions;
pub use secrets::Secrets;
