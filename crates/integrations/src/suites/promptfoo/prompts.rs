//! Prompts: texts, chats, and the files and patterns that name them.

use std::path::Path;

use serde_json::{Value, json};

use super::{Import, cases::Case};
use crate::suites::{
    node::{Node, document_of},
    template_words::Converted,
};

/// A prompt as promptfoo has it before it fills it in.
struct RawPrompt {
    node: Node,
    label: String,
    text: String,
}

const CODE: &str = "it is code, and an import runs none";

/// Endings of files with code.
const CODE_ENDINGS: [&str; 11] =
    ["js", "cjs", "mjs", "ts", "cts", "mts", "py", "sh", "rb", "bash", "exe"];

impl Import<'_> {
    pub(super) fn prompts(&mut self, cases: &[Case]) {
        let mut raw = Vec::new();
        if let Some(prompts) = self.root.get("prompts") {
            let is_named = prompts.value().is_object() && prompts.get("raw").is_none();
            if is_named && prompts.get("id").is_none() {
                // Files, and what they are called.
                for (name, label) in prompts.entries() {
                    let label_text = label.as_text().map(str::to_owned);
                    self.named_prompt(&label, &name, label_text, &mut raw);
                }
            } else {
                for prompt in prompts.elements() {
                    self.prompt(&prompt, &mut raw);
                }
            }
        } else {
            // What promptfoo asks where nothing is said.
            let (node, label) = (self.root.clone(), "prompt".to_owned());
            raw.push(RawPrompt { node, label, text: "{{prompt}}".to_owned() });
        }
        let (before, after) = (self.affix("prefix", cases), self.affix("suffix", cases));
        for prompt in raw {
            let text = format!("{before}{}{after}", prompt.text);
            self.carry_prompt(&RawPrompt { text, ..prompt });
        }
        if self.draft.prompts.is_empty() {
            let why =
                "no prompt could be carried over; the suite asks each row's first variable instead";
            let root = self.root.clone();
            self.draft.lose(&root, "prompts", why);
            let id = self.draft.id.clone();
            let row = self.draft.rows.first();
            let first = row.and_then(|row| row.keys().find(|key| Some(*key) != id.as_ref()));
            let template = first.map_or("?".to_owned(), |name| format!("{{{{ {name} }}}}"));
            self.draft.prompt_text("prompt", &template);
        }
        self.fill_unknown_variables();
    }

    /// What every test puts before or after each prompt; where tests differ, it is told.
    fn affix(&mut self, name: &str, cases: &[Case]) -> String {
        let said: Vec<_> = cases.iter().map(|case| case.option(name)).collect();
        let text =
            |node: &Option<Node>| node.as_ref().and_then(|node| node.as_text().map(str::to_owned));
        let first = said.first().and_then(text).unwrap_or_default();
        if said.iter().all(|node| text(node).unwrap_or_default() == first) {
            return first;
        }
        for node in said.iter().flatten() {
            let why =
                "it is not the same for all tests; make it a column, and name that in the prompt";
            self.draft.lose(node, format!("`options.{name}`"), why);
        }
        String::new()
    }

    fn prompt(&mut self, node: &Node, raw: &mut Vec<RawPrompt>) {
        let label = node.text("label").or_else(|| node.text("id"));
        if node.value().is_object() {
            let text = node.text("raw").or_else(|| node.text("id"));
            let Some(text) = text else {
                let why = "it has neither `raw` nor `id`";
                return self.draft.lose(node, "a prompt", why);
            };
            if node.get("config").is_some() {
                let why =
                    "settings of a single prompt have no counterpart; see `params` of a model";
                self.draft.lose(node, "`config` of a prompt", why);
            }
            return self.named_prompt(node, &text, label, raw);
        }
        match node.as_text() {
            Some(text) => {
                let text = text.to_owned();
                self.named_prompt(node, &text, None, raw);
            }
            None => self.draft.lose(node, "a prompt", "it is neither a text nor a mapping"),
        }
    }

    /// A prompt's text, or the name of a file with it.
    fn named_prompt(
        &mut self,
        node: &Node,
        text: &str,
        label: Option<String>,
        raw: &mut Vec<RawPrompt>,
    ) {
        const REMOTE: [&str; 4] = ["langfuse://", "portkey://", "helicone://", "exec:"];
        if let Some(prefix) = REMOTE.iter().find(|prefix| text.starts_with(**prefix)) {
            let why = format!("an import neither fetches nor runs what stands behind `{prefix}`");
            return self.draft.lose(node, format!("the prompt `{text}`"), why);
        }
        if !is_file(text) {
            let label = label.unwrap_or_else(|| first_words(text));
            return raw.push(RawPrompt { node: node.clone(), label, text: text.to_owned() });
        }
        let paths = match self.files.expand(text) {
            _ if names_a_function(text) => Err(CODE.to_owned()),
            expanded => expanded,
        };
        let paths = match paths {
            Ok(paths) => paths,
            Err(why) => return self.draft.lose(node, format!("the prompt `{text}`"), why),
        };
        for path in paths {
            match self.prompts_in(&path) {
                Ok(found) => {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    for text in found {
                        let label = label.clone().unwrap_or_else(|| stem.clone());
                        raw.push(RawPrompt { node: node.clone(), label, text });
                    }
                }
                Err(why) => self.draft.lose(node, format!("the prompt `{}`", path.display()), why),
            }
        }
    }

    /// The prompts in a file.
    fn prompts_in(&self, path: &Path) -> Result<Vec<String>, String> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            ending if CODE_ENDINGS.contains(&ending) => Err(CODE.to_owned()),
            "json" | "yaml" | "yml" => {
                let document = self.files.document(path).map_err(|error| error.to_string())?;
                Ok(vec![match document.as_text() {
                    Some(text) => text.to_owned(),
                    None => document.value().to_string(),
                }])
            }
            "jsonl" => {
                let text = self.files.text(path)?;
                Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
            }
            "csv" => csv_prompts(&self.files.text(path)?),
            "txt" => Ok(parts(&self.files.text(path)?)),
            _ => Ok(vec![self.files.text(path)?.trim_end().to_owned()]),
        }
    }

    fn carry_prompt(&mut self, prompt: &RawPrompt) {
        let messages = chat(&prompt.text);
        if messages.is_none()
            && prompt.text.trim_start().starts_with('[')
            && prompt.text.contains("\"role\"")
        {
            let why = "a template makes the messages themselves; write them under `messages`, each a template";
            return self.draft.lose(&prompt.node, format!("the prompt `{}`", prompt.label), why);
        }
        let carried = match messages {
            Some(messages) => self.carry_chat(prompt, &messages),
            None => Converted::of_nunjucks(&prompt.text).and_then(|template| {
                if template.variables.iter().any(|name| name == "_conversation") {
                    return Err(
                        "it continues a conversation, and evalmark asks each item by itself"
                            .to_owned(),
                    );
                }
                // A filter that is not there shows when it is used.
                self.draft.rows.iter().try_for_each(|row| template.render(row).map(drop))?;
                self.draft.prompt_text(&prompt.label, &template.text);
                Ok(())
            }),
        };
        if let Err(why) = carried {
            self.draft.lose(&prompt.node, format!("the prompt `{}`", prompt.label), why);
        }
    }

    fn carry_chat(&mut self, prompt: &RawPrompt, messages: &[Value]) -> Result<(), String> {
        let mut carried = Vec::new();
        for message in messages {
            let role = message["role"].as_str().unwrap_or("user");
            if !["system", "developer", "user", "assistant"].contains(&role) {
                return Err(format!("a message of the role `{role}` has no counterpart"));
            }
            let content: Value = match &message["content"] {
                Value::String(text) => Converted::of_nunjucks(text)?.text.into(),
                Value::Array(list) => list.iter().map(part).collect::<Result<Vec<_>, _>>()?.into(),
                _ => return Err("a message without content has no counterpart".to_owned()),
            };
            carried.push(json!({ "role": role, "content": content }));
        }
        self.pictures_have_addresses(&carried)?;
        self.draft.prompt_messages(&prompt.label, &carried);
        Ok(())
    }

    /// An error where a picture of a prompt has no address for some tests.
    fn pictures_have_addresses(&self, messages: &[Value]) -> Result<(), String> {
        let parts = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
        for address in parts.filter_map(|part| part["image"].as_str()) {
            let template = Converted::of(address.to_owned())?;
            let rendered: Result<Vec<_>, _> =
                self.draft.rows.iter().map(|row| template.render(row)).collect();
            let n_empty = rendered?.iter().filter(|text| text.trim().is_empty()).count();
            if n_empty > 0 {
                let n_rows = self.draft.rows.len();
                return Err(format!("its picture has no address in {n_empty} of {n_rows} tests"));
            }
        }
        Ok(())
    }

    /// Variables that prompts name and no test has are empty, as in promptfoo.
    fn fill_unknown_variables(&mut self) {
        let mut texts = Vec::new();
        for prompt in &self.draft.prompts {
            texts.extend(prompt["template"].as_str().map(str::to_owned));
            for message in prompt["messages"].as_array().into_iter().flatten() {
                texts.extend(message["content"].as_str().map(str::to_owned));
            }
        }
        texts.extend(self.draft.files().iter().map(|file| file.text.clone()));
        for text in texts {
            let Ok(template) = Converted::of(text) else { continue };
            for name in template.variables.iter().filter(|name| *name != "item") {
                for row in &mut self.draft.rows {
                    row.entry(name.clone()).or_insert_with(|| "".into());
                }
            }
        }
    }
}

