//! What is wrong with a file that is no YAML, in the words of whoever writes one.

use serde_saphyr::{Error, UserMessageFormatter};

use super::mistake::{Mistake, Position};

/// The mistake that the parser stumbled over.
pub(super) fn mistake(text: &str, error: &Error, position: Position) -> Mistake {
    let error = error.without_snippet();
    let line =
        position.line.checked_sub(1).and_then(|n| text.lines().nth(usize::try_from(n).ok()?));
    let (message, hint) = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("the key `{key}` appears twice here"), Some("keep one of them".to_owned()))
        }
        Error::DuplicateMappingKey { .. } => ("a key appears twice here".to_owned(), None),
        Error::MultipleDocuments { .. } => (
            "the file holds two YAML documents; only one is allowed".to_owned(),
            Some(
                "remove the line `---`, or put the second document into a file of its own"
                    .to_owned(),
            ),
        ),
        Error::UnknownAnchor { .. } => {
            ("an alias (`*name`) names an anchor (`&name`) that does not exist".to_owned(), None)
        }
        Error::NonFiniteFloat { value, .. } => {
            (format!("`{value}` is not a number that a suite can hold"), None)
        }
        Error::Eof { .. } => ("the file ends unexpectedly".to_owned(), None),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            ("the file is too large, too deep, or repeats itself too often".to_owned(), None)
        }
        other => {
            let problem = other.render_with_formatter(&UserMessageFormatter);
            let end =
                problem.find(" at line ").or_else(|| problem.find('\n')).unwrap_or(problem.len());
            in_words(&problem[..end])
        }
    };
    let hint = hint.or_else(|| line.and_then(|line| advice(line, position.column)));
    Mistake { hint, ..Mistake::at(position, message) }
}

/// The parser's words without its way there.
fn in_words(problem: &str) -> (String, Option<String>) {
    if problem.contains("tab") {
        let hint = "indent with spaces, not tabs".to_owned();
        return ("YAML does not allow a tab here".to_owned(), Some(hint));
    }
    if problem.contains("trailing content after") {
        let hint = "a quote within quotes is doubled, or put the text in the other kind of quotes";
        return ("there is text after the closing quote".to_owned(), Some(hint.to_owned()));
    }
    if problem.contains("expected <document start>") {
        let hint = "begin all keys of the suite in the first column";
        return ("the keys do not begin in one column".to_owned(), Some(hint.to_owned()));
    }
    let what = match problem.strip_prefix("while ").and_then(|rest| rest.split_once(", ")) {
        Some((_, what)) => what,
        None => problem,
    };
    (format!("not valid YAML: {what}"), None)
}

/// What is most likely wrong with the line.
fn advice(line: &str, column: u64) -> Option<String> {
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim_start();
    if [": {{", ": {%", "- {{", "- {%"].iter().any(|bare| line.contains(bare)) {
        return Some(
            "quote a template that begins with a brace: `template: \"{{ text }}\"`".to_owned(),
        );
    }
    let there =
        usize::try_from(column).ok().and_then(|column| line.chars().nth(column.checked_sub(1)?));
    if value.starts_with(['%', '@', '`']) || matches!(there, Some('%' | '@' | '`')) {
        return Some("quote a text that begins with this character".to_owned());
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    if indent.contains('\t') {
        return Some("indent with spaces, not tabs".to_owned());
    }
    if value.contains(": ") && !value.starts_with(['"', '\'', '{', '[', '|', '>']) {
        return Some("quote a text that holds a colon and a blank".to_owned());
    }
    if line.contains('\\') && line.contains('"') {
        return Some(
            "in double quotes a backslash is doubled; in single quotes it is not".to_owned(),
        );
    }
    if line.contains("{{") {
        return Some("quote a text that holds braces".to_owned());
    }
    None
}
