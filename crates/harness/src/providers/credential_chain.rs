//! Credentials that are looked for where a cloud's own tools look for them.

use evalmark_core::model::ModelServer;
use evalmark_net::{AwsSigner, CredentialEnvironment, GoogleSigner, Sign, SignError, Url};

/// Whose credentials are looked for. A model has them where its `api_key_env` is `variable`, which
/// need not be set: it is the name by which the user lets them go to another host.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CredentialChain {
    /// AWS's, for requests to this service.
    Aws { variable: &'static str, service: &'static str },
    /// Google Cloud's.
    Google { variable: &'static str },
}

impl CredentialChain {
    /// Whether a model has these credentials.
    pub(crate) fn stands_for(self, server: &ModelServer) -> bool {
        match self {
            Self::Aws { variable, .. } | Self::Google { variable } => {
                server.key.variables() == [variable]
            }
        }
    }

    /// Whoever signs with what is found. Nothing is looked for yet.
    pub(crate) fn signer(
        self,
        region: Option<&str>,
        url: &Url,
        environment: &CredentialEnvironment,
    ) -> Result<Box<dyn Sign>, SignError> {
        Ok(match self {
            Self::Aws { service, .. } => {
                Box::new(AwsSigner::open(service, region, url, environment)?)
            }
            Self::Google { .. } => Box::new(GoogleSigner::open(environment)),
        })
    }
}
