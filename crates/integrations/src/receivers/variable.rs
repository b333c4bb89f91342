//! Names of variables in a receiver's parameters: a secret never stands there itself.

use evalmark_core::{
    key_hosts::KeyOwner,
    metric::ParamError,
    receiver::{SecretGoes, SecretUse},
    suite::holds_a_key,
};

/// Checks that a parameter is the name of a variable. What stands there instead is not repeated: it may be a secret.
pub(super) fn variable(name: &str, pointer: &str) -> Result<(), ParamError> {
    let wrong = |message: &str| {
        Err(ParamError { pointer: pointer.to_owned(), message: message.to_owned() })
    };
    if name.contains("://") {
        return wrong(
            "this is an address, and a secret here: put it into an environment variable, and write the variable's NAME; if it \
             was real, revoke it",
        );
    }
    if holds_a_key(name) {
        return wrong(
            "this is a key: put it into an environment variable, and write the variable's NAME; if it was real, revoke it",
        );
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if !begins || !name.chars().all(is_name) || name.len() > 200 {
        return wrong("this is no name of an environment variable");
    }
    Ok(())
}

/// The use of an address in a variable.
pub(super) fn address(variable: &str, owners: &'static [KeyOwner]) -> SecretUse {
    SecretUse { variable: variable.to_owned(), goes_to: SecretGoes::There, owners }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_not_repeated() {
        let check = |text: &str, expected: Option<&str>| {
            let message = variable(text, "/url_env").err().map(|error| error.message);
            let tells = message.as_deref().map(|message| {
                assert!(text.is_empty() || !message.contains(text), "{message}");
                message.split([',', ':']).next().unwrap_or_default()
            });
            assert_eq!(tells, expected, "{text}");
        };
        check("SLACK_WEBHOOK_URL", None);
        check("_x9", None);
        check("https://hooks.slack.com/services/T0/B0/x", Some("this is an address"));
        check("xoxb-1234567890-abcdef", Some("this is a key"));
        check("9A", Some("this is no name of an environment variable"));
        check("A B", Some("this is no name of an environment variable"));
        check("", Some("this is no name of an environment variable"));
    }
}
