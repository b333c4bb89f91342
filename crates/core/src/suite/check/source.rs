//! Where a dataset's file is: beside the suite, or a snapshot that a source keeps.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Checker;
use crate::{
    dataset::{Format, listing},
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
    /// The files, where a folder or a pattern names them.
    pub(super) parts: Vec<Place>,
}

/// The keys that name a dataset's file.
const PATH: &str = "/dataset/path";
const SOURCE: &str = "/dataset/source";

/// The folder of a pattern, and the pattern in it.
fn split_pattern(path: &str) -> (PathBuf, Option<String>) {
    let (folder, pattern) = listing::split(path);
    (folder, Some(pattern))
}

impl<'a> Checker<'a> {
    /// Where the dataset is, once it is on this machine.
    pub(super) fn place(&mut self, raw: &RawDataset) -> Option<Place> {
        match (&raw.path, &raw.source) {
            (Some(path), None) if self.names_several(path) => self.several(raw, path),
            (Some(path), None) => self.one_file(path),
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

    /// A file beside the suite, or a packed one as the snapshot that it was unpacked to.
    fn one_file(&mut self, path: &str) -> Option<Place> {
        if let Some(kind) = self.kind_of_path(path) {
            return self.snapshot(kind, &json!({ "path": path }), PATH, PATH);
        }
        let (at, shown) = (self.folder.join(path), path.to_owned());
        let (name, parts) = (at.clone(), Vec::new());
        Some(Place { name, path: at, shown, key: PATH, snapshot: None, parts })
    }

    /// Whether a path is a folder or a pattern, and no file.
    fn names_several(&self, path: &str) -> bool {
        let at = self.folder.join(path);
        at.is_dir() || (listing::is_pattern(path) && !at.exists())
    }

    /// The files that a folder or a pattern names, all of one format.
    fn several(&mut self, raw: &RawDataset, path: &str) -> Option<Place> {
        let is_folder = !listing::is_pattern(path) || self.folder.join(path).is_dir();
        let (below, pattern) =
            if is_folder { (PathBuf::from(path), None) } else { split_pattern(path) };
        let top = self.folder.join(&below);
        let listed = self.access.folder(&top).map_err(|error| error.to_string()).and_then(|()| {
            match &pattern {
                Some(pattern) => listing::matching(&top, pattern),
                None => listing::in_folder(&top),
            }
            .map_err(|error| error.to_string())
        });
        let mut found = match listed {
            Ok(found) => found,
            Err(why) => {
                self.complain(PATH, format!("dataset `{path}`: {why}"));
                return None;
            }
        };
        let unpacked = |file: &PathBuf| self.unpacked_name(file);
        if is_folder && raw.format.is_none() {
            found.retain(|file| Format::of(&unpacked(file)).is_some());
        }
        let mut formats: Vec<(Option<Format>, &PathBuf)> = Vec::new();
        for file in &found {
            let format = raw.format.or_else(|| Format::of(&unpacked(file)));
            if !formats.iter().any(|(other, _)| *other == format) {
                formats.push((format, file));
            }
        }
        if formats.len() != 1 {
            let (message, hint) = if formats.is_empty() {
                let what = if is_folder { "holds no file of rows" } else { "matches no file" };
                (format!("dataset `{path}` {what}"), "hidden files do not count".to_owned())
            } else {
                let files: Vec<_> =
                    formats.iter().map(|(_, file)| format!("`{}`", file.display())).collect();
                let message = format!(
                    "dataset `{path}` names files of several formats: {}",
                    files.join(", ")
                );
                (message, "name those of one, such as `data/*.csv`".to_owned())
            };
            self.complain_with_hint(PATH, message, hint);
            return None;
        }
        let name = unpacked(formats[0].1);
        let files = found.iter().map(|file| below.join(file).display().to_string());
        let files: Vec<_> = files.collect();
        let parts: Vec<_> = files.iter().map(|file| self.one_file(file)).collect();
        let (at, shown) = (self.folder.join(path), path.to_owned());
        let parts = parts.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Place { path: at, name, shown, key: PATH, snapshot: None, parts })
    }

    /// A file's name without an ending that says how it is packed.
    fn unpacked_name(&self, file: &Path) -> PathBuf {
        let is_packed = file.to_str().is_some_and(|file| self.kind_of_path(file).is_some());
        if is_packed { file.with_extension("") } else { file.to_owned() }
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
                let (shown, parts) = (snapshot.name.clone(), Vec::new());
                return Some(Place { path, name, shown, key, snapshot: Some(snapshot), parts });
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
