//! A folder with a git repository in it, whose commits are a minute apart.

use std::{ops::Deref, path::PathBuf};

use crate::{made_repository::MadeRepository, setup::World};

/// A world in git.
pub(crate) struct GitWorld {
    pub(crate) world: World,
    made: MadeRepository,
}

impl Deref for GitWorld {
    type Target = MadeRepository;

    fn deref(&self) -> &MadeRepository {
        &self.made
    }
}

impl GitWorld {
    /// An empty repository in an empty folder.
    pub(crate) fn new() -> Self {
        Self::of(World { folder: tempfile::tempdir().expect("a folder") })
    }

    /// A repository in the folder of a world.
    pub(crate) fn of(world: World) -> Self {
        let root = PathBuf::from(world.folder.path());
        let made = Self { made: MadeRepository::new(root, &[]), world };
        made.write(".gitignore", "reports\ncache\n");
        made
    }

    /// Merges a branch, a minute later.
    pub(crate) fn merge(&self, branch: &str) -> String {
        self.minute.set(self.minute.get() + 1);
        self.git(&["merge", "-q", "--no-ff", "--no-edit", branch]);
        self.git(&["rev-parse", "HEAD"])
    }
}
