//! Bodies of successful responses as JSON, also of servers that write it carelessly.

use serde::Deserialize;

use super::is_event_stream;
use crate::{
    json_repair::mended,
    malformed::{misshapen, unreadable},
    reply::AttemptError,
};

/// An answer that was asked for whole, which is called `what`.
pub(super) fn whole<'a, T: Deserialize<'a>>(
    what: &str,
    body: &'a str,
    repaired: &'a mut String,
) -> Result<T, AttemptError> {
    if is_event_stream(body) {
        // Whatever it holds is bought, and would be bought again.
        return Err(misshapen(what, "the server streams although it was not asked to"));
    }
    json(what, body, repaired)
}

/// A body that is called `what`; `repaired` holds its text where that had to be repaired.
pub(super) fn json<'a, T: Deserialize<'a>>(
    what: &str,
    body: &'a str,
    repaired: &'a mut String,
) -> Result<T, AttemptError> {
    match serde_json::from_str(body) {
        Ok(read) => Ok(read),
        Err(error) => {
            *repaired = mended(body).ok_or_else(|| unreadable(&error, body, what))?;
            let repaired: &'a str = repaired;
            serde_json::from_str(repaired).map_err(|error| unreadable(&error, repaired, what))
        }
    }
}
