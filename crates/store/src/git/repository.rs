//! A repository: its commits, and revisions by their names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use gix::bstr::ByteSlice;

use super::error::{GitError, reason, unreadable};

/// A repository with a working tree. Cheap to clone; each thread has its own.
#[derive(Clone)]
pub struct GitRepository {
    pub(super) inner: gix::Repository,
    /// The real path of its working tree.
    root: PathBuf,
    /// Commits whose parents are not here.
    boundary: BTreeSet<CommitId>,
}

/// The id of a commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub(super) gix::ObjectId);

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The commits before it that are here.
    pub parents: Vec<CommitId>,
    /// Whether it has others before it, which a shallow clone left out.
    pub is_boundary: bool,
    /// Who wrote it.
    pub author: String,
    /// That person's address.
    pub email: String,
    /// When it was written: RFC 3339, with the author's offset.
    pub date: String,
    /// When it was committed, in seconds since 1970.
    pub committed_at: i64,
    /// The first line of its message.
    pub subject: String,
}

impl CommitId {
    /// Digits that people read.
    pub fn short(&self) -> String {
        self.0.to_hex_with_len(10).to_string()
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for CommitId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        gix::ObjectId::from_hex(text.as_bytes()).map(Self).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for GitRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitRepository({})", self.root.display())
    }
}

