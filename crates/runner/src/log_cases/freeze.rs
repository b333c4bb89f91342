//! Rows of a review file, added to a suite's dataset for good.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

use evalmark_core::{
    dataset::{DatasetError, Format},
    fields::Fields,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    append::AppendedFile,
    error::LogCasesError,
    provenance::{FrozenItem, FrozenItems},
    review,
};
use crate::{
    Host,
    dataset::{DatasetOptions, DatasetUseError, OpenedDataset, normal},
    error::{Hinted, Result},
    run_id::now,
};

/// So many rows tell what a column of JSON lines holds.
const LOOKED_AT: usize = 1_000;

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

/// A row of the review file on its way.
struct NewItem {
    id: String,
    row: Fields,
    from: FrozenItem,
}

/// Adds the rows of a review file that are kept to the suite's dataset, and writes down where they came from. All of
/// them or none; what is there already is not added again.
pub fn freeze(options: &FreezeOptions, host: &Host<'_>) -> Result<Frozen> {
    let of = |path: &Path| DatasetOptions { of: path.to_owned(), ..DatasetOptions::default() };
    let dataset = OpenedDataset::open(&of(&options.suite), host)?;
    let columns = dataset.columns()?;
    review::taken(&columns)?;
    let file = AppendedFile::new(file_of(&dataset, options.into.as_deref())?, columns.clone())?;
    let opened = OpenedDataset::open(&of(&options.review), host)?;
    let mut frozen = FrozenItems::of_suite(&options.suite)?;
    let mut reader = ReviewReader {
        dataset: &dataset,
        columns: &columns,
        types: is_json(&dataset).then(|| kinds(&dataset)).transpose()?,
        guards: opened.spec.file.format == Format::Csv,
        items: Vec::new(),
        dropped: 0,
        mistakes: Vec::new(),
    };
    for (at, row) in opened.rows()?.enumerate() {
        reader.read(at + 1, &row.map_err(DatasetUseError::from)?);
    }
    let known = reader.against_dataset()?;
    let ReviewReader { items, dropped, mistakes, .. } = reader;
    if !mistakes.is_empty() {
        return Err(LogCasesError::Review { path: options.review.clone(), mistakes }.into());
    }
    if items.is_empty() {
        return Err(LogCasesError::NothingKept(options.review.clone()).into());
    }
    let new: Vec<_> = items.iter().filter(|item| !known.contains(&item.id)).collect();
    if !new.is_empty() {
        file.add(&new.iter().map(|item| item.row.clone()).collect::<Vec<_>>())?;
    }
    let added: Vec<_> = new.iter().map(|item| item.id.clone()).collect();
    frozen
        .add(items.into_iter().map(|item| item.from).collect())
        .with_context(|| format!("{} cannot be written", frozen.path().display()))?;
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

/// The file that gets the rows.
fn file_of(
    dataset: &OpenedDataset,
    into: Option<&Path>,
) -> Result<evalmark_core::dataset::FileSpec, LogCasesError> {
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

fn is_json(dataset: &OpenedDataset) -> bool {
    dataset.spec.file.format == Format::Jsonl
}

/// The kinds of values that the columns of a dataset hold, by their names.
fn kinds(dataset: &OpenedDataset) -> Result<HashMap<String, HashSet<&'static str>>> {
    let mut kinds: HashMap<String, HashSet<&'static str>> = HashMap::new();
    for row in dataset.rows()?.take(LOOKED_AT) {
        for (column, value) in row.map_err(DatasetUseError::from)?.iter() {
            kinds.entry(column.clone()).or_default().insert(kind(value));
        }
    }
    Ok(kinds)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Makes items of the rows of a review file, and collects what is wrong with them.
struct ReviewReader<'a> {
    dataset: &'a OpenedDataset,
    columns: &'a [String],
    /// Of a dataset in JSON: what its columns hold.
    types: Option<HashMap<String, HashSet<&'static str>>>,
    /// Whether the file's cells may have a quote before them.
    guards: bool,
    items: Vec<NewItem>,
    dropped: u64,
    mistakes: Vec<String>,
}

impl ReviewReader<'_> {
    fn read(&mut self, number: usize, row: &Fields) {
        match review::is_kept(row) {
            Ok(false) => self.dropped += 1,
            Ok(true) => match self.item(row) {
                Ok(item) => {
                    if self.items.iter().any(|other| other.id == item.id) {
                        self.mistakes
                            .push(format!("row {number}: the id `{}` is there twice", item.id));
                    }
                    self.items.push(item);
                }
                Err(mistake) => self.mistakes.push(format!("row {number}: {mistake}")),
            },
            Err(mistake) => self.mistakes.push(format!("row {number}: {mistake}")),
        }
    }

    fn item(&self, row: &Fields) -> Result<NewItem, String> {
        let spec = &self.dataset.spec;
        let mut values = Map::new();
        for column in self.columns {
            values.insert(column.clone(), self.value(row, column));
        }
        for (column, value) in row.iter() {
            let is_new = !self.columns.contains(column) && !review::OWN.contains(&column.as_str());
            if !is_new || value.is_null() || value.as_str().is_some_and(str::is_empty) {
                continue;
            }
            if self.types.is_none() {
                return Err(format!("the dataset has no column `{column}`"));
            }
            values.insert(column.clone(), self.value(row, column));
        }
        let row_of_item = Fields::from(values);
        let text = |column: &str| review::text_of(&row_of_item, column);
        let id = self.dataset.key(&row_of_item);
        if let (true, Some(column)) = (id.is_empty(), &spec.id) {
            return Err(format!("the id (`{column}`) is empty"));
        }
        for column in spec.targets.iter().filter(|column| self.columns.contains(column)) {
            if text(column)?.trim().is_empty() && !self.dataset.allows_empty_target {
                return Err(format!(
                    "`{id}` has no right answer (`{column}`); fill it in, or write `no` into `{}`",
                    review::KEEP
                ));
            }
        }
        let own = |column: &str| -> Result<Option<String>, String> {
            let text = review::text_of(row, column)?;
            let text = if self.guards { review::unguarded(&text).to_owned() } else { text };
            Ok(Some(text).filter(|text| !text.is_empty()))
        };
        let from = FrozenItem {
            item_id: id.clone(),
            log_id: own(review::ID)?.unwrap_or_default(),
            answered_at: own(review::TIME)?,
            why: own(review::WHY)?.unwrap_or_default(),
            prompt: own(review::PROMPT)?,
            prompt_hash: own(review::PROMPT_HASH)?,
            release: own(review::RELEASE)?,
            model: own(review::MODEL)?,
            frozen_at: now(),
        };
        Ok(NewItem { id, row: row_of_item, from })
    }

    /// The value of a column, of the kind that the dataset has there.
    fn value(&self, row: &Fields, column: &str) -> Value {
        let Some(cell) = row.cell(column) else { return Value::Null };
        let Value::String(text) = cell.value() else { return cell.value().clone() };
        let text = if self.guards { review::unguarded(text) } else { text };
        let Some(types) = &self.types else { return text.into() };
        let holds = types.get(column);
        if text.is_empty() && holds.is_none_or(|kinds| !kinds.contains("text")) {
            return Value::Null;
        }
        let read = serde_json::from_str::<Value>(text).ok();
        let of_kind = read.filter(|value| {
            holds.is_some_and(|kinds| !kinds.contains("text") && kinds.contains(kind(value)))
        });
        of_kind.unwrap_or_else(|| text.into())
    }

    /// Compares the new items with those of the dataset; answers with the ids that are there already.
    fn against_dataset(&mut self) -> Result<BTreeSet<String>> {
        let dataset = self.dataset;
        let by_id: HashMap<&str, usize> =
            self.items.iter().enumerate().map(|(at, item)| (item.id.as_str(), at)).collect();
        let text = |row: &Fields| dataset.text_of(row, "").map(|text| normal(&text));
        let by_text: HashMap<String, usize> = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((text(&item.row).ok()?, at)))
            .collect();
        let mut known = BTreeSet::new();
        for row in dataset.rows()? {
            let row = row.map_err(DatasetUseError::from)?;
            let id = dataset.key(&row);
            let same = |at: usize, columns: &[String]| {
                columns.iter().all(|column| {
                    review::text_of(&row, column) == review::text_of(&self.items[at].row, column)
                })
            };
            if let Some(at) = by_id.get(id.as_str()) {
                if same(*at, self.columns) {
                    known.insert(id);
                    continue;
                }
                let told = format!("`{id}` is in the dataset already, with other content");
                self.mistakes.push(told);
            }
            let alike = text(&row).ok().and_then(|text| by_text.get(&text));
            if let Some(at) = alike.filter(|at| !same(**at, &dataset.spec.targets)) {
                let new = &self.items[*at].id;
                self.mistakes.push(format!(
                    "`{new}` has the text of `{id}`, which is in the dataset with another right answer"
                ));
            }
        }
        Ok(known)
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
