//! A compiled metric: narrow the answer, measure it, finish the score.

use std::{borrow::Cow, sync::Arc};

use evalmark_core::{
    metric::{Complaint, Direction, MetricSpec, Range},
    record::Record,
    request::Message,
    score::Score,
    template::TemplateError,
};
use serde_json::{Map, Value};

use crate::{
    extract::Extractor,
    finish::Finish,
    judge::Judge,
    kind::{About, Corpus, Finding, Measure, Work},
    kinds::KINDS,
    subject::Subject,
};

/// A metric of a suite, ready to score. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metric {
    name: Arc<str>,
    extract: Option<Arc<Extractor>>,
    finish: Finish,
    range: Range,
    direction: Direction,
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
        let extract = spec.extract.as_ref().map(Extractor::compile).transpose()?;
        let work = (kind.compile)(&spec.params).map_err(|complaint| Complaint {
            pointer: format!("/{}{}", spec.kind, complaint.pointer),
            message: complaint.message,
        })?;
        let moved = match &work {
            Work::Text(measure) => measure.range(),
            Work::Judge(_) => None,
        };
        let about = About { range: moved.unwrap_or(kind.about.range), ..kind.about };
        let finish = Finish::compile(spec, &about)?;
        let worker = match work {
            Work::Text(measure) => Worker::Text(measure),
            Work::Judge(grader) => Worker::Judge(Judge::new(grader, finish)),
        };
        let (range, direction) = if spec.binary {
            (Range::Binary, Direction::Higher)
        } else {
            (about.range, about.direction)
        };
        let (name, extract) = (spec.name.as_str().into(), extract.map(Arc::new));
        Ok(Self { name, extract, finish, range, direction, worker })
    }

    /// The name it is reported under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The score of one answer. A model-graded metric has no score without its judge: missing.
    pub fn score(&self, subject: Subject<'_>) -> Score {
        match &self.worker {
            Worker::Text(measure) => {
                let score = match self.narrow(subject.answer) {
                    Ok(answer) => {
                        self.finish.score(measure.measure(Subject { answer: &answer, ..subject }))
                    }
                    Err(reason) => self.invalid(reason),
                };
                let counts = match score.value {
                    Some(_) if score.invalid && self.finish.keeps_values() => {
                        measure.counts_of_invalid(subject)
                    }
                    _ => score.counts,
                };
                Score { counts, ..score }
            }
            Worker::Judge(_) => Score::missing("the judge was not asked"),
        }
    }

    /// How the values of a whole run are made that are no means of the answers' values.
    pub fn corpus(&self) -> Option<&dyn Corpus> {
        match &self.worker {
            Worker::Text(measure) if self.finish.keeps_values() => measure.corpus(),
            Worker::Text(_) | Worker::Judge(_) => None,
        }
    }

    /// Where the scores of answers lie.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Which scores are better.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The judge, where the metric is model-graded.
    pub fn judge(&self) -> Option<&Judge> {
        match &self.worker {
            Worker::Text(_) => None,
            Worker::Judge(judge) => Some(judge),
        }
    }

    /// What to ask the judge about a record.
    ///
    /// `None` where there is nothing to ask: the metric needs no judge, the record failed, or
    /// nothing can be extracted from the answer. An error says why the rubric does not render.
    pub fn judge_request(
        &self,
        question: &[Message],
        record: &Record,
        targets: &[String],
        fields: &Map<String, Value>,
    ) -> Option<Result<Vec<Message>, TemplateError>> {
        let judge = self.judge().filter(|_| record.has_answer())?;
        let answer = self.narrow(record.output.as_deref().unwrap_or_default()).ok()?;
        Some(judge.request(question, &answer, targets, fields))
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
