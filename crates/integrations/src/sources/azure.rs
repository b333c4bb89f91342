//! `azure`: blobs of Azure Blob Storage, known by their checksum.

#[cfg(feature = "object-store")]
use std::sync::Arc;

use evalmark_core::{
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checksum::Checksum,
    definition::{About, DefineSource},
    objects::{self, Objects, Place, Store, endpoint, plain_name, variable},
};
#[cfg(feature = "object-store")]
use super::{
    objects::transport::{Proof, Transport},
    snapshots::failed,
};

/// Parameters of `azure`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The storage account.
    account: String,
    /// The container.
    container: String,
    /// The blob's name; or a folder (`data/`) or pattern (`data/2026-*.jsonl`), whose blobs are read as
    /// one dataset in the order of their names.
    key: String,
    /// One version of the blob.
    #[serde(default)]
    version: Option<String>,
    /// The address of another server that speaks as Azure Blob Storage does, with the account in its path
    /// where that belongs there.
    #[serde(default)]
    endpoint: Option<String>,
    /// The name of the environment variable with the account's key.
    #[serde(default)]
    key_env: Option<String>,
    /// The name of the environment variable with a shared access signature: `sv=…&sig=…`.
    #[serde(default)]
    sas_env: Option<String>,
    /// The name of the environment variable with an access token of Microsoft Entra.
    #[serde(default)]
    token_env: Option<String>,
    /// Whether the container is public, and asked without a key.
    #[serde(default)]
    anonymous: bool,
    /// SHA-256 of the blob as it is, before it is unpacked; of several, of their rows as JSON Lines. One
    /// of `sha256` and `blake3` is needed, and `evalmark check --fetch` tells it.
    #[serde(default)]
    sha256: Option<String>,
    /// BLAKE3 of the same.
    #[serde(default)]
    blake3: Option<String>,
    /// PEM file, relative to the suite file, with certificates that the server's may be signed by,
    /// besides the system's.
    #[serde(default)]
    ca_file: Option<String>,
}

/// What a container is asked with.
#[derive(Debug)]
enum Credentials {
    Nobody,
    AccountKey(String),
    Sas(String),
    Token(String),
}

#[derive(Debug)]
#[cfg_attr(not(feature = "object-store"), expect(dead_code, reason = "this build asks no store"))]
pub(crate) struct Azure {
    place: Place,
    account: String,
    credentials: Credentials,
}

impl DefineSource for Azure {
    const ABOUT: About = About {
        name: "azure",
        summary: "Blobs of Azure Blob Storage, known by their checksum.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let credentials = Credentials::of(&params)?;
        let account = plain_name("account", &params.account)?;
        let container = plain_name("container", &params.container)?;
        let objects = Objects::of(&params.key, params.version)?;
        let usual = format!("https://{account}.blob.core.windows.net");
        let server = endpoint(params.endpoint.as_deref(), &usual)?;
        let endpoint = server.as_str().trim_end_matches('/').to_owned();
        let place = Place {
            origin: format!("{endpoint}/{container}/{}", params.key.trim_start_matches('/')),
            endpoint,
            server,
            bucket: container,
            objects,
            variables: credentials.variable().map(str::to_owned).into_iter().collect(),
            expected: Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?,
            ca_file: params.ca_file,
        };
        Ok(Self { place, account, credentials })
    }

    fn origin(&self) -> String {
        self.place.origin.clone()
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        objects::fetch(self, context)
    }
}

impl Credentials {
    fn of(params: &Params) -> Result<Self, ParamError> {
        let mut given: Vec<Self> = Vec::new();
        given.extend(variable("key_env", params.key_env.clone())?.map(Self::AccountKey));
        given.extend(variable("sas_env", params.sas_env.clone())?.map(Self::Sas));
        given.extend(variable("token_env", params.token_env.clone())?.map(Self::Token));
        given.extend(params.anonymous.then_some(Self::Nobody));
        let wrong =
            |message: &str| Err(ParamError { pointer: String::new(), message: message.to_owned() });
        match given.pop() {
            Some(only) if given.is_empty() => Ok(only),
            Some(_) => wrong(
                "a container is asked with one of `key_env`, `sas_env`, `token_env` and \
                 `anonymous: true`, and here are several",
            ),
            None => wrong(
                "does not say what the container is asked with: `key_env`, `sas_env` or `token_env` \
                 names a variable, and `anonymous: true` is for a public container",
            ),
        }
    }

    fn variable(&self) -> Option<&str> {
        match self {
            Self::Nobody => None,
            Self::AccountKey(name) | Self::Sas(name) | Self::Token(name) => Some(name),
        }
    }
}

impl Store for Azure {
    fn place(&self) -> &Place {
        &self.place
    }

    #[cfg(feature = "object-store")]
    fn proof(&self, context: &SourceContext<'_>) -> Result<Proof, SourceError> {
        use evalmark_net::Secret;

        let key = |name: &str| context.keys.key(name, &self.place.server);
        Ok(match &self.credentials {
            Credentials::Nobody => Proof::Nobody,
            Credentials::AccountKey(name) => Proof::OfTheStore(Secret::new(&key(name)?)),
            Credentials::Sas(name) => {
                let parameters = key(name)?;
                Proof::Parameters(Secret::new(parameters.trim().trim_start_matches('?')))
            }
            Credentials::Token(name) => objects::bearer(&key(name)?)?,
        })
    }

    #[cfg(feature = "object-store")]
    fn connect(
        &self,
        transport: Transport,
    ) -> Result<Box<dyn object_store::ObjectStore>, SourceError> {
        use object_store::{StaticCredentialProvider, azure};

        let builder = azure::MicrosoftAzureBuilder::new()
            .with_account(&self.account)
            .with_container_name(&self.place.bucket)
            .with_endpoint(self.place.endpoint.clone())
            .with_retry(objects::retries());
        let (credentials, is_unsigned) = match transport.key() {
            None => (azure::AzureCredential::BearerToken(String::new()), true),
            // Its signature covers headers that the library alone knows.
            Some(key) => {
                let key = azure::AzureAccessKey::try_new(key.expose().trim());
                let key = key.map_err(|_| failed("the account's key is none: it is not base64"))?;
                (azure::AzureCredential::AccessKey(key), false)
            }
        };
        let builder = builder
            .with_credentials(Arc::new(StaticCredentialProvider::new(credentials)))
            .with_skip_signature(is_unsigned);
        let store = builder.with_http_connector(transport).build();
        Ok(Box::new(store.map_err(|error| failed(error.to_string()))?))
    }
}
