//! `sqlite`: the rows of a query over a SQLite database of this machine.

use std::{path::Path, sync::mpsc, thread, time::Duration};

use evalmark_core::{
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use rusqlite::{Connection, Error, OpenFlags, Row, Statement, types::ValueRef};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::{
    checksum::Checksum,
    definition::{About, DefineSource},
    json_rows::{JsonRows, ROWS},
    snapshots::{Named, Snapshots, advised, failed},
};

/// The longest that a query may take.
const LONGEST_QUERY: Duration = Duration::from_mins(30);

/// Parameters of `sqlite`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The database, relative to the suite file.
    path: String,
    /// One `SELECT`; its columns are the dataset's. Without `ORDER BY`, the order of rows is SQLite's.
    query: String,
    /// SHA-256 of the rows as JSON Lines. With it, other rows than those that the suite's author saw
    /// are an error, which tells the checksum of the new ones.
    #[serde(default)]
    sha256: Option<String>,
    /// BLAKE3 of the same.
    #[serde(default)]
    blake3: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Sqlite {
    path: String,
    query: String,
    expected: Vec<Checksum>,
}

impl DefineSource for Sqlite {
    const ABOUT: About = About {
        name: "sqlite",
        summary: "The rows of a query over a SQLite database of this machine.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        if params.query.trim().is_empty() {
            let message = "`query` is empty".to_owned();
            return Err(ParamError { pointer: "/query".to_owned(), message });
        }
        let expected = Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?;
        Ok(Self { path: params.path, query: params.query, expected })
    }

    fn origin(&self) -> String {
        self.path.clone()
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let path = context.folder.join(&self.path);
        // Whether the suite may read it; SQLite opens it itself.
        drop(context.access.open(&path).map_err(|error| failed(error.to_string()))?);
        let snapshots = Snapshots::open(context.cache_dir)?;
        let database = read_only(&path).map_err(|error| failed(in_words(&error)))?;
        let rows = within_time(&database, || self.rows(&database, &snapshots))?;
        let origin = path.display().to_string();
        let named = Named { name: ROWS, origin, server: None, variables: &[] };
        rows.keep(&snapshots, &self.expected, &named)
    }
}

impl Sqlite {
    fn rows(&self, database: &Connection, snapshots: &Snapshots) -> Result<JsonRows, SourceError> {
        let wrong = |error: &Error| failed(format!("the query {}", in_words(error)));
        let mut query = database.prepare(&self.query).map_err(|error| wrong(&error))?;
        check_is_query(&query)?;
        let columns: Vec<String> = query.column_names().map(str::to_owned).collect();
        let n_columns = columns.len();
        let mut kept = JsonRows::receive(snapshots, columns)?;
        let mut rows = query.query([]).map_err(|error| wrong(&error))?;
        loop {
            match rows.next() {
                Ok(Some(row)) => kept.push((0..n_columns).map(|at| cell(row, at)))?,
                Ok(None) => return Ok(kept),
                Err(error) => {
                    let place = format!("row {}", kept.n_rows() + 1);
                    return Err(failed(format!("{place}: the query {}", in_words(&error))));
                }
            }
        }
    }
}

/// Opens a database that nothing is written to; one that another program writes is read as of one
/// moment.
fn read_only(path: &Path) -> Result<Connection, Error> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.pragma_update(None, "query_only", true)?;
    // Functions of the schema, which came with the file, may do nothing but compute.
    database.pragma_update(None, "trusted_schema", false)?;
    Ok(database)
}

/// A suite reads: it neither changes a database nor opens another one.
fn check_is_query(query: &Statement<'_>) -> Result<(), SourceError> {
    if query.column_count() > 0 && query.readonly() {
        return Ok(());
    }
    Err(advised("the query is not a `SELECT`", "a suite can only read: write one `SELECT`"))
}

/// Does `work` with a database, and interrupts it where it takes too long.
fn within_time<T>(
    database: &Connection,
    work: impl FnOnce() -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    let handle = database.get_interrupt_handle();
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(LONGEST_QUERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// A cell as JSON.
fn cell(row: &Row<'_>, at: usize) -> Result<Value, String> {
    match row.get_ref(at).map_err(|error| error.to_string())? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(number.into()),
        ValueRef::Real(number) => Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("{number} is not a number that JSON has")),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err("the text is not UTF-8".to_owned()),
        },
        ValueRef::Blob(_) => Err("is bytes; select a text, such as `hex(column)`".to_owned()),
    }
}

/// What SQLite says.
fn in_words(error: &Error) -> String {
    match error {
        Error::SqliteFailure(code, _) if code.code == rusqlite::ErrorCode::NotADatabase => {
            "cannot be read: it is not a SQLite database".to_owned()
        }
        Error::SqliteFailure(code, _) if code.code == rusqlite::ErrorCode::OperationInterrupted => {
            format!("took longer than {} minutes", LONGEST_QUERY.as_secs() / 60)
        }
        Error::SqliteFailure(code, _) if code.code == rusqlite::ErrorCode::DatabaseBusy => {
            "cannot be answered: database is locked; another program writes it: try again when it has ended"
                .to_owned()
        }
        Error::MultipleStatement => "is more than one statement".to_owned(),
        error => format!("cannot be answered: {error}"),
    }
}
