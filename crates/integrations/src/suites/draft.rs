//! A suite that is being put together, whatever tool it comes from.

use std::{collections::HashSet, path::PathBuf};

use evalmark_core::imported_suite::{Carried, ImportedSuite, NotCarried, PromptFile};
use serde_json::{Map, Value, json};

use super::{node::Node, yaml_text::document};

/// The longest prompt that stands in the suite itself, in bytes.
const SHORT_PROMPT: usize = 400;

/// What was carried over so far, and what was not.
#[derive(Debug, Default)]
pub(crate) struct SuiteDraft {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) prompts: Vec<Value>,
    pub(crate) models: Vec<Value>,
    pub(crate) metrics: Vec<Value>,
    pub(crate) rows: Vec<Map<String, Value>>,
    pub(crate) id: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) ignore: Vec<String>,
    pub(crate) epochs: Option<u64>,
    pub(crate) checks: usize,
    pub(crate) differences: Vec<String>,
    files: Vec<PromptFile>,
    /// Models that are there to grade alone.
    judges: Vec<String>,
    losses: Losses,
}

/// What was not carried over.
#[derive(Debug, Default)]
pub(crate) struct Losses(Vec<NotCarried>);

impl Losses {
    pub(crate) fn push(&mut self, at: &Node, what: impl Into<String>, why: impl Into<String>) {
        self.at(at.place(), what, why);
    }

    pub(crate) fn at(&mut self, place: String, what: impl Into<String>, why: impl Into<String>) {
        let lost = NotCarried { place, what: what.into(), why: why.into() };
        if !self.0.contains(&lost) {
            self.0.push(lost);
        }
    }

    /// Takes in others, behind its own.
    pub(crate) fn append(&mut self, others: Self) {
        for lost in others.0 {
            self.at(lost.place, lost.what, lost.why);
        }
    }

    /// All of them.
    pub(crate) fn list(&self) -> &[NotCarried] {
        &self.0
    }

    pub(crate) fn into_list(self) -> Vec<NotCarried> {
        self.0
    }
}

