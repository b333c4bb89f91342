//! Which kept answers are thrown away, in the words of whoever asks for it.

use std::time::{Duration, SystemTime};

use evalmark_core::suite::near_and_known;
use evalmark_harness::Info;

use crate::error::{Hinted, Result, RunError};

/// Fails where no answer is kept of an endpoint.
pub fn check_kept_endpoint(endpoint: &str, info: &Info) -> Result<()> {
    let known: Vec<_> = info.endpoints.iter().map(|known| known.key.as_str()).collect();
    if known.contains(&endpoint) {
        return Ok(());
    }
    let error = RunError::new(format!("there are no answers of the endpoint `{endpoint}`"));
    let advice = near_and_known(endpoint, &known, "there are answers of");
    Err(advice.into_iter().fold(error, RunError::with_hint))
}

/// The moment so long ago: `30d`, `12h`.
pub fn moment_ago(age: &str) -> Result<SystemTime> {
    let age: jiff::SignedDuration = age
        .parse()
        .or_else(|_| {
            age.parse::<jiff::Span>()
                .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()))
        })
        .map_err(|_| RunError::new(format!("`{age}` is not a time span")))
        .hint("write `30d`, `12h` or `90m`")?;
    let age = Duration::try_from(age).map_err(|_| RunError::new("an age cannot be negative"))?;
    SystemTime::now().checked_sub(age).ok_or_else(|| RunError::new("the time span is too long"))
}
