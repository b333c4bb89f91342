//! What can go wrong with the folder of releases.

use std::{io, path::PathBuf};

/// Why releases cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ReleasesError {
    /// A file is not there.
    #[error("{} is missing", .0.display())]
    Missing(PathBuf),
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a folder or a link.
    #[error("{} is no regular file", .0.display())]
    NoFile(PathBuf),
    /// It is larger than a file of releases is.
    #[error("{} has more than 16 MiB", .0.display())]
    TooLarge(PathBuf),
    /// A text is not the one that was released.
    #[error("{} was altered: its SHA-256 is {found} instead of {expected}", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The digest that is its name.
        expected: String,
        /// The digest of its content.
        found: String,
    },
    /// It is no document of releases.
    #[error("{} cannot be used: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Git could not merge it.
    #[error("{} holds the marks of a conflict that git left", .0.display())]
    Conflict(PathBuf),
    /// Somebody else released in the meantime.
    #[error("{environment} moved on to release {release} in the meantime")]
    MovedOn {
        /// The environment.
        environment: String,
        /// Its newest release.
        release: u64,
    },
    /// Another version of this program wrote it.
    #[error("{} has format version {version}, which a later version of evalmark reads", path.display())]
    Later {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
}

impl ReleasesError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing(path) | Self::Altered { path, .. } => {
                format!("get it back from git: `git checkout -- {}`", path.display())
            }
            Self::Conflict(_) => "two people released at once: keep the releases that were pushed first (`git checkout \
                                  --ours` while rebasing, `--theirs` while merging, for the whole folder), then propose \
                                  yours again"
                .to_owned(),
            Self::MovedOn { .. } => {
                "`evalmark release status` shows what is released now; propose again if yours is still wanted".to_owned()
            }
            Self::Later { .. } => "install the version that wrote it, or a later one".to_owned(),
            Self::Unreadable { .. }
            | Self::Unwritable { .. }
            | Self::NoFile(_)
            | Self::TooLarge(_)
            | Self::Wrong { .. } => return None,
        })
    }

    /// Whether what was found is damaged, rather than the call wrong.
    pub fn is_damage(&self) -> bool {
        !matches!(self, Self::Unwritable { .. } | Self::MovedOn { .. })
    }
}