impl GitRepository {
    /// The repository that a folder is in: a worktree and a submodule have their own.
    pub fn open(folder: &Path) -> Result<Self, GitError> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let none = || GitError::NoRepository(folder.to_owned());
        let real = folder.canonicalize().map_err(|_| none())?;
        let mut inner = gix::discover(&real).map_err(|error| {
            let is_missing = gix_is_missing(&real);
            if is_missing { none() } else { unreadable("the repository")(error) }
        })?;
        // Trees are looked up again and again.
        inner.object_cache_size_if_unset(16 << 20);
        let Some(root) = inner.workdir() else {
            return Err(GitError::Bare(inner.git_dir().to_owned()));
        };
        let root = root.canonicalize().map_err(|error| GitError::Unreadable {
            what: root.display().to_string(),
            reason: error.to_string(),
        })?;
        let boundary =
            inner.shallow_commits().map_err(unreadable("the list of a shallow clone"))?;
        let boundary =
            boundary.iter().flat_map(|list| list.iter().copied().map(CommitId)).collect();
        Ok(Self { inner, root, boundary })
    }

    /// The real path of its working tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path of the working tree as git names it: from the root, between `/`. The file need not be there.
    pub fn relative(&self, path: &Path) -> Result<String, GitError> {
        // A link is itself, and not what it leads to, unless it leads here.
        let (link, real) = (real_path(path), path.canonicalize());
        let outside = || GitError::Outside { path: path.to_owned(), root: self.root.clone() };
        let below = match (link.strip_prefix(&self.root), &real) {
            (Ok(below), _) => below,
            (Err(_), Ok(real)) => real.strip_prefix(&self.root).map_err(|_| outside())?,
            (Err(_), Err(_)) => return Err(outside()),
        };
        let parts: Vec<_> =
            below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        Ok(parts.join("/"))
    }

    /// The file that git knows by this name.
    pub fn path(&self, relative: &str) -> PathBuf {
        relative
            .split('/')
            .filter(|part| !part.is_empty())
            .fold(self.root.clone(), |at, part| at.join(part))
    }

    /// The commit that is checked out.
    pub fn head(&self) -> Result<CommitId, GitError> {
        let mut head = self.inner.head().map_err(unreadable("HEAD"))?;
        if head.is_unborn() {
            return Err(GitError::NoCommit(self.root.clone()));
        }
        let commit = head.peel_to_commit().map_err(unreadable("the commit at HEAD"))?;
        Ok(CommitId(commit.id))
    }

    /// The commit that a revision names, as `git rev-parse` reads it: `main`, `v1.2`, `HEAD~3`, `1a2b3c4`.
    pub fn commit_of(&self, revision: &str) -> Result<CommitId, GitError> {
        if revision.is_empty() || revision.starts_with('-') || revision.contains(char::is_control) {
            let reason = "it is no name of a revision".to_owned();
            return Err(self.unknown(revision, reason));
        }
        if revision == "HEAD" {
            return self.head();
        }
        let peeled = format!("{revision}^{{commit}}");
        let found = self.inner.rev_parse_single(peeled.as_str());
        let found = found.map_err(|error| self.unknown(revision, reason(&error)))?.detach();
        // A commit beyond the edge of a shallow clone may be named by its child, and is not there.
        self.commit(CommitId(found))
            .map_err(|_| self.unknown(revision, "it is not here".to_owned()))?;
        Ok(CommitId(found))
    }

    fn unknown(&self, revision: &str, reason: String) -> GitError {
        let revision = revision.to_owned();
        if self.is_shallow() {
            GitError::BeyondShallow { revision, reason }
        } else {
            GitError::UnknownRevision { revision, reason }
        }
    }

    /// Whether the history is cut off somewhere.
    pub fn is_shallow(&self) -> bool {
        !self.boundary.is_empty()
    }

    /// What a commit says of itself.
    pub fn commit(&self, id: CommitId) -> Result<Commit, GitError> {
        let wrong = || unreadable(format!("the commit {}", id.short()));
        let commit = self.inner.find_commit(id.0).map_err(wrong())?;
        let author = commit.author().map_err(wrong())?;
        let time = author.time().map_err(wrong())?;
        let message = commit.message().map_err(wrong())?;
        let is_boundary = self.boundary.contains(&id);
        let parents = commit.parent_ids().map(|parent| CommitId(parent.detach()));
        Ok(Commit {
            id,
            parents: if is_boundary { Vec::new() } else { parents.collect() },
            is_boundary,
            author: author.name.trim().to_str_lossy().into_owned(),
            email: author.email.trim().to_str_lossy().into_owned(),
            date: time.format_or_unix(gix::date::time::format::ISO8601_STRICT),
            committed_at: commit.time().map_err(wrong())?.seconds,
            subject: message.summary().to_str_lossy().into_owned(),
        })
    }

    /// The commits that lie behind one and up to another, each with its parents; `None` where there are more than `most`.
    pub fn commits_between(
        &self,
        behind: CommitId,
        up_to: CommitId,
        most: usize,
    ) -> Result<Option<BTreeMap<CommitId, Vec<CommitId>>>, GitError> {
        let wrong = || unreadable(format!("the history of {}", up_to.short()));
        let walk = self.inner.rev_walk([up_to.0]).with_hidden([behind.0]).all().map_err(wrong())?;
        let mut found = BTreeMap::new();
        for commit in walk {
            let commit = commit.map_err(wrong())?;
            if found.len() == most {
                return Ok(None);
            }
            let parents = commit.parent_ids().map(|parent| CommitId(parent.detach()));
            found.insert(CommitId(commit.id), parents.collect());
        }
        Ok(Some(found))
    }

    /// The best common ancestor of two commits; `None` where there is none here.
    pub fn merge_base(&self, one: CommitId, other: CommitId) -> Option<CommitId> {
        let base = self.inner.merge_base(one.0, other.0).ok().flatten();
        base.map(|base| CommitId(base.detach()))
    }
}

/// Whether no folder here or above holds a repository.
fn gix_is_missing(folder: &Path) -> bool {
    !folder.ancestors().any(|above| above.join(".git").exists() || above.join("HEAD").is_file())
}

/// The path of what may not be there, with the real path of the folders above it.
fn real_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    for above in plain.ancestors().skip(1) {
        if let (Ok(real), Ok(below)) = (above.canonicalize(), plain.strip_prefix(above)) {
            return if below.as_os_str().is_empty() { real } else { real.join(below) };
        }
    }
    plain
}
