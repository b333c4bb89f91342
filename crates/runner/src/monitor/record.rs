//! One line of production logs as a record: what the suite says of the line, and nothing else of it.

use evalmark_core::{
    fields::Fields,
    logs::{JsonPicker, LogField, LogFields, LogSample, LogSpec, PickError, Stratum},
    record::{ErrorKind, FinishReason, Outcome, Record, Usage},
};
use evalmark_scoring::language_code;
use serde_json::{Map, Value};

use super::log_time::microseconds;

/// A message about a failure is kept up to here.
const MAX_ERROR: usize = 2000;

/// So is a category.
const MAX_CATEGORY: usize = 200;

/// A record of production.
pub(super) struct LogRecord {
    pub(super) id: String,
    pub(super) at: Option<i64>,
    pub(super) line: u64,
    pub(super) prompt: Option<String>,
    pub(super) prompt_hash: Option<String>,
    pub(super) model: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) targets: Vec<String>,
    pub(super) fields: Fields,
    pub(super) record: Record,
    pub(super) cost_usd: Option<f64>,
    /// What the suite names and the line lacks.
    pub(super) missing: Vec<String>,
    /// Characters of the variables; `None` where the suite names none.
    pub(super) input_chars: Option<u64>,
    /// The language of the column that is watched.
    pub(super) language: Option<&'static str>,
    /// By category of the suite.
    pub(super) categories: Vec<Option<String>>,
    pub(super) stratum: Stratum,
}

/// What makes records of lines.
pub(super) struct RecordReader {
    picker: JsonPicker,
    /// Whether the suite names the field.
    named: [bool; LogField::ALL.len()],
    variables: Vec<String>,
    categories: Vec<String>,
    language: Option<String>,
    sample: Option<LogSample>,
}

/// The values of one line, by field.
struct Values {
    slots: Vec<Option<Value>>,
    missing: Vec<String>,
}

impl RecordReader {
    /// One for lines of which the suite says what they hold, and their reader the rest.
    pub(super) fn new(spec: &LogSpec, own: Option<LogFields>) -> Self {
        let fields = &spec.fields;
        Self {
            picker: fields.clone().or(own.unwrap_or_default()).picker(),
            named: LogField::ALL.map(|field| fields.path(field).is_some()),
            variables: fields.variables.iter().map(|(column, _)| column.clone()).collect(),
            categories: fields.categories.iter().map(|(name, _)| name.clone()).collect(),
            language: spec.watch.language.clone(),
            sample: spec.sample.clone(),
        }
    }

    /// The record of a line.
    pub(super) fn read(&self, line: &[u8], number: u64) -> Result<LogRecord, PickError> {
        let mut values = Values { slots: self.picker.pick(line)?, missing: Vec::new() };
        let id =
            values.usable(LogField::Id, |id| Some(text(id)).filter(|id| !id.trim().is_empty()));
        let id = id.unwrap_or_else(|| blake3::hash(line).to_hex()[..32].to_owned());
        let at = values.usable(LogField::Time, |value| microseconds(&value));
        let record = values.record();
        let cost_usd = values.usable(LogField::CostUsd, |value| amount(&value));
        let [prompt, prompt_hash, model, cluster, stratum] = [
            LogField::Prompt,
            LogField::PromptHash,
            LogField::Model,
            LogField::Cluster,
            LogField::Stratum,
        ]
        .map(|field| values.text(field));
        let targets = values.take(LogField::Target).map(targets).unwrap_or_default();
        let fields = self.columns(&mut values);
        let categories = self.categories(&mut values);
        let language = self.language.as_ref().and_then(|column| fields.get(column));
        let language = language.and_then(Value::as_str).map(language_code);
        let input_chars = (!self.variables.is_empty()).then(|| fields.values().map(chars).sum());
        let has_failed = record.outcome == Outcome::Failed;
        let missing = if has_failed { Vec::new() } else { self.missed(values) };
        let whole = Stratum { is_drawn: true, rate: 1.0 };
        let stratum = self
            .sample
            .as_ref()
            .map_or(whole, |sample| sample.draw(&id, stratum.as_deref(), has_failed));
        Ok(LogRecord {
            id,
            at,
            line: number,
            prompt,
            prompt_hash,
            model,
            cluster,
            targets,
            fields,
            record,
            cost_usd,
            missing,
            input_chars,
            language,
            categories,
            stratum,
        })
    }

