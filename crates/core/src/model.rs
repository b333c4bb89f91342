//! A named model of a suite: who serves it, how it is called, what it may use, what it costs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    answer_details::AnswerDetails,
    model_key::ModelKey,
    price::Price,
    record::{Record, Usage},
    request::{Message, Request, Task},
};

/// A model of the suite.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name in the suite.
    pub name: Arc<str>,
    /// Who answers.
    pub provider: Provider,
    /// Its name at the provider.
    pub model: Arc<str>,
    /// Sampling parameters, sent as they are.
    pub params: Arc<Map<String, Value>>,
    /// Tokens of an answer, at most, where the parameters or the provider set a limit.
    pub max_output_tokens: Option<u64>,
    /// Whether its answers come piece by piece.
    pub is_streamed: bool,
    /// Whether reasoning is split off the text of its answers.
    pub splits_reasoning: bool,
    /// How its requests are handed in.
    pub mode: AskMode,
    /// What it may use.
    pub limits: Limits,
    /// What it costs, where the suite says so.
    pub price: Option<Price>,
    /// PEM file with certificates that the server's may be signed by, besides the system's;
    /// absolute or relative to the working directory.
    pub ca_file: Option<PathBuf>,
}

impl Model {
    /// Whether another model of the suite is the same but for its name.
    pub fn is_same_as(&self, other: &Self) -> bool {
        Self { name: other.name.clone(), ..self.clone() } == *other
    }

    /// A request to this model.
    pub fn request(&self, messages: impl Into<Arc<[Message]>>, epoch: u32) -> Request {
        let (model, params) = (self.model.clone(), self.params.clone());
        let request = Request::chat(model, messages, params, epoch);
        let (max_output_tokens, is_streamed) = (self.max_output_tokens, self.is_streamed);
        Request { max_output_tokens, is_streamed, ..request }
    }

    /// A request for the vector of `text`. The same text makes the same request, in whatever epoch.
    pub fn embedding(&self, text: String) -> Request {
        let request = self.request([Message::new("user", text)], 0);
        Request { task: Task::Embedding, max_output_tokens: Some(0), ..request }
    }

    /// US dollars for an answer: what its server says, or else what its tokens cost; `None` where neither
    /// is known.
    pub fn cost_usd(
        &self,
        usage: Usage,
        details: Option<&AnswerDetails>,
        is_batch: bool,
    ) -> Option<f64> {
        let told = details.and_then(|details| details.cost_usd);
        told.or_else(|| self.price?.cost_usd(usage, details, is_batch))
    }

    /// US dollars for the answer of a record; `None` where price or usage is unknown.
    pub fn record_cost_usd(&self, record: &Record) -> Option<f64> {
        let details = record.details.as_deref();
        self.cost_usd(record.usage, details, details.is_some_and(|details| details.is_batch))
    }

    /// Whether what its answers cost will be known.
    pub fn has_known_cost(&self) -> bool {
        self.tells_cost() || self.price.is_some()
    }

    /// Whether its answers say what they cost.
    pub fn tells_cost(&self) -> bool {
        matches!(&self.provider, Provider::Server(server) if server.tells_cost)
    }

    /// US dollars at most for so many tokens, whatever their kinds; `None` where price or usage is unknown.
    pub fn most_usd(&self, usage: Usage) -> Option<f64> {
        Some(self.asked_price()?.most_usd(usage.input_tokens?, usage.output_tokens?))
    }

    /// What it costs in the way that it is asked; `None` where the price is unknown.
    pub fn asked_price(&self) -> Option<Price> {
        match self.mode {
            AskMode::Direct => self.price,
            AskMode::Batch => self.price.map(Price::in_batches),
        }
    }
}

/// How requests are handed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskMode {
    /// One by one; each is answered at once.
    #[default]
    Direct,
    /// Many together through the provider's batch API, which answers within a day, for less.
    Batch,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A server that is asked.
    Server(ModelServer),
    /// A program that is started and asked.
    Program(ModelProgram),
    /// The dataset already holds the answers.
    RecordedColumn(RecordedColumn),
    /// A file of answers by request hash, absolute or relative to the working directory.
    RecordedFile(PathBuf),
}

impl Provider {
    /// Whether the answers are there already, so that nobody is asked.
    pub fn is_recorded(&self) -> bool {
        matches!(self, Self::RecordedColumn(_) | Self::RecordedFile(_))
    }

    /// The program, where one answers.
    pub fn program(&self) -> Option<&ModelProgram> {
        match self {
            Self::Program(program) => Some(program),
            _ => None,
        }
    }
}

/// A program that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelProgram {
    /// Its provider's name in the catalog of providers.
    pub kind: &'static str,
    /// Its name and its arguments.
    pub words: Vec<String>,
    /// Where it is started, absolute or relative to the working directory.
    pub folder: PathBuf,
    /// Environment variables that it sees besides those of every program.
    pub variables: Vec<String>,
}

/// A command as it stands in a suite.
pub fn shown_command(words: &[String]) -> String {
    let is_plain = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
    let word = |word: &String| if is_plain(word) { word.clone() } else { format!("{word:?}") };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A server, and whose key it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelServer {
    /// Its provider's name in the catalog of providers.
    pub kind: &'static str,
    /// Everything before what the protocol puts behind it, without a trailing slash.
    pub base_url: String,
    /// Where its key comes from.
    pub key: ModelKey,
    /// Where in the world it stands, where its provider asks for that.
    pub region: Option<String>,
    /// Which version of the protocol is spoken, where the suite says so.
    pub api_version: Option<String>,
    /// How it is asked, where its provider leaves that to the suite.
    pub options: Option<Arc<Value>>,
    /// Whether its answers say what they cost.
    pub tells_cost: bool,
}

impl ModelServer {
    /// One that wants no key.
    pub fn open(kind: &'static str, base_url: impl Into<String>) -> Self {
        Self {
            kind,
            base_url: base_url.into(),
            key: ModelKey::None,
            region: None,
            api_version: None,
            options: None,
            tells_cost: false,
        }
    }
}

/// Which column of the dataset holds a recorded model's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedColumn {
    /// This one, whatever the prompt.
    Same(String),
    /// One for each prompt of the suite, in the suite's order.
    ByPrompt(Vec<String>),
}

impl RecordedColumn {
    /// The column with the answers to the suite's prompt number `prompt`.
    pub fn of(&self, prompt: usize) -> &str {
        match self {
            Self::Same(column) => column,
            Self::ByPrompt(columns) => columns.get(prompt).map_or("", String::as_str),
        }
    }
}

/// What a model may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in flight at once, at most; at least 1. Fewer where the server refuses more.
    pub concurrency: usize,
    /// Requests a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute, prompt and answer together.
    pub tokens_per_minute: Option<u32>,
    /// Time for one attempt.
    pub timeout: Duration,
    /// Time for all attempts of one request and the waits between them.
    pub total_timeout: Option<Duration>,
    /// Time without a single answer, while requests fail, after which the model is given up.
    pub give_up_after: Duration,
    /// Attempts for one request, the first included, at least 1.
    pub attempts: u32,
    /// Whether a request that takes longer than nearly all others is sent once more.
    pub hedge: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 16,
            requests_per_minute: None,
            tokens_per_minute: None,
            timeout: Duration::from_mins(1),
            total_timeout: None,
            give_up_after: Duration::from_mins(5),
            attempts: 6,
            hedge: false,
        }
    }
}
