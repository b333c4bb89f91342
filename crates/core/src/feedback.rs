//! What users said of answers, or did after them: what readers of feedback hand over, whatever product it was kept in.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::number_format::exact;

/// One thing that a user said or did.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackEvent {
    /// Its own id, where it has one: an event that comes again takes the place of the earlier one.
    pub id: Option<String>,
    /// The record's id in the logs, or that of its trace.
    pub record_id: String,
    /// What was asked for or observed, such as `thumbs` or `purchase`.
    pub signal: String,
    /// What was said.
    pub value: FeedbackValue,
    /// The same as it was written, on whatever scale: an event without an id is known by it.
    pub written: Value,
    /// What the user wrote besides.
    pub comment: Option<String>,
    /// Who it was.
    pub by: Option<String>,
    /// When, as it was written.
    pub at: Option<Value>,
    /// How probable it was that this user was asked, in (0, 1].
    pub propensity: Option<f64>,
}

/// What was said of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackValue {
    /// From 0, bad, to 1, good.
    Score(f64),
    /// The answer as the user wants it.
    Edit(String),
    /// It happened; where there is no such event, it did not.
    Happened,
}

/// What kind of thing a signal is: every event of it is of one kind, or its mean would mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedbackKind {
    /// It says how good an answer was.
    Rating,
    /// It says what the answer should have been.
    Correction,
    /// It happened.
    Outcome,
}

impl FeedbackValue {
    /// The kind of signal that has such values.
    pub fn kind(&self) -> FeedbackKind {
        match self {
            Self::Score(_) => FeedbackKind::Rating,
            Self::Edit(_) => FeedbackKind::Correction,
            Self::Happened => FeedbackKind::Outcome,
        }
    }
}

impl FeedbackKind {
    /// What an event of it has, in words.
    pub fn has(self) -> &'static str {
        match self {
            Self::Rating => "a rating",
            Self::Correction => "a corrected text",
            Self::Outcome => "no value",
        }
    }
}

/// The ends of a rating, the worst first: 5 to 1 where 1 is best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatingScale {
    /// The worst value.
    pub worst: f64,
    /// The best value.
    pub best: f64,
}

impl RatingScale {
    /// Reads `1..5`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ends = text.split_once("..").and_then(|(worst, best)| {
            Some((worst.trim().parse().ok()?, best.trim().parse().ok()?))
        });
        let wrong =
            || format!("`{text}` is no scale; write its worst and its best value, such as 1..5");
        let (worst, best): (f64, f64) = ends.ok_or_else(wrong)?;
        let is_one = worst.is_finite() && best.is_finite() && (best - worst).abs() > 0.0;
        if is_one { Ok(Self { worst, best }) } else { Err(wrong()) }
    }

    /// A value of it, from 0, the worst, to 1.
    pub fn share(self, value: f64) -> Result<f64, String> {
        let share = (value - self.worst) / (self.best - self.worst);
        if (0.0..=1.0).contains(&share) {
            return Ok(share);
        }
        Err(format!("{} is not from {} to {}", exact(value), exact(self.worst), exact(self.best)))
    }
}

/// A rating as products write it, from 0 to 1: a number on its scale, yes or no, up or down. A number without a
/// scale is one from 0 to 1.
pub fn rating(value: &Value, scale: Option<RatingScale>) -> Result<f64, String> {
    let number = match value {
        Value::Bool(is_good) => return Ok(f64::from(u8::from(*is_good))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match word(text) {
            Some(score) => return Ok(score),
            None => text.trim().parse().ok(),
        },
        _ => None,
    };
    let number: f64 = number.ok_or_else(|| format!("{} is no rating", short(value)))?;
    match scale {
        Some(scale) => scale.share(number),
        None if (0.0..=1.0).contains(&number) => Ok(number),
        None => {
            let number = exact(number);
            Err(format!("{number} is not from 0 to 1; say its scale, such as `--scale 1..5`"))
        }
    }
}

fn word(text: &str) -> Option<f64> {
    // A thumb of any skin colour, drawn as text or as a picture.
    let is_modifier = |c: char| matches!(c, '\u{1f3fb}'..='\u{1f3ff}' | '\u{fe0e}' | '\u{fe0f}');
    let text = text.trim().to_lowercase().replace(is_modifier, "");
    let good = [
        "up",
        "thumbs_up",
        "thumbs-up",
        "thumbsup",
        "like",
        "liked",
        "good",
        "positive",
        "yes",
        "true",
        "👍",
    ];
    let bad = [
        "down",
        "thumbs_down",
        "thumbs-down",
        "thumbsdown",
        "dislike",
        "disliked",
        "bad",
        "negative",
        "no",
        "false",
        "👎",
    ];
    if good.contains(&text.as_str()) {
        Some(1.0)
    } else if bad.contains(&text.as_str()) {
        Some(0.0)
    } else {
        None
    }
}

/// A value in a message.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ratings_are_read_on_their_scale() {
        let check = |value: Value, scale: Option<&str>, expected: Option<f64>| {
            let scale = scale.map(|scale| RatingScale::parse(scale).expect("a scale"));
            assert_eq!(rating(&value, scale).ok(), expected, "{value}");
        };
        check(json!(true), None, Some(1.0));
        check(json!("down"), None, Some(0.0));
        check(json!(" 👍 "), None, Some(1.0));
        for thumb in ["👍🏻", "👍🏽", "👍🏿", "👍\u{fe0f}"] {
            check(json!(thumb), None, Some(1.0));
        }
        check(json!("👎🏾"), None, Some(0.0));
        check(json!("🏽"), None, None);
        check(json!(0.25), None, Some(0.25));
        check(json!("0.25"), None, Some(0.25));
        check(json!(4), None, None);
        check(json!(4), Some("1..5"), Some(0.75));
        check(json!("1"), Some("1..5"), Some(0.0));
        check(json!(1), Some("5..1"), Some(1.0));
        check(json!(-1), Some("-1..1"), Some(0.0));
        check(json!(6), Some("1..5"), None);
        check(json!([1]), None, None);
        check(json!("soso"), None, None);
    }

    #[test]
    fn no_message_has_three_hundred_digits() {
        for scale in [None, Some(RatingScale { worst: -1e308, best: 1e307 })] {
            let told = rating(&json!(1e308), scale).expect_err("too much");
            assert!(told.contains("1e308") && told.len() < 100, "{told}");
        }
    }

    #[test]
    fn scales_have_two_ends() {
        for wrong in ["", "1", "1..", "1..1", "a..b", "1..inf", "nan..1"] {
            assert!(RatingScale::parse(wrong).is_err(), "{wrong}");
        }
    }
}
