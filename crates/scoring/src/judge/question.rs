//! What a metric asks of a model about an answer, and what came back.

use std::sync::Arc;

use evalmark_core::{
    model::Model,
    record::{Failure, Outcome, Record},
    request::{Message, Request, ResponseSchema},
    template::TemplateError,
};

/// One question to one model about one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The model's name in the suite.
    pub model: String,
    /// What it is asked.
    pub form: Form,
}

/// What a model is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// For an opinion.
    Chat {
        /// The conversation.
        messages: Vec<Message>,
        /// What the reply must look like, for servers that can be told.
        response_schema: Option<Arc<ResponseSchema>>,
        /// Which of several times the same is asked, from 0.
        repeat: u32,
        /// How often the same is asked.
        repeats: u32,
    },
    /// For the vector of a text.
    Embedding(String),
}

impl Question {
    /// The request to `model` about an answer of this epoch: each repeat of each epoch is one of its
    /// own. A vector depends on the text alone, and is asked for once.
    pub fn request(&self, model: &Model, epoch: u32) -> Request {
        match &self.form {
            Form::Embedding(text) => model.embedding(text.clone()),
            Form::Chat { messages, response_schema, repeat, repeats } => {
                let epoch = epoch.saturating_mul(*repeats).saturating_add(*repeat);
                let response_schema = response_schema.clone();
                Request { response_schema, ..model.request(messages.clone(), epoch) }
            }
        }
    }
}

/// What came back for a question.
#[derive(Clone, Debug)]
pub struct JudgeReply {
    /// How the request ended.
    pub record: Record,
    /// What it cost, where the price is known.
    pub cost_usd: Option<f64>,
}

impl JudgeReply {
    /// A reply of which nothing is known but its text.
    pub fn of_text(text: &str) -> Self {
        Self { record: Record::recorded(text.to_owned()), cost_usd: None }
    }

    /// The text, or why there is none.
    pub(crate) fn text(&self) -> Result<&str, String> {
        match (self.record.outcome, &self.record.output) {
            (Outcome::Failed, _) => Err(why_failed("no judgement", &self.record)),
            (_, Some(output)) => Ok(output),
            (_, None) => Err("no judgement: the judge refused".to_owned()),
        }
    }

    /// Whether it ends where the model might write no more.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.record.is_cut_off()
    }

    pub(crate) fn tokens(&self) -> Option<u64> {
        let usage = self.record.usage;
        usage.input_tokens.zip(usage.output_tokens).map(|(i, o)| i.saturating_add(o))
    }
}

/// Why there is a question and no way to ask it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The suite's own words do not render for this item.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The items have no such column.
    #[error("the item has no column `{0}`")]
    Column(String),
    /// The item lacks what the question is about.
    #[error("{0}")]
    Lacking(String),
    /// The answer is none that can be asked about: the candidate's fault.
    #[error("{0}")]
    Invalid(String),
}

/// Why a record holds no answer.
pub(crate) fn why_failed(what: &str, record: &Record) -> String {
    match &record.failure {
        Some(Failure { kind, .. }) => format!("{what}: {}", kind.as_str()),
        None => what.to_owned(),
    }
}
