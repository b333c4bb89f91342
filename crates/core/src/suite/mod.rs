//! Suites: the file as written (`raw`), the checked form that everything else uses (here), and the
//! way from one to the other (`check`), which reports every mistake at once.

mod check;
pub(crate) mod document;
mod earlier;
mod familiar;
mod gate;
pub(crate) mod located;
mod matrix;
mod misfits;
mod mistake;
mod named_texts;
mod nested_metric;
mod raw;
pub(crate) mod receivers;
mod schema;
mod syntax;
pub(crate) mod text_file;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::Value;

use self::document::Document;
pub use self::{
    earlier::EarlierAsk,
    gate::{Amount, Correction, GateSpec, GatedMetric, KeptGateError},
    located::{LocatedYaml, located_yaml, pointer_segment},
    mistake::{Mistake, Mistakes, Position, near_and_known, nearest},
    named_texts::NamedTexts,
    nested_metric::{Entries, yaml},
    receivers::PROJECT_FILE,
    schema::{entry_schema, schema},
};
use crate::{
    dataset::{DatasetSpec, OpenColumnar, ScratchSpace},
    files::{FileAccess, MAX_TEXT},
    logs::LogSpec,
    metric::{MetricKind, MetricSpec},
    model::{Model, Provider, RecordedColumn},
    prompt::Prompt,
    provider::ProviderKind,
    receiver::{ReceiverKind, ReceiverSpec},
    source::Sources,
};

/// Whether a text holds what looks like a key of a well-known service, a private key or a token.
pub fn holds_a_key(text: &str) -> bool {
    check::literal_keys::is_in_text(text)
}

/// Where a text holds what looks like a key; the places may overlap.
pub fn key_ranges(text: &str) -> Vec<std::ops::Range<usize>> {
    check::literal_keys::ranges_in_text(text)
}

/// A suite whose every mistake has been found.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name; safe as a folder name.
    pub name: String,
    /// The file it was read from.
    pub path: PathBuf,
    /// Where the items come from.
    pub dataset: DatasetSpec,
    /// Prompt variants, at least one.
    pub prompts: Vec<Prompt>,
    /// Every model, judges included.
    pub models: Vec<Model>,
    /// Indices into `models`: those that prompts are run against, at least one.
    pub candidates: Vec<usize>,
    /// Repetitions, at least 1.
    pub epochs: u32,
    /// Metrics, at least one.
    pub metrics: Vec<MetricSpec>,
    /// The gate, where the suite has one.
    pub gate: Option<GateSpec>,
    /// Who is told what became of a run, those that `evalmark.yaml` names included.
    pub receivers: Vec<ReceiverSpec>,
    /// What the suite says of its production logs, where it does.
    pub logs: Option<LogSpec>,
    /// The suite as it was understood, with prompt files inlined, for the record.
    pub effective: Value,
    /// What is unwise, but no mistake.
    pub warnings: Vec<String>,
    /// What was found out, where the suite does not say.
    pub notes: Vec<String>,
    /// Which files it may read, and which it did.
    pub access: FileAccess,
}

/// What a reader of suites is told about the world outside this crate.
#[derive(Clone, Copy)]
pub struct Readers<'a> {
    /// The kinds of metrics that exist.
    pub kinds: &'a [MetricKind],
    /// The providers that exist.
    pub providers: &'a [ProviderKind],
    /// How a Parquet or Arrow dataset is read.
    pub columnar: OpenColumnar,
    /// Where records of rows go that memory does not hold.
    pub scratch: ScratchSpace,
    /// Folders below which suites may read, besides their own roots.
    pub roots: &'a [PathBuf],
    /// Where datasets come from that are no plain files.
    pub sources: Sources<'a>,
    /// The kinds of receivers that exist.
    pub receivers: &'a [ReceiverKind],
}

/// A suite that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("cannot read the suite {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file has mistakes.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
    /// `--prompt` or `--model` names what the suite does not have.
    #[error("the suite has no {what} `{name}`; {advice}")]
    Unknown {
        /// `prompt` or `model`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The nearest name, and all that there are.
        advice: String,
    },
}

impl Suite {
    /// A mistake of a model that only its items show, at a JSON pointer below the model.
    pub fn model_mistake(
        &self,
        model: &str,
        below: &str,
        message: String,
        hint: Option<String>,
    ) -> SuiteError {
        let document = read_text(&self.path).ok().and_then(|text| Document::parse(&text).ok());
        let position = document.and_then(|document| {
            let models = document.value["models"].as_array()?;
            let i = models.iter().position(|entry| entry["name"] == model)?;
            Some(document.position(&format!("/models/{i}{below}")))
        });
        let mistake = Mistake::at(position.unwrap_or_default(), message);
        Mistakes { path: self.path.clone(), list: vec![Mistake { hint, ..mistake }] }.into()
    }

    /// Reads and checks a suite file.
    pub fn read(path: &Path, readers: Readers<'_>) -> Result<Self, SuiteError> {
        let unreadable = |reason: String| SuiteError::Unreadable { path: path.to_owned(), reason };
        let text = read_text(path).map_err(unreadable)?;
        Self::of_text(path, &text, readers)
    }

