//! `postgres`: the rows of a query over a PostgreSQL database, known by their checksum.

#[cfg(feature = "postgres")]
mod query;

use evalmark_core::{
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checksum::Checksum,
    definition::{About, DefineSource},
    json_rows::ROWS,
    snapshots::{Named, Snapshots, advised},
};

/// Where PostgreSQL listens, where nothing else is said.
const USUAL_PORT: u16 = 5432;

/// Parameters of `postgres`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The database: `postgres://USER@HOST:PORT/DATABASE`, without a password. Other machines are asked
    /// over TLS.
    url: String,
    /// The name of the environment variable with the user's password.
    #[serde(default = "usual_variable")]
    password_env: String,
    /// One `SELECT`, with an `ORDER BY`; its columns are the dataset's.
    query: String,
    /// SHA-256 of the rows as JSON Lines. One of `sha256` and `blake3` is needed, and
    /// `evalmark check --fetch` tells it.
    #[serde(default)]
    sha256: Option<String>,
    /// BLAKE3 of the same.
    #[serde(default)]
    blake3: Option<String>,
    /// PEM file, relative to the suite file, with certificates that the server's may be signed by,
    /// besides the system's.
    #[serde(default)]
    ca_file: Option<String>,
}

fn usual_variable() -> String {
    "PGPASSWORD".to_owned()
}

/// A checked query.
#[derive(Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "this build asks no database"))]
pub(crate) struct Postgres {
    url: Url,
    user: String,
    database: String,
    password_env: String,
    query: String,
    expected: Vec<Checksum>,
    ca_file: Option<String>,
}

impl DefineSource for Postgres {
    const ABOUT: About = About {
        name: "postgres",
        summary: "The rows of a query over a PostgreSQL database, known by their checksum.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |pointer: &str, message: &str| {
            Err(ParamError { pointer: pointer.to_owned(), message: message.to_owned() })
        };
        let Ok(url) = Url::parse(&params.url) else {
            return wrong("/url", "`url` is not an address: `postgres://USER@HOST:PORT/DATABASE`");
        };
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return wrong("/url", "`url` must begin with `postgres://`");
        }
        if url.password().is_some() {
            return wrong("/url", "`url` holds a password; name its variable in `password_env`");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("/url", "`url` has parameters, which are not read: leave them out");
        }
        let (user, database) =
            (decoded(url.username()), decoded(&url.path()[url.path().len().min(1)..]));
        let (Some(user), Some(database), Some(_)) = (user, database, url.host_str()) else {
            return wrong(
                "/url",
                "`url` needs a user, a host and a database: `postgres://USER@HOST/DATABASE`",
            );
        };
        if params.password_env.trim().is_empty() {
            return wrong("/password_env", "`password_env` is empty");
        }
        let query = params.query.trim().trim_end_matches(';').trim_end().to_owned();
        if query.is_empty() {
            return wrong("/query", "`query` is empty");
        }
        let expected = Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?;
        let (password_env, ca_file) = (params.password_env, params.ca_file);
        Ok(Self { url, user, database, password_env, query, expected, ca_file })
    }

    fn origin(&self) -> String {
        format!("{}/{}", self.server(), self.database)
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let snapshots = Snapshots::open(context.cache_dir)?;
        let variables = [self.password_env.clone()];
        let named = Named {
            name: ROWS,
            origin: self.origin(),
            server: Some(self.server()),
            variables: &variables,
        };
        if let Some(snapshot) = snapshots.find(&self.expected, &named) {
            return Ok(snapshot);
        }
        if !context.may_fetch && !self.expected.is_empty() {
            return Err(SourceError::NotHere);
        }
        if !context.may_fetch {
            let hint = "`evalmark check --fetch SUITE` asks for the rows and prints their checksum";
            return Err(advised("has no checksum in the suite", hint));
        }
        #[cfg(feature = "postgres")]
        return self.ask(&snapshots, &named, context);
        #[cfg(not(feature = "postgres"))]
        Err(not_built())
    }
}

impl Postgres {
    /// The server, without user and database.
    fn server(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("postgres://{host}:{}", self.url.port().unwrap_or(USUAL_PORT))
    }
}

/// What a program says that was built without the feature.
#[cfg(not(feature = "postgres"))]
fn not_built() -> SourceError {
    let hint = "build one that can: `cargo install --path crates/cli --features postgres`";
    advised("cannot be asked: this evalmark was built without PostgreSQL", hint)
}

/// A part of an address as what it stands for; `None` where it is empty, or is no text.
fn decoded(part: &str) -> Option<String> {
    let text = percent_encoding::percent_decode_str(part).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}
