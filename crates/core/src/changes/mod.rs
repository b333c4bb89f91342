//! What differs between two runs of a suite besides chance: prompts, models, dataset, metrics.
//!
//! [`between`] compares what the two runs keep of themselves. A baseline may have been written by
//! an earlier version, so that every part may be missing; what is missing is not compared.

mod settings;
mod word_diff;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::settings::settings;
pub use self::word_diff::{DiffPart, LONG, Length, PartOf, SHORT, diff, excerpt, shortened};

/// Something that differs between a run and its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What kind of difference it is.
    pub kind: ChangeKind,
    /// The prompt, model or metric that it is about; empty for the dataset and the run.
    pub name: String,
    /// The difference in a sentence.
    pub says: String,
    /// What the baseline has, where that is a value or a list.
    #[serde(default)]
    pub baseline: Option<Value>,
    /// What the run has.
    #[serde(default)]
    pub candidate: Option<Value>,
    /// A prompt's text word by word; together, the parts are both texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<DiffPart>,
}

/// What kind of difference it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A prompt has another text.
    PromptEdited,
    /// A prompt has the text of a baseline's prompt of another name, and is compared with it.
    PromptRenamed,
    /// The baseline does not have the prompt.
    PromptAdded,
    /// The run does not have the prompt.
    PromptRemoved,
    /// A model of the same name is another model, has other parameters, or is on another server.
    ModelEdited,
    /// The baseline does not have the model.
    ModelAdded,
    /// The run does not have the model.
    ModelRemoved,
    /// A metric is configured differently.
    MetricEdited,
    /// The baseline does not have the metric.
    MetricAdded,
    /// The run does not have the metric.
    MetricRemoved,
    /// Items were added, removed or changed.
    Items,
    /// Columns were added or removed.
    Columns,
    /// Item ids come from elsewhere.
    Ids,
    /// Targets come from other columns: metrics that look at them are not compared.
    Target,
    /// Another setting of the dataset.
    Dataset,
    /// The run takes another number of items.
    Limit,
    /// Each item is asked another number of times.
    Epochs,
}

impl Change {
    /// A change without values.
    pub fn new(kind: ChangeKind, name: &str, says: impl Into<String>) -> Self {
        let (name, says) = (name.to_owned(), says.into());
        Self { kind, name, says, baseline: None, candidate: None, diff: Vec::new() }
    }

    /// The two names, where the change is a prompt's name.
    pub fn rename(&self) -> Option<Rename> {
        let before = self.baseline.as_ref().and_then(Value::as_str)?.to_owned();
        let is_rename = self.kind == ChangeKind::PromptRenamed;
        is_rename.then(|| Rename { before, after: self.name.clone() })
    }

    /// With both sides' values.
    #[must_use]
    pub fn of(self, baseline: Option<Value>, candidate: Option<Value>) -> Self {
        Self { baseline, candidate, ..self }
    }
}

/// What a run keeps of itself, as far as it is compared.
#[derive(Clone, Debug)]
pub struct RunFacts<'a> {
    /// Names of the prompts that were run.
    pub prompts: Vec<&'a str>,
    /// Names of the models that were evaluated.
    pub models: Vec<&'a str>,
    /// Whether the command line chose some of the suite's prompts or models.
    pub is_selection: bool,
    /// Only the first so many items.
    pub limit: Option<u64>,
    /// Repetitions.
    pub epochs: u32,
    /// The dataset's columns that make up an item's content; `None` where they are not known.
    pub columns: Option<&'a [String]>,
    /// The suite as it was understood.
    pub effective: &'a Value,
}

impl<'a> RunFacts<'a> {
    /// The dataset column that ids come from.
    pub fn id_column(&self) -> Option<&'a str> {
        self.effective.get("dataset")?.get("id")?.as_str()
    }

    /// Columns whose changes are told as those of ids, or with the models whose answers they hold.
    pub fn columns_told_elsewhere(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.id_column().into_iter().chain(self.recorded_columns())
    }

    /// The dataset columns that hold recorded answers.
    fn recorded_columns(&self) -> Vec<&'a str> {
        let models = self.effective.get("models").and_then(Value::as_array).into_iter().flatten();
        models.filter_map(|model| model.get("recorded")?.get("column")?.as_str()).collect()
    }

    /// The suite's entry of this name.
    fn named(&self, section: Section, name: &str) -> Option<&'a Map<String, Value>> {
        let entries = self.effective.get(section.key())?.as_array()?;
        entries.iter().filter_map(Value::as_object).find(|entry| {
            entry.get("name").and_then(Value::as_str).is_some_and(|known| known == name)
        })
    }

    fn names(&self, section: Section) -> Vec<&'a str> {
        let entries = self.effective.get(section.key()).and_then(Value::as_array);
        let names = entries.into_iter().flatten();
        names.filter_map(|entry| entry.get("name")?.as_str()).collect()
    }

    fn text(&self, prompt: &str) -> Option<PromptText<'a>> {
        let prompt = self.named(Section::Prompts, prompt)?;
        let messages = prompt.get("messages")?;
        let asked = ASKED.map(|key| prompt.get(key));
        Some(PromptText { messages, included: prompt.get("included"), asked })
    }
}

