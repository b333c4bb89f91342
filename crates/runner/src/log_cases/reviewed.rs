//! The rows of a review file, read as items of the suite's dataset, with every mistake and its row.

use std::collections::{BTreeSet, HashMap, HashSet};

use evalmark_core::{dataset::Format, fields::Fields};
use evalmark_report::spreadsheet::MOST_UNITS;
use serde_json::{Map, Value};

use super::{provenance::FrozenItem, review};
use crate::{
    dataset::{DatasetUseError, OpenedDataset, normal},
    error::Result,
    run_id::now,
};

/// So many rows tell what a column of JSON lines holds.
const LOOKED_AT: usize = 1_000;

/// A row of the review file on its way.
pub(super) struct NewItem {
    /// Its row in the review file, from 1.
    number: usize,
    pub(super) id: String,
    pub(super) row: Fields,
    pub(super) from: FrozenItem,
}

/// What a review file holds.
#[derive(Default)]
pub(super) struct Reviewed {
    pub(super) items: Vec<NewItem>,
    /// Ids of those that the dataset has already.
    pub(super) known: BTreeSet<String>,
    /// Rows that are not kept.
    pub(super) dropped: u64,
    pub(super) mistakes: Vec<String>,
}

/// Makes items of the rows of a review file, and collects what is wrong with them.
pub(super) struct ReviewReader<'a> {
    dataset: &'a OpenedDataset,
    columns: &'a [String],
    /// Of a dataset in JSON: what its columns hold.
    types: Option<HashMap<String, HashSet<&'static str>>>,
    /// Whether the file's cells may have a quote before them.
    guards: bool,
    found: Reviewed,
    /// The rows of the items, by their ids.
    places: HashMap<String, usize>,
}

impl<'a> ReviewReader<'a> {
    pub(super) fn new(
        dataset: &'a OpenedDataset,
        columns: &'a [String],
        review: &OpenedDataset,
    ) -> Result<Self> {
        Ok(Self {
            dataset,
            columns,
            types: is_json(dataset).then(|| kinds(dataset)).transpose()?,
            guards: review.spec.file.format == Format::Csv,
            found: Reviewed::default(),
            places: HashMap::new(),
        })
    }

    /// Takes a row in, which is counted from 1.
    pub(super) fn read(&mut self, number: usize, row: &Fields) {
        let item = match review::is_kept(row) {
            Ok(false) => {
                self.found.dropped += 1;
                return;
            }
            Ok(true) => self.item(number, row),
            Err(mistake) => Err(mistake),
        };
        let item = item.and_then(|item| match self.places.insert(item.id.clone(), number) {
            Some(first) => Err(format!("the id `{}` is there twice: row {first} has it", item.id)),
            None => Ok(item),
        });
        match item {
            Ok(item) => self.found.items.push(item),
            Err(mistake) => self.found.mistakes.push(format!("row {number}: {mistake}")),
        }
    }

    /// What was read, compared with the dataset.
    pub(super) fn finish(mut self) -> Result<Reviewed> {
        self.against_dataset()?;
        Ok(self.found)
    }

    fn item(&self, number: usize, row: &Fields) -> Result<NewItem, String> {
        let mut values = Map::new();
        for column in self.columns {
            values.insert(column.clone(), self.value(row, column)?);
        }
        for (column, value) in row {
            let is_new = !self.columns.contains(column) && !review::OWN.contains(&column.as_str());
            if !is_new || value.is_null() || value.as_str().is_some_and(str::is_empty) {
                continue;
            }
            if self.types.is_none() {
                return Err(format!("the dataset has no column `{column}`"));
            }
            values.insert(column.clone(), self.value(row, column)?);
        }
        let row_of_item = Fields::from(values);
        let id = self.check(&row_of_item)?;
        let own = |column: &str| -> Result<Option<String>, String> {
            let text = review::text_of(row, column)?;
            let text = if self.guards { review::unguarded(&text) } else { text };
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
        Ok(NewItem { number, id, row: row_of_item, from })
    }

    /// What an item must have; answers with its id.
    fn check(&self, row_of_item: &Fields) -> Result<String, String> {
        let spec = &self.dataset.spec;
        let text = |column: &str| review::text_of(row_of_item, column);
        let id = self.dataset.key(row_of_item);
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
        let asked = self.dataset.text_of(row_of_item, "");
        if asked.is_ok_and(|text| text.trim().is_empty()) {
            let columns: Vec<_> =
                self.dataset.text_columns().iter().map(|name| format!("`{name}`")).collect();
            return Err(format!("`{id}` asks nothing ({} empty)", columns.join(", ")));
        }
        Ok(id)
    }

    /// The value of a column, of the kind that the dataset has there.
    fn value(&self, row: &Fields, column: &str) -> Result<Value, String> {
        let Some(cell) = row.cell(column) else { return Ok(Value::Null) };
        let Value::String(text) = cell.value() else { return Ok(cell.value().clone()) };
        if self.guards && review::is_cut(text) {
            return Err(format!(
                "`{column}` has exactly {MOST_UNITS} characters: a spreadsheet has cut it; write a .jsonl file instead"
            ));
        }
        let text = if self.guards { &review::unguarded(text) } else { text };
        if !is_json(self.dataset) && text.contains('\0') {
            return Err(format!("`{column}` holds a NUL byte, which no CSV file can; take it out"));
        }
        Ok(self.typed(text, column))
    }

    fn typed(&self, text: &str, column: &str) -> Value {
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

    /// Compares the new items with those of the dataset.
    fn against_dataset(&mut self) -> Result<()> {
        let (dataset, columns) = (self.dataset, self.columns);
        let Reviewed { items, known, mistakes, .. } = &mut self.found;
        let by_id: HashMap<&str, &NewItem> =
            items.iter().map(|item| (item.id.as_str(), item)).collect();
        let text = |row: &Fields| dataset.text_of(row, "").map(|text| normal(&text));
        let by_text: HashMap<String, &NewItem> =
            items.iter().filter_map(|item| Some((text(&item.row).ok()?, item))).collect();
        for row in dataset.rows()? {
            let row = row.map_err(DatasetUseError::from)?;
            let id = dataset.key(&row);
            let same = |item: &NewItem, columns: &[String]| {
                columns.iter().all(|column| {
                    review::text_of(&row, column) == review::text_of(&item.row, column)
                })
            };
            if let Some(item) = by_id.get(id.as_str()) {
                if same(item, columns) {
                    known.insert(id);
                    continue;
                }
                mistakes.push(format!(
                    "row {}: `{id}` is in the dataset already, with other content",
                    item.number
                ));
            }
            let alike = text(&row).ok().and_then(|text| by_text.get(&text));
            if let Some(item) = alike.filter(|item| !same(item, &dataset.spec.targets)) {
                mistakes.push(format!(
                    "row {}: `{}` has the text of `{id}`, which is in the dataset with another right answer",
                    item.number, item.id
                ));
            }
        }
        Ok(())
    }
}

fn is_json(dataset: &OpenedDataset) -> bool {
    dataset.spec.file.format == Format::Jsonl
}

/// The kinds of values that the columns of a dataset hold, by their names.
fn kinds(dataset: &OpenedDataset) -> Result<HashMap<String, HashSet<&'static str>>> {
    let mut kinds: HashMap<String, HashSet<&'static str>> = HashMap::new();
    for row in dataset.rows()?.take(LOOKED_AT) {
        for (column, value) in &row.map_err(DatasetUseError::from)? {
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
