//! Checking the `models` section: providers, limits, and that no key stands in it.

use std::{collections::BTreeMap, io::ErrorKind, path::PathBuf, sync::Arc, time::Duration};

use super::{Checker, metrics::Asked, suggest};
use crate::{
    feature::Feature,
    files::FileError,
    model::{Limits, Model, Provider, RecordedColumn},
    price::Price,
    provider::{ModelPlace, ProviderKind},
    suite::{
        Readers,
        raw::{RECORDED, RawLimits, RawModel, RawPrice, RawRecorded},
    },
};

/// Processes of a program at once, where the suite does not say: each takes time to start, and memory.
const PROCESSES: usize = 4;

impl Checker<'_> {
    pub(super) fn models(&mut self, raw: &[RawModel]) -> Option<Vec<Model>> {
        let models = raw.iter().enumerate().map(|(i, model)| self.model(i, model));
        models.collect::<Vec<_>>().into_iter().collect()
    }

    fn model(&mut self, i: usize, raw: &RawModel) -> Option<Model> {
        let at = format!("/models/{i}");
        let readers = self.readers;
        let kind = kind(readers, raw);
        // Recorded answers may be anyone's.
        let kinds = kind.map_or(readers.providers, std::slice::from_ref);
        self.params(&at, kinds, raw);
        self.stray_options(&at, kind, raw);
        self.streaming(&at, kind, raw);
        self.model_name(&at, kind, raw);
        let provider = self.provider(&at, raw);
        let mut limits = self.limits(&at, &raw.limits);
        if let (Some(Provider::Program(_)), Some(limits), None) =
            (&provider, &mut limits, raw.limits.concurrency)
        {
            limits.concurrency = PROCESSES;
        }
        let ca_file = self.ca_file(&at, raw);
        let model: Arc<str> = raw.model.as_deref().unwrap_or(&raw.name).into();
        let base_url = raw.base_url.as_deref();
        let taken = kind.and_then(|kind| kind.params_as_taken(base_url, &model, &raw.params));
        let price = raw.price.map(|price| own_price(price, kind));
        let listed = || match &provider {
            Some(Provider::Server(server)) => kind?.price(&server.base_url, &model),
            _ => None,
        };
        Some(Model {
            price: price.or_else(listed),
            name: raw.name.as_str().into(),
            provider: provider?,
            model,
            max_output_tokens: match kind {
                Some(kind) => kind.max_output_tokens(&raw.params),
                None => kinds.iter().find_map(|kind| kind.output_limit(&raw.params)),
            },
            params: Arc::new(taken.unwrap_or_else(|| raw.params.clone())),
            is_streamed: raw.stream,
            splits_reasoning: raw.reasoning.is_some(),
            mode: raw.mode,
            limits: limits?,
            ca_file,
        })
    }

    /// Complains of a name that would lead to another address.
    fn model_name(&mut self, at: &str, kind: Option<&ProviderKind>, raw: &RawModel) {
        let name = raw.model.as_deref().unwrap_or(&raw.name);
        let leads_elsewhere = name.split(['/', '\\']).any(|part| matches!(part, "" | "." | ".."));
        let is_in_address = |kind: &&ProviderKind| kind.model_place == ModelPlace::Address;
        let Some(kind) = kind.filter(is_in_address).filter(|_| leads_elsewhere) else { return };
        let message = format!(
            "`{name}` is not a model name: `provider: {}` puts it into the address, where it would lead \
             somewhere else",
            kind.name
        );
        let key = if raw.model.is_some() { "model" } else { "name" };
        let hint =
            "write it as the provider lists it, without an empty part, `.` or `..` between slashes";
        self.complain_with_hint(&format!("{at}/{key}"), message, hint.to_owned());
    }

    fn provider(&mut self, at: &str, raw: &RawModel) -> Option<Provider> {
        let is_recorded = raw.provider.as_deref().is_none_or(|name| name == RECORDED);
        match (kind(self.readers, raw), &raw.recorded) {
            (Some(kind), None) => self.server(at, kind, raw),
            (Some(kind), Some(_)) => {
                let message =
                    format!("`recorded` goes with `provider: recorded`, not `{}`", kind.name);
                self.complain(at, message);
                None
            }
            (None, Some(recorded)) if is_recorded => {
                self.recorded(&format!("{at}/recorded"), recorded)
            }
            (None, None) if raw.provider.as_deref() == Some(RECORDED) => {
                let message = "a recorded model must say where its answers are";
                let hint = "`recorded: { column: answer }`, `recorded: { file: answers.jsonl }`, \
                            or \
                            `recorded: { columns: { PROMPT: answer } }` with a column for each \
                            prompt";
                self.complain_with_hint(at, message.to_owned(), hint.to_owned());
                None
            }
            (None, None) if self.document.lost(at) => None,
            (None, _) => {
                self.complain(at, format!("model `{}` lacks the key `provider`", raw.name));
                None
            }
        }
    }

    fn recorded(&mut self, at: &str, raw: &RawRecorded) -> Option<Provider> {
        match (&raw.column, &raw.columns, &raw.file) {
            (Some(column), None, None) => {
                Some(Provider::RecordedColumn(RecordedColumn::Same(column.clone())))
            }
            (None, Some(columns), None) => {
                let columns = self.columns_by_prompt(&format!("{at}/columns"), columns)?;
                Some(Provider::RecordedColumn(RecordedColumn::ByPrompt(columns)))
            }
            (None, None, Some(file)) => {
                let path = self.folder.join(file);
                if let Err(error) = self.access.check(&path) {
                    let what = not_there(&error, "does not exist");
                    let message = format!("the recording {} {what}", path.display());
                    self.complain(&format!("{at}/file"), message);
                }
                Some(Provider::RecordedFile(path))
            }
            _ => {
                let message = "`recorded` needs exactly one of `column`, `columns` and `file`";
                self.complain(at, message);
                None
            }
        }
    }

    /// Complains of a stream from a provider that has none. Recorded answers came as they came.
    fn streaming(&mut self, at: &str, kind: Option<&ProviderKind>, raw: &RawModel) {
        let Some(kind) = kind.filter(|kind| raw.stream && !kind.has(Feature::Streaming)) else {
            return;
        };
        let message = format!("`provider: {}` has no streaming", kind.name);
        let hint = "remove `stream`; answers come whole then, and their first token is not timed";
        self.complain_with_hint(&format!("{at}/stream"), message, hint.to_owned());
    }

    /// A column for each prompt of the suite, in the suite's order.
    fn columns_by_prompt(
        &mut self,
        at: &str,
        columns: &BTreeMap<String, String>,
    ) -> Option<Vec<String>> {
        let prompts = self.prompt_names.clone();
        let known: Vec<_> = prompts.iter().map(String::as_str).collect();
        let strangers: Vec<_> = columns.keys().filter(|name| !prompts.contains(name)).collect();
        for name in &strangers {
            let message = format!("`{name}` is not a prompt of this suite");
            let hint = suggest(name, &known, "its prompts");
            self.complain_with_hint(&format!("{at}/{name}"), message, hint);
        }
        let missing: Vec<_> = prompts.iter().filter(|name| !columns.contains_key(*name)).collect();
        for name in &missing {
            self.complain(at, format!("no column is named for the answers to prompt `{name}`"));
        }
        let is_whole = strangers.is_empty() && missing.is_empty();
        is_whole.then(|| prompts.iter().filter_map(|name| columns.get(name).cloned()).collect())
    }

    /// Complains of models that metrics ask for embeddings, and whose providers have none.
    pub(super) fn embedders(&mut self, raw: &[RawModel], embedders: &[String]) {
        for (i, model) in raw.iter().enumerate().filter(|(_, m)| embedders.contains(&m.name)) {
            let Some(kind) = kind(self.readers, model).filter(|kind| !kind.embeds) else {
                continue;
            };
            let message = format!(
                "a metric asks model `{}` for embeddings, and `provider: {}` has none",
                model.name, kind.name
            );
            self.complain(&format!("/models/{i}"), message);
        }
    }

    fn limits(&mut self, at: &str, raw: &RawLimits) -> Option<Limits> {
        let default = Limits::default();
        let timeout = self.span(&format!("{at}/limits/timeout"), raw.timeout.as_deref());
        let total = self.span(&format!("{at}/limits/total_timeout"), raw.total_timeout.as_deref());
        let give_up =
            self.span(&format!("{at}/limits/give_up_after"), raw.give_up_after.as_deref());
        let (timeout, total_timeout) = (timeout?.unwrap_or(default.timeout), total?);
        Some(Limits {
            concurrency: raw.concurrency.unwrap_or(default.concurrency),
            requests_per_minute: raw.requests_per_minute,
            tokens_per_minute: raw.tokens_per_minute,
            timeout,
            total_timeout,
            give_up_after: give_up?.unwrap_or(default.give_up_after),
            attempts: raw.attempts.unwrap_or(default.attempts),
            hedge: raw.hedge,
        })
    }

    /// A time span, where there is one; `None` where it is none.
    #[expect(clippy::option_option, reason = "absent and wrong are different things")]
    pub(super) fn span(&mut self, at: &str, text: Option<&str>) -> Option<Option<Duration>> {
        let Some(text) = text else { return Some(None) };
        match humantime::parse_duration(text) {
            Ok(span) if span >= Duration::from_millis(1) => Some(Some(span)),
            _ => {
                let message = format!("`{text}` is not a time span; write `60s`, `500ms` or `2m`");
                self.complain(at, message);
                None
            }
        }
    }

    /// The file with certificates.
    fn ca_file(&mut self, at: &str, raw: &RawModel) -> Option<PathBuf> {
        let path = self.folder.join(raw.ca_file.as_ref()?);
        // Certificates are public, and neither sent nor recorded: they may lie where systems have them.
        if let Err(error) = self.access.check_anywhere(&path) {
            let what = not_there(&error, "do not exist");
            let message = format!("the certificates {} {what}", path.display());
            self.complain(&format!("{at}/ca_file"), message);
        }
        Some(path)
    }
}

