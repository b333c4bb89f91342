//! Runs by the names that people give them: a folder, `latest`, or the latest of a suite; and what is
//! said where there is no such run.

use std::path::{Path, PathBuf};

use evalmark_core::suite::{near_and_known, nearest};

use crate::{
    StoreError,
    blobs::BlobError,
    local_blobs::folders,
    run_folder::BASELINES,
    runs::{ListedRun, list_runs, run_suites},
};

/// The word for the run that began last.
const LATEST: &str = "latest";

/// The folder of the run that somebody named: `latest`, `SUITE:latest`, and `latest~N` for the N-th
/// before it, below `out`; everything else is the path of a folder, whether that is there or not.
pub fn named_run(named: &Path, out: &Path) -> Result<PathBuf, StoreError> {
    match named.to_str().and_then(Latest::parse) {
        Some(latest) => latest.find(out),
        None => Ok(named.to_owned()),
    }
}

/// The same of a run that has to be there.
pub fn existing_run(named: &Path, out: &Path) -> Result<PathBuf, StoreError> {
    let path = named_run(named, out)?;
    if path.join("run.json").exists() {
        return Ok(path);
    }
    let shown = named.display();
    let summary = if path.is_dir() {
        format!("{shown} is not a run folder: it has no run.json")
    } else {
        format!("there is no run folder {shown}")
    };
    let hint = advice(named, out)?;
    Err(NoRunError { summary, hint }.into())
}

/// What there is instead of a run that was named, and how to find it.
pub(crate) fn advice(named: &Path, out: &Path) -> Result<String, BlobError> {
    let mut runs = list_runs(out, None)?;
    runs.retain(|run| run.record.is_some());
    if runs.is_empty() {
        let out = out.display();
        return Ok(format!("there are no runs in {out}; `--out DIR` names another folder"));
    }
    if let Some(suite) = baseline_of(named, out)? {
        return Ok(format!(
            "it is a baseline of the suite `{suite}`: `diff` and `compare` take one as the first of \
             two runs, and other commands with `--baseline`"
        ));
    }
    let last = named.file_name().unwrap_or_default().to_string_lossy();
    if runs.iter().any(|run| run.suite == *last) {
        return Ok(format!("`{last}:{LATEST}` is the run of that suite that began last"));
    }
    // The latest of those that are called so, or of those whose name is nearest.
    let latest = |id: &str| runs.iter().rev().find(|run| run.run_id == id);
    let nearest = || nearest(&last, runs.iter().map(|run| run.run_id.as_str()));
    let near = latest(&last).or_else(|| latest(nearest()?));
    let near = near.map(|run| format!("did you mean `{}`? ", run.folder.path.display()));
    Ok(format!(
        "{}`evalmark runs` lists the runs that there are; `{LATEST}` is the one that began last",
        near.unwrap_or_default()
    ))
}

/// The suite that has a baseline of this name.
fn baseline_of(named: &Path, out: &Path) -> Result<Option<String>, BlobError> {
    let shelves = out.join(BASELINES);
    let mut suites = folders(&shelves)?.into_iter();
    let is_name = named.components().count() == 1;
    Ok(suites.find(|suite| is_name && shelves.join(suite).join(named).join("run.json").is_file()))
}

/// The runs of a suite, as [`list_runs`] has them. There has to be one.
pub fn runs_of(out: &Path, suite: &str) -> Result<Vec<ListedRun>, StoreError> {
    let runs = list_runs(out, Some(suite))?;
    if !runs.is_empty() {
        return Ok(runs);
    }
    check_folder(out)?;
    let known = run_suites(out)?;
    let known: Vec<_> = known.iter().map(String::as_str).filter(|known| *known != suite).collect();
    let hint = near_and_known(suite, &known, "there are runs of");
    Err(NoRunError {
        summary: format!("there are no runs of the suite `{suite}` in {}", out.display()),
        hint: hint.unwrap_or_else(|| "`--out DIR` names another folder".to_owned()),
    }
    .into())
}

