//! Counts of tokens, as servers write them.

use evalmark_core::record::Usage;
use serde_json::{Value, value::RawValue};

/// A count of tokens, also as a float or a text.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
pub(super) fn count(tokens: &RawValue) -> Option<u64> {
    if let Ok(tokens) = tokens.get().parse() {
        return Some(tokens);
    }
    match serde_json::from_str(tokens.get()).ok()? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            (0.0..=Usage::MOST_TOKENS as f64).contains(&number).then_some(number.round() as u64)
        }),
        _ => None,
    }
}
