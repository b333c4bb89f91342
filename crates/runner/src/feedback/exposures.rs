//! A log of exposures: which answers were shown with a question for feedback, and how probable it was that they were.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde::Deserialize;

use super::error::FeedbackUseError;

#[derive(Deserialize)]
struct Exposure {
    #[serde(alias = "trace_id", alias = "id")]
    record_id: String,
    propensity: Option<f64>,
}

/// By the id of a record: the chance that its user was asked; 1 where the log does not say.
pub(super) fn read(path: &Path) -> Result<HashMap<String, f64>, FeedbackUseError> {
    let unreadable = |source| FeedbackUseError::Exposures { path: path.to_owned(), source };
    let lines = BufReader::new(File::open(path).map_err(unreadable)?).lines();
    let mut found = HashMap::new();
    for (line, number) in lines.zip(1..) {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |problem: String| FeedbackUseError::Exposure {
            path: path.to_owned(),
            line: number,
            problem,
        };
        let Exposure { record_id, propensity } =
            serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        let propensity = propensity.unwrap_or(1.0);
        if !(propensity > 0.0 && propensity <= 1.0) {
            return Err(wrong(format!(
                "a propensity of {propensity} is not above 0 and at most 1"
            )));
        }
        found.insert(record_id, propensity);
    }
    Ok(found)
}
