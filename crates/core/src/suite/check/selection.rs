//! Checking what a suite selects of its dataset: expressions, shares, and rules for columns.

use regex::RegexBuilder;
use serde_json::Value;

use super::Checker;
use crate::{
    dataset::{Amount, ColumnRule, FileSpec, Sample, Selection, Split},
    expression::Expression,
    suite::raw::{RawColumn, RawDataset, RawSample, RawSplit},
};

/// The largest that a pattern may become when it is compiled.
const MAX_COMPILED: usize = 1 << 20;

impl Checker<'_> {
    /// What the suite selects of the rows of `file`.
    pub(super) fn selection(&mut self, raw: &RawDataset, file: &FileSpec) -> Selection {
        let first = file.rows().ok().and_then(|mut rows| rows.next()).and_then(Result::ok);
        let mut known: Vec<String> =
            first.iter().flat_map(|row| row.keys().cloned()).chain(["item".to_owned()]).collect();
        let mut selection = Selection::default();
        for (name, source) in raw.columns.iter().flatten() {
            let at = format!("/dataset/columns/{}", super::super::document::escape(name));
            if name.trim().is_empty() || known.contains(name) {
                let message = format!("the dataset has a column `{name}` already");
                self.complain(&at, message);
                continue;
            }
            let source = source.as_str().unwrap_or_default();
            // Without a first row, what is wrong is told of the dataset.
            let expression =
                first.as_ref().and_then(|_| self.column_expression(&at, source, &known));
            selection.columns.extend(expression.map(|expression| (name.clone(), expression)));
            known.push(name.clone());
        }
        if let (Some(source), Some(_)) = (&raw.filter, &first) {
            selection.filter = self.column_expression("/dataset/filter", source, &known);
        }
        selection.split = raw.split.as_ref().and_then(|split| self.split(split));
        selection.sample = raw.sample.as_ref().and_then(|sample| self.sample(sample));
        for (column, rule) in raw.schema.iter().flatten() {
            selection.schema.extend(self.column_rule(column, rule));
        }
        let grouped = [
            ("/dataset/split/column", raw.split.as_ref().and_then(|split| split.column.as_ref())),
            ("/dataset/sample/stratify", raw.sample.as_ref().and_then(|one| one.stratify.as_ref())),
        ];
        for (at, column) in grouped.into_iter().filter_map(|(at, column)| Some((at, column?))) {
            let is_known =
                known.contains(column) || first.as_ref().is_none_or(|row| row.find(column).is_ok());
            if !is_known {
                let columns: Vec<_> = known.iter().map(String::as_str).collect();
                let hint = super::suggest(column, &columns, "its columns");
                let message = format!("the dataset has no column `{column}`");
                self.complain_with_hint(at, message, hint);
            }
        }
        selection
    }

    fn column_expression(
        &mut self,
        at: &str,
        source: &str,
        known: &[String],
    ) -> Option<Expression> {
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        match Expression::compile(source, &known) {
            Ok(expression) => Some(expression),
            Err(message) => {
                self.complain(at, message);
                None
            }
        }
    }

    fn split(&mut self, raw: &RawSplit) -> Option<Split> {
        let at = "/dataset/split";
        let take = raw.take.clone().into_vec();
        if take.is_empty() {
            self.complain("/dataset/split/take", "`take` names the part that is used");
            return None;
        }
        match (&raw.column, &raw.parts) {
            (Some(column), None) => {
                if raw.seed.is_some() {
                    let message = "a split by a column needs no `seed`";
                    self.complain("/dataset/split/seed", message);
                }
                Some(Split::Column { column: column.clone(), take })
            }
            (None, Some(parts)) => {
                let share =
                    |value: &Value| value.as_f64().filter(|share| (0.0..=1.0).contains(share));
                let parts: Option<Vec<(String, f64)>> =
                    parts.iter().map(|(name, value)| Some((name.clone(), share(value)?))).collect();
                let sum = parts.iter().flatten().map(|(_, share)| share).sum::<f64>();
                let Some(parts) = parts.filter(|_| (sum - 1.0).abs() < 1e-6) else {
                    let message = "the shares of a split are between 0 and 1, and add up to 1";
                    self.complain("/dataset/split/parts", message);
                    return None;
                };
                let names: Vec<_> = parts.iter().map(|(name, _)| name.as_str()).collect();
                for part in &take {
                    if !names.contains(&part.as_str()) {
                        let hint = super::suggest(part, &names, "there are");
                        let message = format!("the split has no part `{part}`");
                        self.complain_with_hint("/dataset/split/take", message, hint);
                    }
                }
                Some(Split::Parts { parts, take, seed: raw.seed.unwrap_or_default() })
            }
            _ => {
                self.complain(at, "`split` needs exactly one of `column` and `parts`");
                None
            }
        }
    }

    fn sample(&mut self, raw: &RawSample) -> Option<Sample> {
        let amount = match (raw.n, raw.share) {
            (Some(n), None) => Amount::Rows(n),
            (None, Some(share)) if share > 0.0 && share <= 1.0 => Amount::Share(share),
            (None, Some(_)) => {
                let message = "a share is more than 0, and at most 1";
                self.complain("/dataset/sample/share", message);
                return None;
            }
            _ => {
                self.complain("/dataset/sample", "`sample` needs exactly one of `n` and `share`");
                return None;
            }
        };
        let (seed, stratify) = (raw.seed.unwrap_or_default(), raw.stratify.clone());
        Some(Sample { amount, seed, stratify })
    }

    fn column_rule(&mut self, column: &str, raw: &RawColumn) -> Option<ColumnRule> {
        let at = format!("/dataset/schema/{}", super::super::document::escape(column));
        let pattern = raw.pattern.as_ref().map(|pattern| {
            RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build().map_err(|error| {
                let told = error.to_string();
                let last = told.lines().last().unwrap_or_default();
                format!("`{pattern}` is not a pattern: {}", last.trim_start_matches("error: "))
            })
        });
        let pattern = match pattern.transpose() {
            Ok(pattern) => pattern,
            Err(message) => {
                self.complain(&format!("{at}/pattern"), message);
                return None;
            }
        };
        if let (Some(min), Some(max)) = (raw.min, raw.max)
            && min > max
        {
            self.complain(&at, format!("the smallest number ({min}) is larger than the largest"));
        }
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(ColumnRule {
            column: column.to_owned(),
            kind: raw.kind,
            is_required: raw.required,
            values: raw.values.iter().map(text).collect(),
            min: raw.min,
            max: raw.max,
            pattern,
        })
    }
}
