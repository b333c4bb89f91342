//! Where a token comes from: a file of a service account or a user, or the machine's metadata server.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, header::CONTENT_TYPE};
use reqsign_core::HttpSend;
use rustls::{
    SignatureScheme,
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};

use super::super::{
    CredentialEnvironment,
    context::{Files, Services},
};
use crate::Secret;

/// What a token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where tokens are fetched, where a file does not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// The machine's metadata server.
const METADATA_HOST: &str = "metadata.google.internal";

/// Why there is no token. No message holds what a file or a response does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("the Google credentials {path}: {why}")]
    File { path: String, why: String },
    #[error("no token comes from {host}: {why}")]
    Service { host: String, why: String },
}

/// A token as services send it.
pub(super) struct Lent {
    pub(super) access_token: String,
    pub(super) expires_in: u64,
}

/// Who lends tokens.
pub(super) enum Source {
    File(PathBuf, Value),
    Metadata,
}

impl Source {
    /// The first that is there: the file that the environment names has to be.
    pub(super) fn find(environment: &CredentialEnvironment) -> Result<Self, TokenError> {
        if let Some(path) = environment.variable("GOOGLE_APPLICATION_CREDENTIALS") {
            return Self::read(PathBuf::from(path));
        }
        let folder = environment.variable("CLOUDSDK_CONFIG").map(PathBuf::from);
        let usual = || Some(environment.home.as_ref()?.join(".config").join("gcloud"));
        let roaming = || Some(PathBuf::from(environment.variable("APPDATA")?).join("gcloud"));
        let folder = folder.or_else(|| if cfg!(windows) { roaming() } else { usual() });
        let path = folder.map(|folder| folder.join("application_default_credentials.json"));
        match path.filter(|path| path.exists()) {
            Some(path) => Self::read(path),
            None => Ok(Self::Metadata),
        }
    }

    fn read(path: PathBuf) -> Result<Self, TokenError> {
        let bytes = Files::read(&path).map_err(|why| wrong(&path, &why))?;
        match serde_json::from_slice(&bytes) {
            Ok(json) => Ok(Self::File(path, json)),
            Err(_) => Err(wrong(&path, "the file is not JSON")),
        }
    }

    /// Fetches a token.
    pub(super) async fn token(
        &self,
        environment: &CredentialEnvironment,
    ) -> Result<Lent, TokenError> {
        let (path, file) = match self {
            Self::Metadata => return of_metadata(environment).await,
            Self::File(path, file) => (path, file),
        };
        let address = file["token_uri"].as_str().unwrap_or(TOKEN_URI);
        let form = match file["type"].as_str() {
            Some("service_account") => {
                let assertion = assertion(file, address).map_err(|why| wrong(path, why))?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                form(&[("grant_type", grant), ("assertion", &assertion)])
            }
            Some("authorized_user") => {
                let text = |name: &str| {
                    file[name].as_str().ok_or_else(|| wrong(path, &format!("`{name}` is missing")))
                };
                form(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", text("client_id")?),
                    ("client_secret", text("client_secret")?),
                    ("refresh_token", text("refresh_token")?),
                ])
            }
            _ => {
                let why = "its `type` is neither `service_account` nor `authorized_user`";
                return Err(wrong(path, why));
            }
        };
        let request = Request::post(address)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form));
        lent(address, request).await
    }

    /// The project that pays for requests, where the file names one.
    pub(super) fn quota_project(&self) -> Option<&str> {
        match self {
            Self::File(_, file) => file["quota_project_id"].as_str(),
            Self::Metadata => None,
        }
    }

    /// What nobody may be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let Self::File(_, file) = self else { return Vec::new() };
        let names = ["client_secret", "refresh_token", "private_key"];
        names.iter().filter_map(|name| Some(Secret::new(file[*name].as_str()?))).collect()
    }
}

fn wrong(path: &std::path::Path, why: &str) -> TokenError {
    TokenError::File { path: path.display().to_string(), why: why.to_owned() }
}

/// What a service account says of itself, signed with its key.
pub(super) fn assertion(file: &Value, audience: &str) -> Result<String, &'static str> {
    let email = file["client_email"].as_str().ok_or("`client_email` is missing")?;
    let pem = file["private_key"].as_str().ok_or("`private_key` is missing")?;
    let not_rsa = "`private_key` is no RSA key in PEM";
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| not_rsa)?;
    let key = any_supported_type(&key).map_err(|_| not_rsa)?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or(not_rsa)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut header = json!({ "alg": "RS256", "typ": "JWT" });
    if let Some(id) = file["private_key_id"].as_str() {
        header["kid"] = id.into();
    }
    let claims = json!({
        "iss": email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now + 3_600,
    });
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let statement = format!("{}.{}", part(&header), part(&claims));
    let signature = signer.sign(statement.as_bytes()).map_err(|_| not_rsa)?;
    Ok(format!("{statement}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

async fn of_metadata(environment: &CredentialEnvironment) -> Result<Lent, TokenError> {
    let host = environment.variable("GCE_METADATA_HOST").unwrap_or(METADATA_HOST);
    let address =
        format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
    let request = Request::get(&address).header("metadata-flavor", "Google").body(Bytes::new());
    lent(&address, request).await.map_err(|error| match error {
        TokenError::Service { host, why } => {
            TokenError::Service { host: format!("{host}, and no credentials stand in a file"), why }
        }
        other @ TokenError::File { .. } => other,
    })
}

/// Asks for a token. What a service says of an error is a word and a sentence.
async fn lent(
    address: &str,
    request: Result<Request<Bytes>, http::Error>,
) -> Result<Lent, TokenError> {
    let host = url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    let failed = |why: String| TokenError::Service { host: host.clone().unwrap_or_default(), why };
    let request = request.map_err(|error| failed(error.to_string()))?;
    let response = Services.http_send(request).await.map_err(|error| failed(error.to_string()))?;
    let status = response.status();
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    if !status.is_success() {
        let words = ["error", "error_description"].map(|name| body[name].as_str().unwrap_or(""));
        return Err(failed(format!("HTTP {status} {}", words.join(" ").trim())));
    }
    let token = body["access_token"].as_str().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| failed("the response holds no token".to_owned()))?;
    let expires_in = body["expires_in"].as_u64().unwrap_or(0);
    Ok(Lent { access_token: token.to_owned(), expires_in })
}
