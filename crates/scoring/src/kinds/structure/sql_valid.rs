//! `sql_valid`: the answer is SQL.

use std::{sync::Arc, thread};

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlparser::{
    dialect::{self, Dialect},
    parser::{Parser, ParserError},
    tokenizer::Tokenizer,
};

use super::{
    document::{document, valid_or},
    sql_gaps, sqlite,
};
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// What blocks of SQL are labelled with.
const LANGUAGES: &[&str] = &[
    "sql",
    "sqlite",
    "sqlite3",
    "mysql",
    "mariadb",
    "postgresql",
    "postgres",
    "pgsql",
    "plpgsql",
    "psql",
    "tsql",
    "mssql",
    "plsql",
    "oracle",
    "bigquery",
    "snowflake",
    "duckdb",
    "clickhouse",
    "hive",
    "spark",
    "sparksql",
    "redshift",
    "databricks",
];

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
    /// The SQL may stand in a block of code, with text around it: the last one that is labelled so, or
    /// the only one that is not labelled otherwise.
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

impl MetricDefinition for SqlValid {
    const ABOUT: About = About {
        name: "sql_valid",
        summary: "The answer parses as one or more SQL statements; tables and columns are not looked up.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "For `sqlite` SQLite's own grammar, by crate `sqlite3-parser`, up to 200,000 bytes; for the others crate `sqlparser`: beyond 50 levels or 20,000 tokens there is no score, nor for statements of MySQL and PostgreSQL with what that crate is known to lack (`OPTIMIZE TABLE`, `WITH ROLLUP`, `REFRESH MATERIALIZED VIEW`, `DO $$…$$` and the like).",
    };
    type Params = Params;

    fn compile(Params { dialect, single, fence }: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { dialect, single, fence })))
    }
}

impl Measure for SqlValid {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let text = match document(subject, self.fence, LANGUAGES) {
            Ok(text) => text,
            Err(reason) => return valid_or(Some(reason)),
        };
        // The parse gets a stack of its own: how deep it goes is the answer's to say.
        let parsed = thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            let thread = thread.spawn_scoped(scope, || self.dialect.count_statements(text));
            thread.map(thread::ScopedJoinHandle::join)
        });
        match parsed {
            Ok(Ok(Parsed::Statements(0))) => valid_or(Some("no statement".to_owned())),
            Ok(Ok(Parsed::Statements(n))) if self.single && n > 1 => {
                valid_or(Some(format!("{n} statements")))
            }
            Ok(Ok(Parsed::Statements(_))) => valid_or(None),
            Ok(Ok(Parsed::Mistake(error))) => valid_or(Some(error.chars().take(200).collect())),
            Ok(Ok(Parsed::Unknown(reason))) => Measurement::Missing(reason),
            Ok(Err(_)) => Measurement::Missing("the parser failed on this SQL".to_owned()),
            Err(error) => Measurement::Missing(format!("the SQL cannot be parsed here: {error}")),
        }
    }
}

/// What a parser says of a text.
enum Parsed {
    Statements(usize),
    /// It is no SQL.
    Mistake(String),
    /// The parser cannot tell.
    Unknown(String),
}

impl Name {
    fn count_statements(self, text: &str) -> Parsed {
        let too_long = || Parsed::Unknown("the SQL is too deep or too long to check".to_owned());
        if matches!(self, Self::Sqlite) {
            return match text.len() {
                0..=sqlite::MAX_BYTES => {
                    sqlite::count_statements(text).map_or_else(Parsed::Mistake, Parsed::Statements)
                }
                _ => too_long(),
            };
        }
        let gap = match self {
            Self::MySql => sql_gaps::of_mysql,
            Self::Postgres => sql_gaps::of_postgres,
            _ => |_: &str| None,
        };
        match count_statements(text, &*self.of_parser()) {
            Ok(n) => Parsed::Statements(n),
            Err(ParserError::RecursionLimitExceeded) => too_long(),
            Err(error) => match gap(text) {
                Some(gap) => Parsed::Unknown(format!("the parser does not know all of `{gap}`")),
                None => Parsed::Mistake(error.to_string()),
            },
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
