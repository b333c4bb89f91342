//! What each column of a dataset holds, from one pass over all its rows.

use std::collections::{BTreeMap, HashSet};

use evalmark_core::{
    dataset::{DatasetError, FileSpec},
    fields::{Cell, Fields},
};
use serde_json::Value;

/// Different values that are kept of a column, with how often they occur.
const MOST_LABELS: usize = 60;

/// Keys of objects that are kept.
const MOST_KEYS: usize = 20;

/// Different values that are counted; a column with more is taken to repeat none.
const MOST_DISTINCT: usize = 200_000;

/// What the rows of a dataset hold.
#[derive(Clone, Debug, Default)]
pub(super) struct DatasetColumns {
    pub(super) n_rows: u64,
    pub(super) columns: Vec<ColumnProfile>,
}

/// What one column holds. Of a list every element counts as a value.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnProfile {
    pub(super) name: String,
    /// Rows that have the column.
    pub(super) n_present: u64,
    /// Rows in which it is empty.
    pub(super) n_empty: u64,
    /// The first row without a value, from 1.
    pub(super) first_empty: Option<u64>,
    pub(super) n_values: u64,
    pub(super) n_numbers: u64,
    pub(super) n_integers: u64,
    pub(super) n_objects: u64,
    pub(super) n_lists: u64,
    /// Texts that are JSON objects or lists.
    pub(super) n_json_texts: u64,
    /// Keys of its objects, in the order in which they first occur.
    pub(super) keys: Vec<String>,
    /// The longest list.
    pub(super) most_elements: usize,
    pub(super) n_words: u64,
    pub(super) n_chars: u64,
    pub(super) most_chars: usize,
    pub(super) has_line_breaks: bool,
    /// Its values with how often each occurs, as long as there are few.
    pub(super) labels: BTreeMap<String, u64>,
    /// Values that differ, each by a hash.
    distinct: HashSet<u64>,
    pub(super) chat: ChatProfile,
}

/// Rows without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EmptyRows {
    pub(super) n: u64,
    /// From 1.
    pub(super) first: u64,
}

/// Conversations of a column.
#[derive(Clone, Debug, Default)]
pub(super) struct ChatProfile {
    /// Rows whose value is a list of messages.
    pub(super) n_chats: u64,
    /// The keys of who speaks and of what is said.
    pub(super) keys: Option<ChatKeys>,
    /// Who speaks in turn, where that is the same in every row.
    pub(super) roles: Option<Vec<String>>,
    /// Whether the last message of every row is the assistant's.
    pub(super) ends_with_answer: bool,
}

/// How a message says who speaks, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChatKeys {
    pub(super) role: &'static str,
    pub(super) content: &'static str,
}

const CHAT_KEYS: [ChatKeys; 2] =
    [ChatKeys { role: "role", content: "content" }, ChatKeys { role: "from", content: "value" }];

impl DatasetColumns {
    /// Reads all rows; `paths` lead into columns, and are profiled as if they were columns.
    pub(super) fn read(file: &FileSpec, paths: &[String]) -> Result<Self, DatasetError> {
        let mut all = Self::default();
        for row in file.rows()? {
            all.see(&row?, paths);
        }
        if all.n_rows == 0 {
            return Err(DatasetError::of_file(&file.origin, "has no items"));
        }
        Ok(all)
    }

    /// The column of this name.
    pub(super) fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The same of rows that are given.
    #[cfg(test)]
    pub(super) fn of_rows(rows: impl IntoIterator<Item = Value>) -> Self {
        let mut all = Self::default();
        for row in rows {
            let Value::Object(row) = row else { continue };
            all.see(&Fields::new(row, evalmark_core::fields::Marks::default()), &[]);
        }
        all
    }

