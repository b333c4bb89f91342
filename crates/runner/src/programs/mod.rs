//! Programs of the user's own that score answers (`command` metrics): fed in batches, in parallel,
//! started again a bounded number of times where they fail. What fails has no score; nothing that a
//! program says can give an answer the score of another.

pub(crate) mod found;
pub(crate) mod process;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use evalmark_core::{
    files::open_regular,
    model::{Model, shown_command},
    score::Score,
};
use evalmark_scoring::{Case, Metric, Program};

use crate::{
    Host,
    error::{Advised, Result},
    key_command::key_command_remarks,
    load::LoadedSuite,
};

use self::{found::missing_parts, process::Process};

/// How often a program may fail over one batch before the rest of it has no score.
const MAX_FAILURES: usize = 16;

/// How often it may fail over all batches before it is not started again.
const MAX_FAILURES_IN_ALL: usize = 64;

/// The programs of a suite's metrics.
pub(crate) struct Programs {
    /// Where they are started: the suite's folder.
    folder: PathBuf,
    /// The variables that they see.
    variables: Vec<(OsString, OsString)>,
    /// By metric: how often its program has failed.
    failures: Vec<AtomicUsize>,
}

/// An answer to ask about.
struct Question {
    /// The place of its case.
    case: usize,
    line: String,
}

/// What a program said of some answers, in order.
struct Asked {
    scores: Vec<Score>,
    failures: usize,
}

impl Programs {
    pub(crate) fn new(suite: &Path, n_metrics: usize, variables: &[(OsString, OsString)]) -> Self {
        let folder = suite.parent().unwrap_or(Path::new(""));
        let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned());
        let failures = (0..n_metrics).map(|_| AtomicUsize::new(0)).collect();
        Self { folder, variables: variables.to_vec(), failures }
    }

    /// Puts the scores of programs in their places: `scores[case][metric]`.
    pub(crate) fn fill(&self, metrics: &[Metric], cases: &[Case<'_>], scores: &mut [Vec<Score>]) {
        for (place, metric) in metrics.iter().enumerate() {
            let Some(program) = metric.program() else { continue };
            let questions: Vec<_> = cases
                .iter()
                .enumerate()
                .filter(|(_, case)| case.subject.record.has_answer())
                .filter_map(|(i, case)| question(metric, i, case))
                .collect();
            let failed = &self.failures[place];
            let said = if failed.load(Ordering::Relaxed) >= MAX_FAILURES_IN_ALL {
                let reason = "the program failed too often, and is not started again";
                questions.iter().map(|_| Score::missing(reason)).collect()
            } else {
                let (said, n) = self.ask_all(metric, program, &questions);
                failed.fetch_add(n, Ordering::Relaxed);
                said
            };
            for (question, score) in questions.iter().zip(said) {
                scores[question.case][place] = score;
            }
        }
    }

    /// Asks about all of them, a batch to a process, as many at once as there are cores. Batches
    /// depend on the questions alone, so scores do too.
    fn ask_all(
        &self,
        metric: &Metric,
        program: &Program,
        questions: &[Question],
    ) -> (Vec<Score>, usize) {
        let batches = questions.chunks(program.batch);
        let n_workers = thread::available_parallelism().map_or(1, NonZero::get).min(batches.len());
        let (waiting, asked) = (Mutex::new(batches.enumerate()), Mutex::new(BTreeMap::new()));
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::scope(|scope| {
            for _ in 0..n_workers {
                scope.spawn(|| {
                    while let Some((place, batch)) = next() {
                        let done = self.ask_batch(metric, program, batch);
                        asked.lock().unwrap_or_else(PoisonError::into_inner).insert(place, done);
                    }
                });
            }
        });
        let asked = asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failures = asked.values().map(|done| done.failures).sum();
        (asked.into_values().flat_map(|done| done.scores).collect(), failures)
    }

    /// Asks about one batch, again and again where the program fails.
    ///
    /// Which answer made it fail is found by asking about fewer: half as many where nothing is
    /// certain, the next one alone where those before it were told by their ids.
    fn ask_batch(&self, metric: &Metric, program: &Program, batch: &[Question]) -> Asked {
        let (mut scores, mut failures, mut size) = (Vec::new(), 0, batch.len());
        while scores.len() < batch.len() {
            let rest = &batch[scores.len()..];
            let asked = &rest[..size.min(rest.len())];
            let (kept, failure) = self.attempt(metric, program, asked);
            let n_kept = kept.len();
            scores.extend(kept);
            let Some(reason) = failure else {
                size = batch.len();
                continue;
            };
            failures += 1;
            let reason = format!("the program failed: {reason}");
            if failures >= MAX_FAILURES {
                scores.resize(batch.len(), Score::missing(&reason));
            } else if n_kept == 0 && asked.len() == 1 {
                scores.push(Score::missing(&reason));
                size = batch.len();
            } else {
                size = if n_kept > 0 { 1 } else { asked.len() / 2 };
            }
        }
        Asked { scores, failures }
    }

    /// One process, asked about some answers: the scores that are certain, in order from the first,
    /// and what went wrong.
    ///
    /// Where something did, only replies that name their answer are certain: one that does not may
    /// belong to another.
    fn attempt(
        &self,
        metric: &Metric,
        program: &Program,
        questions: &[Question],
    ) -> (Vec<Score>, Option<String>) {
        let lines = questions.iter().map(|question| question.line.clone()).collect();
        let mut process = match Process::start(program, &self.folder, &self.variables, lines) {
            Ok(process) => process,
            Err(reason) => return (Vec::new(), Some(reason)),
        };
        let (mut scores, mut n_certain) = (Vec::new(), 0);
        let failure = loop {
            let line = match process.line(program.timeout) {
                Ok(Some(line)) => line,
                Ok(None) => break process.end(program.timeout),
                Err(reason) => break Some(reason),
            };
            let Some(question) = questions.get(scores.len()) else {
                n_certain = 0;
                break Some("it wrote more lines than there were answers".to_owned());
            };
            match metric.program_score(question.case as u64, &line) {
                Ok(reply) => {
                    scores.push(reply.score);
                    if reply.names_id && n_certain + 1 == scores.len() {
                        n_certain += 1;
                    }
                }
                Err(reason) => break Some(reason),
            }
        };
        let told = format!("it scored {} of {} answers", scores.len(), questions.len());
        let failure = match failure {
            None if scores.len() < questions.len() => Some(told),
            failure => failure.map(|reason| format!("{reason} ({told})")),
        };
        if failure.is_some() {
            scores.truncate(n_certain);
        }
        (scores, failure)
    }
}

