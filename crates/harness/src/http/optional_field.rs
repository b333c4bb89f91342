//! A field of streamed requests that not every server knows: left out once a server has refused it.

use std::sync::atomic::{AtomicBool, Ordering};

use evalmark_net::StatusCode;
use serde_json::{Map, Value};

/// What a server made of the field so far.
#[derive(Debug, Default)]
pub(super) struct OptionalField {
    is_refused: AtomicBool,
}

impl OptionalField {
    /// Whether requests go out without it.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// The body without the field, if the server is known to refuse it.
    pub(super) fn left_out(&self, body: Vec<u8>, name: Option<&str>) -> Vec<u8> {
        let Some(name) = name.filter(|_| self.is_refused()) else { return body };
        match serde_json::from_slice::<Map<String, Value>>(&body) {
            Ok(mut fields) => {
                fields.shift_remove(name);
                Value::from(fields).to_string().into_bytes()
            }
            Err(_) => body,
        }
    }

    /// Takes in what a server said of a request: whether it refuses the field.
    pub(super) fn learn(&self, status: StatusCode, body: &str, name: Option<&str>) {
        let is_refusal = matches!(status.as_u16(), 400 | 404 | 422);
        if is_refusal && name.is_some_and(|name| body.contains(name)) {
            self.is_refused.store(true, Ordering::Relaxed);
        }
    }
}
