//! The page of environment variables names every one that the program reads.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::pages::Page;
use crate::setup::root;

/// Texts in quotation marks that look like a variable, where the program reads the environment.
fn variables(text: &str) -> impl Iterator<Item = String> {
    let is_variable = |word: &&str| {
        word.len() > 1
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    text.split('"').skip(1).step_by(2).filter(is_variable).map(str::to_owned)
}

#[test]
fn every_variable_is_told() {
    let page = Page::read("docs/src/reference/environment.md").text;
    let (mut found, mut folders) = (BTreeSet::new(), vec![root().join("crates/cli/src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file");
            if ["env::var", "env = \"", "std::env"].iter().any(|word| text.contains(word)) {
                let lines = text.lines().filter(|line| !line.contains("value_name"));
                found.extend(lines.flat_map(variables));
            }
        }
    }
    found.retain(|name| {
        !name.starts_with("EVALMARK_TEST") && name != "UPDATE" && name != "CARGO_MANIFEST_DIR"
    });
    let missing: Vec<_> =
        found.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "environment.md does not tell of {missing:?}");
    assert!(found.len() > 5, "{found:?}");
}