/// A part of a suite whose entries are compared by their names.
#[derive(Clone, Copy, Debug)]
enum Section {
    Prompts,
    Models,
    Metrics,
}

impl Section {
    /// Its key in a suite.
    fn key(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Models => "models",
            Self::Metrics => "metrics",
        }
    }
}

/// All that a prompt is made of, as a suite keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PromptText<'a> {
    messages: &'a Value,
    /// The files that it includes, by name.
    included: Option<&'a Value>,
    /// What it asks for beside its messages: tools, which of them, and the form of the answer.
    asked: [Option<&'a Value>; 4],
}

/// What a prompt asks for, or shows, beside its messages.
const ASKED: [&str; 4] = ["tools", "tool_choice", "json_schema", "examples"];

impl PromptText<'_> {
    /// It as one text: the bare text of a single user message, else each message under its role.
    fn transcript(&self) -> String {
        let field = |message: &Value, key: &str| -> String {
            match message.get(key) {
                Some(Value::String(text)) => text.clone(),
                Some(parts @ Value::Array(_)) => parts_text(parts),
                _ => String::new(),
            }
        };
        let messages = self.messages.as_array().into_iter().flatten();
        let messages = messages.map(|message| (field(message, "role"), field(message, "content")));
        let included = self.included.and_then(Value::as_object);
        let included = included.into_iter().flatten().map(|(file, text)| {
            (format!("included {file}"), text.as_str().unwrap_or_default().to_owned())
        });
        let asked = ASKED.into_iter().zip(self.asked).filter_map(|(key, value)| {
            Some((key.to_owned(), serde_json::to_string_pretty(value?).ok()?))
        });
        let parts: Vec<_> = messages.chain(included).chain(asked).collect();
        match parts.as_slice() {
            [(role, text)] if role == "user" => text.clone(),
            parts => {
                let lines: Vec<_> =
                    parts.iter().map(|(role, text)| format!("[{role}]\n{text}\n")).collect();
                lines.concat()
            }
        }
    }
}

/// The templates of a message's parts: texts as they are, and others behind what they are.
fn parts_text(parts: &Value) -> String {
    let parts = parts.as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
    let line = |(key, template): (&String, &Value)| {
        let template = template.as_str().unwrap_or_default();
        if key == "text" { format!("{template}\n") } else { format!("[{key}: {template}]\n") }
    };
    parts.map(line).collect()
}

/// A prompt under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The baseline's name.
    pub before: String,
    /// The run's name.
    pub after: String,
}

/// The prompts of the run that are prompts of the baseline under another name: the text is the
/// same, and no other prompt without a counterpart has it.
pub fn renamed_prompts(before: &RunFacts<'_>, after: &RunFacts<'_>) -> Vec<Rename> {
    let suite = after.names(Section::Prompts);
    let gone: Vec<_> = before.prompts.iter().filter(|name| !suite.contains(name)).collect();
    let new: Vec<_> = after.prompts.iter().filter(|name| !before.prompts.contains(name)).collect();
    let found = new.iter().filter_map(|name| {
        let text = after.text(name)?;
        let same: Vec<_> = gone.iter().filter(|old| before.text(old) == Some(text)).collect();
        let twins = new.iter().filter(|other| after.text(other) == Some(text)).count();
        let ([old], 1) = (same.as_slice(), twins) else { return None };
        Some(Rename { before: (***old).to_owned(), after: (**name).to_owned() })
    });
    found.collect()
}

/// Everything that differs between a baseline and a run, out of what both keep of themselves.
pub fn between(before: &RunFacts<'_>, after: &RunFacts<'_>) -> Vec<Change> {
    let mut changes = prompts(before, after);
    changes.extend(models(before, after));
    changes.extend(settings::dataset(before, after));
    changes.extend(metrics(before, after));
    if before.epochs != after.epochs {
        let says = format!("epochs: {} in the baseline, {} now", before.epochs, after.epochs);
        let (baseline, candidate) = (before.epochs.into(), after.epochs.into());
        let change = Change::new(ChangeKind::Epochs, "", says);
        changes.push(change.of(Some(baseline), Some(candidate)));
    }
    changes
}

fn prompts(before: &RunFacts<'_>, after: &RunFacts<'_>) -> Vec<Change> {
    let renames = renamed_prompts(before, after);
    let mut changes = Vec::new();
    for name in &after.prompts {
        if let Some(Rename { before: old, .. }) = renames.iter().find(|r| r.after == *name) {
            let says = format!(
                "prompt `{name}` has the text of the baseline's `{old}` and is compared with it"
            );
            let change = Change::new(ChangeKind::PromptRenamed, name, says);
            changes.push(change.of(Some(old.as_str().into()), Some((*name).into())));
        } else if before.prompts.contains(name) {
            changes.extend(edited(name, before, after));
        } else {
            changes.push(Change::new(ChangeKind::PromptAdded, name, added(name, before, after)));
        }
    }
    let is_renamed = |name: &str| renames.iter().any(|rename| rename.before == name);
    let gone = before.prompts.iter().filter(|name| !after.prompts.contains(name));
    for name in gone.filter(|name| !is_renamed(name) && !after.is_selection) {
        let says = format!("prompt `{name}` of the baseline is not in this run");
        changes.push(Change::new(ChangeKind::PromptRemoved, name, says));
    }
    changes
}

