//! Rows of a review file, added to a suite's dataset for good.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use evalmark_core::{
    dataset::{DatasetError, FileSpec},
    fields::Fields,
};
use evalmark_store::{FileLock, durable::NewFile};
use serde::Serialize;

use super::{
    append::AppendedFile,
    error::LogCasesError,
    provenance::FrozenItems,
    review,
    reviewed::{ReviewReader, Reviewed},
};
use crate::{
    Host,
    dataset::{DatasetOptions, DatasetUseError, OpenedDataset},
    error::Result,
};

/// So long it waits for another process that freezes into the same dataset.
const WAIT: Duration = Duration::from_secs(30);

/// What is frozen.
#[derive(Clone, Debug)]
pub struct FreezeOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The review file.
    pub review: PathBuf,
    /// The file of the dataset that gets the rows, where it is several.
    pub into: Option<PathBuf>,
}

/// What was frozen.
#[derive(Clone, Debug, Serialize)]
pub struct Frozen {
    /// The suite's name.
    pub suite: String,
    /// The dataset's file.
    pub dataset: PathBuf,
    /// Ids of the items that are new.
    pub added: Vec<String>,
    /// Ids of those that were there already.
    pub known: Vec<String>,
    /// Rows that are not kept.
    pub dropped: u64,
    /// New items that the suite does not select from its dataset.
    pub unselected: Vec<String>,
    /// Where it is written down where they came from.
    pub provenance: PathBuf,
}

/// Adds the rows of a review file that are kept to the suite's dataset, and writes down where they came from. All of
/// them or none; what is there already is not added again.
pub fn freeze(options: &FreezeOptions, host: &Host<'_>) -> Result<Frozen> {
    let of = |path: &Path| DatasetOptions { of: path.to_owned(), ..DatasetOptions::default() };
    let dataset = OpenedDataset::open(&of(&options.suite), host)?;
    let file = AppendedFile::new(file_of(&dataset, options.into.as_deref())?)?;
    let review = OpenedDataset::open(&of(&options.review), host)?;
    let _of_dataset = FileLock::take(&file.path(), WAIT).map_err(LogCasesError::from)?;
    let _of_items = FrozenItems::lock(&options.suite, WAIT)?;
    let columns = dataset.columns()?;
    review::taken(&columns)?;
    let mut frozen = FrozenItems::of_suite(&options.suite)?;
    if frozen.has_pending() {
        frozen.settle(&dataset.keys()?);
    }
    let mut reader = ReviewReader::new(&dataset, &columns, &review)?;
    for (at, row) in review.rows()?.enumerate() {
        reader.read(at + 1, &row.map_err(DatasetUseError::from)?);
    }
    let Reviewed { items, known, dropped, mistakes } = reader.finish()?;
    if !mistakes.is_empty() {
        return Err(LogCasesError::Review { path: options.review.clone(), mistakes }.into());
    }
    if items.is_empty() {
        return Err(LogCasesError::NothingKept(options.review.clone()).into());
    }
    let (rows, added): (Vec<_>, Vec<_>) = items
        .iter()
        .filter(|item| !known.contains(&item.id))
        .map(|item| (item.row.clone(), item.id.clone()))
        .unzip();
    frozen.add(items.into_iter().map(|item| item.from).collect());
    commit(&file, &columns, &rows, &frozen)?;
    let unselected = unselected(&of(&options.suite), &added, host)?;
    Ok(Frozen {
        suite: dataset.suite.clone(),
        dataset: dataset.spec.file.origin.clone(),
        added,
        known: known.into_iter().collect(),
        dropped,
        unselected,
        provenance: frozen.path().to_owned(),
    })
}

/// Writes both files: whatever fails, and whenever the process is killed, both have the new items or none has.
fn commit(
    file: &AppendedFile,
    columns: &[String],
    rows: &[Fields],
    frozen: &FrozenItems,
) -> Result<(), LogCasesError> {
    if rows.is_empty() && !frozen.has_changed() {
        return Ok(());
    }
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| LogCasesError::Unwritable { path, source }
    };
    let dataset = if rows.is_empty() { None } else { Some(file.with(rows, columns)?) };
    let staged = frozen.stage()?;
    if let Some(Err(error)) = dataset.map(NewFile::name) {
        staged.give_up();
        return Err(unwritable(&file.path())(error));
    }
    staged.finish().map_err(unwritable(frozen.path()))
}

/// The file that gets the rows.
pub(super) fn file_of(
    dataset: &OpenedDataset,
    into: Option<&Path>,
) -> Result<FileSpec, LogCasesError> {
    let file = &dataset.spec.file;
    let no = |why: String| LogCasesError::Dataset { path: file.origin.clone(), why };
    if dataset.spec.snapshot.is_some() {
        return Err(no("it is a copy of what lies elsewhere, or packed".to_owned()));
    }
    let is_it = |path: &Path, origin: &Path| {
        let same = |one: &Path, other: &Path| {
            one == other
                || matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
        };
        into.is_some_and(|into| same(into, path) || same(into, origin))
    };
    match into {
        None if file.parts.is_empty() => Ok(file.clone()),
        None => Err(no(format!("it is {} files", file.parts.len()))),
        Some(_) if file.parts.is_empty() && is_it(&file.path, &file.origin) => Ok(file.clone()),
        Some(into) => {
            let part = file.parts.iter().find(|part| is_it(&part.path, &part.origin));
            let part = part.ok_or_else(|| no(format!("{} is no file of it", into.display())))?;
            Ok(file.part(part))
        }
    }
}

/// Which of these items the suite does not select.
fn unselected(suite: &DatasetOptions, ids: &[String], host: &Host<'_>) -> Result<Vec<String>> {
    let mut missing: HashSet<&str> = ids.iter().map(String::as_str).collect();
    if !missing.is_empty() {
        for item in OpenedDataset::open(suite, host)?.items()? {
            let item = item.map_err(|error: DatasetError| DatasetUseError::from(error))?;
            missing.remove(&*item.id);
        }
    }
    Ok(ids.iter().filter(|id| missing.contains(id.as_str())).cloned().collect())
}
