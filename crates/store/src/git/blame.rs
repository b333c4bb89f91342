//! Which commit each line of a file comes from, as `git blame` tells it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use gix::{
    bstr::ByteSlice,
    diff::blob::{Algorithm, Diff, InternedInput, sources::byte_lines},
};

use super::{
    error::GitError,
    files::FileKind,
    repository::{CommitId, GitRepository},
};

/// The largest file whose lines are followed, in bytes.
const MAX_BLAMED: u64 = 4 << 20;

/// A line of a file, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlamedLine {
    /// The line's text, without its end.
    pub text: String,
    /// The commit that wrote it; `None` where it is not committed yet.
    pub commit: Option<CommitId>,
    /// The file's path in that commit.
    pub path: String,
    /// Its line there, from 1.
    pub line: u64,
}

/// A line that is followed: its place in the file that is blamed, and in the one that is looked at, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Followed {
    blamed: usize,
    line: usize,
}

/// What is still to be looked at: the latest commit first.
type Queue = BTreeMap<(i64, CommitId), BTreeMap<String, Vec<Followed>>>;

impl GitRepository {
    /// The lines of a file at a commit, or, without one, as it is in the working tree.
    pub fn blame(&self, path: &str, at: Option<CommitId>) -> Result<Vec<BlamedLine>, GitError> {
        let start = match at {
            Some(commit) => commit,
            None => self.head()?,
        };
        let committed = self.text(start, path)?;
        let text = match at {
            Some(_) => committed.clone().unwrap_or_default(),
            None => self.working_text(path, committed.as_deref())?,
        };
        let lines: Vec<_> = byte_lines(&text).collect();
        let mut blamed: Vec<_> = lines
            .iter()
            .enumerate()
            .map(|(i, line)| BlamedLine {
                text: line.trim_end_with(|c| c == '\n' || c == '\r').to_str_lossy().into_owned(),
                commit: None,
                path: path.to_owned(),
                line: i as u64 + 1,
            })
            .collect();
        let mut queue = Queue::new();
        if let Some(committed) = committed {
            let all: Vec<_> = (0..lines.len()).map(|i| Followed { blamed: i, line: i }).collect();
            let (kept, _) = divide(&committed, &text, &all);
            self.push(&mut queue, start, path.to_owned(), kept)?;
        }
        while let Some(((_, commit), files)) = queue.pop_last() {
            for (path, lines) in files {
                for followed in self.follow(commit, &path, lines, &mut queue)? {
                    let line = &mut blamed[followed.blamed];
                    (line.commit, line.line) = (Some(commit), followed.line as u64 + 1);
                    line.path.clone_from(&path);
                }
            }
        }
        Ok(blamed)
    }

    /// Hands lines of a file on to the parents that have them, and returns those that this commit wrote.
    fn follow(
        &self,
        commit: CommitId,
        path: &str,
        mut lines: Vec<Followed>,
        queue: &mut Queue,
    ) -> Result<Vec<Followed>, GitError> {
        let parents = self.commit(commit)?.parents;
        let here = self.find(commit, path)?.map(|file| file.content);
        let mut with_file = Vec::new();
        for parent in parents {
            let there = match self.find(parent, path)? {
                Some(file) => Some(file),
                None => match self.renamed_from(parent, commit, path)? {
                    Some(source) => self.find(parent, &source)?,
                    None => None,
                },
            };
            let Some(file) = there else { continue };
            if Some(file.content) == here {
                self.push(queue, parent, file.path, lines)?;
                return Ok(Vec::new());
            }
            with_file.push((parent, file.path));
        }
        let text = self.text(commit, path)?.unwrap_or_default();
        for (parent, source) in with_file {
            let before = self.text(parent, &source)?.unwrap_or_default();
            let (kept, written) = divide(&before, &text, &lines);
            self.push(queue, parent, source, kept)?;
            lines = written;
        }
        Ok(lines)
    }

    fn push(
        &self,
        queue: &mut Queue,
        commit: CommitId,
        path: String,
        lines: Vec<Followed>,
    ) -> Result<(), GitError> {
        if !lines.is_empty() {
            let at = self.commit(commit)?.committed_at;
            queue.entry((at, commit)).or_default().entry(path).or_default().extend(lines);
        }
        Ok(())
    }

    fn text(&self, commit: CommitId, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let file = self.find(commit, path)?.filter(|file| file.kind == FileKind::File);
        file.map(|file| self.read(&file, MAX_BLAMED)).transpose()
    }

    /// A file of the working tree, with the ends of its lines as they are committed.
    fn working_text(&self, path: &str, committed: Option<&[u8]>) -> Result<Vec<u8>, GitError> {
        let file = self.path(path);
        let unreadable =
            |reason: String| GitError::Unreadable { what: file.display().to_string(), reason };
        let bytes = fs::metadata(&file).map_err(|error| unreadable(error.to_string()))?.len();
        if bytes > MAX_BLAMED {
            return Err(GitError::TooLarge { path: path.to_owned(), bytes, limit: MAX_BLAMED });
        }
        let text = fs::read(&file).map_err(|error| unreadable(error.to_string()))?;
        let has_crlf = committed.is_some_and(|committed| committed.contains_str("\r\n"));
        Ok(if has_crlf { text } else { text.replace("\r\n", "\n") })
    }
}

/// Of the lines of a text that are followed: those that stood in the text before, with their lines there, and those that
/// did not.
fn divide(before: &[u8], after: &[u8], lines: &[Followed]) -> (Vec<Followed>, Vec<Followed>) {
    let input = InternedInput::new(byte_lines(before), byte_lines(after));
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    // The first line behind each change, and where that stood before.
    let mut shifts = BTreeMap::from([(0_usize, 0_usize)]);
    let mut added = BTreeSet::new();
    for hunk in diff.hunks() {
        added.extend(hunk.after.start as usize..hunk.after.end as usize);
        shifts.insert(hunk.after.end as usize, hunk.before.end as usize);
    }
    let (mut kept, mut written) = (Vec::new(), Vec::new());
    for followed in lines {
        if added.contains(&followed.line) {
            written.push(*followed);
        } else if let Some((after, before)) = shifts.range(..=followed.line).next_back() {
            kept.push(Followed { line: followed.line - after + before, ..*followed });
        }
    }
    (kept, written)
}
