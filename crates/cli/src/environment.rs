//! What the environment says: keys, the cache folder, and what programs may see of it.

use std::{ffi::OsString, path::PathBuf};

use evalmark_runner::Secrets;

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

/// Whether this is a CI job, as CI systems say.
pub(crate) fn is_ci() -> bool {
    let value = std::env::var_os("CI").unwrap_or_default();
    !(value.is_empty() || value == "0" || value.eq_ignore_ascii_case("false"))
}

/// The Markdown file that GitHub shows as the summary of a job's step.
pub(crate) fn step_summary() -> Option<PathBuf> {
    std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from)
}
