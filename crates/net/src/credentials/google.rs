//! Google Cloud: tokens of a service account, of a user, or of the machine, as its own tools find them.

mod sources;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use tokio::sync::Mutex;

use self::sources::{Source, TokenError};
use super::CredentialEnvironment;
use crate::{HttpRequest, Refresh, Secret, Sign, SignError, one_line};

/// A token that ends earlier than this is fetched anew: a request may take a while.
const HEADROOM: Duration = Duration::from_mins(2);

/// Signs requests with a token, which is fetched with whatever credentials are found first: those of the
/// file that the environment names, of the user's own file, or of the machine.
#[derive(Debug)]
pub struct GoogleSigner {
    environment: CredentialEnvironment,
    current: RwLock<Option<Arc<Token>>>,
    /// Held while a token is fetched, so that it is fetched once.
    fetching: Mutex<()>,
}

/// A token, and what goes with it.
struct Token {
    header: HeaderValue,
    ends: SystemTime,
    /// The project that pays, where the credentials name one.
    quota_project: Option<HeaderValue>,
    secrets: Vec<Secret>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl GoogleSigner {
    /// A signer with the credentials that this environment leads to. Nothing is looked for yet.
    pub fn open(environment: &CredentialEnvironment) -> Self {
        Self {
            environment: environment.clone(),
            current: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    fn current(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_valid(&self) -> bool {
        self.current().is_some_and(|token| token.ends > SystemTime::now() + HEADROOM)
    }

    async fn fetch(&self) -> Result<(), SignError> {
        let _fetching = self.fetching.lock().await;
        if self.is_valid() {
            return Ok(());
        }
        let told = |error: TokenError| SignError::Credentials(one_line(&error.to_string()));
        let source = Source::find(&self.environment).map_err(told)?;
        let lent = source.token(&self.environment).await.map_err(told)?;
        let text = Secret::new(&lent.access_token);
        let wrong = |_| SignError::Characters;
        let mut header =
            HeaderValue::from_str(&format!("Bearer {}", text.expose())).map_err(wrong)?;
        header.set_sensitive(true);
        let project = source.quota_project().map(HeaderValue::from_str).transpose();
        let mut secrets = source.secrets();
        secrets.push(text);
        let token = Token {
            header,
            ends: SystemTime::now() + Duration::from_secs(lent.expires_in.min(86_400)),
            quota_project: project.map_err(wrong)?,
            secrets,
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(token));
        Ok(())
    }
}

impl Sign for GoogleSigner {
    fn refresh(&self) -> Option<Refresh<'_>> {
        if self.is_valid() { None } else { Some(Box::pin(self.fetch())) }
    }

    fn sign(&self, request: &mut HttpRequest, _now: SystemTime) -> Result<(), SignError> {
        let none = || SignError::Credentials("there is no token".to_owned());
        let token = self.current().ok_or_else(none)?;
        request.headers.insert(AUTHORIZATION, token.header.clone());
        if let Some(project) = &token.quota_project {
            let name = HeaderName::from_static("x-goog-user-project");
            request.headers.insert(name, project.clone());
        }
        Ok(())
    }

    fn redact(&self, text: String) -> String {
        let Some(token) = self.current() else { return text };
        token.secrets.iter().fold(text, |text, secret| secret.redact(&text).into_owned())
    }
}

#[cfg(test)]
mod tests;
