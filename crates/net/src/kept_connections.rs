//! Connections that have carried a response and are kept for the next request: which failures mean
//! that the server had ended one before it read that request.

use std::{
    collections::HashSet,
    error::Error,
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Extensions, Response};
use hyper_util::client::legacy::{self, connect::HttpInfo};

use crate::transport::TransportError;

/// Kept connections, each by its address on this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptConnections(Arc<Mutex<HashSet<SocketAddr>>>);

impl KeptConnections {
    /// Notes that a connection has carried a response.
    pub(crate) fn note<B>(&self, response: &Response<B>) {
        if let Some(info) = response.extensions().get::<HttpInfo>() {
            self.with(|kept| kept.insert(info.local_addr()));
        }
    }

    /// Whether a request failed because the server had ended a kept connection. Each connection
    /// counts once, so that whoever sends again for as long as this holds comes to an end.
    pub(crate) fn has_ended(&self, error: &TransportError) -> bool {
        let Some(error) = error.connection() else { return false };
        let Some(connection) = error.connect_info() else { return false };
        let mut about = Extensions::new();
        connection.get_extras(&mut about);
        let Some(info) = about.get::<HttpInfo>() else { return false };
        self.with(|kept| kept.remove(&info.local_addr())) && is_ended(error)
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashSet<SocketAddr>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a connection ended before a byte of the response came.
fn is_ended(error: &legacy::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            return true;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
            );
        }
        cause = error.source();
    }
    false
}
