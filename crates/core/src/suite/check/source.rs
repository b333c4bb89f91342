//! Where a dataset's file is: beside the suite, or a snapshot that a source keeps.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Checker;
use crate::{
    source::{Snapshot, SourceContext, SourceError, SourceKind},
    suite::raw::RawDataset,
};

/// A dataset's file on this machine.
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// The name that tells its format.
    pub(super) name: PathBuf,
    /// As the suite writes it, or as messages call it.
    pub(super) shown: String,
    /// The key of the suite that names it, as a pointer.
    pub(super) key: &'static str,
    /// What it is a snapshot of; `None` where it is the suite's own.
    pub(super) snapshot: Option<Snapshot>,
}

/// The keys that name a dataset's file.
const PATH: &str = "/dataset/path";
const SOURCE: &str = "/dataset/source";

impl<'a> Checker<'a> {
    /// Where the dataset is, once it is on this machine.
    pub(super) fn place(&mut self, raw: &RawDataset) -> Option<Place> {
        match (&raw.path, &raw.source) {
            (Some(path), None) => match self.kind_of_path(path) {
                Some(kind) => self.snapshot(kind, &json!({ "path": path }), PATH, PATH),
                None => Some(self.own_file(path)),
            },
            (None, Some(source)) => {
                let kinds = self.readers.sources.kinds;
                let named = kinds.iter().filter_map(|kind| Some((kind, source.get(kind.name)?)));
                match *named.collect::<Vec<_>>() {
                    [(kind, params)] => {
                        self.snapshot(kind, params, SOURCE, &format!("{SOURCE}/{}", kind.name))
                    }
                    _ if self.document.lost(SOURCE) => None,
                    _ => {
                        let known: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
                        let message = "`source` needs exactly one kind of source".to_owned();
                        let hint = format!("kinds: {}", known.join(", "));
                        self.complain_with_hint(SOURCE, message, hint);
                        None
                    }
                }
            }
            // One that was taken out has its mistake already.
            (None, None) if self.document.lost("/dataset") => None,
            _ => {
                let message = "`dataset` needs exactly one of `path` and `source`";
                self.complain("/dataset", message);
                None
            }
        }
    }

    /// The key of the suite that names the dataset's file, as a pointer.
    pub(super) fn data_key(&self) -> &'static str {
        if self.document.value.pointer(SOURCE).is_some() { SOURCE } else { PATH }
    }

    fn own_file(&self, path: &str) -> Place {
        let at = self.folder.join(path);
        Place { name: at.clone(), path: at, shown: path.to_owned(), key: PATH, snapshot: None }
    }

    /// The source that reads files with the ending of this path.
    fn kind_of_path(&self, path: &str) -> Option<&'a SourceKind> {
        let ending = Path::new(path).extension()?.to_str()?.to_ascii_lowercase();
        let is_read = |kind: &&SourceKind| kind.path_endings.contains(&&*ending);
        self.readers.sources.kinds.iter().find(is_read)
    }

    /// The snapshot that a source keeps; `at` is where its parameters stand.
    fn snapshot(
        &mut self,
        kind: &SourceKind,
        params: &Value,
        key: &'static str,
        at: &str,
    ) -> Option<Place> {
        let source = match (kind.open)(params) {
            Ok(source) => source,
            // What does not fit the schema has its mistake already.
            Err(error) if error.pointer.is_empty() && !self.mistakes.is_empty() => {
                return None;
            }
            Err(error) => {
                let at = if key == PATH { at.to_owned() } else { at.to_owned() + &error.pointer };
                self.complain(&at, error.message);
                return None;
            }
        };
        // A suite with mistakes fetches nothing.
        let (sources, is_sound) = (self.readers.sources, self.mistakes.is_empty());
        let context = SourceContext {
            folder: &self.folder,
            access: &self.access,
            cache_dir: sources.cache_dir,
            may_fetch: sources.may_fetch && is_sound,
            keys: sources.keys,
        };
        match source.snapshot(&context) {
            Ok(snapshot) => {
                let told = |note: &String| format!("dataset {}: {note}", snapshot.origin);
                self.notes.extend(snapshot.note.as_ref().map(told));
                let (path, name) = (snapshot.path.clone(), PathBuf::from(&snapshot.name));
                let shown = snapshot.name.clone();
                return Some(Place { path, name, shown, key, snapshot: Some(snapshot) });
            }
            Err(SourceError::NotHere) if sources.may_fetch && !is_sound => {}
            Err(error @ SourceError::NotHere) => {
                let hint = "`evalmark check --fetch SUITE` fetches it, as `evalmark run` does";
                let message = format!("dataset {}: {error}", source.origin());
                self.complain_with_hint(key, message, hint.to_owned());
            }
            Err(SourceError::Failed { message, hint }) => {
                let message = format!("dataset {}: {message}", source.origin());
                match hint {
                    Some(hint) => self.complain_with_hint(key, message, hint),
                    None => self.complain(key, message),
                }
            }
        }
        None
    }
}
