//! A compiled metric: narrow the answer, measure it, finish the score.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    item::Item,
    metric::{Direction, MetricSpec, ParamError, Range, Reasoning},
    request::Message,
    score::Score,
};

use crate::{
    answer_part::Narrowing,
    finish_score::Finish,
    judge::{Judge, Question, QuestionError},
    kind::{About, Backend, Corpus, Measure, Measurement, UnusableTarget},
    kinds::kinds,
    metric_scope::Scope,
    program::{self, Program, ProgramScore},
    subject::Subject,
};

/// A metric of a suite, ready to score. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metric {
    name: Arc<str>,
    scope: Arc<Scope>,
    narrowing: Arc<Narrowing>,
    finish: Finish,
    range: Range,
    direction: Direction,
    worker: Evaluator,
}

#[derive(Clone, Debug)]
enum Evaluator {
    Text(Arc<dyn Measure>),
    Judge(Judge),
    Program(Arc<Program>),
}

impl Metric {
    /// Compiles what a suite says. A complaint points from the metric's entry, e.g.
    /// `/regex/pattern`.
    pub fn compile(spec: &MetricSpec) -> Result<Self, ParamError> {
        let kind = kinds().find(|kind| kind.about.name == spec.kind).ok_or_else(|| ParamError {
            pointer: String::new(),
            message: format!("no metric `{}`", spec.kind),
        })?;
        let scope = Arc::new(Scope::compile(spec, kind.reads_objects)?);
        let narrowing = Narrowing::compile(spec)?;
        let work = (kind.compile)(&spec.params).map_err(|complaint| ParamError {
            pointer: format!("/{}{}", spec.kind, complaint.pointer),
            message: complaint.message,
        })?;
        let moved = match &work {
            Backend::Text(measure) => measure.range(),
            Backend::Judge(_) | Backend::Program(_) => None,
        };
        let narrowing = narrowing.for_work(&work);
        let about = About { range: moved.unwrap_or(kind.about.range), ..kind.about };
        let finish = Finish::compile(spec, &about)?;
        let worker = match work {
            Backend::Text(measure) => Evaluator::Text(measure),
            Backend::Judge(inquiry) => Evaluator::Judge(Judge::new(inquiry, finish)),
            Backend::Program(program) => Evaluator::Program(program),
        };
        let (range, direction) = if spec.binary {
            (Range::Binary, Direction::Higher)
        } else {
            (about.range, about.direction)
        };
        let (name, narrowing) = (spec.name.as_str().into(), Arc::new(narrowing));
        Ok(Self { name, scope, narrowing, finish, range, direction, worker })
    }

    /// The name it is reported under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it concerns some items only.
    pub fn is_partial(&self) -> bool {
        self.scope.is_partial()
    }

    /// Whether it concerns the item with these columns. One of which that cannot be told has been
    /// found before anything was asked.
    pub fn concerns(&self, fields: &Fields) -> bool {
        self.scope.concerns(fields).unwrap_or(true)
    }

