//! What a registry did not do, and what to do about it.

use evalmark_core::source::SourceError;

use crate::services::rest::RestError;

/// What a registry did not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct RegistryError {
    /// The registry's address, or the file that it is about.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether the server did not answer as it should: what comes after would fail alike.
    pub is_of_server: bool,
}

impl RegistryError {
    pub(super) fn new(place: &str, message: impl Into<String>) -> Self {
        Self { place: place.to_owned(), message: message.into(), hint: None, is_of_server: false }
    }

    /// With what to do about it.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What a server did not do; `keys` is the advice where it does not let one in.
    pub(super) fn of_server(place: &str, error: &RestError, keys: &str) -> Self {
        let told = Self { is_of_server: true, ..Self::new(place, error.to_string()) };
        if error.is_forbidden() { told.hint(keys) } else { told }
    }

    /// A key that may not be sent.
    pub(super) fn of_key(place: &str, error: &SourceError) -> Self {
        let told = Self::new(place, error.to_string());
        match error {
            SourceError::Failed { hint: Some(hint), .. } => told.hint(hint.clone()),
            _ => told,
        }
    }
}