/// A part of a message: text, or a picture by its address.
fn part(part: &Value) -> Result<Value, String> {
    match part["type"].as_str() {
        Some("text" | "input_text") => {
            let text = part["text"].as_str().unwrap_or_default();
            Ok(json!({ "text": Converted::of_nunjucks(text)?.text }))
        }
        Some("image_url") => {
            let url = part["image_url"]["url"].as_str().or(part["image_url"].as_str());
            let url = url.ok_or("a picture without an address has no counterpart")?;
            Ok(json!({ "image": Converted::of_nunjucks(url)?.text }))
        }
        other => Err(format!("a part `{}` of a message has no counterpart", other.unwrap_or("?"))),
    }
}

/// The messages of a prompt that is a chat, as JSON or YAML.
fn chat(text: &str) -> Option<Vec<Value>> {
    let trimmed = text.trim();
    let value: Value = if trimmed.starts_with('[') {
        serde_json::from_str(trimmed).ok()?
    } else if trimmed.starts_with("- role:") {
        document_of(trimmed, String::new()).ok()?.value().clone()
    } else {
        return None;
    };
    let messages = value.as_array()?;
    let is_message =
        |message: &Value| message.get("role").is_some() && message.get("content").is_some();
    (!messages.is_empty() && messages.iter().all(is_message)).then(|| messages.clone())
}

