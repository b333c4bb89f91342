//! Datasets that Hugging Face's libraries left in a folder: what `save_to_disk` wrote, and the hub's cache.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use evalmark_core::source::{SourceContext, SourceError};
use serde_json::Value;

use super::{Found, HuggingFace, choice::choose, labels::LabelNames};
use crate::sources::{
    file,
    joined_rows::Part,
    snapshots::{Named, Snapshots, advised, failed},
    unpack::unpacked_name,
};

/// The most bytes of a file that describes others.
const MOST_BYTES: u64 = 16 << 20;

/// How many files of a repository are looked at, and how deep.
const MOST_FILES: usize = 100_000;
const MOST_DEPTH: usize = 32;

impl HuggingFace {
    /// The dataset in a folder.
    pub(super) fn in_folder(
        &self,
        folder: &str,
        context: &SourceContext<'_>,
    ) -> Result<Found, SourceError> {
        let folder = context.folder.join(folder);
        match &self.dataset {
            Some(dataset) => self.in_cache(&folder, dataset, context),
            None => self.saved(&folder, context),
        }
    }

    /// What `save_to_disk` wrote: a dataset, or several splits in folders.
    fn saved(&self, folder: &Path, context: &SourceContext<'_>) -> Result<Found, SourceError> {
        let mut folder = folder.to_owned();
        if let Some(dict) = json(&folder.join("dataset_dict.json"), context)? {
            let splits = dict["splits"].as_array().into_iter().flatten();
            let splits: Vec<_> =
                splits.filter_map(Value::as_str).filter(|name| is_name(name)).collect();
            let split = match &self.split {
                Some(split) => splits.iter().find(|known| *known == split),
                None => splits.first().filter(|_| splits.len() == 1),
            };
            let Some(split) = split else {
                let message = "has no such split, or several and `split` names none";
                return Err(advised(message, &format!("name one of: {}", splits.join(", "))));
            };
            folder.push(split);
        }
        let Some(state) = json(&folder.join("state.json"), context)? else {
            let hint =
                "name a folder that `save_to_disk` wrote; or, with the hub's cache, also `dataset`";
            return Err(advised("is no saved dataset: there is no state.json", hint));
        };
        let names = state["_data_files"].as_array().into_iter().flatten();
        let names: Vec<_> = names.filter_map(|file| file["filename"].as_str()).collect();
        if names.is_empty() || !names.iter().all(|name| is_name(name)) {
            return Err(failed("its state.json names no files of its folder"));
        }
        if state["_indices_data_files"].as_array().is_some_and(|files| !files.is_empty()) {
            let hint = "save it again after `flatten_indices()`";
            return Err(advised("is a selection that was saved as places", hint));
        }
        let info = json(&folder.join("dataset_info.json"), context)?.unwrap_or_default();
        let part = |name: &&str| {
            let path = folder.join(name);
            Part {
                origin: path.display().to_string(),
                path,
                name: (*name).to_owned(),
                is_kept: false,
            }
        };
        let parts = names.iter().map(part).collect();
        Ok(Found { parts, labels: LabelNames::of_json(&info) })
    }

    /// What the hub's client keeps: `datasets--OWNER--NAME/{refs,snapshots,blobs}`.
    fn in_cache(
        &self,
        folder: &Path,
        dataset: &str,
        context: &SourceContext<'_>,
    ) -> Result<Found, SourceError> {
        let repository = folder.join(format!("datasets--{}", dataset.replace('/', "--")));
        let commit = if self.is_commit() {
            self.revision.clone()
        } else {
            let place = repository.join("refs").join(&self.revision);
            text(&place, context)?.unwrap_or_default().trim().to_owned()
        };
        if !is_name(&commit) {
            let message = format!("{dataset} at {} is not in this cache", self.revision);
            return Err(advised(&message, "download it, or leave out `folder`"));
        }
        let snapshot = repository.join("snapshots").join(&commit);
        context.access.folder(&snapshot).map_err(|error| {
            failed(format!("{dataset} at {commit} is not in this cache: it {error}"))
        })?;
        let mut files = Vec::new();
        walk(&snapshot, Path::new(""), MOST_DEPTH, &mut files)?;
        files.sort();
        let readme = text(&snapshot.join("README.md"), context)?;
        let (config, split) = (self.config.as_deref(), self.split.as_deref());
        let choice = choose(readme.as_deref(), &files, config, split)
            .map_err(|why| failed(format!("{dataset} {why}")))?;
        let parts = choice.files.iter().map(|name| part_of(&snapshot, name, context));
        Ok(Found { parts: parts.collect::<Result<_, _>>()?, labels: choice.labels })
    }
}

/// A file of the cache; a packed one is unpacked among the snapshots.
fn part_of(folder: &Path, name: &str, context: &SourceContext<'_>) -> Result<Part, SourceError> {
    let (path, unpacked) = (folder.join(name), unpacked_name(name));
    if unpacked == name {
        let (name, origin) = (name.to_owned(), name.to_owned());
        return Ok(Part { path, name, origin, is_kept: false });
    }
    let named = Named { name, origin: path.display().to_string(), server: None, variables: &[] };
    let snapshots = Snapshots::open(context.cache_dir)?;
    let kept = file::keep(&path, &[], &named, context.access, &snapshots)
        .map_err(|error| failed(format!("{name}: {error}")))?;
    Ok(Part { path: kept.path, name: unpacked.to_owned(), origin: name.to_owned(), is_kept: true })
}

/// Whether a text is the name of a file in a folder, and leads nowhere else.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.')
}

/// The text of a small file; `None` where it is not there.
fn text(path: &Path, context: &SourceContext<'_>) -> Result<Option<String>, SourceError> {
    if !path.exists() {
        return Ok(None);
    }
    let told = |why: String| failed(format!("{} {why}", path.display()));
    let file = context.access.open(path).map_err(|error| told(error.to_string()))?;
    let mut text = String::new();
    file.take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| told(format!("cannot be read: {error}")))?;
    Ok(Some(text))
}

fn json(path: &Path, context: &SourceContext<'_>) -> Result<Option<Value>, SourceError> {
    let Some(text) = text(path, context)? else { return Ok(None) };
    let told = |error| failed(format!("{} is no JSON: {error}", path.display()));
    serde_json::from_str(&text).map(Some).map_err(told)
}

/// The files below a folder, by their names from there with `/`.
fn walk(
    top: &Path,
    below: &Path,
    depth: usize,
    files: &mut Vec<String>,
) -> Result<(), SourceError> {
    let told = |error: std::io::Error| failed(format!("cannot be read: {error}"));
    for entry in fs::read_dir(top.join(below)).map_err(told)? {
        let path: PathBuf = below.join(entry.map_err(told)?.file_name());
        if files.len() > MOST_FILES {
            return Err(failed(format!("holds more than {MOST_FILES} files")));
        }
        let kind = fs::symlink_metadata(top.join(&path)).map_err(told)?;
        if kind.is_dir() && depth > 1 {
            walk(top, &path, depth - 1, files)?;
        } else if !kind.is_dir() {
            let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
            files.push(parts.collect::<Vec<_>>().join("/"));
        }
    }
    Ok(())
}
