//! Whether what a model's program needs is there, before anybody starts it.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::model::{Model, ModelProgram};

use crate::{Host, error::Advised};

/// What a model's program lacks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MissingPart {
    /// The program itself.
    #[error("the program of model `{model}` is not there: {program}")]
    Program { model: String, program: String },
    /// A variable that it sees.
    #[error(
        "the program of model `{model}` sees the environment variable {variable}, which is not set"
    )]
    Variable { model: String, variable: String },
}

impl Advised for MissingPart {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Program { .. } => {
                "a name without a slash is looked for in PATH, and one with a slash from the \
                                     suite's folder; it must be executable"
                    .to_owned()
            }
            Self::Variable { variable, .. } => {
                format!("set it: `export {variable}=…`, or leave it out of `env`")
            }
        })
    }
}

/// All that the program of a model lacks; nothing of a model that is none.
pub(crate) fn missing_parts(model: &Model, host: &Host<'_>) -> Vec<MissingPart> {
    let Some(program) = model.provider.program() else { return Vec::new() };
    let model = model.name.to_string();
    let mut missing = Vec::new();
    if let Some(name) = program.words.first().filter(|_| !is_there(program, host.program_variables))
    {
        missing.push(MissingPart::Program { model: model.clone(), program: name.clone() });
    }
    let unset = program.variables.iter().filter(|name| host.secrets.secret(name).is_none());
    missing.extend(
        unset.map(|name| MissingPart::Variable { model: model.clone(), variable: name.clone() }),
    );
    missing
}

/// Whether there is such a program. Where nobody can tell, there is.
fn is_there(program: &ModelProgram, variables: &[(OsString, OsString)]) -> bool {
    let Some(name) = program.words.first() else { return true };
    let path = variables.iter().find(|(variable, _)| variable == "PATH").map(|(_, value)| value);
    let places: Vec<PathBuf> = if name.contains('/') {
        vec![program.folder.join(name)]
    } else if let Some(path) = path {
        std::env::split_paths(path).map(|folder| folder.join(name)).collect()
    } else {
        return true;
    };
    cfg!(not(unix)) || places.iter().any(|place| is_executable(place))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|of| of.is_file() && of.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|of| of.is_file())
}
