//! Metrics that ask a model: what to ask it about an answer, and what its replies are worth. Asking
//! is not done here.
//!
//! A metric asks a list of [`Question`]s about an answer and is given a [`JudgeReply`] to each. A kind of
//! judge is a [`Sheet`](panel::Sheet): what one judge is asked once, and how its reply is read. A
//! [`Panel`] asks the same sheet of several judges, several times, and makes one score of it.

mod brief;
mod fence;
mod grade;
mod panel;
mod params;
mod question;
mod scale;
mod trace;
mod vote;

use std::{fmt, sync::Arc};

use evalmark_core::{
    request::Message,
    score::{JudgeTrace, Score},
};

use crate::{finish_score::Finish, kind::Measurement, subject::Subject};

pub use question::{Form, JudgeReply, Question, QuestionError};

pub(crate) use brief::{Brief, texts};
pub(crate) use fence::neutral;
pub(crate) use grade::{bounded, read, remark};
pub(crate) use panel::{Opinion, Panel, Sheet, object};
pub(crate) use params::{JudgeParams, Judges};
pub(crate) use question::why_failed;
pub(crate) use scale::{Grade, RawScale, Scale};
pub(crate) use trace::usage;

/// A metric's work where a model is asked.
pub(crate) trait Inquire: fmt::Debug + Send + Sync {
    /// Names of the suite's models that are asked.
    fn models(&self) -> &[String];

    /// Whether they are asked for an opinion.
    fn is_opinion(&self) -> bool {
        true
    }

    /// How many questions there usually are about an answer.
    fn questions_each(&self) -> u64;

    /// What to ask about an answer, already narrowed; `task` is what the candidate was asked.
    fn questions(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Question>, QuestionError>;

    /// What the replies to these questions, in their order, are worth; a yes is a grade from
    /// `threshold` on.
    fn find(
        &self,
        subject: Subject<'_>,
        replies: &[JudgeReply],
        threshold: f64,
    ) -> (Measurement, JudgeTrace);
}

/// Who is asked about answers, and what is made of the replies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Judge {
    inquiry: Arc<dyn Inquire>,
    finish: Finish,
}

impl Judge {
    pub(crate) fn new(inquiry: Arc<dyn Inquire>, finish: Finish) -> Self {
        Self { inquiry, finish }
    }

    /// Names of the suite's models that are asked.
    pub fn models(&self) -> &[String] {
        self.inquiry.models()
    }

    /// Whether they are asked for an opinion, which may be wrong, rather than for embeddings.
    pub fn is_opinion(&self) -> bool {
        self.inquiry.is_opinion()
    }

    /// How many questions there usually are about an answer.
    pub fn questions_each(&self) -> u64 {
        self.inquiry.questions_each()
    }

    /// What to ask about an answer, already narrowed.
    ///
    /// `task` is the conversation that the candidate was asked. Task, references and answer stand
    /// within a fence whose token is derived from their content, so that no answer can close it;
    /// the judge is told that what is within is data. The suite's rubric stands outside: the columns
    /// it names are the suite author's own words.
    pub fn questions(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Question>, QuestionError> {
        self.inquiry.questions(subject, task)
    }

    /// Reads the replies to these questions, strictly; what cannot be read is missing, never 0.
    ///
    /// A judge's output must be one JSON object of the form that was asked for, alone or in one code
    /// fence, apart from reasoning. Other words around it do no harm where they cannot be taken for
    /// a grade, and where nothing that the judge was shown holds one that they might quote.
    pub fn score(&self, subject: Subject<'_>, replies: &[JudgeReply]) -> Score {
        let (measurement, trace) = self.inquiry.find(subject, replies, self.finish.passes_from());
        Score { judge: Some(trace), ..self.finish.score(measurement) }
    }

    /// The score of an answer that cannot be asked about.
    pub(crate) fn unasked(&self, why: &QuestionError) -> Score {
        self.finish.score(match why {
            QuestionError::Invalid(why) => Measurement::Invalid(why.clone()),
            other => Measurement::Missing(other.to_string()),
        })
    }
}
