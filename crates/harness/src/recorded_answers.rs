//! Recorded answers: one JSON object a line in a file, or a column of the dataset.

use std::path::Path;

use evalmark_core::{
    answer_details::AnswerDetails,
    fields::Fields,
    record::{ErrorKind, FinishReason, Outcome, Record, Timing, Usage},
    request::RequestHash,
};
use serde::{Deserialize, Serialize};

use crate::ledger::LedgerError;

/// One line of a recording: an answer by the hash of its request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedAnswer {
    /// The request's content address: 64 hexadecimal digits.
    #[serde(with = "hexadecimal")]
    pub hash: RequestHash,
    /// The model's text.
    pub output: String,
    /// `answered` (which need not be said) or `refused`.
    #[serde(default = "answered", skip_serializing_if = "is_answered")]
    pub outcome: Outcome,
    /// Why the answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// Tokens of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Service time of the attempt that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Start of that attempt, microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_us: Option<i64>,
    /// What else the server told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<AnswerDetails>>,
}

impl RecordedAnswer {
    /// The line that replays `record`; `None` when it is a failure, which nobody wants back.
    pub fn new(hash: RequestHash, record: &Record) -> Option<Self> {
        let output = record.output.clone().filter(|_| record.has_answer())?;
        Some(Self {
            hash,
            output,
            outcome: match record.outcome {
                Outcome::Refused => Outcome::Refused,
                _ => Outcome::Answered,
            },
            finish_reason: record.finish_reason.clone(),
            input_tokens: record.usage.input_tokens,
            output_tokens: record.usage.output_tokens,
            // To the microsecond: what is beyond is noise.
            latency_ms: record.timing.latency_ms.map(|ms| (ms * 1e3).round() / 1e3),
            started_at_us: Some(record.timing.started_at_us).filter(|start| *start != 0),
            details: record.details.clone(),
        })
    }

    /// The record that the line stands for. It counts as cached, and as no attempt.
    pub fn into_record(self) -> Record {
        let timing = Timing {
            started_at_us: self.started_at_us.unwrap_or_default(),
            latency_ms: self.latency_ms,
            ..Timing::default()
        };
        Record {
            outcome: self.outcome,
            finish_reason: self.finish_reason,
            timing,
            usage: Usage { input_tokens: self.input_tokens, output_tokens: self.output_tokens }
                .plausible(),
            details: self.details,
            ..Record::recorded(self.output)
        }
    }
}

/// The record of an item whose answer stands in `column`: its text, or the JSON of a list or an
/// object. A missing or null cell is a failure: there is no answer to score.
pub fn recorded_cell(fields: &Fields, column: &str) -> Record {
    let found = fields.find(column).unwrap_or_default();
    let text = match found.as_slice() {
        [cell] => cell.text(),
        _ => Ok(None),
    };
    match text {
        Ok(Some(text)) => Record::recorded(text.into_owned()),
        Ok(None) => {
            let message = format!("the item has no answer in column `{column}`");
            Record::failed(ErrorKind::NotRecorded, message, 0)
        }
        Err(problem) => {
            Record::failed(ErrorKind::NotRecorded, format!("the recorded answer {problem}"), 0)
        }
    }
}

/// A recording that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("cannot read the recording {path}: {detail}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        detail: String,
    },
    /// A line is no recorded answer.
    #[error("{path}, line {line}: not a recorded answer: {detail}")]
    Line {
        /// The file.
        path: String,
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// Two lines answer the same request differently.
    #[error("{path}, lines {first} and {second}: different answers to the same request {hash}")]
    Conflict {
        /// The file.
        path: String,
        /// The earlier line, from 1.
        first: u64,
        /// The later line.
        second: u64,
        /// The request, in hexadecimal.
        hash: String,
    },
    /// The file changed while it was read.
    #[error("the recording {path} changed while it was read")]
    Changed {
        /// The file.
        path: String,
    },
    /// The answers cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl RecordingError {
    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.display().to_string(), detail: error.to_string() }
    }
}

fn answered() -> Outcome {
    Outcome::Answered
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_answered(outcome: &Outcome) -> bool {
    *outcome == Outcome::Answered
}

/// A request hash as 64 hexadecimal digits.
mod hexadecimal {
    use evalmark_core::request::RequestHash;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        hash: &RequestHash,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(hash)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RequestHash, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        RequestHash::from_hex(&text)
            .ok_or_else(|| D::Error::custom("`hash` must be 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_gives_back_the_record() {
        let record = Record {
            outcome: Outcome::Refused,
            finish_reason: Some("stop".into()),
            attempts: 0,
            timing: Timing { started_at_us: 7, latency_ms: Some(0.125), ..Timing::default() },
            usage: Usage { input_tokens: Some(1), output_tokens: None },
            ..Record::recorded("no".into())
        };
        let line = RecordedAnswer::new(RequestHash([0xab; 32]), &record).expect("an answer");
        let json = serde_json::to_string(&line).expect("JSON");
        assert_eq!(
            json,
            format!(
                r#"{{"hash":"{}","output":"no","outcome":"refused","finish_reason":"stop","input_tokens":1,"latency_ms":0.125,"started_at_us":7}}"#,
                "ab".repeat(32)
            )
        );
        let back: RecordedAnswer = serde_json::from_str(&json).expect("a line");
        assert_eq!(back.into_record(), record);
    }

    #[test]
    fn failures_are_not_recorded() {
        let failed = Record::failed(ErrorKind::Server, "HTTP 500", 6);
        assert_eq!(RecordedAnswer::new(RequestHash([0; 32]), &failed), None);
    }

    fn check_cell(cell: Option<&serde_json::Value>, expected: Option<&str>) {
        let cells = cell.map(|cell| ("answer".to_owned(), cell.clone())).into_iter();
        let record = recorded_cell(&cells.collect::<serde_json::Map<_, _>>().into(), "answer");
        assert_eq!(record.output.as_deref(), expected);
        assert_eq!(record.has_answer(), expected.is_some());
    }

    #[test]
    fn a_cell_is_an_answer_unless_it_is_null() {
        check_cell(Some(&json!("yes")), Some("yes"));
        check_cell(Some(&json!("")), Some(""));
        check_cell(Some(&json!(1.5)), Some("1.5"));
        check_cell(Some(&json!({ "label": "a" })), Some(r#"{"label":"a"}"#));
        check_cell(Some(&json!(null)), None);
        check_cell(None, None);
    }
}
