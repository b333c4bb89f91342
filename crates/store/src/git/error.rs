//! Why git cannot answer.

use std::path::PathBuf;

/// A question that git cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The folder is in no repository.
    #[error("{} is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// The repository has no folder of files.
    #[error("the git repository {} is bare: it has no working tree", .0.display())]
    Bare(PathBuf),
    /// Nothing was committed yet.
    #[error("the git repository {} has no commit yet", .0.display())]
    NoCommit(PathBuf),
    /// A revision that does not name a commit.
    #[error("`{revision}` names no commit: {reason}")]
    UnknownRevision {
        /// As it was given.
        revision: String,
        /// Why.
        reason: String,
    },
    /// The history before a commit is not here.
    #[error("`{revision}` names no commit of this shallow clone: {reason}")]
    BeyondShallow {
        /// As it was given.
        revision: String,
        /// Why.
        reason: String,
    },
    /// A path that lies elsewhere.
    #[error("{} is not in the git repository {}", path.display(), root.display())]
    Outside {
        /// The path.
        path: PathBuf,
        /// The working tree.
        root: PathBuf,
    },
    /// A file that is larger than what is read whole.
    #[error("{path} has {bytes} bytes; at most {limit} are read from git")]
    TooLarge {
        /// Its path in the repository.
        path: String,
        /// Its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// A folder with more files, or folders deeper in each other, than are listed.
    #[error(
        "the folder `{0}` of the git repository holds too many files, or folders too deep in each other"
    )]
    TooMany(String),
    /// Something in the repository is damaged or cannot be read.
    #[error("git cannot read {what}: {reason}")]
    Unreadable {
        /// What was read.
        what: String,
        /// Why not.
        reason: String,
    },
}

impl GitError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoRepository(_) => {
                Some("history is kept by git: run `git init` and commit the prompts")
            }
            Self::Bare(_) => Some("clone it, and run evalmark in the clone"),
            Self::NoCommit(_) => Some("commit the prompts: `git add prompts && git commit`"),
            Self::UnknownRevision { .. } => Some(
                "name a branch, a tag, a commit, or one such as `HEAD~3`; `git fetch` brings what a remote has",
            ),
            Self::BeyondShallow { .. } => {
                Some("`git fetch --unshallow` brings the whole history (in CI: `fetch-depth: 0`)")
            }
            _ => None,
        }
    }
}

/// An error of the library, as one of ours.
pub(super) fn unreadable(what: impl Into<String>) -> impl FnOnce(gix::Error) -> GitError {
    let what = what.into();
    move |error| GitError::Unreadable { what, reason: reason(&error) }
}

/// What an error of the library says, in one line.
pub(super) fn reason(error: &gix::Error) -> String {
    error.probable_cause().to_string().replace('\n', " ")
}
