//! The pages of one row group, decoded into columns: of the file itself, mapped into memory, or of a copy
//! where somebody may write to the file meanwhile. Where a mapped file is cut, its reader is killed.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    ops::Range,
};

use polars_arrow::{
    array::{Array, new_null_array},
    compute::concatenate::concatenate,
    datatypes::{ArrowDataType, DTYPE_CATEGORICAL_NEW, Field, IntegerType},
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

/// The most bytes of a row group, as it is packed, that are copied into memory; a temporary file takes others.
const MOST_COPIED: u64 = 64 << 20;

/// What is said where bytes are not there that the footer promises.
const CUT_OFF: &str = "it was cut off, or is damaged";

/// What a row group's pages are decoded from, as they are asked for.
pub(super) struct Pages {
    bytes: Buffer<u8>,
    /// Where the bytes of a column begin, by where they do in the file; `None` where that is the same.
    copied: Option<BTreeMap<u64, u64>>,
}

impl Pages {
    /// Maps the file into memory for as long as this lives. Nobody else may write to it.
    pub(super) fn map(file: &File) -> Result<Self, Box<dyn Error>> {
        let bytes = Buffer::from_owner(MMapSemaphore::new_from_file(file)?);
        Ok(Self { bytes, copied: None })
    }

    /// Copies these columns of a row group, which then stay what they are.
    pub(super) fn copy<'a>(
        file: &File,
        group: &RowGroupMetadata,
        fields: impl IntoIterator<Item = &'a Field>,
    ) -> io::Result<Self> {
        Self::copy_within(MOST_COPIED, file, group, fields)
    }

    /// The same with another bound of what memory holds.
    fn copy_within<'a>(
        most: u64,
        file: &File,
        group: &RowGroupMetadata,
        fields: impl IntoIterator<Item = &'a Field>,
    ) -> io::Result<Self> {
        let chunks = fields.into_iter().filter_map(|of| group.columns_under_root_iter(&of.name));
        let ranges: Vec<_> = chunks.flatten().map(ColumnChunkMetadata::byte_range).collect();
        let (mut copied, mut n_bytes) = (BTreeMap::new(), 0);
        for range in &ranges {
            copied.insert(range.start, n_bytes);
            n_bytes += range.end - range.start;
        }
        if n_bytes > file.metadata()?.len() {
            // No writer has columns that share bytes, and copies of them could fill any disk.
            return Err(io::Error::new(io::ErrorKind::InvalidData, CUT_OFF));
        }
        let copied = Some(copied);
        if n_bytes <= most {
            let mut bytes = Vec::with_capacity(usize::try_from(n_bytes).unwrap_or_default());
            ranges.iter().try_for_each(|range| copy_range(file, range, &mut bytes))?;
            return Ok(Self { bytes: bytes.into(), copied });
        }
        let mut scratch = tempfile::tempfile()?;
        ranges.iter().try_for_each(|range| copy_range(file, range, &mut scratch))?;
        let map = MMapSemaphore::new_from_file(&scratch).map_err(io::Error::other)?;
        Ok(Self { bytes: Buffer::from_owner(map), copied })
    }

    /// These rows of one column. A column that the row group lacks is null.
    pub(super) fn column(
        &self,
        group: &RowGroupMetadata,
        field: &Field,
        rows: Range<usize>,
    ) -> Result<Column, Box<dyn Error>> {
        let (name, n) = (field.name.to_string(), rows.len());
        let Some(chunks) = group.columns_under_root_iter(&field.name) else {
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

    /// The same column with the places of its texts in the row group's dictionary; `None` where it has none, or
    /// does not hold texts.
    pub(super) fn codes(group: &RowGroupMetadata, field: &Field) -> Option<Field> {
        let is_text = *field.dtype() == ArrowDataType::Utf8View;
        let mut chunks = group.columns_under_root_iter(&field.name).filter(|_| is_text)?;
        let has_dictionary = chunks.all(|chunk| chunk.dictionary_page_offset().is_some());
        let texts = Box::new(ArrowDataType::Utf8View);
        let dtype = ArrowDataType::Dictionary(IntegerType::UInt32, texts, false);
        // Only what Polars calls categorical is read without its texts.
        let mark = BTreeMap::from([(DTYPE_CATEGORICAL_NEW.into(), "".into())]);
        has_dictionary.then(|| Field::new(field.name.clone(), dtype, true).with_metadata(mark))
    }

    fn decompress(&self, chunk: &ColumnChunkMetadata) -> Result<BasicDecompressor, Box<dyn Error>> {
        let Range { start, end } = chunk.byte_range();
        let at = match &self.copied {
            None => start,
            Some(copied) => *copied.get(&start).ok_or("a column was not read")?,
        };
        let range = usize::try_from(at)?..usize::try_from(at + (end - start))?;
        if range.end > self.bytes.len() {
            return Err(CUT_OFF.into());
        }
        let bytes = self.bytes.clone().sliced(range);
        let pages = PageReader::new(Cursor::new(bytes), chunk, Vec::new(), MOST_OF_PAGE);
        Ok(BasicDecompressor::new(pages, Vec::new()))
    }
}

/// Appends this part of a file, all of it.
fn copy_range(mut file: &File, range: &Range<u64>, to: &mut impl io::Write) -> io::Result<()> {
    let n_bytes = range.end - range.start;
    file.seek(SeekFrom::Start(range.start))?;
    if io::copy(&mut file.take(n_bytes), to)? < n_bytes {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CUT_OFF));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use polars_parquet::read::{infer_schema, read_metadata};

    use super::*;
    use crate::columns::SAMPLES;

    #[test]
    fn a_copy_is_the_same_in_memory_and_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("samples.parquet");
        super::super::tests::write(&path, &SAMPLES, "", &["epoch"]);
        let mut file = File::open(&path).expect("a file");
        let metadata = read_metadata(&mut file).expect("a footer");
        let schema = infer_schema(&metadata).expect("a schema");
        let group = &metadata.row_groups[0];
        let mapped = Pages::map(&file).expect("mapped");
        for most in [0, u64::MAX] {
            // Some of the columns, in any order.
            let fields: Vec<&Field> = schema.iter_values().skip(1).step_by(2).collect();
            let copied = Pages::copy_within(most, &file, group, fields.iter().copied());
            let copied = copied.expect("copied");
            for field in &fields {
                let column = |pages: &Pages| pages.column(group, field, 0..1).expect("a column");
                assert_eq!(column(&copied).values, column(&mapped).values, "{}", field.name);
            }
        }
    }
}
