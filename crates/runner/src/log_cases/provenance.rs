//! Where frozen items came from: a line of JSON an item, beside the suite, so that the dataset's own columns stay as
//! they are. It also says which items a dataset has to keep.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use evalmark_store::durable;
use serde::{Deserialize, Serialize};

use super::error::LogCasesError;

/// No file of this kind is larger.
const MOST: u64 = 1 << 30;

/// Where one item came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FrozenItem {
    /// Its id in the dataset; of a dataset without ids, the hash of its content.
    pub(crate) item_id: String,
    /// The record's id in the logs.
    pub(crate) log_id: String,
    /// When it was answered: RFC 3339, UTC.
    pub(crate) answered_at: Option<String>,
    /// Why it was taken.
    pub(crate) why: String,
    /// The prompt that was served, its hash, and the releases that had it.
    pub(crate) prompt: Option<String>,
    pub(crate) prompt_hash: Option<String>,
    pub(crate) release: Option<String>,
    /// The model that was served.
    pub(crate) model: Option<String>,
    /// When it was frozen: RFC 3339, UTC.
    pub(crate) frozen_at: String,
}

/// The file with all of a suite.
pub(crate) struct FrozenItems {
    path: PathBuf,
    text: String,
    /// In the order in which they were frozen.
    pub(crate) items: Vec<FrozenItem>,
}

impl FrozenItems {
    /// Reads those of a suite; of one that has none, there are none.
    pub(crate) fn of_suite(suite: &Path) -> Result<Self, LogCasesError> {
        let mut name = suite.file_stem().map_or_else(OsString::new, OsString::from);
        name.push(".frozen.jsonl");
        let path = suite.with_file_name(name);
        let unreadable = |reason: String| LogCasesError::Provenance { path: path.clone(), reason };
        let text = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unreadable(error.to_string())),
            Ok(about) if about.len() > MOST => {
                return Err(unreadable("it is too large".to_owned()));
            }
            Ok(_) => fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?,
        };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let items = lines.map(|(at, line)| {
            let wrong = |error| unreadable(format!("line {}: {error}", at + 1));
            serde_json::from_str(line).map_err(wrong)
        });
        let items = items.collect::<Result<_, _>>()?;
        Ok(Self { path, text, items })
    }

    /// The file's name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds items that were not frozen before; the file is replaced as a whole.
    pub(crate) fn add(&mut self, items: Vec<FrozenItem>) -> io::Result<()> {
        let known: std::collections::HashSet<_> =
            self.items.iter().map(|item| item.item_id.clone()).collect();
        let before = self.text.len();
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        for item in items.into_iter().filter(|item| !known.contains(&item.item_id)) {
            self.text.push_str(&serde_json::to_string(&item)?);
            self.text.push('\n');
            self.items.push(item);
        }
        if self.text.len() == before {
            Ok(())
        } else {
            durable::write(&self.path, self.text.as_bytes())
        }
    }
}
