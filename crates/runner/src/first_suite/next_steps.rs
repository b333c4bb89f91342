//! The commands that come after `evalmark init`. What a CI job needs is added to git by name: suites, their
//! dataset, the baseline and the recipe.

use std::path::{Path, PathBuf};

use super::model_choice::ModelChoice;
use crate::Host;

/// What the commands follow from.
pub(super) struct NextSteps<'a> {
    pub(super) folder: &'a Path,
    /// The suite's name.
    pub(super) name: &'a str,
    pub(super) model: &'a ModelChoice,
    pub(super) has_gate: bool,
    /// The dataset, from the folder.
    pub(super) dataset: &'a str,
    /// What was written.
    pub(super) files: Vec<PathBuf>,
}

impl NextSteps<'_> {
    /// The commands, in order.
    pub(super) fn list(&self, host: &Host<'_>) -> Vec<String> {
        let name = word(self.name);
        let suite = word(&format!("suites/{}.yaml", self.name));
        let mut next = Vec::from_iter(change_folder(self.folder));
        if let Some(variable) = self.model.key_variable()
            && host.secrets.secret(variable).is_none()
        {
            next.push(format!("export {variable}=..."));
        }
        if matches!(self.model, ModelChoice::Asked { .. }) {
            next.push(format!("evalmark plan {suite}"));
        }
        if !self.has_gate {
            next.push(format!("evalmark run {suite}"));
            return next;
        }
        next.push(format!("evalmark run {suite} --new-baseline"));
        next.push(format!("evalmark baseline promote {name}:latest main"));
        next.push(self.git_add());
        next.push(format!("evalmark run {suite}"));
        next
    }

    /// Adds what a job needs: `suites` holds the suite, its prompt and the schema.
    fn git_add(&self) -> String {
        let mut paths = vec![".gitignore".to_owned()];
        let below = |path: &PathBuf| way_below(self.folder, path);
        let written = self.files.iter().map(below).chain([self.dataset.to_owned()]);
        for path in written.filter(|path| !path.starts_with("suites/")) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        git_add(&paths)
    }
}

/// Adds these to git, with the suites and their baselines.
pub(super) fn git_add(paths: &[String]) -> String {
    let words: Vec<_> = paths.iter().map(|path| word(path)).collect();
    format!("git add {} suites reports/baselines", words.join(" "))
}

/// Goes to the folder, where it is another.
pub(super) fn change_folder(folder: &Path) -> Option<String> {
    let is_other = !folder.as_os_str().is_empty();
    is_other.then(|| format!("cd {}", word(&folder.display().to_string())))
}

/// A path below a folder, from there.
pub(super) fn way_below(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// A word of a shell's command line that is no option.
fn word(text: &str) -> String {
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    let is_plain = |c: char| c.is_alphanumeric() || "._/-+@%:,=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_to_a_shell() {
        let check = |text: &str, expected: &str| assert_eq!(word(text), expected);
        check("data/données.csv", "data/données.csv");
        check("my data.csv", "'my data.csv'");
        check("it's;$(x)", r"'it'\''s;$(x)'");
        check("-x.csv", "./-x.csv");
        check("", "''");
    }
}
