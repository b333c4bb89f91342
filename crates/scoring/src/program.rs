//! What a user's own program is told of an answer and what it may say of it: JSON objects, one a
//! line. Starting, feeding and stopping it is not done here.

use std::time::Duration;

use evalmark_core::{fields::Fields, score::Score};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    kind::Measurement,
    subject::{Known, Subject},
};

/// How much of a reason is kept, in characters.
const MAX_REASON: usize = 1_000;

/// What a suite says of a program, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments; at least the program.
    pub command: Vec<String>,
    /// How long it may write nothing before it is stopped.
    pub timeout: Duration,
    /// How much memory it may take, in bytes, where the suite says.
    pub memory: Option<u64>,
    /// How many answers one process is given at most; at least one.
    pub batch: usize,
}

/// What a program says of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramScore {
    /// The score.
    pub score: Score,
    /// Whether it names the answer; otherwise only its place tells which one it is about.
    pub names_id: bool,
}

/// One answer, as the program reads it.
#[derive(Serialize)]
struct Request<'a> {
    id: u64,
    answer: &'a str,
    targets: &'a [String],
    item: &'a Fields,
    #[serde(flatten)]
    known: Known<'a>,
}

/// What the program says of it. Other keys are its own business.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    id: Option<Value>,
    score: Value,
    #[serde(default)]
    passed: Option<bool>,
    #[serde(default)]
    reason: Option<String>,
}

/// The line about one answer, without its end.
pub(crate) fn request_line(id: u64, subject: Subject<'_>) -> String {
    let Subject { answer, targets, fields, .. } = subject;
    let request = Request { id, answer, targets, item: fields, known: subject.known() };
    // Nothing in it can fail to be JSON.
    serde_json::to_string(&request).unwrap_or_default()
}

/// Reads the line about the answer `id`, strictly, and whether it names the answer; an error says
/// what is wrong with it.
pub(crate) fn read_reply(id: u64, line: &str) -> Result<(Measurement, bool), String> {
    let reply: Reply = serde_json::from_str(line)
        .map_err(|error| format!("not a reply ({error}): {}", clip(line, 100)))?;
    let names_id = match &reply.id {
        Some(said) if *said != id => {
            let said = clip(&said.to_string(), 100);
            return Err(format!("a reply about {said} where one about {id} was due"));
        }
        said => said.is_some(),
    };
    let reason = reply.reason.map(|reason| clip(&reason, MAX_REASON));
    let value = match &reply.score {
        Value::Null => {
            let reason = reason.unwrap_or_else(|| "the program gives no score".to_owned());
            return Ok((Measurement::Missing(reason), names_id));
        }
        Value::Bool(truth) => f64::from(*truth),
        score => score.as_f64().filter(|value| (0.0..=1.0).contains(value)).ok_or_else(|| {
            format!("a score of {}, not from 0 to 1", clip(&score.to_string(), 100))
        })?,
    };
    let passed = reply.passed.or_else(|| reply.score.as_bool());
    Ok((Measurement::Decided { value, passed, reason }, names_id))
}

fn clip(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}