/// How a prompt of the same name changed.
fn edited(name: &str, before: &RunFacts<'_>, after: &RunFacts<'_>) -> Option<Change> {
    let (old, new) = (before.text(name)?, after.text(name)?);
    if old == new {
        return None;
    }
    let twin = before.prompts.iter().find(|other| before.text(other) == Some(new));
    let says = match twin {
        Some(twin) => format!("prompt `{name}` now has the text of the baseline's `{twin}`"),
        None => format!("the text of prompt `{name}` changed"),
    };
    let diff = diff(&old.transcript(), &new.transcript());
    Some(Change { diff, ..Change::new(ChangeKind::PromptEdited, name, says) })
}

/// What to know of a prompt that the baseline does not have.
fn added(name: &str, before: &RunFacts<'_>, after: &RunFacts<'_>) -> String {
    let text = after.text(name);
    let twin = before.prompts.iter().find(|old| text.is_some() && before.text(old) == text);
    match twin {
        Some(old) => format!(
            "prompt `{name}` is new: not compared; its text is that of the baseline's `{old}`"
        ),
        None => format!("prompt `{name}` is new: the baseline has nothing to compare it with"),
    }
}

fn models(before: &RunFacts<'_>, after: &RunFacts<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for name in after.names(Section::Models) {
        let (old, new) = (before.named(Section::Models, name), after.named(Section::Models, name));
        match (old, new) {
            (Some(old), Some(new)) => changes.extend(settings::model(name, old, new)),
            (None, _) if after.models.contains(&name) && !before.models.contains(&name) => {
                let says = format!("model `{name}` is new{}", twin(before, after, name));
                changes.push(Change::new(ChangeKind::ModelAdded, name, says));
            }
            _ => {}
        }
    }
    let suite = after.names(Section::Models);
    for name in before.models.iter().filter(|name| !suite.contains(name)) {
        let says = format!("model `{name}` of the baseline is not in this suite");
        changes.push(Change::new(ChangeKind::ModelRemoved, name, says));
    }
    changes
}

/// Says that a new model is one of the baseline's under another name.
fn twin(before: &RunFacts<'_>, after: &RunFacts<'_>, name: &str) -> String {
    let suite = after.names(Section::Models);
    let new = after.named(Section::Models, name);
    let same = before.models.iter().find(|old| {
        let pair = before.named(Section::Models, old).zip(new);
        !suite.contains(old) && pair.is_some_and(|(old, new)| settings::is_same_model(old, new))
    });
    match same {
        Some(old) => format!(
            ", but configured like the baseline's `{old}`: keep the name `{old}` to compare the two"
        ),
        None => ": the baseline has nothing to compare it with".to_owned(),
    }
}

/// Says that a new metric is one of the baseline's under another name.
fn metric_twin(before: &RunFacts<'_>, after: &RunFacts<'_>, name: &str) -> String {
    let suite = after.names(Section::Metrics);
    let gone = before.names(Section::Metrics).into_iter().filter(|old| !suite.contains(old));
    let is_same = |old: &&str| {
        let pair = before.named(Section::Metrics, old).zip(after.named(Section::Metrics, name));
        pair.is_some_and(|(old, new)| settings(old, new, &["name", "labels"]).is_empty())
    };
    gone.into_iter().find(is_same).map_or_else(String::new, |old| {
        format!(
            ", but configured like the baseline's `{old}`: keep the name `{old}` to compare the two"
        )
    })
}

fn metrics(before: &RunFacts<'_>, after: &RunFacts<'_>) -> Vec<Change> {
    let names = |facts: &RunFacts<'_>| -> BTreeSet<String> {
        facts.names(Section::Metrics).into_iter().map(str::to_owned).collect()
    };
    let (old, new) = (names(before), names(after));
    let mut changes = Vec::new();
    if old.is_empty() {
        return changes;
    }
    for name in &new {
        let pair = before.named(Section::Metrics, name).zip(after.named(Section::Metrics, name));
        let Some((then, now)) = pair else {
            let says = format!("metric `{name}` is new{}", metric_twin(before, after, name));
            changes.push(Change::new(ChangeKind::MetricAdded, name, says));
            continue;
        };
        // Labels come after the answers that they are about.
        let differing = settings(then, now, &["labels"]);
        for setting in differing {
            let says = format!("metric `{name}`: `{}` {}", setting.key, setting.was_and_is());
            let change = Change::new(ChangeKind::MetricEdited, name, says);
            changes.push(change.of(setting.before, setting.after));
        }
    }
    for name in old.difference(&new) {
        let says = format!("metric `{name}` of the baseline is not in this suite");
        changes.push(Change::new(ChangeKind::MetricRemoved, name, says));
    }
    changes
}
