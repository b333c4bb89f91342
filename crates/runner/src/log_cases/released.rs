//! Which releases a prompt's hash was in: what a record was served with, in words.

use std::{collections::BTreeMap, path::Path};

use evalmark_store::releases::ReleasesFolder;

use crate::error::Result;

/// By the hash of a prompt: the first release of each environment that had it, such as `production 3`.
pub(super) fn releases_by_hash(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(BTreeMap::new());
    }
    let folder = ReleasesFolder::new(folder);
    for environment in folder.environments()? {
        for number in folder.releases(&environment)? {
            let (record, _) = folder.record(&environment, number)?;
            for prompt in record.prompts.into_values().flatten() {
                let named = found.entry(prompt.hash).or_default();
                let of_environment = format!("{environment} ");
                if !named.iter().any(|name| name.starts_with(&of_environment)) {
                    named.push(format!("{environment} {number}"));
                }
            }
        }
    }
    Ok(found.into_iter().map(|(hash, names)| (hash, names.join(", "))).collect())
}
