//! Responses that are not what a protocol promises: which of them are worth asking for again.

use evalmark_core::record::ErrorKind;
use evalmark_net::one_line;
use serde_json::error::Category;

use crate::reply::{AttemptError, FaultScope, Retryable};

/// A complete response that is JSON, but not what it should be.
pub(crate) fn misshapen(what: &str, why: &str) -> AttemptError {
    let message = one_line(&format!("the response is not a {what}: {why}"));
    AttemptError::new(ErrorKind::Malformed, message, Retryable::Never)
}

/// A body that does not parse. One that ends too early was cut off on the way, and is as good as a
/// broken connection. One that is no JSON at all came from something between here and the model,
/// and may not come again; one that is JSON of another shape would be bought again in vain.
pub(crate) fn unreadable(error: &serde_json::Error, body: &str, what: &str) -> AttemptError {
    match error.classify() {
        Category::Data => misshapen(what, &error.to_string()),
        Category::Syntax if error.to_string().starts_with("recursion limit") => {
            misshapen(what, "it is nested too deeply")
        }
        Category::Eof if !body.trim().is_empty() => {
            let message = "the connection broke in the middle of the response".into();
            AttemptError::new(ErrorKind::Connection, message, Retryable::Yes)
                .with_fault_scope(FaultScope::Endpoint)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            let start = one_line(body.trim_start_matches('\u{feff}'));
            let message = match start {
                start if start.is_empty() => "the response has an empty body".into(),
                start if start.starts_with('<') => {
                    format!("the response is a page of HTML or XML, not JSON: {start}")
                }
                start => format!("the response is not JSON ({error}): {start}"),
            };
            let error = AttemptError::new(ErrorKind::Malformed, one_line(&message), Retryable::Yes);
            error.with_fault_scope(FaultScope::Endpoint)
        }
    }
}
