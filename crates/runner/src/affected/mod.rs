//! Which suites a change reaches: through the suite's own file, a prompt, a file that a prompt includes, a dataset, labels,
//! or anything else that the suite names.
//!
//! Nothing is opened but what changed and the suites themselves, so that thousands of suites take less than a second:
//! `changed_files.rs` says what changed, and `reach.rs` looks for that among the texts of each suite.

mod changed_files;
mod reach;
mod template_files;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread,
};

use evalmark_store::git::{ChangedFile, CommitId, GitRepository};
use serde_json::{Value, json};

use self::{changed_files::ChangedFiles, reach::Reach};
use crate::{Host, error::Result};

/// How suites end.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Which suites are looked at, and what a change is one of.
#[derive(Clone, Debug, Default)]
pub struct AffectedOptions {
    /// The revision that the change is one of: it is compared from where both histories part.
    pub base: String,
    /// Suites, and folders of suites; default: the folder that the process is in.
    pub places: Vec<PathBuf>,
}

/// The suites that a change reaches.
#[derive(Clone, Debug)]
pub struct AffectedSuites {
    /// The commit that the working tree was compared with.
    pub base: CommitId,
    /// Every file that is not as it was there.
    pub changed: Vec<ChangedFile>,
    /// The suites that are reached, by their paths.
    pub suites: Vec<AffectedSuite>,
    /// How many suites were looked at.
    pub n_suites: usize,
}

/// A suite that a change reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedSuite {
    /// Its file, as it is found from the folder that the process is in.
    pub path: PathBuf,
    /// Why, at least one reason.
    pub reasons: Vec<AffectedReason>,
}

/// Why a suite is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AffectedReason {
    /// The file that changed, by its path in the repository; `None` where the suite cannot tell what it reads.
    pub file: Option<ChangedFile>,
    /// What of the suite reads it.
    pub through: String,
}

/// Finds the suites that a change reaches, those that are not committed yet among them.
pub fn affected_suites(options: &AffectedOptions, host: &Host<'_>) -> Result<AffectedSuites> {
    let here = [PathBuf::from(".")];
    let places = if options.places.is_empty() { &here[..] } else { &options.places };
    let first = places.first().map_or(Path::new("."), PathBuf::as_path);
    let git = GitRepository::open(if first.is_file() { parent(first) } else { first })?;
    let (named, head) = (git.commit_of(&options.base)?, git.head()?);
    let base = git.merge_base(named, head).unwrap_or(named);
    let changed = ChangedFiles::new(&git, git.changed_since(base)?);
    let files = suite_files(&git, places, &changed)?;
    let roots = host.permissions.roots.as_slice();
    let reach = |files: &[(String, PathBuf)]| {
        let mut reach = Reach::new(&changed, roots);
        let found = files.iter().filter_map(|(name, path)| {
            let reasons = reach.reasons(name, path)?;
            Some(AffectedSuite { path: path.clone(), reasons })
        });
        found.collect::<Vec<_>>()
    };
    // Each thread has prompts of its own, and as many suites as the others.
    let n_threads = thread::available_parallelism().map_or(1, usize::from).min(8);
    let size = files.len().div_ceil(n_threads).max(64);
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = files.chunks(size).map(|part| scope.spawn(|| reach(part))).collect();
        let done = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        done.flatten().collect()
    });
    let n_suites = found.len();
    let suites =
        found.into_iter().filter(|suite: &AffectedSuite| !suite.reasons.is_empty()).collect();
    Ok(AffectedSuites { base, changed: changed.into_list(), suites, n_suites })
}

/// The files that may be suites, with their names in the repository: those that git knows or that are new, and those that
/// are named.
fn suite_files(
    git: &GitRepository,
    places: &[PathBuf],
    changed: &ChangedFiles,
) -> Result<Vec<(String, PathBuf)>> {
    let mut known: BTreeSet<String> = git.tracked_files()?.into_iter().collect();
    known.extend(changed.present().map(str::to_owned));
    let (mut files, mut seen) = (Vec::new(), BTreeSet::new());
    for place in places {
        let name = git.relative(place)?;
        if place.is_file() {
            files.extend(seen.insert(name.clone()).then(|| (name, place.clone())));
            continue;
        }
        let prefix = if name.is_empty() { String::new() } else { format!("{name}/") };
        for file in known.iter().filter(|file| file.starts_with(&prefix)) {
            let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
            if EXTENSIONS.contains(&extension) && seen.insert(file.clone()) {
                let path = place.join(&file[prefix.len()..]);
                let path = path.strip_prefix(".").map_or(path.clone(), Path::to_owned);
                files.extend(path.is_file().then(|| (file.clone(), path)));
            }
        }
    }
    Ok(files)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The suites that a change reaches, as JSON.
pub fn affected_document(affected: &AffectedSuites) -> Value {
    let file = |file: &ChangedFile| json!({ "path": file.path, "change": file.change.as_str() });
    let suites = affected.suites.iter().map(|suite| {
        let reasons = suite.reasons.iter().map(|reason| {
            json!({
                "file": reason.file.as_ref().map(|file| &file.path),
                "change": reason.file.as_ref().map(|file| file.change.as_str()),
                "through": reason.through,
            })
        });
        json!({ "path": suite.path, "reasons": reasons.collect::<Vec<_>>() })
    });
    json!({
        "base": affected.base.to_string(),
        "n_suites": affected.n_suites,
        "suites": suites.collect::<Vec<_>>(),
        "changed": affected.changed.iter().map(file).collect::<Vec<_>>(),
    })
}
