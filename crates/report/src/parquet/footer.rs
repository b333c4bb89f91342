//! The footer of a Parquet file: what it promises is checked before anything is read by it.

use std::{
    error::Error,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use polars_arrow::datatypes::ArrowSchema;
use polars_parquet::read::{FileMetadata, infer_schema, read_metadata};

use super::{footer_checksum, panic_guard::guarded};

/// What a footer says.
pub(super) struct Footer {
    pub(super) metadata: FileMetadata,
    pub(super) schema: ArrowSchema,
    pub(super) written: Option<ArrowSchema>,
}

/// Reads the footer and checks its promises against the size of the file.
pub(super) fn footer(file: &mut File, file_size: u64) -> Result<Footer, Box<dyn Error>> {
    if file_size == 0 {
        return Err("it is empty".into());
    }
    if is_cut_off(file, file_size)? {
        return Err(format!("it is cut off at byte {file_size}: its footer is missing").into());
    }
    let mut metadata = read_metadata(file)?;
    footer_checksum::check(file, &metadata)?;
    let written = guarded(|| infer_schema(&metadata)).ok();
    // What the writer's Arrow types were does not matter here, and without them a dictionary is
    // plain text.
    metadata.key_value_metadata = None;
    for group in &metadata.row_groups {
        if group.byte_ranges_iter().any(|range| range.start > range.end || range.end > file_size) {
            return Err("its footer points beyond the end of the file".into());
        }
    }
    let schema = infer_schema(&metadata)?;
    Ok(Footer { metadata, schema, written })
}

/// Whether a file begins as Parquet does and does not end so.
fn is_cut_off(file: &mut File, file_size: u64) -> io::Result<bool> {
    const MAGIC: &[u8] = b"PAR1";
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    file.seek(SeekFrom::Start(0))?;
    file.take(4).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(file_size.saturating_sub(4)))?;
    file.take(4).read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(head == MAGIC && tail != MAGIC)
}
