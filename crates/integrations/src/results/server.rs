//! Results that a tool's server has: which server, whose keys, and what goes wrong with it.

use std::fmt;

use evalmark_core::source::{NoKeys, SourceError, SourceKeys};
use evalmark_net::{Secret, Url};

use super::error::ResultsError;
use crate::services::rest::{Login, RestError, RestServer, server_address, shown};

/// Where a tool's server is looked for.
#[derive(Clone, Copy, Debug)]
pub struct ToolServer {
    /// Environment variables with its address, the first that is set counts.
    pub variables: &'static [&'static str],
    /// Its address, where nobody names one.
    pub usual: Option<&'static str>,
}

/// A tool's server, as the user names it.
#[derive(Clone, Copy)]
pub struct ResultsServer<'a> {
    /// Its address.
    pub address: Option<&'a str>,
    /// Where its keys come from.
    pub keys: &'a dyn SourceKeys,
}

impl Default for ResultsServer<'_> {
    fn default() -> Self {
        Self { address: None, keys: &NoKeys }
    }
}

impl fmt::Debug for ResultsServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultsServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ResultsServer<'_> {
    /// The address that the user names.
    pub(super) fn address(&self, what: &str, advice: &str) -> Result<Url, ResultsError> {
        let Some(address) = self.address else {
            let message = "is no file, and no server is named that may have it";
            return Err(ResultsError::of_file(what, message).hint(advice));
        };
        server_address(address).map_err(|why| {
            let message = format!("cannot be asked for: the server's address {why}");
            ResultsError::of_file(what, message).hint(advice)
        })
    }

    /// A key; `None` where it is not set.
    pub(super) fn key(&self, variable: &str, server: &Url) -> Result<Option<Secret>, ResultsError> {
        if !self.keys.is_set(variable) {
            return Ok(None);
        }
        match self.keys.key(variable, server) {
            Ok(key) => Ok(Some(Secret::new(key.trim()))),
            Err(error) => Err(refused(&error, server)),
        }
    }

    /// The server at this address.
    pub(super) fn open(server: &Url, login: Login) -> Result<RestServer, ResultsError> {
        let opened = RestServer::open(server, login, None);
        opened.map_err(|error| of_server(&shown(server), "", &error, ""))
    }
}

fn refused(error: &SourceError, server: &Url) -> ResultsError {
    let told = ResultsError::of_file(&shown(server), error.to_string());
    match error {
        SourceError::Failed { hint: Some(hint), .. } => told.hint(hint.clone()),
        _ => told,
    }
}

/// What a server did not give, and what to do about it where it wants to know who asks.
pub(super) fn of_server(name: &str, place: &str, error: &RestError, keys: &str) -> ResultsError {
    let told = match place {
        "" => ResultsError::of_file(name, error.to_string()),
        place => ResultsError::at(name, place, error.to_string()),
    };
    if error.is_forbidden() && !keys.is_empty() { told.hint(keys) } else { told }
}