    /// What is scored, with the metric's own right answers in place of the dataset's; `Err` is the
    /// score where there is nothing to score.
    pub(crate) fn scoped<T>(
        &self,
        subject: Subject<'_>,
        then: impl FnOnce(Subject<'_>) -> T,
    ) -> Result<T, Box<Score>> {
        match self.scope.concerns(subject.fields) {
            Ok(true) => {}
            Ok(false) => return Err(Box::new(Score::not_applicable())),
            Err(problem) => return Err(Box::new(Score::missing(problem))),
        }
        match self.scope.targets(subject.fields) {
            Ok(None) => Ok(then(subject)),
            Ok(Some(targets)) => Ok(then(Subject { targets: &targets, ..subject })),
            Err(problem) => Err(Box::new(Score::missing(problem))),
        }
    }

    /// The score of one answer. A model-graded metric has no score without its judge: missing.
    pub fn score(&self, subject: Subject<'_>) -> Score {
        self.scoped(subject, |subject| self.score_scoped(subject)).unwrap_or_else(|score| *score)
    }

    fn score_scoped(&self, subject: Subject<'_>) -> Score {
        match &self.worker {
            Evaluator::Text(measure) => {
                let score = self
                    .score_narrowed(subject, |subject| self.finish.score(measure.measure(subject)));
                let counts = match score.value {
                    Some(_) if score.invalid && self.finish.keeps_values() => {
                        measure.counts_of_invalid(subject)
                    }
                    _ => score.counts,
                };
                Score { counts, ..score }
            }
            Evaluator::Judge(_) => Score::missing("the judge was not called"),
            Evaluator::Program(_) => {
                self.score_narrowed(subject, |_| Score::missing("the program was not run"))
            }
        }
    }

    /// The same for one that `score` makes of the part that counts, such as a judge's.
    pub(crate) fn score_by(
        &self,
        subject: Subject<'_>,
        score: impl FnOnce(Subject<'_>) -> Score,
    ) -> Score {
        let scored = self.scoped(subject, |subject| self.score_narrowed(subject, score));
        scored.unwrap_or_else(|score| *score)
    }

    /// The score of the part of an answer that counts; where there is none, the answer is invalid.
    fn score_narrowed(
        &self,
        subject: Subject<'_>,
        score: impl FnOnce(Subject<'_>) -> Score,
    ) -> Score {
        match self.narrowing.narrow(subject) {
            Ok(narrowed) => narrowed.told(score(narrowed.subject(subject))),
            Err(reason) => self.finish.score(Measurement::Invalid(reason)),
        }
    }

    /// Whether what a suite says of reasoning is other than what holds where it says nothing.
    pub fn departs_on_reasoning(&self) -> Option<Reasoning> {
        self.narrowing.departure()
    }

    /// What an item says to the metric, looked at before anything is asked: a mistake in a row is
    /// found then, and not when its answer is scored.
    pub fn check_item(&self, item: &Item) -> Result<(), String> {
        self.check_row(&item.targets, &item.fields)
    }

    pub(crate) fn check_row(&self, targets: &[String], fields: &Fields) -> Result<(), String> {
        if !self.scope.concerns(fields)? {
            return Ok(());
        }
        let own = self.scope.usable_targets(fields)?;
        let targets = own.as_deref().unwrap_or(targets);
        match &self.worker {
            Evaluator::Text(measure) => measure.check_item(targets, fields),
            Evaluator::Judge(_) | Evaluator::Program(_) => Ok(()),
        }
    }

    /// Whether the metric can use what is right for an item, where anything is said to be.
    pub fn check_targets(&self, item: &Item) -> Result<(), UnusableTarget> {
        if item.targets.iter().all(String::is_empty) && !self.scope.has_targets() {
            return Ok(());
        }
        self.check_row_targets(&item.targets, &item.fields)
    }

    pub(crate) fn check_row_targets(
        &self,
        targets: &[String],
        fields: &Fields,
    ) -> Result<(), UnusableTarget> {
        // What cannot be told has been complained of.
        let (Ok(true), Ok(own)) = (self.scope.concerns(fields), self.scope.targets(fields)) else {
            return Ok(());
        };
        let targets = own.as_deref().unwrap_or(targets);
        match &self.worker {
            Evaluator::Text(measure) => measure.check_targets(targets, fields),
            Evaluator::Judge(_) | Evaluator::Program(_) => Ok(()),
        }
    }

    /// How the values of a whole run are made that are no means of the answers' values.
    pub fn corpus(&self) -> Option<&dyn Corpus> {
        match &self.worker {
            Evaluator::Text(measure) if self.finish.keeps_values() => measure.corpus(),
            _ => None,
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

    /// Who is asked, where a model is.
    pub fn judge(&self) -> Option<&Judge> {
        match &self.worker {
            Evaluator::Judge(judge) => Some(judge),
            Evaluator::Text(_) | Evaluator::Program(_) => None,
        }
    }

    /// The program, where one is asked for the scores.
    pub fn program(&self) -> Option<&Program> {
        match &self.worker {
            Evaluator::Program(program) => Some(program),
            Evaluator::Text(_) | Evaluator::Judge(_) => None,
        }
    }

    /// The line that asks the program about an answer, without its end; `None` where nothing can be
    /// extracted from it. `id` is to come back with the reply, if anything does.
    pub fn program_request(&self, id: u64, subject: Subject<'_>) -> Option<String> {
        let line = self.scoped(subject, |subject| {
            let narrowed = self.narrowing.narrow(subject).ok()?;
            Some(program::request_line(id, narrowed.subject(subject)))
        });
        line.ok().flatten()
    }

    /// The score that a program's line about the answer `id` gives, or what is wrong with the line.
    pub fn program_score(&self, id: u64, line: &str) -> Result<ProgramScore, String> {
        let (measurement, names_id) = program::read_reply(id, line)?;
        Ok(ProgramScore { score: self.finish.score(measurement), names_id })
    }

    /// Whether its scores come from the subject alone, so that it can stand within another metric.
    pub(crate) fn is_direct(&self) -> bool {
        matches!(self.worker, Evaluator::Text(_))
    }

    /// Whether its scores lie in [0, 1] and are better the higher they are.
    pub(crate) fn is_share(&self) -> bool {
        self.finish.is_share()
    }

    /// Whether it may say that an answer passes.
    pub(crate) fn decides(&self) -> bool {
        let by_itself = matches!(&self.worker, Evaluator::Text(measure) if measure.decides());
        by_itself || self.finish.has_threshold()
    }

    /// What to ask models about an answer; `task` is what the candidate was asked.
    ///
    /// `None` where there is nothing to ask: the metric asks no model, the record failed, or nothing
    /// can be extracted from the answer. An error says why the questions cannot be made.
    pub fn questions(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Option<Result<Vec<Question>, QuestionError>> {
        let judge = self.judge().filter(|_| subject.record.has_answer())?;
        let questions = self.scoped(subject, |subject| {
            let narrowed = self.narrowing.narrow(subject).ok()?;
            Some(judge.questions(narrowed.subject(subject), task))
        });
        questions.ok().flatten()
    }
}
