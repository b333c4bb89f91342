//! AWS: the standard chain of credentials, and requests signed with them (`SigV4`).

mod process_profile;
mod profile;
mod role_profile;

use std::{
    pin::pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context as TaskContext, Poll, Waker},
    time::SystemTime,
};

use http::{HeaderName, HeaderValue, Request, header::HOST};
use reqsign_aws_v4::{
    AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider,
    EnvCredentialProvider, IMDSv2CredentialProvider, ProfileCredentialProvider, RequestSigner,
    SSOCredentialProvider,
};
use reqsign_core::{
    Context, ProvideCredentialDyn, SignRequest, SigningCredential, hash::hex_sha256,
};
use tokio::sync::Mutex;
use url::Url;

use self::{process_profile::ProcessProfile, role_profile::RoleProfile};
use super::{
    CredentialEnvironment,
    context::{Programs, context},
};
use crate::{HttpRequest, Refresh, Secret, Sign, SignError, one_line};

type Provider = Box<dyn ProvideCredentialDyn<Credential = Credential>>;

/// Signs requests to one service in one region, with whatever credentials are found first: those of
/// the environment, of a profile that takes on a role, of a profile, of a single sign-on, of a web
/// identity, of a program that a profile names, of the container, or of the machine.
pub struct AwsSigner {
    signer: RequestSigner,
    context: Context,
    chain: Vec<(&'static str, Provider)>,
    /// Whether what is escaped in a path is escaped again when it is signed.
    escapes_again: bool,
    current: RwLock<Option<Arc<Current>>>,
    /// Held while credentials are fetched, so that they are fetched once.
    fetching: Mutex<()>,
}

/// Credentials, and what nobody may be shown of them.
struct Current {
    credential: Credential,
    secrets: Vec<Secret>,
}

impl AwsSigner {
    /// A signer for a service. The region is that of the address where none is named, and else that of
    /// the environment; an error where nobody names one.
    pub fn open(
        service: &str,
        region: Option<&str>,
        url: &Url,
        environment: &CredentialEnvironment,
    ) -> Result<Self, SignError> {
        let variable = |name| environment.variable(name).map(str::to_owned);
        let region = region
            .map(str::to_owned)
            .or_else(|| region_of(url.host_str()?).map(str::to_owned))
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .ok_or_else(|| SignError::Credentials("no region is known".to_owned()))?;
        Ok(Self {
            signer: RequestSigner::new(service, &region).with_standard_session_token(),
            context: context(environment),
            chain: chain(region, Programs::allowed(environment)),
            escapes_again: service != "s3",
            current: RwLock::default(),
            fetching: Mutex::default(),
        })
    }

    fn current(&self) -> Option<Arc<Current>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address as it is signed: for all services but S3, what is escaped in a path counts as it
    /// stands, and is escaped once more.
    fn signed_address(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path = url.path();
        let path = if self.escapes_again { path.replace('%', "%25") } else { path.to_owned() };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}://{host}{port}{path}{query}", url.scheme())
    }

    fn valid(&self) -> Option<Arc<Current>> {
        self.current().filter(|current| current.credential.is_valid())
    }

    async fn fetch(&self) -> Result<(), SignError> {
        let _fetching = self.fetching.lock().await;
        if self.valid().is_some() {
            return Ok(());
        }
        let mut failures = Vec::new();
        for (name, provider) in &self.chain {
            match provider.provide_credential_dyn(&self.context).await {
                Ok(Some(credential)) => {
                    let token = credential.session_token.as_deref();
                    let secrets = token.into_iter().chain([&*credential.secret_access_key]);
                    let secrets = secrets.map(Secret::new).collect();
                    let current = Some(Arc::new(Current { credential, secrets }));
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
                    return Ok(());
                }
                Ok(None) => {}
                Err(error) => failures.push(format!("{name}: {error}")),
            }
        }
        Err(SignError::Credentials(self.nowhere(failures).await))
    }

