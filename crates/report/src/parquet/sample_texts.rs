//! The texts of a few samples out of a `samples.parquet`: what was asked, what was right, and what was
//! answered.

use std::path::Path;

use super::{
    open::{ReadError, TableReader},
    typed_columns::Frame,
};

/// Whose texts they are, borrowed from the file's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleKeyRef<'a> {
    /// The item's id.
    pub item_id: &'a str,
    /// The prompt's name.
    pub prompt: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
    /// Repetition, from 0.
    pub epoch: u32,
}

/// The texts of one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleTexts {
    /// The item's id.
    pub item_id: String,
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// Repetition, from 0.
    pub epoch: u32,
    /// What was asked, as JSON.
    pub request: String,
    /// The right answers.
    pub targets: Vec<String>,
    /// The answer; `None` where the sample failed.
    pub output: Option<String>,
}

const KEYS: [&str; 4] = ["item_id", "prompt", "model", "epoch"];
const TEXTS: [&str; 3] = ["request", "targets", "output"];

/// The texts of the samples that `is_wanted` picks, in the file's order; these alone are held.
///
/// The file is gone through twice: for whose its rows are, and for the texts of those rows.
pub fn sample_texts(
    path: &Path,
    is_wanted: impl Fn(SampleKeyRef<'_>) -> bool,
) -> Result<Vec<SampleTexts>, ReadError> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut keys = TableReader::open(path)?.select(owned(&KEYS))?;
    let mut rows = Vec::new();
    let mut see = |frame: &Frame<'_>| {
        visit(frame, |row, key| {
            if is_wanted(key) {
                rows.push(frame.first_row + row as u64);
            }
            Ok(())
        })
    };
    while keys.next_batch(&mut see)?.is_some() {}
    let all = [&KEYS[..], &TEXTS[..]].concat();
    let mut texts = TableReader::open(path)?.select(owned(&all))?.only(rows);
    let mut found = Vec::new();
    while texts.next_batch(|frame| take(frame, &mut found))?.is_some() {}
    Ok(found)
}

fn visit<'a>(
    frame: &Frame<'a>,
    mut see: impl FnMut(usize, SampleKeyRef<'a>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let (item_id, prompt) = (frame.text("item_id")?, frame.text("prompt")?);
    let (model, epoch) = (frame.text("model")?, frame.int32("epoch")?);
    for row in 0..frame.height {
        let key = SampleKeyRef {
            item_id: item_id.some(row)?,
            prompt: prompt.some(row)?,
            model: model.some(row)?,
            epoch: epoch.count(row)?,
        };
        see(row, key)?;
    }
    Ok(())
}

fn take(frame: &Frame<'_>, found: &mut Vec<SampleTexts>) -> Result<(), ReadError> {
    let (request, output) = (frame.text("request")?, frame.text("output")?);
    let targets = frame.texts("targets")?;
    visit(frame, |row, key| {
        found.push(SampleTexts {
            item_id: key.item_id.to_owned(),
            prompt: key.prompt.to_owned(),
            model: key.model.to_owned(),
            epoch: key.epoch,
            request: request.owned(row)?,
            targets: targets.texts(row)?,
            output: output.maybe_owned(row),
        });
        Ok(())
    })
}
