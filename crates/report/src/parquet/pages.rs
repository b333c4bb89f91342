//! The pages of one row group in a mapped file, decoded into columns.

use std::{error::Error, fs::File, io::Cursor, ops::Range};

use polars_arrow::{
    array::{Array, new_null_array},
    compute::concatenate::concatenate,
    datatypes::Field,
};
use polars_buffer::Buffer;
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, Filter, PageReader, RowGroupMetadata,
    column_iter_to_arrays,
};
use polars_utils::mmap::MMapSemaphore;

use super::typed_columns::Column;

/// The most bytes of a page, as it is packed. The format's lengths are of 32 bits, and so is what is unpacked.
const MOST_OF_PAGE: usize = 1 << 30;

/// A row group whose pages are read as they are asked for.
pub(super) struct Pages<'a> {
    file: Buffer<u8>,
    group: &'a RowGroupMetadata,
}

impl<'a> Pages<'a> {
    /// Maps the file into memory for as long as this lives.
    pub(super) fn map(file: &File, group: &'a RowGroupMetadata) -> Result<Self, Box<dyn Error>> {
        let file = Buffer::from_owner(MMapSemaphore::new_from_file(file)?);
        Ok(Self { file, group })
    }

    /// These rows of one column. A column that the row group lacks is null.
    pub(super) fn column(
        &self,
        field: &Field,
        rows: Range<usize>,
    ) -> Result<Column, Box<dyn Error>> {
        let (name, n) = (field.name.to_string(), rows.len());
        let Some(chunks) = self.group.columns_under_root_iter(&field.name) else {
            return Ok(Column { name, values: new_null_array(field.dtype().clone(), n) });
        };
        let (mut pages, mut types) = (Vec::new(), Vec::new());
        for chunk in chunks {
            pages.push(self.decompress(chunk)?);
            types.push(&chunk.descriptor().descriptor.primitive_type);
        }
        let filter = Filter::new_ranged(rows.start, rows.end);
        let (mut parts, _) = column_iter_to_arrays(pages, types, field.clone(), Some(filter))?;
        let values = match parts.len() {
            1 => parts.remove(0),
            _ => concatenate(&parts.iter().map(|part| &**part).collect::<Vec<&dyn Array>>())?,
        };
        if values.len() != n {
            return Err("a row group has fewer rows than it says".into());
        }
        Ok(Column { name, values })
    }

    fn decompress(&self, chunk: &ColumnChunkMetadata) -> Result<BasicDecompressor, Box<dyn Error>> {
        let Range { start, end } = chunk.byte_range();
        let bytes = self.file.clone().sliced(usize::try_from(start)?..usize::try_from(end)?);
        let pages = PageReader::new(Cursor::new(bytes), chunk, Vec::new(), MOST_OF_PAGE);
        Ok(BasicDecompressor::new(pages, Vec::new()))
    }
}
