//! A compiled metric: narrow the answer, measure it, finish the score.

use std::{borrow::Cow, sync::Arc};

use evalmark_core::{
    metric::{Complaint, MetricSpec},
    request::Message,
    score::Score,
};

use crate::{
    extract::Extractor,
    finish::Finish,
    judge::{Judge, Question, Unaskable},
    kind::{Corpus, Finding, Measure, Work},
    kinds::KINDS,
    subject::Subject,
};

/// A metric of a suite, ready to score. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metric {
    name: Arc<str>,
    extract: Option<Arc<Extractor>>,
    finish: Finish,
    worker: Worker,
}

#[derive(Clone, Debug)]
enum Worker {
    Text(Arc<dyn Measure>),
    Judge(Judge),
}

impl Metric {
    /// Compiles what a suite says. A complaint points from the metric's entry, e.g.
    /// `/regex/pattern`.
    pub fn compile(spec: &MetricSpec) -> Result<Self, Complaint> {
        let kind = KINDS.iter().find(|kind| kind.about.name == spec.kind).ok_or_else(|| {
            Complaint { pointer: String::new(), message: format!("no metric `{}`", spec.kind) }
        })?;
        let finish = Finish::compile(spec, &kind.about)?;
        let extract = spec.extract.as_ref().map(Extractor::compile).transpose()?;
        let work = (kind.compile)(&spec.params).map_err(|complaint| Complaint {
            pointer: format!("/{}{}", spec.kind, complaint.pointer),
            message: complaint.message,
        })?;
        let worker = match work {
            Work::Text(measure) => Worker::Text(measure),
            Work::Judge(inquiry) => Worker::Judge(Judge::new(inquiry, finish)),
        };
        Ok(Self { name: spec.name.as_str().into(), extract: extract.map(Arc::new), finish, worker })
    }

    /// The name it is reported under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The score of one answer. A model-graded metric has no score without its judge: missing.
    pub fn score(&self, subject: Subject<'_>) -> Score {
        match &self.worker {
            Worker::Text(measure) => match self.narrow(subject.answer) {
                Ok(answer) => {
                    self.finish.score(measure.measure(Subject { answer: &answer, ..subject }))
                }
                Err(reason) => self.invalid(reason),
            },
            Worker::Judge(_) => Score::missing("the judge was not asked"),
        }
    }

    /// How the value of a whole run is made, where that is no mean of the answers' values.
    pub fn corpus(&self) -> Option<&dyn Corpus> {
        match &self.worker {
            Worker::Text(measure) => measure.corpus(),
            Worker::Judge(_) => None,
        }
    }

    /// Who is asked, where a model is.
    pub fn judge(&self) -> Option<&Judge> {
        match &self.worker {
            Worker::Text(_) => None,
            Worker::Judge(judge) => Some(judge),
        }
    }

    /// What to ask models about an answer; `task` is what the candidate was asked.
    ///
    /// `None` where there is nothing to ask: the metric asks no model, the record failed, or nothing
    /// can be extracted from the answer. An error says why the questions cannot be made.
    pub fn questions(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Option<Result<Vec<Question>, Unaskable>> {
        let judge = self.judge().filter(|_| subject.record.has_answer())?;
        let answer = self.narrow(subject.answer).ok()?;
        Some(judge.questions(Subject { answer: &answer, ..subject }, task))
    }

    /// The part of the answer that counts, or why there is none.
    pub(crate) fn narrow<'a>(&self, answer: &'a str) -> Result<Cow<'a, str>, String> {
        match &self.extract {
            None => Ok(Cow::Borrowed(answer)),
            Some(extract) => extract.extract(answer),
        }
    }

    /// The score of an answer that has no part that counts.
    pub(crate) fn invalid(&self, reason: String) -> Score {
        self.finish.score(Finding::Invalid(reason))
    }
}
