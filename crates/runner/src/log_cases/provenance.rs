//! Where frozen items came from: a line of JSON an item, beside the suite, so that the dataset's own columns stay as
//! they are. It also says which items a dataset has to keep.
//!
//! Two files change together, and a kill may come between: what is about to be frozen is written down first, in a file
//! of its own. Those of its items that the dataset has are frozen, whoever reads it next; the others are not.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use evalmark_store::{
    FileLock,
    durable::{self, NewFile},
};
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
    /// What a process was about to freeze that was killed.
    pending: Vec<FrozenItem>,
    /// Whether there was any such.
    had_pending: bool,
}

/// Items that are written down as about to be frozen, and the file with all that is ready for its name.
pub(super) struct StagedItems {
    new: NewFile,
    pending: PathBuf,
}

impl FrozenItems {
    /// Reads those of a suite; of one that has none, there are none.
    pub(crate) fn of_suite(suite: &Path) -> Result<Self, LogCasesError> {
        let path = path_of(suite);
        let (text, items) = read(&path)?;
        let (_, pending) = read(&pending_of(&path))?;
        let had_pending = !pending.is_empty();
        Ok(Self { path, text, items, pending, had_pending })
    }

    /// Keeps others from changing it; where another process does, waits for it so long.
    pub(super) fn lock(suite: &Path, wait: Duration) -> Result<FileLock, LogCasesError> {
        Ok(FileLock::take(&path_of(suite), wait)?)
    }

    /// Whether there is nothing that was frozen.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.pending.is_empty()
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether the files say less, or more, than is known now.
    pub(super) fn has_changed(&self) -> bool {
        self.had_pending || self.items.len() > lines(&self.text).count()
    }

    /// The file's name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Counts as frozen what a process that was killed has added to the dataset, which has items of these ids.
    pub(crate) fn settle(&mut self, ids: &HashSet<String>) {
        let pending = std::mem::take(&mut self.pending);
        self.add(pending.into_iter().filter(|item| ids.contains(&item.item_id)).collect());
    }

    /// Adds items that were not frozen before.
    pub(super) fn add(&mut self, items: Vec<FrozenItem>) {
        let mut known: HashSet<_> = self.items.iter().map(|item| item.item_id.clone()).collect();
        self.items.extend(items.into_iter().filter(|item| known.insert(item.item_id.clone())));
    }

    /// Makes everything ready for the items that were added: all that is left is to give files their names.
    pub(super) fn stage(&self) -> Result<StagedItems, LogCasesError> {
        let unwritable = |source| LogCasesError::Unwritable { path: self.path.clone(), source };
        let n_before = lines(&self.text).count();
        let added = json_lines(&self.items[n_before..]).map_err(unwritable)?;
        let end = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" };
        let write = || {
            let new = NewFile::create(&self.path)?;
            if let Ok(old) = fs::File::open(&self.path) {
                new.permit_as(&old)?;
            }
            new.writer()?.write_all([self.text.as_str(), end, &added].concat().as_bytes())?;
            new.sync()?;
            let pending = pending_of(&self.path);
            durable::write(&pending, added.as_bytes())?;
            Ok(StagedItems { new, pending })
        };
        write().map_err(unwritable)
    }
}

impl StagedItems {
    /// The dataset has the items: they are frozen.
    pub(super) fn finish(self) -> io::Result<()> {
        self.new.name()?;
        durable::remove(&self.pending)
    }

    /// The dataset does not have them.
    pub(super) fn give_up(self) {
        // Whoever reads it finds none of its items in the dataset.
        drop(durable::remove(&self.pending));
    }
}

fn path_of(suite: &Path) -> PathBuf {
    let mut name = suite.file_stem().map_or_else(OsString::new, OsString::from);
    name.push(".frozen.jsonl");
    suite.with_file_name(name)
}

fn pending_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.pending"))
}

/// What a file holds, and its items; nothing where there is none.
fn read(path: &Path) -> Result<(String, Vec<FrozenItem>), LogCasesError> {
    let unreadable = |reason: String| LogCasesError::Provenance { path: path.to_owned(), reason };
    let text = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unreadable(error.to_string())),
        Ok(about) if about.len() > MOST => return Err(unreadable("it is too large".to_owned())),
        Ok(_) => fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?,
    };
    let items = lines(&text).map(|(at, line)| {
        let wrong = |error| unreadable(format!("line {}: {error}", at + 1));
        serde_json::from_str(line).map_err(wrong)
    });
    let items = items.collect::<Result<_, _>>()?;
    Ok((text, items))
}

/// The lines that hold something, each with its place. An editor may have put a byte order mark before the first.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
}

fn json_lines(items: &[FrozenItem]) -> io::Result<String> {
    let mut text = String::new();
    for item in items {
        text.push_str(&serde_json::to_string(item)?);
        text.push('\n');
    }
    Ok(text)
}
