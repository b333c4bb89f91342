//! The secrets of those who are told what became of a run. A suite that may be a stranger's names variables; where each may go
//! is known, or the user says so.

use std::{collections::BTreeSet, path::PathBuf};

use evalmark_core::{
    key_hosts::{HostPort, belongs, is_this_machine},
    receiver::{ReceiverSecretError, ReceiverSecrets, ReceiverSpec, SecretGoes, SecretUse},
};
use evalmark_harness::Secret;
use url::Url;

use crate::{Host, error::Advised, redacted_keys};

/// Letters from which a part of an address is taken for a secret: short paths are words, which stand elsewhere, too.
const LONG: usize = 20;

impl ReceiverSecrets for Host<'_> {
    fn address(&self, secret: &SecretUse) -> Result<Url, ReceiverSecretError> {
        let variable = &secret.variable;
        let text = self.read(variable)?;
        let no_address = |problem: &str| ReceiverSecretError::NoAddress {
            variable: variable.clone(),
            problem: problem.to_owned(),
        };
        let url = Url::parse(text.trim()).map_err(|_| no_address("is no address"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(no_address("begins with neither `https://` nor `http://`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(no_address("has a user name or password in it"));
        }
        self.lets(secret, &url)?;
        // What is secret of a long address may be repeated without the rest.
        let parts = [Some(url.as_str()), Some(url.path()), url.query()];
        for part in parts.into_iter().flatten().filter(|part| part.len() >= LONG) {
            redacted_keys::remember(&Secret::new(part));
        }
        Ok(url)
    }

    fn key(&self, secret: &SecretUse, server: &Url) -> Result<String, ReceiverSecretError> {
        let key = self.read(&secret.variable)?;
        self.lets(secret, server)?;
        Ok(key)
    }

    fn folder(&self, variable: &SecretUse) -> Result<PathBuf, ReceiverSecretError> {
        let variable = &variable.variable;
        let text = self.secrets.secret(variable).filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| ReceiverSecretError::NotSet(variable.clone()))?;
        let folder = PathBuf::from(text);
        if folder.is_absolute() && folder.is_dir() {
            return Ok(folder);
        }
        Err(ReceiverSecretError::NoFolder { variable: variable.clone() })
    }
}

impl Host<'_> {
    fn read(&self, variable: &str) -> Result<String, ReceiverSecretError> {
        let text = self.secrets.secret(variable).filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| ReceiverSecretError::NotSet(variable.to_owned()))?;
        redacted_keys::remember(&Secret::new(&text));
        Ok(text)
    }

    /// Whether what a variable holds may go to a server.
    fn lets(&self, secret: &SecretUse, server: &Url) -> Result<(), ReceiverSecretError> {
        let variable = &secret.variable;
        let place = || HostPort::of(server).to_string();
        let is_granted = self.permissions.keys.iter().any(|grant| grant.allows(variable, server));
        if !is_granted && !belongs(variable, server, secret.owners, None) {
            return Err(ReceiverSecretError::NotAllowed {
                variable: variable.clone(),
                place: place(),
            });
        }
        let is_plain = server.scheme() == "http" && !is_this_machine(server);
        if is_plain && !self.permissions.plain_http.iter().any(|granted| granted.holds(server)) {
            return Err(ReceiverSecretError::Unencrypted {
                variable: variable.clone(),
                place: place(),
            });
        }
        Ok(())
    }

    /// The first variable of a receiver that is not set.
    pub(crate) fn unset_secret(&self, receiver: &ReceiverSpec) -> Option<String> {
        let is_unset = |secret: &&SecretUse| match secret.goes_to {
            SecretGoes::Folder => {
                matches!(self.folder(secret), Err(ReceiverSecretError::NotSet(_)))
            }
            _ => self.read(&secret.variable).is_err(),
        };
        receiver.secrets.iter().find(is_unset).map(|secret| secret.variable.clone())
    }

    /// Whether the secrets of all these receivers may go where the suite sends them. One that is not set is no mistake: a
    /// developer's machine has none of them, and tells nobody.
    pub fn check_receivers(&self, receivers: &[ReceiverSpec]) -> Result<(), RefusedReceivers> {
        let (mut refused, mut flags) = (Vec::new(), BTreeSet::new());
        for receiver in receivers.iter().filter(|one| self.unset_secret(one).is_none()) {
            for error in receiver.secrets.iter().filter_map(|one| self.allowed(receiver, one).err())
            {
                refused.push(format!("receiver `{}`: {error}", receiver.name));
                flags.extend(error.flag());
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        Err(RefusedReceivers { refused, flags: flags.into_iter().collect() })
    }

    fn allowed(
        &self,
        receiver: &ReceiverSpec,
        secret: &SecretUse,
    ) -> Result<(), ReceiverSecretError> {
        match &secret.goes_to {
            SecretGoes::There => self.address(secret).map(drop),
            SecretGoes::Folder => self.folder(secret).map(drop),
            SecretGoes::ToServer(server) => self.key(secret, server).map(drop),
            SecretGoes::ToAddressIn(variable) => {
                let holds = |one: &&SecretUse| one.variable == *variable;
                let Some(address) = receiver.secrets.iter().find(holds) else { return Ok(()) };
                // What is wrong with the address is told as such.
                let Ok(server) = self.address(address) else { return Ok(()) };
                self.key(secret, &server).map(drop)
            }
        }
    }
}

/// Secrets that a suite would send to receivers where nothing says that they may go.
#[derive(Debug, thiserror::Error)]
#[error("{}", refused.join("\n"))]
pub struct RefusedReceivers {
    refused: Vec<String>,
    /// The options that allow them.
    flags: Vec<String>,
}

impl Advised for RefusedReceivers {
    fn hint(&self) -> Option<String> {
        let flags = self.flags.join(" ");
        (!flags.is_empty()).then(|| format!("if you trust it, add `{flags}`"))
    }
}
