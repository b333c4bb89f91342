//! Items made of rows: id, content hash, targets, cluster, slices.

use std::{
    borrow::Cow,
    cell::RefCell,
    convert,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, LazyLock},
};

use serde_json::Value;

use super::{DatasetError, DatasetSpec, item_batches::OfEachItem};
use crate::{
    executor::CallingThread,
    fields::{Cell, Fields, pointer_to},
    item::{Item, ItemHash},
    label::label,
};

/// The selected items of a dataset, in the file's order.
pub struct Items(OfEachItem<CallingThread, fn(Item) -> Item, Item>);

impl Items {
    /// Opens the dataset at its first item.
    pub fn open(spec: &Arc<DatasetSpec>) -> Result<Self, DatasetError> {
        OfEachItem::open(spec, CallingThread, convert::identity as fn(Item) -> Item).map(Self)
    }
}

impl Iterator for Items {
    type Item = Result<Item, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl DatasetSpec {
    /// Over the id, the content, and the columns that are no part of the content.
    pub(super) fn fingerprint(&self, item: &Item) -> u32 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&item.hash.0);
        hasher.write(item.id.as_bytes());
        for column in &self.ignored {
            match item.fields.get(column) {
                Some(Value::String(text)) => text.hash(&mut hasher),
                Some(value) => value.to_string().hash(&mut hasher),
                None => 0_u8.hash(&mut hasher),
            }
        }
        let mut short = [0; 4];
        short.copy_from_slice(&hasher.finish().to_be_bytes()[4..]);
        u32::from_be_bytes(short)
    }
}

/// The item of a row; `index` is its place among the items, and `place` that among all rows.
pub(super) fn item(
    spec: &DatasetSpec,
    row: Fields,
    (index, place): (u64, u64),
) -> Result<Item, String> {
    let hash = content_hash(spec, &row);
    let id = match &spec.id {
        None => hash.to_string().into(),
        Some(column) => {
            text(&row, column)?.ok_or_else(|| format!("the id column `{column}` is empty"))?.into()
        }
    };
    let cluster = match &spec.cluster {
        None => None,
        Some(column) => text(&row, column)?.map(Arc::from),
    };
    let slices = spec.slices.iter().map(|column| Ok(text(&row, column)?.map(Cow::into_owned)));
    for column in &spec.labels {
        label(&cell(&row, column)?).map_err(|error| format!("column `{column}`: {error}"))?;
    }
    Ok(Item {
        index,
        row: place,
        id,
        hash,
        targets: targets(spec, &row)?.into(),
        cluster,
        slices: slices.collect::<Result<_, String>>()?,
        fields: row,
    })
}

/// The one value that a name leads to.
fn cell<'a>(row: &'a Fields, column: &str) -> Result<Cell<'a>, String> {
    if let Some(cell) = row.cell(column) {
        return Ok(cell);
    }
    let mut cells = row.find(column).map_err(|error| error.to_string())?;
    match cells.pop() {
        Some(cell) if cells.is_empty() => Ok(cell),
        _ => Err(format!("`{column}` is not one value; name one of them, such as `{}`", {
            let (list, rest) = column.split_once('.').unwrap_or((column, ""));
            format!("{list}.0.{rest}")
        })),
    }
}

/// The text of the one value that a name leads to; `None` where it is empty.
fn text<'a>(row: &'a Fields, column: &str) -> Result<Option<Cow<'a, str>>, String> {
    let text = cell(row, column)?.text()?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn targets(spec: &DatasetSpec, row: &Fields) -> Result<Vec<String>, String> {
    let targets = answers_in(row, &spec.targets, spec.allow_object_target)?;
    let is_empty = targets.iter().all(String::is_empty);
    if is_empty && !spec.targets.is_empty() && !spec.allow_empty_target {
        return Err(format!(
            "the target (`{}`) is empty; fill it, remove the row, or set `allow_empty_target: true`",
            spec.targets.join("`, `")
        ));
    }
    Ok(targets)
}

