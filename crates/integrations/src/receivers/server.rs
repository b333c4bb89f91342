//! Servers that a suite names by their address, and what proves to them who sends.

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_core::{
    metric::ParamError,
    receiver::{SecretGoes, SecretUse},
};
use evalmark_net::{HttpRequest, Secret, SignError, Url};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    courier::{Courier, DeliveryError},
    variable::{address, variable},
};
use crate::services::rest::server_address;

/// Where a server is, and who sends: the parameters that several receivers share. [`Beside`](super::beside::Beside) puts them
/// beside a receiver's own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerParams {
    /// The server's address.
    #[serde(default)]
    pub(super) url: Option<String>,
    /// NAME of the environment variable that holds the address instead.
    #[serde(default)]
    pub(super) url_env: Option<String>,
    /// NAME of the environment variable that holds a token.
    #[serde(default)]
    pub(super) token_env: Option<String>,
    /// The user's name, where the server asks for a name and a password.
    #[serde(default)]
    pub(super) user: Option<String>,
    /// NAME of the environment variable that holds the user's password.
    #[serde(default)]
    pub(super) password_env: Option<String>,
}

/// A server that is told over HTTP.
#[derive(Clone, Debug)]
pub(super) struct Server {
    place: Place,
    login: Login,
}

#[derive(Clone, Debug)]
enum Place {
    Named(Url),
    Variable(String),
}

#[derive(Clone, Debug)]
enum Login {
    None,
    /// A scheme such as `Bearer`, and the variable of what stands behind it.
    Token(&'static str, String),
    Password(String, String),
}

impl Server {
    pub(super) fn open(params: ServerParams) -> Result<Self, ParamError> {
        let wrong =
            |pointer: &str, message: String| ParamError { pointer: pointer.to_owned(), message };
        let place = match (params.url, params.url_env) {
            (Some(url), None) => {
                let url = server_address(&url);
                Place::Named(url.map_err(|why| wrong("/url", format!("`url` {why}")))?)
            }
            (None, Some(name)) => {
                variable(&name, "/url_env")?;
                Place::Variable(name)
            }
            _ => {
                let message = "exactly one of `url` and `url_env` says where the server is";
                return Err(wrong("", message.to_owned()));
            }
        };
        let login = match (params.token_env, params.user, params.password_env) {
            (None, None, None) => Login::None,
            (Some(token), None, None) => {
                variable(&token, "/token_env")?;
                Login::Token("Bearer", token)
            }
            (None, Some(user), Some(password)) => {
                variable(&password, "/password_env")?;
                Login::Password(user, password)
            }
            (Some(_), _, _) => {
                let message =
                    "`token_env` stands beside `user` or `password_env`: one of both is sent";
                return Err(wrong("/token_env", message.to_owned()));
            }
            _ => {
                let message = "`user` and `password_env` belong together";
                return Err(wrong("", message.to_owned()));
            }
        };
        Ok(Self { place, login })
    }

    /// The same with a key that a parameter of the receiver's own names, under an authorization scheme of its own.
    pub(super) fn with_key(
        self,
        scheme: &'static str,
        name: Option<String>,
        parameter: &str,
    ) -> Result<Self, ParamError> {
        let Some(name) = name else { return Ok(self) };
        let pointer = format!("/{parameter}");
        if !matches!(self.login, Login::None) {
            let message = format!(
                "`{parameter}` stands beside `token_env` or `password_env`: one of them is sent"
            );
            return Err(ParamError { pointer, message });
        }
        variable(&name, &pointer)?;
        Ok(Self { login: Login::Token(scheme, name), ..self })
    }

    /// The secrets that it uses. None is known to belong anywhere: the user says where each may go.
    pub(super) fn secrets(&self) -> Vec<SecretUse> {
        let place = match &self.place {
            Place::Named(_) => None,
            Place::Variable(name) => Some(address(name, &[])),
        };
        place.into_iter().chain(self.key()).collect()
    }

    fn key(&self) -> Option<SecretUse> {
        let (Login::Token(_, variable) | Login::Password(_, variable)) = &self.login else {
            return None;
        };
        let goes_to = self.goes_to();
        Some(SecretUse { variable: variable.clone(), goes_to, owners: &[] })
    }

    /// Where secrets go that are sent to it.
    pub(super) fn goes_to(&self) -> SecretGoes {
        match &self.place {
            Place::Named(url) => SecretGoes::ToServer(url.clone()),
            Place::Variable(name) => SecretGoes::ToAddressIn(name.clone()),
        }
    }

    /// Its address.
    pub(super) fn address(&self, courier: &mut dyn Courier) -> Result<Url, DeliveryError> {
        match &self.place {
            Place::Named(url) => Ok(url.clone()),
            Place::Variable(name) => courier.address(&address(name, &[])),
        }
    }

    /// Adds to a request what proves who sends it.
    pub(super) fn signed(
        &self,
        mut request: HttpRequest,
        courier: &mut dyn Courier,
    ) -> Result<HttpRequest, DeliveryError> {
        let Some(key) = self.key() else { return Ok(request) };
        let secret = courier.key(&key, &request.url)?;
        let text = match &self.login {
            Login::Password(user, _) => {
                let both = STANDARD.encode(format!("{user}:{}", secret.expose()));
                format!("Basic {both}")
            }
            Login::Token(scheme, _) => format!("{scheme} {}", secret.expose()),
            Login::None => return Ok(request),
        };
        request.headers.insert("authorization", hidden_header(&text)?);
        Ok(request)
    }
}

/// A header that no message shows.
pub(super) fn hidden_header(text: &str) -> Result<evalmark_net::HeaderValue, DeliveryError> {
    let mut value = evalmark_net::HeaderValue::from_str(text)
        .map_err(|_| DeliveryError::refused(SignError::Characters.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// `Authorization: Bearer …`.
pub(super) fn bearer(key: &Secret) -> Result<evalmark_net::HeaderValue, DeliveryError> {
    hidden_header(&format!("Bearer {}", key.expose()))
}

/// An address with more segments of a path, each encoded.
pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