/// The price that the suite gives.
fn own_price(raw: RawPrice, kind: Option<&ProviderKind>) -> Price {
    let usual_discount = || kind.map_or(0.0, ProviderKind::batch_discount);
    Price {
        input_usd_per_million: raw.input,
        output_usd_per_million: raw.output,
        cached_input_usd_per_million: raw.cached_input,
        cache_write_usd_per_million: raw.cache_write,
        reasoning_usd_per_million: raw.reasoning,
        batch_discount: raw.batch_discount.unwrap_or_else(usual_discount),
    }
}

/// The provider that a model names; `None` for recorded answers, and where it names none.
pub(super) fn kind<'a>(readers: Readers<'a>, raw: &RawModel) -> Option<&'a ProviderKind> {
    readers.providers.iter().find(|kind| raw.provider.as_deref() == Some(kind.name))
}

/// Models that prompts are run against: what `evaluate` says; else all but those that metrics ask,
/// or all where nothing would remain and nobody said so.
pub(super) fn candidates(models: &[RawModel], asked: &Asked) -> Vec<usize> {
    let evaluated = |model: &RawModel| model.evaluate.unwrap_or(!asked.contains(&model.name));
    let chosen: Vec<_> = (0..models.len()).filter(|i| evaluated(&models[*i])).collect();
    if !chosen.is_empty() {
        return chosen;
    }
    (0..models.len()).filter(|i| models[*i].evaluate.is_none()).collect()
}

