//! A dataset opened for the `dataset` commands: the one of a suite, or a file as a suite would read it.

use std::{collections::HashSet, path::Path, sync::Arc};

use evalmark_core::{
    dataset::{DatasetError, DatasetSpec, Items, Rows},
    fields::Fields,
    item::Item,
    prompt::Prompt,
    suite::{Suite, SuiteError},
};
use serde_json::{Map, Value, json};

use super::options::DatasetOptions;
use crate::{
    Host, Notice, RunOptions,
    error::{Advised, Result},
};

/// A dataset, and what is known of its columns.
pub(crate) struct OpenedDataset {
    pub(crate) spec: Arc<DatasetSpec>,
    /// The columns that are compared and measured.
    pub(super) text: Vec<String>,
    /// Of a suite.
    pub(super) prompts: Vec<Prompt>,
    /// The suite's name; of a file, any.
    pub(crate) suite: String,
    /// Whether the suite allows items without a right answer.
    pub(crate) allows_empty_target: bool,
}

/// What is read of an item.
#[derive(Clone, Debug)]
pub(crate) struct TextItem {
    /// Its file and row, for people.
    pub(super) place: String,
    pub(super) id: String,
    pub(crate) text: String,
    pub(super) target: Option<String>,
    pub(super) cluster: Option<String>,
}

/// A dataset that the `dataset` commands cannot use.
#[derive(Debug, thiserror::Error)]
pub enum DatasetUseError {
    /// It cannot be read.
    #[error("dataset {0}")]
    Unreadable(#[from] DatasetError),
    /// The file, or what was said of it, is wrong.
    #[error("dataset {path}: {problem}")]
    Wrong {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        advice: Option<String>,
    },
    /// There is no such column.
    #[error("dataset {path}: {problem}")]
    NoColumn {
        /// The file.
        path: String,
        /// Which column, and what there is.
        problem: String,
    },
    /// Two items have one id.
    #[error(
        "dataset {path}: the id `{id}` is there twice, so that it does not say which item is which"
    )]
    SameId {
        /// The file.
        path: String,
        /// The id.
        id: String,
    },
    /// A part of a division would get no item.
    #[error("dataset {path}: too few items for the part `{name}`, which would get none")]
    EmptyPart {
        /// The file.
        path: String,
        /// The part.
        name: String,
    },
    /// Something that a command needs was not said.
    #[error("{what}")]
    Unsaid {
        /// What it needs.
        what: &'static str,
        /// How to say it.
        advice: &'static str,
    },
}

impl Advised for DatasetUseError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Wrong { advice, .. } => advice.clone(),
            Self::Unsaid { advice, .. } => Some((*advice).to_owned()),
            Self::Unreadable(_)
            | Self::NoColumn { .. }
            | Self::SameId { .. }
            | Self::EmptyPart { .. } => None,
        }
    }
}

impl OpenedDataset {
    /// Opens what the options name. Items without a right answer are no error here.
    pub(crate) fn open(options: &DatasetOptions, host: &Host<'_>) -> Result<Self> {
        let is_suite = is_suite(&options.of);
        let suite = if is_suite {
            Suite::read(&options.of, host.readers(&RunOptions::default()))?
        } else {
            suite_over(options, host)?
        };
        for note in &suite.notes {
            host.notices.tell(&Notice::SuiteNote(note));
        }
        let mut spec = suite.dataset.clone();
        let allows_empty_target = spec.allow_empty_target;
        (spec.allow_empty_target, spec.allow_unusable_target) = (true, true);
        if is_suite {
            spec.id = options.id.clone().or(spec.id);
            spec.cluster = options.cluster.clone().or(spec.cluster);
            spec.targets = options.target.clone().map_or(spec.targets, |target| vec![target]);
        }
        let prompts = if is_suite { suite.prompts } else { Vec::new() };
        let (spec, text) = (Arc::new(spec), options.text.clone());
        let mut opened = Self { spec, text, prompts, suite: suite.name, allows_empty_target };
        if opened.text.is_empty() {
            opened.text = opened.own_text()?;
        }
        Ok(opened)
    }

    /// The columns that prompts show, or that are nothing else.
    fn own_text(&self) -> Result<Vec<String>, DatasetUseError> {
        let Some(first) = Items::open(&self.spec)?.next().transpose()? else {
            return Ok(Vec::new());
        };
        let spec = &self.spec;
        let is_other = |column: &String| {
            let within = |name: &String| {
                name.strip_prefix(column.as_str())
                    .is_some_and(|r| r.is_empty() || r.starts_with('.'))
            };
            spec.id.iter().chain(&spec.cluster).chain(&spec.targets).chain(&spec.slices).any(within)
                || spec.ignored.contains(column)
        };
        let columns: Vec<String> =
            first.fields.keys().filter(|column| !is_other(column)).cloned().collect();
        let shown = |column: &&String| self.prompts.iter().any(|prompt| prompt.shows(column));
        let shown: Vec<String> = columns.iter().filter(shown).cloned().collect();
        Ok(if shown.is_empty() { columns } else { shown })
    }

    /// The columns that are compared.
    pub(crate) fn text_columns(&self) -> &[String] {
        &self.text
    }

    /// The items, in order.
    pub(crate) fn items(&self) -> Result<Items, DatasetUseError> {
        Ok(Items::open(&self.spec)?)
    }

    /// What is compared of every item.
    pub(crate) fn texts(&self) -> Result<Vec<TextItem>, DatasetUseError> {
        self.items()?.map(|item| self.text_item(&item?)).collect()
    }

