//! A folder with a suite's files, and a cache.

use std::{fs, io::Write, path::PathBuf};

use evalmark_core::{
    files::FileAccess,
    metric::ParamError,
    source::{DatasetSource, NoKeys, Snapshot, SourceContext, SourceError, SourceKeys},
};
use evalmark_integrations::sources::catalog;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ROWS: &[u8] = b"id,text,label\n1,a,x\n2,b,y\n";

pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) access: FileAccess,
    pub(crate) cache_dir: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("suites")).expect("a folder");
        let suite = folder.path().join("suites/suite.yaml");
        let access = FileAccess::of_suite(&suite, &[]).expect("a folder");
        let cache_dir = folder.path().join("cache");
        Self { folder, access, cache_dir }
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join("suites").join(name), bytes).expect("written");
    }

    /// Asks a source for its snapshot.
    pub(crate) fn resolve(
        &self,
        source: &str,
        params: &Value,
        may_fetch: bool,
    ) -> Result<Snapshot, SourceError> {
        self.resolve_with(source, params, may_fetch, &NoKeys)
    }

    /// The same of a source that needs a key.
    pub(crate) fn resolve_with(
        &self,
        source: &str,
        params: &Value,
        may_fetch: bool,
        keys: &dyn SourceKeys,
    ) -> Result<Snapshot, SourceError> {
        let context = SourceContext {
            folder: &self.folder.path().join("suites"),
            access: &self.access,
            cache_dir: Some(&self.cache_dir),
            may_fetch,
            keys,
        };
        open(source, params).expect("good parameters").snapshot(&context)
    }

    /// Every file of the cache.
    pub(crate) fn cached(&self) -> Vec<PathBuf> {
        let files = |folder: &str| {
            let entries = fs::read_dir(self.cache_dir.join("datasets").join(folder));
            entries.into_iter().flatten().map(|entry| entry.expect("an entry").path())
        };
        files("content").chain(files("index")).collect()
    }
}

pub(crate) fn open(source: &str, params: &Value) -> Result<Box<dyn DatasetSource>, ParamError> {
    let kind = catalog().iter().find(|kind| kind.name == source).expect(source);
    (kind.open)(params)
}

/// What a failure says, advice included.
#[track_caller]
pub(crate) fn failure(result: Result<Snapshot, SourceError>) -> String {
    match result.expect_err("a failure") {
        SourceError::NotHere => SourceError::NotHere.to_string(),
        SourceError::Failed { message, hint } => format!("{message}; {}", hint.unwrap_or_default()),
    }
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory")
}

pub(crate) fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).expect("memory")
}

pub(crate) fn blake3(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