/// The right answers in these columns, without those that are null; `objects` tells whether one may
/// be a JSON object.
pub fn answers_in(row: &Fields, columns: &[String], objects: bool) -> Result<Vec<String>, String> {
    let mut targets = Vec::with_capacity(columns.len());
    for column in columns {
        match row.cell(column) {
            Some(cell) => targets_of(objects, column, &cell, &mut targets)?,
            None => {
                for cell in row.find(column).map_err(|error| error.to_string())? {
                    targets_of(objects, column, &cell, &mut targets)?;
                }
            }
        }
    }
    Ok(targets)
}

/// Every element of a list is a target.
fn targets_of(
    objects: bool,
    column: &str,
    cell: &Cell<'_>,
    targets: &mut Vec<String>,
) -> Result<(), String> {
    match cell.elements() {
        None => target(objects, column, cell, targets),
        Some(mut elements) => {
            elements.try_for_each(|element| target(objects, column, &element, targets))
        }
    }
}

fn target(
    objects: bool,
    column: &str,
    cell: &Cell<'_>,
    targets: &mut Vec<String>,
) -> Result<(), String> {
    if let (Value::Object(object), false) = (cell.value(), objects) {
        let mut keys = object.keys();
        return Err(match keys.next() {
            None => format!("the target `{column}` is an empty object"),
            Some(first) => {
                let others: Vec<_> = keys.map(|key| format!(", `{column}.{key}`")).collect();
                format!(
                    "the target `{column}` is an object; name what in it is the right answer, as in \
                     `target: {column}.{first}`{}",
                    if others.is_empty() {
                        String::new()
                    } else {
                        format!(" (there is also {})", others.concat().trim_start_matches(", "))
                    }
                )
            }
        });
    }
    targets.extend(cell.text()?.map(Cow::into_owned));
    Ok(())
}

thread_local! {
    /// Room for what is hashed, kept from one item to the next.
    static PARTS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Bytes of it that are kept, at most.
const MOST_KEPT: usize = 1 << 16;

/// Has taken in its context, which no item needs to do again.
static ITEM_HASHER: LazyLock<blake3::Hasher> =
    LazyLock::new(|| blake3::Hasher::new_derive_key("evalmark item v1"));

/// BLAKE3 over the columns that make the item what it is: all but the id and
/// those that the suite tells to ignore.
pub(crate) fn content_hash(spec: &DatasetSpec, row: &Fields) -> ItemHash {
    let mut columns: Vec<_> = row.iter().filter(|(name, _)| is_content(spec, name)).collect();
    columns.sort_by_key(|(name, _)| *name);
    // One update of all parts costs less than many small ones.
    let mut parts = PARTS.take();
    parts.clear();
    for (name, value) in columns {
        let mut part = |kind: &[u8], text: &str| {
            parts.extend_from_slice(&((kind.len() + text.len()) as u64).to_le_bytes());
            parts.extend_from_slice(kind);
            parts.extend_from_slice(text.as_bytes());
        };
        part(b"", name);
        match (row.marks(), value) {
            (None, Value::String(text)) => part(b"s", text),
            (None, other) => part(b"j", &other.to_string()),
            (Some(marks), value) => {
                let pointer = pointer_to("", name);
                match value {
                    Value::String(text) if marks.digits(&pointer).is_none() => part(b"s", text),
                    value => part(b"j", &marks.identity(value, &pointer)),
                }
            }
        }
    }
    let mut hash = [0; 16];
    ITEM_HASHER.clone().update(&parts).finalize_xof().fill(&mut hash);
    if parts.capacity() <= MOST_KEPT {
        PARTS.set(parts);
    }
    ItemHash(hash)
}

/// Whether a column is part of what makes an item what it is.
pub(super) fn is_content(spec: &DatasetSpec, column: &String) -> bool {
    spec.id.as_ref() != Some(column) && !spec.ignored.contains(column)
}
