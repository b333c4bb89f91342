//! Drift tested anew from a moment on: how an alarm ends once its cause is dealt with.

use std::path::PathBuf;

use evalmark_store::monitor::{MonitorFolder, MonitorFolderError, MonitorRestart};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{MonitorError, open::MonitoredSuite};
use crate::{Host, error::Result, redacted_keys::hide};

/// What begins anew.
#[derive(Clone, Debug)]
pub struct MonitorRestartOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
    /// Since when records count: RFC 3339, or a date; default: now.
    pub at: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Begins the tests of a suite's monitor anew.
pub fn monitor_restart(options: &MonitorRestartOptions, host: &Host<'_>) -> Result<MonitorRestart> {
    let said_at = (host.clock)();
    let at = match &options.at {
        Some(text) => moment(text).ok_or_else(|| MonitorError::NoMoment(text.clone()))?,
        None => said_at,
    };
    if at > said_at {
        return Err(MonitorError::LaterRestart(options.at.clone().unwrap_or_default()).into());
    }
    if options.reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(MonitorError::NoReason.into());
    }
    let suite = MonitoredSuite::read(&options.suite, host)?.suite.name;
    let folder = MonitorFolder::of_suite(&options.out, &suite);
    if folder.state(&suite)?.is_none() {
        return Err(MonitorFolderError::Empty(folder.path).into());
    }
    let reason = options.reason.as_ref().map(|reason| hide(reason).into_owned());
    let restart = MonitorRestart { at, said_at, reason };
    folder.restart(restart.clone())?;
    Ok(restart)
}

/// A moment, or the first one of a day.
fn moment(text: &str) -> Option<Timestamp> {
    let of_day = || {
        let day: Date = text.parse().ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse().ok().or_else(of_day)
}
