//! From a suite file's text to a checked suite: every mistake at once, each with its place.

mod asked_beside;
mod asked_features;
mod batch_mode;
mod chat;
mod dataset;
mod examples;
mod gate;
mod labels;
mod layout;
mod library;
pub(in crate::suite) mod literal_keys;
mod logprobs;
mod logs;
pub(in crate::suite) mod metrics;
mod models;
mod own_form;
mod params;
mod prompt_sources;
mod prompts;
mod receivers;
mod selection;
mod server;
mod source;
mod unwise;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use self::batch_mode::BatchContext;
use super::{
    Readers, Suite,
    document::Document,
    earlier::{EarlierAsk, take_asked},
    matrix::{self, counted},
    misfits::fit_suite,
    mistake::{Mistake, Mistakes, nearest},
    raw::RawSuite,
};
use crate::{files::FileAccess, metric::MetricSpec, prompt_library::PromptLibrary};

/// Reads a suite's text; `path` says where relative paths start, and `access` where they may lead.
pub(super) fn check(
    path: &Path,
    text: &str,
    readers: Readers<'_>,
    access: FileAccess,
    earlier: Option<&EarlierAsk<'_>>,
) -> Result<Suite, Mistakes> {
    let wrong = |list| Mistakes { path: path.to_owned(), list };
    let mut document = Document::parse(text).map_err(|mistake| wrong(vec![mistake]))?;
    let mut mistakes = literal_keys::find(&document);
    mistakes.extend(matrix::expand(&mut document));
    if let Some(earlier) = earlier {
        let then = Document::parse(earlier.text).map_err(|mistake| wrong(vec![mistake]))?;
        mistakes.extend(asked_then(&mut document, then, earlier));
    }
    if !mistakes.is_empty() && document.value.get("matrix").is_some() {
        // With its placeholders still in it, the rest would only seem wrong.
        return Err(wrong(sorted(mistakes)));
    }
    mistakes.extend(fit_suite(&mut document, readers));
    let raw: RawSuite = match serde_json::from_value(document.value.clone()) {
        Ok(raw) => raw,
        Err(_) if !mistakes.is_empty() => return Err(wrong(sorted(mistakes))),
        Err(error) => return Err(wrong(vec![Mistake::new(error.to_string())])),
    };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let prompt_names = raw.prompts.iter().map(|prompt| prompt.name.clone()).collect();
    let (path_of_suite, mut notes) = (path.to_owned(), Vec::new());
    if raw.matrix.is_some() {
        let (prompts, models) = (raw.prompts.len(), raw.models.len());
        let (prompts, models) = (counted(prompts, "prompt"), counted(models, "model"));
        notes.push(format!("the matrix makes {prompts} and {models}"));
    }
    let mut checker = Checker {
        document,
        path: path_of_suite,
        folder,
        prompt_access: earlier.map_or_else(|| access.clone(), |earlier| earlier.access.clone()),
        access,
        readers,
        prompt_names,
        mistakes,
        notes,
        libraries: None,
    };
    let suite = checker.suite(path, raw);
    match suite {
        Some(suite) if checker.mistakes.is_empty() => Ok(suite),
        _ => Err(wrong(sorted(checker.mistakes))),
    }
}

/// Puts what a suite asked at another time into it.
fn asked_then(
    document: &mut Document,
    mut then: Document,
    earlier: &EarlierAsk<'_>,
) -> Vec<Mistake> {
    let mut mistakes = literal_keys::find(&then);
    mistakes.extend(matrix::expand(&mut then));
    if !then.value.is_object() {
        mistakes.push(Mistake::new("the suite was no mapping then"));
    }
    // What is wrong with the suite of now is told by the rest of the check.
    if mistakes.is_empty() && document.value.is_object() {
        take_asked(document, then, earlier.with_models);
    }
    mistakes
}

fn sorted(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    mistakes.sort_by_key(|mistake| mistake.position);
    mistakes.dedup();
    mistakes
}

struct Checker<'a> {
    document: Document,
    path: PathBuf,
    folder: PathBuf,
    access: FileAccess,
    /// The files of its prompts, which may be those of another time.
    prompt_access: FileAccess,
    readers: Readers<'a>,
    prompt_names: Vec<String>,
    mistakes: Vec<Mistake>,
    notes: Vec<String>,
    /// The folders of prompts that the suite may use, the nearest first, once one of them was asked for.
    libraries: Option<Arc<[PromptLibrary]>>,
}

