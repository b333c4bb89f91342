//! The checksum of a file: its footer holds a hash of the pages, so that damage is found before polars
//! reads what it would believe.

use std::{
    error::Error,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::{Arc, Mutex, PoisonError},
};

use polars_parquet::{read::FileMetadata, write::KeyValue};

/// Where the footer holds it: `BYTES:BLAKE3`.
const KEY: &str = "evalmark.blake3";

/// The hash so far.
#[derive(Clone, Default)]
pub(super) struct FooterChecksum(Arc<Mutex<Hashed>>);

#[derive(Default)]
struct Hashed {
    hasher: blake3::Hasher,
    bytes: u64,
}

impl FooterChecksum {
    /// The entry of the footer, over everything that was written until now.
    pub(super) fn entry(&self) -> KeyValue {
        let hashed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = format!("{}:{}", hashed.bytes, hashed.hasher.finalize());
        KeyValue { key: KEY.to_owned(), value: Some(value) }
    }

    /// BLAKE3 of everything that was written until now.
    pub(super) fn digest(&self) -> String {
        let hashed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hashed.hasher.finalize().to_hex().to_string()
    }
}

/// A writer that hashes what goes through it.
pub(super) struct ChecksumWriter<W> {
    inner: W,
    checksum: FooterChecksum,
}

impl<W> ChecksumWriter<W> {
    pub(super) fn new(inner: W, checksum: FooterChecksum) -> Self {
        Self { inner, checksum }
    }
}

impl<W: Write> Write for ChecksumWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        let mut hashed = self.checksum.0.lock().unwrap_or_else(PoisonError::into_inner);
        hashed.hasher.update(&buffer[..written]);
        hashed.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Fails where a file is not what its checksum says. Files of other tools have none.
pub(super) fn check(file: &mut File, metadata: &FileMetadata) -> Result<(), Box<dyn Error>> {
    let entries = metadata.key_value_metadata.iter().flatten();
    let Some(entry) = entries.into_iter().find(|entry| entry.key == KEY) else { return Ok(()) };
    let value = entry.value.as_deref().unwrap_or_default();
    let Some((bytes, hash)) = value.split_once(':') else {
        return Err("its footer is damaged".into());
    };
    let mut hasher = blake3::Hasher::new();
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut file.take(bytes.parse().unwrap_or(u64::MAX)), &mut hasher)?;
    if hasher.finalize().to_hex().as_str() != hash {
        return Err("its content is not what was written".into());
    }
    Ok(())
}