    /// Whether a file looks like a suite: it has prompts and a dataset.
    pub fn is_one(path: &Path) -> bool {
        let document = read_text(path).ok().and_then(|text| Document::parse(&text).ok());
        document.is_some_and(|it| {
            it.value.get("prompts").is_some() && it.value.get("dataset").is_some()
        })
    }

    /// Every file that a suite names, itself first, whether the file is there or not.
    pub fn files(path: &Path, readers: Readers<'_>) -> Vec<PathBuf> {
        let mut files = vec![path.to_owned()];
        if let (Ok(text), Ok(access)) = (read_text(path), FileAccess::of_suite(path, readers.roots))
        {
            // What is wrong with it is told by whoever reads it.
            drop(check::check(path, &text, readers, access.clone(), None));
            files.extend(access.files_named());
        }
        files
    }

    /// Checks a suite's text as if it stood at `path`, whose folder exists.
    pub fn of_text(path: &Path, text: &str, readers: Readers<'_>) -> Result<Self, SuiteError> {
        let access = FileAccess::of_suite(path, readers.roots).map_err(|error| {
            SuiteError::Unreadable { path: path.to_owned(), reason: error.to_string() }
        })?;
        Ok(check::check(path, text, readers, access, None)?)
    }

    /// Keeps the named prompts and candidate models; an empty list keeps all.
    pub fn select(&mut self, prompts: &[String], models: &[String]) -> Result<(), SuiteError> {
        let names: Vec<_> = self.prompts.iter().map(|p| p.name.to_string()).collect();
        all_known("prompt", prompts, &names)?;
        let is_kept: Vec<_> =
            names.iter().map(|name| prompts.is_empty() || prompts.contains(name)).collect();
        retain(&mut self.prompts, &is_kept);
        for model in &mut self.models {
            if let Provider::RecordedColumn(RecordedColumn::ByPrompt(columns)) = &mut model.provider
            {
                retain(columns, &is_kept);
            }
        }
        let names: Vec<_> = self.models.iter().map(|m| m.name.to_string()).collect();
        all_known("model", models, &names)?;
        if !models.is_empty() {
            let wanted = |i: &usize| models.iter().any(|n| **n == *self.models[*i].name);
            self.candidates = (0..self.models.len()).filter(wanted).collect();
        }
        Ok(())
    }

    /// The gate, or the default gate: every metric at alpha 0.05 and margin 0.03.
    pub fn gate_or_default(&self) -> GateSpec {
        let names = self.metrics.iter().map(|metric| metric.name.as_str());
        self.gate.clone().unwrap_or_else(|| GateSpec::default_of(names))
    }

    /// What decides requests and scores, as text: the effective suite without its gate, logs, limits,
    /// prices and remarks, which may change without making it another experiment.
    pub fn identity(&self) -> String {
        let mut identity = self.effective.clone();
        if let Some(suite) = identity.as_object_mut() {
            suite.shift_remove("gate");
            suite.shift_remove("logs");
            suite.shift_remove("description");
        }
        let models = identity["models"].as_array_mut().into_iter().flatten();
        for model in models.filter_map(Value::as_object_mut) {
            for key in ["limits", "price", "api_key_env", "api_key_command", "api_key_lifetime"] {
                model.shift_remove(key);
            }
        }
        // Labels come after the answers that they are about.
        let metrics = identity["metrics"].as_array_mut().into_iter().flatten();
        for metric in metrics.filter_map(Value::as_object_mut) {
            metric.shift_remove("labels");
        }
        identity.to_string()
    }

    /// The model with this name.
    pub fn model_index(&self, name: &str) -> Option<usize> {
        self.models.iter().position(|model| *model.name == *name)
    }
}

/// Keeps what `is_kept` says, which is parallel to the list.
fn retain<T>(list: &mut Vec<T>, is_kept: &[bool]) {
    let mut is_kept = is_kept.iter();
    list.retain(|_| is_kept.next().copied().unwrap_or(true));
}

/// The text of a suite, which may come from a pipe: whoever runs evalmark named it.
fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(MAX_TEXT + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(format!("it has more than {} MiB", MAX_TEXT >> 20));
    }
    text_file::decode(bytes)
}

fn all_known(what: &'static str, wanted: &[String], known: &[String]) -> Result<(), SuiteError> {
    match wanted.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            let advice = near_and_known(name, &known, "it has").unwrap_or_default();
            Err(SuiteError::Unknown { what, name: name.clone(), advice })
        }
    }
}

/// Whether `name` can name a folder on every file system; says why not.
pub fn file_name(name: &str) -> Result<(), String> {
    const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
    let lower = name.to_ascii_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|n| n.len() == 1 && n.parse::<u8>().is_ok())
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!(
            "`{}` must consist of letters, digits, `-`, `_`, `.`",
            name.escape_debug()
        ));
    }
    if name.starts_with(['.', '-']) || name.ends_with('.') || name.len() > 100 {
        return Err(format!(
            "`{name}` must begin with a letter or digit, not end with a dot, and have at most 100 characters"
        ));
    }
    if RESERVED.contains(&stem) || numbered("com") || numbered("lpt") {
        return Err(format!("`{name}` is reserved on some systems"));
    }
    Ok(())
}
