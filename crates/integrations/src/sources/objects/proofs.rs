//! What proves to a store who asks, as far as the user lets a suite use it.

use std::sync::Arc;

use evalmark_core::source::{CloudEnvironment, SourceContext, SourceError};
use evalmark_net::{CredentialEnvironment, KeyHeader, Secret, Url};

use super::transport::Proof;
use crate::sources::snapshots::failed;

/// Where a cloud's credentials are looked for.
pub(in crate::sources) fn environment(
    context: &SourceContext<'_>,
    variable: &str,
    server: &Url,
) -> Result<CredentialEnvironment, SourceError> {
    let CloudEnvironment { variables, home, may_run_programs, program_variables } =
        context.keys.cloud(variable, server).map_err(or_public)?;
    Ok(CredentialEnvironment { variables, home, may_run_programs, program_variables })
}

/// Whoever has no leave may want none.
fn or_public(error: SourceError) -> SourceError {
    match error {
        SourceError::Failed { message, hint: Some(hint) } => {
            let hint = format!("{hint}; a public bucket is read with `anonymous: true`");
            SourceError::Failed { message, hint: Some(hint) }
        }
        other => other,
    }
}

/// The keys in several variables; all that are missing or not allowed are told at once.
pub(in crate::sources) fn keys<const N: usize>(
    context: &SourceContext<'_>,
    variables: [Option<&String>; N],
    server: &Url,
) -> Result<Vec<String>, SourceError> {
    let (mut given, mut messages, mut hints) = (Vec::new(), Vec::new(), Vec::new());
    for variable in variables.into_iter().flatten() {
        match context.keys.key(variable, server) {
            Ok(key) => given.push(key),
            Err(SourceError::Failed { message, hint }) => {
                messages.push(message);
                hints.extend(hint);
            }
            Err(other) => return Err(other),
        }
    }
    if messages.is_empty() {
        return Ok(given);
    }
    let hint = (!hints.is_empty()).then(|| hints.join("; "));
    Err(SourceError::Failed { message: messages.join("; "), hint })
}

/// A token in a header.
pub(in crate::sources) fn bearer(token: &str) -> Result<Proof, SourceError> {
    let header = KeyHeader::bearer(&Secret::new(token.trim()));
    let header = header.map_err(|error| failed(format!("cannot be asked: {error}")))?;
    Ok(Proof::Signature(Arc::new(header)))
}
