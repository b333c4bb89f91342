//! Certificates that a suite trusts besides the system's.

use std::io::Read;

use evalmark_core::source::SourceContext;

/// The most bytes of a file of certificates.
const MOST_BYTES: u64 = 16 << 20;

/// The PEM text in a file beside the suite, or why there is none.
pub(super) fn certificates(file: &str, context: &SourceContext<'_>) -> Result<Vec<u8>, String> {
    let opened = context.access.open(&context.folder.join(file));
    let mut pem = Vec::new();
    opened
        .map_err(|error| format!("{file} {error}"))?
        .take(MOST_BYTES)
        .read_to_end(&mut pem)
        .map_err(|error| format!("{file} cannot be read: {error}"))?;
    Ok(pem)
}
