//! One request, free of any protocol, its canonical JSON, and the content address it is cached and replayed by.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::message::Message;
use crate::tools::Tools;

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
    /// The form that the answer must have.
    pub response_schema: Option<Arc<ResponseSchema>>,
    /// Tools that the model may call.
    pub tools: Option<Arc<Tools>>,
    /// Tokens of the answer, at most. It follows from the parameters and is no part of the hash.
    pub max_output_tokens: Option<u64>,
    /// Whether the answer shall come piece by piece. It is the same answer, so that this is no part
    /// of the hash.
    pub is_streamed: bool,
    /// Which repetition this is, from 0. It makes repeated requests distinct; it is not sent.
    pub epoch: u32,
}

/// A request as JSON, in a fixed key order.
#[derive(Serialize)]
struct Written<'a> {
    model: &'a str,
    messages: &'a [Cow<'a, Message>],
    #[serde(rename = "$tools", skip_serializing_if = "Option::is_none")]
    tools: Option<&'a Tools>,
    #[serde(rename = "$json_schema", skip_serializing_if = "Option::is_none")]
    response_schema: Option<&'a ResponseSchema>,
    #[serde(flatten)]
    params: &'a Map<String, Value>,
}

/// A request as JSON, on its way back.
#[derive(Deserialize)]
struct Read {
    model: String,
    messages: Vec<Message>,
    #[serde(rename = "$tools")]
    tools: Option<Arc<Tools>>,
    #[serde(rename = "$json_schema")]
    response_schema: Option<Arc<ResponseSchema>>,
    #[serde(flatten)]
    params: Map<String, Value>,
}

/// The form that an answer must have, for servers that can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseSchema {
    /// What the form is called.
    pub name: Cow<'static, str>,
    /// JSON Schema of the answer.
    pub schema: Value,
}

impl ResponseSchema {
    /// The name under which a schema stands among the hashed parameters.
    const HASHED_AS: &str = "response_format";

    /// What is hashed of it, which may never change.
    fn hashed(&self) -> Value {
        serde_json::json!({
            "type": "json_schema",
            "json_schema": { "name": self.name, "strict": true, "schema": self.schema },
        })
    }
}

/// Have taken in their contexts, which no request needs to do again.
static CHAT_HASHER: LazyLock<blake3::Hasher> =
    LazyLock::new(|| blake3::Hasher::new_derive_key("evalmark request v1"));
static EMBEDDING_HASHER: LazyLock<blake3::Hasher> =
    LazyLock::new(|| blake3::Hasher::new_derive_key("evalmark embedding v1"));

impl Request {
    /// A conversation to go on with, without a form for the answer.
    pub fn chat(
        model: Arc<str>,
        messages: impl Into<Arc<[Message]>>,
        params: Arc<Map<String, Value>>,
        epoch: u32,
    ) -> Self {
        Self {
            task: Task::Chat,
            model,
            messages: messages.into(),
            params,
            response_schema: None,
            tools: None,
            max_output_tokens: None,
            is_streamed: false,
            epoch,
        }
    }

    /// The request as JSON, whatever protocol it is sent in: `model`, `messages`, what the prompt asks
    /// for beside them, then the parameters in the suite's order. Pictures and the like stand there
    /// with their content address, which is all that the hash needs of them.
    pub fn to_json(&self) -> String {
        let messages: Vec<_> = self.messages.iter().map(Message::addressed).collect();
        let written = Written {
            model: &self.model,
            messages: &messages,
            tools: self.tools.as_deref(),
            response_schema: self.response_schema.as_deref(),
            params: self.params.as_ref(),
        };
        let mut json = Vec::with_capacity(self.text_bytes() + 256);
        // Texts and JSON values always make JSON.
        drop(serde_json::to_writer(&mut json, &written));
        String::from_utf8(json).unwrap_or_default()
    }

    /// The request that [`Request::to_json`] wrote.
    pub fn from_json(json: &str, epoch: u32) -> Result<Self, serde_json::Error> {
        let Read { model, messages, tools, response_schema, params } = serde_json::from_str(json)?;
        let request = Self::chat(model.into(), messages, Arc::new(params), epoch);
        Ok(Self { response_schema, tools, ..request })
    }

    /// Bytes of text in its messages.
    pub fn text_bytes(&self) -> usize {
        self.messages.iter().map(Message::text_bytes).sum()
    }

    /// Characters of text that cost about as many tokens as the request does.
    pub fn estimated_characters(&self) -> u64 {
        let messages: u64 = self.messages.iter().map(Message::estimated_characters).sum();
        let json = |value: Option<String>| value.map_or(0, |json| json.len() as u64);
        let tools = self.tools.as_ref().and_then(|tools| serde_json::to_string(tools).ok());
        let schema = self.response_schema.as_ref().map(|form| form.schema.to_string());
        messages + json(tools) + json(schema)
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
            match message.only_text() {
                Some(text) => part(text.as_bytes()),
                None => part_of_parts(message, &mut part),
            }
        }
        part(b"params");
        let mut params: Vec<_> = self.params.iter().collect();
        let schema = self.response_schema.as_ref().map(|schema| schema.hashed());
        let name = ResponseSchema::HASHED_AS.to_owned();
        if let Some(schema) = &schema {
            params.retain(|(other, _)| **other != name);
            params.push((&name, schema));
        }
        params.sort_by_key(|(name, _)| *name);
        for (name, value) in params {
            part(name.as_bytes());
            part(canonical(value).as_bytes());
        }
        if let Some(tools) = &self.tools {
            // No parameter is called so.
            part(b"\xfftools");
            // Texts and JSON values always make JSON.
            part(canonical(&serde_json::to_value(tools).unwrap_or_default()).as_bytes());
        }
        part(&self.epoch.to_le_bytes());
        hasher.update(&parts);
        RequestHash(*hasher.finalize().as_bytes())
    }
}

