//! What the right answers are: classes, numbers, JSON, letters of options, a few words, or prose.

use std::collections::BTreeMap;

use super::{column_profile::ColumnProfile, column_words::names_classes};

/// Classes at most.
const MOST_CLASSES: u64 = 50;

/// What the right answers of a dataset are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TargetShape {
    /// One of a few classes.
    Classes(Vec<String>),
    /// The letter of an option, of which there are so many.
    Letter(usize),
    /// A number; whether all are whole.
    Number { whole: bool },
    /// JSON objects or lists.
    Json,
    /// A few words.
    ShortText,
    /// Prose; whether its words stand apart.
    Prose { has_words: bool },
}

impl TargetShape {
    /// What a column of right answers holds.
    pub(super) fn of(column: &ColumnProfile) -> Self {
        if column.is_structured() {
            return Self::Json;
        }
        if column.is_numbers() {
            return Self::Number { whole: column.n_integers == column.n_values };
        }
        if let Some(letters) = letters(column) {
            return Self::Letter(letters);
        }
        if let Some(classes) = classes(column) {
            return Self::Classes(classes);
        }
        if column.most_chars <= 60 && column.mean_words() <= 5.0 && !column.has_line_breaks {
            return Self::ShortText;
        }
        // Text without blanks is as long as a sentence and has hardly a word.
        Self::Prose { has_words: column.mean_chars() < 15.0 * column.mean_words() }
    }
}

impl TargetShape {
    /// The same where a question lists up to so many options, more than are ever right.
    pub(super) fn with_options(self, options: usize) -> Self {
        match self {
            Self::Letter(letters) => Self::Letter(letters.max(options.min(26))),
            other => other,
        }
    }
}

/// How many options there are, where right answers are their letters.
fn letters(column: &ColumnProfile) -> Option<usize> {
    let labels = column.all_labels().filter(|_| column.n_lists == 0)?;
    let number = |label: &str| match label.as_bytes() {
        [letter @ b'A'..=b'J'] => Some(usize::from(letter - b'A') + 1),
        _ => None,
    };
    let numbers: Vec<_> = labels.into_iter().map(number).collect::<Option<_>>()?;
    let most = numbers.iter().copied().max()?;
    // A and B alone may be classes as well; they score alike.
    (numbers.len() > 1).then_some(most.max(2))
}

/// The classes, where right answers are few and short and each occurs again.
fn classes(column: &ColumnProfile) -> Option<Vec<String>> {
    let labels = most_used_spellings(column)?;
    let (n, distinct) = (column.n_values, labels.len() as u64);
    let is_short = column.most_chars <= 60 && !column.has_line_breaks;
    let repeats = n >= 3 * distinct;
    let is_named = names_classes(&column.name) && distinct <= (n / 2 + 1).max(2);
    let is_so = is_short && (2..=MOST_CLASSES).contains(&distinct) && (repeats || is_named);
    is_so.then_some(labels)
}

/// Values that differ by case alone are one, spelled as it mostly is.
fn most_used_spellings(column: &ColumnProfile) -> Option<Vec<String>> {
    column.all_labels()?;
    let mut spellings: BTreeMap<String, (&str, u64)> = BTreeMap::new();
    for (label, n) in &column.labels {
        let most = spellings.entry(label.to_lowercase()).or_insert((label, *n));
        if *n > most.1 {
            *most = (label, *n);
        }
    }
    let mut labels: Vec<_> = spellings.into_values().map(|(label, _)| label.to_owned()).collect();
    labels.sort();
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::first_suite::column_profile::DatasetColumns;

    fn shape(name: &str, values: &[&str]) -> TargetShape {
        let rows = values.iter().map(|value| serde_json::json!({ name: value }));
        let columns = DatasetColumns::of_rows(rows);
        TargetShape::of(columns.column(name).expect("the column"))
    }

    #[test]
    fn right_answers_are_told_apart() {
        let classes = TargetShape::Classes(vec!["no".to_owned(), "yes".to_owned()]);
        assert_eq!(shape("answer", &["yes", "no", "yes", "yes", "no", "no"]), classes);
        assert_eq!(shape("label", &["yes", "no"]), classes);
        assert_eq!(shape("label", &["yes", "Yes", "no", "yes", "NO", "no"]), classes);
        assert_eq!(shape("answer", &["Paris", "Rome"]), TargetShape::ShortText);
        assert_eq!(shape("answer", &["A", "D", "B"]), TargetShape::Letter(4));
        assert_eq!(shape("answer", &["1", "20", "3"]), TargetShape::Number { whole: true });
        assert_eq!(shape("answer", &["1.5", "20"]), TargetShape::Number { whole: false });
        assert_eq!(shape("answer", &["1.5", "many"]), TargetShape::ShortText);
        assert_eq!(shape("answer", &["{\"a\": 1}", "{}"]), TargetShape::Json);
        let prose = "Please send it back within thirty days, and we refund what you paid for it.";
        assert_eq!(shape("answer", &[prose]), TargetShape::Prose { has_words: true });
        let chinese = "请在三十天内将商品寄回我们会在收到后的五个工作日内退还您支付的全部款项谢谢您的理解与支持祝您生活愉快再见期待您的下次光临本店铺我们永远为您服务";
        assert_eq!(shape("answer", &[chinese]), TargetShape::Prose { has_words: false });
    }
}
