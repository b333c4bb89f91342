//! The commands that come after a first suite, as a user can paste them.

use std::path::{Component, Path};

use super::model_choice::ModelChoice;
use crate::Host;

/// What the commands depend on.
pub(super) struct NextSteps<'a> {
    /// The folder that got `suites/`.
    pub(super) folder: &'a Path,
    pub(super) dataset: &'a Path,
    /// The recipe for a CI service, as seen from the folder.
    pub(super) recipe: Option<&'a Path>,
    /// The suite's name.
    pub(super) name: &'a str,
    pub(super) model: &'a ModelChoice,
    pub(super) has_gate: bool,
}

impl NextSteps<'_> {
    /// The commands, in order.
    pub(super) fn commands(&self, host: &Host<'_>) -> Vec<String> {
        let Self { folder, name, model, .. } = self;
        let mut next = Vec::new();
        if !folder.as_os_str().is_empty() {
            next.push(format!("cd {}", pasted(&folder.to_string_lossy())));
        }
        if let Some(variable) = model.key_variable()
            && host.secrets.secret(variable).is_none()
        {
            next.push(format!("export {variable}=..."));
        }
        if matches!(model, ModelChoice::Asked { .. }) {
            next.push(format!("evalmark plan suites/{name}.yaml"));
        }
        if !self.has_gate {
            next.push(format!("evalmark run suites/{name}.yaml"));
            return next;
        }
        next.push(format!("evalmark run suites/{name}.yaml --new-baseline"));
        next.push(format!("evalmark baseline promote {name}:latest main"));
        next.push(self.add_to_git());
        next.push(format!("evalmark run suites/{name}.yaml"));
        next
    }

    /// Everything that a clone needs to run the suite, the dataset too.
    fn add_to_git(&self) -> String {
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { self.folder };
        let dataset = pasted(&way(folder, self.dataset));
        let recipe = self.recipe.map(|path| format!(" {}", path.display())).unwrap_or_default();
        format!("git add .gitignore {dataset} suites reports/baselines{recipe}")
    }
}

/// A path as a shell reads it.
fn pasted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._/-".contains(c);
    if path.starts_with('-') {
        return pasted(&format!("./{path}"));
    }
    if path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

/// The way from a folder to a file, as a suite writes it.
pub(super) fn way(from: &Path, to: &Path) -> String {
    let whole = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut parts = Vec::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(parts.pop()),
                Component::CurDir => {}
                part => parts.push(part.as_os_str().to_string_lossy().into_owned()),
            }
        }
        parts
    };
    let (from, to) = (whole(from), whole(to));
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    up.chain(to[shared..].iter().cloned()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_from_the_suites_to_the_dataset() {
        let check = |from: &str, to: &str, expected: &str| {
            assert_eq!(way(Path::new(from), Path::new(to)), expected, "{from} {to}");
        };
        check("/p/suites", "/p/data.csv", "../data.csv");
        check("/p/suites", "/p/suites/x.csv", "x.csv");
        check("p/suites", "p/../q/x.csv", "../../q/x.csv");
    }

    #[test]
    fn a_path_can_be_pasted_into_a_shell() {
        assert_eq!(pasted("data/tickets.csv"), "data/tickets.csv");
        assert_eq!(pasted("Team export (2).csv"), "'Team export (2).csv'");
        assert_eq!(pasted("it's.csv"), "'it'\\''s.csv'");
        assert_eq!(pasted("-x.csv"), "./-x.csv");
    }
}
