//! Feedback of users as products keep it: one file and one line of [`sources`] a product. Each makes
//! [`FeedbackEvent`]s of one JSON document; whoever joins them with answers takes them from there.

mod documents;
mod google_analytics;
mod json_lines;
mod langfuse;
mod mixpanel;
mod open_telemetry;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use evalmark_core::feedback::{FeedbackEvent, FeedbackValue, RatingScale, rating};
use serde_json::{Map, Value};

/// A product whose exports hold feedback.
#[derive(Clone, Copy)]
pub struct FeedbackSource {
    /// The name that it is imported under.
    pub name: &'static str,
    /// What of it is read, in a clause.
    pub files: &'static str,
    /// Whether a document looks like one of this product.
    looks_like: fn(&Map<String, Value>) -> bool,
    /// The events of one document.
    read: fn(&Map<String, Value>, &FeedbackRules, &mut Events),
}

/// Every product whose feedback can be imported. The last takes whatever the others do not know.
pub fn sources() -> &'static [FeedbackSource] {
    const TABLE: &[FeedbackSource] = &[
        open_telemetry::SOURCE,
        google_analytics::SOURCE,
        mixpanel::SOURCE,
        langfuse::SOURCE,
        json_lines::SOURCE,
    ];
    TABLE
}

/// What the user says of the files.
#[derive(Clone, Debug, Default)]
pub struct FeedbackRules {
    /// The key that holds the record's id, where it is not one of the usual.
    pub key: Option<String>,
    /// Only these signals; empty is all.
    pub signals: Vec<String>,
    /// Scales by signal; that of the empty name is for all others.
    pub scales: BTreeMap<String, RatingScale>,
}

/// What one document holds: events, and what is no event though it should be.
#[derive(Debug, Default)]
pub struct Events {
    /// What was said, or done.
    pub events: Vec<FeedbackEvent>,
    /// What is wrong with the others.
    pub problems: Vec<String>,
    /// Those that say nothing of an answer, or of a signal that was not asked for.
    pub passed_over: u64,
}

/// A file of feedback that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no JSON.
    #[error("{} is no feedback: {problem}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads a file: JSON lines, a JSON list, or an object whose `data` is one; packed as .gz or .zst or not. `source` is the
/// product, which else each document tells. The visitor gets the number of each document, from 1, and what it holds.
pub fn read_feedback(
    path: &Path,
    source: Option<&FeedbackSource>,
    rules: &FeedbackRules,
    visit: &mut dyn FnMut(u64, Events),
) -> Result<(), FeedbackError> {
    documents::each(path, &mut |number, document| {
        let mut found = Events::default();
        match document {
            Err(problem) => found.problems.push(problem),
            Ok(Value::Object(object)) => {
                let known = sources().iter().find(|source| (source.looks_like)(&object));
                if let Some(source) = source.or(known) {
                    (source.read)(&object, rules, &mut found);
                }
            }
            Ok(_) => found.problems.push("it is no JSON object".to_owned()),
        }
        visit(number, found);
    })
}

impl FeedbackRules {
    fn wants(&self, signal: &str) -> bool {
        self.signals.is_empty() || self.signals.iter().any(|wanted| wanted == signal)
    }

    /// A score by a signal's scale.
    fn score(&self, signal: &str, value: &Value) -> Result<FeedbackValue, String> {
        let scale = self.scales.get(signal).or_else(|| self.scales.get("")).copied();
        rating(value, scale)
            .map(FeedbackValue::Score)
            .map_err(|problem| format!("`{signal}`: {problem}"))
    }
}

impl Events {
    /// Adds an event, if its signal is asked for.
    fn add(&mut self, rules: &FeedbackRules, event: Result<FeedbackEvent, String>) {
        match event {
            Ok(event) if rules.wants(&event.signal) => self.events.push(event),
            Ok(_) => self.passed_over += 1,
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// The first of these keys that has a value.
fn first<'a>(object: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().filter_map(|key| object.get(*key)).find(|value| !value.is_null())
}

/// A value as text, where it is a text or a number that is not empty.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn first_text(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().filter_map(|key| object.get(*key)).find_map(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    type Seen = (String, String, FeedbackValue);

    fn read(content: &str, rules: &FeedbackRules) -> (Vec<Seen>, Vec<String>, u64) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("feedback.json");
        fs::write(&path, content).expect("written");
        let (mut seen, mut problems, mut passed_over) = (Vec::new(), Vec::new(), 0);
        read_feedback(&path, None, rules, &mut |number, found| {
            let events = found.events.into_iter();
            seen.extend(events.map(|event| (event.record_id, event.signal, event.value)));
            problems
                .extend(found.problems.into_iter().map(|problem| format!("{number}: {problem}")));
            passed_over += found.passed_over;
        })
        .expect("readable");
        (seen, problems, passed_over)
    }

    fn check(content: &Value, expected: &[(&str, &str, FeedbackValue)]) {
        let (seen, problems, _) = read(&content.to_string(), &FeedbackRules::default());
        let expected: Vec<_> = expected
            .iter()
            .map(|(id, signal, value)| ((*id).to_owned(), (*signal).to_owned(), value.clone()))
            .collect();
        assert_eq!((seen, problems), (expected, Vec::new()), "{content}");
    }

    use FeedbackValue::{Edit, Happened, Score};

