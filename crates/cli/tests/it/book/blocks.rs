//! Blocks of code in a page, with the comments that say what a test does with them.
//!
//! A comment stands above its block, on a line of its own:
//!
//! - `<!-- not run: WHY -->`: its commands are not run here, or its suite is not checked; of several commands
//!   only `` `COMMAND` ``, if WHY begins with it.
//! - `<!-- exit: CODE -->`: its last command ends with this exit code.
//! - `<!-- file: PATH -->`: it is a file, which is written into the page's folder.
//! - `<!-- change: PATH -->`: its top-level keys replace those of this YAML file.
//! - `<!-- not a suite: WHY -->`: its YAML is not a suite's.
//!
//! And of a page: `<!-- folder: project -->`, its commands are run in an empty folder beside a clone.

use super::pages::Page;

/// A fenced block.
pub(super) struct Block {
    pub(super) language: String,
    pub(super) text: String,
    /// `PAGE:LINE`.
    pub(super) place: String,
    marks: Vec<(String, String)>,
}

impl Block {
    /// What a comment above the block says under this word.
    pub(super) fn mark(&self, word: &str) -> Option<&str> {
        self.marks.iter().find(|(name, _)| name == word).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_commands(&self) -> bool {
        ["console", "sh", "bash", "shell"].contains(&self.language.as_str())
    }
}

const WORDS: [&str; 5] = ["not run", "exit", "file", "change", "not a suite"];

/// The blocks of a page, in their order.
pub(super) fn blocks(page: &Page) -> Vec<Block> {
    let (mut found, mut marks, mut open) = (Vec::new(), Vec::new(), None::<(usize, Block)>);
    for (n, line) in page.text.lines().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if let Some((depth, block)) = &mut open {
            if trimmed == "```" {
                found.extend(open.take().map(|(_, block)| block));
            } else {
                block.text.push_str(line.get((*depth).min(indent)..).unwrap_or_default());
                block.text.push('\n');
            }
        } else if let Some(info) = trimmed.strip_prefix("```") {
            let language = info.split([',', ' ']).next().unwrap_or_default().to_owned();
            let place = format!("{}:{}", page.name, n + 1);
            let marks = std::mem::take(&mut marks);
            open = Some((indent, Block { language, text: String::new(), place, marks }));
        } else if let Some(comment) = trimmed.strip_prefix("<!-- ") {
            let comment = comment.trim_end_matches("-->").trim();
            if let Some((word, value)) = comment.split_once(": ").filter(|(w, _)| WORDS.contains(w))
            {
                marks.push((word.to_owned(), value.to_owned()));
            }
        } else if !trimmed.is_empty() {
            assert!(marks.is_empty(), "{}:{}: a comment without its block", page.name, n + 1);
        }
    }
    assert!(open.is_none(), "{}: a block does not end", page.name);
    found
}
