//! Human labels: what people say an answer is worth, beside what a metric says.
//!
//! A label is about one answer. It comes from the dataset, where each prompt has a column for it,
//! or from a file of its own; several labels of one answer count as their mean.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    path::PathBuf,
};

use serde_json::Value;

use crate::{
    dataset::{DatasetError, FileSpec},
    fields::{Cell, Fields},
    item::Item,
};

/// Where a metric's human labels are, checked.
#[derive(Clone, Debug)]
pub enum LabelSpec {
    /// Dataset columns, by prompt.
    Columns(BTreeMap<String, String>),
    /// A file of their own.
    File(FileSpec),
}

/// Which answer a label is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The prompt's name.
    pub prompt: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
    /// The item.
    pub item: &'a Item,
    /// Repetition, from 0.
    pub epoch: u32,
    /// The answer's text.
    pub output: Option<&'a str>,
}

/// A metric's labels, ready to be asked.
#[derive(Clone, Debug)]
pub enum Labels {
    /// Dataset columns, by prompt.
    Columns(BTreeMap<String, String>),
    /// The rows of a file, by item.
    File(HashMap<String, Vec<FileLabel>>),
}

/// One row of a file of labels; what it leaves open matches every answer.
#[derive(Clone, Debug, PartialEq)]
pub struct FileLabel {
    prompt: Option<String>,
    model: Option<String>,
    epoch: Option<u32>,
    output: Option<String>,
    label: f64,
}

impl LabelSpec {
    /// Reads the labels; every row of a file is checked.
    pub fn open(&self) -> Result<Labels, DatasetError> {
        match self {
            Self::Columns(columns) => Ok(Labels::Columns(columns.clone())),
            Self::File(file) => read(file).map(Labels::File),
        }
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Columns(_) => None,
            Self::File(file) => Some(&file.path),
        }
    }
}

impl Labels {
    /// The label of an answer: the mean of those that match it; `None` without any.
    pub fn of(&self, answered: Answered<'_>) -> Option<f64> {
        match self {
            Self::Columns(columns) => {
                let cell = answered.item.fields.cell(columns.get(answered.prompt)?)?;
                label(&cell).ok().flatten()
            }
            Self::File(items) => {
                let rows = items.get(&*answered.item.id)?.iter();
                let (sum, n) = rows
                    .filter(|row| row.is_about(answered))
                    .fold((0.0, 0_u32), |(sum, n), row| (sum + row.label, n + 1));
                (n > 0).then(|| sum / f64::from(n))
            }
        }
    }
}

impl FileLabel {
    fn is_about(&self, answered: Answered<'_>) -> bool {
        self.prompt.as_deref().is_none_or(|prompt| prompt == answered.prompt)
            && self.model.as_deref().is_none_or(|model| model == answered.model)
            && self.epoch.is_none_or(|epoch| epoch == answered.epoch)
            && self.output.as_deref().is_none_or(|output| Some(output) == answered.output)
    }
}

/// Why a cell is not a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoLabel {
    /// It holds something else.
    Other(String),
    /// What it holds cannot be used.
    Unusable(String),
}

impl fmt::Display for NoLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => {
                write!(f, "`{text}` is not a label; a label is a number from 0 to 1, or empty")
            }
            Self::Unusable(problem) => f.write_str(problem),
        }
    }
}

/// A label: a number within [0, 1], true or false; `None` where the cell is empty.
pub(crate) fn label(cell: &Cell<'_>) -> Result<Option<f64>, NoLabel> {
    let Some(text) = cell.text().map_err(NoLabel::Unusable)? else { return Ok(None) };
    let value = match cell.value() {
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Value::Array(_) | Value::Object(_) => None,
        _ => match text.trim() {
            "" => return Ok(None),
            text if text.eq_ignore_ascii_case("true") => Some(1.0),
            text if text.eq_ignore_ascii_case("false") => Some(0.0),
            text => text.parse().ok(),
        },
    };
    match value {
        Some(value) if (0.0..=1.0).contains(&value) => Ok(Some(value)),
        _ => Err(NoLabel::Other(text.into_owned())),
    }
}

fn read(file: &FileSpec) -> Result<HashMap<String, Vec<FileLabel>>, DatasetError> {
    let mut items: HashMap<String, Vec<FileLabel>> = HashMap::new();
    for (index, row) in file.rows()?.enumerate() {
        let wrong =
            |why: String| DatasetError::of_row(&file.origin, format!("row {}", index + 1), why);
        if let Some((item, label)) = file_label(&row?).map_err(wrong)? {
            items.entry(item).or_default().push(label);
        }
    }
    Ok(items)
}

fn file_label(row: &Fields) -> Result<Option<(String, FileLabel)>, String> {
    let needed = |column: &str| {
        row.cell(column).ok_or_else(|| {
            let known: Vec<_> = row.keys().map(String::as_str).collect();
            format!("has no column `{column}`; a file of labels needs `item_id` and `label`, and this one has: {}", known.join(", "))
        })
    };
    let text = |column: &str| -> Result<Option<String>, String> {
        let Some(cell) = row.cell(column) else { return Ok(None) };
        Ok(cell.text()?.filter(|text| !text.is_empty()).map(Cow::into_owned))
    };
    needed("item_id")?;
    let item = text("item_id")?.ok_or("the column `item_id` is empty")?;
    let Some(label) = label(&needed("label")?).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let epoch = match text("epoch")? {
        None => None,
        Some(text) => {
            Some(text.parse().map_err(|_| format!("the epoch `{text}` is not a whole number"))?)
        }
    };
    let (prompt, model, output) = (text("prompt")?, text("model")?, text("output")?);
    Ok(Some((item, FileLabel { prompt, model, epoch, output, label })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fields, NoLabel, Value};

    fn label(cell: &Value) -> Result<Option<f64>, NoLabel> {
        let row = Fields::from(serde_json::Map::from_iter([("l".to_owned(), cell.clone())]));
        super::label(&row.cell("l").expect("a cell"))
    }

    #[test]
    fn a_label_is_a_number_from_0_to_1_or_nothing() {
        for (cell, expected) in [
            (json!(1), Some(1.0)),
            (json!("0.5"), Some(0.5)),
            (json!(true), Some(1.0)),
            (json!(" False "), Some(0.0)),
            (json!(""), None),
            (json!(null), None),
        ] {
            assert_eq!(label(&cell), Ok(expected), "{cell}");
        }
        for cell in [json!(2), json!("-0.1"), json!("good"), json!([1]), json!("NaN")] {
            assert!(label(&cell).is_err(), "{cell}");
        }
    }
}
