//! The part of an answer that counts: without reasoning, and what `extract` takes from the rest.

use std::borrow::Cow;

use evalmark_core::{
    answer_details::SplitReasoning,
    metric::{MetricSpec, ParamError, Reasoning},
    score::Score,
};
use serde_json::Value;

use crate::{
    extract::{Extractor, Found},
    kind::Backend,
    reasoning::{Answer, answer, names_a_tag},
    split_reasoning::rejoined,
    subject::Subject,
};

/// What is said of a score where reasoning was cut off.
const CUT: &str = "scored without its reasoning";

/// How a metric narrows an answer.
#[derive(Debug)]
pub(crate) struct Narrowing {
    extract: Option<Extractor>,
    /// What the suite says.
    said: Option<Reasoning>,
    /// What holds where it says nothing; `None` where metrics within decide for themselves.
    default: Option<Reasoning>,
}

impl Narrowing {
    /// Compiles what the suite says. What names a tag of reasoning itself is about reasoning, and
    /// keeps it.
    pub(crate) fn compile(spec: &MetricSpec) -> Result<Self, ParamError> {
        let extract = spec.extract.as_ref().map(Extractor::compile).transpose()?;
        let is_about_reasoning = texts_name_a_tag(&spec.params)
            || extract.as_ref().is_some_and(|extract| names_a_tag(extract.pattern()));
        let default = if is_about_reasoning { Reasoning::Keep } else { Reasoning::Cut };
        Ok(Self { extract, said: spec.reasoning, default: Some(default) })
    }

    /// With the default of the metric's own work, unless `extract` narrows the answer first.
    pub(crate) fn for_work(self, work: &Backend) -> Self {
        let own = match work {
            Backend::Text(measure) => measure.reasoning(),
            Backend::Judge(_) | Backend::Program(_) => Some(Reasoning::Cut),
        };
        let default = match own {
            Some(Reasoning::Cut) => self.default,
            None if self.extract.is_some() => self.default,
            own => own,
        };
        Self { default, ..self }
    }

    /// What the suite says, where that is not what holds anyway.
    pub(crate) fn departure(&self) -> Option<Reasoning> {
        self.said.filter(|_| self.said != self.default)
    }

    /// The part of the answer that counts, or why there is none.
    pub(crate) fn narrow<'a>(&self, subject: Subject<'a>) -> Result<Narrowed<'a>, String> {
        let reasoning = self.said.or(subject.reasoning).or(self.default);
        let whole =
            Narrowed { answer: subject.answer.into(), reasoning, is_cut: false, remark: None };
        let narrowed = match reasoning {
            // Who says so looks at reasoning that was split off, too.
            Some(Reasoning::Keep) => match subject.record.details.as_deref() {
                Some(details) if self.said == Some(Reasoning::Keep) => {
                    match rejoined(subject.answer, details) {
                        Some(text) => Narrowed { answer: text.into(), ..whole },
                        None => whole,
                    }
                }
                _ => whole,
            },
            _ if reasoning.is_some() && is_endless(subject) => return Err(endless(subject)),
            _ if subject.answer.is_empty() => whole,
            _ => match answer(subject.answer) {
                Answer::Whole => whole,
                _ if subject.targets.iter().any(|target| names_a_tag(target)) => whole,
                // Metrics within may keep it.
                _ if reasoning.is_none() => Narrowed { is_cut: true, ..whole },
                Answer::Endless => return Err(endless(subject)),
                Answer::Rest(answer) => {
                    Narrowed { answer, is_cut: true, remark: Some(CUT.into()), ..whole }
                }
            },
        };
        match &self.extract {
            None => Ok(narrowed),
            Some(extract) => narrowed.extracted(extract),
        }
    }
}

/// Whether a text somewhere in parameters names a tag of reasoning.
fn texts_name_a_tag(params: &Value) -> bool {
    match params {
        Value::String(text) => names_a_tag(text),
        Value::Array(elements) => elements.iter().any(texts_name_a_tag),
        Value::Object(map) => map.values().any(texts_name_a_tag),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether reasoning that never ends was split off the whole text.
fn is_endless(subject: Subject<'_>) -> bool {
    let details = subject.record.details.as_deref();
    subject.answer.is_empty()
        && details.is_some_and(|of| of.split_reasoning == Some(SplitReasoning::Endless))
}

fn endless(subject: Subject<'_>) -> String {
    let why = "no answer: its reasoning never ends";
    if subject.record.is_cut_off() {
        format!("{why}; the model hit its `max_tokens`, raise it")
    } else {
        why.to_owned()
    }
}

/// The part of an answer that counts.
#[derive(Debug)]
pub(crate) struct Narrowed<'a> {
    answer: Cow<'a, str>,
    reasoning: Option<Reasoning>,
    /// Whether the answer holds reasoning that is not scored.
    is_cut: bool,
    remark: Option<Cow<'static, str>>,
}

impl Narrowed<'_> {
    /// What the metric looks at.
    pub(crate) fn subject<'s>(&'s self, whole: Subject<'s>) -> Subject<'s> {
        Subject { answer: &self.answer, reasoning: self.reasoning, ..whole }
    }

    /// A score of it, which says what was not scored.
    pub(crate) fn told(&self, score: Score) -> Score {
        let reason = match (score.reason, self.remark.as_deref()) {
            (Some(reason), Some(remark)) => Some(format!("{reason}; {remark}")),
            (reason, remark) => reason.or_else(|| remark.map(str::to_owned)),
        };
        Score { reason, reasoning_cut: self.is_cut, ..score }
    }

    fn extracted(self, extract: &Extractor) -> Result<Self, String> {
        let found = match &self.answer {
            Cow::Borrowed(answer) => extract.extract(answer)?,
            Cow::Owned(answer) => {
                let found = extract.extract(answer)?;
                Found { text: found.text.into_owned().into(), ..found }
            }
        };
        let remark = match (self.remark, found.remark) {
            (Some(a), Some(b)) => Some(format!("{a}; {b}").into()),
            (a, b) => a.or(b),
        };
        Ok(Self { answer: found.text, remark, ..self })
    }
}
