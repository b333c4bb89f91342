//! `equals` of promptfoo 0.121.20.
//!
//! A string is compared as it is, blanks included. A mapping or list is compared with the answer
//! read as JSON, by Node's `isDeepStrictEqual`: the order of keys does not matter, and numbers are
//! 64-bit floats, of which 0 and -0 differ. An answer that is no JSON is wrong.

use evalmark_core::metric::Reasoning;
use std::sync::Arc;

use serde_json::Value;

use super::options::Options;
use crate::{
    kind::{Measure, Measurement},
    subject::Subject,
};

pub(super) fn compile(options: &mut Options) -> Arc<dyn Measure> {
    Arc::new(Equals { json: options.json.take().unwrap_or_default() })
}

#[derive(Debug)]
struct Equals {
    json: bool,
}

impl Measure for Equals {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if !self.json {
            return Measurement::best_of(targets, |target| f64::from(target == answer));
        }
        let parsed: Result<Vec<Value>, _> =
            targets.iter().map(|target| serde_json::from_str(target)).collect();
        let Ok(wanted) = parsed else {
            return Measurement::Missing("the target is not JSON".to_owned());
        };
        if wanted.is_empty() {
            return Measurement::best_of(targets, |_| 0.0);
        }
        // What cannot be read (no JSON, or nested too deeply) differs from every target that can.
        let found = serde_json::from_str(answer).ok();
        Measurement::yes_or_no(wanted.iter().any(|wanted| same(wanted, found.as_ref(), answer)))
    }
}

/// A target that is no mapping, list or null is a string, a number or a truth value, of which
/// promptfoo compares the text.
fn same(wanted: &Value, found: Option<&Value>, answer: &str) -> bool {
    match wanted {
        Value::String(text) => text == answer,
        Value::Bool(value) => answer == if *value { "true" } else { "false" },
        Value::Number(number) => number.as_f64().is_some_and(|number| shown(number) == answer),
        _ => found.is_some_and(|found| deep_equal(wanted, found)),
    }
}

/// A number as JavaScript shows it.
fn shown(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        1e-6..1e21 => number.to_string(),
        _ => {
            let scientific = format!("{number:e}");
            if number.abs() < 1.0 { scientific } else { scientific.replace('e', "e+") }
        }
    }
}

fn deep_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| deep_equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a)| b.get(key).is_some_and(|b| deep_equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}