impl Checker<'_> {
    fn complain(&mut self, pointer: &str, message: impl Into<String>) {
        self.mistakes.push(Mistake::at(self.document.position(pointer), message));
    }

    fn complain_with_hint(&mut self, pointer: &str, message: String, hint: String) {
        let place = self.document.position(pointer);
        self.mistakes.push(Mistake::at(place, message).hint(hint));
    }

    /// Everything is checked even after a mistake; `None` when something needed is not there.
    fn suite(&mut self, path: &Path, raw: RawSuite) -> Option<Suite> {
        self.names(&raw);
        let mut effective = self.as_json(&raw)?;
        let dataset = self.dataset(&raw);
        let first = dataset.as_ref().and_then(|dataset| self.first_item(dataset));
        let data = (dataset.as_ref(), first.as_ref());
        let mut prompts = self.prompts(&raw.prompts, data, &mut effective);
        let names: Vec<_> = raw.models.iter().map(|model| model.name.clone()).collect();
        let mut metrics = self.metrics(&raw.metrics, &names, raw.dataset.target.is_some());
        metrics::inline_files(self.readers.kinds, &metrics, &mut effective);
        let mut asked = metrics::Asked::by(self.readers.kinds, &metrics);
        asked.watched(raw.logs.as_ref());
        let candidates = models::candidates(&raw.models, &asked);
        if candidates.is_empty() && !raw.models.is_empty() {
            self.complain(
                "/models",
                "no model is left to evaluate: all of them have `evaluate: false`",
            );
        }
        self.asked_features(&raw, prompts.as_deref().unwrap_or_default(), &metrics, &candidates);
        let asked_prompts = prompts.as_deref_mut().unwrap_or_default();
        self.features(&raw.prompts, asked_prompts, &raw.models, &candidates);
        let mut warnings =
            models::own_judges(self.readers, &raw.models, &candidates, &asked.judges);
        let known = prompts.as_deref().unwrap_or_default();
        warnings.extend(unwise::prompts(known, first.as_ref()));
        warnings.extend(unwise::ignored(known, &raw.dataset.ignore));
        warnings.extend(unwise::params(&raw.models, self.readers.providers));
        warnings.extend(unwise::unsigned(&raw.models, self.readers.providers));
        self.respelled_labels();
        warnings.extend(models::all_evaluated(&raw.models, &asked));
        self.add_labels(&raw, candidates.len(), &mut metrics);
        self.embedders(&raw.models, &asked.embedders);
        let models = self.models(&raw.models);
        warnings.extend(unwise::same_models(models.as_deref().unwrap_or_default()));
        let evaluated: Vec<_> = candidates.iter().map(|i| &raw.models[*i]).collect();
        let gate = raw.gate.as_ref().map(|gate| self.gate(gate, &raw.metrics, &evaluated));
        let logs = raw.logs.as_ref().map(|logs| self.logs(logs, &names, first.as_ref()));
        self.batch_mode(&raw.models, &BatchContext::of(&raw, &asked.embedders, &evaluated));
        Some(Suite {
            receivers: self.receivers(&raw),
            name: raw.name,
            path: path.to_owned(),
            dataset: dataset?,
            prompts: prompts?,
            models: models?,
            candidates,
            epochs: raw.epochs,
            metrics: metrics.into_iter().collect::<Option<_>>()?,
            gate,
            logs,
            effective,
            warnings,
            notes: std::mem::take(&mut self.notes),
            access: self.access.clone(),
        })
    }

    /// The suite as it is written, for the record.
    fn as_json(&mut self, raw: &RawSuite) -> Option<serde_json::Value> {
        match serde_json::to_value(raw) {
            Ok(json) => Some(json),
            Err(error) => {
                self.complain("", format!("the suite cannot be kept as JSON: {error}"));
                None
            }
        }
    }

    /// Adds where metrics' human labels are.
    fn add_labels(&mut self, raw: &RawSuite, n_models: usize, metrics: &mut [Option<MetricSpec>]) {
        let prompts = self.prompt_names.clone();
        let variants = labels::Variants { prompts: &prompts, n_models };
        for (i, metric) in raw.metrics.iter().enumerate() {
            let Some(labels) = &metric.labels else { continue };
            let labels = self.labels(&format!("/metrics/{i}"), labels, variants);
            metrics[i] = metrics[i].take().map(|spec| MetricSpec { labels, ..spec });
        }
    }

    /// The names of the suite and of what it has.
    fn names(&mut self, raw: &RawSuite) {
        if let Err(message) = crate::suite::file_name(&raw.name) {
            self.complain("/name", format!("the suite's name {message}"));
        }
        self.unique_names("prompts", raw.prompts.iter().map(|p| &p.name));
        self.unique_names("models", raw.models.iter().map(|m| &m.name));
        self.unique_names("metrics", raw.metrics.iter().map(|m| &m.name));
    }

    /// Labels and other words to compare with that YAML takes for numbers, and would spell otherwise.
    fn respelled_labels(&mut self) {
        let is_word = |pointer: &str| {
            pointer.starts_with("/metrics/")
                && ["/labels/", "/values/", "/letters/"].iter().any(|key| pointer.contains(key))
        };
        let respelled: Vec<_> = self
            .document
            .respellings()
            .filter(|(pointer, _)| is_word(pointer))
            .map(|(pointer, text)| (pointer.to_owned(), text.to_owned()))
            .collect();
        for (pointer, text) in respelled {
            let read = self.document.value.pointer(&pointer).map(ToString::to_string);
            let message = format!("YAML reads `{text}` as {}", read.unwrap_or_default());
            let hint = format!("quote it, if it is a word: `\"{text}\"`");
            self.complain_with_hint(&pointer, message, hint);
        }
    }

    fn unique_names<'n>(&mut self, list: &str, names: impl Iterator<Item = &'n String>) {
        let mut seen: Vec<&str> = Vec::new();
        for (i, name) in names.enumerate() {
            let pointer = format!("/{list}/{i}/name");
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                self.complain(&pointer, "a name is one line of text, not empty");
            } else if seen.contains(&name.as_str()) {
                self.complain(&pointer, format!("the name `{name}` is already taken in `{list}`"));
            }
            seen.push(name);
        }
    }
}

fn suggest(name: &str, known: &[&str], what: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}: {}", known.join(", ")),
    }
}
