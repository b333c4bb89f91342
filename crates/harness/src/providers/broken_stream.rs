//! Streams that hold no whole answer.

use evalmark_core::record::ErrorKind;
use evalmark_net::one_line;

use crate::reply::{AttemptError, FaultScope, Retryable};

/// A stream that ends before it says that it does.
pub(crate) fn cut_off() -> AttemptError {
    let message = "the connection broke: the stream ends before the answer does".to_owned();
    let error = AttemptError::new(ErrorKind::Connection, message, Retryable::Yes);
    error.with_fault_scope(FaultScope::Endpoint)
}

/// A frame whose bytes are not what its checksums say.
pub(crate) fn broken_frame() -> AttemptError {
    let message = "the connection broke: a frame of the stream does not match its checksum";
    let error = AttemptError::new(ErrorKind::Connection, message.to_owned(), Retryable::Yes);
    error.with_fault_scope(FaultScope::Endpoint)
}

/// A stream that says that it ends, and not why the answer does: many servers and gateways end it so
/// when whoever writes the answer has died.
pub(crate) fn without_reason(field: &str) -> AttemptError {
    let message = format!("the stream ends without a `{field}`, so that the answer may be cut off");
    let error = AttemptError::new(ErrorKind::Connection, message, Retryable::Yes);
    error.with_fault_scope(FaultScope::Endpoint)
}

/// An event whose data are not what the protocol promises.
pub(crate) fn unreadable_event(data: &str) -> AttemptError {
    let message = one_line(&format!("an event of the stream is not JSON: {data}"));
    AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes)
}