impl SuiteDraft {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: safe_name(name), ..Self::default() }
    }

    /// The files with prompts so far.
    pub(crate) fn files(&self) -> &[PromptFile] {
        &self.files
    }

    /// Tells what is not carried over.
    pub(crate) fn lose(&mut self, at: &Node, what: impl Into<String>, why: impl Into<String>) {
        self.losses.push(at, what, why);
    }

    /// Tells every entry of a mapping that the importer does not read.
    pub(crate) fn lose_others(&mut self, of: &Node, read: &[&str], under: &str) {
        for (key, node) in of.entries() {
            if !read.contains(&key.as_str()) {
                let what = if under.is_empty() { key } else { format!("{under}.{key}") };
                self.lose(&node, format!("`{what}`"), "the importer does not know it");
            }
        }
    }

    pub(crate) fn losses(&mut self) -> &mut Losses {
        &mut self.losses
    }

    /// Tells that something is scored in another way.
    pub(crate) fn differs(&mut self, sentence: &str) {
        if !self.differences.iter().any(|told| told == sentence) {
            self.differences.push(sentence.to_owned());
        }
    }

    /// Adds a prompt of one user message; a long one becomes a file.
    pub(crate) fn prompt_text(&mut self, name: &str, template: &str) {
        let name = self.free_prompt(name);
        if template.len() <= SHORT_PROMPT {
            self.prompts.push(json!({ "name": name, "template": template }));
            return;
        }
        let path = self.prompt_file(&name, template);
        self.prompts.push(json!({ "name": name, "file": path }));
    }

    /// Adds a prompt of chat messages.
    pub(crate) fn prompt_messages(&mut self, name: &str, messages: &[Value]) {
        let name = self.free_prompt(name);
        self.prompts.push(json!({ "name": name, "messages": messages }));
    }

    /// A file of its own for a template; tells its path relative to the suite's folder.
    fn prompt_file(&mut self, name: &str, template: &str) -> String {
        let path = format!("prompts/{}/{}.j2", self.name, safe_name(name));
        // A template's last line break is none of the prompt's.
        let end = if template.ends_with('\n') { "" } else { "\n" };
        self.files
            .push(PromptFile { path: PathBuf::from(&path), text: format!("{template}{end}") });
        path
    }

    fn free_prompt(&self, name: &str) -> String {
        let taken = self.prompts.iter().filter_map(|prompt| prompt["name"].as_str());
        let files = self.files.iter().filter_map(|file| file.path.file_stem()?.to_str());
        let taken: HashSet<_> = taken.chain(files).map(str::to_owned).collect();
        let short: String = name.trim().chars().take(60).collect();
        let short = if short.is_empty() { "prompt".to_owned() } else { short };
        free(&short, |name| taken.contains(name) || taken.contains(&safe_name(name)))
    }

    /// Adds a model under a name of its own, and tells it.
    pub(crate) fn model(&mut self, name: &str, mut model: Map<String, Value>) -> String {
        let taken = |name: &str| self.models.iter().any(|model| model["name"] == name);
        let name = free(name, taken);
        let mut entry = Map::from_iter([("name".to_owned(), Value::from(name.as_str()))]);
        entry.append(&mut model);
        self.models.push(Value::Object(entry));
        name
    }

    /// Adds a model that only grades, where no judge is the same but for its name, and tells its name.
    pub(crate) fn judge(&mut self, name: &str, model: Map<String, Value>) -> String {
        let is_same = |known: &&Value| {
            let known = known.as_object().into_iter().flatten().filter(|(key, _)| *key != "name");
            known.eq(model.iter())
        };
        let same = self.models.iter().find(is_same).and_then(|known| known["name"].as_str());
        if let Some(same) = same.filter(|name| self.judges.iter().any(|judge| judge == name)) {
            return same.to_owned();
        }
        let name = self.model(name, model);
        self.judges.push(name.clone());
        name
    }

    /// A judge whose metric was not carried over would be asked like a model that is measured.
    fn leave_idle_judges_out(&mut self) {
        let (judges, metrics) = (&self.judges, &self.metrics);
        self.models.retain(|model| {
            let name = model["name"].as_str().unwrap_or_default();
            let is_judge = judges.iter().any(|judge| judge == name);
            !is_judge || metrics.iter().any(|metric| names(metric, name))
        });
    }

    /// Adds a metric under a name of its own.
    pub(crate) fn metric(&mut self, name: &str, mut metric: Map<String, Value>) {
        const AMOUNTS: [&str; 5] =
            ["latency_p95", "first_token_p95", "cost_usd", "output_tokens", "tokens_per_second"];
        let taken = |name: &str| {
            AMOUNTS.contains(&name) || self.metrics.iter().any(|metric| metric["name"] == name)
        };
        let name = free(name, taken);
        let mut entry = Map::from_iter([("name".to_owned(), Value::from(name))]);
        entry.append(&mut metric);
        self.metrics.push(Value::Object(entry));
    }

    /// The name of a column that no row has yet.
    pub(crate) fn free_column(&self, name: &str, more: &HashSet<String>) -> String {
        let slug: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let has = |row: &Map<String, Value>, name: &str| row.contains_key(name);
        free_with(&slug.to_lowercase(), "_", |name| {
            more.contains(name) || self.rows.iter().any(|row| has(row, name))
        })
    }

    /// The suite, written down.
    pub(crate) fn finish(mut self) -> ImportedSuite {
        self.leave_idle_judges_out();
        let mut dataset = json!({ "path": format!("../datasets/{}.jsonl", self.name) });
        for (key, value) in [("id", self.id), ("target", self.target)] {
            if let Some(column) = value {
                dataset[key] = column.into();
            }
        }
        if !self.ignore.is_empty() {
            dataset["ignore"] = json!(self.ignore);
        }
        let mut suite = Map::new();
        suite.insert("name".to_owned(), self.name.as_str().into());
        suite.extend(self.description.map(|text| ("description".to_owned(), text.into())));
        suite.insert("dataset".to_owned(), dataset);
        let carried = Carried {
            prompts: self.prompts.len(),
            models: self.models.len(),
            items: self.rows.len(),
            metrics: self.metrics.len(),
            checks: self.checks,
        };
        suite.insert("prompts".to_owned(), self.prompts.into());
        suite.insert("models".to_owned(), self.models.into());
        suite.extend(self.epochs.filter(|n| *n > 1).map(|n| ("epochs".to_owned(), n.into())));
        suite.insert("metrics".to_owned(), self.metrics.into());
        let rows = self.rows.into_iter().map(|row| format!("{}\n", Value::Object(row)));
        ImportedSuite {
            name: self.name,
            suite: document(&suite),
            dataset: rows.collect(),
            prompts: self.files,
            carried,
            differences: self.differences,
            not_carried: self.losses.0,
        }
    }
}

/// Whether some text in a value is this name.
fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(list) => list.iter().any(|value| names(value, name)),
        Value::Object(map) => map.values().any(|value| names(value, name)),
        _ => false,
    }
}

/// A name that is not taken: as it is, or with the first number that makes it free.
pub(crate) fn free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    free_with(name, "-", taken)
}

fn free_with(name: &str, between: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u64..).map(|n| format!("{name}{between}{n}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or_else(|| name.to_owned())
}

/// A name that is safe as a file's.
pub(crate) fn safe_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = name.trim().chars().take(80).map(safe).collect();
    let parts: Vec<_> = name.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "imported".to_owned() } else { parts.join("-") }
}
