//! What to write for a column whose name is not one word.

use super::numbers::blocks;
use crate::fields::Fields;

/// The way to write a column of any name.
fn spelled(column: &str) -> String {
    let quote = if column.contains('\'') { '"' } else { '\'' };
    format!("{{{{ item[{quote}{column}{quote}] }}}}")
}

/// Whether a template brings in other files, whose variables are not known here.
pub(super) fn takes_in_files(source: &str) -> bool {
    blocks(source).any(|block| {
        let word = block.split_whitespace().next().unwrap_or_default();
        matches!(word, "include" | "import" | "from" | "extends")
    })
}

/// Whether a column stands in an expression: what is sliced is none of a template's variables.
pub(super) fn names(source: &str, column: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    blocks(source).any(|block| {
        block.match_indices(column).any(|(at, _)| {
            !block[..at].ends_with(is_letter) && !block[at + column.len()..].starts_with(is_letter)
        })
    })
}

/// What to write where a template is none because a column's name stands in it as it is.
pub(super) fn of_syntax(source: &str) -> Option<String> {
    let name = blocks(source).map(str::trim).find(|name| looks_like_a_column(name))?;
    Some(format!("if `{name}` is a column, write `{}`", spelled(name)))
}

/// Several words, or characters that no variable has; nothing that only Jinja has.
fn looks_like_a_column(name: &str) -> bool {
    let is_jinja = name.contains(['|', '\'', '"', '[', '{', '}', '=', '<', '>', '~', '*', '%']);
    let keyword = name.split_whitespace().next().unwrap_or_default();
    let is_statement = matches!(
        keyword,
        "if" | "elif"
            | "else"
            | "endif"
            | "for"
            | "endfor"
            | "set"
            | "include"
            | "import"
            | "from"
            | "extends"
            | "block"
            | "endblock"
            | "macro"
            | "endmacro"
            | "raw"
            | "endraw"
            | "filter"
            | "endfilter"
            | "with"
            | "endwith"
            | "call"
            | "endcall"
            | "do"
            | "not"
    );
    !name.is_empty() && !is_jinja && !is_statement && !is_variable(name)
}

/// Whether a template can name this as a variable.
fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_numeric())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

/// What to write where a template does not render for a row that has the column it means.
pub(super) fn of_row(source: &str, fields: &Fields) -> Option<String> {
    let meant = blocks(source)
        .map(str::trim)
        .find(|name| fields.contains_key(name) && (!is_variable(name) || name.contains('.')));
    if let Some(name) = meant {
        return Some(format!("the column `{name}` is written `{}`", spelled(name)));
    }
    let names_item = blocks(source).any(|block| block.contains("item[") || block.contains("item."));
    (names_item && fields.contains_key("item"))
        .then(|| "`item` is a column of this dataset, and hides the row; rename it".to_owned())
}