/// Whether a prompt's text is the name of a file.
fn is_file(text: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        ".txt", ".json", ".jsonl", ".yaml", ".yml", ".md", ".j2", ".csv", ".js", ".cjs", ".mjs",
        ".ts", ".py", ".sh",
    ];
    let name = text.split(':').next().unwrap_or(text);
    text.starts_with("file://")
        || !text.contains(['\n', '{'])
            && !text.contains("  ")
            && (ENDINGS.iter().any(|ending| text.ends_with(ending) || name.ends_with(ending)))
}

/// Whether it is the name of a function in a file of code, such as `prompts.py:short`.
fn names_a_function(text: &str) -> bool {
    let name = text.strip_prefix("file://").unwrap_or(text);
    let Some((file, _)) = name.rsplit_once(':') else { return false };
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| CODE_ENDINGS.contains(&ending))
}

/// What stands between lines of three hyphens.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![Vec::new()];
    for line in text.lines() {
        if line.trim() == "---" {
            parts.push(Vec::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(line);
        }
    }
    let parts = parts.into_iter().map(|lines| lines.join("\n").trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The prompts in a CSV file: of the column `prompt`, or a line each.
fn csv_prompts(text: &str) -> Result<Vec<String>, String> {
    if !text.contains(',') {
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let skipped = usize::from(
            lines.first().is_some_and(|line| line.trim().eq_ignore_ascii_case("prompt")),
        );
        return Ok(lines.into_iter().skip(skipped).map(str::to_owned).collect());
    }
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let rows = reader.deserialize::<std::collections::HashMap<String, String>>();
    let rows: Result<Vec<_>, _> = rows.collect();
    let rows = rows.map_err(|error| error.to_string())?;
    Ok(rows
        .into_iter()
        .filter_map(|mut row| row.remove("prompt"))
        .filter(|text| !text.is_empty())
        .collect())
}

/// A name for a prompt that has none.
fn first_words(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' }).collect();
    let words: Vec<_> = plain.split_whitespace().take(5).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let check = |text: &str, expected: bool| assert_eq!(is_file(text), expected, "{text}");
        check("file://a.txt", true);
        check("prompts/a.txt", true);
        check("prompts/*.txt", true);
        check("prompt.py:create", true);
        check("file://prompt.ts:create", true);
        check("Tell a joke about {{ x }}.txt", false);
        check("Say it.\nIn a.txt", false);
        check("What is 1 + 1?", false);
    }

    #[test]
    fn names_of_functions() {
        let check = |text: &str, expected: bool| assert_eq!(names_a_function(text), expected);
        check("prompt.py:create", true);
        check("file://prompts/all.mjs:one", true);
        check("file://prompt.txt", false);
        check("prompt.txt:create", false);
    }

    #[test]
    fn texts_and_chats() {
        assert_eq!(parts("a\n---\n\nb\nc\n---\n"), ["a", "b\nc"]);
        assert_eq!(chat("[{\"role\":\"user\",\"content\":\"{{x}}\"}]").map(|m| m.len()), Some(1));
        assert_eq!(chat("- role: user\n  content: hi\n").map(|m| m.len()), Some(1));
        assert_eq!(chat("[1]"), None);
        assert_eq!(csv_prompts("prompt\nSay a\nSay b\n").expect("lines"), ["Say a", "Say b"]);
        assert_eq!(csv_prompts("label,prompt\nx,\"a, b\"\n").expect("rows"), ["a, b"]);
        assert_eq!(first_words("Say 'hi' to {{ name }}, now and then"), "Say 'hi' to name now");
    }
}
