//! The place of a baseline, and how another takes it: built beside it, and renamed whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::durable;

/// The place of one baseline.
pub(super) struct Slot {
    pub(super) path: PathBuf,
    /// The one that is being built.
    pub(super) next: PathBuf,
    /// The one that is being replaced.
    last: PathBuf,
}

impl Slot {
    pub(super) fn new(shelf: &Path, name: &str) -> Self {
        let beside = |what: &str| shelf.join(format!(".{name}.{what}"));
        Self { path: shelf.join(name), next: beside("next"), last: beside("last") }
    }

    /// Where the baseline is. A promotion that was killed between its two renames has the new one
    /// built, and it counts.
    pub(super) fn current(&self) -> Option<&Path> {
        if is_whole(&self.path) {
            return Some(&self.path);
        }
        let is_between = is_whole(&self.last);
        let next = Some(&self.next).filter(|next| is_between && is_whole(next));
        next.or(Some(&self.last).filter(|_| is_between)).map(PathBuf::as_path)
    }

    /// Brings what a killed promotion left in order.
    pub(super) fn recover(&self) -> io::Result<()> {
        match self.current() {
            Some(path) if path != self.path => {
                remove_baseline(&self.path)?;
                durable::rename(path, &self.path)?;
            }
            _ => {}
        }
        remove_baseline(&self.next)?;
        remove_baseline(&self.last)
    }

    /// Gives the place to the baseline that was built.
    pub(super) fn fill(&self) -> io::Result<()> {
        if self.path.exists() {
            durable::rename(&self.path, &self.last)?;
        }
        durable::rename(&self.next, &self.path)?;
        remove_baseline(&self.last)
    }
}

/// Whether a folder holds a baseline: `run.json` is the last file that is written into it.
fn is_whole(path: &Path) -> bool {
    path.join("run.json").is_file()
}

/// Removes a folder, its `run.json` first: what is left is no baseline.
fn remove_baseline(path: &Path) -> io::Result<()> {
    durable::remove(&path.join("run.json"))?;
    durable::remove_folder(path)
}