    fn see(&mut self, row: &Fields, paths: &[String]) {
        self.n_rows += 1;
        for (at, name) in row.keys().chain(paths).enumerate() {
            // Nearly every row has the columns of the one before, in the same order.
            let is_there = self.columns.get(at).is_some_and(|column| column.name == *name);
            let place = if is_there { Some(at) } else { self.place(name) };
            let at = place.unwrap_or_else(|| {
                self.columns.push(ColumnProfile { name: name.clone(), ..ColumnProfile::default() });
                self.columns.len() - 1
            });
            let cells = row.find(name).unwrap_or_default();
            self.columns[at].see(self.n_rows, &cells);
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl ColumnProfile {
    /// The row at this place, from 1.
    fn see(&mut self, row: u64, cells: &[Cell<'_>]) {
        if self.n_present + 1 < row {
            self.first_empty.get_or_insert(self.n_present + 1);
        }
        self.n_present += 1;
        let before = self.n_values;
        for cell in cells {
            if self.is_chat(cell.value()) {
                self.n_values += 1;
                continue;
            }
            match cell.elements() {
                Some(elements) => {
                    let elements: Vec<_> = elements.collect();
                    self.n_lists += 1;
                    self.most_elements = self.most_elements.max(elements.len());
                    for element in &elements {
                        self.see_value(element);
                    }
                }
                None => self.see_value(cell),
            }
        }
        if self.n_values == before {
            self.n_empty += 1;
            self.first_empty.get_or_insert(row);
        }
    }

    fn see_value(&mut self, cell: &Cell<'_>) {
        let Ok(Some(text)) = cell.text() else { return };
        if text.trim().is_empty() {
            return;
        }
        self.n_values += 1;
        self.n_objects += u64::from(cell.value().is_object());
        let trimmed = text.trim();
        self.n_numbers += u64::from(is_number(trimmed));
        self.n_integers += u64::from(trimmed.parse::<i64>().is_ok());
        let is_text = cell.value().is_string();
        if is_text && let Some(json) = json_in(trimmed) {
            self.n_json_texts += 1;
            self.see_keys(&json);
        }
        self.see_keys(cell.value());
        self.n_words += trimmed.split_whitespace().count() as u64;
        let chars = trimmed.chars().count();
        self.n_chars += chars as u64;
        self.most_chars = self.most_chars.max(chars);
        self.has_line_breaks |= trimmed.contains('\n');
        if self.distinct.len() < MOST_DISTINCT {
            self.distinct.insert(short_hash(&text));
        }
        if let Some(n) = self.labels.get_mut(trimmed) {
            *n += 1;
        } else if self.labels.len() <= MOST_LABELS {
            self.labels.insert(trimmed.to_owned(), 1);
        }
    }

    fn see_keys(&mut self, value: &Value) {
        for key in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if self.keys.len() < MOST_KEYS && !self.keys.contains(key) {
                self.keys.push(key.clone());
            }
        }
    }

    /// Whether a value is a conversation, which is then counted as one.
    fn is_chat(&mut self, value: &Value) -> bool {
        let Some(messages) = value.as_array().filter(|messages| !messages.is_empty()) else {
            return false;
        };
        let Some(keys) = CHAT_KEYS.into_iter().find(|keys| is_chat(messages, *keys)) else {
            return false;
        };
        let role = |message: &Value| message[keys.role].as_str().unwrap_or_default().to_owned();
        let roles: Vec<_> = messages.iter().map(role).collect();
        let answers = roles.last().is_some_and(|last| last == "assistant" || last == "gpt");
        let chat = &mut self.chat;
        chat.n_chats += 1;
        if chat.n_chats == 1 {
            *chat = ChatProfile {
                n_chats: 1,
                keys: Some(keys),
                roles: Some(roles),
                ends_with_answer: answers,
            };
        } else {
            chat.ends_with_answer &= answers;
            chat.roles.take_if(|first| *first != roles);
        }
        true
    }

    /// Values that differ.
    pub(super) fn n_distinct(&self) -> u64 {
        self.distinct.len() as u64
    }

    /// Whether no value occurs twice, as far as they were counted.
    pub(super) fn is_unique(&self) -> bool {
        self.n_distinct() == self.n_values.min(MOST_DISTINCT as u64)
    }

    /// Its different values, where all of them are known.
    pub(super) fn all_labels(&self) -> Option<Vec<&str>> {
        let is_all = self.labels.len() <= MOST_LABELS;
        is_all.then(|| self.labels.keys().map(String::as_str).collect())
    }

    /// Whether every value is a conversation.
    pub(super) fn is_chats(&self) -> bool {
        self.n_values > 0 && self.chat.n_chats == self.n_values
    }

    /// Whether every value is a number.
    pub(super) fn is_numbers(&self) -> bool {
        self.n_values > 0 && self.n_numbers == self.n_values
    }

    /// Whether its values are objects or lists of JSON.
    pub(super) fn is_structured(&self) -> bool {
        self.n_values > 0 && self.n_objects + self.n_json_texts == self.n_values
    }

    /// Characters of a value, on average.
    pub(super) fn mean_chars(&self) -> f64 {
        self.n_chars as f64 / self.n_values.max(1) as f64
    }

    /// Words of a value, on average.
    pub(super) fn mean_words(&self) -> f64 {
        self.n_words as f64 / self.n_values.max(1) as f64
    }

    /// Rows without a value, and the first of them; `None` where every row has one.
    pub(super) fn empty_rows(&self, n_rows: u64) -> Option<EmptyRows> {
        let n = self.n_empty + (n_rows - self.n_present);
        (n > 0).then(|| EmptyRows { n, first: self.first_empty.unwrap_or(self.n_present + 1) })
    }

    /// Whether every row has a value.
    pub(super) fn is_full(&self, n_rows: u64) -> bool {
        self.n_present == n_rows && self.n_empty == 0
    }
}

fn is_chat(messages: &[Value], keys: ChatKeys) -> bool {
    messages
        .iter()
        .all(|message| message[keys.role].is_string() && message[keys.content].is_string())
}

/// A number in the plainest notation, as every reader of numbers takes it.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
        && text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
}

/// The object or list that a text is.
fn json_in(text: &str) -> Option<Value> {
    let value = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten();
    value.filter(|value: &Value| value.is_object() || value.is_array())
}

fn short_hash(text: &str) -> u64 {
    let mut short = [0; 8];
    short.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    u64::from_le_bytes(short)
}
