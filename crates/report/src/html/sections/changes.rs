//! What differs from the baseline besides chance: prompts word by word first.

use evalmark_core::{
    changes::{Change, ChangeKind, DiffPart, LONG, excerpt},
    verdict::Verdict,
};
use serde::Serialize;

/// What changed since the baseline.
#[derive(Serialize, Default)]
pub(super) struct Changes {
    /// Whether there is a baseline to have changed since.
    is_known: bool,
    /// Changes with a text, and the others.
    prompts: Vec<ChangeLine>,
    others: Vec<String>,
}

/// A change of a text.
#[derive(Serialize)]
struct ChangeLine {
    says: String,
    /// What changed, with a few words around it.
    excerpt: Vec<DiffPart>,
    /// The whole text, where it is more than the excerpt.
    whole: Vec<DiffPart>,
}

impl Changes {
    pub(super) fn of(verdict: Option<&Verdict>) -> Self {
        let Some(changes) = verdict.and_then(|verdict| verdict.changes.as_ref()) else {
            return Self::default();
        };
        let has_text =
            |change: &&Change| change.kind == ChangeKind::PromptEdited && !change.diff.is_empty();
        let (texts, others): (Vec<_>, Vec<_>) = changes.iter().partition(has_text);
        let line = |change: &Change| {
            let excerpt = excerpt(&change.diff, LONG);
            let whole = if excerpt == change.diff { Vec::new() } else { change.diff.clone() };
            ChangeLine { says: change.says.clone(), excerpt, whole }
        };
        Self {
            is_known: true,
            prompts: texts.into_iter().map(line).collect(),
            others: others.into_iter().map(|change| change.says.clone()).collect(),
        }
    }
}
