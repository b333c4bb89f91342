//! What expressions can do beyond Jinja: read JSON, and match a regular expression.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use minijinja::{
    Environment, Error, ErrorKind, State,
    value::{Serde, Value},
};
use regex::{Regex, RegexBuilder};

/// Functions that expressions may call.
pub(super) const FUNCTIONS: &[&str] = &["matches", "range", "dict"];

/// The longest pattern, in bytes, and the largest that it may become.
const MAX_PATTERN: usize = 1_000;
const MAX_COMPILED: usize = 200_000;

/// Patterns that are kept compiled: they may come from a column.
const MAX_KEPT: usize = 256;

/// How many bytes a unit of fuel pays for.
const BYTES_PER_FUEL: usize = 64;

/// What `fromjson` was given is not JSON.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NotJson(serde_json::Error);

pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("fromjson", from_json);
    environment.add_function("matches", matches);
    for name in ["debug", "namespace"] {
        environment.remove_global(name);
    }
}

/// The value that a JSON text stands for; the whole text must be JSON.
pub(crate) fn from_json(state: &State, text: &str) -> Result<Value, Error> {
    // A value takes more room than its text.
    pay(state, text.len().saturating_mul(8))?;
    let value: serde_json::Value = serde_json::from_str(text.trim()).map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, "not JSON").with_source(NotJson(error))
    })?;
    Ok(Value::from(Serde(value)))
}

/// Whether a pattern matches somewhere in a text, in time linear in the text.
fn matches(state: &State, text: &str, pattern: &str) -> Result<bool, Error> {
    pay(state, text.len())?;
    Ok(compiled(pattern)?.is_match(text))
}

fn pay(state: &State, bytes: usize) -> Result<(), Error> {
    state.consume_fuel((bytes / BYTES_PER_FUEL) as u64)
}

fn compiled(pattern: &str) -> Result<Arc<Regex>, Error> {
    static KEPT: LazyLock<RwLock<HashMap<String, Arc<Regex>>>> = LazyLock::new(RwLock::default);
    if let Some(regex) = KEPT.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return Ok(regex.clone());
    }
    if pattern.len() > MAX_PATTERN {
        let message = format!("a pattern has at most {MAX_PATTERN} bytes");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    let regex = Arc::new(regex);
    let mut kept = KEPT.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), regex.clone());
    Ok(regex)
}
