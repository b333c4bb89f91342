//! The pages: those of the book, and the texts beside it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::setup::root;

/// A text in Markdown.
pub(super) struct Page {
    /// Its path from the root of the repository.
    pub(super) name: String,
    pub(super) text: String,
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name));
        Self { name: name.to_owned(), text: text.unwrap_or_else(|e| panic!("{name}: {e}")) }
    }

    /// The folder that its links start from.
    pub(super) fn folder(&self) -> PathBuf {
        Path::new(&self.name).parent().expect("a folder").to_owned()
    }

    /// The same with `{{#include FILE}}` replaced by the file, as mdbook does it.
    pub(super) fn expanded(&self) -> Self {
        let mut text = String::new();
        for line in self.text.lines() {
            let included = line.strip_prefix("{{#include ").and_then(|l| l.strip_suffix("}}"));
            let included = included.map(|file| {
                let path = root().join(self.folder()).join(file);
                fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            });
            text.push_str(included.as_deref().unwrap_or(line));
            text.push('\n');
        }
        Self { name: self.name.clone(), text }
    }

    /// Its lines outside of code blocks, with their numbers.
    pub(super) fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut fence = None;
        self.text.lines().enumerate().filter_map(move |(n, line)| {
            let mark = line.trim_start();
            let is_fence = mark.starts_with("```");
            match fence {
                Some(()) if is_fence => fence = None,
                None if is_fence => fence = Some(()),
                None => return Some((n + 1, line)),
                Some(()) => {}
            }
            None
        })
    }

    /// The anchors of its headings, as GitHub and mdbook make them.
    pub(super) fn anchors(&self) -> BTreeSet<String> {
        let (mut seen, mut anchors) = (BTreeMap::new(), BTreeSet::new());
        for (_, line) in self.prose() {
            let title = line.trim_start_matches('#');
            if title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let slug = slug(title.trim());
            let n: &mut usize = seen.entry(slug.clone()).or_default();
            anchors.insert(if *n == 0 { slug } else { format!("{slug}-{n}") });
            *n += 1;
        }
        anchors
    }
}

fn slug(title: &str) -> String {
    let keep = |c: char| match c {
        ' ' | '-' => Some('-'),
        c if c.is_alphanumeric() || c == '_' => Some(c),
        _ => None,
    };
    title.to_lowercase().chars().filter_map(keep).collect()
}

pub(super) fn is_markdown(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "md")
}

/// The pages of the book, without the list of them.
pub(super) fn book() -> Vec<Page> {
    let mut names = Vec::new();
    for folder in [
        "docs/src",
        "docs/src/from",
        "docs/src/reference",
        "docs/src/providers",
        "docs/src/receivers",
        "docs/src/sources",
    ] {
        for entry in fs::read_dir(root().join(folder)).expect("the book") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            if is_markdown(&name) && name != "SUMMARY.md" {
                names.push(format!("{folder}/{name}"));
            }
        }
    }
    names.sort();
    assert!(names.len() > 15, "{names:?}");
    names.iter().map(|name| Page::read(name)).collect()
}

/// The book, and what else people read.
pub(super) fn all() -> Vec<Page> {
    let beside = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(Page::read);
    beside.into_iter().chain(book()).collect()
}
