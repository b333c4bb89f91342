//! The keys that a dataset's source sends. A suite that may be a stranger's would have a private
//! dataset read to a model of its choice, so that every key needs the user's leave, the source's own
//! servers included.

use evalmark_core::{
    key_hosts::{HostPort, KeyGrant, is_this_machine},
    source::{CloudEnvironment, SourceError, SourceKeys},
};
use evalmark_harness::Secret;
use url::Url;

use crate::{Host, model_keys::credential_environment, redacted_keys};

impl SourceKeys for Host<'_> {
    fn key(&self, variable: &str, server: &Url) -> Result<String, SourceError> {
        allowed(self, variable, server)?;
        let key = self.secrets.secret(variable).filter(|key| !key.trim().is_empty());
        let key = key.ok_or_else(|| {
            let message =
                format!("needs a key, and the environment variable {variable} is not set");
            SourceError::Failed { message, hint: None }
        })?;
        redacted_keys::remember(&Secret::new(&key));
        Ok(key)
    }

    fn cloud(&self, variable: &str, server: &Url) -> Result<CloudEnvironment, SourceError> {
        allowed(self, variable, server)?;
        let environment = credential_environment(self);
        Ok(CloudEnvironment {
            variables: environment.variables,
            home: environment.home,
            may_run_programs: environment.may_run_programs,
            program_variables: environment.program_variables,
        })
    }

    fn is_set(&self, variable: &str) -> bool {
        self.secrets.secret(variable).is_some_and(|key| !key.trim().is_empty())
    }
}

/// Whether the user lets the key in a variable go to a server.
fn allowed(host: &Host<'_>, variable: &str, server: &Url) -> Result<(), SourceError> {
    let place = HostPort::of(server);
    if !host.permissions.keys.iter().any(|grant| grant.allows(variable, server)) {
        return Err(SourceError::Failed {
            message: format!(
                "is read with the key in {variable} from {place}, which nobody has allowed"
            ),
            hint: Some(format!("if you trust it, add `--allow-key {variable}@{place}`")),
        });
    }
    let is_plain = server.scheme() == "http" && !is_this_machine(server);
    if is_plain && !host.permissions.plain_http.iter().any(|granted| granted.holds(server)) {
        return Err(SourceError::Failed {
            message: format!("would send the key in {variable} to {place} unencrypted, over http"),
            hint: Some(format!("if you trust it, add `--allow-plain-http {place}`")),
        });
    }
    Ok(())
}

/// Keys for a server that the user names, not a suite: that is the leave for it, and for no other server.
pub struct NamedServerKeys<'a> {
    /// Where keys come from, and what else the user allows.
    pub host: &'a Host<'a>,
    /// The address of the server.
    pub server: Option<&'a str>,
}

impl NamedServerKeys<'_> {
    /// Does something with the leave that there is.
    fn with_leave<T>(&self, variable: &str, server: &Url, then: impl FnOnce(&Host<'_>) -> T) -> T {
        let named = self.server.and_then(|address| Url::parse(address).ok());
        let is_named = named.is_some_and(|named| named.origin() == server.origin());
        if !is_named {
            return then(self.host);
        }
        let grant = KeyGrant::to(variable, server);
        let mut permissions = self.host.permissions.clone();
        permissions.keys.push(grant);
        then(&Host { permissions: &permissions, ..*self.host })
    }
}

impl SourceKeys for NamedServerKeys<'_> {
    fn key(&self, variable: &str, server: &Url) -> Result<String, SourceError> {
        self.with_leave(variable, server, |host| host.key(variable, server))
    }

    fn cloud(&self, variable: &str, server: &Url) -> Result<CloudEnvironment, SourceError> {
        self.with_leave(variable, server, |host| host.cloud(variable, server))
    }

    fn is_set(&self, variable: &str) -> bool {
        self.host.is_set(variable)
    }
}
