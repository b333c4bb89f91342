//! The folder of snapshots: files under the BLAKE3 of their bytes, and what was unpacked into which.
//!
//! A snapshot is written under another name, brought to the disk and renamed, so that runs at the same
//! time can share the folder and a killed one leaves nothing half written.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use evalmark_core::source::{Snapshot, SourceError};
use evalmark_store::durable::{self, NewFile, NewFileWriter};
use serde::{Deserialize, Serialize};

use super::{
    checksum::{Checksum, DigestWriter, Digests},
    unpack::{is_packed, unpack, unpacked_name},
};

/// The most bytes that a source may give, packed or not.
pub(crate) const MOST_BYTES: u64 = 2 << 30;

/// Version of the files in `index/`.
const FORMAT_VERSION: u32 = 1;

/// The folder of snapshots.
pub(crate) struct Snapshots {
    folder: PathBuf,
}

/// What a snapshot is told as.
pub(crate) struct Named<'a> {
    /// The file's name at its source.
    pub(crate) name: &'a str,
    /// Where it comes from, for messages.
    pub(crate) origin: String,
    /// Scheme, host and port; `None` for a file of this machine.
    pub(crate) server: Option<String>,
    /// The variables with the keys that the server gets.
    pub(crate) variables: &'a [String],
}

/// A file on its way from its source.
pub(crate) struct Receiving {
    file: NewFile,
    writer: DigestWriter<NewFileWriter>,
    n_bytes: u64,
}

/// A file as its source gave it, which has no name yet.
pub(crate) struct Received {
    file: NewFile,
    pub(crate) digests: Digests,
    pub(crate) n_bytes: u64,
}

/// What a file of `index/` holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    format_version: u32,
    /// Of the file as its source gave it.
    sha256: String,
    /// The same.
    blake3: String,
    /// BLAKE3 of the snapshot, and its name in `content/`.
    content: String,
    /// Where it was had first.
    origin: String,
    /// RFC 3339, UTC.
    fetched_at: String,
}

impl Snapshots {
    /// The snapshots in a cache folder, which need not be there yet.
    pub(crate) fn open(cache_dir: Option<&Path>) -> Result<Self, SourceError> {
        let Some(cache_dir) = cache_dir else {
            let hint = "name a folder for them: `EVALMARK_CACHE_DIR=DIR`";
            return Err(advised("cannot be unpacked or fetched without a cache folder", hint));
        };
        Ok(Self { folder: cache_dir.join("datasets") })
    }

    /// The snapshot of the file with these checksums, if it is kept and intact.
    pub(crate) fn find(&self, expected: &[Checksum], named: &Named<'_>) -> Option<Snapshot> {
        let bytes = fs::read(self.index(expected.first()?)).ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        let is_hash =
            kept.content.len() == 64 && kept.content.bytes().all(|b| b.is_ascii_hexdigit());
        let digests = Digests { sha256: kept.sha256, blake3: kept.blake3 };
        let fits = kept.format_version == FORMAT_VERSION && is_hash;
        if !fits || digests.check(expected).is_err() {
            return None;
        }
        let path = self.content(&kept.content);
        let is_intact = durable::digest(&path).is_ok_and(|digest| digest == kept.content);
        is_intact.then(|| snapshot(path, kept.content, kept.fetched_at, named))
    }

    /// The checksum that was noted for what is fetched by this key, 64 hexadecimal digits.
    pub(crate) fn noted(&self, key: &str) -> Option<Checksum> {
        let hex = fs::read_to_string(self.note_of(key)).ok()?;
        Checksum::of_params(None, Some(&hex)).ok()?.pop()
    }

    /// Notes that what is fetched by this key is the snapshot with this BLAKE3.
    pub(crate) fn note(&self, key: &str, blake3: &str) -> Result<(), SourceError> {
        durable::write(&self.note_of(key), blake3.as_bytes())
            .map_err(|error| self.unwritable(&error))
    }

    fn note_of(&self, key: &str) -> PathBuf {
        self.folder.join("index").join(format!("key-{key}"))
    }

