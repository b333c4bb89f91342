//! A log of exposures: which answers were shown with a question for feedback, and how probable it was that they were.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use evalmark_core::{feedback::short, logs::long_numbers_quoted, number_format::exact};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{error::FeedbackUseError, joined::trace_of};

#[derive(Deserialize)]
struct Exposure {
    #[serde(alias = "trace_id", alias = "id")]
    record_id: Value,
    propensity: Option<f64>,
}

/// What a log of exposures says.
pub(super) struct Exposures {
    /// By the id of a record or a trace: the chance that its user was asked, 1 where the log does not say, and its line.
    by_name: HashMap<String, (f64, u64)>,
    /// Those that a record has.
    matched: HashSet<String>,
    lines: u64,
    repeated: u64,
    /// Events of records that the log does not have.
    unasked_events: u64,
}

/// How a log of exposures fits the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExposureCounts {
    /// Its lines.
    pub lines: u64,
    /// Lines that say again what an earlier one says.
    pub repeated: u64,
    /// Ids of it that no record has.
    pub unmatched: u64,
    /// Events of records that it does not have, which are left out.
    pub unasked_events: u64,
}

impl Exposures {
    /// Reads a log. Two lines that say different things of one record are a mistake.
    pub(super) fn read(path: &Path) -> Result<Self, FeedbackUseError> {
        let unreadable = |source| FeedbackUseError::Exposures { path: path.to_owned(), source };
        let lines = BufReader::new(File::open(path).map_err(unreadable)?).split(b'\n');
        let mut found = Self {
            by_name: HashMap::new(),
            matched: HashSet::new(),
            lines: 0,
            repeated: 0,
            unasked_events: 0,
        };
        for (line, number) in lines.zip(1..) {
            let line = line.map_err(unreadable)?;
            let line = line.strip_prefix(b"\xEF\xBB\xBF").filter(|_| number == 1).unwrap_or(&line);
            if !line.trim_ascii().is_empty() {
                found.add(line, number).map_err(|problem| FeedbackUseError::Exposure {
                    path: path.to_owned(),
                    line: number,
                    problem,
                })?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, line: &[u8], number: u64) -> Result<(), String> {
        let Exposure { record_id, propensity } = serde_json::from_slice(&long_numbers_quoted(line))
            .map_err(|error| error.to_string())?;
        let record_id = match record_id {
            Value::String(text) if !text.is_empty() => text,
            Value::Number(number) => number.to_string(),
            other => return Err(format!("{} is no record's id", short(&other))),
        };
        let propensity = propensity.unwrap_or(1.0);
        if !(propensity > 0.0 && propensity <= 1.0) {
            let propensity = exact(propensity);
            return Err(format!("a propensity of {propensity} is not above 0 and at most 1"));
        }
        self.lines += 1;
        match self.by_name.get(&record_id) {
            None => {
                self.by_name.insert(record_id, (propensity, number));
            }
            Some((known, _)) if known.total_cmp(&propensity).is_eq() => self.repeated += 1,
            Some((known, first)) => {
                let (known, propensity) = (exact(*known), exact(propensity));
                return Err(format!(
                    "`{record_id}` has a propensity of {propensity}, and of {known} in line {first}"
                ));
            }
        }
        Ok(())
    }

    /// The chance that the user of a record was asked; `None` where the log has neither it nor its trace.
    pub(super) fn of(&mut self, record_id: &str) -> Option<f64> {
        let named = self.by_name.get_key_value(record_id);
        let named = named.or_else(|| self.by_name.get_key_value(trace_of(record_id)?));
        let (name, (chance, _)) = named?;
        if !self.matched.contains(name) {
            self.matched.insert(name.clone());
        }
        Some(*chance)
    }

    /// Counts events of a record that the log does not have.
    pub(super) fn leave_out(&mut self, events: u64) {
        self.unasked_events += events;
    }

    /// Records, or traces, that were shown with a question.
    pub(super) fn exposed(&self) -> u64 {
        self.matched.len() as u64
    }

    pub(super) fn counts(&self) -> ExposureCounts {
        ExposureCounts {
            lines: self.lines,
            repeated: self.repeated,
            unmatched: self.by_name.len() as u64 - self.exposed(),
            unasked_events: self.unasked_events,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Exposures, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("exposures.jsonl");
        evalmark_store::durable::write(&path, text.as_bytes()).expect("written");
        Exposures::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn every_line_is_accounted_for() {
        let text = "\u{feff}{\"record_id\":\"t1\",\"propensity\":0.5}\n\n{\"id\":18446744073709551617}\n\
                    {\"record_id\":\"t1\",\"propensity\":0.5}\n{\"trace_id\":\"t3\",\"propensity\":0.25}\n";
        let mut found = read(text).expect("a log");
        assert_eq!(found.of("t1"), Some(0.5));
        assert_eq!(found.of("18446744073709551617"), Some(1.0));
        assert_eq!(
            (found.of("t3:s1"), found.of("t3:s2"), found.of("t4")),
            (Some(0.25), Some(0.25), None)
        );
        assert_eq!(found.exposed(), 3);
        found.leave_out(2);
        let expected = ExposureCounts { lines: 4, repeated: 1, unmatched: 0, unasked_events: 2 };
        assert_eq!(found.counts(), expected);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let check = |text: &str, expected: &str| {
            let told = read(text).err().expect("a mistake");
            assert!(told.contains(expected), "{told}");
        };
        check(
            "{\"id\":\"a\"}\n{\"id\":\"b\",\"propensity\":2}\n",
            "line 2: a propensity of 2 is not",
        );
        check(
            "{\"id\":\"a\",\"propensity\":1e-320}\n{\"id\":\"a\"}\n",
            "of 1, and of 1e-320 in line 1",
        );
        check("{\"id\":\"\"}\n", "line 1: `\"\"` is no record's id");
        check("\n{broken\n", "line 2: ");
    }
}
