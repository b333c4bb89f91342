//! Where suites and prompts stand in the source tree: what reports point to.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// A line of a file on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePlace {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; 0 where unknown.
    pub line: u64,
}

/// A line of a file in a source tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePlace {
    /// The file, relative to the root of the tree, with `/` between folders.
    pub path: String,
    /// The line, from 1.
    pub line: u64,
}

/// Where a suite and its prompts stand in a source tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePlaces {
    /// The suite's file.
    pub suite: String,
    /// The file of each prompt, or its line in the suite, by the prompt's name.
    #[serde(default)]
    pub prompts: BTreeMap<String, SourcePlace>,
}

impl SourcePlaces {
    /// Where a prompt stands; where that is not known, its suite.
    pub fn of_prompt(&self, prompt: &str) -> SourcePlace {
        self.prompts.get(prompt).cloned().unwrap_or_else(|| self.of_suite())
    }

    /// Where the suite begins.
    pub fn of_suite(&self) -> SourcePlace {
        SourcePlace { path: self.suite.clone(), line: 1 }
    }
}

/// The root of the source tree that a file is in: its repository, or `working_dir`. The file's real path
/// must be given.
pub fn source_root<'a>(file: &'a Path, working_dir: &'a Path) -> &'a Path {
    let repository = file.ancestors().skip(1).find(|dir| dir.join(".git").exists());
    repository.unwrap_or(working_dir)
}

/// A path as reports write it: relative to `root` where it lies below it, with `/` between folders.
pub fn relative_path(path: &Path, root: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).components();
    let text = |part: Component<'_>| match part {
        Component::CurDir | Component::RootDir => None,
        part => Some(part.as_os_str().to_string_lossy().into_owned()),
    };
    let parts: Vec<_> = parts.filter_map(text).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_as_forges_write_them() {
        let check = |path: &str, root: &str, expected: &str| {
            assert_eq!(relative_path(Path::new(path), Path::new(root)), expected);
        };
        check("/repo/suites/a.yaml", "/repo", "suites/a.yaml");
        check("./suites/a.yaml", "", "suites/a.yaml");
        check("/other/a.yaml", "/repo", "other/a.yaml");
        check("../a.yaml", "/repo", "../a.yaml");
    }
}
