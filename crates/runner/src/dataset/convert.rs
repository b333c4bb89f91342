//! A dataset in another form.

use std::path::PathBuf;

use super::{
    open::{OpenedDataset, all_rows},
    options::DatasetOptions,
    output::{OutputFile, WrittenRows},
};
use crate::{Host, error::Result};

/// How a dataset is converted.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// The dataset.
    pub dataset: DatasetOptions,
    /// Where it is written; the ending says in which form.
    pub out: PathBuf,
    /// Whether a file that is there is replaced.
    pub replaces: bool,
    /// Whether cells of a CSV file that spreadsheets would compute get a quote before them.
    pub escapes_formulas: bool,
}

/// Writes a dataset's rows in another form.
pub fn convert_dataset(options: &ConvertOptions, host: &Host<'_>) -> Result<WrittenRows> {
    let opened = OpenedDataset::open(&options.dataset, host)?;
    let file = OutputFile::create(&options.out, options.replaces, options.escapes_formulas)?;
    file.write(|| all_rows(&opened))
}
