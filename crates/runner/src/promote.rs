//! A run becomes a baseline: what of its samples a baseline keeps.

use std::path::{Path, PathBuf};

use evalmark_core::suite::GateSpec;
use evalmark_report::{
    answers::{CopiedAnswers, copy_answers},
    usage::{CopyError, copy_usage},
};
use evalmark_store::{
    baseline::{self, AnswersCopy, CopySamples, Promotion, cannot_be_baseline},
    durable::NewFileWriter,
    run_folder::RunFolder,
    run_record::RunRecord,
};

use crate::{error::Result, redacted_keys::hide};

/// Answers that take more are not kept unless the user says so: a baseline belongs into git.
const SMALL: u64 = 5_000_000;

/// Whether a baseline keeps the answers of its run.
#[derive(Clone, Copy, Debug)]
enum KeepAnswers {
    /// However much they take.
    Always,
    /// As long as they take no more than 5 MB.
    WhileSmall,
    /// The command line says that it does not.
    NotWanted,
    /// The suite says that it does not.
    NotInSuite,
}

/// How a run is promoted.
#[derive(Clone, Debug, Default)]
pub struct PromoteOptions {
    /// What the baseline is called.
    pub name: String,
    /// Whether it may replace another, and lack answers.
    pub force: bool,
    /// Whether it keeps its answers; `None`: as the suite says.
    pub keep_answers: Option<bool>,
    /// The output folder that gets it; `None`: the run's.
    pub out: Option<PathBuf>,
}

/// A run that became a baseline.
#[derive(Clone, Debug)]
pub struct PromotedRun {
    /// The baseline's folder.
    pub path: PathBuf,
    /// The baseline's record, which says why answers are left out.
    pub record: RunRecord,
}

impl PromotedRun {
    /// What whoever compares with it should know.
    pub fn warnings(&self) -> Vec<String> {
        let lacking = cannot_be_baseline(&self.record).map(|why| {
            format!("the baseline is incomplete, and later runs are compared on the rest: {why}")
        });
        self.partial().into_iter().chain(lacking).collect()
    }

    /// What there is to say of a baseline that covers a part of its suite: the rest will not be gated.
    fn partial(&self) -> Option<String> {
        let options = &self.record.options;
        let limit = options.limit.map(|limit| format!("`--limit {limit}`"));
        let chosen = |flag: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("`{flag} {}`", names.join(" ")))
        };
        let parts =
            [limit, chosen("--prompt", &options.prompts), chosen("--model", &options.models)];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| {
            format!(
                "the run was made with {}: later runs are compared only on that part of the suite",
                parts.join(" and ")
            )
        })
    }
}

/// Makes a finished run a baseline of its suite.
pub fn promote(run: &Path, options: &PromoteOptions) -> Result<PromotedRun> {
    let (_, record) = RunFolder::open(run)?;
    let keep = match options.keep_answers {
        Some(true) => KeepAnswers::Always,
        Some(false) => KeepAnswers::NotWanted,
        None => of_suite(&record)?,
    };
    let PromoteOptions { name, force, out, .. } = options;
    let promotion = Promotion { run, name, force: *force, out: out.as_deref() };
    let path = baseline::promote(promotion, hide, &Copies { keep })?;
    let (_, record) = RunFolder::open(&path)?;
    Ok(PromotedRun { path, record })
}

/// As the suite says that the run was made with.
fn of_suite(record: &RunRecord) -> Result<KeepAnswers> {
    let spec = GateSpec::of_effective(record.effective_suite.value())?;
    Ok(match spec.and_then(|spec| spec.baseline_answers) {
        Some(true) => KeepAnswers::Always,
        Some(false) => KeepAnswers::NotInSuite,
        None => KeepAnswers::WhileSmall,
    })
}

/// What is copied of a run's samples.
struct Copies {
    keep: KeepAnswers,
}

impl CopySamples for Copies {
    type Error = CopyError;

    fn usage(&self, from: &Path, to: &Path, out: NewFileWriter) -> Result<String, CopyError> {
        copy_usage(from, to, out)
    }

    fn answers(
        &self,
        from: &Path,
        to: &Path,
        out: NewFileWriter,
    ) -> Result<AnswersCopy, CopyError> {
        let most_bytes = match self.keep {
            KeepAnswers::Always => None,
            KeepAnswers::WhileSmall => Some(SMALL),
            KeepAnswers::NotWanted => {
                return Ok(AnswersCopy::LeftOut("it was promoted with `--no-answers`".to_owned()));
            }
            KeepAnswers::NotInSuite => {
                let why = "its suite says `baseline_answers: false`".to_owned();
                return Ok(AnswersCopy::LeftOut(why));
            }
        };
        Ok(match copy_answers(from, to, out, most_bytes)? {
            CopiedAnswers::Written { digest } => AnswersCopy::Kept { digest },
            CopiedAnswers::TooLarge => AnswersCopy::LeftOut(format!(
                "they take more than {} MB, and it was not promoted with `--answers`",
                SMALL / 1_000_000
            )),
        })
    }
}
