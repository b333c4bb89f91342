//! One query, asked in a transaction that can only read.

use std::{net::IpAddr, time::Duration};

use evalmark_core::source::{Snapshot, SourceContext, SourceError};
use evalmark_net::{Secret, Threads, Url, one_line, tls_config};
use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::{Client, Config, Error, NoTls, Socket, tls::MakeTlsConnect, tls::TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Postgres, USUAL_PORT};
use crate::sources::{
    certificates::certificates,
    json_rows::JsonRows,
    snapshots::{Named, Snapshots, advised, failed},
};

/// The longest that a connection may take.
const CONNECT: Duration = Duration::from_secs(20);

/// The longest that the rows may take.
const WHOLE: Duration = Duration::from_hours(1);

impl Postgres {
    /// Asks for the rows, and keeps them if they are those that the suite expects.
    pub(super) fn ask(
        &self,
        snapshots: &Snapshots,
        named: &Named<'_>,
        context: &SourceContext<'_>,
    ) -> Result<Snapshot, SourceError> {
        let server = Url::parse(&self.server()).map_err(|error| failed(error.to_string()))?;
        let password = Secret::new(&context.keys.key(&self.password_env, &server)?);
        let certificates = self.ca_file.as_deref().map(|file| certificates(file, context));
        let certificates = certificates
            .transpose()
            .map_err(|why| failed(format!("cannot be asked: the certificates {why}")))?;
        let threads = Threads::start().map_err(|error| failed(error.to_string()))?;
        let rows = threads.handle().block_on(async {
            let asked = tokio::time::timeout(
                WHOLE,
                self.rows(&password, certificates.as_deref(), snapshots),
            );
            asked.await.unwrap_or_else(|_| Err(failed("the rows took longer than an hour")))
        })?;
        let n_rows = rows.n_rows();
        let snapshot = rows.keep(snapshots, &self.expected, named)?;
        if self.expected.is_empty() {
            let message = format!(
                "has no checksum in the suite; its {n_rows} rows are blake3 {}",
                snapshot.blake3
            );
            let hint = format!("if those are the rows you want, add `blake3: {}`", snapshot.blake3);
            return Err(advised(&message, &hint));
        }
        let note =
            format!("fetched {n_rows} rows; they are kept in {}", snapshots.folder().display());
        Ok(Snapshot { note: Some(note), ..snapshot })
    }

    async fn rows(
        &self,
        password: &Secret,
        certificates: Option<&[u8]>,
        snapshots: &Snapshots,
    ) -> Result<JsonRows, SourceError> {
        let mut config = Config::new();
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        config
            .host(host)
            .port(self.url.port().unwrap_or(USUAL_PORT))
            .user(&self.user)
            .dbname(&self.database)
            .password(password.expose())
            .connect_timeout(CONNECT)
            .application_name("evalmark")
            .options("-c default_transaction_read_only=on");
        if is_this_machine(host) && certificates.is_none() {
            config.ssl_mode(tokio_postgres::config::SslMode::Disable);
            return self
                .read(&connected(&config, NoTls, password).await?, password, snapshots)
                .await;
        }
        let tls = tls_config(certificates).map_err(|error| {
            failed(match &self.ca_file {
                Some(file) => format!("cannot be asked: the certificates of {file} {error}"),
                None => format!("cannot be asked: {error}"),
            })
        })?;
        config.ssl_mode(tokio_postgres::config::SslMode::Require);
        let client = connected(&config, MakeRustlsConnect::new(tls), password).await?;
        self.read(&client, password, snapshots).await
    }

    /// Reads all rows, each as PostgreSQL writes it as JSON.
    async fn read(
        &self,
        client: &Client,
        password: &Secret,
        snapshots: &Snapshots,
    ) -> Result<JsonRows, SourceError> {
        let wrong =
            |error: &Error| failed(format!("the query fails: {}", in_words(error, password)));
        client.batch_execute("BEGIN READ ONLY").await.map_err(|error| wrong(&error))?;
        // Asked for alone, so that a mistake is told at its place in the suite's own text.
        let own = client.prepare(&self.query).await.map_err(|error| wrong(&error))?;
        let columns: Vec<String> =
            own.columns().iter().map(|column| column.name().to_owned()).collect();
        if columns.is_empty() {
            return Err(advised("the query gives no columns", "write one `SELECT`"));
        }
        let mut kept = JsonRows::receive(snapshots, columns)?;
        let query = format!(
            "SELECT row_to_json(row_of_query)::text FROM (\n{}\n) AS row_of_query",
            self.query
        );
        let none: [&str; 0] = [];
        let rows = client.query_raw(&query, none).await.map_err(|error| wrong(&error))?;
        pin_mut!(rows);
        loop {
            match rows.try_next().await {
                Ok(Some(row)) => {
                    let text: &str = row.try_get(0).map_err(|error| wrong(&error))?;
                    kept.push_line(text)?;
                }
                Ok(None) => return Ok(kept),
                Err(error) => {
                    let place = format!("row {}", kept.n_rows() + 1);
                    return Err(failed(format!("{place}: {}", in_words(&error, password))));
                }
            }
        }
    }
}

/// A connection, whose work goes on beside the questions.
async fn connected<T>(config: &Config, tls: T, password: &Secret) -> Result<Client, SourceError>
where
    T: MakeTlsConnect<Socket> + Send,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let connected = config.connect(tls).await;
    let (client, connection) = connected
        .map_err(|error| failed(format!("cannot be asked: {}", in_words(&error, password))))?;
    tokio::spawn(connection);
    Ok(client)
}

/// Whether a host is this machine: what is sent there does not leave it.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What the server or the connection says, in one line and without the password.
fn in_words(error: &Error, password: &Secret) -> String {
    let mut said = match error.as_db_error() {
        Some(told) => {
            let hint = told.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{}: {}{hint}", told.code().code(), told.message())
        }
        None => error.to_string(),
    };
    let mut cause = std::error::Error::source(error).filter(|_| error.as_db_error().is_none());
    while let Some(why) = cause {
        said = format!("{said}: {why}");
        cause = why.source();
    }
    one_line(&password.redact(&said))
}
