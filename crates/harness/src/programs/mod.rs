//! Models that are programs of the user's own: started when they are first needed, asked line by
//! line, one request at a time each, and stopped with all that they started.

mod process;

use std::{
    ffi::OsString,
    io,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use evalmark_core::{
    files::open_regular,
    model::ModelProgram,
    model_key::names_a_secret,
    record::{ErrorKind, Failure},
    request::Request,
};
use evalmark_net::Secret;
use serde_json::Value;

use self::process::{Process, Trouble};
use crate::{
    congestion::Load,
    providers::command,
    reply::{Answer, AttemptError, FaultScope, Reply, Retryable},
};

/// A program that answers, and its processes that wait to be asked.
#[derive(Debug)]
pub(crate) struct Programs {
    program: ModelProgram,
    /// The variables that it sees.
    variables: Vec<(OsString, OsString)>,
    /// Values among them that nobody may see.
    secrets: Vec<Secret>,
    idle: Mutex<Vec<Process>>,
    last_id: AtomicU64,
    /// Bytes of a line, at most.
    line_limit: usize,
}

impl Programs {
    /// `own` are the variables that the program names, with their values; `variables` those of every
    /// program. Nothing is started yet.
    pub(crate) fn new(
        program: &ModelProgram,
        variables: &[(OsString, OsString)],
        own: &[(String, String)],
        line_limit: usize,
    ) -> Self {
        let secrets = own.iter().filter(|(name, _)| names_a_secret(name));
        let secrets = secrets.map(|(_, value)| Secret::new(value)).collect();
        let own = own.iter().map(|(name, value)| (name.into(), value.into()));
        let variables = variables.iter().cloned().chain(own).collect();
        let (idle, last_id) = (Mutex::default(), AtomicU64::default());
        Self { program: program.clone(), variables, secrets, idle, last_id, line_limit }
    }

    /// Asks a process, and reads what it answers within `timeout`. One that says anything but an
    /// answer is stopped, and so is one that takes too long.
    pub(crate) async fn ask(&self, request: &Request, timeout: Duration) -> Reply {
        let result = match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(too_late(timeout)),
        };
        self.redacted(result).into()
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, AttemptError> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let line = command::line(request, id);
        loop {
            let waiting = self.waiting().pop();
            let is_used = waiting.is_some();
            let mut process = match waiting {
                Some(process) => process,
                None => Process::start(&self.program, &self.variables)
                    .map_err(|error| unstartable(&error))?,
            };
            let said = match process.ask(&line, self.line_limit).await {
                Ok(said) => said,
                // One that has answered may end when it likes, and was never asked this.
                Err(Trouble::Ended(ended)) if is_used && ended.is_success => continue,
                Err(trouble) => return Err(troubled(&trouble, self.line_limit)),
            };
            let answer = command::read(&said, id)?;
            self.waiting().push(process);
            return answer;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came back, without the values that nobody may see.
    fn redacted(&self, result: Result<Answer, AttemptError>) -> Result<Answer, AttemptError> {
        if self.secrets.is_empty() {
            return result;
        }
        let hide = |text: String| {
            self.secrets.iter().fold(text, |text, secret| secret.redact(&text).into_owned())
        };
        match result {
            Ok(mut answer) => {
                if let Some(details) = &mut answer.details {
                    details.change_texts(&hide);
                }
                let finish_reason = answer.finish_reason.map(|reason| hide(reason.into()).into());
                Ok(Answer { output: hide(answer.output), finish_reason, ..answer })
            }
            Err(error) => {
                let Failure { kind, message } = error.failure;
                Err(AttemptError { failure: Failure { kind, message: hide(message) }, ..error })
            }
        }
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        let idle = std::mem::take(self.idle.get_mut().unwrap_or_else(PoisonError::into_inner));
        process::finish(idle);
    }
}

/// What the ledger knows a program's answers by: how it is started, and the files that its
/// arguments name. A changed file is another program.
pub(crate) fn program_key(program: &ModelProgram) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new_derive_key("evalmark program v1");
    for word in &program.words {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
        hasher.update(contents(&program.folder.join(word))?.as_bytes());
    }
    let name = program.words.first().map_or("", String::as_str);
    Ok(format!("{}:{name}#{}", program.kind, &hasher.finalize().to_hex()[..16]))
}

/// BLAKE3 of a regular file; empty for all else, which might never end.
fn contents(path: &Path) -> io::Result<String> {
    let Ok(real) = std::fs::canonicalize(path) else { return Ok(String::new()) };
    if ["/proc", "/sys", "/dev"].iter().any(|system| real.starts_with(system)) || !real.is_file() {
        return Ok(String::new());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open_regular(&real).map_err(io::Error::other)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn unstartable(error: &io::Error) -> AttemptError {
    let message = format!("the program cannot be started: {error}");
    AttemptError::new(ErrorKind::Connection, message, Retryable::Never)
        .with_fault_scope(FaultScope::Endpoint)
}

/// A process that gave no answer. Nobody gets one from a program of which no process ever gave any.
fn troubled(trouble: &Trouble, line_limit: usize) -> AttemptError {
    let (kind, message) = match trouble {
        Trouble::Ended(ended) => (ErrorKind::Server, format!("the program {ended}")),
        Trouble::TooLong => {
            let message = format!("the program wrote a line of more than {line_limit} bytes");
            return AttemptError::new(ErrorKind::TooLarge, message, Retryable::Never);
        }
        Trouble::NotUtf8 => {
            (ErrorKind::Malformed, "the program wrote a line that is not UTF-8".to_owned())
        }
    };
    AttemptError::new(kind, message, Retryable::Yes).with_fault_scope(FaultScope::Endpoint)
}

fn too_late(timeout: Duration) -> AttemptError {
    let message = format!("the program gave no answer within {timeout:?}, and was stopped");
    let error = AttemptError::new(ErrorKind::Timeout, message, Retryable::Yes);
    AttemptError { load: Load::Slow, ..error.with_fault_scope(FaultScope::Nobody) }
}

/// What a line is that is no reply.
pub(crate) fn no_reply(why: &str, line: &Value) -> AttemptError {
    let shown: String = line.to_string().chars().take(200).collect();
    let message = format!("the program wrote a line that is not a reply ({why}): {shown}");
    AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes)
        .with_fault_scope(FaultScope::Endpoint)
}
