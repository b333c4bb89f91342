//! The messages of a prompt as they were read, before their templates are compiled.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    media_template::MediaKind,
    suite::raw::{RawPart, RawRole},
};

/// The key of a part, and its template.
pub(super) fn part_of(raw: &RawPart) -> Option<(Option<MediaKind>, &str)> {
    let parts = [
        (None, &raw.text),
        (Some(MediaKind::Image), &raw.image),
        (Some(MediaKind::Audio), &raw.audio),
        (Some(MediaKind::File), &raw.file),
    ];
    let mut said = parts.into_iter().filter_map(|(kind, text)| Some((kind, text.as_deref()?)));
    said.next().filter(|_| said.next().is_none())
}

/// Where a message stands.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    /// Where its files are looked up.
    pub(super) folder: &'a Path,
    /// The file that it comes from, where that is not the suite.
    pub(super) file: Option<&'a Path>,
    /// Where it, or its file's name, stands in the suite.
    pub(super) pointer: &'a str,
    pub(super) is_suite: bool,
}

impl Base<'_> {
    pub(super) fn below(&self, key: &str) -> String {
        if self.is_suite { format!("{}/{key}", self.pointer) } else { self.pointer.to_owned() }
    }
}

/// A message before its templates are compiled.
pub(super) struct MessageSource {
    pub(super) role: String,
    /// Whether it is one text, and no list of parts.
    pub(super) is_text: bool,
    pub(super) parts: Vec<PartSource>,
}

impl MessageSource {
    pub(super) fn of_text(role: RawRole, part: PartSource) -> Self {
        Self { role: role.as_str().to_owned(), is_text: true, parts: vec![part] }
    }

    /// As it could stand in the suite.
    pub(super) fn inlined(&self) -> Value {
        let key = |part: &PartSource| part.kind.map_or("text", MediaKind::as_str);
        let content: Value = match self.parts.as_slice() {
            [part] if self.is_text => part.text.as_str().into(),
            parts => parts.iter().map(|part| json!({ key(part): part.text })).collect(),
        };
        json!({ "role": self.role, "content": content })
    }
}

/// A part of a message before its template is compiled.
pub(super) struct PartSource {
    /// What it is, where it is no text.
    pub(super) kind: Option<MediaKind>,
    pub(super) text: String,
    /// Where its includes, and media, are looked up.
    pub(super) folder: PathBuf,
    /// The file that it comes from, where that is not the suite.
    pub(super) file: Option<PathBuf>,
    /// The line of that file which the text begins in, from 1.
    pub(super) first_line: u64,
    /// Where it stands in the suite.
    pub(super) pointer: String,
}
