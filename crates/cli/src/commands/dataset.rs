//! `evalmark dataset`: what a dataset holds, what is wrong with it, and writing it anew.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_runner::{
    ConvertOptions, DatasetOptions, DedupeOptions, DivideOptions, Host, NEAR, ValidateOptions,
    compare_datasets, convert_dataset, dedupe_dataset, describe_dataset, divide_dataset,
    label_doubts, validate_dataset,
};
use evalmark_terminal::datasets;
use serde_json::json;

use super::dataset_cases::{FreezeArgs, FromLogsArgs, freeze, from_logs};
use crate::{
    args::{FormatArgs, OutArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct DatasetArgs {
    #[command(subcommand)]
    pub(crate) command: DatasetCommand,
}

/// A dataset and its columns.
#[derive(Clone, Debug, Args)]
pub(crate) struct ColumnArgs {
    /// A suite, or a file, folder or pattern of rows
    #[arg(value_name = "SUITE|DATASET")]
    of: PathBuf,
    /// Columns that are compared and measured [default: those that the suite's prompts show; of a file all
    /// but the others]
    #[arg(long, value_name = "COLUMN", num_args = 1..)]
    text: Vec<String>,
    /// Column with a unique id
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Column with the right answer
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Column whose equal values mark items that belong together
    #[arg(long, value_name = "COLUMN")]
    cluster: Option<String>,
    #[command(flatten)]
    file: FileArgs,
}

/// How the rows stand in a file, where it does not say so itself.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FileArgs {
    /// File format, where the file's extension does not show it
    #[arg(long, value_name = "FORMAT")]
    file_format: Option<String>,
    /// What separates the cells of a csv file
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// Encoding of a text file
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The way to the list of rows in a json or yaml file
    #[arg(long, value_name = "PATH")]
    rows: Option<String>,
    /// Sheet of an xlsx file
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Row of a sheet that names the columns
    #[arg(long, value_name = "N")]
    header_row: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatasetCommand {
    /// Show columns, types, missing and distinct values, classes and lengths
    Describe {
        #[command(flatten)]
        dataset: ColumnArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Find duplicates, contradictory labels, leaks, empty targets and odd characters; exit code 2 on errors
    Validate {
        #[command(flatten)]
        dataset: ColumnArgs,
        /// Another dataset, such as training data, whose items must not be among these
        #[arg(long, value_name = "DATASET")]
        against: Option<PathBuf>,
        /// Columns of that dataset that are compared [default: those of the first, as far as it has them]
        #[arg(long, value_name = "COLUMN", num_args = 1.., requires = "against")]
        against_text: Vec<String>,
        /// Column of that dataset with a unique id, by which leaks are told
        #[arg(long, value_name = "COLUMN", requires = "against")]
        against_id: Option<String>,
        /// Encoding of that dataset, where it is a text file
        #[arg(long, value_name = "NAME", requires = "against")]
        against_encoding: Option<String>,
        /// A run of the suite: rank its items by how probable it is that their right answers are wrong
        #[arg(long, value_name = "RUN_DIR")]
        run: Option<PathBuf>,
        #[command(flatten)]
        runs: OutArgs,
        /// How many items of the run are listed
        #[arg(long, value_name = "N", default_value_t = 20, requires = "run")]
        top: usize,
        /// Least similarity of texts that count as nearly the same
        #[arg(long, value_name = "SHARE", default_value_t = NEAR, value_parser = share)]
        near: f64,
        /// Exit code 2 on warnings, too
        #[arg(long)]
        strict: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Compare two datasets by the ids of their items: added, removed, changed
    Diff {
        #[command(flatten)]
        dataset: ColumnArgs,
        /// The later dataset
        #[arg(value_name = "AFTER")]
        after: PathBuf,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Divide a dataset: seeded, with the shares of the target's values kept, and clusters whole
    Split {
        #[command(flatten)]
        dataset: ColumnArgs,
        /// Names of the parts with their shares, such as `train=0.8,test=0.2`
        #[arg(long, value_name = "NAME=SHARE", value_delimiter = ',', required = true, value_parser = part)]
        parts: Vec<(String, f64)>,
        /// Another seed is another division
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        /// Folder that gets a file for each part
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Form of the files: csv, jsonl or parquet
        #[arg(long, value_name = "FORM", default_value = "jsonl")]
        to: String,
        /// Replace files that are there
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Leave out items that repeat an earlier one, or nearly do
    Dedupe {
        #[command(flatten)]
        dataset: ColumnArgs,
        /// Least similarity of texts that count as the same
        #[arg(long, value_name = "SHARE", default_value_t = NEAR, value_parser = share)]
        near: f64,
        /// File for the rows that are kept: .csv, .jsonl or .parquet
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Write a dataset as .csv, .jsonl or .parquet
    Convert {
        #[command(flatten)]
        dataset: ColumnArgs,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Begin cells of a csv file that a spreadsheet would compute with a quote
        #[arg(long)]
        escape_formulas: bool,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Pick records of production for review: failing, disputed, drifting and random ones, near duplicates left out
    FromLogs(FromLogsArgs),
    /// Add reviewed records to a suite's dataset for good, with where they came from
    Freeze(FreezeArgs),
}

impl ColumnArgs {
    fn options(&self) -> DatasetOptions {
        let file = &self.file;
        let texts = [
            ("format", &file.file_format),
            ("delimiter", &file.delimiter),
            ("encoding", &file.encoding),
            ("rows", &file.rows),
            ("sheet", &file.sheet),
        ];
        let texts = texts.into_iter().filter_map(|(key, text)| Some((key, text.clone()?.into())));
        DatasetOptions {
            of: self.of.clone(),
            text: self.text.clone(),
            id: self.id.clone(),
            target: self.target.clone(),
            cluster: self.cluster.clone(),
            more: texts.chain(file.header_row.map(|row| ("header_row", row.into()))).collect(),
        }
    }

    /// The same columns of another file.
    fn of(&self, path: &std::path::Path) -> DatasetOptions {
        DatasetOptions { of: path.to_owned(), ..self.options() }
    }
}

pub(crate) fn dataset(command: &DatasetCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match command {
        DatasetCommand::Describe { dataset, format } => {
            let found = describe_dataset(&dataset.options(), host)?;
            tell(*format, printer, &found, || datasets::description(&found, printer.screen()))
        }
        DatasetCommand::Validate { .. } => validate(command, printer, host),
        DatasetCommand::Diff { dataset, after, format } => {
            let found = compare_datasets(&dataset.options(), &dataset.of(after), host)?;
            tell(*format, printer, &found, || datasets::changes(&found, printer.screen()))
        }
        DatasetCommand::Split { dataset, parts, seed, out, to, force, format } => {
            let options = DivideOptions {
                dataset: dataset.options(),
                parts: parts.clone(),
                seed: *seed,
                out: out.clone(),
                form: to.clone(),
                replaces: *force,
            };
            let found = divide_dataset(&options, host)?;
            tell(*format, printer, &found, || datasets::parts(&found))
        }
        DatasetCommand::Dedupe { dataset, near, out, force, format } => {
            let (dataset, out) = (dataset.options(), out.clone());
            let options = DedupeOptions { dataset, near: *near, out, replaces: *force };
            let found = dedupe_dataset(&options, host)?;
            tell(*format, printer, &found, || datasets::deduped(&found, printer.screen()))
        }
        DatasetCommand::Convert { dataset, out, escape_formulas, force, format } => {
            let (dataset, out) = (dataset.options(), out.clone());
            let escapes_formulas = *escape_formulas;
            let options = ConvertOptions { dataset, out, replaces: *force, escapes_formulas };
            let found = convert_dataset(&options, host)?;
            tell(*format, printer, &found, || datasets::written(&found))
        }
        DatasetCommand::FromLogs(args) => from_logs(args, printer, host),
        DatasetCommand::Freeze(args) => freeze(args, printer, host),
    }
}

fn validate(command: &DatasetCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let DatasetCommand::Validate {
        dataset,
        against,
        against_text,
        against_id,
        against_encoding,
        run,
        runs,
        top,
        near,
        strict,
        format,
    } = command
    else {
        return Ok(Exit::Done);
    };
    let encoding = against_encoding.clone().map(|name| ("encoding", name.into()));
    let against = against.as_ref().map(|path| DatasetOptions {
        of: path.clone(),
        text: if against_text.is_empty() { &dataset.text } else { against_text }.clone(),
        id: against_id.clone(),
        more: encoding.into_iter().collect(),
        ..DatasetOptions::default()
    });
    let options = ValidateOptions { dataset: dataset.options(), against, near: *near };
    let found = validate_dataset(&options, host)?;
    let doubts = match run {
        Some(run) => Some(label_doubts(&runs.run(run)?, *top)?),
        None => None,
    };
    if format.is_json() {
        let mut document = serde_json::to_value(&found)?;
        document["label_doubts"] = json!(doubts);
        printer.json(&serde_json::to_string_pretty(&document)?);
    } else {
        printer.result(&datasets::flaws(&found, printer.screen()));
        if let Some(doubts) = &doubts {
            printer.result(&format!("\n{}", datasets::doubts(doubts, printer.screen())));
        }
    }
    Ok(found.ending(*strict))
}

fn tell(
    format: FormatArgs,
    printer: Printer,
    found: &impl serde::Serialize,
    text: impl FnOnce() -> String,
) -> Result<Exit> {
    if format.is_json() {
        printer.json(&serde_json::to_string_pretty(found)?);
    } else {
        printer.result(&text());
    }
    Ok(Exit::Done)
}

/// A share of one that is not none of it.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "it must be more than 0, and at most 1".to_owned())
}

/// A name with a share.
fn part(text: &str) -> Result<(String, f64), String> {
    let (name, text) = text.split_once('=').ok_or("write NAME=SHARE, such as `test=0.2`")?;
    Ok((name.trim().to_owned(), share(text.trim())?))
}
