//! What suites may do beyond the defaults. The user says so; a suite never can.

use std::{collections::BTreeSet, path::PathBuf};

use evalmark_core::{
    key_hosts::{HostPort, KeyGrant, belongs, is_this_machine},
    model::{Model, ModelServer, Provider},
    model_key::ModelKey,
};
use evalmark_harness::providers;
use url::Url;

use crate::error::Advised;

/// What suites may do beyond the defaults.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    /// Folders below which suites may read files, besides their own repository; absolute.
    pub roots: Vec<PathBuf>,
    /// Keys that may go to other hosts than those that they belong to.
    pub keys: Vec<KeyGrant>,
    /// Hosts that keys may be sent to unencrypted.
    pub plain_http: Vec<HostPort>,
}

/// Keys that a suite would send where nothing says that they belong.
#[derive(Debug, thiserror::Error)]
#[error("{}", refused.join("\n"))]
pub struct RefusedKeys {
    refused: Vec<String>,
    /// The options that allow them.
    flags: Vec<String>,
}

impl Advised for RefusedKeys {
    fn hint(&self) -> Option<String> {
        Some(format!("if you trust it, add `{}`", self.flags.join(" ")))
    }
}

impl Permissions {
    /// Whether all these models' keys may go where the suite sends them; an error names those that
    /// may not, and how to allow it.
    pub fn check_keys<'a>(
        &self,
        models: impl Iterator<Item = &'a Model>,
    ) -> Result<(), RefusedKeys> {
        let (mut refused, mut flags) = (Vec::new(), BTreeSet::new());
        for model in models {
            let Some((keys, address)) = destination(model) else { continue };
            let (name, place) = (&model.name, HostPort::of(&address));
            for key in keys {
                let variable = key.name();
                let is_granted = self.keys.iter().any(|grant| grant.allows(variable, &address));
                if !is_granted && !belongs_there(model, key, &address) {
                    refused.push(format!(
                        "model `{name}` would send the key in {variable} to {place}, and nothing \
                         outside the suite says that it belongs there"
                    ));
                    flags.insert(format!("--allow-key {variable}@{place}"));
                }
                let is_plain = address.scheme() == "http" && !is_this_machine(&address);
                if is_plain && !self.plain_http.iter().any(|granted| granted.holds(&address)) {
                    refused.push(format!(
                        "model `{name}` would send the key in {variable} to {place} unencrypted, \
                         over http"
                    ));
                    flags.insert(format!("--allow-plain-http {place}"));
                }
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        Err(RefusedKeys { refused, flags: flags.into_iter().collect() })
    }
}

/// A key, as permissions call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyName<'a> {
    /// By the variable that holds it.
    Variable(&'a str),
    /// What a program prints, by the key of the suite that says so.
    Printed,
}

impl<'a> KeyName<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Variable(variable) => variable,
            Self::Printed => "api_key_command",
        }
    }
}

/// Whether a model's key belongs to an address without anyone having said so. A printed key is taken for
/// one of the model's provider.
fn belongs_there(model: &Model, key: KeyName<'_>, address: &Url) -> bool {
    let Provider::Server(ModelServer { kind, .. }) = &model.provider else { return false };
    let protocol_key = providers::protocol_key(kind);
    let belongs = |variable| belongs(variable, address, providers::key_owners(), protocol_key);
    match key {
        KeyName::Variable(variable) => belongs(variable),
        KeyName::Printed => {
            let provider = providers::catalog().iter().find(|known| known.name == *kind);
            let variables = provider.map_or(&[][..], |provider| provider.key_variables);
            is_this_machine(address) || variables.iter().any(|variable| belongs(variable))
        }
    }
}

/// A model's keys, and where they would go.
pub(crate) fn destination(model: &Model) -> Option<(Vec<KeyName<'_>>, Url)> {
    let Provider::Server(ModelServer { base_url, key, .. }) = &model.provider else { return None };
    let keys: Vec<_> = match key {
        ModelKey::None => return None,
        ModelKey::Variables(variables) => {
            variables.iter().map(|variable| KeyName::Variable(variable)).collect()
        }
        ModelKey::Command(_) => vec![KeyName::Printed],
    };
    Some((keys, Url::parse(base_url).ok()?))
}
