//! Which entries are shown.

use jiff::Timestamp;

use super::{AuditAction, AuditEntry};

/// Which entries are shown: those that everything here allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// One of these; empty: any.
    pub actions: Vec<AuditAction>,
    /// About this prompt.
    pub prompt: Option<String>,
    /// About this environment.
    pub environment: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether an entry is shown.
    pub fn shows(&self, entry: &AuditEntry) -> bool {
        let is_action = self.actions.is_empty() || self.actions.contains(&entry.action);
        let is_about = |prompt: &String| entry.subject.prompts.contains(prompt);
        let is_in = |environment: &String| entry.subject.environment.as_ref() == Some(environment);
        is_action
            && self.prompt.as_ref().is_none_or(is_about)
            && self.environment.as_ref().is_none_or(is_in)
            && self.since.is_none_or(|since| entry.time >= since)
    }
}
