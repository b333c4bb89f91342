//! Every text of a suite with the key that it stands under, without a look at anything that it names.

use std::path::Path;

use serde_json::Value;

use super::{document::Document, matrix, read_text};

/// What a file says, as far as its text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedTexts {
    /// It is no suite.
    NoSuite,
    /// It seems to be a suite, and cannot be read.
    Unreadable(String),
    /// Its texts, each behind the JSON pointer that leads to it.
    Suite(Vec<(String, String)>),
}

impl NamedTexts {
    /// Those of a file: a matrix is expanded.
    pub fn of_suite(path: &Path) -> Self {
        let text = match read_text(path) {
            Ok(text) => text,
            Err(why) => return Self::Unreadable(why),
        };
        // Most files of a repository are none, and a look is faster than a parser.
        if !(text.contains("prompts") && text.contains("dataset")) {
            return Self::NoSuite;
        }
        let mut document = match Document::parse(&text) {
            Ok(document) => document,
            Err(mistake) if seems_one(&text) => return Self::Unreadable(mistake.message),
            Err(_) => return Self::NoSuite,
        };
        let value = &document.value;
        if value.get("prompts").is_none() || value.get("dataset").is_none() {
            return Self::NoSuite;
        }
        if let Some(mistake) = matrix::expand(&mut document).into_iter().next() {
            return Self::Unreadable(mistake.message);
        }
        Self::Suite(texts(&document.value))
    }

    /// Those of another document, such as a file of messages.
    pub fn of_document(text: &str) -> Vec<(String, String)> {
        Document::parse(text).map(|document| texts(&document.value)).unwrap_or_default()
    }
}

/// Whether a text that is no YAML begins lines as a suite does.
fn seems_one(text: &str) -> bool {
    ["prompts:", "dataset:"].iter().all(|key| text.lines().any(|line| line.starts_with(key)))
}

fn texts(value: &Value) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    add("", value, &mut texts);
    texts
}

fn add(at: &str, value: &Value, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => texts.push((at.to_owned(), text.clone())),
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                add(&format!("{at}/{i}"), value, texts);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                add(&format!("{at}/{key}"), value, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
