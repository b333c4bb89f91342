//! Releases as events of product analytics: one for each prompt, by names that analysts can join on.

use evalmark_report::release_message::{MessagePrompt, MessageRelease};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{courier::DeliveryError, definition::Letter};

/// The release that a letter is about.
pub(super) fn release_of<'a>(letter: &Letter<'a>) -> Result<&'a MessageRelease, DeliveryError> {
    letter.message.release.as_ref().ok_or_else(|| {
        DeliveryError::refused("it is told of releases (`evalmark release promote`), not of runs")
    })
}

/// When it was released.
pub(super) fn moment(release: &MessageRelease) -> Result<Timestamp, DeliveryError> {
    release.released_at.parse().map_err(|_| {
        DeliveryError::refused(format!("the release's time, {}, is none", release.released_at))
    })
}

/// The name of its events.
pub(super) fn name(release: &MessageRelease) -> &'static str {
    if release.back_to.is_some() { "prompt_rolled_back" } else { "prompt_released" }
}

/// What the event of a prompt says; what there is not is not among it.
pub(super) fn properties(
    release: &MessageRelease,
    prompt: &MessagePrompt,
) -> Vec<(&'static str, Value)> {
    let all = [
        ("environment", json!(release.environment)),
        ("release", json!(release.number)),
        ("prompt", json!(prompt.name)),
        ("prompt_hash", json!(prompt.hash)),
        ("previous_prompt_hash", json!(prompt.previous_hash)),
        ("model", json!(prompt.model)),
        ("back_to_release", json!(release.back_to)),
    ];
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// Sends items in parts of at most `most`. Where one fails, the next attempt goes on with it.
pub(super) fn in_parts<T>(
    letter: &Letter<'_>,
    items: &[T],
    most: usize,
    mut deliver: impl FnMut(&[T]) -> Result<(), DeliveryError>,
) -> Result<Option<Value>, DeliveryError> {
    let sent = letter.progress.and_then(|progress| progress["sent"].as_u64());
    let mut sent = usize::try_from(sent.unwrap_or_default()).unwrap_or_default();
    for part in items.get(sent..).unwrap_or_default().chunks(most) {
        deliver(part).map_err(|error| error.with_progress(json!({ "sent": sent })))?;
        sent += part.len();
    }
    Ok(None)
}