    /// That there are no credentials, what went wrong, and where they were looked for.
    async fn nowhere(&self, failures: Vec<String>) -> String {
        let profile = profile::current(&self.context);
        let unsupported = match profile::section(&self.context, &profile).await {
            Ok(Some(keys)) => profile::check_supported(&profile, &keys).err(),
            _ => None,
        };
        let unsupported = unsupported.map(|error| error.to_string());
        let reasons = failures.into_iter().chain(unsupported).map(|reason| one_line(&reason));
        let reasons = reasons.collect::<Vec<_>>().join("; ");
        let colon = if reasons.is_empty() { "" } else { ": " };
        let profile = one_line(&profile);
        format!(
            "no AWS credentials are found{colon}{reasons} (looked at AWS_ACCESS_KEY_ID, at profile \
             `{profile}`, and for a web identity, a container's and a machine's role)"
        )
    }
}

impl std::fmt::Debug for AwsSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsSigner").field("signer", &self.signer).finish_non_exhaustive()
    }
}

/// Who is asked for credentials, in the order of AWS's own tools.
fn chain(region: String, programs: Option<Programs>) -> Vec<(&'static str, Provider)> {
    let web_identity =
        AssumeRoleWithWebIdentityCredentialProvider::new().with_region(region.clone());
    let role = RoleProfile { region, programs: programs.clone() };
    vec![
        ("environment", Box::new(EnvCredentialProvider::new())),
        ("role of a profile", Box::new(role)),
        ("profile", Box::new(ProfileCredentialProvider::new())),
        ("single sign-on", Box::new(SSOCredentialProvider::new())),
        ("web identity", Box::new(web_identity)),
        ("`credential_process`", Box::new(ProcessProfile { profile: None, programs })),
        ("container", Box::new(ECSCredentialProvider::new())),
        ("instance", Box::new(IMDSv2CredentialProvider::new())),
    ]
}

/// The region in an address of AWS: `SERVICE.REGION.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    let rest = host.strip_suffix(".amazonaws.com.cn").or(host.strip_suffix(".amazonaws.com"))?;
    rest.rsplit('.').next().filter(|region| region.split('-').count() >= 3)
}

impl Sign for AwsSigner {
    fn refresh(&self) -> Option<Refresh<'_>> {
        match self.valid() {
            Some(_) => None,
            None => Some(Box::pin(self.fetch())),
        }
    }

    fn sign(&self, request: &mut HttpRequest, _now: SystemTime) -> Result<(), SignError> {
        let failed = |error: &dyn std::fmt::Display| SignError::Credentials(error.to_string());
        let none = || SignError::Credentials("there are no AWS credentials".to_owned());
        let current = self.current().ok_or_else(none)?;
        let digest = HeaderValue::from_str(&hex_sha256(&request.body)).map_err(|e| failed(&e))?;
        request.headers.insert(HeaderName::from_static("x-amz-content-sha256"), digest);
        let signed =
            Request::builder().method(&request.method).uri(self.signed_address(&request.url));
        let (mut parts, ()) = signed.body(()).map_err(|error| failed(&error))?.into_parts();
        parts.headers = request.headers.clone();
        // The client says the host itself, and no signature covers what it adds.
        parts.headers.remove(HOST);
        let signing =
            self.signer.sign_request(&self.context, &mut parts, Some(&current.credential), None);
        // Nothing in it waits for anything.
        let polled = pin!(signing).poll(&mut TaskContext::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(signed) => signed.map_err(|error| failed(&error))?,
            Poll::Pending => return Err(none()),
        }
        parts.headers.remove(HOST);
        request.headers = parts.headers;
        Ok(())
    }

    fn redact(&self, text: String) -> String {
        let Some(current) = self.current() else { return text };
        current.secrets.iter().fold(text, |text, secret| secret.redact(&text).into_owned())
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod sts_tests;
