//! Calibrations beside the runs of their suite.

use std::fs;

use evalmark_store::{
    LocalFolder,
    calibration::{Calibration, path_of},
};
use serde_json::json;
use tempfile::tempdir;

use crate::setup::keep;

fn calibration() -> Calibration {
    let figure = json!({
        "prompt": "plain", "model": "small", "metric": "exact", "n_paired": 3, "first_mean": 0.5,
        "second_mean": 0.25, "difference": -0.25, "lower": null, "upper": null, "p_same": null,
        "right_or_wrong": true, "differing": 1, "flip_rate": 0.333, "flip_rate_upper": 0.9,
        "discordance": 0.333, "sd": null, "variance": 0.9, "clusters": null, "design_effect": 1.0,
        "margin": 0.03, "resolvable_margin": null, "items_needed": 900, "resolves": false,
    });
    let calibration = json!({
        "format_version": 1, "tool_version": "0.1.0", "suite": "suite",
        "made_at": "2026-11-27T12:00:00Z", "run_ids": ["a", "b"], "sets": "two_runs",
        "dataset_hash": "h", "n_items": 3, "epochs": 1, "alpha": 0.05, "power": 0.8,
        "metrics": [], "models": [], "prompts": [], "figures": [figure],
    });
    serde_json::from_value(calibration).expect("a calibration")
}

#[test]
fn what_was_kept_is_found() {
    let out = tempdir().unwrap();
    let blobs = LocalFolder::new(out.path());
    assert!(Calibration::find(&blobs, "suite").unwrap().is_none());
    let kept = calibration();
    kept.write(&blobs, keep).unwrap();
    let found = Calibration::find(&blobs, "suite").unwrap().unwrap();
    let text = |calibration| serde_json::to_string_pretty(calibration).unwrap();
    assert_eq!(text(&found), text(&kept));
    let bytes = fs::read_to_string(path_of(out.path(), "suite")).unwrap();
    assert_eq!(bytes, format!("{}\n", text(&kept)));
    assert_eq!((found.day(), &*found.figures[0].variant()), ("2026-11-27", "plain · small"));
}

#[test]
fn another_version_or_garbage_is_refused() {
    let out = tempdir().unwrap();
    let blobs = LocalFolder::new(out.path());
    calibration().write(&blobs, keep).unwrap();
    let path = path_of(out.path(), "suite");
    let text = fs::read_to_string(&path).unwrap();
    let later = text.replace("\"format_version\": 1", "\"format_version\": 2");
    for (content, why) in [(later, "it has format version 2"), ("{".to_owned(), "EOF")] {
        fs::write(&path, content).unwrap();
        let error = Calibration::find(&blobs, "suite").unwrap_err();
        assert_eq!(error.to_string(), format!("{} is not a calibration", path.display()));
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.starts_with(why), "{cause}");
    }
}
