//! Production logs scored with a suite's own metrics: lines in, records with scores out, each line once.
//!
//! Begin with [`Monitor`], which reads logs into the folder of a suite's monitor, then [`monitor_status`], which
//! says what they show. Reading files is somebody else's work: lines come through
//! [`LogInput`](evalmark_core::logs::LogInput).

mod document;
mod drift;
mod error;
mod figures;
mod judging;
mod log_time;
mod merge;
mod open;
mod read;
mod record;
mod redact;
mod reference;
mod restart;
mod segment;
mod sent;
mod status;
mod stored;

pub use self::{
    document::monitor_document,
    error::MonitorError,
    figures::MonitorFigures,
    open::{Monitor, MonitorOptions},
    read::{MonitorEnd, ending_of_reading, reading_document},
    restart::{MonitorRestartOptions, monitor_restart},
    status::{
        DriftTest, MonitorDay, MonitorReference, MonitorStatus, MonitorStatusOptions,
        MonitoredMetric, day_name, ending_of_monitor, monitor_status,
    },
};
pub(crate) use self::{
    log_time::{day_of, microseconds, moment},
    open::MonitoredSuite,
    redact::redacted,
    status::cluster_number,
};
