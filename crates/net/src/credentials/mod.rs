//! Credentials of clouds, which are looked for where the clouds' own tools look for them, fetched where
//! they are lent for a time, and fetched anew before they expire.
//!
//! This is the only place here that knows services by name. It reads no environment: whoever calls
//! passes in what the environment says, as [`CredentialEnvironment`].

mod aws;
mod context;
mod google;

use std::{collections::HashMap, ffi::OsString, path::PathBuf};

pub use aws::AwsSigner;
pub use google::GoogleSigner;

/// What the environment says of credentials, and what may be done to find them.
#[derive(Clone, Default)]
pub struct CredentialEnvironment {
    /// Those of [`CredentialEnvironment::VARIABLES`] that are set.
    pub variables: HashMap<String, String>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Whether a program that a profile names may be run.
    pub may_run_programs: bool,
    /// The variables that such a program sees.
    pub program_variables: Vec<(OsString, OsString)>,
}

impl CredentialEnvironment {
    /// The variables that say what credentials there are, or where.
    pub const VARIABLES: &[&str] = &[
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "CLOUDSDK_CONFIG",
        "APPDATA",
        "GCE_METADATA_HOST",
    ];

    /// Those of the variables that hold secrets themselves.
    pub const SECRET_VARIABLES: &[&str] =
        &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];

    /// What a variable says; an empty one says nothing.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl std::fmt::Debug for CredentialEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialEnvironment").field("home", &self.home).finish_non_exhaustive()
    }
}