    /// What the prompt was filled in with; null where the line lacks it.
    fn columns(&self, values: &mut Values) -> Fields {
        let more = LogField::ALL.len();
        let mut columns = match values.slots[more].take() {
            Some(Value::Object(columns)) => columns,
            _ => Map::with_capacity(self.variables.len()),
        };
        for (column, slot) in self.variables.iter().zip(more + 1..) {
            let value = values.slots[slot].take();
            if value.is_none() {
                values.missing.push(column.clone());
            }
            columns.insert(column.clone(), value.unwrap_or_default());
        }
        columns.into()
    }

    /// What the line says of each category that is watched.
    fn categories(&self, values: &mut Values) -> Vec<Option<String>> {
        let slots = LogField::ALL.len() + 1 + self.variables.len()..;
        let one = |(name, slot): (&String, usize)| {
            let value = values.slots[slot].take();
            if value.is_none() {
                values.missing.push(name.clone());
            }
            let mut word = text(value?);
            word.truncate(word.floor_char_boundary(MAX_CATEGORY));
            Some(word)
        };
        self.categories.iter().zip(slots).map(one).collect()
    }

    /// What the suite names and the line lacks, of what every answered record should have: the right answer
    /// mostly comes later.
    fn missed(&self, values: Values) -> Vec<String> {
        let may_lack = [LogField::Error, LogField::Target, LogField::Stratum];
        let is_missed = |name: &String| {
            let field = LogField::ALL.into_iter().find(|field| field.name() == name.as_str());
            field.is_none_or(|field| self.named[field as usize] && !may_lack.contains(&field))
        };
        values.missing.into_iter().filter(is_missed).collect()
    }
}

impl Values {
    fn take(&mut self, field: LogField) -> Option<Value> {
        let value = self.slots[field as usize].take();
        if value.is_none() {
            self.missing.push(field.name().to_owned());
        }
        value
    }

    /// What can be made of a value; one of which nothing can be made is missing.
    fn usable<T>(&mut self, field: LogField, make: impl FnOnce(Value) -> Option<T>) -> Option<T> {
        let value = make(self.take(field)?);
        if value.is_none() {
            self.missing.push(field.name().to_owned());
        }
        value
    }

    fn text(&mut self, field: LogField) -> Option<String> {
        self.take(field).map(text)
    }

    fn record(&mut self) -> Record {
        let error = self.take(LogField::Error).filter(is_error).map(text);
        let output = self.text(LogField::Output);
        let finish_reason = self.text(LogField::FinishReason).map(FinishReason::from);
        let (input_tokens, output_tokens) = (
            self.usable(LogField::InputTokens, |value| count(&value)),
            self.usable(LogField::OutputTokens, |value| count(&value)),
        );
        let latency_ms = self.usable(LogField::LatencyMs, |value| amount(&value));
        let mut record = match (error, output) {
            (Some(mut error), _) => {
                let end = error.floor_char_boundary(MAX_ERROR);
                error.truncate(end);
                Record::failed(ErrorKind::Reported, error, 0)
            }
            (None, None) => Record::failed(ErrorKind::Reported, "the record has no output", 0),
            (None, Some(output)) => Record { cached: false, ..Record::recorded(output) },
        };
        if finish_reason == Some(FinishReason::ContentFilter) && record.has_answer() {
            record.outcome = Outcome::Refused;
        }
        record.finish_reason = finish_reason;
        record.usage = Usage { input_tokens, output_tokens }.plausible();
        record.timing.latency_ms = latency_ms;
        record
    }
}

/// Whether a value under `error` tells of one: many logs write `""` or `false` where there was none.
fn is_error(value: &Value) -> bool {
    match value {
        Value::Bool(is_error) => *is_error,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Number(_) | Value::Null => true,
    }
}

/// A value as text; JSON where it is a list or an object.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The characters of a variable's value.
fn chars(value: &Value) -> u64 {
    let count = |text: &str| text.chars().count() as u64;
    match value {
        Value::Null => 0,
        Value::String(text) => count(text),
        other => count(&other.to_string()),
    }
}

fn targets(value: Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.into_iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// A number that is not negative, also where it is written as text.
fn amount(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no count of tokens is larger"
)]
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| amount(value).filter(|n| *n < 1e15).map(|n| n as u64))
}
