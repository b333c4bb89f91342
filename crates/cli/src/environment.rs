//! What the environment says: keys, the cache folder, and what programs may see of it.

use std::{ffi::OsString, path::PathBuf};

use evalmark_runner::{Auditor, Secrets};
use jiff::Timestamp;

/// Keys are environment variables.
pub(crate) struct Environment;

impl Secrets for Environment {
    fn secret(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// What a program may see of the environment: where things are, and how text is written. A key
/// never stands in any of these.
const FOR_PROGRAMS: [&str; 13] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "PATHEXT",
    "USERPROFILE",
];

/// The variables that programs see.
pub(crate) fn program_variables() -> Vec<(OsString, OsString)> {
    let set = FOR_PROGRAMS.iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
    set.collect()
}

/// The cache folder that the environment names, as `--cache-dir` does.
pub(crate) fn named_cache_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("EVALMARK_CACHE_DIR").filter(|dir| !dir.is_empty())?;
    std::path::absolute(dir).ok()
}

/// The folder of answers that runs share; `None` where the user has no home folder.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("evalmark"))
}

/// The file of the key that signs releases.
pub(crate) fn signing_key() -> Option<PathBuf> {
    std::env::var_os("EVALMARK_SIGNING_KEY").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Whether this is a CI job, as CI systems say.
pub(crate) fn is_ci() -> bool {
    let value = std::env::var_os("CI").unwrap_or_default();
    !(value.is_empty() || value == "0" || value.eq_ignore_ascii_case("false"))
}

/// Where people see more of this run: what `EVALMARK_RUN_URL` says, else the page of the CI job.
pub(crate) fn run_link() -> Option<String> {
    let read = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
    let of_github = || {
        let (server, repository) = (read("GITHUB_SERVER_URL")?, read("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", read("GITHUB_RUN_ID")?))
    };
    // GitLab, Jenkins.
    let named = || ["CI_JOB_URL", "BUILD_URL"].iter().find_map(|name| read(name));
    let of_bitbucket = || {
        let repository = read("BITBUCKET_REPO_FULL_NAME")?;
        let number = read("BITBUCKET_BUILD_NUMBER")?;
        Some(format!("https://bitbucket.org/{repository}/pipelines/results/{number}"))
    };
    read("EVALMARK_RUN_URL").or_else(of_github).or_else(named).or_else(of_bitbucket)
}

/// The Markdown file that GitHub shows as the summary of a job's step.
pub(crate) fn step_summary() -> Option<PathBuf> {
    std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Who writes the audit log of the repository that this is called in; `None` where it is switched off.
pub(crate) fn auditor() -> Option<Auditor> {
    Auditor::find(&std::env::current_dir().ok()?, |name| std::env::var(name).ok())
}

/// What time it is.
pub(crate) fn now() -> Timestamp {
    // Lets a test say what production's logs are held against.
    #[cfg(debug_assertions)]
    if let Some(at) = std::env::var("EVALMARK_TEST_NOW").ok().and_then(|text| text.parse().ok()) {
        return at;
    }
    Timestamp::now()
}