/// Says that judges are evaluated too, where metrics name every model and no one said which of them
/// are judges only.
pub(super) fn all_evaluated(models: &[RawModel], asked: &Asked) -> Option<String> {
    let is_left = |model: &RawModel| model.evaluate.unwrap_or(!asked.contains(&model.name));
    let open: Vec<_> = models.iter().filter(|model| model.evaluate.is_none()).collect();
    if open.len() < 2 || models.iter().any(is_left) {
        return None;
    }
    let names: Vec<_> = open.iter().map(|model| format!("`{}`", model.name)).collect();
    Some(format!(
        "metrics use every model, so prompts are run against all of them: {}; set `evaluate: \
         false` on \
         those that only judge",
        names.join(", ")
    ))
}

/// Warnings about judges that are, by whatever name, the models whose answers they judge.
pub(super) fn own_judges(
    readers: Readers<'_>,
    models: &[RawModel],
    candidates: &[usize],
    judges: &[String],
) -> Vec<String> {
    let served = |model: &RawModel| {
        let kind = kind(readers, model)?;
        let base_url = model.base_url.as_deref().or(kind.base_url)?.trim_end_matches('/');
        let name = model.model.as_ref().unwrap_or(&model.name);
        Some((base_url.to_owned(), name.clone()))
    };
    let mut warnings = Vec::new();
    for judge in models.iter().filter(|model| judges.contains(&model.name)) {
        for candidate in candidates.iter().map(|i| &models[*i]) {
            let (name, own) = (&judge.name, &candidate.name);
            if name == own {
                warnings.push(format!(
                    "model `{name}` judges its own answers; judges favour their own"
                ));
            } else if served(judge).is_some() && served(judge) == served(candidate) {
                warnings.push(format!(
                    "judge `{name}` is the same model as `{own}`, whose answers it judges; \
                     judges favour their own"
                ));
            }
        }
    }
    warnings
}

/// What is wrong with a file, in few words where it is not there at all.
fn not_there(error: &FileError, absent: &str) -> String {
    match error {
        FileError::Unreadable(error) if error.kind() == ErrorKind::NotFound => absent.to_owned(),
        error => error.to_string(),
    }
}
