//! Profiles of AWS as its tools read them: two files, each value as it is written there.

use ini::{Ini, ParseOption, Properties};
use reqsign_core::{Context, Error, Result};

/// The profile that the environment names.
pub(super) fn current(context: &Context) -> String {
    context.env_var("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
}

/// The keys of a profile, of both files; `None` where neither has it. Quotes and backslashes stay: they
/// belong to the values.
pub(super) async fn section(context: &Context, profile: &str) -> Result<Option<Properties>> {
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
        let as_written =
            ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
        let parsed = Ini::load_from_str_opt(&text, as_written).map_err(|error| {
            let line = error.line;
            Error::config_invalid(format!("{path}, line {line}, is not as profiles are written"))
        })?;
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

/// An error where AWS's own tools get credentials of a profile in a way that is not known here.
pub(super) fn check_supported(profile: &str, keys: &Properties) -> Result<()> {
    let unsupported = if keys.contains_key("sso_session") && !keys.contains_key("sso_start_url") {
        "sso_session"
    } else if keys.contains_key("login_session") {
        "login_session"
    } else {
        return Ok(());
    };
    let instead = by_the_aws_program(profile);
    let message =
        format!("profile `{profile}` has a `{unsupported}`, which is not supported; {instead}");
    Err(Error::config_invalid(message))
}

/// What to do where only AWS's own program can get the credentials of a profile.
pub(super) fn by_the_aws_program(profile: &str) -> String {
    format!(
        "have AWS's program get them: use another profile with `credential_process = aws configure \
         export-credentials --profile {profile}`, and `--allow-exec`"
    )
}
