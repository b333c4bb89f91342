//! Histories that a seed makes, with edits, renames, branches and merges: what is read of them agrees with git.

use std::fs;

use evalmark_store::{
    git::{FileChange, GitRepository, look_up},
    run_record::GitState,
};

use crate::git::{Made, same_blame};

/// A seeded coin.
struct Coin(u64);

impl Coin {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % n
    }
}

/// A history of one file whose lines are all different, so that no two ways to compare them are equally good.
struct History {
    made: Made,
    coin: Coin,
    file: String,
    n: usize,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut history =
            Self { made: Made::new(&[]), coin: Coin(seed), file: "prompts/p0.md".to_owned(), n: 0 };
        let lines: Vec<_> = (0..12).map(|_| history.line()).collect();
        history.write(&lines);
        history.made.commit("First");
        history
    }

    fn line(&mut self) -> String {
        self.n += 1;
        format!("line {} {}", self.n, "word ".repeat(self.n % 5))
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.made.root.join(&self.file)).expect("text");
        text.lines().map(str::to_owned).collect()
    }

    fn write(&self, lines: &[String]) {
        self.made.write(&self.file, &(lines.join("\n") + "\n"));
    }

    /// Changes a line, adds some, or takes one out.
    fn edit(&mut self) {
        let mut lines = self.lines();
        let at = self.coin.below(lines.len());
        match self.coin.below(3) {
            0 => lines[at] = self.line(),
            1 => {
                for _ in 0..=self.coin.below(2) {
                    let line = self.line();
                    lines.insert(at, line);
                }
            }
            _ if lines.len() > 6 => drop(lines.remove(at)),
            _ => lines.push(self.line()),
        }
        self.write(&lines);
    }

    fn rename(&mut self) {
        self.n += 1;
        let to = format!("prompts/p{}.md", self.n);
        self.made.git(&["mv", &self.file, &to]);
        self.file = to;
        if self.coin.below(2) == 0 {
            self.edit();
        }
    }

    /// A branch and the trunk edit the file, at its ends, and are merged.
    fn merge(&mut self) {
        self.n += 1;
        let branch = format!("side{}", self.n);
        self.made.git(&["checkout", "-q", "-b", &branch]);
        let mut lines = self.lines();
        lines[0] = self.line();
        self.write(&lines);
        self.made.commit("On the side");
        self.made.git(&["checkout", "-q", "main"]);
        if self.coin.below(2) == 0 {
            let mut lines = self.lines();
            let line = self.line();
            lines.push(line);
            self.write(&lines);
        } else {
            self.made.write("notes", &format!("{}", self.n));
        }
        self.made.commit("Meanwhile");
        self.made.minute.set(self.made.minute.get() + 1);
        self.made.git(&["merge", "-q", "--no-ff", "--no-edit", &branch]);
    }

    fn step(&mut self) {
        match self.coin.below(8) {
            0 => self.rename(),
            1 => return self.merge(),
            2 => self.made.write("notes", &format!("{}", self.n)),
            _ => self.edit(),
        }
        self.n += 1;
        self.made.commit("Step");
    }
}

#[test]
fn blame_agrees_with_git_on_histories_of_every_kind() {
    for seed in 0..10 {
        let mut history = History::new(seed);
        for _ in 0..12 {
            history.step();
        }
        same_blame(&history.made, &history.made.root, &history.file);
        history.edit();
        same_blame(&history.made, &history.made.root, &history.file);
    }
}

/// The name of each change, as git has it.
fn status(made: &Made, base: &str) -> Vec<(String, FileChange)> {
    let told = made.git(&["diff", "--name-status", "--no-renames", base]);
    let change = |line: &str| {
        let (letter, path) = line.split_once('\t').expect("a change");
        let change = match letter {
            "A" => FileChange::Added,
            "D" => FileChange::Removed,
            _ => FileChange::Modified,
        };
        (path.to_owned(), change)
    };
    let mut all: Vec<_> = told.lines().map(change).collect();
    let new = made.git(&["ls-files", "--others", "--exclude-standard"]);
    all.extend(new.lines().map(|path| (path.to_owned(), FileChange::Added)));
    all.sort();
    all
}

#[test]
fn changes_agree_with_git_on_histories_of_every_kind() {
    for seed in 20..26 {
        let mut history = History::new(seed);
        let base = history.made.git(&["rev-parse", "HEAD"]);
        for _ in 0..6 {
            history.step();
        }
        history.edit();
        history.made.write("new", "1");
        if seed % 2 == 0 {
            history.made.git(&["add", "new"]);
        }
        let git = GitRepository::open(&history.made.root).expect("a repository");
        let found = git.changed_since(base.parse().expect("an id")).expect("changes");
        let found: Vec<_> = found.into_iter().map(|file| (file.path, file.change)).collect();
        assert_eq!(found, status(&history.made, &base), "seed {seed}");
    }
}

/// What `run.json` keeps of the source tree is what `git status --untracked-files=no` says.
#[test]
fn the_state_of_the_tree_is_that_of_git() {
    let made = Made::new(&[]);
    made.write("suite.yaml", "name: a\n");
    made.write("other/file", "1\n");
    let state = || look_up(&made.root.join("suite.yaml"));
    assert_eq!(state(), None, "no commit yet");
    let revision = made.commit("First");
    let check = |what: &str| {
        let told = made.git(&["status", "--porcelain", "--untracked-files=no"]);
        let expected = GitState { revision: revision.clone(), clean: told.is_empty() };
        assert_eq!(state(), Some(expected), "{what}");
    };
    check("clean");
    made.write("new", "1\n");
    check("untracked");
    made.git(&["add", "new"]);
    check("staged");
    made.git(&["reset", "-q"]);
    made.write("other/file", "2\n");
    check("modified");
    made.write("other/file", "1\n");
    check("as it was");
    fs::remove_file(made.root.join("other/file")).expect("removed");
    check("removed");
    made.git(&["checkout", "-q", "."]);
    made.git(&["config", "core.autocrlf", "true"]);
    made.write("other/file", "1\r\n");
    check("another end of the line");
}
