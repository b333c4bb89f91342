//! `gcs`: objects of Google Cloud Storage, known by their checksum.

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

/// The variable that stands for the credentials that Google's own tools find.
const CREDENTIALS: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// Parameters of `gcs`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The bucket.
    bucket: String,
    /// The object's name; or a folder (`data/`) or pattern (`data/2026-*.jsonl`), whose objects are read
    /// as one dataset in the order of their names.
    key: String,
    /// One version of the object: its generation.
    #[serde(default)]
    version: Option<String>,
    /// The address of another server that speaks as Google Cloud Storage does.
    #[serde(default)]
    endpoint: Option<String>,
    /// The name of the environment variable with an access token. Without it, credentials are those that
    /// Google's own tools find.
    #[serde(default)]
    token_env: Option<String>,
    /// Whether the bucket is public, and asked without credentials.
    #[serde(default)]
    anonymous: bool,
    /// SHA-256 of the object as it is, before it is unpacked; of several, of their rows as JSON Lines.
    /// One of `sha256` and `blake3` is needed, and `evalmark check --fetch` tells it.
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

#[derive(Debug)]
#[cfg_attr(not(feature = "object-store"), expect(dead_code, reason = "this build asks no store"))]
pub(crate) struct Gcs {
    place: Place,
    token_env: Option<String>,
    is_anonymous: bool,
}

impl DefineSource for Gcs {
    const ABOUT: About = About {
        name: "gcs",
        summary: "Objects of Google Cloud Storage, known by their checksum.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let token_env = variable("token_env", params.token_env)?;
        if params.anonymous && token_env.is_some() {
            let message = "a bucket is asked with a token or with none".to_owned();
            return Err(ParamError { pointer: "/anonymous".to_owned(), message });
        }
        let bucket = plain_name("bucket", &params.bucket)?;
        let objects = Objects::of(&params.key, params.version)?;
        let server = endpoint(params.endpoint.as_deref(), "https://storage.googleapis.com")?;
        let at = params.endpoint.map(|_| format!(" at {server}")).unwrap_or_default();
        let variables = match &token_env {
            _ if params.anonymous => Vec::new(),
            Some(variable) => vec![variable.clone()],
            None => vec![CREDENTIALS.to_owned()],
        };
        let place = Place {
            endpoint: server.as_str().trim_end_matches('/').to_owned(),
            origin: format!("gs://{bucket}/{}{at}", params.key.trim_start_matches('/')),
            server,
            bucket,
            objects,
            variables,
            expected: Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?,
            ca_file: params.ca_file,
        };
        Ok(Self { place, token_env, is_anonymous: params.anonymous })
    }

    fn origin(&self) -> String {
        self.place.origin.clone()
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        objects::fetch(self, context)
    }
}

impl Store for Gcs {
    fn place(&self) -> &Place {
        &self.place
    }

    #[cfg(feature = "object-store")]
    fn proof(&self, context: &SourceContext<'_>) -> Result<Proof, SourceError> {
        if self.is_anonymous {
            return Ok(Proof::Nobody);
        }
        let server = &self.place.server;
        let Some(variable) = &self.token_env else {
            let environment = objects::environment(context, CREDENTIALS, server)?;
            return Ok(Proof::Signature(Arc::new(evalmark_net::GoogleSigner::open(&environment))));
        };
        objects::bearer(&context.keys.key(variable, server)?)
    }

    #[cfg(feature = "object-store")]
    fn connect(
        &self,
        transport: Transport,
    ) -> Result<Box<dyn object_store::ObjectStore>, SourceError> {
        use object_store::{StaticCredentialProvider, gcp};

        // What is sent is signed by the transport; nothing else may be looked for.
        let nobody = gcp::GcpCredential { bearer: String::new() };
        let signs_nothing = gcp::GcpSigningCredential { email: String::new(), private_key: None };
        let store = gcp::GoogleCloudStorageBuilder::new()
            .with_bucket_name(&self.place.bucket)
            .with_base_url(&self.place.endpoint)
            .with_credentials(Arc::new(StaticCredentialProvider::new(nobody)))
            .with_signing_credentials(Arc::new(StaticCredentialProvider::new(signs_nothing)))
            .with_skip_signature(true)
            .with_retry(objects::retries())
            .with_http_connector(transport)
            .build();
        Ok(Box::new(store.map_err(|error| failed(error.to_string()))?))
    }
}
