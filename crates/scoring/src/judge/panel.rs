//! Who judges, how often, and how the opinions become one score.

use std::{fmt, sync::Arc};

use evalmark_core::{
    metric::ParamError,
    request::{Message, ResponseSchema},
    score::{Flips, JudgeTrace},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Inquire,
    params::Judges,
    question::{Form, JudgeReply, Question, QuestionError},
    trace::trace,
    vote::{Vote, one_of},
};
use crate::{kind::Measurement, subject::Subject};

/// How several judges' grades become one score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aggregate {
    /// The mean of all judges' grades; missing where one is missing.
    #[default]
    Mean,
    /// 1 where more than half of all judges say yes (a grade from the metric's threshold on), 0
    /// where more than half say no, 0.5 where they are divided; missing where a missing grade could
    /// still decide.
    Majority,
    /// 1 where all judges say yes, 0 where one says no.
    Unanimity,
}

/// How often the same may be asked.
const MOST_REPEATS: u32 = 100;

/// What judges are asked and how one judge's reply is read; each kind of judge is one.
pub(crate) trait Sheet: fmt::Debug + Send + Sync {
    /// How many conversations make one opinion.
    const CONVERSATIONS: usize = 1;

    /// JSON Schema of a reply.
    fn schema(&self, subject: Subject<'_>) -> Value;

    /// The conversations about an answer, [`Sheet::CONVERSATIONS`] of them.
    fn write(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Vec<Message>>, QuestionError>;

    /// What the replies to them say, or why they cannot be read.
    fn read(&self, subject: Subject<'_>, replies: &[&str]) -> Result<Opinion, String>;
}

/// What a judge said, once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opinion {
    /// From 0 to 1.
    pub(crate) value: f64,
    pub(crate) reason: Option<String>,
    /// Whether the order of two answers decided, where they were shown in both orders.
    pub(crate) flipped: Option<bool>,
}

/// Judges who fill in the same sheet.
#[derive(Debug)]
pub(crate) struct Panel<S> {
    models: Vec<String>,
    aggregate: Aggregate,
    repeats: u32,
    is_structured: bool,
    sheet: S,
}

impl<S: Sheet> Panel<S> {
    /// Checks who judges.
    pub(crate) fn new(judges: Judges, sheet: S) -> Result<Self, ParamError> {
        let complain = |pointer: &str, message: &str| {
            Err(ParamError { pointer: pointer.to_owned(), message: message.to_owned() })
        };
        let Judges { model, models, aggregate, repeats, structured } = judges;
        let models = match (model, models) {
            (Some(model), None) => vec![model],
            (None, Some(models)) if !models.is_empty() => models,
            _ => return complain("", "a judge needs exactly one of `model` and `models`"),
        };
        if (1..models.len()).any(|i| models[..i].contains(&models[i])) {
            let message = "a model can be on a panel only once; use `repeats` to call it again";
            return complain("/models", message);
        }
        if !(1..=MOST_REPEATS).contains(&repeats) {
            return complain(
                "/repeats",
                &format!("`repeats` must lie between 1 and {MOST_REPEATS}"),
            );
        }
        Ok(Self { models, aggregate, repeats, is_structured: structured, sheet })
    }

    /// Every judge's opinions, in the order of asking.
    fn opinions(
        &self,
        subject: Subject<'_>,
        replies: &[JudgeReply],
    ) -> Vec<Vec<Result<Opinion, String>>> {
        let per_opinion = S::CONVERSATIONS;
        let opinion = |i: usize| {
            let replies = replies.get(i * per_opinion..(i + 1) * per_opinion);
            let replies = replies.ok_or_else(|| "the judge was not called".to_owned())?;
            let texts = replies.iter().map(JudgeReply::text).collect::<Result<Vec<_>, _>>()?;
            let read = self.sheet.read(subject, &texts);
            read.map_err(|why| {
                let is_cut_off = replies.iter().any(JudgeReply::is_cut_off);
                let why = match (is_cut_off, self.is_structured) {
                    (true, _) => "the judge hit its `max_tokens`; raise it".to_owned(),
                    (false, true) => why,
                    (false, false) => format!("{why}; try `structured: true`"),
                };
                format!("could not read a grade: {why}")
            })
        };
        let repeats = self.repeats as usize;
        let of_judge = |judge: usize| (0..repeats).map(|i| opinion(judge * repeats + i)).collect();
        (0..self.models.len()).map(of_judge).collect()
    }
}

impl<S: Sheet> Inquire for Panel<S> {
    fn models(&self) -> &[String] {
        &self.models
    }

    fn questions_each(&self) -> u64 {
        self.models.len() as u64 * u64::from(self.repeats) * S::CONVERSATIONS as u64
    }

    fn questions(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Question>, QuestionError> {
        let sheets = self.sheet.write(subject, task)?;
        let form =
            || ResponseSchema { name: "judgement".into(), schema: self.sheet.schema(subject) };
        let form = self.is_structured.then(|| Arc::new(form()));
        let mut questions = Vec::new();
        for model in &self.models {
            for repeat in 0..self.repeats {
                questions.extend(sheets.iter().map(|messages| Question {
                    model: model.clone(),
                    form: Form::Chat {
                        messages: messages.clone(),
                        response_schema: form.clone(),
                        repeat,
                        repeats: self.repeats,
                    },
                }));
            }
        }
        Ok(questions)
    }

    fn find(
        &self,
        subject: Subject<'_>,
        replies: &[JudgeReply],
        threshold: f64,
    ) -> (Measurement, JudgeTrace) {
        let opinions = self.opinions(subject, replies);
        let votes: Vec<Vote> =
            self.models.iter().zip(&opinions).map(|(model, said)| Vote::of(model, said)).collect();
        let trace = JudgeTrace {
            grades: votes.iter().map(|vote| vote.grade.as_ref().ok().copied()).collect(),
            variance: Vote::variance(&votes),
            flips: flips(&opinions),
            ..trace(&self.models, &opinions, replies, S::CONVERSATIONS)
        };
        (one_of(&votes, self.aggregate, threshold), trace)
    }
}

fn flips(opinions: &[Vec<Result<Opinion, String>>]) -> Option<Flips> {
    let read = opinions.iter().flatten().filter_map(|opinion| opinion.as_ref().ok()?.flipped);
    let flips = read.fold(Flips::default(), |flips, flipped| Flips {
        pairs: flips.pairs + 1,
        flipped: flips.flipped + u32::from(flipped),
    });
    (flips.pairs > 0).then_some(flips)
}

/// The schema of an object that has exactly these properties.
pub(crate) fn object(properties: &Value) -> Value {
    let names: Vec<_> = properties.as_object().into_iter().flat_map(|map| map.keys()).collect();
    let required = json!(names);
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
