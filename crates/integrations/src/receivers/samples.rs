//! The samples of a run, for receivers that take them one by one. They are read from the run's folder when a message is
//! delivered; the outbox holds none.

use std::path::{Path, PathBuf};

use evalmark_core::suite::file_name;
use evalmark_report::{
    run_message::{MessageEvent, RunMessage},
    samples::{SampleRecord, Samples, samples},
};
use evalmark_store::run_folder::RunFolder;
use serde_json::Value;

use super::{courier::DeliveryError, definition::Letter};

/// The file with the samples of the run that a message is about; `None` where its names lead nowhere.
pub(super) fn samples_file(outbox: &Path, message: &RunMessage) -> Option<PathBuf> {
    let (suite, run_id) = (&*message.suite, &*message.run_id);
    file_name(suite).ok()?;
    file_name(run_id).ok()?;
    let path = outbox.parent()?.join(suite).join(run_id);
    Some(RunFolder { path }.samples())
}

/// The samples of a letter's run.
pub(super) fn samples_of(letter: &Letter<'_>) -> Result<Samples, DeliveryError> {
    if letter.message.event == MessageEvent::Drift {
        let message = "an alarm of production has no samples; take `drift` out of `on` here";
        return Err(DeliveryError::refused(message));
    }
    let gone = || DeliveryError::refused("the run's folder with its samples is gone");
    let path = letter.samples.filter(|path| path.is_file()).ok_or_else(gone)?;
    samples(path).map_err(unreadable)
}

/// What a file of samples that cannot be read means.
pub(super) fn unreadable(error: impl std::fmt::Display) -> DeliveryError {
    DeliveryError::refused(format!("the run's samples cannot be read: {error}"))
}

/// The scores that a sample has, by metric. One that is missing is not among them.
pub(super) fn scores<'a>(
    metrics: &'a [String],
    sample: &'a SampleRecord,
) -> impl Iterator<Item = (&'a str, f64)> {
    let scored = metrics.iter().zip(&sample.scores);
    scored.filter_map(|(metric, score)| Some((&**metric, score.filter(|score| score.is_finite())?)))
}

/// What was asked: the messages as JSON.
pub(super) fn question(sample: &SampleRecord) -> Value {
    let request: Value = serde_json::from_str(&sample.request).unwrap_or_default();
    request["messages"].clone()
}

/// A name that stands for these parts wherever they are seen again: 32 hexadecimal digits.
pub(super) fn stable_id(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// The name of a sample of a run.
pub(super) fn sample_id(message: &RunMessage, sample: &SampleRecord) -> String {
    let SampleRecord { prompt, model, item_id, item_hash, .. } = sample;
    let epoch = sample.epoch.to_string();
    let (suite, run_id) = (&*message.suite, &*message.run_id);
    stable_id(&["sample", suite, run_id, prompt, model, item_id, item_hash, &epoch])
}
