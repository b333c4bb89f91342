//! Who did something, as git and CI systems say.

use std::{path::Path, process::Command};

use serde::{Deserialize, Serialize};

/// Who did something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Who {
    /// Who git says it is, for git's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitIdentity>,
    /// The CI job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci: Option<CiIdentity>,
    /// The name beside the key, where it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}

/// Name and address of whoever commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitIdentity {
    /// `user.name`.
    pub name: String,
    /// `user.email`.
    pub email: String,
}

/// A job of a CI system, by what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CiIdentity {
    /// `github`, `gitlab`, …
    pub system: String,
    /// Who started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What is built, such as the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Where its log is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Which variables a CI system sets.
struct CiSystem {
    name: &'static str,
    /// Set in its jobs, and nowhere else.
    sign: &'static str,
    actor: &'static str,
    project: &'static str,
    job: &'static str,
    /// Parts of the address, with `/` between them where there are several.
    url: &'static [&'static str],
}

const SYSTEMS: [CiSystem; 7] = [
    CiSystem {
        name: "github",
        sign: "GITHUB_ACTIONS",
        actor: "GITHUB_ACTOR",
        project: "GITHUB_REPOSITORY",
        job: "GITHUB_WORKFLOW_REF",
        url: &["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "=actions/runs", "GITHUB_RUN_ID"],
    },
    CiSystem {
        name: "gitlab",
        sign: "GITLAB_CI",
        actor: "GITLAB_USER_LOGIN",
        project: "CI_PROJECT_PATH",
        job: "CI_JOB_NAME",
        url: &["CI_JOB_URL"],
    },
    CiSystem {
        name: "bitbucket",
        sign: "BITBUCKET_BUILD_NUMBER",
        actor: "BITBUCKET_STEP_TRIGGERER_UUID",
        project: "BITBUCKET_REPO_FULL_NAME",
        job: "BITBUCKET_PIPELINE_UUID",
        url: &["BITBUCKET_GIT_HTTP_ORIGIN", "=pipelines/results", "BITBUCKET_BUILD_NUMBER"],
    },
    CiSystem {
        name: "jenkins",
        sign: "JENKINS_URL",
        actor: "BUILD_USER_ID",
        project: "JOB_NAME",
        job: "BUILD_TAG",
        url: &["BUILD_URL"],
    },
    CiSystem {
        name: "azure",
        sign: "TF_BUILD",
        actor: "BUILD_REQUESTEDFOREMAIL",
        project: "BUILD_REPOSITORY_NAME",
        job: "SYSTEM_JOBDISPLAYNAME",
        url: &["BUILD_BUILDURI"],
    },
    CiSystem {
        name: "circleci",
        sign: "CIRCLECI",
        actor: "CIRCLE_USERNAME",
        project: "CIRCLE_PROJECT_REPONAME",
        job: "CIRCLE_JOB",
        url: &["CIRCLE_BUILD_URL"],
    },
    CiSystem {
        name: "buildkite",
        sign: "BUILDKITE",
        actor: "BUILDKITE_BUILD_CREATOR",
        project: "BUILDKITE_PIPELINE_SLUG",
        job: "BUILDKITE_LABEL",
        url: &["BUILDKITE_BUILD_URL"],
    },
];

impl Who {
    /// What git says of a folder, and the environment of a CI job.
    pub fn of(folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { git: git_identity(folder), ci: CiIdentity::of(variable), signer: None }
    }

    /// The same, with the name beside the key that signed.
    #[must_use]
    pub fn signed_by(mut self, signer: impl Into<String>) -> Self {
        self.signer = Some(signer.into());
        self
    }

    /// In a few words: the surest name that there is.
    pub fn told(&self) -> String {
        let git = self.git.as_ref().map(|git| format!("{} <{}>", git.name, git.email));
        let ci = self.ci.as_ref().map(|ci| {
            let actor = ci.actor.as_ref().map(|actor| format!(" for {actor}")).unwrap_or_default();
            format!("{}{actor}", ci.system)
        });
        let who = [self.signer.clone(), ci, git].into_iter().flatten().next();
        who.unwrap_or_else(|| "unknown".to_owned())
    }
}

impl CiIdentity {
    /// What the environment of a CI job says; `None` elsewhere. Another system than these says `CI` alone.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let Some(system) = SYSTEMS.iter().find(|system| set(system.sign).is_some()) else {
            let is_ci = set("CI").is_some_and(|ci| ci != "0" && !ci.eq_ignore_ascii_case("false"));
            let system = "other".to_owned();
            return is_ci.then_some(Self {
                system,
                actor: None,
                project: None,
                job: None,
                url: None,
            });
        };
        let part = |part: &&str| {
            part.strip_prefix('=').map_or_else(|| set(part), |text| Some(text.to_owned()))
        };
        let url: Option<Vec<_>> = system.url.iter().map(part).collect();
        Some(Self {
            system: system.name.to_owned(),
            actor: set(system.actor),
            project: set(system.project),
            job: set(system.job),
            url: url.map(|parts| parts.join("/")),
        })
    }
}

/// Who would commit here, by every file and variable that git reads for it.
fn git_identity(folder: &Path) -> Option<GitIdentity> {
    let asked =
        Command::new("git").arg("-C").arg(folder).args(["var", "GIT_AUTHOR_IDENT"]).output();
    let output = asked.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (name, rest) = text.rsplit_once(" <")?;
    let (email, _) = rest.split_once('>')?;
    Some(GitIdentity { name: name.to_owned(), email: email.to_owned() })
}
