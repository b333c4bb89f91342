//! Programs that print a model's key: a vault's, or that of a cloud whose tokens expire. They run
//! only where the command line allows programs, see none of the user's secrets, and what they print
//! is remembered to be hidden before anybody uses it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use evalmark_core::{
    model::{Model, Provider, shown_command},
    model_key::{KeyCommand, ModelKey},
};
use evalmark_harness::{FetchedKey, KeySource, Secret};
use evalmark_scoring::Program;

use crate::{Host, error::Advised, programs::process::Process, redacted_keys};

/// How long the program may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No key is longer, in bytes.
const LONGEST_KEY: usize = 1 << 15;

/// A program that prints a key.
#[derive(Debug)]
struct KeyProgram {
    program: Program,
    /// Where it is started: the suite's folder.
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

/// Why a model has no key from its program.
#[derive(Debug, thiserror::Error)]
pub enum KeyCommandError {
    /// The command line does not allow it.
    #[error("model `{model}` gets its key from a program: {command}")]
    NotAllowed {
        /// The model.
        model: String,
        /// The program.
        command: String,
    },
    /// It gave none.
    #[error("model `{model}` gets no key from its program: {reason}")]
    Failed {
        /// The model.
        model: String,
        /// What went wrong.
        reason: String,
    },
}

impl Advised for KeyCommandError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotAllowed { .. } => {
                Some("if you trust the suite, add `--allow-exec`".to_owned())
            }
            Self::Failed { .. } => Some(
                "`api_key_command` prints the key, and nothing else, to stdout; it sees PATH and HOME, but \
                 none of your keys"
                    .to_owned(),
            ),
        }
    }
}

/// Runs a model's program for its first key.
pub(crate) fn fetched_key(
    suite: &Path,
    model: &Model,
    command: &KeyCommand,
    host: &Host<'_>,
) -> Result<FetchedKey, KeyCommandError> {
    let name = model.name.to_string();
    if !host.allow_exec {
        let command = shown_command(&command.words);
        return Err(KeyCommandError::NotAllowed { model: name, command });
    }
    let folder = suite.parent().unwrap_or(Path::new(""));
    let source = KeyProgram {
        program: Program {
            command: command.words.clone(),
            timeout: TIMEOUT,
            memory: None,
            batch: 1,
        },
        folder: if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() },
        variables: host.program_variables.to_vec(),
    };
    match source.fetch() {
        Ok(first) => Ok(FetchedKey { first, lifetime: command.lifetime, source: Arc::new(source) }),
        Err(reason) => Err(KeyCommandError::Failed { model: name, reason }),
    }
}

/// What would be run for keys, for whoever only looks.
pub(crate) fn key_command_remarks(models: &[Model]) -> impl Iterator<Item = String> {
    models.iter().filter_map(|model| {
        let Provider::Server(server) = &model.provider else { return None };
        let ModelKey::Command(command) = &server.key else { return None };
        let (name, command) = (&model.name, shown_command(&command.words));
        Some(format!(
            "model `{name}` gets its key from a program, so a run needs `--allow-exec`: {command}"
        ))
    })
}

impl KeyProgram {
    fn printed(&self) -> Result<String, String> {
        let mut process = Process::start(&self.program, &self.folder, &self.variables, Vec::new())?;
        let key = process.line(TIMEOUT)?;
        // Before anything is said of the program: its complaints may repeat what it printed.
        if let Some(key) = &key {
            redacted_keys::remember(&Secret::new(key));
        }
        if key.is_some() && process.is_followed(TIMEOUT)? {
            return Err("it printed more than one line".to_owned());
        }
        match (process.end(TIMEOUT), key) {
            (Some(reason), _) => Err(reason),
            (None, None) => Err("it printed nothing".to_owned()),
            (None, Some(key)) if key.len() > LONGEST_KEY => {
                Err(format!("it printed {} bytes, more than a key has", key.len()))
            }
            (None, Some(key)) => Ok(key),
        }
    }
}

impl KeySource for KeyProgram {
    fn fetch(&self) -> Result<Secret, String> {
        let key = self.printed().map_err(|reason| redacted_keys::hide(&reason).into_owned())?;
        Ok(Secret::new(&key))
    }
}
