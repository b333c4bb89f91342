//! Git, read in this process and without touching a working tree: commits, files at a revision, renames, blame, and
//! what is not committed.
//!
//! Begin with [`GitRepository::open`]. `GitLookup` asks the program `git` for the state that `run.json` keeps; all else
//! reads objects through `gix`. It is Rust throughout, so that a hostile repository meets no C and a clone needs no C
//! compiler, and it reads worktrees, submodules, alternates, shallow clones and SHA-256 repositories; `git2` builds
//! faster, but binds C, and its SHA-256 is an experiment. Blame is our own, as that of `gix` ends in an error at the edge
//! of a shallow clone.

mod blame;
mod changes;
mod error;
mod files;
mod repository;
mod snapshot;
mod state;

pub use self::{
    blame::BlamedLine,
    changes::{ChangedFile, FileChange},
    error::GitError,
    files::{ContentId, FileKind, GitFile, MAX_BLOB},
    repository::{Commit, CommitId, GitRepository},
    snapshot::GitSnapshot,
    state::{GitLookup, look_up},
};
