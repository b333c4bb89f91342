//! What the columns of a dataset must hold, and which values do not.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    path::PathBuf,
};

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_missing;
use crate::{
    fields::{Cell, Fields},
    number_format::count,
    suite::nearest,
};

/// How many violations are told one by one.
const TOLD: usize = 20;

/// The longest part of a value that is told, in characters.
const TOLD_CHARACTERS: usize = 60;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColumnType {
    /// Any text.
    Text,
    /// A whole number; in a csv file, a text that is one.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A date, `YYYY-MM-DD`, with or without a time behind it.
    Date,
    /// A list.
    List,
    /// A mapping.
    Object,
}

impl ColumnType {
    fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Date => "a date (YYYY-MM-DD)",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }

    fn fits(self, value: &Value, text: &str) -> bool {
        let is_cell = value.is_string();
        match self {
            Self::Text => is_cell,
            Self::Integer => (is_cell || value.is_number()) && is_integer(text),
            Self::Number => (is_cell || value.is_number()) && number(text).is_some(),
            Self::Boolean => value.is_boolean() || (is_cell && matches!(text, "true" | "false")),
            Self::Date => is_cell && is_date(text),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> Option<f64> {
    let begins_so = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.');
    let number = text.starts_with(begins_so).then(|| text.parse::<f64>().ok())??;
    number.is_finite().then_some(number)
}

fn is_date(text: &str) -> bool {
    let (date, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let parts: Vec<Option<u32>> = date
        .split('-')
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?)
        .collect();
    let [Some(year), Some(month), Some(day)] = parts[..] else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        1..=12 => 31,
        _ => return false,
    };
    let has_time = rest.is_empty() || rest.starts_with(['T', ' ']);
    date.len() == 10 && (1..=days).contains(&day) && has_time
}

/// What a column must hold.
#[derive(Clone, Debug)]
pub(crate) struct ColumnRule {
    pub(crate) column: String,
    pub(crate) kind: Option<ColumnType>,
    pub(crate) is_required: bool,
    pub(crate) values: Vec<String>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) pattern: Option<Regex>,
}

impl ColumnRule {
    /// What is wrong with a row; `None` where nothing is.
    fn check(&self, row: &Fields) -> Result<(), String> {
        let cells = row.find(&self.column).unwrap_or_default();
        if cells.iter().all(|cell| is_missing(cell.value())) {
            return if self.is_required { Err("is missing".to_owned()) } else { Ok(()) };
        }
        cells.iter().filter(|cell| !is_missing(cell.value())).try_for_each(|cell| self.fits(cell))
    }

    fn fits(&self, cell: &Cell<'_>) -> Result<(), String> {
        let text = cell.text()?.unwrap_or_default();
        let shown = || shown(&text);
        if let Some(kind) = self.kind
            && !kind.fits(cell.value(), &text)
        {
            return Err(format!("`{}` is not {}", shown(), kind.words()));
        }
        if !self.values.is_empty() && !self.values.iter().any(|value| *value == text) {
            let near = nearest(&text, self.values.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(format!("`{}` is none of the values there may be{near}", shown()));
        }
        if self.min.is_some() || self.max.is_some() {
            let Some(number) = number(&text) else {
                return Err(format!("`{}` is not a number", shown()));
            };
            if let Some(min) = self.min.filter(|min| number < *min) {
                return Err(format!("{number} is less than {min}"));
            }
            if let Some(max) = self.max.filter(|max| number > *max) {
                return Err(format!("{number} is more than {max}"));
            }
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(&text) => {
                Err(format!("`{}` does not match {pattern}", shown()))
            }
            _ => Ok(()),
        }
    }
}

/// A value as it can be told: on one line, and not too long.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(TOLD_CHARACTERS).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}

/// A value that is not what the schema says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaViolation {
    /// The file.
    pub path: PathBuf,
    /// The row in it, from 1.
    pub row: u64,
    /// The column.
    pub column: String,
    /// What is wrong.
    pub message: String,
}

/// All values that are not what the schema says: the first of them, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SchemaViolations {
    /// The dataset.
    pub path: PathBuf,
    /// The first ones.
    pub first: Vec<SchemaViolation>,
    /// How many there are.
    pub count: u64,
    /// Columns that no row has, with the nearest that there is.
    pub absent: Vec<String>,
}

impl fmt::Display for SchemaViolations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = String::new();
        for absent in &self.absent {
            writeln!(lines, "  {absent}")?;
        }
        for one in &self.first {
            let file = if one.path == self.path {
                String::new()
            } else {
                format!("{}, ", one.path.display())
            };
            writeln!(lines, "  {file}row {}, `{}`: {}", one.row, one.column, one.message)?;
        }
        let more = self.count - self.first.len() as u64;
        if more > 0 {
            writeln!(lines, "  and {} more", count(more))?;
        }
        let n = match self.count {
            0 => "columns are".to_owned(),
            1 => "1 value is".to_owned(),
            n => format!("{} values are", count(n)),
        };
        let lines = lines.trim_end();
        write!(f, "{}: {n} not what `dataset.schema` says\n{lines}", self.path.display())
    }
}

/// Sees every item, and says what is wrong with them all.
pub(crate) struct SchemaCheck<'a> {
    rules: &'a [ColumnRule],
    /// Rules whose column some row has.
    is_there: Vec<bool>,
    known: BTreeSet<String>,
    first: Vec<(u64, String, String)>,
    count: u64,
}

