//! Structure: JSON, YAML, XML, SQL, code and tool calls, in tables and laws, and answers that were made to
//! hurt.

mod documents;
mod json;
mod laws;
mod sql;
mod tool_calls;

use serde_json::Value;

use crate::support::{check, score};

/// An answer without a target, and its value.
#[track_caller]
fn check_alone(entry: &Value, rows: &[(&str, f64)]) {
    for (answer, expected) in rows {
        check(entry, answer, &[], Some(*expected));
    }
}

#[track_caller]
fn check_reason(entry: &Value, answer: &str, target: &str, says: &str) {
    let reason = score(entry, answer, &[target]).reason.unwrap_or_default();
    assert!(reason.contains(says), "{entry} of {answer:?}: {reason:?} lacks {says:?}");
}
