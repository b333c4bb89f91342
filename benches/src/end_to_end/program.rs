//! The `evalmark` binary in a folder of its own.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{TrialError, answers::Variant};

/// The program, and a folder with a dataset.
pub(super) struct Program {
    evalmark: PathBuf,
    folder: TempDir,
}

/// What a gate answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Passed,
    Regressed,
    Inconclusive,
}

impl Program {
    /// A dataset of `items` questions, all of them to be answered with `yes`.
    pub(super) fn new(evalmark: &Path, items: usize) -> Result<Self, TrialError> {
        let failed = |what: &str| io_error(what.to_owned());
        let evalmark = evalmark.canonicalize().map_err(io_error(evalmark.display().to_string()))?;
        let folder = tempfile::tempdir().map_err(failed("a folder"))?;
        let mut data = "id,text,label\n".to_owned();
        for item in 0..items {
            // Writing to a string cannot fail.
            let _ = writeln!(data, "i{item},question {item},yes");
        }
        fs::write(folder.path().join("data.csv"), data).map_err(failed("the dataset"))?;
        Ok(Self { evalmark, folder })
    }

    /// Asks the server at `url` as a variant; the run's folder, relative to the program's.
    pub(super) fn run(
        &self,
        url: &str,
        trial: u32,
        variant: Variant,
    ) -> Result<String, TrialError> {
        let id = format!("{trial}-{}", variant.name());
        let root = url.trim_end_matches("/v1");
        let suite = suite(&format!("{root}/{trial}/{}/v1", variant.name()));
        let path = format!("{id}.yaml");
        fs::write(self.folder.path().join(&path), suite).map_err(io_error(path.clone()))?;
        self.ended(&["run", &path, "--run-id", &id, "--no-cache", "--quiet"], |code| {
            (code == 0).then_some(())
        })?;
        Ok(format!("reports/flips/{id}"))
    }

    /// The answer of the gate on a run.
    pub(super) fn gate(&self, run: &str, baseline: &str) -> Result<Answer, TrialError> {
        self.ended(&["gate", run, "--baseline", baseline], |code| match code {
            0 => Some(Answer::Passed),
            1 => Some(Answer::Regressed),
            3 => Some(Answer::Inconclusive),
            _ => None,
        })
    }

    /// Runs the program and reads its exit code.
    fn ended<T>(
        &self,
        arguments: &[&str],
        read: impl Fn(i32) -> Option<T>,
    ) -> Result<T, TrialError> {
        let folder = self.folder.path();
        let mut command = Command::new(&self.evalmark);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        command.env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache"));
        command.env_remove("EVALMARK_CACHE_DIR");
        let output =
            command.output().map_err(io_error(format!("starting {}", self.evalmark.display())))?;
        output.status.code().and_then(read).ok_or_else(|| TrialError::Ended {
            arguments: arguments.join(" "),
            code: output.status.code(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

fn io_error(what: String) -> impl FnOnce(std::io::Error) -> TrialError {
    move |cause| TrialError::Io { what, cause }
}

fn suite(url: &str) -> String {
    format!(
        "\
name: flips
dataset: {{ path: data.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: '{{{{ text }}}}' }}
models:
  - {{ name: small, provider: openai, base_url: '{url}', limits: {{ concurrency: 16 }} }}
metrics:
  - {{ name: exact, exact: {{}} }}
gate: {{ alpha: 0.05, metrics: {{ exact: {{ margin: 0.03 }} }} }}
"
    )
}
