//! `sql_valid`: the answer is SQL.

use std::{sync::Arc, thread};

use evalmark_core::metric::{Complaint, Direction, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlparser::{
    dialect::{self, Dialect},
    parser::{Parser, ParserError},
    tokenizer::Tokenizer,
};

use super::document::{document, valid_or};
use crate::{
    kind::{About, Define, Finding, Measure, Work},
    subject::Subject,
};

/// The most tokens that are parsed. A chain of operators becomes a tree as deep as it is long, and
/// to take down a tree needs stack by its depth.
const MAX_TOKENS: usize = 20_000;

/// Stack for a parse: several times what the deepest tree of so many tokens was seen to need.
const STACK_BYTES: usize = 128 << 20;

/// How deep parentheses and queries may be nested.
const MAX_NESTING: usize = 50;

/// Parameters of `sql_valid`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Whose SQL.
    #[serde(default)]
    dialect: Name,
    /// There must be one statement and no more.
    #[serde(default)]
    single: bool,
    /// The SQL may stand in a block of code, with text around it, if there is but one block.
    #[serde(default)]
    fence: bool,
}

/// Whose SQL.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Name {
    /// The forgiving one: what any of the dialects below allows, as far as they do not conflict.
    #[default]
    Generic,
    /// The standard's.
    Ansi,
    /// `BigQuery`'s.
    BigQuery,
    /// `ClickHouse`'s.
    ClickHouse,
    /// `Databricks`'.
    Databricks,
    /// `DuckDB`'s.
    DuckDb,
    /// `Hive`'s.
    Hive,
    /// Microsoft SQL Server's.
    MsSql,
    /// `MySQL`'s and `MariaDB`'s.
    MySql,
    /// `Oracle`'s.
    Oracle,
    /// `PostgreSQL`'s.
    Postgres,
    /// `Redshift`'s.
    Redshift,
    /// `Snowflake`'s.
    Snowflake,
    /// `SQLite`'s.
    Sqlite,
}

#[derive(Debug)]
pub(crate) struct SqlValid {
    dialect: Name,
    single: bool,
    fence: bool,
}

impl Define for SqlValid {
    const ABOUT: About = About {
        name: "sql_valid",
        summary: "The answer parses as one or more SQL statements; tables and columns are not looked up.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Crate `sqlparser`; beyond 50 levels or 20,000 tokens there is no score.",
    };
    type Params = Params;

    fn compile(Params { dialect, single, fence }: Params) -> Result<Work, Complaint> {
        Ok(Work::Text(Arc::new(Self { dialect, single, fence })))
    }
}

impl Measure for SqlValid {
    fn measure(&self, Subject { answer, .. }: Subject<'_>) -> Finding {
        let text = match document(answer, self.fence) {
            Ok(text) => text,
            Err(reason) => return valid_or(Some(reason)),
        };
        // The parse gets a stack of its own: how deep it goes is the answer's to say.
        let parsed = thread::scope(|scope| {
            let parse = || count_statements(text, &*self.dialect.of_parser());
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, parse).map(thread::ScopedJoinHandle::join)
        });
        match parsed {
            Ok(Ok(Ok(0))) => valid_or(Some("no statement".to_owned())),
            Ok(Ok(Ok(n))) if self.single && n > 1 => valid_or(Some(format!("{n} statements"))),
            Ok(Ok(Ok(_))) => valid_or(None),
            Ok(Ok(Err(ParserError::RecursionLimitExceeded))) => {
                Finding::Missing("the SQL is too deep or too long to check".to_owned())
            }
            Ok(Ok(Err(error))) => valid_or(Some(error.to_string().chars().take(200).collect())),
            Ok(Err(_)) => Finding::Missing("the parser failed on this SQL".to_owned()),
            Err(error) => Finding::Missing(format!("the SQL cannot be parsed here: {error}")),
        }
    }
}

fn count_statements(text: &str, dialect: &dyn Dialect) -> Result<usize, ParserError> {
    let tokens = Tokenizer::new(dialect, text).tokenize_with_location()?;
    if tokens.len() > MAX_TOKENS {
        return Err(ParserError::RecursionLimitExceeded);
    }
    let parser = Parser::new(dialect).with_recursion_limit(MAX_NESTING);
    let statements = parser.with_tokens_with_locations(tokens).parse_statements()?;
    Ok(statements.len())
}

impl Name {
    fn of_parser(self) -> Box<dyn Dialect> {
        match self {
            Self::Generic => Box::new(dialect::GenericDialect {}),
            Self::Ansi => Box::new(dialect::AnsiDialect {}),
            Self::BigQuery => Box::new(dialect::BigQueryDialect {}),
            Self::ClickHouse => Box::new(dialect::ClickHouseDialect {}),
            Self::Databricks => Box::new(dialect::DatabricksDialect {}),
            Self::DuckDb => Box::new(dialect::DuckDbDialect {}),
            Self::Hive => Box::new(dialect::HiveDialect {}),
            Self::MsSql => Box::new(dialect::MsSqlDialect {}),
            Self::MySql => Box::new(dialect::MySqlDialect {}),
            Self::Oracle => Box::new(dialect::OracleDialect {}),
            Self::Postgres => Box::new(dialect::PostgreSqlDialect {}),
            Self::Redshift => Box::new(dialect::RedshiftSqlDialect {}),
            Self::Snowflake => Box::new(dialect::SnowflakeDialect {}),
            Self::Sqlite => Box::new(dialect::SQLiteDialect {}),
        }
    }
}
