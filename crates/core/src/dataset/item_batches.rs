//! The selected items of a dataset, a batch of rows at a time. What follows from a row alone is worked out by
//! an executor while the next batch is read; what depends on the rows before it follows in their order.

use std::{io, sync::Arc, vec};

use super::{
    DatasetError, DatasetSpec,
    fingerprints::FingerprintReader,
    items::item,
    raw_rows::{PlacedRow, PlacedRows},
    selection::drawn,
};
use crate::{executor::Executor, fields::Fields, item::Item};

/// Bytes of rows after which a batch is full.
const BATCH_BYTES: usize = 1 << 20;

/// What is said of a dataset that is another one than before.
const CHANGED: &str = "has changed since the run began";

/// Reads a dataset.
pub(crate) struct ItemBatches<E> {
    spec: Arc<DatasetSpec>,
    rows: PlacedRows,
    /// What was read last, and not looked at yet.
    ahead: Option<Vec<PlacedRow>>,
    /// What the items must be.
    planned: Option<FingerprintReader>,
    /// The index of the next item.
    next: u64,
    executor: E,
    /// Rows of a batch, at most.
    at_once: usize,
}

/// What became of a row.
enum Taken {
    Item(u64, Fields),
    LeftOut,
    /// It cannot be used; there may be others.
    Wrong(DatasetError),
    /// Nothing behind it can be read.
    Unreadable(DatasetError),
}

impl<E: Executor> ItemBatches<E> {
    /// Opens the dataset at its first item.
    pub(crate) fn open(spec: &Arc<DatasetSpec>, executor: E) -> Result<Self, DatasetError> {
        let drawn = match &spec.selection {
            Some(selection) => drawn(spec, selection)?,
            None => None,
        };
        let planned = spec.planned.clone().map(FingerprintReader::new);
        let rows = PlacedRows::open(spec, drawn)?;
        let (spec, at_once) = (spec.clone(), E::AT_ONCE);
        Ok(Self { spec, rows, ahead: None, planned, next: 0, executor, at_once })
    }

    /// What `work` makes of the next few items; `None` behind the last one.
    pub(crate) fn next<R: Send>(
        &mut self,
        work: &(impl Fn(Item) -> R + Sync),
    ) -> Option<Vec<Result<R, DatasetError>>> {
        loop {
            let most = self.most(0);
            if most == 0 {
                return None;
            }
            let next = match self.ahead.take() {
                Some(next) => next,
                None => cut(&mut self.rows, most),
            };
            if next.is_empty() {
                return self.ends_early().map(|error| vec![Err(error)]);
            }
            let ahead = self.most(next.len());
            let Self { spec, rows, executor, .. } = self;
            let (ahead, taken) = executor.join(
                || (ahead > 0).then(|| cut(rows, ahead)),
                || executor.map(next, |row| taken(spec, row)),
            );
            self.ahead = ahead;
            let made = self.made(taken, work);
            if !made.is_empty() {
                return Some(made);
            }
        }
    }

