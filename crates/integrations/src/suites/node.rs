//! A value of another tool's file that knows where it stands, and the files that such values name.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use evalmark_core::{
    files::FileAccess,
    suite::{LocatedYaml, pointer_segment},
};
use serde_json::Value;

use super::definition::SuiteImportError;

/// The most files that one pattern stands for.
const MOST_FILES: usize = 10_000;

/// A file that was read.
#[derive(Debug)]
struct SourceFile {
    /// As messages call it.
    shown: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Document(LocatedYaml),
    /// A list, with the line of each element.
    Rows(Value, Vec<u64>),
}

/// A value, and where it stands. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    file: Arc<SourceFile>,
    pointer: String,
}

impl Node {
    /// The value.
    pub(crate) fn value(&self) -> &Value {
        let root = match &self.file.content {
            Content::Document(document) => document.value(),
            Content::Rows(rows, _) => rows,
        };
        root.pointer(&self.pointer).unwrap_or(&Value::Null)
    }

    /// `FILE:LINE`.
    pub(crate) fn place(&self) -> String {
        let line = match &self.file.content {
            Content::Document(document) => document.key_position(&self.pointer).line,
            Content::Rows(_, lines) => {
                let row = self.pointer.split('/').nth(1).and_then(|row| row.parse::<usize>().ok());
                row.and_then(|row| lines.get(row)).copied().unwrap_or_default()
            }
        };
        match line {
            0 => self.file.shown.clone(),
            line => format!("{}:{line}", self.file.shown),
        }
    }

    /// What stands under a key, unless that is null.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let below = self.below(&pointer_segment(key));
        (!below.value().is_null()).then_some(below)
    }

    /// The text under a key.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.value().as_str().map(str::to_owned)
    }

    /// The text that the value is.
    pub(crate) fn as_text(&self) -> Option<&str> {
        self.value().as_str()
    }

    /// The elements of a list; of anything else, the value alone.
    pub(crate) fn elements(&self) -> Vec<Self> {
        match self.value() {
            Value::Array(list) => (0..list.len()).map(|at| self.below(&at.to_string())).collect(),
            _ => vec![self.clone()],
        }
    }

    /// The entries of a mapping.
    pub(crate) fn entries(&self) -> Vec<(String, Self)> {
        let entries = self.value().as_object().into_iter().flatten();
        entries.map(|(key, _)| (key.clone(), self.below(&pointer_segment(key)))).collect()
    }

    /// Where a reference within the file (`{ $ref: '#/a/b' }`) leads.
    fn below(&self, segment: &str) -> Self {
        let mut node =
            Self { file: self.file.clone(), pointer: format!("{}/{segment}", self.pointer) };
        // References may lead to references, and in a circle.
        for _ in 0..8 {
            let target = node.value().get("$ref").and_then(Value::as_str);
            let Some(pointer) = target.and_then(|target| target.strip_prefix('#')) else { break };
            node = Self { file: node.file.clone(), pointer: pointer.to_owned() };
        }
        node
    }
}

/// The files beside an imported one: what they name is relative to its folder.
pub(crate) struct Files<'a> {
    folder: PathBuf,
    access: &'a FileAccess,
}

impl<'a> Files<'a> {
    pub(crate) fn beside(file: &Path, access: &'a FileAccess) -> Self {
        Self { folder: file.parent().unwrap_or(Path::new("")).to_owned(), access }
    }

    /// The path of a name in a file: behind `file://`, relative to the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let name = name.strip_prefix("file://").unwrap_or(name);
        let path = self.folder.join(name);
        let plain = path.components().filter(|part| !matches!(part, Component::CurDir));
        plain.collect()
    }

    /// The files beside the one that a value stands in.
    pub(crate) fn beside_value(&self, node: &Node) -> Self {
        Self::beside(Path::new(&node.file.shown), self.access)
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &Path) -> Result<String, String> {
        self.access.read_text(path).map_err(|error| format!("the file {} {error}", path.display()))
    }

    /// A YAML or JSON file.
    pub(crate) fn document(&self, path: &Path) -> Result<Node, SuiteImportError> {
        let shown = path.display().to_string();
        let text = self.access.read_text(path);
        let text = text.map_err(|error| SuiteImportError::new(&shown, error.to_string()))?;
        document_of(&text, shown)
    }

    /// Rows, each with its line.
    pub(crate) fn rows(path: &Path, rows: Vec<(u64, Value)>) -> Node {
        let (lines, rows) = rows.into_iter().unzip();
        let content = Content::Rows(Value::Array(rows), lines);
        let file = Arc::new(SourceFile { shown: path.display().to_string(), content });
        Node { file, pointer: String::new() }
    }

    /// The files that a path with `*` in its last parts stands for, sorted; a path without is itself.
    pub(crate) fn expand(&self, name: &str) -> Result<Vec<PathBuf>, String> {
        let path = self.path(name);
        if !name.contains(['*', '?', '{', '[']) {
            return Ok(vec![path]);
        }
        if name.contains(['{', '[', '?']) || name.contains("**") {
            return Err("only `*` within a folder is understood among patterns".to_owned());
        }
        let mut found = vec![PathBuf::new()];
        for part in path.components() {
            let Some(pattern) = part.as_os_str().to_str().filter(|part| part.contains('*')) else {
                for one in &mut found {
                    one.push(part);
                }
                continue;
            };
            found = found.iter().flat_map(|folder| matching(folder, pattern)).collect();
            if found.len() > MOST_FILES {
                return Err(format!("the pattern stands for more than {MOST_FILES} files"));
            }
        }
        if found.is_empty() {
            return Err(format!("there is no file {}", path.display()));
        }
        found.sort();
        Ok(found)
    }
}

/// YAML or JSON in a text.
pub(crate) fn document_of(text: &str, shown: String) -> Result<Node, SuiteImportError> {
    let document = LocatedYaml::parse(text).map_err(|mistake| SuiteImportError {
        place: format!("{shown}:{}:{}", mistake.position.line, mistake.position.column),
        problem: mistake.message,
        hint: mistake.hint,
    })?;
    let file = Arc::new(SourceFile { shown, content: Content::Document(document) });
    Ok(Node { file, pointer: String::new() })
}

/// The entries of a folder whose names fit a pattern.
fn matching(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(shown).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter(|name| !name.starts_with('.') && fits(name, pattern));
    names.take(MOST_FILES + 1).map(|name| folder.join(name)).collect()
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |name: &str, pattern: &str, expected: bool| {
            assert_eq!(fits(name, pattern), expected, "{name} {pattern}");
        };
        check("a.txt", "*.txt", true);
        check("a.txt", "*", true);
        check("a.txt", "a*t", true);
        check("ab", "a*ab", false);
        check("a-b-c.yaml", "a*b*.yaml", true);
        check("x.yaml", "a*.yaml", false);
    }

    #[test]
    fn references_lead_elsewhere_in_the_file_and_not_in_circles() {
        let text = "a: { $ref: '#/b/c' }\nb:\n  c: { d: 1 }\ne: { $ref: '#/e' }\nf: [1, 2]\n";
        let root = document_of(text, "x.yaml".to_owned()).expect("YAML");
        let a = root.get("a").expect("a");
        assert_eq!(a.get("d").map(|d| d.value().clone()), Some(1.into()));
        assert_eq!(a.place(), "x.yaml:3");
        assert!(root.get("e").is_some_and(|e| e.value().is_object()));
        assert_eq!(root.get("f").expect("f").elements()[1].place(), "x.yaml:5");
    }
}