/// Fails where the folder for runs and baselines does not exist: an empty list would hide that.
pub fn check_folder(out: &Path) -> Result<(), StoreError> {
    if out.is_dir() {
        return Ok(());
    }
    Err(NoRunError {
        summary: format!("there is no folder {}", out.display()),
        hint: "`evalmark run` makes it; `--out DIR` names another folder".to_owned(),
    }
    .into())
}

/// Why there is no run, or no folder of runs, of that name.
#[derive(Debug, thiserror::Error)]
#[error("{summary}")]
pub struct NoRunError {
    /// What is missing, in a clause.
    pub summary: String,
    /// What there is, and how to find it.
    pub hint: String,
}

/// Whether a name is taken for a run wherever one is wanted.
pub(crate) fn is_run_word(name: &str) -> bool {
    Latest::parse(&name.to_ascii_lowercase()).is_some()
}

/// A run by how late it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Latest<'a> {
    suite: Option<&'a str>,
    /// Runs that began after it.
    before: usize,
}

impl<'a> Latest<'a> {
    fn parse(named: &'a str) -> Option<Self> {
        let (suite, word) = match named.rsplit_once(':') {
            Some((suite, word)) => (Some(suite), word),
            None => (None, named),
        };
        if suite.is_some_and(|suite| suite.is_empty() || suite.contains(['/', '\\'])) {
            return None;
        }
        let before = match word.strip_prefix(LATEST)? {
            "" => 0,
            rest => rest.strip_prefix('~')?.parse().ok()?,
        };
        Some(Self { suite, before })
    }

    fn find(self, out: &Path) -> Result<PathBuf, StoreError> {
        let mut runs = list_runs(out, self.suite)?;
        runs.retain(|run| run.record.is_some());
        let n_runs = runs.len();
        match runs.into_iter().nth_back(self.before) {
            Some(run) => Ok(run.folder.path),
            None => Err(self.missing(out, n_runs)?.into()),
        }
    }

    fn missing(self, out: &Path, n_runs: usize) -> Result<LatestRunError, BlobError> {
        let suites = run_suites(out)?;
        let advice = self.suite.filter(|_| n_runs == 0).and_then(|suite| {
            let known = suites.iter().filter(|known| *known != suite);
            let known: Vec<_> = known.map(|suite| format!("{suite}:{LATEST}")).collect();
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            near_and_known(&format!("{suite}:{LATEST}"), &known, "there are")
        });
        Ok(LatestRunError {
            out: out.to_owned(),
            suite: self.suite.map(str::to_owned),
            n_runs,
            advice,
        })
    }
}

/// Why there is no such run as `latest`, or one before it.
#[derive(Debug, thiserror::Error)]
#[error("there {} below {}", Self::what(suite.as_deref(), *n_runs), out.display())]
pub struct LatestRunError {
    /// The folder that was looked through.
    pub out: PathBuf,
    /// The suite whose runs were wanted.
    pub suite: Option<String>,
    /// Runs that there are.
    pub n_runs: usize,
    /// The suites that have runs, where the one that was named has none.
    pub advice: Option<String>,
}

impl LatestRunError {
    fn what(suite: Option<&str>, n_runs: usize) -> String {
        let of_suite = suite.map_or(String::new(), |suite| format!(" of the suite `{suite}`"));
        match n_runs {
            0 => format!("is no run{of_suite}"),
            1 => format!("is only one run{of_suite}"),
            n => format!("are only {n} runs{of_suite}"),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> String {
        let advice = self.advice.as_ref().map(|advice| format!("{advice}; "));
        format!(
            "{}`--out DIR` names another folder; a folder that is called `latest` is `./latest`",
            advice.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Latest;

    #[test]
    fn words_are_told_from_paths() {
        let check = |named: &str, expected: Option<(Option<&str>, usize)>| {
            let found = Latest::parse(named).map(|latest| (latest.suite, latest.before));
            assert_eq!(found, expected, "{named}");
        };
        check("latest", Some((None, 0)));
        check("intents:latest", Some((Some("intents"), 0)));
        check("latest~2", Some((None, 2)));
        check("intents:latest~1", Some((Some("intents"), 1)));
        for path in
            ["./latest", "reports/test/latest", "latest~", "latest~x", "./a:latest", ":latest"]
        {
            check(path, None);
        }
    }
}
