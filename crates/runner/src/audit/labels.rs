//! Labels and aliases of registries that somebody moved: what applications read from then on.

use evalmark_core::prompt_registry::{AliasMove, MovedAliases};
use evalmark_store::audit::{AuditAction, AuditSubject, Evidence};

use crate::{Host, error::Result};

/// The registry with its address, and where each label was and is; `None` where none moved.
pub(crate) fn moved_labels<'a>(
    (product, server): (&str, &str),
    moves: impl Iterator<Item = &'a AliasMove>,
) -> Option<(Vec<String>, Evidence)> {
    let (mut prompts, mut evidence) = (Vec::new(), Evidence::new());
    for AliasMove { prompt, name, alias, from, to } in moves {
        if *from == Some(*to) {
            continue;
        }
        let before = from.map_or("nothing".to_owned(), |version| version.to_string());
        evidence.insert(format!("label {name}@{alias}"), format!("{before} -> {to}"));
        if !prompts.contains(prompt) {
            prompts.push(prompt.clone());
        }
    }
    evidence.insert("registry".to_owned(), format!("{product} {server}"));
    (!prompts.is_empty()).then_some((prompts, evidence))
}

impl Host<'_> {
    /// Puts the labels into the log that somebody moved without a release.
    pub fn record_labels<'a>(
        &self,
        registry: (&str, &str),
        moves: impl Iterator<Item = &'a AliasMove>,
    ) -> Result<()> {
        let Some((prompts, evidence)) = moved_labels(registry, moves) else { return Ok(()) };
        let subject = AuditSubject { prompts, ..AuditSubject::default() };
        self.record(AuditAction::LabelEdit, subject, evidence)?;
        Ok(())
    }
}

/// The same of the labels that follow a release.
pub(crate) fn moved_by_release(moved: &MovedAliases) -> Option<(Vec<String>, Evidence)> {
    let (prompts, mut evidence) =
        moved_labels((&moved.registry, &moved.server), moved.aliases.iter())?;
    evidence.insert("release".to_owned(), moved.release.to_string());
    Some((prompts, evidence))
}
