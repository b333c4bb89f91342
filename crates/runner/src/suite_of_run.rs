//! The suite of a run as its file is now: it may be gone, or be another suite by now.

use std::path::PathBuf;

use evalmark_core::suite::Suite;
use evalmark_store::run_record::RunRecord;

use crate::{
    Host,
    error::{Advised, Result},
};

/// What became of the file of a run's suite.
pub(crate) enum SuiteNow {
    /// It is the suite that the run is of, as it reads now.
    Own(Box<Suite>),
    /// It is another suite, of this name.
    Another(String),
    /// It does not exist any more.
    Gone,
}

impl SuiteNow {
    /// Reads the file that a run names. What is not called a suite counts as gone: a run that somebody
    /// else made may name any file, whose lines an error would show.
    pub(crate) fn read(record: &RunRecord, host: &Host<'_>) -> Result<Self> {
        let path = record.suite_file();
        let is_suite =
            path.extension().is_some_and(|of| of == "yaml" || of == "yml" || of == "json");
        if !(is_suite && path.is_file()) {
            return Ok(Self::Gone);
        }
        let suite = Suite::read(&path, host.readers(&record.options))?;
        Ok(if suite.name == record.suite {
            Self::Own(Box::new(suite))
        } else {
            Self::Another(suite.name)
        })
    }
}

/// Fails where the suite that was read from a run's file is not the run's.
pub(crate) fn is_of_run(suite: &Suite, record: &RunRecord) -> Result<(), AnotherSuite> {
    if suite.name == record.suite {
        return Ok(());
    }
    let (found, own) = (suite.name.clone(), record.suite.clone());
    Err(AnotherSuite { file: suite.path.clone(), found, own })
}

/// The file of a run's suite holds another suite.
#[derive(Debug, thiserror::Error)]
#[error("{} is the suite `{found}` now, and the run is of `{own}`", file.display())]
pub struct AnotherSuite {
    file: PathBuf,
    found: String,
    own: String,
}

impl Advised for AnotherSuite {
    fn hint(&self) -> Option<String> {
        Some(format!("restore the file, or call the suite `{}` again", self.own))
    }
}
