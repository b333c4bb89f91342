//! Rows that a database or a service gives one by one, as a snapshot: JSON Lines, a column each key.

use std::collections::BTreeSet;

use evalmark_core::fields::Fields;
use evalmark_core::source::{Snapshot, SourceError};
use serde_json::{Map, Value};

use super::{
    checksum::Checksum,
    snapshots::{Named, Receiving, Snapshots, advised, failed},
};

/// The name of such a snapshot: it tells the format.
pub(super) const ROWS: &str = "rows.jsonl";

/// Rows on their way from their source.
pub(super) struct JsonRows {
    receiving: Receiving,
    columns: Vec<String>,
    n_rows: u64,
}

impl JsonRows {
    /// Begins to receive rows with these columns.
    pub(super) fn receive(
        snapshots: &Snapshots,
        columns: Vec<String>,
    ) -> Result<Self, SourceError> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = columns.iter().find(|name| !seen.insert(name.as_str())) {
            let message = format!("the query gives two columns the name `{twice}`");
            return Err(advised(&message, "name one otherwise: `SELECT a.id, b.id AS other_id`"));
        }
        Ok(Self { receiving: snapshots.receive()?, columns, n_rows: 0 })
    }

    /// The next row: a value for each column, or what is wrong with it.
    pub(super) fn push(
        &mut self,
        values: impl Iterator<Item = Result<Value, String>>,
    ) -> Result<(), SourceError> {
        self.n_rows += 1;
        let place = |name: &str| format!("row {}, column `{name}`", self.n_rows);
        let cells = self.columns.iter().zip(values).map(|(name, value)| {
            let value = value.map_err(|why| failed(format!("{}: {why}", place(name))))?;
            Ok((name.clone(), value))
        });
        let row: Map<String, Value> = cells.collect::<Result<_, SourceError>>()?;
        let mut line = serde_json::to_vec(&row).map_err(|error| failed(error.to_string()))?;
        line.push(b'\n');
        self.receiving.write(&line)
    }

    /// The next row, whatever columns it has.
    pub(super) fn push_row(&mut self, row: &Map<String, Value>) -> Result<(), SourceError> {
        self.n_rows += 1;
        let mut line = serde_json::to_vec(row).map_err(|error| failed(error.to_string()))?;
        line.push(b'\n');
        self.receiving.write(&line)
    }

    /// The next row, as a JSON object that a database wrote.
    #[cfg(feature = "postgres")]
    pub(super) fn push_line(&mut self, row: &str) -> Result<(), SourceError> {
        self.n_rows += 1;
        // What breaks lines stands between values: within texts it is escaped.
        let mut line = row.replace(['\n', '\r'], " ").into_bytes();
        line.push(b'\n');
        self.receiving.write(&line)
    }

    /// The next row, of a file. A value that cannot be used is null.
    pub(super) fn push_fields(&mut self, row: &Fields) -> Result<(), String> {
        self.n_rows += 1;
        let mut line = serde_json::to_vec(row).map_err(|error| error.to_string())?;
        line.push(b'\n');
        self.receiving.write(&line).map_err(|error| error.to_string())
    }

    /// The row that came last, counted from 1.
    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// All rows are there: the snapshot, if they are those that the suite expects.
    pub(super) fn keep(
        self,
        snapshots: &Snapshots,
        expected: &[Checksum],
        named: &Named<'_>,
    ) -> Result<Snapshot, SourceError> {
        let received = self.receiving.finish();
        received.digests.check(expected).map_err(|error| {
            advised(&error.to_string(), "if you want the new rows, give their checksum instead")
        })?;
        match snapshots.find(&received.digests.all(), named) {
            Some(snapshot) => Ok(snapshot),
            None => snapshots.keep(received, named),
        }
    }
}
