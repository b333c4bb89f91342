//! One request, its canonical JSON, and the content address it is cached and replayed by.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One chat message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The rendered text.
    pub content: String,
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// To go on with a conversation.
    #[default]
    Chat,
    /// To say where texts lie, as vectors: each message's content is such a text.
    Embedding,
}

/// A rendered request: all that decides the answer, and nothing else. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub task: Task,
    /// The model's name at the provider.
    pub model: Arc<str>,
    /// The conversation, or the texts.
    pub messages: Arc<[Message]>,
    /// Sampling parameters, passed on as they stand in the suite.
    pub params: Arc<Map<String, Value>>,
    /// Which repetition this is, from 0. It makes repeated requests distinct; it is not sent.
    pub epoch: u32,
}

/// The body that is sent, in a fixed key order.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a [Message]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Vec<&'a str>>,
    /// Numbers are what every server knows; some know base64, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<&'static str>,
    #[serde(flatten)]
    params: &'a Map<String, Value>,
}

/// Have taken in their contexts, which no request needs to do again.
static CHAT_HASHER: LazyLock<blake3::Hasher> =
    LazyLock::new(|| blake3::Hasher::new_derive_key("evalmark request v1"));
static EMBEDDING_HASHER: LazyLock<blake3::Hasher> =
    LazyLock::new(|| blake3::Hasher::new_derive_key("evalmark embedding v1"));

impl Request {
    /// The JSON body that is sent: `model`, `messages` or `input`, then the parameters in the
    /// suite's order.
    pub fn body(&self) -> String {
        let texts = || self.messages.iter().map(|message| message.content.as_str()).collect();
        let (messages, input) = match self.task {
            Task::Chat => (Some(&*self.messages), None),
            Task::Embedding => (None, Some(texts())),
        };
        let is_open = !self.params.contains_key("encoding_format");
        let encoding_format = (input.is_some() && is_open).then_some("float");
        let (model, params) = (&*self.model, self.params.as_ref());
        let body = Body { model, messages, input, encoding_format, params };
        let mut json = Vec::with_capacity(self.text_bytes() + 256);
        // Texts and JSON values always make JSON.
        drop(serde_json::to_writer(&mut json, &body));
        String::from_utf8(json).unwrap_or_default()
    }

    /// Bytes of text in its messages.
    pub fn text_bytes(&self) -> usize {
        self.messages.iter().map(|message| message.content.len()).sum()
    }

    /// The content address: BLAKE3 over model, messages, parameters (sorted by name) and epoch.
    /// Embeddings have a domain of their own.
    ///
    /// It leaves out who serves the model, so that a recording replays anywhere.
    pub fn hash(&self) -> RequestHash {
        let mut hasher = match self.task {
            Task::Chat => CHAT_HASHER.clone(),
            Task::Embedding => EMBEDDING_HASHER.clone(),
        };
        // One update of all parts costs less than many small ones.
        let mut parts = Vec::with_capacity(self.text_bytes() + 256);
        let mut part = |bytes: &[u8]| {
            parts.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            parts.extend_from_slice(bytes);
        };
        part(self.model.as_bytes());
        for message in &*self.messages {
            part(message.role.as_bytes());
            part(message.content.as_bytes());
        }
        part(b"params");
        let mut params: Vec<_> = self.params.iter().collect();
        params.sort_by_key(|(name, _)| *name);
        for (name, value) in params {
            part(name.as_bytes());
            part(canonical(value).as_bytes());
        }
        part(&self.epoch.to_le_bytes());
        hasher.update(&parts);
        RequestHash(*hasher.finalize().as_bytes())
    }
}

/// JSON with sorted object keys.
fn canonical(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    value.to_string()
}

/// A request's content address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestHash(pub [u8; 32]);

impl RequestHash {
    /// Reads the 64 hexadecimal digits that `Display` writes.
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

impl fmt::Display for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
