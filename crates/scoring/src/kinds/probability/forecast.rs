//! Reading an answer as probabilities of the declared classes.

use evalmark_core::metric::ParamError;
use serde_json::Value;

use crate::{
    json_compare::clip,
    json_in_text,
    kind::Measurement,
    kinds::label::{Classes, Declared, classes},
    number_in_text,
    subject::Subject,
};

/// How far the sum of probabilities may lie from 1: models round.
const ROUNDED: f64 = 0.05;

/// A sum this close to 1 is 1.
const EXACT: f64 = 1e-9;

/// The declared classes and how answers speak of them.
#[derive(Debug)]
pub(super) struct Forecasts {
    classes: Classes,
    positive: usize,
}

/// An answer's probabilities, and which class is right.
pub(super) struct Weighed {
    pub(super) probabilities: Vec<f64>,
    pub(super) truth: usize,
}

impl Forecasts {
    pub(super) fn new(declared: &Declared, positive: Option<&str>) -> Result<Self, ParamError> {
        let classes = classes(declared)?;
        let complain = |message: String| ParamError { pointer: "/positive".to_owned(), message };
        let positive = match positive {
            Some(_) if classes.len() != 2 => {
                return Err(complain("only one of two classes can be the positive one".to_owned()));
            }
            Some(name) => classes
                .of(name)
                .ok_or_else(|| complain(format!("{name:?} is not one of the `labels`")))?,
            None => classes.len() - 1,
        };
        Ok(Self { classes, positive })
    }

    pub(super) fn classes(&self) -> usize {
        self.classes.len()
    }

    /// Of two classes, the one that a number speaks of.
    pub(super) fn positive(&self) -> usize {
        self.positive
    }

    /// The answer's probabilities. Of several right classes the likeliest counts.
    pub(super) fn read(&self, subject: Subject<'_>) -> Result<Weighed, Measurement> {
        let right = self.classes.targets(subject.targets).map_err(Measurement::Missing)?;
        let given = self.given(subject.answer).map_err(Measurement::Invalid)?;
        let probabilities = scaled(given).map_err(Measurement::Invalid)?;
        let likeliest = right
            .iter()
            .copied()
            .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]).then(b.cmp(a)));
        let truth = likeliest.ok_or(Measurement::Missing("the item has no target".to_owned()))?;
        Ok(Weighed { probabilities, truth })
    }

    fn given(&self, answer: &str) -> Result<Vec<f64>, String> {
        if let Some(p) = number(answer) {
            return self.of_two(p);
        }
        let structured = |value: &Value| value.is_object() || value.is_array();
        match json_in_text::values(answer).find(structured) {
            Some(Value::Object(map)) => {
                let mut probabilities = vec![0.0; self.classes.len()];
                for (name, value) in &map {
                    let class = self.classes.of(name);
                    let class = class.ok_or_else(|| format!("not a label: {name:.60?}"))?;
                    probabilities[class] += probability(value)?;
                }
                Ok(probabilities)
            }
            Some(Value::Array(list)) if list.len() == self.classes.len() => {
                list.iter().map(probability).collect()
            }
            Some(_) => Err(format!("not {} probabilities", self.classes.len())),
            None => Err("no probabilities in the answer".to_owned()),
        }
    }

    fn of_two(&self, p: f64) -> Result<Vec<f64>, String> {
        if self.classes.len() != 2 {
            return Err(format!("one probability for {} classes", self.classes.len()));
        }
        if !(0.0..=1.0).contains(&p) {
            return Err(format!("not a probability: {p}"));
        }
        let mut both = vec![1.0 - p; 2];
        both[self.positive] = p;
        Ok(both)
    }
}

/// A text that is a number, or a percentage.
fn number(text: &str) -> Option<f64> {
    let number = number_in_text::whole(text)?.to_f64();
    Some(if text.trim_end().ends_with('%') { number / 100.0 } else { number })
}

fn probability(value: &Value) -> Result<f64, String> {
    let number = value.as_f64().or_else(|| number(value.as_str()?));
    let p = number.filter(|p| (0.0..=1.0).contains(p));
    p.ok_or_else(|| format!("not a probability: {}", clip(&value.to_string())))
}

fn scaled(mut probabilities: Vec<f64>) -> Result<Vec<f64>, String> {
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > ROUNDED + EXACT {
        return Err(format!("the probabilities add up to {sum:.3}"));
    }
    if (sum - 1.0).abs() > EXACT {
        for p in &mut probabilities {
            *p /= sum;
        }
    }
    Ok(probabilities)
}
