//! What is needed before anything can be asked: an address, headers, a form, certificates.

use std::{io::Read, path::Path};

use evalmark_core::{
    files::{MAX_TEXT, open_regular},
    model::ModelServer,
    provider::{Setting, SettingKey, SettingPlace},
};
use evalmark_net::{ClientError, HeaderName, HeaderValue, Url};

use super::HttpError;
use crate::providers::{OwnForm, Speaker};

/// The headers that settings become: so far the version of the protocol alone is one.
pub(super) fn setting_headers(
    speaker: &Speaker,
    server: &ModelServer,
) -> Result<Vec<(HeaderName, HeaderValue)>, HttpError> {
    let header = |setting: &Setting| match (setting.key, setting.place, &server.api_version) {
        (SettingKey::ApiVersion, SettingPlace::Header(name), Some(version)) => {
            let value = HeaderValue::from_str(version);
            let value = value.map_err(|_| {
                HttpError::Url("`api_version` holds characters that no header may have".to_owned())
            });
            Some(value.map(|value| (HeaderName::from_static(name), value)))
        }
        _ => None,
    };
    speaker.about.settings.iter().filter_map(header).collect()
}

/// How models are asked, where the suite says so.
pub(super) fn own_form(
    speaker: &Speaker,
    server: &ModelServer,
    base: &Url,
) -> Result<Option<Box<dyn OwnForm>>, HttpError> {
    let (Some(own), Some(options)) = (speaker.own_form, &server.options) else { return Ok(None) };
    let form = (own.open)(options, base).map_err(|problems| {
        let told: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
        HttpError::Form(own.kind.key, told.join("; "))
    })?;
    Ok(Some(form))
}

/// The base URL, as far as requests can be sent there.
pub(super) fn base(base_url: &str) -> Result<Url, HttpError> {
    let wrong = |what: &str| HttpError::Url(format!("the base URL {what}"));
    let url = Url::parse(base_url).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not contain a user name or password"));
    }
    Ok(url)
}

/// The text of a PEM file.
pub(super) fn certificates(path: &Path) -> Result<Vec<u8>, HttpError> {
    let mut pem = Vec::new();
    let read = open_regular(path).and_then(|file| Ok(file.take(MAX_TEXT).read_to_end(&mut pem)?));
    read.map_err(|error| HttpError::Certificates(format!("{} {error}", path.display())))?;
    Ok(pem)
}

/// Trouble with the certificates names their file.
pub(super) fn client_error(error: ClientError, ca_file: Option<&Path>) -> HttpError {
    match (&error, ca_file) {
        (ClientError::NoCertificate | ClientError::NoPem(_), Some(path)) => {
            HttpError::Certificates(format!("{} {error}", path.display()))
        }
        _ => HttpError::Client(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_base(base_url: &str, expected: &str) {
        let told = match base(base_url) {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn a_base_url_is_one_that_requests_can_be_sent_to() {
        check_base("http://h:1/v1", "http://h:1/v1");
        check_base("ftp://h", "the base URL must begin with http:// or https://");
        check_base("h/v1", "the base URL is not a URL: relative URL without a base");
        check_base("http://u:p@h/", "the base URL must not contain a user name or password");
    }
}
