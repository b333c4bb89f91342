//! Where small documents are kept by name: run records, calibrations, and the lists of what there is.

use std::io;

/// A place that keeps documents by key: names joined by `/`, such as `suite/run-1/run.json`.
///
/// A document is whole or not there, also after a crash. The one implementation is a
/// [`LocalFolder`](crate::LocalFolder).
pub trait Blobs {
    /// The document of this key; `None` where there is none.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError>;

    /// Keeps a document in place of what the key named before.
    fn put(&self, key: &str, content: &[u8]) -> Result<(), BlobError>;

    /// Keeps a document unless the key names one: of several who try at once, one wins.
    fn put_if_absent(&self, key: &str, content: &[u8]) -> Result<PutOutcome, BlobError>;

    /// The names directly under a prefix, which is empty or ends in `/`, sorted: those of documents,
    /// and, with a final `/`, of what more keys begin with. Names that begin with a dot are left out:
    /// they are being written.
    fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError>;

    /// Where a key's document is, as people are told: a path or address.
    fn place(&self, key: &str) -> String;
}

/// What became of a document that should not replace another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is kept.
    Written,
    /// The key named one already, which stays.
    AlreadyThere,
}

/// A document that could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It could not be read, or what is there not be listed.
    #[error("{place} cannot be read")]
    Read {
        /// Where it is: a path or address.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// It could not be written.
    #[error("{place} cannot be written")]
    Write {
        /// Where it belongs: a path or address.
        place: String,
        /// Why.
        source: io::Error,
    },
}

impl BlobError {
    /// Why, without where.
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => source,
        }
    }
}
