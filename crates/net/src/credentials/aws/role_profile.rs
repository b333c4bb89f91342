//! Profiles that take on a role: `role_arn` with a `source_profile`, or with a `credential_source`.

use ini::Properties;
use reqsign_aws_v4::{
    AssumeRoleCredentialProvider, Credential, DefaultCredentialProvider, ProfileCredentialProvider,
    RequestSigner, SSOCredentialProvider, StaticCredentialProvider,
};
use reqsign_core::{Context, Error, ProvideCredential, Result, Signer};

use super::{
    process_profile::{AllowedPrograms, ProcessProfile},
    profile,
};

/// The session's name, where a profile has none.
const SESSION: &str = "evalmark";

/// The profile that the environment names, where it takes on a role.
#[derive(Debug)]
pub(super) struct RoleProfile {
    /// The region of the model, for profiles that name none.
    pub(super) region: String,
    pub(super) programs: AllowedPrograms,
}

impl ProvideCredential for RoleProfile {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let profile = profile::current(context);
        let Some(found) = profile::section(context, &profile).await? else { return Ok(None) };
        let Some(role) = found.get("role_arn") else { return Ok(None) };
        // A token of a file takes on the role itself.
        if found.contains_key("web_identity_token_file") {
            return Ok(None);
        }
        if found.contains_key("mfa_serial") {
            let message = format!(
                "profile `{profile}` has an `mfa_serial`: it asks for a code, which nobody can enter here"
            );
            return Err(Error::config_invalid(message));
        }
        let region = found.get("region").unwrap_or(&self.region).to_owned();
        let source = self.source(context, &profile, &found).await?;
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

impl RoleProfile {
    /// The credentials that the role of a profile is taken on with. They are looked for once, and not again by
    /// whoever signs, since a program may ask its user.
    async fn source(
        &self,
        context: &Context,
        profile: &str,
        found: &Properties,
    ) -> Result<StaticCredentialProvider> {
        let (credential, place) = if let Some(source) = found.get("source_profile") {
            (self.of_profile(context, source).await?, format!("with profile `{source}`"))
        } else {
            let source = credential_source(profile, found)?;
            (source.provide_credential(context).await?, "by its `credential_source`".to_owned())
        };
        let credential = credential.ok_or_else(|| {
            Error::config_invalid(format!(
                "profile `{profile}` takes on its role {place}, which gives no credentials"
            ))
        })?;
        let Credential { access_key_id, secret_access_key, session_token, .. } = credential;
        let source = StaticCredentialProvider::new(&access_key_id, &secret_access_key);
        Ok(match session_token {
            Some(token) => source.with_session_token(&token),
            None => source,
        })
    }

    /// The credentials of a profile itself.
    async fn of_profile(&self, context: &Context, name: &str) -> Result<Option<Credential>> {
        let own = ProfileCredentialProvider::new().with_profile(name);
        if let Some(credential) = own.provide_credential(context).await? {
            return Ok(Some(credential));
        }
        if let Some(keys) = profile::section(context, name).await? {
            profile::check_supported(name, &keys)?;
            if keys.contains_key("role_arn") {
                return Err(Error::config_invalid(format!(
                    "profile `{name}` takes on a role itself, and one role by way of another is not \
                     supported; {}",
                    profile::by_the_aws_program(name)
                )));
            }
        }
        let signed_on = SSOCredentialProvider::new().with_profile(name);
        if let Some(credential) = signed_on.provide_credential(context).await? {
            return Ok(Some(credential));
        }
        let process =
            ProcessProfile { profile: Some(name.to_owned()), programs: self.programs.clone() };
        process.provide_credential(context).await
    }
}

/// Whoever has the credentials that the role is taken on with.
fn credential_source(profile: &str, found: &Properties) -> Result<DefaultCredentialProvider> {
    let only =
        DefaultCredentialProvider::builder().no_profile().no_sso().no_web_identity().no_process();
    Ok(match found.get("credential_source") {
        Some("Environment") => only.no_ecs().no_imds().build(),
        Some("EcsContainer") => only.no_env().no_imds().build(),
        Some("Ec2InstanceMetadata") => only.no_env().no_ecs().build(),
        _ => {
            let message = format!(
                "profile `{profile}` has a `role_arn`, and neither a `source_profile` nor a known \
                 `credential_source`"
            );
            return Err(Error::config_invalid(message));
        }
    })
}
