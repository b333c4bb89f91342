//! Checking the `dataset` section against the file it names.

use std::{path::PathBuf, sync::Arc};

use super::{Checker, suggest};
use crate::{
    dataset::{DatasetSpec, FileSpec, Format, Items},
    item::Item,
    suite::raw::{RawFormat, RawMetric, RawModel, RawNames, RawSuite},
};

impl Checker<'_> {
    pub(super) fn dataset(&mut self, suite: &RawSuite) -> Option<DatasetSpec> {
        let (raw, models) = (&suite.dataset, &suite.models);
        let path = self.folder.join(&raw.path);
        let format = raw.format.map(format_of).or_else(|| Format::of(&path));
        let Some(format) = format else {
            let hint = "add `format: csv` (or tsv, jsonl, json, parquet)".to_owned();
            let message = format!("the ending of `{}` does not tell the format", raw.path);
            self.complain_with_hint("/dataset/path", message, hint);
            return None;
        };
        for (i, slice) in raw.slices.iter().enumerate() {
            if raw.slices[..i].contains(slice) {
                self.complain(
                    &format!("/dataset/slices/{i}"),
                    format!("`{slice}` appears twice here"),
                );
            }
        }
        let labels: Vec<String> = suite.metrics.iter().flat_map(label_columns).collect();
        let ignored = models.iter().flat_map(recorded_columns).chain(raw.ignore.clone());
        Some(DatasetSpec {
            file: self.file_spec(path, format),
            id: raw.id.clone(),
            targets: raw.target.clone().map(RawNames::into_vec).unwrap_or_default(),
            allow_empty_target: raw.allow_empty_target,
            cluster: raw.cluster.clone(),
            slices: raw.slices.clone(),
            ignored: ignored.chain(labels.clone()).collect(),
            labels,
            limit: None,
            only: None,
            planned: None,
        })
    }

    /// A file of rows, which is looked for when it is opened.
    pub(super) fn file_spec(&self, path: PathBuf, format: Format) -> FileSpec {
        FileSpec { path, format, parquet: self.readers.parquet, access: self.access.clone() }
    }

    /// The dataset's first item, once its columns have been checked.
    pub(super) fn first_item(&mut self, spec: &DatasetSpec) -> Option<Item> {
        let first_row = spec.file.rows().and_then(|mut rows| rows.next().transpose());
        let row = match first_row {
            Ok(Some(row)) => row,
            Ok(None) => {
                let message = format!("dataset {}: has no items", spec.file.path.display());
                self.complain("/dataset/path", message);
                return None;
            }
            Err(error) => {
                self.complain("/dataset/path", format!("dataset {error}"));
                return None;
            }
        };
        let single = |key: &str, column: &Option<String>| {
            column.iter().map(|c| (format!("/dataset/{key}"), c.clone())).collect::<Vec<_>>()
        };
        let mut wanted = [single("id", &spec.id), single("cluster", &spec.cluster)].concat();
        wanted.extend(spec.targets.iter().map(|c| ("/dataset/target".to_owned(), c.clone())));
        let slice = |(i, c): (usize, &String)| (format!("/dataset/slices/{i}"), c.clone());
        wanted.extend(spec.slices.iter().enumerate().map(slice));
        wanted.extend(spec.labels.iter().map(|c| ("/metrics".to_owned(), c.clone())));
        let ignored = spec.ignored.iter().filter(|column| !spec.labels.contains(column));
        wanted.extend(ignored.map(|c| ("/dataset/ignore".to_owned(), c.clone())));
        let known: Vec<_> = row.keys().map(String::as_str).collect();
        let before = self.mistakes.len();
        for (pointer, column) in wanted {
            if !known.contains(&column.as_str()) {
                let message = format!("the dataset has no column `{column}`");
                let hint = suggest(&column, &known, "its columns");
                self.complain_with_hint(&pointer, message, hint);
            }
        }
        if self.mistakes.len() > before {
            return None;
        }
        match Items::open(&Arc::new(spec.clone())).and_then(|mut items| items.next().transpose()) {
            Ok(item) => item,
            Err(error) => {
                self.complain("/dataset", format!("dataset {error}"));
                None
            }
        }
    }
}

/// The dataset columns that hold a metric's labels.
fn label_columns(metric: &RawMetric) -> Vec<String> {
    let Some(labels) = &metric.labels else { return Vec::new() };
    let columns = labels.columns.iter().flat_map(|columns| columns.values().cloned());
    labels.column.iter().cloned().chain(columns).collect()
}

/// Columns that hold answers.
fn recorded_columns(model: &RawModel) -> Vec<String> {
    let Some(recorded) = &model.recorded else { return Vec::new() };
    let by_prompt = recorded.columns.iter().flat_map(|columns| columns.values());
    recorded.column.iter().chain(by_prompt).cloned().collect()
}

fn format_of(raw: RawFormat) -> Format {
    match raw {
        RawFormat::Csv => Format::Csv,
        RawFormat::Tsv => Format::Tsv,
        RawFormat::Jsonl => Format::Jsonl,
        RawFormat::Json => Format::Json,
        RawFormat::Parquet => Format::Parquet,
    }
}