    /// How many rows may be read behind so many that are not looked at yet: none that a limit leaves out.
    fn most(&self, waiting: usize) -> usize {
        let left = self.spec.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.next));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        left.saturating_sub(waiting).min(self.at_once)
    }

    /// What `work` makes of those rows that are items.
    fn made<R: Send>(
        &mut self,
        rows: Vec<Taken>,
        work: &(impl Fn(Item) -> R + Sync),
    ) -> Vec<Result<R, DatasetError>> {
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            match row {
                Taken::Item(place, fields) => {
                    let index = self.next;
                    self.next += 1;
                    if self.spec.takes(index) {
                        items.push(Ok((index, place, fields)));
                    }
                }
                Taken::LeftOut => {}
                Taken::Wrong(error) => items.push(Err(error)),
                Taken::Unreadable(error) => {
                    items.push(Err(error));
                    self.rows.end();
                    self.ahead = None;
                    break;
                }
            }
        }
        let spec = &self.spec;
        let is_planned = self.planned.is_some();
        let made = self.executor.map(items, |row| {
            let (index, place, fields) = row?;
            let item = item(spec, fields, (index, place))
                .map_err(|message| spec.error_of_row(place, message))?;
            let fingerprint = is_planned.then(|| spec.fingerprint(&item));
            Ok((index, place, fingerprint, work(item)))
        });
        made.into_iter().map(|made| self.as_planned(made)).collect()
    }

    /// What was made of an item that is the one which stood at its place when all items were looked at.
    fn as_planned<R>(
        &mut self,
        made: Result<(u64, u64, Option<u32>, R), DatasetError>,
    ) -> Result<R, DatasetError> {
        let (index, place, fingerprint, made) =
            made.map_err(|error| self.spec.changed_if_planned(error))?;
        match self.is_as_planned(index, fingerprint) {
            Ok(true) => Ok(made),
            Ok(false) => Err(self.spec.error_of_row(place, CHANGED)),
            Err(error) => Err(self.spec.scratch_error(&error)),
        }
    }

    fn is_as_planned(&mut self, index: u64, fingerprint: Option<u32>) -> io::Result<bool> {
        let Some(planned) = &mut self.planned else { return Ok(true) };
        Ok(planned.get(index)? == fingerprint)
    }

    /// The error where the file ends before the last item that was planned.
    fn ends_early(&mut self) -> Option<DatasetError> {
        let planned = self.spec.planned.as_ref()?.len();
        if self.next >= planned {
            return None;
        }
        let items = std::mem::replace(&mut self.next, planned);
        let message = format!("ends after row {items} of {planned}; it {CHANGED}");
        Some(DatasetError::of_file(&self.spec.file.origin, message))
    }
}

impl DatasetSpec {
    /// What could be read when all items were looked at, and cannot any more, has changed.
    fn changed_if_planned(&self, error: DatasetError) -> DatasetError {
        match &self.planned {
            Some(_) => DatasetError { message: format!("{CHANGED}: {}", error.message), ..error },
            None => error,
        }
    }
}

/// What becomes of a row, whatever stands before it.
fn taken(spec: &DatasetSpec, row: PlacedRow) -> Taken {
    let (place, raw) = match row {
        Ok(row) => row,
        Err(error) => return Taken::Wrong(error),
    };
    let fields = match raw.fields() {
        Ok(fields) => fields,
        Err(error) => return Taken::Unreadable(error),
    };
    match spec.selected(fields) {
        Ok(Some(fields)) => Taken::Item(place, fields),
        Ok(None) => Taken::LeftOut,
        Err(message) => Taken::Wrong(spec.error_of_row(place, message)),
    }
}

/// The next rows, at most so many; none at the end.
fn cut(rows: &mut PlacedRows, most: usize) -> Vec<PlacedRow> {
    let (mut some, mut bytes) = (Vec::with_capacity(most), 0);
    while some.len() < most && bytes < BATCH_BYTES {
        let Some(row) = rows.next() else { break };
        bytes += row.as_ref().map_or(0, |(_, row)| row.n_bytes());
        some.push(row);
    }
    some
}

/// What `work` makes of every selected item of a dataset, in the file's order.
pub(crate) struct OfEachItem<E, W, R> {
    batches: ItemBatches<E>,
    work: W,
    ready: vec::IntoIter<Result<R, DatasetError>>,
}

impl<E: Executor, W, R> OfEachItem<E, W, R> {
    /// Opens the dataset at its first item.
    pub(crate) fn open(
        spec: &Arc<DatasetSpec>,
        executor: E,
        work: W,
    ) -> Result<Self, DatasetError> {
        let batches = ItemBatches::open(spec, executor)?;
        Ok(Self { batches, work, ready: Vec::new().into_iter() })
    }

    /// The same for work that makes so many things of each item: of fewer items at once.
    pub(crate) fn makes(mut self, things: usize) -> Self {
        self.batches.at_once = (E::AT_ONCE / things.max(1)).max(1);
        self
    }
}

impl<E: Executor, W: Fn(Item) -> R + Sync, R: Send> Iterator for OfEachItem<E, W, R> {
    type Item = Result<R, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(made) = self.ready.next() {
                return Some(made);
            }
            self.ready = self.batches.next(&self.work)?.into_iter();
        }
    }
}
