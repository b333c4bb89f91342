//! Why the engine could not do what it was asked for, as people need to hear it: what went wrong,
//! why, what to do about it, and how a command ends on it. Each operation has an error of its own, which
//! stands beside it and is [`Advised`]; a [`RunError`] carries any of them, and [`RunError::find`] gives
//! it back.

use std::{
    error::Error as StdError,
    fmt::{self, Display},
};

use evalmark_store::StoreError;

use crate::Ending;

type Boxed = Box<dyn StdError + Send + Sync>;

/// An error of the engine, with its causes, advice, and the ending that it leads to.
#[derive(Debug)]
pub struct RunError {
    what: Boxed,
    /// The last that was given comes first.
    hints: Vec<String>,
    ending: Option<Ending>,
}

impl RunError {
    /// A message, or the error of an operation.
    pub fn new(what: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { what: what.into(), hints: Vec::new(), ending: None }
    }

    /// What the user can do about it, before earlier advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.insert(0, hint.into());
        self
    }

    /// How a command ends on it, where that is not [`Ending::Usage`].
    #[must_use]
    pub fn with_ending(mut self, ending: Ending) -> Self {
        self.ending = Some(ending);
        self
    }

    /// What was tried when it happened; the error becomes the cause.
    #[must_use]
    pub fn with_context(self, message: impl Into<String>) -> Self {
        Self::new(InContext { message: message.into(), source: self })
    }

    /// All advice, that of its causes last.
    pub fn hints(&self) -> Vec<&str> {
        let causes = self.causes().filter_map(|cause| cause.downcast_ref::<Self>());
        let all = std::iter::once(self).chain(causes);
        all.flat_map(|error| error.hints.iter().map(String::as_str)).collect()
    }

    /// How a command ends on it, where it or one of its causes says so.
    pub fn ending(&self) -> Option<Ending> {
        let mut causes = self.causes().filter_map(|cause| cause.downcast_ref::<Self>()?.ending);
        self.ending.or_else(|| causes.next())
    }

    /// Its causes, the nearest first.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        std::iter::successors(self.source(), |&cause| cause.source())
    }

    /// It and its causes in one line.
    pub fn in_full(&self) -> String {
        let causes = self.causes().map(|cause| format!(": {cause}"));
        std::iter::once(self.to_string()).chain(causes).collect()
    }

    /// It, or the first of its causes, of this type.
    pub fn find<T: StdError + 'static>(&self) -> Option<&T> {
        fn of<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
            let of_engine = error.downcast_ref::<RunError>();
            error.downcast_ref().or_else(|| of_engine?.what.downcast_ref())
        }
        of(self).or_else(|| self.causes().find_map(of))
    }

    /// Whether it, or one of its causes, is an error of this type.
    pub fn is<T: StdError + 'static>(&self) -> bool {
        let is_it = |error: &(dyn StdError + 'static)| {
            let of_engine = error.downcast_ref::<Self>();
            error.is::<T>() || of_engine.is_some_and(|error| error.what.is::<T>())
        };
        is_it(self) || self.causes().any(is_it)
    }
}

impl Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

impl StdError for RunError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.what.source()
    }
}

/// An error of one operation: what there is to know of it beside its message and its causes.
pub trait Advised: StdError + Send + Sync + 'static {
    /// What the user can do about it.
    fn hint(&self) -> Option<String> {
        None
    }

    /// How a command ends on it, where that is not [`Ending::Usage`].
    fn ending(&self) -> Option<Ending> {
        None
    }
}

impl<E: Advised> From<E> for RunError {
    fn from(error: E) -> Self {
        let (hints, ending) = (error.hint().into_iter().collect(), error.ending());
        Self { what: Box::new(error), hints, ending }
    }
}

impl Advised for StoreError {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }

    fn ending(&self) -> Option<Ending> {
        self.is_incomplete().then_some(Ending::Incomplete)
    }
}

/// Errors of the store's parts are the store's.
macro_rules! from_store_errors {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for RunError {
            fn from(error: $error) -> Self {
                StoreError::from(error).into()
            }
        })+
    };
}

from_store_errors!(
    evalmark_store::WriteFileError,
    evalmark_store::integrity::IntegrityError,
    evalmark_store::baseline::BaselineError,
    evalmark_store::feedback::FeedbackFileError,
    evalmark_store::monitor::MonitorFolderError,
    evalmark_store::releases::ReleasesError,
);

/// What was tried, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct InContext {
    message: String,
    source: RunError,
}

/// Errors of other crates that come with their own message and causes, and no advice.
macro_rules! without_advice {
    ($($error:ty),+ $(,)?) => {
        $(impl Advised for $error {})+
    };
}

without_advice!(
    evalmark_core::dataset::DatasetError,
    evalmark_core::plan::PlanError,
    evalmark_core::prompt_library::PromptPolicyError,
    evalmark_core::suite::KeptGateError,
    evalmark_core::suite::SuiteError,
    evalmark_harness::LedgerError,
    evalmark_harness::OpenError,
    evalmark_report::html::RenderError,
    evalmark_report::WriteError,
    evalmark_scoring::QuestionError,
    evalmark_verdict::CompareError,
    evalmark_verdict::DriftError,
    evalmark_verdict::GateError,
    evalmark_verdict::StoppingError,
    serde_json::Error,
    std::io::Error,
    std::num::TryFromIntError,
);

impl Advised for evalmark_report::ReadError {
    /// A file of a run that cannot be read leaves less than there should be.
    fn ending(&self) -> Option<Ending> {
        Some(Ending::Incomplete)
    }
}

/// What the engine's functions return.
pub(crate) type Result<T, E = RunError> = std::result::Result<T, E>;

/// Adds advice, or an ending, to whatever becomes an error of the engine.
pub trait Hinted<T> {
    /// What the user can do about it.
    fn hint(self, advice: impl Into<String>) -> Result<T, RunError>;

    /// How a command ends on it, where that is not [`Ending::Usage`].
    fn ends(self, ending: Ending) -> Result<T, RunError>;

    /// What was tried when it happened.
    fn context(self, message: impl Into<String>) -> Result<T, RunError>;

    /// The same, made where it is needed.
    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T, RunError>;
}

impl<T, E: Into<RunError>> Hinted<T> for Result<T, E> {
    fn hint(self, advice: impl Into<String>) -> Result<T, RunError> {
        self.map_err(|error| error.into().with_hint(advice))
    }

    fn ends(self, ending: Ending) -> Result<T, RunError> {
        self.map_err(|error| error.into().with_ending(ending))
    }

    fn context(self, message: impl Into<String>) -> Result<T, RunError> {
        self.map_err(|error| error.into().with_context(message))
    }

    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T, RunError> {
        self.map_err(|error| error.into().with_context(message()))
    }
}
