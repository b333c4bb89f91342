//! Where a dataset's rows come from, in which form they are, and which of them are items.

mod batches;
mod beyond_memory;
mod formats;
mod selection;
mod sources;

use std::{fs::File, path::Path};

use evalmark_core::{
    dataset::{DatasetError, Format, Rows},
    metric::{Direction, MetricKind, Range},
};
use serde_json::json;

/// A metric that is there for suites to have one.
const METRICS: &[MetricKind] = &[MetricKind {
    name: "valid",
    schema: || json!({ "type": "object" }),
    check: |_| Ok(()),
    range: Range::Binary,
    direction: Direction::Higher,
    threshold: None,
    needs_target: false,
    reads_objects: false,
    model_refs: &[],
    asks: |_| Vec::new(),
    nested: |_| Vec::new(),
    embeds: false,
    file_refs: &[],
}];

/// Parquet and Arrow are read by another crate.
fn no_columnar(path: &Path, _: File, _: Format) -> Result<Rows, DatasetError> {
    Err(DatasetError::of_file(path, "no columns here"))
}
