//! Checking the `dataset` section against the file it names.

use std::{path::PathBuf, sync::Arc};

use super::{Checker, source::Place, suggest};
use crate::{
    dataset::{DatasetSpec, FilePart, FileSpec, Format, Items, sniff},
    fields::Fields,
    files::FileAccess,
    item::Item,
    suite::raw::{RawDataset, RawMetric, RawModel, RawNames, RawSuite},
};

impl Checker<'_> {
    pub(super) fn dataset(&mut self, suite: &RawSuite) -> Option<DatasetSpec> {
        let (raw, models) = (&suite.dataset, &suite.models);
        for (i, slice) in raw.slices.iter().enumerate() {
            if raw.slices[..i].contains(slice) {
                self.complain(
                    &format!("/dataset/slices/{i}"),
                    format!("`{slice}` appears twice here"),
                );
            }
        }
        self.ignored_targets(raw, &suite.metrics);
        let place = self.place(raw);
        let format = place.as_ref().and_then(|place| self.format(raw, place));
        let layout = self.layout(raw, format);
        let mut file = place.as_ref().and_then(|place| Some(self.file_at(place, format?)));
        if let (Some(file), Some(declared)) = (&mut file, layout) {
            file.layout = declared;
            self.found(file);
        } else {
            file = None;
        }
        let selection = file.as_ref().map(|file| self.selection(raw, file));
        let labels: Vec<String> = suite.metrics.iter().flat_map(label_columns).collect();
        let ignored = models.iter().flat_map(recorded_columns).chain(raw.ignore.clone());
        Some(DatasetSpec {
            file: file?,
            snapshot: place.and_then(|place| place.snapshot),
            id: raw.id.clone(),
            targets: raw.target.clone().map(RawNames::into_vec).unwrap_or_default(),
            allow_empty_target: raw.allow_empty_target,
            allow_unusable_target: raw.allow_unusable_target,
            allow_object_target: self.reads_objects(&suite.metrics),
            cluster: raw.cluster.clone(),
            slices: raw.slices.clone(),
            ignored: ignored.chain(labels.clone()).collect(),
            labels,
            selection: selection.filter(|it| !it.is_everything()).map(Arc::new),
            limit: raw.limit,
            only: None,
            scratch: self.readers.scratch,
            planned: None,
        })
    }

    /// Items would stay the same while their right answers change.
    fn ignored_targets(&mut self, raw: &RawDataset, metrics: &[RawMetric]) {
        let named = metrics.iter().map(|metric| &metric.target).chain([&raw.target]);
        let targets: Vec<_> = named.flatten().cloned().flat_map(RawNames::into_vec).collect();
        for (i, column) in raw.ignore.iter().enumerate() {
            let within = |target: &String| {
                let rest = target.strip_prefix(column.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if targets.iter().any(within) {
                self.complain_with_hint(
                    &format!("/dataset/ignore/{i}"),
                    format!("`{column}` holds the target, which is part of an item's content"),
                    "an item whose right answer changes is another item; ignore other columns only"
                        .to_owned(),
                );
            }
        }
    }

    fn format(&mut self, raw: &RawDataset, place: &Place) -> Option<Format> {
        let format = raw.format.or_else(|| Format::of(&place.name));
        if format.is_none() {
            let (message, hint) = sniff::by_name(&place.name, &place.shown);
            self.complain_with_hint(place.key, message, hint);
            return None;
        }
        format
    }

    /// Whether some metric reads a target that is an object, or none looks at targets.
    fn reads_objects(&self, metrics: &[RawMetric]) -> bool {
        let kinds = metrics.iter().flat_map(|metric| {
            self.readers.kinds.iter().filter(|kind| metric.kinds.contains_key(kind.name))
        });
        let mut kinds = kinds.peekable();
        kinds.peek().is_none() || kinds.any(|kind| kind.reads_objects)
    }

    /// A file of rows, which is looked for when it is opened.
    pub(super) fn file_spec(&self, path: PathBuf, format: Format) -> FileSpec {
        FileSpec::new(path, format, self.readers.columnar, self.access.clone())
    }

    /// The dataset's file; where it is a snapshot, the suite did not choose where that lies.
    fn file_at(&self, place: &Place, format: Format) -> FileSpec {
        let file = self.file_spec(place.path.clone(), format);
        let part = |place: &Place| {
            let file = self.file_at(place, format);
            FilePart { path: file.path, origin: file.origin, access: file.access, encoding: None }
        };
        let parts = place.parts.iter().map(part).collect();
        match &place.snapshot {
            None => FileSpec { parts, ..file },
            Some(snapshot) => FileSpec {
                origin: PathBuf::from(&snapshot.origin),
                access: FileAccess::unlimited(),
                parts,
                ..file
            },
        }
    }

    /// The dataset's first item, once its columns have been checked.
    pub(super) fn first_item(&mut self, spec: &DatasetSpec) -> Option<Item> {
        let first_row = spec.file.rows().and_then(|mut rows| rows.next().transpose());
        let computed = |row: Fields| match &spec.selection {
            Some(selection) => selection.computed(row).map_err(|error| spec.error_of_row(1, error)),
            None => Ok(row),
        };
        let first_row = first_row.and_then(|row| row.map(computed).transpose());
        let row = match first_row {
            Ok(Some(row)) => row,
            Ok(None) => {
                let message = format!("dataset {}: has no items", spec.file.origin.display());
                self.complain(self.data_key(), message);
                return None;
            }
            Err(error) => {
                self.complain(self.data_key(), format!("dataset {error}"));
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
        let before = self.mistakes.len();
        for (pointer, column) in wanted {
            let Err(missing) = row.find(&column) else { continue };
            let known: Vec<_> = missing.known.iter().map(String::as_str).collect();
            let (message, what) = if row.contains_key(column.split('.').next().unwrap_or_default())
                && missing.name != column
            {
                (format!("`{column}`: the first row has no `{}` there", missing.name), "there are")
            } else {
                (format!("the dataset has no column `{column}`"), "its columns")
            };
            let mut hint = suggest(&missing.name, &known, what);
            if let (Format::Csv | Format::Tsv, [_]) = (spec.file.format, &*known) {
                hint.push_str(
                    "; if those are several, `dataset.delimiter` says what separates them",
                );
            }
            self.complain_with_hint(&pointer, message, hint);
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
