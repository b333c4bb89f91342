//! A recipe for a CI service, word for word as this project ships it, with the variable of the suite's key.

use std::path::{Path, PathBuf};

use super::{
    error::FirstSuiteError,
    new_files::{FileOutcome, NewFiles},
};

/// A service that runs a suite on every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiService {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Jenkins.
    Jenkins,
    /// Bitbucket Pipelines.
    Bitbucket,
}

/// A recipe that was written.
pub(super) struct WrittenRecipe {
    /// Where, as seen from the folder of the suites.
    pub(super) path: PathBuf,
    /// What the user should know.
    pub(super) remarks: Vec<String>,
}

/// The line of GitHub's recipe that hands a key over.
const KEY_OF_GITHUB: &str = "# OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}";

/// What GitLab looks for, and where the recipe goes where there is one already.
const GITLAB: &str = ".gitlab-ci.yml";
const INCLUDED_BY_GITLAB: &str = "ci/evalmark.yml";

impl CiService {
    /// The recipe.
    fn text(self) -> &'static str {
        match self {
            Self::Github => include_str!("../../../../ci/github.yml"),
            Self::Gitlab => include_str!("../../../../ci/gitlab.yml"),
            Self::Jenkins => include_str!("../../../../ci/Jenkinsfile"),
            Self::Bitbucket => include_str!("../../../../ci/bitbucket-pipelines.yml"),
        }
    }

    /// Where the service looks for it.
    fn path(self) -> &'static str {
        match self {
            Self::Github => ".github/workflows/evalmark.yml",
            Self::Gitlab => GITLAB,
            Self::Jenkins => "Jenkinsfile",
            Self::Bitbucket => "bitbucket-pipelines.yml",
        }
    }

    /// The recipe for suites that need these keys.
    fn recipe(self, keys: &[String]) -> String {
        if self != Self::Github || keys.is_empty() {
            return self.text().to_owned();
        }
        let lines: Vec<_> =
            keys.iter().map(|name| format!("{name}: ${{{{ secrets.{name} }}}}")).collect();
        self.text().replace(KEY_OF_GITHUB, &lines.join("\n      "))
    }

    /// Writes the recipe into the root of a repository.
    pub(super) fn write(
        self,
        folder: &Path,
        keys: &[String],
        replace: FileOutcome,
        files: &mut NewFiles,
    ) -> Result<WrittenRecipe, FirstSuiteError> {
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let Ok(here) = here.canonicalize()
            && let Some(root) = here.ancestors().find(|above| above.join(".git").exists())
            && root != here
        {
            let (folder, root) = (folder.to_owned(), root.to_owned());
            return Err(FirstSuiteError::NotTheRoot { folder, root });
        }
        let mut remarks = Vec::new();
        let mut path = self.path();
        if self == Self::Gitlab && folder.join(GITLAB).exists() && replace == FileOutcome::New {
            path = INCLUDED_BY_GITLAB;
            remarks.push(format!(
                "{GITLAB} stays as it is: add `include: [{{ local: {INCLUDED_BY_GITLAB} }}]` to it"
            ));
        }
        files.write(&folder.join(path), &self.recipe(keys), replace)?;
        for key in keys {
            remarks.push(format!("the job needs {key}: {}", self.place_of_keys()));
        }
        Ok(WrittenRecipe { path: PathBuf::from(path), remarks })
    }

    /// Where a key is kept.
    fn place_of_keys(self) -> &'static str {
        match self {
            Self::Github => "add it under Settings, Secrets and variables, Actions",
            Self::Gitlab => "add it under Settings, CI/CD, Variables, masked",
            Self::Jenkins => "bind it as a credential in the Jenkinsfile's `environment`",
            Self::Bitbucket => "add it under Repository settings, Repository variables, secured",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_suite_stands_in_the_recipe() {
        let keys = ["GROQ_API_KEY", "JUDGE_KEY"].map(str::to_owned);
        let recipe = CiService::Github.recipe(&keys);
        for key in keys {
            assert!(
                recipe.contains(&format!("\n      {key}: ${{{{ secrets.{key} }}}}\n")),
                "{recipe}"
            );
        }
        assert!(!recipe.contains("OPENAI_API_KEY"), "{recipe}");
        assert_eq!(CiService::Github.recipe(&[]), CiService::Github.text());
    }
}
