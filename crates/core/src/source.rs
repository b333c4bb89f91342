//! Sources of datasets, as the reader of suites needs to know them. Whoever reads suites hands the
//! catalog over: no source is named here, and nothing here opens a connection.

use std::{
    collections::HashMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use serde_json::Value;
use url::Url;

use crate::{files::FileAccess, metric::ParamError};

/// A kind of source that a suite can name under `dataset.source`.
#[derive(Clone, Copy, Debug)]
pub struct SourceKind {
    /// The key that it is written under.
    pub name: &'static str,
    /// Where the data comes from, in a sentence.
    pub summary: &'static str,
    /// JSON Schema of its parameters.
    pub schema: fn() -> Value,
    /// Endings of file names, without the dot, that `dataset.path` may have because this source reads
    /// such files; it is then opened with `{"path": PATH}`.
    pub path_endings: &'static [&'static str],
    /// Checks its parameters. Pointers of errors are relative to them.
    pub open: fn(&Value) -> Result<Box<dyn DatasetSource>, ParamError>,
}

/// A source whose parameters are checked.
pub trait DatasetSource {
    /// What messages call it: a path or address, without anything secret.
    fn origin(&self) -> String;

    /// A local copy of its data, fetched where that is needed and allowed.
    fn snapshot(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError>;
}

/// What a source may use.
#[derive(Clone, Copy)]
pub struct SourceContext<'a> {
    /// The suite's folder, where relative paths start.
    pub folder: &'a Path,
    /// Which files of this machine the suite may read.
    pub access: &'a FileAccess,
    /// The folder that snapshots, among others, are kept in; `None` where the user has none.
    pub cache_dir: Option<&'a Path>,
    /// Whether data that is not on this machine may be fetched.
    pub may_fetch: bool,
    /// Where keys come from.
    pub keys: &'a dyn SourceKeys,
}

/// Where a source's keys come from. The user says which server may have one; a suite, which may be a
/// stranger's, only names them.
pub trait SourceKeys: Sync {
    /// What the variable of this name holds, if the user lets it go to this server.
    fn key(&self, variable: &str, server: &Url) -> Result<String, SourceError>;

    /// Whether there is a key in the variable of this name; it says nothing of whom it may go to.
    fn is_set(&self, _variable: &str) -> bool {
        false
    }

    /// What the environment says of a cloud's credentials, if the user lets those that `variable` stands
    /// for be used with this server.
    fn cloud(&self, variable: &str, server: &Url) -> Result<CloudEnvironment, SourceError> {
        self.key(variable, server).map(|_| CloudEnvironment::default())
    }
}

/// What the environment says of a cloud's credentials, and what may be done to find them.
#[derive(Clone, Default)]
pub struct CloudEnvironment {
    /// The variables that say what credentials there are, or where.
    pub variables: HashMap<String, String>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Whether a program that a profile names may be run.
    pub may_run_programs: bool,
    /// The variables that such a program sees.
    pub program_variables: Vec<(OsString, OsString)>,
}

/// No keys for anybody.
#[derive(Clone, Copy, Debug)]
pub struct NoKeys;

impl SourceKeys for NoKeys {
    fn key(&self, variable: &str, _: &Url) -> Result<String, SourceError> {
        let message = format!("needs the key in {variable}, and there are no keys here");
        Err(SourceError::Failed { message, hint: None })
    }
}

/// A local copy of what a source gave, which nobody changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The file, unpacked.
    pub path: PathBuf,
    /// The file's name at its source, without an ending that says how it is compressed: it tells the
    /// format.
    pub name: String,
    /// What messages call it: a path or address.
    pub origin: String,
    /// The server that it comes from: scheme, host and port; `None` for a file of this machine.
    pub server: Option<String>,
    /// The variables with the keys that the server gets.
    pub variables: Vec<String>,
    /// BLAKE3 of the unpacked bytes, 64 hexadecimal digits.
    pub blake3: String,
    /// When it was fetched or unpacked: RFC 3339, UTC.
    pub fetched_at: String,
    /// What to tell the user, where it was fetched just now.
    pub note: Option<String>,
}

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It is not on this machine, and may not be fetched.
    #[error("is not on this machine yet")]
    NotHere,
    /// It cannot be had, or is not what the suite says.
    #[error("{message}")]
    Failed {
        /// What is wrong; it is told behind the origin.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// Where datasets come from that are no plain files.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The kinds of sources that exist.
    pub kinds: &'a [SourceKind],
    /// The folder that snapshots, among others, are kept in; `None` where the user has none.
    pub cache_dir: Option<&'a Path>,
    /// Whether data that is not on this machine may be fetched.
    pub may_fetch: bool,
    /// Where keys come from.
    pub keys: &'a dyn SourceKeys,
}

impl Sources<'_> {
    /// Plain files alone.
    pub const NONE: Sources<'static> =
        Sources { kinds: &[], cache_dir: None, may_fetch: false, keys: &NoKeys };
}

impl fmt::Debug for CloudEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudEnvironment").field("home", &self.home).finish_non_exhaustive()
    }
}

impl fmt::Debug for SourceContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceContext").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.kinds.iter().map(|kind| kind.name).collect();
        f.debug_struct("Sources").field("kinds", &names).finish_non_exhaustive()
    }
}
