//! Whether an environment's releases are as they were written: each file, each digest, and each link of the chain.

use std::{
    collections::BTreeSet,
    num::NonZero,
    path::{Path, PathBuf},
    thread,
};

use super::{
    environment::EnvironmentState,
    error::ReleasesError,
    folder::{ReleasesFolder, record_of},
    objects::{is_sha256, place, read_bounded},
    record::{ReleaseFile, ReleaseRecord},
};

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFault {
    /// The file.
    pub path: PathBuf,
    /// What differs.
    pub what: String,
}

/// What was found in an environment.
#[derive(Clone, Debug)]
pub struct VerifiedEnvironment {
    /// How many releases there are.
    pub n_releases: usize,
    /// How many texts they use.
    pub n_texts: usize,
    /// What its releases come to.
    pub state: EnvironmentState,
    /// Everything that is not as it was written.
    pub faults: Vec<ReleaseFault>,
}

/// What else there is to be said of a release: of its signatures, for instance.
pub type CheckRelease<'a> = dyn Fn(&ReleaseFile, &ReleaseRecord) -> Vec<String> + Sync + 'a;

/// A release that was read, or what is wrong with its file.
type ReadRelease = (PathBuf, Result<(ReleaseRecord, String, Vec<String>), ReleasesError>);

impl ReleasesFolder {
    /// Looks at every file of an environment.
    pub fn verify(
        &self,
        environment: &str,
        check: &CheckRelease<'_>,
    ) -> Result<VerifiedEnvironment, ReleasesError> {
        let numbers = self.releases(environment)?;
        let read = in_parts(&numbers, |number| self.read_one(environment, *number, check));
        let mut found = Chain::new(environment);
        for (number, (path, release)) in numbers.iter().zip(read) {
            found.add(*number, &path, release);
        }
        let Chain { state, mut faults, texts, .. } = found;
        faults.extend(self.faults_of_state(&state));
        let texts: Vec<_> = texts.into_iter().collect();
        let wrong = in_parts(&texts, |sha256| self.fault_of_text(sha256));
        faults.extend(wrong.into_iter().flatten());
        Ok(VerifiedEnvironment { n_releases: numbers.len(), n_texts: texts.len(), state, faults })
    }

    fn read_one(&self, environment: &str, number: u64, check: &CheckRelease<'_>) -> ReadRelease {
        let path = self.release_file(environment, number);
        let read = self.release(environment, number).and_then(|(file, sha256)| {
            let record = record_of(&file, &path)?;
            let more = check(&file, &record);
            Ok((record, sha256, more))
        });
        (path, read)
    }

    /// What is wrong with `ENV.json`, which has to be what the releases come to.
    fn faults_of_state(&self, state: &EnvironmentState) -> Option<ReleaseFault> {
        let path = self.state_file(&state.environment);
        let fault = |what: String| Some(ReleaseFault { path: path.clone(), what });
        let bytes = match read_bounded(&path) {
            Ok(bytes) => bytes,
            Err(error) => return fault(error_without_path(&error)),
        };
        if state.to_text().is_ok_and(|text| text.as_bytes() == bytes) {
            return None;
        }
        let Ok(written) = serde_json::from_slice::<EnvironmentState>(&bytes) else {
            return fault("is no description of an environment".to_owned());
        };
        fault(difference(&written, state))
    }

    fn fault_of_text(&self, sha256: &str) -> Option<ReleaseFault> {
        if !is_sha256(sha256) {
            let what = format!("`{sha256}` is no SHA-256");
            return Some(ReleaseFault { path: self.objects(), what });
        }
        let error = self.bytes(sha256).err()?;
        Some(ReleaseFault {
            path: place(&self.objects(), sha256),
            what: error_without_path(&error),
        })
    }
}

/// What an `ENV.json` says otherwise than the releases.
fn difference(written: &EnvironmentState, state: &EnvironmentState) -> String {
    if written.release < state.release {
        return format!(
            "names release {}, and there is release {}: it was interrupted, and the next `evalmark release promote` \
             brings the file up to date",
            written.release, state.release
        );
    }
    if written.release != state.release {
        return format!("names release {}, which is not there", written.release);
    }
    if written.sha256 != state.sha256 {
        let release = state.release;
        return format!(
            "names another SHA-256 of release {release} than its file has: one of both was altered"
        );
    }
    let names: BTreeSet<_> = written.prompts.keys().chain(state.prompts.keys()).collect();
    let other = names.into_iter().find(|n| written.prompts.get(*n) != state.prompts.get(*n));
    match other {
        Some(name) => format!("says of the prompt `{name}` what no release says"),
        None => "is not written as the releases say".to_owned(),
    }
}

/// A chain of releases, link by link.
struct Chain {
    state: EnvironmentState,
    faults: Vec<ReleaseFault>,
    texts: BTreeSet<String>,
    /// The number that comes next.
    next: u64,
    /// Whether the release before could be read.
    is_whole: bool,
}

impl Chain {
    fn new(environment: &str) -> Self {
        Self {
            state: EnvironmentState::empty(environment),
            faults: Vec::new(),
            texts: BTreeSet::new(),
            next: 1,
            is_whole: true,
        }
    }

    fn add(
        &mut self,
        number: u64,
        path: &Path,
        read: Result<(ReleaseRecord, String, Vec<String>), ReleasesError>,
    ) {
        let mut fault = |what: String| {
            self.faults.push(ReleaseFault { path: path.to_owned(), what });
        };
        if number != self.next {
            fault(format!("comes where release {} should be, which is missing", self.next));
            self.is_whole = false;
        }
        self.next = number + 1;
        let (record, sha256, more) = match read {
            Ok(read) => read,
            Err(error) => {
                fault(error_without_path(&error));
                self.is_whole = false;
                return;
            }
        };
        more.into_iter().for_each(&mut fault);
        if record.environment != self.state.environment || record.release != number {
            let (environment, release) = (&record.environment, record.release);
            fault(format!("is release {release} of `{environment}`, under another name"));
        }
        let before = Some(&self.state.sha256).filter(|sha256| !sha256.is_empty());
        if self.is_whole && record.previous.as_ref() != before {
            let follows = record.previous.as_deref().unwrap_or("none");
            fault(format!(
                "follows a release of SHA-256 {follows}, and the one before it is another: one of both was altered"
            ));
        }
        let released = record.prompts.values().flatten();
        self.texts.extend(released.flat_map(|p| p.files.iter().map(|file| file.sha256.clone())));
        self.state.follow(&record, &sha256);
        self.is_whole = true;
    }
}

/// What went wrong, told behind the name of the file.
fn error_without_path(error: &ReleasesError) -> String {
    match error {
        ReleasesError::Missing(_) => "is missing".to_owned(),
        ReleasesError::Unreadable { source, .. } => format!("cannot be read: {source}"),
        ReleasesError::NoFile(_) => "is no regular file".to_owned(),
        ReleasesError::TooLarge(_) => "is too large".to_owned(),
        ReleasesError::Altered { expected, found, .. } => {
            format!("was altered: its SHA-256 is {found} instead of {expected}")
        }
        ReleasesError::Wrong { why, .. } => format!("cannot be used: {why}"),
        ReleasesError::Conflict(_) => "holds the marks of a conflict that git left".to_owned(),
        other => other.to_string(),
    }
}

/// The same of every value, by as many threads as the machine runs at once, in order.
fn in_parts<T: Sync, R: Send>(values: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let part = values.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = values
            .chunks(part)
            .map(|values| scope.spawn(|| values.iter().map(&work).collect::<Vec<_>>()))
            .collect();
        let joined = parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    })
}
