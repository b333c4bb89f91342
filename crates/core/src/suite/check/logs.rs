//! Checking the `logs` section: paths, rates, patterns, and what is watched.

mod judges;
mod watch;

use std::path::PathBuf;

use regex::RegexBuilder;

use super::{Checker, suggest};
use crate::{
    item::Item,
    logs::{JsonPath, LogField, LogFields, LogSample, LogSpec, LogWatch, Redaction, RedactionKind},
    suite::{
        document::escape,
        raw::{RawLogFields, RawLogSample, RawLogs, RawNames, RawRedaction, RawRedactionKind},
    },
};

/// The largest that a pattern may become when it is compiled.
const MAX_COMPILED: usize = 1 << 20;

impl Checker<'_> {
    pub(super) fn logs(
        &mut self,
        raw: &RawLogs,
        models: &[String],
        first: Option<&Item>,
    ) -> LogSpec {
        let from = raw.from.clone().map(RawNames::into_vec).unwrap_or_default();
        for (i, place) in from.iter().enumerate() {
            if place.trim().is_empty() || place == "-" {
                let at = self.one_of_several("/logs/from", i);
                let message =
                    "`from` names files, folders or patterns; standard input is for `--from -`";
                self.complain(&at, message);
            }
        }
        let takes_spans = from.iter().any(|place| is_address(place, "otlp"));
        let mut fields = raw
            .fields
            .as_ref()
            .map(|fields| self.log_fields(fields, takes_spans, first))
            .unwrap_or_default();
        let sample = raw.sample.as_ref().map(|sample| {
            let by = sample.by.as_deref();
            fields.paths[LogField::Stratum as usize] =
                by.and_then(|path| self.log_path("/logs/sample/by", path));
            self.log_sample(sample)
        });
        let seed = sample.as_ref().map_or(0, |sample| sample.seed);
        let judges = raw.judges.as_ref().map(|judges| self.log_judges(judges, seed));
        let watch = raw.watch.as_ref().map(|watch| {
            let embedding = watch.embedding.as_ref();
            let embedding = embedding.map(|one| self.watched_embedding(one, raw, models));
            LogWatch { embedding, ..self.log_watch(watch, &mut fields) }
        });
        let watch = watch.unwrap_or_default();
        let redact = raw.redact.iter().enumerate();
        LogSpec {
            from: from.iter().map(|place| self.log_place(place)).collect(),
            fields,
            judges,
            sample,
            redact: redact.filter_map(|(i, one)| self.redaction(i, one)).collect(),
            watch,
        }
    }

    /// A place: an address as it is, a path from the suite's folder.
    fn log_place(&self, place: &str) -> PathBuf {
        if place == "otlp" || place.contains("://") {
            place.into()
        } else {
            self.folder.join(place)
        }
    }

    /// The pointer to one of several names, or to the one that there is.
    fn one_of_several(&self, list: &str, i: usize) -> String {
        let is_list = self.document.value.pointer(list).is_some_and(serde_json::Value::is_array);
        if is_list { format!("{list}/{i}") } else { list.to_owned() }
    }

    fn log_fields(
        &mut self,
        raw: &RawLogFields,
        takes_spans: bool,
        first: Option<&Item>,
    ) -> LogFields {
        let mut fields = LogFields::default();
        for field in LogField::ALL {
            let path = match field {
                LogField::Output => raw.output.as_ref(),
                LogField::Id => raw.id.as_ref(),
                LogField::Time => raw.time.as_ref(),
                LogField::Prompt => raw.prompt.as_ref(),
                LogField::PromptHash => raw.prompt_hash.as_ref(),
                LogField::Model => raw.model.as_ref(),
                LogField::InputTokens => raw.input_tokens.as_ref(),
                LogField::OutputTokens => raw.output_tokens.as_ref(),
                LogField::LatencyMs => raw.latency_ms.as_ref(),
                LogField::CostUsd => raw.cost_usd.as_ref(),
                LogField::FinishReason => raw.finish_reason.as_ref(),
                LogField::Error => raw.error.as_ref(),
                LogField::Target => raw.target.as_ref(),
                LogField::Cluster => raw.cluster.as_ref(),
                LogField::Stratum => None,
            };
            let at = format!("/logs/fields/{}", field.name());
            fields.paths[field as usize] = path.and_then(|path| self.log_path(&at, path));
        }
        if raw.output.is_none() && !takes_spans && !self.document.lost("/logs/fields/output") {
            let message = "`fields` says where a line holds the answer: `output`";
            self.complain("/logs/fields", message);
        }
        let columns: Vec<_> =
            first.iter().flat_map(|item| item.fields.keys()).map(String::as_str).collect();
        for (column, path) in &raw.variables {
            let at = format!("/logs/fields/variables/{}", escape(column));
            if first.is_some() && !columns.contains(&column.as_str()) {
                let message =
                    format!("a variable fills a column, and the dataset has no `{column}`");
                let hint = suggest(column, &columns, "its columns");
                let place = self.document.key_position(&at);
                self.mistakes.push(crate::suite::Mistake::at(place, message).hint(hint));
            }
            // What is no text has been complained of.
            let path = self.log_path(&at, path.as_str().unwrap_or_default());
            fields.variables.extend(path.map(|path| (column.clone(), path)));
        }
        fields
    }

    fn log_path(&mut self, at: &str, path: &str) -> Option<JsonPath> {
        match JsonPath::parse(path) {
            Ok(path) => Some(path),
            Err(error) => {
                let name = path.trim_start_matches(['$', '.']);
                let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
                let hint = if !name.is_empty() && name.chars().all(is_plain) {
                    format!("write `$.{name}`, or `$['{name}']` where that is one key")
                } else {
                    "write `$.a.b`, `$.list[0]` or `$['a key']`".to_owned()
                };
                self.complain_with_hint(at, error.to_string(), hint);
                None
            }
        }
    }

    fn log_sample(&mut self, raw: &RawLogSample) -> LogSample {
        let is_share = |rate: f64| (0.0..=1.0).contains(&rate);
        for (value, _) in raw.rates.iter().filter(|(_, rate)| !is_share(**rate)) {
            let at = format!("/logs/sample/rates/{}", escape(value));
            self.complain(&at, "a rate is at least 0, and at most 1");
        }
        match raw.rate {
            Some(rate) if !is_share(rate) => {
                self.complain("/logs/sample/rate", "a rate is at least 0, and at most 1");
            }
            None if !self.document.lost("/logs/sample/rate") => {
                self.complain("/logs/sample", "`sample` needs a `rate`, the share of the records");
            }
            _ => {}
        }
        match (&raw.by, raw.rates.is_empty()) {
            (Some(_), true) => {
                let message = "without `rates`, all values of `by` have the same rate";
                let hint = "add `rates: { VALUE: RATE }`, or leave `by` out".to_owned();
                self.complain_with_hint("/logs/sample/by", message.to_owned(), hint);
            }
            (None, false) => {
                let message = "`rates` needs `by`, the path to what has these values";
                self.complain("/logs/sample/rates", message);
            }
            _ => {}
        }
        let rates = raw.rates.clone();
        LogSample { rate: raw.rate.unwrap_or(1.0), seed: raw.seed.unwrap_or_default(), rates }
    }

    fn redaction(&mut self, i: usize, raw: &RawRedaction) -> Option<Redaction> {
        let own = match raw {
            RawRedaction::Known(kind) => return Some(known(*kind)),
            RawRedaction::Own(own) => own,
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if own.name.is_empty() || own.name.len() > 40 || !own.name.chars().all(is_plain) {
            let message = "the name has 1 to 40 letters, digits, `-` or `_`";
            self.complain(&format!("/logs/redact/{i}/name"), message);
        }
        let at = format!("/logs/redact/{i}/pattern");
        match RegexBuilder::new(&own.pattern).size_limit(MAX_COMPILED).build() {
            Ok(pattern) if pattern.is_match("") => {
                self.complain(&at, "the pattern matches an empty text");
                None
            }
            Ok(pattern) => {
                Some(Redaction { name: own.name.clone(), kind: RedactionKind::Pattern(pattern) })
            }
            Err(error) => {
                let told = error.to_string();
                let last = told.lines().last().unwrap_or_default();
                let last = last.trim_start_matches("error: ");
                self.complain(&at, format!("`{}` is not a pattern: {last}", own.pattern));
                None
            }
        }
    }
}

/// Whether a place is a source of this name, or an address of it.
fn is_address(place: &str, source: &str) -> bool {
    place.strip_prefix(source).is_some_and(|rest| rest.is_empty() || rest.starts_with("://"))
}

fn known(kind: RawRedactionKind) -> Redaction {
    let (name, kind) = match kind {
        RawRedactionKind::Email => ("email", RedactionKind::Email),
        RawRedactionKind::Phone => ("phone", RedactionKind::Phone),
        RawRedactionKind::Card => ("card", RedactionKind::Card),
        RawRedactionKind::Ip => ("ip", RedactionKind::Ip),
        RawRedactionKind::Key => ("key", RedactionKind::Key),
    };
    Redaction { name: name.to_owned(), kind }
}
