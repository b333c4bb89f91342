//! The folder of releases: its environments, and the right to change them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    environment::EnvironmentState,
    error::ReleasesError,
    objects::{self, make_folders, read_bounded, sha256_hex},
    record::{RELEASE_FORMAT, ReleaseFile, ReleaseRecord},
};
use crate::{audit::AuditHold, durable};

/// The folder of texts.
const OBJECTS: &str = "objects";

/// The folder of what waits for approval.
pub(super) const PROPOSALS: &str = "proposals";

/// The digits of a release's number in the name of its file.
const DIGITS: usize = 6;

/// What git must know of the folder: no line end is changed in it, and a lock is nobody else's.
const FOR_GIT: [(&str, &str); 2] =
    [(".gitattributes", "* -text\n"), (".gitignore", ".lock\n.*.partial\n")];

/// A folder of releases, which may not be there yet.
#[derive(Clone, Debug)]
pub struct ReleasesFolder {
    /// Where it is.
    pub path: PathBuf,
}

/// The right to change a folder of releases, until it is dropped. Others wait for it.
#[derive(Debug)]
pub struct ReleasesLock(#[expect(dead_code, reason = "it locks as long as it is open")] File);

impl ReleasesFolder {
    /// The folder at this path.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where texts are kept.
    pub(super) fn objects(&self) -> PathBuf {
        self.path.join(OBJECTS)
    }

    /// `ENV.json`.
    pub fn state_file(&self, environment: &str) -> PathBuf {
        self.path.join(format!("{environment}.json"))
    }

    /// The file of a release.
    pub fn release_file(&self, environment: &str, release: u64) -> PathBuf {
        self.path.join(environment).join(format!("{release:0DIGITS$}.json"))
    }

    /// Keeps the bytes of a file, and returns their SHA-256.
    pub fn keep(&self, bytes: &[u8]) -> Result<String, ReleasesError> {
        self.prepare()?;
        objects::keep(&self.objects(), bytes)
    }

    /// The bytes of this SHA-256, as they were kept.
    pub fn bytes(&self, sha256: &str) -> Result<Vec<u8>, ReleasesError> {
        objects::read(&self.objects(), sha256)
    }

    /// Names of the environments that have released something, sorted.
    pub fn environments(&self) -> Result<Vec<String>, ReleasesError> {
        let mut found: Vec<_> = names(&self.path)?
            .into_iter()
            .filter(|(name, is_folder)| *is_folder && name != OBJECTS && name != PROPOSALS)
            .map(|(name, _)| name)
            .collect();
        let states = names(&self.path)?.into_iter().filter(|(_, is_folder)| !is_folder);
        found.extend(states.filter_map(|(name, _)| Some(name.strip_suffix(".json")?.to_owned())));
        found.sort();
        found.dedup();
        // The audit log lies there, too, and its signed end.
        found.retain(|name| !name.starts_with('.') && !name.starts_with("audit."));
        Ok(found)
    }

    /// The numbers of an environment's releases, in order.
    pub fn releases(&self, environment: &str) -> Result<Vec<u64>, ReleasesError> {
        let number = |name: &str| {
            let digits = name.strip_suffix(".json")?;
            let is_number = digits.len() >= DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| digits.parse::<u64>().ok())?
        };
        let files = names(&self.path.join(environment))?;
        let mut found: Vec<_> = files.iter().filter_map(|(name, _)| number(name)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The file of a release, and the SHA-256 of its bytes.
    pub fn release(
        &self,
        environment: &str,
        release: u64,
    ) -> Result<(ReleaseFile, String), ReleasesError> {
        let path = self.release_file(environment, release);
        let bytes = read_bounded(&path)?;
        let sha256 = sha256_hex(&bytes);
        Ok((parse(&path, &bytes)?, sha256))
    }

    /// The record of a release, and the SHA-256 of its file.
    pub fn record(
        &self,
        environment: &str,
        release: u64,
    ) -> Result<(ReleaseRecord, String), ReleasesError> {
        let (file, sha256) = self.release(environment, release)?;
        let path = self.release_file(environment, release);
        Ok((record_of(&file, &path)?, sha256))
    }

    /// What an environment has released now: as `ENV.json` says, and where a release was written and that could not be
    /// brought up to date any more, with what is newer.
    pub fn state(&self, environment: &str) -> Result<EnvironmentState, ReleasesError> {
        let path = self.state_file(environment);
        let mut state = match read_bounded(&path) {
            Ok(bytes) => parse::<EnvironmentState>(&path, &bytes)?,
            Err(ReleasesError::Missing(_)) => EnvironmentState::empty(environment),
            Err(error) => return Err(error),
        };
        if state.format_version > RELEASE_FORMAT {
            return Err(ReleasesError::Later { path, version: state.format_version.into() });
        }
        let mut newer = self.releases(environment)?;
        newer.retain(|number| *number > state.release);
        for release in newer {
            let (record, sha256) = self.record(environment, release)?;
            state.follow(&record, &sha256);
        }
        Ok(state)
    }

    /// What an environment had after an earlier release.
    pub fn state_at(
        &self,
        environment: &str,
        release: u64,
    ) -> Result<EnvironmentState, ReleasesError> {
        let mut state = EnvironmentState::empty(environment);
        for number in 1..=release {
            let (record, sha256) = self.record(environment, number)?;
            state.follow(&record, &sha256);
        }
        Ok(state)
    }

    /// What the newest release of each environment says of the audit log.
    pub fn audit_holds(&self) -> Result<Vec<AuditHold>, ReleasesError> {
        let mut found = Vec::new();
        for environment in self.environments()? {
            let Some(newest) = self.releases(&environment)?.pop() else { continue };
            let (file, _) = self.release(&environment, newest)?;
            let record = record_of(&file, &self.release_file(&environment, newest))?;
            found.push(AuditHold {
                name: format!("release {newest} of {environment}"),
                record_sha256: file.record_sha256(),
                end: record.audit,
            });
        }
        Ok(found)
    }

    /// The content hash of each prompt that is released now, by prompt and environment.
    pub fn released_hashes(
        &self,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, ReleasesError> {
        let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for environment in self.environments()? {
            for (prompt, standing) in self.state(&environment)?.prompts {
                let of_prompt = found.entry(prompt).or_default();
                of_prompt.insert(environment.clone(), standing.prompt.hash);
            }
        }
        Ok(found)
    }

    /// Keeps other processes from changing the folder, which is made where it is missing; waits for them.
    pub fn lock(&self) -> Result<ReleasesLock, ReleasesError> {
        self.prepare()?;
        let path = self.path.join(".lock");
        let cannot = |source| ReleasesError::Unwritable { path: path.clone(), source };
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            return Err(ReleasesError::NoFile(path));
        }
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(cannot)?;
        match file.lock() {
            // On a file system without locks, the name of a release's file still goes to one only.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            locked => locked.map_err(cannot)?,
        }
        Ok(ReleasesLock(file))
    }

    /// Makes the folder, with what git must know of it.
    fn prepare(&self) -> Result<(), ReleasesError> {
        let cannot = |path: &Path| {
            let path = path.to_owned();
            move |source| ReleasesError::Unwritable { path, source }
        };
        make_folders(&self.path).map_err(cannot(&self.path))?;
        for (name, line) in FOR_GIT {
            let path = self.path.join(name);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
                Err(error) => return Err(cannot(&path)(error)),
            };
            if !text.contains(line.trim_end()) {
                // What stands lower counts more: the lines of others stay below.
                durable::write(&path, format!("{line}{text}").as_bytes()).map_err(cannot(&path))?;
            }
        }
        Ok(())
    }
}

/// A document of releases, of a version that is read here.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, ReleasesError> {
    serde_json::from_slice(bytes).map_err(|error| {
        if bytes.starts_with(b"<<<<<<<") || bytes.windows(8).any(|part| part == b"\n<<<<<<<") {
            return ReleasesError::Conflict(path.to_owned());
        }
        ReleasesError::Wrong { path: path.to_owned(), why: error.to_string() }
    })
}

/// The record in a file of a release.
pub(super) fn record_of(file: &ReleaseFile, path: &Path) -> Result<ReleaseRecord, ReleasesError> {
    let wrong = |why: String| ReleasesError::Wrong { path: path.to_owned(), why };
    let record = file.record().map_err(|error| wrong(error.to_string()))?;
    if record.format_version > RELEASE_FORMAT {
        let version = record.format_version.into();
        return Err(ReleasesError::Later { path: path.to_owned(), version });
    }
    Ok(record)
}

/// Names of the files and folders in a folder, and whether they are folders; none where it is not there.
pub(super) fn names(folder: &Path) -> Result<Vec<(String, bool)>, ReleasesError> {
    let unreadable = |source| ReleasesError::Unreadable { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let is_folder = entry.file_type().map_err(unreadable)?.is_dir();
        found.push((entry.file_name().to_string_lossy().into_owned(), is_folder));
    }
    Ok(found)
}
