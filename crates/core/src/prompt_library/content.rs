//! What a prompt says, with every file that it includes, and the hash that it is known by.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::document::PromptMessage;
use crate::{prompt_hash::prompt_hash, template::References};

/// How many files a prompt may include, one through another.
const MAX_INCLUDED: usize = 1_000;

/// What a prompt says: two prompts with the same content are the same prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptContent {
    /// Role and template of each message.
    pub messages: Vec<(String, String)>,
    /// The files that they include, one through another: their texts by their names.
    pub included: BTreeMap<String, String>,
    /// Files that they name, and that are not there.
    pub missing: Vec<String>,
    /// Whether they may include others, whose names they make when they render: those are not part of the hash.
    pub are_computed: bool,
}

impl PromptContent {
    /// The content of messages, whose includes `read` gives by name: `None` where there is no such file.
    pub fn of(messages: &[PromptMessage], read: &dyn Fn(&str) -> Option<String>) -> Self {
        let messages = messages.iter().map(|m| (m.role.to_owned(), m.text.clone()));
        let mut content = Self { messages: messages.collect(), ..Self::default() };
        let mut wanted = Vec::new();
        for (_, text) in &content.messages {
            let References { names, are_computed } = References::of(text);
            content.are_computed |= are_computed;
            wanted.extend(names);
        }
        while let Some(name) = wanted.pop() {
            let is_known = content.included.contains_key(&name) || content.missing.contains(&name);
            if is_known || content.included.len() >= MAX_INCLUDED {
                continue;
            }
            match read(&name) {
                Some(text) => {
                    let References { names, are_computed } = References::of(&text);
                    content.are_computed |= are_computed;
                    wanted.extend(names);
                    content.included.insert(name, text);
                }
                None => content.missing.push(name),
            }
        }
        content.missing.sort();
        content
    }

    /// The hash of a suite's prompt that says this and asks for nothing beside it: 32 hexadecimal digits.
    pub fn hash(&self) -> Arc<str> {
        let messages = self.messages.iter();
        let messages = messages.map(|(role, text)| json!({ "role": role, "content": text }));
        let mut prompt = json!({ "messages": messages.collect::<Vec<_>>() });
        if !self.included.is_empty() {
            let included =
                self.included.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
            prompt["included"] = Value::Object(included.collect());
        }
        prompt_hash(&prompt)
    }
    /// The same hash of a prompt as a run keeps it in its effective suite, whatever it asks for beside its text; `None`
    /// where it has no messages.
    pub fn kept_hash(prompt: &Value) -> Option<Arc<str>> {
        let mut text = json!({ "messages": prompt.get("messages")? });
        if let Some(included) = prompt.get("included") {
            text["included"] = included.clone();
        }
        Some(prompt_hash(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str, files: &[(&str, &str)]) -> PromptContent {
        let read =
            |name: &str| files.iter().find(|(n, _)| *n == name).map(|(_, t)| (*t).to_owned());
        let message = PromptMessage { role: "user", text: text.to_owned(), line: 1 };
        PromptContent::of(&[message], &read)
    }

    #[test]
    fn includes_are_followed() {
        let files = [("a", "{% include 'b' %}"), ("b", "{% include 'a' %}{% include 'gone' %}")];
        let found = content("{% include 'a' %}", &files);
        assert_eq!(found.included.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((found.missing, found.are_computed), (vec!["gone".to_owned()], false));
    }

    #[test]
    fn the_hash_is_of_all_that_is_included() {
        let before = content("{% include 'a' %}", &[("a", "{% include 'b' %}"), ("b", "1")]);
        let after = content("{% include 'a' %}", &[("a", "{% include 'b' %}"), ("b", "2")]);
        assert_ne!(before.hash(), after.hash());
        assert_ne!(content("x", &[]).hash(), content("x ", &[]).hash());
    }
}
