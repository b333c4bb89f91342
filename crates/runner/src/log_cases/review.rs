//! The review file: a row a record, with the columns of the suite's dataset, in which people fill in the right
//! answer, and columns that begin with `log_`, which say where it comes from. Written and read back.
//!
//! Texts of production are hostile: in a CSV file, cells that a spreadsheet would compute begin with a quote, which
//! is taken off again when the file is read back. A text that begins with quotes before such a character gets
//! one more, and what would act on a screen is written by its number, so that every text comes back as it was.

use evalmark_core::fields::Fields;
use evalmark_report::spreadsheet::{
    MOST_UNITS, begins_formula, clipped, escaped, unescaped, units,
};
use serde_json::{Map, Value};

use super::error::LogCasesError;

/// Whether a row becomes an item: empty means yes.
pub(super) const KEEP: &str = "log_keep";
/// Why the record was taken.
pub(super) const WHY: &str = "log_why";
/// What production answered.
pub(super) const ANSWER: &str = "log_answer";
/// The scores of that, by metric.
pub(super) const SCORES: &str = "log_scores";
/// The record's id in the logs.
pub(super) const ID: &str = "log_id";
/// When it was answered.
pub(super) const TIME: &str = "log_time";
/// The prompt that was served.
pub(super) const PROMPT: &str = "log_prompt";
/// Its hash.
pub(super) const PROMPT_HASH: &str = "log_prompt_hash";
/// The releases that had it.
pub(super) const RELEASE: &str = "log_release";
/// The model that was served.
pub(super) const MODEL: &str = "log_model";

/// The columns of the review file's own.
pub(super) const OWN: [&str; 10] =
    [KEEP, WHY, ANSWER, SCORES, ID, TIME, PROMPT, PROMPT_HASH, RELEASE, MODEL];

/// A suite's column that has one of these names.
pub(super) fn taken<'a>(
    columns: impl IntoIterator<Item = &'a String>,
) -> Result<(), LogCasesError> {
    let taken = columns.into_iter().find(|column| OWN.contains(&column.as_str()));
    taken.map_or(Ok(()), |column| Err(LogCasesError::Column(column.clone())))
}

/// A row with the cells that a spreadsheet would compute quoted, and what acts in them shown.
pub(super) fn guarded(row: Map<String, Value>) -> Map<String, Value> {
    let guard = |(name, value): (String, Value)| match value {
        Value::String(text) => {
            // What nobody reads back is made to fit.
            let text = if OWN.contains(&name.as_str()) { clipped(&text) } else { text };
            let text = escaped(&text);
            let is_computed = begins_formula(text.trim_start_matches('\''));
            (name, if is_computed { format!("'{text}") } else { text }.into())
        }
        Value::Array(_) | Value::Object(_) => (name, value.to_string().into()),
        other => (name, other),
    };
    row.into_iter().map(guard).collect()
}

/// A cell of a CSV file, as it was before it was [`guarded`].
pub(super) fn unguarded(text: &str) -> String {
    unescaped(match text.strip_prefix('\'') {
        Some(rest) if begins_formula(rest.trim_start_matches('\'')) => rest,
        _ => text,
    })
}

/// The columns of a row whose texts are longer than a cell of a spreadsheet.
pub(super) fn too_long(row: &Fields) -> impl Iterator<Item = &String> {
    let long = |(_, value): &(&String, &Value)| {
        value.as_str().is_some_and(|text| text.len() > MOST_UNITS && units(text) > MOST_UNITS)
    };
    row.iter().filter(long).map(|(name, _)| name)
}

/// Whether a cell has exactly as much as a spreadsheet leaves of one that is too long.
pub(super) fn is_cut(text: &str) -> bool {
    text.len() >= MOST_UNITS && units(text) == MOST_UNITS
}

/// Whether a row is to be an item.
pub(super) fn is_kept(row: &Fields) -> Result<bool, String> {
    let said = text_of(row, KEEP)?.trim().to_lowercase();
    match said.as_str() {
        "" | "yes" | "y" | "true" | "1" | "x" | "keep" => Ok(true),
        "no" | "n" | "false" | "0" | "drop" => Ok(false),
        other => Err(format!("`{KEEP}` is `{other}`; write yes or no")),
    }
}

/// The text of a column; empty where there is none.
pub(super) fn text_of(row: &Fields, column: &str) -> Result<String, String> {
    let Some(cell) = row.cell(column) else { return Ok(String::new()) };
    let text = cell.text().map_err(|problem| format!("`{column}` {problem}"))?;
    Ok(text.unwrap_or_default().into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_comes_back_and_none_is_computed() {
        let texts = [
            "=1+1",
            "+49 30 1234",
            "-5",
            "@SUM(A1)",
            "\t=x",
            "'=1",
            "''+1",
            "'quoted'",
            "plain",
            "",
            "'",
            "5",
            "  =1",
            "\u{1b}[31mred",
            "a\0b",
            "\r=1",
            "\\u{1b}",
            "two\r\nlines\tand a tab",
        ];
        for text in texts {
            let row = guarded(Map::from_iter([("a".to_owned(), json!(text))]));
            let written = row["a"].as_str().expect("a text");
            assert!(!begins_formula(written), "{text}");
            assert!(!written.contains(['\0', '\u{1b}']), "{text}");
            assert_eq!(unguarded(written), text);
        }
        let row = guarded(Map::from_iter([("a".to_owned(), json!(-5))]));
        assert_eq!(row["a"], json!(-5));
    }

    /// Excel cuts a cell at 32,767: what is read back is made to fit, or told.
    #[test]
    fn long_texts_are_cut_where_nobody_reads_them_back_and_else_told() {
        let long = "x".repeat(40_000);
        let texts = [("text", &long), (ANSWER, &long)];
        let row =
            guarded(texts.map(|(name, text)| (name.to_owned(), json!(text))).into_iter().collect());
        assert_eq!(row["text"], json!(long));
        assert!(row[ANSWER].as_str().is_some_and(|text| text.ends_with('…')));
        assert_eq!(too_long(&Fields::from(row)).collect::<Vec<_>>(), ["text"]);
        assert!(is_cut(&long[..32_767]) && !is_cut(&long) && !is_cut("x"));
    }

    #[test]
    fn whether_a_row_is_kept_is_yes_or_no() {
        let check = |said: Value, expected: Option<bool>| {
            let row = Fields::from(Map::from_iter([(KEEP.to_owned(), said.clone())]));
            assert_eq!(is_kept(&row).ok(), expected, "{said}");
        };
        check(json!(""), Some(true));
        check(json!(null), Some(true));
        check(json!(" YES "), Some(true));
        check(json!(true), Some(true));
        check(json!("no"), Some(false));
        check(json!(0), Some(false));
        check(json!("perhaps"), None);
        assert_eq!(is_kept(&Fields::from(Map::new())), Ok(true));
    }
}