/// Adds a message that is more than a text: a part that no text can be, and then the parts as JSON.
fn part_of_parts(message: &Message, part: &mut impl FnMut(&[u8])) {
    part(b"\xffparts");
    // Texts always make JSON.
    let message = message.addressed();
    part(serde_json::to_string(message.parts()).unwrap_or_default().as_bytes());
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(params: &Value) -> Request {
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        Request::chat("m".into(), [Message::new("user", "hi")], params, 1)
    }

    #[test]
    fn json_comes_back_as_the_same_request() {
        let request = request(&json!({ "temperature": 0.7, "stop": ["a"] }));
        let json = request.to_json();
        assert_eq!(
            json,
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.7,"stop":["a"]}"#
        );
        assert_eq!(Request::from_json(&json, 1).ok(), Some(request));
    }

    #[test]
    fn parts_are_no_text() {
        use crate::message::Part;
        let of = |message: Message| {
            Request::chat("m".into(), [message], Arc::default(), 0).hash().to_string()
        };
        let part = |text: &str| Part::Text { text: text.to_owned() };
        let whole = of(Message::new("user", "ab"));
        assert_eq!(of(Message::of_parts("user", vec![part("ab")])), whole);
        let parts = of(Message::of_parts("user", vec![part("a"), part("b")]));
        let json = r#"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#;
        assert!(parts != whole && parts != of(Message::new("user", json)));
    }

    #[test]
    fn what_a_prompt_asks_for_beside_its_text_comes_back() {
        use crate::{
            message::{Media, MediaSource, Part},
            tools::{Tool, ToolChoice, Tools},
        };
        let media = Media {
            media_type: "image/png".to_owned(),
            name: None,
            source: MediaSource::Base64("AAAA".to_owned()),
        };
        let tool = Tool { name: "f".to_owned(), description: None, parameters: json!({}) };
        let schema = ResponseSchema { name: "a".into(), schema: json!({ "type": "object" }) };
        let request = Request {
            messages: Arc::new([Message::of_parts("user", vec![Part::Image(media)])]),
            tools: Some(Arc::new(Tools {
                tools: vec![tool],
                tool_choice: Some(ToolChoice::Name("f".to_owned())),
            })),
            response_schema: Some(Arc::new(schema)),
            ..request(&json!({ "tools": 1, "seed": 2 }))
        };
        let json = request.to_json();
        assert!(!json.contains("AAAA"), "{json}");
        let back = Request::from_json(&json, 1).expect(&json);
        assert_eq!(back.hash(), request.hash());
        assert_eq!((back.tools, back.params), (request.tools, request.params));
    }

    #[test]
    fn a_form_is_hashed_as_the_parameter_that_it_was() {
        let schema = json!({ "type": "object" });
        let form = json!({ "name": "f", "strict": true, "schema": schema });
        let form = json!({ "type": "json_schema", "json_schema": form });
        let as_parameter = request(&json!({ "seed": 1, "a": 2, "response_format": form }));
        let response_schema = Some(Arc::new(ResponseSchema { name: "f".into(), schema }));
        for others in
            [json!({ "seed": 1, "a": 2 }), json!({ "response_format": 3, "seed": 1, "a": 2 })]
        {
            let with_form =
                Request { response_schema: response_schema.clone(), ..request(&others) };
            assert_eq!(with_form.hash(), as_parameter.hash(), "{others}");
        }
        assert_ne!(request(&json!({ "seed": 1, "a": 2 })).hash(), as_parameter.hash());
    }

    #[test]
    fn how_an_answer_comes_is_no_part_of_what_is_asked() {
        let whole = request(&json!({ "seed": 1 }));
        let streamed = Request { is_streamed: true, ..whole.clone() };
        assert_eq!((streamed.hash(), streamed.to_json()), (whole.hash(), whole.to_json()));
    }

    #[test]
    fn tools_are_part_of_what_is_asked() {
        use crate::tools::{Tool, ToolChoice, Tools};
        let plain = request(&json!({ "seed": 1 }));
        let with = |name: &str, tool_choice| {
            let parameters = json!({ "type": "object" });
            let tool = Tool { name: name.to_owned(), description: None, parameters };
            let tools = Some(Arc::new(Tools { tools: vec![tool], tool_choice }));
            Request { tools, ..plain.clone() }.hash()
        };
        let hashes = [
            plain.hash(),
            with("f", None),
            with("g", None),
            with("f", Some(ToolChoice::Required)),
            with("f", Some(ToolChoice::Name("f".to_owned()))),
        ];
        let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(distinct.len(), hashes.len());
    }
}