    /// Begins to receive a file.
    pub(crate) fn receive(&self) -> Result<Receiving, SourceError> {
        for folder in [self.folder.join("index"), self.folder.join("content")] {
            private_folder(&folder).map_err(|error| self.unwritable(&error))?;
            durable::remove_leftovers(&folder);
        }
        let file = self.new_file("received")?;
        let writer = file.writer().map_err(|error| self.unwritable(&error))?;
        Ok(Receiving { file, writer: DigestWriter::new(writer), n_bytes: 0 })
    }

    /// Keeps a file, unpacked.
    pub(crate) fn keep(
        &self,
        received: Received,
        named: &Named<'_>,
    ) -> Result<Snapshot, SourceError> {
        let unwritable = |error: std::io::Error| self.unwritable(&error);
        let mut packed =
            BufReader::with_capacity(1 << 16, received.file.reader().map_err(unwritable)?);
        let (file, content) = if is_packed(packed.fill_buf().map_err(unwritable)?) {
            let file = self.new_file("unpacked")?;
            let mut writer = DigestWriter::new(file.writer().map_err(unwritable)?);
            unpack(packed, &mut writer, MOST_BYTES).map_err(|error| failed(error.to_string()))?;
            (file, writer.finish().blake3)
        } else {
            (received.file, received.digests.blake3.clone())
        };
        let path = self.content(&content);
        file.sync().and_then(|()| file.name_as(&path)).map_err(unwritable)?;
        let Digests { sha256, blake3 } = received.digests.clone();
        let kept = Kept {
            format_version: FORMAT_VERSION,
            sha256,
            blake3,
            content,
            origin: named.origin.clone(),
            fetched_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
        let text = serde_json::to_vec_pretty(&kept).map_err(|error| failed(error.to_string()))?;
        for checksum in received.digests.all() {
            durable::write(&self.index(&checksum), &text).map_err(unwritable)?;
        }
        Ok(snapshot(path, kept.content, kept.fetched_at, named))
    }

    /// Where snapshots are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn content(&self, hex: &str) -> PathBuf {
        self.folder.join("content").join(hex)
    }

    fn index(&self, Checksum { algorithm, hex }: &Checksum) -> PathBuf {
        self.folder.join("index").join(format!("{algorithm}-{hex}.json"))
    }

    fn new_file(&self, name: &str) -> Result<NewFile, SourceError> {
        NewFile::create(&self.content(name)).map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &std::io::Error) -> SourceError {
        failed(format!("cannot be kept in {}: {error}", self.folder.display()))
    }
}

impl Received {
    /// The bytes, in a file that has no name once this is gone.
    #[cfg(feature = "object-store")]
    pub(crate) fn into_reader(self) -> Result<fs::File, SourceError> {
        self.file.reader().map_err(|error| failed(format!("cannot be kept: {error}")))
    }
}

impl Receiving {
    /// The next bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.n_bytes += bytes.len() as u64;
        if self.n_bytes > MOST_BYTES {
            let message = format!("has more than {} MiB", MOST_BYTES >> 20);
            return Err(advised(
                &message,
                "put it next to the suite, unpacked, and name its `path`",
            ));
        }
        self.writer.write_all(bytes).map_err(|error| {
            let folder = self.file.path().parent().unwrap_or(Path::new(""));
            failed(format!("cannot be kept in {}: {error}", folder.display()))
        })
    }

    /// How many bytes came so far.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// All bytes are there.
    pub(crate) fn finish(self) -> Received {
        let Self { file, writer, n_bytes } = self;
        Received { file, digests: writer.finish(), n_bytes }
    }
}

fn snapshot(path: PathBuf, blake3: String, fetched_at: String, named: &Named<'_>) -> Snapshot {
    Snapshot {
        path,
        name: unpacked_name(named.name).to_owned(),
        origin: named.origin.clone(),
        server: named.server.clone(),
        variables: named.variables.to_vec(),
        blake3,
        fetched_at,
        note: None,
    }
}

/// Makes a folder, and those above it, its owner's alone; one that is there stays as it is.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// What went wrong, without advice.
pub(crate) fn failed(message: impl Into<String>) -> SourceError {
    SourceError::Failed { message: message.into(), hint: None }
}

/// What went wrong, and what to do about it.
pub(crate) fn advised(message: &str, hint: &str) -> SourceError {
    SourceError::Failed { message: message.to_owned(), hint: Some(hint.to_owned()) }
}
