//! `file`: a file of this machine, compressed or not.

use std::{
    io::{self, Read, Seek},
    path::Path,
};

use evalmark_core::{
    files::FileAccess,
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checksum::{Checksum, DigestWriter},
    definition::{About, DefineSource},
    snapshots::{Named, Snapshots, failed},
    unpack,
};

/// Parameters of `file`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The file, relative to the suite file.
    path: String,
    /// SHA-256 of the file as it is, before it is unpacked; what `sha256sum` prints.
    #[serde(default)]
    sha256: Option<String>,
    /// BLAKE3 of the file as it is, before it is unpacked; what `b3sum` prints.
    #[serde(default)]
    blake3: Option<String>,
}

#[derive(Debug)]
pub(crate) struct LocalFile {
    path: String,
    expected: Vec<Checksum>,
}

impl DefineSource for LocalFile {
    const ABOUT: About = About {
        name: "file",
        summary: "A file of this machine, as it is or compressed by gzip or zstd.",
        path_endings: unpack::ENDINGS,
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let expected = Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?;
        Ok(Self { path: params.path, expected })
    }

    fn origin(&self) -> String {
        self.path.clone()
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let path = context.folder.join(&self.path);
        let name = Path::new(&self.path).file_name().unwrap_or_default().to_string_lossy();
        let named =
            Named { name: &name, origin: path.display().to_string(), server: None, variables: &[] };
        let snapshots = Snapshots::open(context.cache_dir)?;
        keep(&path, &self.expected, &named, context.access, &snapshots)
    }
}

/// A file of this machine as a snapshot, unpacked.
pub(super) fn keep(
    path: &Path,
    expected: &[Checksum],
    named: &Named<'_>,
    access: &FileAccess,
    snapshots: &Snapshots,
) -> Result<Snapshot, SourceError> {
    let mut file = access.open(path).map_err(|error| failed(error.to_string()))?;
    let mut digests = DigestWriter::new(io::sink());
    io::copy(&mut file, &mut digests).map_err(|error| unreadable(&error))?;
    let digests = digests.finish();
    digests.check(expected).map_err(|error| failed(error.to_string()))?;
    if let Some(snapshot) = snapshots.find(&digests.all(), named) {
        return Ok(snapshot);
    }
    let mut receiving = snapshots.receive()?;
    file.rewind().map_err(|error| unreadable(&error))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(|error| unreadable(&error))? {
            0 => break,
            read => receiving.write(&buffer[..read])?,
        }
    }
    let received = receiving.finish();
    if received.digests != digests {
        return Err(failed("changed while it was read"));
    }
    snapshots.keep(received, named)
}

fn unreadable(error: &io::Error) -> SourceError {
    failed(format!("cannot be read: {error}"))
}
