//! What is wrong with the prompts of a library, or unwise: findings, each at a line of a file.

mod columns;
mod fences;
mod finding;
mod policy;
mod texts;
mod variables;

use std::path::{Path, PathBuf};

use evalmark_core::prompt_library::{LibraryPrompt, PromptLibrary, PromptPolicy};
use evalmark_report::finding::Finding;

use self::finding::Found;
use crate::{Host, error::Result};

/// What is checked beside the prompts themselves.
#[derive(Clone, Debug, Default)]
pub struct LintOptions {
    /// Names of the prompts; default: all.
    pub names: Vec<String>,
    /// The team's policy; default: `policy.yaml` beside the library, where there is one.
    pub policy: Option<PathBuf>,
    /// Suites whose columns should reach the prompts, and whose models the policy must allow.
    pub suites: Vec<PathBuf>,
}

/// Everything that is to be said of a library's prompts, in the order of files and lines. Paths are told relative to
/// the source tree around `working_dir`.
pub fn lint_prompts(
    library: &PromptLibrary,
    options: &LintOptions,
    working_dir: &Path,
    host: &Host<'_>,
) -> Result<Vec<Finding>> {
    let chosen = match options.names.as_slice() {
        [] => library.prompts.iter().collect(),
        names => names.iter().map(|name| library.find(name)).collect::<Result<Vec<_>, _>>()?,
    };
    let policy = PromptPolicy::find(options.policy.as_deref(), &library.folder)?;
    let mut found: Vec<_> = match options.names.as_slice() {
        [] => library.mistakes.iter().flat_map(Found::of_mistakes).collect(),
        _ => Vec::new(),
    };
    for prompt in &chosen {
        found.extend(of_prompt(prompt, library));
        found.extend(policy.iter().flat_map(|policy| policy::broken(policy, prompt)));
    }
    for suite in &options.suites {
        found.extend(columns::of_suite(suite, &chosen, policy.as_ref(), host)?);
    }
    found.sort_by(|one, other| one.place().cmp(&other.place()));
    Ok(found.into_iter().map(|found| found.finding(working_dir)).collect())
}

/// What is to be said of a prompt by itself.
fn of_prompt(prompt: &LibraryPrompt, library: &PromptLibrary) -> Vec<Found> {
    let mut found = variables::undefined(prompt);
    found.extend(variables::unused(prompt));
    found.extend(fences::missing(prompt));
    found.extend(texts::held(prompt, library));
    found
}
