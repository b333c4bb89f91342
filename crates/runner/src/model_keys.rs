//! The keys that a suite's models are asked with, and where the credentials of clouds may be.

use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use evalmark_core::{
    model::{Model, Provider},
    model_key::{ModelKey, names_a_secret},
};
use evalmark_harness::{CredentialEnvironment, Keys, Secret, providers::finds_credentials};

use crate::{
    Host,
    ask::{Asks, used_models},
    error::{Advised, Result},
    key_command::fetched_key,
    load::LoadedSuite,
    permissions::RefusedKeys,
    programs::{allowed_model, found::missing_parts},
    redacted_keys,
};

/// What models are asked with.
#[derive(Default)]
pub(crate) struct ModelKeys {
    /// Keys by model.
    pub(crate) by_model: Vec<Keys>,
    /// Where the credentials of all others may be.
    pub(crate) credentials: CredentialEnvironment,
    /// What programs see of the environment; `None` where none may be started.
    pub(crate) program_variables: Option<Vec<(OsString, OsString)>>,
}

/// Keys by model; one that is not there is an error.
pub(crate) fn keys(loaded: &LoadedSuite, asks: Asks, host: &Host<'_>) -> Result<ModelKeys> {
    allowed_keys(loaded, asks, host)?;
    let used = used_models(loaded, asks);
    let models = loaded.suite.models.iter().enumerate();
    let by_model = models
        .map(|(i, model)| {
            if used.contains(&i) {
                keys_of(&loaded.suite.path, model, host)
            } else {
                Ok(Keys::None)
            }
        })
        .collect::<Result<_>>()?;
    let models = used.iter().map(|i| &loaded.suite.models[*i]);
    let credentials = credentials(models, host);
    let program_variables = host.allow_exec.then(|| host.program_variables.to_vec());
    Ok(ModelKeys { by_model, credentials, program_variables })
}

/// What the environment says of clouds' credentials, where one of these models looks for some.
pub(crate) fn credentials<'a>(
    mut models: impl Iterator<Item = &'a Model>,
    host: &Host<'_>,
) -> CredentialEnvironment {
    let looks = |model: &Model| match &model.provider {
        Provider::Server(server) => finds_credentials(server),
        _ => false,
    };
    if models.any(looks) { credential_environment(host) } else { CredentialEnvironment::default() }
}

/// What the environment says of clouds' credentials. Those that stand in it are hidden like keys.
pub(crate) fn credential_environment(host: &Host<'_>) -> CredentialEnvironment {
    let set = CredentialEnvironment::VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), host.secrets.secret(name)?)));
    let variables: HashMap<_, _> = set.collect();
    for secret in CredentialEnvironment::SECRET_VARIABLES {
        variables
            .get(*secret)
            .into_iter()
            .for_each(|key| redacted_keys::remember(&Secret::new(key)));
    }
    let home = |name: &str| {
        let found = host.program_variables.iter().find(|(variable, _)| variable == name);
        found.map(|(_, value)| PathBuf::from(value))
    };
    CredentialEnvironment {
        variables,
        home: home("HOME").or_else(|| home("USERPROFILE")),
        may_run_programs: host.allow_exec,
        program_variables: host.program_variables.to_vec(),
    }
}

/// Whether the keys of all models that are asked may go where the suite sends them.
pub(crate) fn allowed_keys(
    loaded: &LoadedSuite,
    asks: Asks,
    host: &Host<'_>,
) -> Result<(), RefusedKeys> {
    let used = used_models(loaded, asks);
    let models = used.iter().map(|i| &loaded.suite.models[*i]);
    host.permissions.check_keys(models)
}

/// The keys of a model of the suite at a path; one that is not there is an error.
pub(crate) fn keys_of(suite: &Path, model: &Model, host: &Host<'_>) -> Result<Keys> {
    let key = |variable: &String| match host.secrets.secret(variable) {
        Some(key) if !key.trim().is_empty() => {
            let key = Secret::new(&key);
            redacted_keys::remember(&key);
            Ok(key)
        }
        _ => Err(MissingKey { model: model.name.to_string(), variable: variable.clone() }),
    };
    let server = match &model.provider {
        Provider::Server(server) => server,
        Provider::Program(program) => {
            allowed_model(model, host.allow_exec)?;
            if let Some(missing) = missing_parts(model, host).into_iter().next() {
                return Err(missing.into());
            }
            let variables = program.variables.iter().filter_map(|name| variable(name, host));
            return Ok(Keys::Variables(variables.collect()));
        }
        Provider::RecordedColumn(_) | Provider::RecordedFile(_) => return Ok(Keys::None),
    };
    Ok(match &server.key {
        ModelKey::None => Keys::None,
        ModelKey::Variables(_) if finds_credentials(server) => Keys::None,
        ModelKey::Variables(names) => Keys::Fixed(names.iter().map(key).collect::<Result<_, _>>()?),
        ModelKey::Command(command) => Keys::Fetched(fetched_key(suite, model, command, host)?),
    })
}

/// A variable that a model's program sees, with its value.
fn variable(name: &str, host: &Host<'_>) -> Option<(String, String)> {
    let value = host.secrets.secret(name)?;
    if names_a_secret(name) {
        redacted_keys::remember(&Secret::new(&value));
    }
    Some((name.to_owned(), value))
}

/// A key that a model needs and that is not set.
#[derive(Debug, thiserror::Error)]
#[error("model `{model}` needs a key, and the environment variable {variable} is not set")]
pub struct MissingKey {
    model: String,
    variable: String,
}

impl Advised for MissingKey {
    fn hint(&self) -> Option<String> {
        Some(format!("set it: `export {}=…`", self.variable))
    }
}