    #[test]
    fn rows_of_any_application_are_read() {
        check(&json!({"trace_id": "t1", "thumbs": "up"}), &[("t1", "thumbs", Score(1.0))]);
        check(
            &json!({"record_id": "t1", "name": "helpful", "value": 0, "comment": "no"}),
            &[("t1", "helpful", Score(0.0))],
        );
        check(&json!({"id": "t1", "edited": "So."}), &[("t1", "edit", Edit("So.".to_owned()))]);
        check(&json!({"trace_id": "t1", "event": "purchase"}), &[("t1", "purchase", Happened)]);
        check(
            &json!([{"id": "a", "thumbs": true}, {"id": "b", "thumbs": false}]),
            &[("a", "thumbs", Score(1.0)), ("b", "thumbs", Score(0.0))],
        );
    }

    #[test]
    fn what_products_export_is_read() {
        check(
            &json!({"data": [{
                "id": "s1", "traceId": "t1", "name": "user-rating", "value": 1, "dataType": "BOOLEAN",
                "source": "API", "comment": "great", "timestamp": "2026-11-01T10:00:00Z"
            }]}),
            &[("t1", "user-rating", Score(1.0))],
        );
        check(
            &json!({"event_date": "20261101", "event_timestamp": "1793527200000000", "event_name": "purchase",
                "user_pseudo_id": "u.1", "event_params": [
                    {"key": "trace_id", "value": {"string_value": "t1"}},
                    {"key": "currency", "value": {"string_value": "EUR"}}]}),
            &[("t1", "purchase", Happened)],
        );
        check(
            &json!({"event": "Rated", "properties": {
                "time": 1_793_527_200, "distinct_id": "u1", "$insert_id": "i1", "trace_id": "t1", "rating": 0.5}}),
            &[("t1", "Rated", Score(0.5))],
        );
        check(
            &json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
                {"timeUnixNano": "1793527200000000000", "traceId": "aa", "spanId": "bb",
                 "eventName": "gen_ai.evaluation.result", "attributes": [
                    {"key": "gen_ai.evaluation.name", "value": {"stringValue": "thumbs"}},
                    {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 1.0}}]},
                {"eventName": "something.else"}]}]}]}),
            &[("aa:bb", "thumbs", Score(1.0))],
        );
    }

    #[test]
    fn what_is_no_feedback_is_told_or_passed_over() {
        let rules = FeedbackRules {
            signals: vec!["csat".to_owned()],
            scales: BTreeMap::from([("csat".to_owned(), RatingScale { worst: 1.0, best: 5.0 })]),
            ..FeedbackRules::default()
        };
        let lines = [
            json!({"trace_id": "t1", "name": "csat", "value": 4}).to_string(),
            json!({"trace_id": "t1", "name": "other", "value": 1}).to_string(),
            json!({"trace_id": "t1", "name": "csat", "value": 9}).to_string(),
            json!({"name": "csat", "value": 4}).to_string(),
            json!({"event_name": "page_view", "event_params": []}).to_string(),
            "{broken".to_owned(),
            "7".to_owned(),
        ];
        let (seen, problems, passed_over) = read(&lines.join("\n"), &rules);
        assert_eq!(seen, [("t1".to_owned(), "csat".to_owned(), Score(0.75))]);
        assert_eq!(passed_over, 2);
        let expected = ["3: `csat`: 9 is not from 1 to 5", "4: it names no record", "6: ", "7: "];
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    #[test]
    fn ids_keep_their_digits_and_a_byte_order_mark_is_none() {
        let lines = "\u{feff}{\"trace_id\":18446744073709551617,\"thumbs\":1}\n{\"trace_id\":18446744073709551618,\"thumbs\":0}\n";
        let list =
            format!("\u{feff}[{}]", lines.trim().trim_start_matches('\u{feff}').replace('\n', ","));
        for content in [lines, &list] {
            let (seen, problems, _) = read(content, &FeedbackRules::default());
            let expected = [("18446744073709551617", 1.0), ("18446744073709551618", 0.0)]
                .map(|(id, score)| (id.to_owned(), "thumbs".to_owned(), Score(score)));
            assert_eq!((seen.as_slice(), problems), (&expected[..], Vec::new()), "{content}");
        }
    }

    #[test]
    fn a_propensity_that_is_none_is_told() {
        let line =
            |propensity: Value| json!({"trace_id": "t", "thumbs": 1, "propensity": propensity});
        for good in [json!(0.5), json!("0.5"), json!(1)] {
            assert_eq!(
                read(&line(good).to_string(), &FeedbackRules::default()).1,
                Vec::<String>::new()
            );
        }
        for bad in [json!(0), json!(1.5), json!(-1), json!("often"), json!("NaN"), json!([])] {
            let (seen, problems, _) = read(&line(bad).to_string(), &FeedbackRules::default());
            assert_eq!((seen.len(), problems.len()), (0, 1), "{problems:?}");
            assert!(problems[0].starts_with("1: a propensity of "), "{problems:?}");
        }
    }

    #[test]
    fn hostile_documents_end() {
        for hostile in [
            "[".repeat(100_000),
            "{\"a\":".repeat(100_000),
            json!({"resourceLogs": {"scopeLogs": [[[]]]}}).to_string(),
            json!({"event_name": 1, "event_params": {"key": []}}).to_string(),
            json!({"event": {}, "properties": []}).to_string(),
            "\u{0}".to_owned(),
            String::new(),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("feedback.json");
            fs::write(&path, &hostile).expect("written");
            let _ = read_feedback(&path, None, &FeedbackRules::default(), &mut |_, found| {
                assert!(found.events.is_empty());
            });
        }
    }
}
