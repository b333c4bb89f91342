//! Profiles that take on a role: `role_arn` with a `source_profile`, or with a `credential_source`.

use ini::{Ini, Properties};
use reqsign_aws_v4::{
    AssumeRoleCredentialProvider, Credential, DefaultCredentialProvider, RequestSigner,
};
use reqsign_core::{Context, Error, ProvideCredential, Result, Signer};

/// The session's name, where a profile has none.
const SESSION: &str = "evalmark";

/// The profile that the environment names, where it takes on a role.
#[derive(Debug)]
pub(super) struct RoleProfile {
    /// The region of the model, for profiles that name none.
    pub(super) region: String,
}

impl ProvideCredential for RoleProfile {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let profile = context.env_var("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let Some(found) = section(context, &profile).await? else { return Ok(None) };
        let Some(role) = found.get("role_arn") else { return Ok(None) };
        // A token of a file takes on the role itself.
        if found.contains_key("web_identity_token_file") {
            return Ok(None);
        }
        if found.contains_key("mfa_serial") {
            let message =
                format!("profile `{profile}` asks for a code, which nobody can enter here");
            return Err(Error::config_invalid(message));
        }
        let source = source(&profile, &found)?;
        let region = found.get("region").unwrap_or(&self.region).to_owned();
        let signer = Signer::new(context.clone(), source, RequestSigner::new("sts", &region));
        let session = found.get("role_session_name").unwrap_or(SESSION).to_owned();
        let mut provider = AssumeRoleCredentialProvider::new(role.to_owned(), signer)
            .with_role_session_name(session)
            .with_region(region)
            .with_regional_sts_endpoint();
        if let Some(id) = found.get("external_id") {
            provider = provider.with_external_id(id.to_owned());
        }
        if let Some(seconds) = found.get("duration_seconds").and_then(|text| text.parse().ok()) {
            provider = provider.with_duration_seconds(seconds);
        }
        provider.provide_credential(context).await
    }
}

/// Whoever has the credentials that the role is taken on with.
fn source(profile: &str, found: &Properties) -> Result<DefaultCredentialProvider> {
    let only = DefaultCredentialProvider::builder;
    match (found.get("source_profile"), found.get("credential_source")) {
        (Some(source), _) => {
            let all = only().no_env().no_web_identity().no_ecs().no_imds();
            Ok(all.with_profile(source).build())
        }
        (None, Some("Environment")) => Ok(only()
            .no_profile()
            .no_sso()
            .no_web_identity()
            .no_process()
            .no_ecs()
            .no_imds()
            .build()),
        (None, Some("EcsContainer")) => Ok(only()
            .no_env()
            .no_profile()
            .no_sso()
            .no_web_identity()
            .no_process()
            .no_imds()
            .build()),
        (None, Some("Ec2InstanceMetadata")) => Ok(only()
            .no_env()
            .no_profile()
            .no_sso()
            .no_web_identity()
            .no_process()
            .no_ecs()
            .build()),
        _ => {
            let message = format!(
                "profile `{profile}` has a `role_arn`, and neither a `source_profile` nor a known \
                 `credential_source`"
            );
            Err(Error::config_invalid(message))
        }
    }
}

/// The keys of a profile, of both files; `None` where neither has it.
async fn section(context: &Context, profile: &str) -> Result<Option<Properties>> {
    let named =
        if profile == "default" { profile.to_owned() } else { format!("profile {profile}") };
    let files = [
        ("AWS_CONFIG_FILE", "~/.aws/config", named.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", profile),
    ];
    let mut found: Option<Properties> = None;
    for (variable, usual, section) in files {
        let path = context.env_var(variable).unwrap_or_else(|| usual.to_owned());
        let Some(path) = context.expand_home_dir(&path) else { continue };
        let Ok(text) = context.file_read_as_string(&path).await else { continue };
        let parsed = Ini::load_from_str(&text)
            .map_err(|_| Error::config_invalid(format!("{path} is not as profiles are written")))?;
        let Some(more) = parsed.section(Some(section)) else { continue };
        let keys = found.get_or_insert_default();
        for (key, value) in more {
            if !keys.contains_key(key) {
                keys.insert(key, value);
            }
        }
    }
    Ok(found)
}
