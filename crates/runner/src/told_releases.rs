//! What receivers are to be told of a release: it goes into the outbox, each release once.

use std::path::Path;

use evalmark_core::receiver::ReceiverSpec;
use evalmark_report::{
    release_message::{MessagePrompt, MessageRelease},
    run_message::RunMessage,
};
use evalmark_store::releases::ReleaseAction;
use serde_json::json;

use crate::{Host, QueuedMessages, Releases, error::Result, error::RunError};

/// The receivers that hear of releases: those of the project's file beside the folder of releases or above it.
pub fn release_receivers(releases: &Releases, host: &Host<'_>) -> Result<Vec<ReceiverSpec>> {
    let (root, roots) = (releases.root(), &host.permissions.roots);
    let all = ReceiverSpec::of_folder(&root, host.receivers, roots).map_err(RunError::new)?;
    let hears = |one: &ReceiverSpec| one.is_told_on(&RunMessage::release_occasions());
    Ok(all.into_iter().filter(hears).collect())
}

/// Writes what these receivers are to be told of a release into the outbox below `out`.
pub fn queue_release(
    (releases, environment, number): (&Releases, &str, u64),
    receivers: &[ReceiverSpec],
    out: &Path,
    link: Option<&str>,
    host: &Host<'_>,
) -> Result<QueuedMessages> {
    let mut queued = QueuedMessages::default();
    if receivers.is_empty() {
        return Ok(queued);
    }
    let release = message_release(releases, environment, number)?;
    let (_, sha256) = releases.folder.record(environment, number)?;
    let message = RunMessage::of_release(&release, link);
    let key = json!(["release", environment, number, sha256]).to_string();
    queued.note(out);
    for receiver in receivers {
        queued.add(out, receiver, (&message.suite, &message.run_id), &key, &message, host);
    }
    Ok(queued)
}

/// A release as messages have it.
fn message_release(releases: &Releases, environment: &str, number: u64) -> Result<MessageRelease> {
    let (record, _) = releases.folder.record(environment, number)?;
    let before = releases.folder.state_at(environment, number.saturating_sub(1))?;
    let prompts = record.prompts.iter().map(|(name, prompt)| MessagePrompt {
        name: name.clone(),
        hash: prompt.as_ref().map(|prompt| prompt.hash.clone()),
        previous_hash: before.prompts.get(name).map(|standing| standing.prompt.hash.clone()),
        model: prompt.as_ref().and_then(|prompt| prompt.model.model.clone()),
    });
    let back_to = match record.action {
        ReleaseAction::Rollback { to } => Some(to),
        ReleaseAction::Promote { .. } => None,
    };
    Ok(MessageRelease {
        environment: record.environment.clone(),
        number: record.release,
        action: if back_to.is_some() { "rollback" } else { "promote" }.to_owned(),
        back_to,
        prompts: prompts.collect(),
        released_by: record.released_by.clone(),
        released_at: record.released_at.clone(),
        reason: record.reason.clone(),
    })
}
