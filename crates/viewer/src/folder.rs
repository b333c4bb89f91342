//! The folder that is shown: its runs, and nothing outside of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use evalmark_store::{
    blobs::BlobError,
    run_folder::RunFolder,
    runs::{ListedRun, RunState, list_runs},
};

/// A folder of runs, by its real path.
#[derive(Clone, Debug)]
pub(crate) struct ShownFolder {
    root: PathBuf,
}

/// Folders of a folder that are looked at where runs are searched.
const MOST_LOOKED_AT: usize = 200;

/// What is said of a run whose files are links to somewhere else.
const ELSEWHERE: &str = "its files are links that lead out of the folder: they are not read";

impl ShownFolder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(path)?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every run, the latest first.
    pub(crate) fn runs(&self, suite: Option<&str>) -> Result<Vec<ListedRun>, BlobError> {
        let mut runs = list_runs(&self.root, suite)?;
        for run in &mut runs {
            if !self.is_below(&run.folder) {
                run.state = RunState::Broken;
                run.problem = Some(ELSEWHERE.to_owned());
                run.record = None;
            }
        }
        runs.reverse();
        Ok(runs)
    }

    /// One run. The names come from an address: they are looked for, and never made a path of.
    pub(crate) fn run(&self, suite: &str, run_id: &str) -> Result<Option<ListedRun>, BlobError> {
        Ok(self.runs(Some(suite))?.into_iter().find(|run| run.run_id == run_id))
    }

    /// Folders that have runs, where this one has none: it may be a suite's, or a run's, or one above
    /// those of the runs. Nothing of their files is read.
    pub(crate) fn runs_elsewhere(&self) -> Vec<PathBuf> {
        let has_run =
            |path: &Path| folders_of(path).iter().any(|run| run.join("run.json").is_file());
        let has_suite = |path: &Path| folders_of(path).iter().any(|suite| has_run(suite));
        let above = if self.root.join("run.json").is_file() {
            self.root.parent().and_then(Path::parent)
        } else if has_run(&self.root) {
            self.root.parent()
        } else {
            None
        };
        match above {
            Some(above) => vec![above.to_owned()],
            None => folders_of(&self.root).into_iter().filter(|path| has_suite(path)).collect(),
        }
    }

    /// Whether a run's folder, and each of its files, really lie below this folder.
    fn is_below(&self, folder: &RunFolder) -> bool {
        let Ok(entries) = fs::read_dir(&folder.path) else { return false };
        let is_inside = |path: &Path| {
            // What is not there leads nowhere.
            fs::canonicalize(path).map_or_else(
                |error| error.kind() == io::ErrorKind::NotFound,
                |real| real.starts_with(&self.root),
            )
        };
        is_inside(&folder.path) && entries.flatten().all(|entry| is_inside(&entry.path()))
    }
}

/// Some folders of a folder, by name; links are none.
fn folders_of(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).take(MOST_LOOKED_AT).collect();
    folders.sort();
    folders
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{ELSEWHERE, ShownFolder};

    #[test]
    fn links_out_of_the_folder_are_not_followed() {
        let world = tempfile::tempdir().expect("a folder");
        let secret = world.path().join("secret");
        fs::write(&secret, "{ \"format_version\": \"a secret\" }").expect("written");
        let root = world.path().join("reports");
        for (run, file) in [("one", "run.json"), ("two", "samples.parquet")] {
            let folder = root.join("suite").join(run);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("run.json"), "{}").expect("written");
            fs::remove_file(folder.join(file)).ok();
            symlink(&secret, folder.join(file)).expect("a link");
        }
        let elsewhere = world.path().join("elsewhere");
        fs::create_dir_all(&elsewhere).expect("a folder");
        fs::write(elsewhere.join("run.json"), "{ \"a secret\": 1 }").expect("written");
        symlink(&elsewhere, root.join("suite/three")).expect("a link");
        let folder = ShownFolder::open(&root).expect("a folder");
        let runs = folder.runs(None).expect("runs");
        assert_eq!(runs.len(), 3);
        for run in runs {
            assert_eq!(run.problem.as_deref(), Some(ELSEWHERE), "{}", run.run_id);
        }
        assert!(folder.run("suite", "../suite/one").expect("runs").is_none());
        assert!(folder.run("../reports/suite", "one").expect("runs").is_none());
    }
}
