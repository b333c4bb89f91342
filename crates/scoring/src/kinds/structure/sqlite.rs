//! SQLite's own grammar, for `sql_valid`.

use bumpalo::Bump;
use fallible_iterator::FallibleIterator;
use sqlite3_parser::lexer::sql::Parser;

/// The longest text that is parsed, in bytes.
pub(super) const MAX_BYTES: usize = 200_000;

/// How many statements a text is, or what is wrong with it.
pub(super) fn count_statements(text: &str) -> Result<usize, String> {
    let arena = Bump::new();
    let statements = Parser::new(&arena, text.as_bytes());
    statements.count().map_err(|error| error.to_string())
}
