//! `semantic`: how close answer and target are in meaning, as a model of embeddings has it.

use std::sync::Arc;

use evalmark_core::{
    embedding::decode,
    metric::{Direction, ParamError, Range},
    request::Message,
    score::JudgeTrace,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    judge::{Form, Inquire, JudgeReply, Question, QuestionError, usage, why_failed},
    kind::{About, Backend, Measurement, MetricDefinition},
    subject::Subject,
};

/// Parameters of `semantic`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Which of the suite's models gives the embeddings. Its server must speak `/embeddings`; each
    /// text is asked for once and kept.
    model: String,
    /// Put before each text, for models that expect one, e.g. `"query: "`.
    #[serde(default)]
    prefix: String,
}

#[derive(Debug)]
pub(crate) struct Semantic {
    model: [String; 1],
    prefix: String,
}

impl MetricDefinition for Semantic {
    const ABOUT: About = About {
        name: "semantic",
        summary: "The cosine of the embeddings of answer and target, the best over targets; \
                  below 0 it counts as 0. What counts as similar differs from model to model. An \
                  empty answer is invalid.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: true,
        model_refs: &["/model"],
        source: "After Reimers and Gurevych 2019 (Sentence-BERT, arXiv:1908.10084): cosine similarity.",
    };
    const EMBEDS: bool = true;
    type Params = Params;

    fn compile(Params { model, prefix }: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Judge(Arc::new(Self { model: [model], prefix })))
    }
}

impl Inquire for Semantic {
    fn models(&self) -> &[String] {
        &self.model
    }

    fn is_opinion(&self) -> bool {
        false
    }

    fn questions_each(&self) -> u64 {
        2
    }

    fn questions(
        &self,
        subject: Subject<'_>,
        _: &[Message],
    ) -> Result<Vec<Question>, QuestionError> {
        let targets: Vec<_> =
            subject.targets.iter().filter(|target| !target.trim().is_empty()).collect();
        if targets.is_empty() {
            return Err(QuestionError::Lacking("the item has no target".to_owned()));
        }
        if subject.answer.trim().is_empty() {
            return Err(QuestionError::Invalid("the answer is empty".to_owned()));
        }
        let texts = std::iter::once(subject.answer).chain(targets.into_iter().map(String::as_str));
        let question = |text| Question {
            model: self.model[0].clone(),
            form: Form::Embedding(format!("{}{text}", self.prefix)),
        };
        Ok(texts.map(question).collect())
    }

    fn find(&self, _: Subject<'_>, replies: &[JudgeReply], _: f64) -> (Measurement, JudgeTrace) {
        let closest = closest(replies);
        (closest.unwrap_or_else(Measurement::Missing), usage(&self.model, replies))
    }
}

/// The best cosine of the first vector with any other; why there is none is the error.
fn closest(replies: &[JudgeReply]) -> Result<Measurement, String> {
    let vectors = replies.iter().map(vector).collect::<Result<Vec<_>, _>>()?;
    let Some((answer, targets)) = vectors.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Err("no embedding was requested".to_owned());
    };
    let cosines = targets.iter().map(|target| cosine(answer, target));
    let cosines =
        cosines.collect::<Option<Vec<_>>>().ok_or("embeddings that cannot be compared")?;
    let best = cosines.into_iter().fold(0.0, f64::max);
    Ok(Measurement::of(best.min(1.0)))
}

fn vector(reply: &JudgeReply) -> Result<Vec<f32>, String> {
    let output = reply.record.output.as_deref().filter(|_| reply.record.has_answer());
    let output = output.ok_or_else(|| why_failed("no embedding", &reply.record))?;
    decode(output).ok_or_else(|| "the reply is not an embedding".to_owned())
}

/// `None` where the vectors differ in length, or one has no direction.
fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let lengths = dot(a, a).sqrt() * dot(b, b).sqrt();
    (a.len() == b.len() && lengths > 0.0).then(|| dot(a, b) / lengths)
}