fn question(metric: &Metric, case: usize, asked: &Case<'_>) -> Option<Question> {
    let line = metric.program_request(case as u64, asked.subject)?;
    Some(Question { case, line })
}

/// Refuses programs that the command line does not allow, and limits that cannot be kept here.
pub(crate) fn allowed(metrics: &[Metric], allow_exec: bool) -> Result<(), RefusedProgram> {
    for (metric, program) in programs(metrics) {
        let (name, command) = (metric.name(), shown(program));
        if !allow_exec {
            return Err(RefusedProgram::NotAllowed { metric: name.to_owned(), command });
        }
        if program.memory.is_some() && !cfg!(target_os = "linux") {
            return Err(RefusedProgram::Memory { metric: name.to_owned() });
        }
    }
    Ok(())
}

/// Refuses a model that is a program where the command line does not allow those.
pub(crate) fn allowed_model(model: &Model, allow_exec: bool) -> Result<(), RefusedProgram> {
    match model.provider.program() {
        Some(program) if !allow_exec => {
            let (model, command) = (model.name.to_string(), shown_command(&program.words));
            Err(RefusedProgram::Model { model, command })
        }
        _ => Ok(()),
    }
}

/// Why a program is not run.
#[derive(Debug, thiserror::Error)]
pub enum RefusedProgram {
    /// The command line does not allow it.
    #[error("metric `{metric}` runs a program: {command}")]
    NotAllowed {
        /// The metric.
        metric: String,
        /// The program.
        command: String,
    },
    /// The command line does not allow a program that answers.
    #[error("model `{model}` is a program: {command}")]
    Model {
        /// The model.
        model: String,
        /// The program.
        command: String,
    },
    /// Its limit cannot be kept.
    #[error("metric `{metric}`: memory cannot be limited on this system")]
    Memory {
        /// The metric.
        metric: String,
    },
}

impl Advised for RefusedProgram {
    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::NotAllowed { .. } | Self::Model { .. } => {
                "if you trust the suite, add `--allow-exec`"
            }
            Self::Memory { .. } => "leave `memory` out",
        };
        Some(advice.to_owned())
    }
}

/// What would be run, and what of it is missing, for whoever only looks.
pub(crate) fn program_remarks(loaded: &LoadedSuite, host: &Host<'_>) -> Vec<String> {
    let remark = |(metric, program): (&Metric, &Program)| {
        let (name, command) = (metric.name(), shown(program));
        format!("metric `{name}` runs a program, so a run needs `--allow-exec`: {command}")
    };
    let models = &loaded.suite.models;
    let of_models = models.iter().filter_map(|model| {
        let (name, command) = (&model.name, shown_command(&model.provider.program()?.words));
        Some(format!("model `{name}` is a program, so a run needs `--allow-exec`: {command}"))
    });
    let of_keys = key_command_remarks(models);
    let missing = models.iter().flat_map(|model| missing_parts(model, host));
    let missing = missing.map(|part| part.to_string());
    programs(&loaded.metrics).map(remark).chain(of_models).chain(missing).chain(of_keys).collect()
}

/// What decides a program's scores beyond what the suite says: the files it is made of, as far as
/// its arguments name them.
pub(crate) fn contents(suite: &Path, program: &Program) -> String {
    let folder = suite.parent().unwrap_or(Path::new(""));
    let hashes: Vec<_> =
        program.command.iter().filter_map(|word| hash_of(&folder.join(word))).collect();
    hashes.join(" ")
}

/// BLAKE3 of a regular file; `None` of all else, which might never end.
fn hash_of(path: &Path) -> Option<String> {
    let real = std::fs::canonicalize(path).ok()?;
    if ["/proc", "/sys", "/dev"].iter().any(|system| real.starts_with(system)) {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open_regular(&real).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

fn programs(metrics: &[Metric]) -> impl Iterator<Item = (&Metric, &Program)> {
    metrics.iter().filter_map(|metric| Some((metric, metric.program()?)))
}

/// The command as it stands in the suite.
fn shown(program: &Program) -> String {
    shown_command(&program.command)
}
