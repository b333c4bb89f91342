//! The scale of a judge's grades, and where a grade lies on it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A scale as a suite writes it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawScale {
    /// Any number from `min` to `max`, e.g. `{ min: 0, max: 1 }`.
    Range(Range),
    /// These grades and no others, e.g. `[1, 2, 3, 4, 5]`.
    Grades(Vec<f64>),
}

/// Any number from `min` to `max`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    /// The worst grade; it becomes 0.
    min: f64,
    /// The best grade; it becomes 1.
    max: f64,
}

/// A grade as a judge writes it: a number, also as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Grade {
    Number(f64),
    Text(String),
}

impl Grade {
    /// The number: of a text all of it, or what stands before the scale's best grade in `4/5` and
    /// `4 out of 5`.
    pub(crate) fn on(&self, scale: &Scale) -> Result<f64, String> {
        let text = match self {
            Self::Number(number) => return Ok(*number),
            Self::Text(text) => text.trim(),
        };
        let parts = text.split_once('/').or_else(|| text.split_once(" out of "));
        let (grade, best) = parts.map_or((text, None), |(grade, best)| (grade, Some(best)));
        let is_best = |best: &str| {
            best.trim().parse().is_ok_and(|best: f64| best.total_cmp(&scale.max).is_eq())
        };
        let number = grade.trim().parse().ok().filter(|_| best.is_none_or(is_best));
        let is_plain = !grade.contains(|c: char| c.is_alphabetic());
        number.filter(|_| is_plain).ok_or_else(|| {
            let text: String = text.chars().take(60).collect();
            format!("{text:?} is not {scale}")
        })
    }
}

impl Default for RawScale {
    fn default() -> Self {
        Self::Range(Range { min: 0.0, max: 1.0 })
    }
}

/// A checked scale: finite, with a best grade above the worst.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    min: f64,
    max: f64,
    /// The grades allowed, from worst to best; empty for any number in between.
    grades: Vec<f64>,
}

impl Scale {
    /// Checks a scale; an error says what is wrong with it.
    pub(crate) fn new(raw: RawScale) -> Result<Self, String> {
        let scale = match raw {
            RawScale::Range(Range { min, max }) => Self { min, max, grades: Vec::new() },
            RawScale::Grades(mut grades) => {
                grades.sort_by(f64::total_cmp);
                let ends = (grades.first().copied(), grades.last().copied());
                let (Some(min), Some(max)) = ends else {
                    return Err("a scale needs at least two grades".to_owned());
                };
                Self { min, max, grades }
            }
        };
        let width = scale.max - scale.min;
        if width.is_finite() && width > 0.0 {
            Ok(scale)
        } else {
            Err("a scale's best grade must be above its worst".to_owned())
        }
    }

    /// Where a grade lies between worst (0) and best (1); an error when it is not on the scale.
    pub(crate) fn place(&self, grade: f64) -> Result<f64, String> {
        let allowed = (self.min..=self.max).contains(&grade)
            && (self.grades.is_empty() || self.grades.contains(&grade));
        if allowed {
            Ok((grade - self.min) / (self.max - self.min))
        } else {
            Err(format!("{grade} is not {self}"))
        }
    }
}

impl Scale {
    /// JSON Schema of a grade.
    pub(crate) fn schema(&self) -> Value {
        if self.grades.is_empty() {
            json!({ "type": "number" })
        } else {
            json!({ "type": "number", "enum": self.grades })
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.grades.is_empty() {
            return write!(f, "a number from {} to {}", self.min, self.max);
        }
        let grades: Vec<_> = self.grades.iter().map(f64::to_string).collect();
        write!(f, "one of {}", grades.join(", "))
    }
}
