//! What would be sent, as text: every request and file, with its secrets hidden. Nothing leaves this machine.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use evalmark_core::receiver::{ReceiverSpec, SecretUse};
use evalmark_net::{Secret, Url};
use evalmark_report::run_message::RunMessage;
use evalmark_store::run_folder::RunFolder;
use jiff::Timestamp;

use super::{
    courier::{Courier, DeliveryError, Outgoing},
    definition::Letter,
    rows,
};

/// Why it cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DryRunError(String);

/// Writes down what it is to deliver.
struct Recorder {
    text: String,
    now: Timestamp,
}

impl Courier for Recorder {
    fn address(&mut self, secret: &SecretUse) -> Result<Url, DeliveryError> {
        // What the variable holds is not read. A host says that it stands for it.
        let host = secret.variable.to_ascii_lowercase().replace('_', "-");
        let host = host.trim_matches('-');
        Url::parse(&format!("https://{host}.invalid/"))
            .map_err(|error| DeliveryError::refused(error.to_string()))
    }

    fn key(&mut self, secret: &SecretUse, _server: &Url) -> Result<Secret, DeliveryError> {
        Ok(Secret::new(&format!("the-value-of-{}", secret.variable)))
    }

    fn folder(&mut self, variable: &SecretUse) -> Result<PathBuf, DeliveryError> {
        Ok(Path::new(&format!("${}", variable.variable)).to_owned())
    }

    fn send(&mut self, outgoing: Outgoing) -> Result<Vec<u8>, DeliveryError> {
        let request = outgoing.request;
        let _ = writeln!(self.text, "{} {}", request.method, request.url);
        for (name, value) in &request.headers {
            let value =
                if value.is_sensitive() { "[hidden]" } else { value.to_str().unwrap_or("…") };
            let _ = writeln!(self.text, "{name}: {value}");
        }
        let Ok(body) = std::str::from_utf8(&request.body) else {
            let _ = writeln!(self.text, "\n({} bytes that are no text)\n", request.body.len());
            return Ok(outgoing.sample.to_string().into_bytes());
        };
        let pretty = serde_json::from_str::<serde_json::Value>(body)
            .map_or_else(|_| body.to_string(), |json| format!("{json:#}"));
        let _ = writeln!(self.text, "\n{}\n", pretty.trim_end());
        Ok(outgoing.sample.to_string().into_bytes())
    }

    fn keep(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), DeliveryError> {
        self.write(&Path::new("outbox").join(folder), name, bytes)
    }

    fn write(&mut self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), DeliveryError> {
        let (path, content) = (folder.join(name), String::from_utf8_lossy(bytes));
        let _ = writeln!(self.text, "file {}\n\n{}\n", path.display(), content.trim_end());
        Ok(())
    }

    fn run_folder(&self, _: &RunMessage) -> Option<RunFolder> {
        None
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// What a receiver would be sent, its secrets hidden.
pub fn dry_run(
    receiver: &ReceiverSpec,
    id: &str,
    message: &RunMessage,
    run_dir: &Path,
) -> Result<String, DryRunError> {
    let row = rows().iter().find(|row| row.kind.name == receiver.kind);
    let row = row.ok_or_else(|| DryRunError(format!("no receiver is called {}", receiver.kind)))?;
    let mut recorder = Recorder { text: String::new(), now: Timestamp::now() };
    let created_at = recorder.now.to_string();
    let samples = RunFolder { path: run_dir.to_owned() }.samples();
    let letter = Letter {
        id,
        created_at: &created_at,
        message,
        template: receiver.template.as_deref(),
        earlier: None,
        progress: None,
        samples: Some(&samples),
    };
    (row.deliver)(&receiver.params, &letter, &mut recorder)
        .map_err(|error| DryRunError(error.message))?;
    Ok(recorder.text)
}
