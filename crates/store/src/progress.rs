//! How far a run under way has come: a small file that is there while somebody is at work on the run.

use std::{fs, io, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::run_folder::RunFolder;

/// What `progress.json` holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunProgress {
    /// What is being done, e.g. `Running`.
    pub doing: String,
    /// Requests of this pass.
    pub total: u64,
    /// Requests that ended.
    pub done: u64,
    /// Of those, requests whose answer was there already.
    pub cached: u64,
    /// Of those, requests without an answer.
    pub failed: u64,
    /// Attempts that failed and were made again.
    pub retries: u64,
    /// When this was written: RFC 3339, UTC.
    pub updated_at: String,
    /// Seconds since the pass began.
    pub seconds: f64,
}

impl RunProgress {
    /// What the rest takes at the pace so far; `None` where that cannot be told.
    pub fn time_left(&self) -> Option<Duration> {
        // What was there already says nothing of the pace.
        let asked = self.done.saturating_sub(self.cached);
        let left = self.total.saturating_sub(self.done);
        let seconds = left as f64 * self.seconds / asked.max(1) as f64;
        Duration::try_from_secs_f64(seconds).ok().filter(|_| asked > 0)
    }
}

impl RunFolder {
    /// How far a run under way has come.
    pub fn progress(&self) -> PathBuf {
        self.path.join("progress.json")
    }

    /// Reads how far a run under way has come; `None` where nobody tells.
    pub fn read_progress(&self) -> Option<RunProgress> {
        serde_json::from_slice(&fs::read(self.progress()).ok()?).ok()
    }

    /// Tells how far a run under way has come. It need not reach the disk, but readers never see half of
    /// it.
    pub fn write_progress(&self, progress: &RunProgress) -> io::Result<()> {
        let next = self.path.join(".progress.json.tmp");
        fs::write(&next, serde_json::to_vec(progress)?)?;
        fs::rename(&next, self.progress())
    }

    /// Takes the file away: nobody is at work any more.
    pub fn remove_progress(&self) {
        drop(fs::remove_file(self.progress()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RunProgress;

    #[test]
    fn the_rest_takes_as_long_as_the_pace_says() {
        let so_far = RunProgress {
            total: 100,
            done: 40,
            cached: 20,
            seconds: 10.0,
            ..RunProgress::default()
        };
        assert_eq!(so_far.time_left(), Some(Duration::from_secs(30)));
        assert_eq!(RunProgress::default().time_left(), None);
    }
}
