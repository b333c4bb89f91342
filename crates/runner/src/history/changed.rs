//! What differs from one run of a suite to the next, in a few words each.

use evalmark_core::changes::{Change, ChangeKind, between};
use evalmark_store::run_record::RunRecord;

use crate::gate::facts;

/// What differs from the run before, such as ``prompt `few-shot` edited``.
pub(super) fn changed_since(before: &RunRecord, after: &RunRecord) -> Vec<String> {
    let changes = between(&facts(before), &facts(after));
    // Several settings of one metric may have changed: each is a change, and the words are the same.
    let mut words: Vec<String> = Vec::new();
    for change in changes.iter().map(in_words) {
        if !words.contains(&change) {
            words.push(change);
        }
    }
    let says_so = |change: &Change| change.kind == ChangeKind::Items;
    if before.dataset_hash != after.dataset_hash && !changes.iter().any(says_so) {
        words.push("items changed".to_owned());
    }
    words
}

fn in_words(change: &Change) -> String {
    use ChangeKind as K;
    let (noun, verb) = match change.kind {
        K::PromptEdited => ("prompt", "edited"),
        K::PromptRenamed => ("prompt", "renamed"),
        K::PromptAdded => ("prompt", "added"),
        K::PromptRemoved => ("prompt", "removed"),
        K::ModelEdited => ("model", "edited"),
        K::ModelAdded => ("model", "added"),
        K::ModelRemoved => ("model", "removed"),
        K::MetricEdited => ("metric", "edited"),
        K::MetricAdded => ("metric", "added"),
        K::MetricRemoved => ("metric", "removed"),
        K::Items => return "items changed".to_owned(),
        K::Columns => return "columns changed".to_owned(),
        K::Ids => return "item ids changed".to_owned(),
        K::Target => return "targets changed".to_owned(),
        K::Dataset => return "dataset settings changed".to_owned(),
        K::Limit => return "number of items changed".to_owned(),
        K::Epochs => return "epochs changed".to_owned(),
    };
    if change.name.is_empty() {
        return format!("{noun} {verb}");
    }
    format!("{noun} `{}` {verb}", change.name)
}
