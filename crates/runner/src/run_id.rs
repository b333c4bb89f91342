//! Run ids, and times as records write them.

/// Now, as RFC 3339 in UTC with whole seconds.
pub(crate) fn now() -> String {
    rfc3339(jiff::Timestamp::now())
}

/// A moment as RFC 3339 in UTC with whole seconds.
pub(crate) fn rfc3339(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A run id that sorts by time: `20261122-164035-3f9a`.
pub(crate) fn new_run_id() -> String {
    let now = jiff::Timestamp::now();
    let digits = (now.subsec_nanosecond().unsigned_abs() ^ std::process::id()) & 0xffff;
    format!("{}-{digits:04x}", now.strftime("%Y%m%d-%H%M%S"))
}
