//! The files that a template brings in, one through another, as far as their texts tell.

use std::collections::{BTreeMap, BTreeSet};

use evalmark_core::{files::FileAccess, template::References};

use super::changed_files::ChangedFiles;

/// How many files one template may bring in.
const MOST_FILES: usize = 1_000;

/// What a template brings in.
#[derive(Clone, Debug, Default)]
pub(super) struct TemplateFiles {
    /// The files, by their paths in the repository, whether they are there or not.
    pub(super) paths: BTreeSet<String>,
    /// Whether it makes names of others when it renders.
    pub(super) are_computed: bool,
}

/// Templates that were looked at.
#[derive(Debug, Default)]
pub(super) struct Templates {
    /// What each file names by itself.
    known: BTreeMap<String, References>,
}

impl Templates {
    /// The files that a text brings in from a folder.
    pub(super) fn of(&mut self, text: &str, folder: &str, changed: &ChangedFiles) -> TemplateFiles {
        let References { names, are_computed } = References::of(text);
        let mut found = TemplateFiles { are_computed, ..TemplateFiles::default() };
        let mut wanted: Vec<_> = names.into_iter().collect();
        while let Some(name) = wanted.pop() {
            let Some(path) = super::changed_files::joined(folder, &name) else { continue };
            if found.paths.len() >= MOST_FILES || !found.paths.insert(path.clone()) {
                continue;
            }
            let References { names, are_computed } = self.named(&path, changed);
            found.are_computed |= are_computed;
            wanted.extend(names.iter().cloned());
        }
        found
    }

    fn named(&mut self, path: &str, changed: &ChangedFiles) -> &References {
        self.known.entry(path.to_owned()).or_insert_with(|| {
            let text = FileAccess::unlimited().read_text(&changed.root.join(path));
            text.map(|text| References::of(&text)).unwrap_or_default()
        })
    }
}
