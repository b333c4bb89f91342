//! From production logs to regression items: [`cases_from_logs`] writes records of a suite's monitor to a review
//! file, in which people fill in right answers; [`freeze`] adds what they kept to the suite's dataset for good.
//!
//! `why` decides which records are worth a look, `draw` which of those are taken, `review` lays the file out, `reviewed`
//! reads it back, `append` adds rows to a dataset's file, and `provenance` remembers where frozen items came from.

mod append;
mod draw;
mod error;
mod freeze;
mod from_logs;
mod provenance;
mod released;
mod review;
mod reviewed;
mod why;

pub(crate) use self::provenance::FrozenItems;
pub use self::{
    error::LogCasesError,
    freeze::{FreezeOptions, Frozen, freeze},
    from_logs::{CasesFromLogs, FromLogsOptions, Picked, cases_from_logs},
    why::{PickedKind, Quota},
};