    fn text_item(&self, item: &Item) -> Result<TextItem, DatasetUseError> {
        Ok(TextItem {
            place: self.place(item),
            id: item.id.to_string(),
            text: self.text_of(&item.fields, &self.place(item))?,
            target: (!item.targets.is_empty()).then(|| item.targets.join(" | ")),
            cluster: item.cluster.as_deref().map(str::to_owned),
        })
    }

    /// Where an item stands, for people.
    pub(super) fn place(&self, item: &Item) -> String {
        if self.spec.file.parts.is_empty() {
            return format!("row {}", item.row);
        }
        let (file, row) = self.spec.place_of_row(item.row);
        format!("{}, row {row}", file.display())
    }

    /// Every row of its files, whether the suite takes it or not.
    pub(crate) fn rows(&self) -> Result<Rows, DatasetUseError> {
        Ok(self.spec.file.rows()?)
    }

    /// The columns of its first row.
    pub(crate) fn columns(&self) -> Result<Vec<String>, DatasetUseError> {
        let first = self.rows()?.next().transpose()?;
        Ok(first.map(|row| row.keys().cloned().collect()).unwrap_or_default())
    }

    /// What tells each row from the others: its id, or where the suite names no column for that, its content's hash.
    pub(crate) fn key(&self, row: &Fields) -> String {
        let Some(column) = &self.spec.id else { return self.spec.content_hash(row).to_string() };
        let text = row.cell(column).and_then(|cell| cell.text().ok().flatten());
        text.unwrap_or_default().into_owned()
    }

    /// Those of all rows.
    pub(crate) fn keys(&self) -> Result<HashSet<String>, DatasetUseError> {
        self.rows()?.map(|row| Ok(self.key(&row?))).collect()
    }

    /// The text of a row: its compared columns, one a line.
    pub(crate) fn text_of(&self, row: &Fields, place: &str) -> Result<String, DatasetUseError> {
        let wrong = |problem: String| DatasetUseError::NoColumn {
            path: self.spec.file.origin.display().to_string(),
            problem,
        };
        let mut text = String::new();
        for column in &self.text {
            let cells = row.find(column).map_err(|error| wrong(format!("{place}: {error}")))?;
            for cell in cells {
                let part = cell.text().map_err(|problem| wrong(format!("{place}: {problem}")))?;
                if let Some(part) = part {
                    text.push_str(if text.is_empty() { "" } else { "\n" });
                    text.push_str(&part);
                }
            }
        }
        Ok(text)
    }
}

/// Whether a file is a suite, and no dataset in YAML or JSON.
fn is_suite(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_yaml = matches!(ending, Some("yaml" | "yml" | "json"));
    is_yaml && path.is_file() && Suite::is_one(path)
}

/// A suite over a file in which nothing else can be wrong.
fn suite_over(options: &DatasetOptions, host: &Host<'_>) -> Result<Suite> {
    let path = &options.of;
    let shown = path.display().to_string();
    let wrong = |problem: String, advice: Option<String>| DatasetUseError::Wrong {
        path: shown.clone(),
        problem,
        advice,
    };
    let folder = path.parent().filter(|folder| folder.is_dir()).unwrap_or(Path::new("")).to_owned();
    let name = path.strip_prefix(&folder).unwrap_or(path);
    let mut dataset = Map::new();
    dataset.insert("path".to_owned(), name.display().to_string().into());
    let columns = [("id", &options.id), ("target", &options.target), ("cluster", &options.cluster)];
    for (key, column) in columns {
        if let Some(column) = column {
            dataset.insert(key.to_owned(), column.clone().into());
        }
    }
    for (key, value) in &options.more {
        dataset.insert((*key).to_owned(), value.clone());
    }
    let provider =
        evalmark_harness::providers::catalog().first().map_or("recorded", |kind| kind.name);
    let suite: Value = json!({
        "name": "dataset",
        "dataset": dataset,
        "prompts": [{ "name": "first", "template": "first" }],
        "models": [{ "name": "first", "provider": provider }],
        "metrics": [{ "name": "first", "json_valid": {} }],
    });
    let at = folder.join("suite.yaml");
    // Whoever names a file on the command line may read it, wherever it lies.
    let is_here = folder.as_os_str().is_empty();
    let roots = [if is_here { Path::new(".").to_owned() } else { folder.clone() }];
    let options = RunOptions::default();
    let readers = evalmark_core::suite::Readers { roots: &roots, ..host.readers(&options) };
    Suite::of_text(&at, &suite.to_string(), readers).map_err(|error| match error {
        SuiteError::Wrong(mistakes) => {
            let mistake = mistakes.list.into_iter().next();
            let (message, hint) = mistake.map(|one| (one.message, one.hint)).unwrap_or_default();
            let own = format!("dataset {shown}");
            let bare =
                message.strip_prefix(&own).map(|rest| rest.trim_start_matches([':', ',', ' ']));
            wrong(bare.unwrap_or(&message).to_owned(), hint).into()
        }
        other => other.into(),
    })
}

/// The rows of a dataset, as its file has them, at the places of these items.
pub(super) fn kept_rows(
    opened: &OpenedDataset,
    kept: std::collections::HashSet<usize>,
) -> Result<Box<dyn Iterator<Item = Result<Fields>>>> {
    let items = opened.items()?.enumerate();
    let kept = items.filter(move |(at, _)| kept.contains(at));
    Ok(Box::new(kept.map(|(_, item)| Ok(item.map_err(DatasetUseError::from)?.fields))))
}

/// All rows of a dataset.
pub(super) fn all_rows(opened: &OpenedDataset) -> Result<Box<dyn Iterator<Item = Result<Fields>>>> {
    let items = opened.items()?;
    Ok(Box::new(items.map(|item| Ok(item.map_err(DatasetUseError::from)?.fields))))
}
