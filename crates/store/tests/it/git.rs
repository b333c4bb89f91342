//! What is read of git agrees with what git says itself, on repositories that the program `git` makes.

use std::{fs, ops::Deref, path::Path};

use evalmark_core::file_snapshot::{FileSnapshot, SnapshotEntry};
use evalmark_store::git::{FileChange, GitError, GitRepository, GitSnapshot};
use tempfile::TempDir;

use crate::made_repository::MadeRepository;

/// A repository in a folder of its own.
pub(crate) struct Made {
    _folder: TempDir,
    made: MadeRepository,
}

impl Deref for Made {
    type Target = MadeRepository;

    fn deref(&self) -> &MadeRepository {
        &self.made
    }
}

impl Made {
    pub(crate) fn new(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("repo");
        fs::create_dir(&root).expect("a folder");
        Self { made: MadeRepository::new(root, more), _folder: folder }
    }

    fn open(&self) -> GitRepository {
        GitRepository::open(&self.root).expect("a repository")
    }
}

/// Commit, path and line of every line, as `git blame` has it.
fn porcelain(told: &str) -> Vec<(String, String, u64)> {
    let mut paths = std::collections::BTreeMap::new();
    let (mut lines, mut at) = (Vec::new(), (String::new(), 0));
    for line in told.lines() {
        if line.starts_with('\t') {
            let path: &String = &paths[&at.0];
            lines.push((at.0.clone(), path.clone(), at.1));
        } else if let Some(path) = line.strip_prefix("filename ") {
            paths.insert(at.0.clone(), path.to_owned());
        } else {
            let mut words = line.split(' ');
            let (id, then) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if let (40, Ok(then)) = (id.len(), then.parse()) {
                at = (id.to_owned(), then);
            }
        }
    }
    lines
}

#[track_caller]
pub(crate) fn same_blame(made: &Made, folder: &Path, path: &str) {
    let expected = porcelain(&made.git_in(folder, &["blame", "--porcelain", "--", path]));
    let git = GitRepository::open(folder).expect("a repository");
    let found = git.blame(path, None).expect("blamed");
    let found: Vec<_> = found
        .into_iter()
        .map(|line| {
            let id = line.commit.map_or("0".repeat(40), |id| id.to_string());
            (id, line.path, line.line)
        })
        .collect();
    assert_eq!(found, expected, "{}", made.git_in(folder, &["blame", "--", path]));
}

