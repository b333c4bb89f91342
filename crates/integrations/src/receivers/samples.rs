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
    let nowhere = || DeliveryError::refused("the run's name leads to no folder with samples");
    let path = letter.samples.ok_or_else(nowhere)?;
    is_there(path).map_err(DeliveryError::refused)?;
    samples(path).map_err(unreadable)
}

/// Says what is missing: the folder of the run, or its samples alone.
fn is_there(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.is_dir());
    match folder {
        Some(folder) => {
            Err(format!("the run's folder {} with its samples is gone", folder.display()))
        }
        None if !path.exists() => {
            Err(format!("the run has no samples: {} is gone", path.display()))
        }
        None if !path.is_file() => {
            Err(format!("the run's samples are damaged: {} is no file", path.display()))
        }
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::is_there;

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |name: &str, expected: &str| {
            let told = is_there(&folder.path().join(name)).err().unwrap_or_default();
            assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{told}");
        };
        fs::create_dir_all(folder.path().join("run/folder.parquet")).expect("a folder");
        fs::write(folder.path().join("run/samples.parquet"), "damaged").expect("written");
        check("other/samples.parquet", "other with its samples is gone");
        check("run/gone.parquet", "the run has no samples: ");
        check("run/folder.parquet", "folder.parquet is no file");
        check("run/samples.parquet", "");
    }
}
