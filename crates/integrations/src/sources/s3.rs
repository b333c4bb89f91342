//! `s3`: objects of Amazon S3, or of a server that speaks as it does, known by their checksum.

#[cfg(feature = "object-store")]
use std::{collections::HashMap, sync::Arc};

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

/// The variable that stands for the credentials that AWS's own tools find.
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

/// Parameters of `s3`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The bucket.
    bucket: String,
    /// The object's key; or a folder (`data/`) or pattern (`data/2026-*.jsonl`), whose objects are read
    /// as one dataset in the order of their keys.
    key: String,
    /// One version of the object.
    #[serde(default)]
    version: Option<String>,
    /// The bucket's region, such as `eu-west-1`. Needed unless there is an `endpoint`.
    #[serde(default)]
    region: Option<String>,
    /// The address of another server that speaks as S3 does.
    #[serde(default)]
    endpoint: Option<String>,
    /// The name of the environment variable with the access key's id. Without it and `secret_key_env`,
    /// credentials are those that AWS's own tools find.
    #[serde(default)]
    access_key_env: Option<String>,
    /// The name of the environment variable with the secret access key.
    #[serde(default)]
    secret_key_env: Option<String>,
    /// The name of the environment variable with the session token, where there is one.
    #[serde(default)]
    session_token_env: Option<String>,
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

/// Where credentials come from.
#[derive(Debug)]
enum Credentials {
    Nobody,
    /// Where AWS's own tools look for them.
    Found,
    Variables {
        access_key: String,
        secret_key: String,
        session_token: Option<String>,
    },
}

#[derive(Debug)]
#[cfg_attr(not(feature = "object-store"), expect(dead_code, reason = "this build asks no store"))]
pub(crate) struct S3 {
    place: Place,
    region: String,
    credentials: Credentials,
}

impl DefineSource for S3 {
    const ABOUT: About = About {
        name: "s3",
        summary: "Objects of Amazon S3, or of a server that speaks as it does, known by their checksum.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let credentials = Credentials::of(&params)?;
        let bucket = plain_name("bucket", &params.bucket)?;
        let objects = Objects::of(&params.key, params.version)?;
        let region = params.region.map(|region| plain_name("region", &region)).transpose()?;
        let region = match (region, &params.endpoint) {
            (Some(region), _) => region,
            (None, Some(_)) => "us-east-1".to_owned(),
            (None, None) => {
                let message = "`region` is missing; name the bucket's, or an `endpoint`".to_owned();
                return Err(ParamError { pointer: "/region".to_owned(), message });
            }
        };
        let ending = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = format!("https://s3.{region}.{ending}");
        let server = endpoint(params.endpoint.as_deref(), &usual)?;
        let at = params.endpoint.map(|_| format!(" at {server}")).unwrap_or_default();
        let place = Place {
            endpoint: server.as_str().trim_end_matches('/').to_owned(),
            origin: format!("s3://{bucket}/{}{at}", params.key.trim_start_matches('/')),
            server,
            bucket,
            objects,
            variables: credentials.variables(),
            expected: Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?,
            ca_file: params.ca_file,
        };
        Ok(Self { place, region, credentials })
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
        let access_key = variable("access_key_env", params.access_key_env.clone())?;
        let secret_key = variable("secret_key_env", params.secret_key_env.clone())?;
        let session_token = variable("session_token_env", params.session_token_env.clone())?;
        let wrong = |pointer: &str, message: &str| {
            Err(ParamError { pointer: pointer.to_owned(), message: message.to_owned() })
        };
        match (access_key, secret_key) {
            (None, None) if session_token.is_some() => wrong(
                "/session_token_env",
                "a session token needs `access_key_env` and `secret_key_env`",
            ),
            (None, None) => Ok(if params.anonymous { Self::Nobody } else { Self::Found }),
            (Some(_), Some(_)) if params.anonymous => {
                wrong("/anonymous", "a bucket is asked with a key or with none")
            }
            (Some(access_key), Some(secret_key)) => {
                Ok(Self::Variables { access_key, secret_key, session_token })
            }
            (Some(_), None) => wrong("/access_key_env", "`secret_key_env` is missing beside it"),
            (None, Some(_)) => wrong("/secret_key_env", "`access_key_env` is missing beside it"),
        }
    }

    fn variables(&self) -> Vec<String> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Found => vec![SECRET.to_owned()],
            Self::Variables { access_key, secret_key, session_token } => {
                let both = [access_key.clone(), secret_key.clone()];
                both.into_iter().chain(session_token.clone()).collect()
            }
        }
    }
}

impl Store for S3 {
    fn place(&self) -> &Place {
        &self.place
    }

    #[cfg(feature = "object-store")]
    fn proof(&self, context: &SourceContext<'_>) -> Result<Proof, SourceError> {
        use evalmark_net::{AwsSigner, CredentialEnvironment};

        let environment = match &self.credentials {
            Credentials::Nobody => return Ok(Proof::Nobody),
            Credentials::Found => objects::environment(context, SECRET, &self.place.server)?,
            Credentials::Variables { access_key, secret_key, session_token } => {
                let names = [Some(access_key), Some(secret_key), session_token.as_ref()];
                let given = objects::keys(context, names, &self.place.server)?;
                let known = ["AWS_ACCESS_KEY_ID", SECRET, "AWS_SESSION_TOKEN"].map(str::to_owned);
                let mut variables: HashMap<_, _> = known.into_iter().zip(given).collect();
                variables.insert("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned());
                CredentialEnvironment { variables, ..CredentialEnvironment::default() }
            }
        };
        let signer = AwsSigner::open("s3", Some(&self.region), &self.place.server, &environment);
        Ok(Proof::Signature(Arc::new(signer.map_err(|error| failed(error.to_string()))?)))
    }

    #[cfg(feature = "object-store")]
    fn connect(
        &self,
        transport: Transport,
    ) -> Result<Box<dyn object_store::ObjectStore>, SourceError> {
        let store = object_store::aws::AmazonS3Builder::new()
            .with_bucket_name(&self.place.bucket)
            .with_region(&self.region)
            .with_endpoint(&self.place.endpoint)
            // What is sent is signed by the transport.
            .with_skip_signature(true)
            .with_retry(objects::retries())
            .with_http_connector(transport)
            .build();
        Ok(Box::new(store.map_err(|error| failed(error.to_string()))?))
    }
}