/// A history with edits, a rename, a merge in which both sides changed the file, and an edit that is not committed.
fn history() -> Made {
    let made = Made::new(&[]);
    made.write("a.md", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n");
    made.commit("First");
    made.write("a.md", "one\ntwo\nthree\n4\nfive\nsix\nseven\neight\n");
    made.commit("Four");
    made.git(&["mv", "a.md", "b.md"]);
    made.commit("Rename");
    made.git(&["checkout", "-q", "-b", "side"]);
    made.write("b.md", "ONE\ntwo\nthree\n4\nfive\nsix\nseven\neight\n");
    made.commit("One, on the side");
    made.git(&["checkout", "-q", "main"]);
    made.write("b.md", "one\ntwo\nthree\n4\nfive\nsix\nseven\neight\nnine\n");
    made.commit("Nine");
    made.minute.set(10);
    made.git(&["merge", "-q", "--no-edit", "side"]);
    made.write("b.md", "ONE\ntwo\nthree\n4\nfive and a half\nsix\nseven\neight\nnine\n");
    made.commit("Five");
    made
}

#[test]
fn blame_agrees_with_git() {
    let made = history();
    same_blame(&made, &made.root, "b.md");
    made.write("b.md", "zero\nONE\ntwo\nthree\n4\nfive and a half\nsix\n7\neight\nnine");
    same_blame(&made, &made.root, "b.md");
}

#[test]
fn blame_agrees_with_git_in_every_kind_of_repository() {
    let made = history();
    made.git(&["checkout", "-q", "--detach", "HEAD"]);
    same_blame(&made, &made.root, "b.md");
    let beside = |name: &str| made.root.with_file_name(name);
    let url = format!("file://{}", made.root.display());
    for (name, depth) in [("shallow", "2"), ("deeper", "4")] {
        made.git(&["clone", "-q", "--depth", depth, &url, beside(name).to_str().expect("UTF-8")]);
        same_blame(&made, &beside(name), "b.md");
    }
    made.git(&["worktree", "add", "-q", beside("tree").to_str().expect("UTF-8"), "main"]);
    same_blame(&made, &beside("tree"), "b.md");
    // Objects that lie in another repository, and in packs.
    let root = made.root.to_str().expect("UTF-8").to_owned();
    made.git(&["gc", "-q"]);
    made.git(&["clone", "-q", "--shared", &root, beside("shared").to_str().expect("UTF-8")]);
    same_blame(&made, &beside("shared"), "b.md");
    let outer = Made::new(&[]);
    outer.git(&["submodule", "--quiet", "add", &url, "sub"]);
    outer.commit("Submodule");
    same_blame(&made, &outer.root.join("sub"), "b.md");
}

#[test]
fn blame_agrees_with_git_whatever_ends_lines() {
    let made = Made::new(&[]);
    made.git(&["config", "core.autocrlf", "true"]);
    made.write("a.md", "one\r\ntwo\r\n");
    made.commit("First");
    made.write("a.md", "one\r\n2\r\nthree\r\n");
    made.commit("Second");
    same_blame(&made, &made.root, "a.md");
    let made = Made::new(&[]);
    made.write("a.md", "one\r\ntwo\r\n");
    made.commit("First");
    made.write("a.md", "one\r\ntwo\r\nthree\r\n");
    made.commit("Second");
    same_blame(&made, &made.root, "a.md");
}

#[test]
fn a_repository_of_sha_256_is_read() {
    let made = Made::new(&["--object-format=sha256"]);
    made.write("a.md", "one\n");
    let first = made.commit("First");
    let git = made.open();
    assert_eq!(git.head().expect("a commit").to_string(), first);
    assert_eq!(git.blame("a.md", None).expect("blamed").len(), 1);
}

#[test]
fn changes_are_those_of_git() {
    use FileChange::{Added, Modified, Removed};

    let made = Made::new(&[]);
    for name in ["same", "edited", "staged", "removed", "back", "committed", "folder/deep"] {
        made.write(name, "1\n");
    }
    made.write(".gitignore", "ignored\n");
    let base = made.commit("First");
    made.write("committed", "2\n");
    made.write("back", "2\n");
    made.commit("Second");
    for (name, text) in
        [("edited", "2\n"), ("staged", "2\n"), ("back", "1\n"), ("new", "1\n"), ("ignored", "1\n")]
    {
        made.write(name, text);
    }
    made.write("folder/new", "1\n");
    made.git(&["add", "staged"]);
    fs::remove_file(made.root.join("removed")).expect("removed");
    let git = GitRepository::open(&made.root.join("folder")).expect("a repository");
    let changed = git.changed_since(base.parse().expect("an id")).expect("changes");
    let changed: Vec<_> = changed.iter().map(|file| (&*file.path, file.change)).collect();
    let expected = [
        ("committed", Modified),
        ("edited", Modified),
        ("folder/new", Added),
        ("new", Added),
        ("removed", Removed),
        ("staged", Modified),
    ];
    assert_eq!(changed, expected);
    let below =
        git.uncommitted(&[&made.root.join("folder"), &made.root.join("same")]).expect("changes");
    assert_eq!(below.len(), 1, "{below:?}");
}

#[test]
fn a_snapshot_reads_what_was_there() {
    let made = Made::new(&[]);
    made.write("prompts/a.md", "before\n");
    made.write("prompts/gone.md", "gone\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink("a.md", made.root.join("prompts/link.md")).expect("a link");
    let first = made.commit("First");
    made.write("prompts/a.md", "after\n");
    made.write("prompts/later.md", "later\n");
    made.git(&["rm", "-q", "prompts/gone.md"]);
    made.commit("Second");
    made.write("untracked.csv", "1\n");
    let git = made.open();
    let snapshot = GitSnapshot::new(&git, first.parse().expect("an id"));
    let check = |path: &str, expected: SnapshotEntry, text: &str| {
        let (real, entry) = snapshot.find(&made.root.join(path)).expect("found");
        assert_eq!(entry, expected, "{path}");
        if entry == SnapshotEntry::File {
            let file = snapshot.open(&real).expect("opened");
            assert_eq!(std::io::read_to_string(file).expect("a text"), text, "{path}");
        }
    };
    check("prompts/a.md", SnapshotEntry::File, "before\n");
    check("prompts/gone.md", SnapshotEntry::File, "gone\n");
    check("prompts/later.md", SnapshotEntry::Missing, "");
    check("prompts", SnapshotEntry::Folder, "");
    check("untracked.csv", SnapshotEntry::OnDisk, "");
    check("/etc/hosts", SnapshotEntry::OnDisk, "");
    #[cfg(unix)]
    check("prompts/link.md", SnapshotEntry::File, "before\n");
    assert!(fs::read_to_string(made.root.join("prompts/a.md")).expect("text").contains("after"));
}

#[test]
fn what_git_cannot_answer_is_told() {
    let check = |error: GitError, words: &str, hint: &str| {
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{error}: {:?}", error.hint());
    };
    let outside = tempfile::tempdir().expect("a folder");
    check(
        GitRepository::open(outside.path()).expect_err("none"),
        "in no git repository",
        "git init",
    );
    let made = Made::new(&[]);
    check(made.open().head().expect_err("no commit"), "no commit yet", "git commit");
    made.write("a", "1");
    made.commit("First");
    let git = made.open();
    for revision in ["nowhere", "HEAD~1", "", "--all", "HEAD:a"] {
        check(git.commit_of(revision).expect_err("unknown"), "names no commit", "name a branch");
    }
    made.commit("Second");
    let (url, shallow) =
        (format!("file://{}", made.root.display()), made.root.with_file_name("shallow"));
    made.git(&["clone", "-q", "--depth", "1", &url, shallow.to_str().expect("UTF-8")]);
    let git = GitRepository::open(&shallow).expect("a repository");
    check(git.commit_of("HEAD~1").expect_err("cut off"), "shallow", "--unshallow");
    made.git(&["tag", "-a", "v1", "-m", "first"]);
    assert_eq!(made.open().commit_of("v1").ok(), made.open().head().ok());
}
