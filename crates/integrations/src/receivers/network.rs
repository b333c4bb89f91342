//! The courier that really delivers: over HTTP, within bounds of time and size.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use evalmark_core::{
    key_hosts::is_this_machine,
    receiver::{ReceiverSecrets, SecretUse},
};
use evalmark_net::{
    ClientOptions, ExchangeError, HttpClient, HttpRequest, Secret, Threads, Url, one_line,
    retry_after,
};
use evalmark_report::run_message::RunMessage;
use evalmark_store::{durable, run_folder::RunFolder};
use jiff::Timestamp;
use serde_json::Value;

use super::courier::{Courier, DeliveryError, Fate, Outgoing};

/// The longest that a receiver may take for a request.
const WHOLE: Duration = Duration::from_mins(1);

/// Bytes of an answer that are read.
const MOST_BYTES: usize = 4 << 20;

/// Bytes of a failure that are read.
const SAID: usize = 4 << 10;

/// Letters of what a server says that a message has.
const TOLD: usize = 200;

/// Delivers over HTTP.
pub(super) struct Network<'a> {
    /// Where secrets come from.
    pub(super) secrets: &'a dyn ReceiverSecrets,
    /// What requests run on.
    pub(super) threads: &'a Threads,
    /// Where files are kept.
    pub(super) folder: &'a Path,
    /// Secrets that this delivery used: no message shows one.
    pub(super) used: Vec<Secret>,
}

impl Courier for Network<'_> {
    fn address(&mut self, secret: &SecretUse) -> Result<Url, DeliveryError> {
        let url = self.secrets.address(secret)?;
        // A server may repeat the path or the query alone, which is what is secret of the address.
        let parts = [Some(url.as_str()), Some(url.path()), url.query()];
        self.used.extend(parts.into_iter().flatten().map(Secret::new));
        Ok(url)
    }

    fn key(&mut self, secret: &SecretUse, server: &Url) -> Result<Secret, DeliveryError> {
        let key = Secret::new(&self.secrets.key(secret, server)?);
        self.used.push(key.clone());
        Ok(key)
    }

    fn folder(&mut self, variable: &SecretUse) -> Result<PathBuf, DeliveryError> {
        Ok(self.secrets.folder(variable)?)
    }

    fn send(&mut self, outgoing: Outgoing) -> Result<Vec<u8>, DeliveryError> {
        let handle = self.threads.handle().clone();
        handle.block_on(async {
            let whole = tokio::time::timeout(WHOLE, self.exchange(outgoing.request));
            whole.await.unwrap_or_else(|_| {
                let message = format!("the server took longer than {} seconds", WHOLE.as_secs());
                Err(DeliveryError::new(Fate::InDoubt, message))
            })
        })
    }

    fn keep(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), DeliveryError> {
        let folder = self.folder.join(folder);
        std::fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, &error))?;
        self.write(&folder, name, bytes)
    }

    fn write(&mut self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), DeliveryError> {
        let path = folder.join(name);
        durable::write(&path, bytes).map_err(|error| unwritten(&path, &error))
    }

    fn run_folder(&self, message: &RunMessage) -> Option<RunFolder> {
        // Folders of runs stand beside the outbox.
        let folder = self.folder.parent()?.join(&message.suite).join(&message.run_id);
        let (folder, record) = RunFolder::open(&folder).ok()?;
        let is_it = record.suite == message.suite && record.run_id == message.run_id;
        is_it.then_some(folder)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> DeliveryError {
    let message = format!("{} cannot be written: {error}", path.display());
    DeliveryError::new(Fate::NotArrived(None), message)
}

impl Network<'_> {
    async fn exchange(&self, request: HttpRequest) -> Result<Vec<u8>, DeliveryError> {
        let client = HttpClient::open(&ClientOptions {
            url: &request.url,
            is_local: is_this_machine(&request.url),
            connect_timeout: Duration::from_secs(20),
            idle_connections: 0,
            trusted: None,
        });
        let client = client.map_err(|error| DeliveryError::refused(error.to_string()))?;
        let response = client.send_once(request).await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return response.body(MOST_BYTES).await.map_err(|error| self.failed(&error));
        }
        let wait = retry_after(response.headers(), SystemTime::now());
        let words = self.words(&response.beginning(SAID).await);
        Err(DeliveryError::of_status(status, wait, words))
    }

    fn failed(&self, error: &ExchangeError) -> DeliveryError {
        let fate = match error {
            ExchangeError::NoConnection { .. } | ExchangeError::Distrusted { .. } => {
                Fate::NotArrived(None)
            }
            // Something came back.
            ExchangeError::Broken { .. }
            | ExchangeError::TooLarge { .. }
            | ExchangeError::Compressed(_) => Fate::InDoubt,
        };
        DeliveryError::new(fate, self.hidden(&error.to_string()))
    }

    /// What a server says of an error, in one line and without a secret.
    fn words(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let said = ["/failed_records/0/message", "/message", "/error/message", "/error", "/detail"];
        let named = said.iter().find_map(|place| value.pointer(place)?.as_str());
        let is_page = text.trim_start().starts_with('<');
        let text = named.unwrap_or(if is_page { "" } else { &text });
        self.hidden(text).chars().take(TOLD).collect()
    }

    fn hidden(&self, text: &str) -> String {
        let hide = |text: String, secret: &Secret| secret.redact(&text).into_owned();
        one_line(&self.used.iter().fold(text.to_owned(), hide))
    }
}