impl<'a> SchemaCheck<'a> {
    pub(crate) fn new(rules: &'a [ColumnRule]) -> Self {
        let (known, first, is_there) = (BTreeSet::new(), Vec::new(), vec![false; rules.len()]);
        Self { rules, is_there, known, first, count: 0 }
    }

    /// Looks at a row, which stands at this place from 1.
    pub(crate) fn see(&mut self, row: u64, fields: &Fields) {
        for (rule, is_there) in self.rules.iter().zip(&mut self.is_there) {
            if !*is_there {
                *is_there = fields.find(&rule.column).is_ok();
                if !*is_there && self.known.len() < TOLD {
                    self.known.extend(fields.keys().cloned());
                }
            }
            let Err(message) = rule.check(fields) else { continue };
            self.count += 1;
            if self.first.len() < TOLD {
                self.first.push((row, rule.column.clone(), message));
            }
        }
    }

    /// All that is wrong; `place` says which file and row a row's place is.
    pub(crate) fn finish(
        self,
        path: PathBuf,
        place: impl Fn(u64) -> (PathBuf, u64),
    ) -> Option<SchemaViolations> {
        let absent: Vec<_> =
            self.rules.iter().zip(&self.is_there).filter(|(_, there)| !**there).collect();
        let absent: Vec<String> = absent
            .into_iter()
            .map(|(rule, _)| {
                let near = nearest(&rule.column, self.known.iter().map(String::as_str));
                let near =
                    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                format!("no row has a column `{}`{near}", rule.column)
            })
            .collect();
        if self.count == 0 && absent.is_empty() {
            return None;
        }
        let violation = |(row, column, message)| {
            let (path, row) = place(row);
            SchemaViolation { path, row, column, message }
        };
        let first = self.first.into_iter().map(violation).collect();
        Some(SchemaViolations { path, first, count: self.count, absent })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(kind: Option<ColumnType>) -> ColumnRule {
        ColumnRule {
            column: "c".to_owned(),
            kind,
            is_required: false,
            values: Vec::new(),
            min: None,
            max: None,
            pattern: None,
        }
    }

    #[track_caller]
    fn check(rule: &ColumnRule, value: Value, expected: Result<(), &str>) {
        let row = Fields::from(serde_json::Map::from_iter([("c".to_owned(), value)]));
        match (rule.check(&row), expected) {
            (Ok(()), Ok(())) => {}
            (Err(told), Err(words)) => assert!(told.contains(words), "{told}"),
            (found, _) => panic!("{row:?}: {found:?}"),
        }
    }

    #[test]
    fn types_are_those_of_values_or_of_what_cells_say() {
        use ColumnType as T;
        let fits = |kind, value: Value| check(&rule(Some(kind)), value, Ok(()));
        let fails = |kind, value: Value| check(&rule(Some(kind)), value, Err("is not"));
        for value in [json!("a"), json!("7"), json!(null), json!("")] {
            fits(T::Text, value);
        }
        fails(T::Text, json!(7));
        for value in [json!(7), json!("-7"), json!("98765432109876543210")] {
            fits(T::Integer, value);
        }
        for value in [json!(7.5), json!("7.0"), json!("-"), json!("1e3"), json!(true), json!([7])] {
            fails(T::Integer, value);
        }
        for value in [json!(7.5), json!("7.0"), json!("-.5"), json!("1e3")] {
            fits(T::Number, value);
        }
        for value in [json!("inf"), json!("NaN"), json!("7,5"), json!("1e999"), json!(false)] {
            fails(T::Number, value);
        }
        for value in [json!(true), json!("false")] {
            fits(T::Boolean, value);
        }
        fails(T::Boolean, json!("yes"));
        for value in [json!("2024-02-29"), json!("2000-02-29T12:00:00Z"), json!("2024-12-31 00:00")]
        {
            fits(T::Date, value);
        }
        for value in [
            json!("2023-02-29"),
            json!("1900-02-29"),
            json!("2024-13-01"),
            json!("2024-2-3"),
            json!("29.2.2024"),
            json!("2024-02-29x"),
            json!("2024-0é-01"),
        ] {
            fails(T::Date, value);
        }
        fits(T::List, json!([1]));
        fails(T::List, json!("[1]"));
        fits(T::Object, json!({"a": 1}));
    }

    #[test]
    fn values_have_their_bounds() {
        let values = ColumnRule { values: vec!["refund".into(), "login".into()], ..rule(None) };
        check(&values, json!("refund"), Ok(()));
        check(&values, json!("refnd"), Err("did you mean `refund`?"));
        check(&values, json!(null), Ok(()));
        let required = ColumnRule { is_required: true, ..rule(None) };
        check(&required, json!(null), Err("is missing"));
        check(&required, json!(""), Err("is missing"));
        let bounds = ColumnRule { min: Some(0.0), max: Some(1.0), ..rule(None) };
        check(&bounds, json!("0.5"), Ok(()));
        check(&bounds, json!(1.5), Err("1.5 is more than 1"));
        check(&bounds, json!("-1"), Err("-1 is less than 0"));
        check(&bounds, json!("high"), Err("`high` is not a number"));
        let pattern = ColumnRule { pattern: Regex::new("^T-[0-9]+$").ok(), ..rule(None) };
        check(&pattern, json!("T-12"), Ok(()));
        check(&pattern, json!("T-\n\u{1b}[31m"), Err("`T-\\n\\u{1b}[31m` does not match"));
    }
}
