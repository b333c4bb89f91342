//! Row groups on their way to a file: each is encoded and compressed on all cores, column by column, while the next one is
//! filled, and written in its turn. The bytes are the same on any number of threads.

use std::{
    collections::VecDeque,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use polars_arrow::array::Array;
use polars_buffer::Buffer as Shared;
use polars_parquet::write::{
    CompressedPage, DynIter, DynStreamingIterator, Encoding, FileWriter, ParquetType, WriteOptions,
    array_to_columns, compress, fallible_streaming_iterator::convert,
};
use rayon::prelude::*;

use super::buffer::Buffer;

/// Row groups that are encoded while another one is filled.
const AHEAD: usize = 1;

/// A row group with fewer cells is encoded at once: handing it over would take longer.
const FEW_CELLS: usize = 1 << 14;

/// How row groups of a file are encoded.
struct Encoder {
    encodings: Shared<Vec<Encoding>>,
    types: Vec<ParquetType>,
    options: WriteOptions,
}

/// A row group, ready to be written.
struct Encoded {
    rows: u64,
    /// The pages of each leaf column.
    columns: Vec<Vec<CompressedPage>>,
}

/// What became of a row group; a panic is passed on.
type Outcome = thread::Result<Result<Encoded, String>>;

/// The row groups of a file that are not written yet, in their order.
pub(super) struct RowGroups {
    encoder: Arc<Encoder>,
    coming: VecDeque<Receiver<Outcome>>,
}

impl RowGroups {
    /// Those of a file with such columns.
    pub(super) fn new(
        encodings: Shared<Vec<Encoding>>,
        types: Vec<ParquetType>,
        options: WriteOptions,
    ) -> Self {
        let encoder = Arc::new(Encoder { encodings, types, options });
        Self { encoder, coming: VecDeque::new() }
    }

    /// Takes in the next row group, and writes those whose turn it is.
    pub(super) fn push<W: Write>(
        &mut self,
        (rows, buffers): (usize, Vec<Buffer>),
        writer: &mut FileWriter<W>,
    ) -> Result<(), String> {
        let encoder = self.encoder.clone();
        // A thread of the pool must not wait for the pool.
        if rows * buffers.len() < FEW_CELLS || rayon::current_thread_index().is_some() {
            self.finish(writer)?;
            return encoder.encode(rows, buffers)?.write(writer);
        }
        let (send, receive) = sync_channel(1);
        rayon::spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| encoder.encode_on_all(rows, buffers)));
            // Whoever does not wait for it has ended with an error.
            let _ = send.send(outcome);
        });
        self.coming.push_back(receive);
        self.write_until(AHEAD, writer)
    }

    /// Writes all that are left.
    pub(super) fn finish<W: Write>(&mut self, writer: &mut FileWriter<W>) -> Result<(), String> {
        self.write_until(0, writer)
    }

    fn write_until<W: Write>(
        &mut self,
        left: usize,
        writer: &mut FileWriter<W>,
    ) -> Result<(), String> {
        while self.coming.len() > left {
            let Some(next) = self.coming.pop_front() else { break };
            let encoded = next.recv().map_err(|_| "encoding has ended".to_owned())?;
            encoded.unwrap_or_else(|panic| resume_unwind(panic))?.write(writer)?;
        }
        Ok(())
    }
}

impl Encoder {
    fn encode(&self, rows: usize, buffers: Vec<Buffer>) -> Result<Encoded, String> {
        let columns = buffers.into_iter().enumerate();
        let columns = columns.map(|(place, buffer)| self.column(place, buffer.finish()));
        Ok(Encoded::new(rows, columns.collect::<Result<_, _>>()?))
    }

    fn encode_on_all(&self, rows: usize, buffers: Vec<Buffer>) -> Result<Encoded, String> {
        let columns = buffers.into_par_iter().enumerate();
        let columns = columns.map(|(place, buffer)| self.column(place, buffer.finish()));
        Ok(Encoded::new(rows, columns.collect::<Result<_, _>>()?))
    }

    /// The leaf columns of one column.
    fn column(
        &self,
        place: usize,
        array: Box<dyn Array>,
    ) -> Result<Vec<Vec<CompressedPage>>, String> {
        let (types, encodings) = (self.types[place].clone(), &self.encodings[place]);
        let leaves = array_to_columns(array, types, self.options, encodings);
        let leaves = leaves.map_err(|error| error.to_string())?.into_iter();
        let leaves = leaves.map(|leaf| {
            let pages = leaf.map(|page| {
                let page = page.map_err(|error| error.to_string())?;
                let compressed = compress(page, Vec::new(), self.options.compression);
                compressed.map(without_spare_room).map_err(|error| error.to_string())
            });
            pages.collect()
        });
        leaves.collect()
    }
}

/// A compressed page waits for its turn to be written; it has the room that it would need uncompressed.
fn without_spare_room(mut page: CompressedPage) -> CompressedPage {
    if let CompressedPage::Data(page) = &mut page {
        page.slice_mut().to_mut().shrink_to_fit();
    }
    page
}

impl Encoded {
    fn new(rows: usize, columns: Vec<Vec<Vec<CompressedPage>>>) -> Self {
        Self { rows: rows as u64, columns: columns.into_iter().flatten().collect() }
    }

    fn write<W: Write>(&self, writer: &mut FileWriter<W>) -> Result<(), String> {
        let columns = self.columns.iter();
        let columns =
            columns.map(|pages| Ok(DynStreamingIterator::new(convert(pages.iter().map(Ok)))));
        writer.write(self.rows, DynIter::new(columns)).map_err(|error| error.to_string())
    }
}
