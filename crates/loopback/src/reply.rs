//! What the server replies, faults included.

use std::time::Duration;

use serde_json::Value;

/// What to do with one request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) delay: Duration,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Respond(Response),
    /// The connection is reset before a byte of the response.
    Reset,
    /// The same, after GOAWAY where HTTP/2 is spoken.
    GoAway,
    /// Nothing comes until the client gives up.
    Hang,
    /// These bytes, whatever they are, and then the connection is closed.
    Raw(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// What `content-length` says, where that is not the truth.
    pub(crate) announced: Option<usize>,
    pub(crate) sending: Sending,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// A chat completion.
    Completion(Completion),
    /// These bytes.
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) struct Completion {
    content: Option<String>,
    refusal: Option<String>,
    finish_reason: String,
    usage: Option<(u64, u64)>,
}

/// How a body goes out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sending {
    Whole,
    /// Half of it, and then the connection is closed in order.
    HalfThenClose,
    /// Half of it, and then the connection is reset.
    HalfThenReset,
    /// So many bytes at a time, with a pause after each.
    Drip(usize, Duration),
    /// Over and over, until the client has had enough.
    Endless,
}

impl Reply {
    /// A chat completion with this text, ten tokens in and five out.
    pub fn text(text: impl Into<String>) -> Self {
        Self::completion(Some(text.into()), None)
    }

    /// A chat completion whose content is null, and whose refusal is this.
    pub fn refusal(refusal: impl Into<String>) -> Self {
        Self::completion(None, Some(refusal.into()))
    }

    fn completion(content: Option<String>, refusal: Option<String>) -> Self {
        let (finish_reason, usage) = ("stop".into(), Some((10, 5)));
        let completion = Completion { content, refusal, finish_reason, usage };
        Self::respond(200, Body::Completion(completion))
    }

    /// This JSON.
    pub fn json(body: &Value) -> Self {
        Self::respond(200, Body::Bytes(body.to_string().into_bytes()))
    }

    /// These bytes.
    pub fn bytes(body: impl Into<Vec<u8>>) -> Self {
        Self::respond(200, Body::Bytes(body.into()))
    }

    /// Bytes that are no JSON and no text.
    pub fn garbage() -> Self {
        Self::bytes([0x00, 0xff, 0xfe, b'{', b'<', 0x80, b'"'])
    }

    /// An error with this status and OpenAI's form of message.
    pub fn status(status: u16) -> Self {
        let body = format!(r#"{{"error":{{"message":"status {status} as asked for"}}}}"#);
        Self::respond(status, Body::Bytes(body.into_bytes()))
    }

    /// The connection is reset before a byte of the response.
    pub fn reset() -> Self {
        Self { delay: Duration::ZERO, kind: Kind::Reset }
    }

    /// GOAWAY, the end of a connection that speaks HTTP/2; a reset where it does not.
    pub fn go_away() -> Self {
        Self { delay: Duration::ZERO, kind: Kind::GoAway }
    }

    /// Nothing comes until the client gives up.
    pub fn hang() -> Self {
        Self { delay: Duration::ZERO, kind: Kind::Hang }
    }

    /// These bytes in the place of a response, head included; then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { delay: Duration::ZERO, kind: Kind::Raw(bytes.into()) }
    }

    fn respond(status: u16, body: Body) -> Self {
        let response = Response {
            status,
            headers: Vec::new(),
            body,
            announced: None,
            sending: Sending::Whole,
        };
        Self { delay: Duration::ZERO, kind: Kind::Respond(response) }
    }

    /// The same, `delay` later: in the mean, and at most a millisecond earlier.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same with another header.
    #[must_use]
    pub fn header(self, name: &str, value: impl Into<String>) -> Self {
        self.with(|response| response.headers.push((name.into(), value.into())))
    }

    /// The same with another body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.with(|response| response.body = Body::Bytes(body.into()))
    }

    /// The same with its body changed.
    #[must_use]
    pub fn change_body(self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Self {
        self.with(|response| {
            let body = std::mem::replace(&mut response.body, Body::Bytes(Vec::new()));
            response.body = Body::Bytes(change(body.into_bytes()));
        })
    }

    /// The same completion with another finish reason.
    #[must_use]
    pub fn finish_reason(self, reason: &str) -> Self {
        self.with_completion(|completion| completion.finish_reason = reason.into())
    }

    /// The same completion with other token counts.
    #[must_use]
    pub fn usage(self, input: u64, output: u64) -> Self {
        self.with_completion(|completion| completion.usage = Some((input, output)))
    }

    /// The same completion without token counts.
    #[must_use]
    pub fn no_usage(self) -> Self {
        self.with_completion(|completion| completion.usage = None)
    }

    /// The same, but half of the body is missing and the connection is closed in order.
    #[must_use]
    pub fn truncated(self) -> Self {
        self.with(|response| response.sending = Sending::HalfThenClose)
    }

    /// The same, but the connection is reset in the middle of the body.
    #[must_use]
    pub fn reset_inside(self) -> Self {
        self.with(|response| response.sending = Sending::HalfThenReset)
    }

    /// The same, `bytes` at a time with a pause of `every` after each.
    #[must_use]
    pub fn drip(self, bytes: usize, every: Duration) -> Self {
        self.with(|response| response.sending = Sending::Drip(bytes.max(1), every))
    }

    /// The body over and over, without a content length, until the client has had enough.
    #[must_use]
    pub fn endless(self) -> Self {
        self.with(|response| response.sending = Sending::Endless)
    }

    /// The same, with a content length that is not the body's.
    #[must_use]
    pub fn content_length(self, length: usize) -> Self {
        self.with(|response| response.announced = Some(length))
    }

    fn with(mut self, change: impl FnOnce(&mut Response)) -> Self {
        if let Kind::Respond(response) = &mut self.kind {
            change(response);
        }
        self
    }

    fn with_completion(self, change: impl FnOnce(&mut Completion)) -> Self {
        self.with(|response| {
            if let Body::Completion(completion) = &mut response.body {
                change(completion);
            }
        })
    }
}

impl Body {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Completion(completion) => completion.json().into_bytes(),
        }
    }
}

impl Completion {
    /// Written by hand, so that a bench measures its subject rather than this server.
    fn json(&self) -> String {
        let quoted = |text: &Option<String>| {
            text.as_ref().map_or("null".into(), |text| Value::from(text.as_str()).to_string())
        };
        let usage = match self.usage {
            Some((input, output)) => format!(
                r#"{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{}}}"#,
                input + output
            ),
            None => "null".into(),
        };
        format!(
            r#"{{"id":"chatcmpl-loopback","object":"chat.completion","created":0,"model":"loopback","choices":[{{"index":0,"message":{{"role":"assistant","content":{},"refusal":{}}},"finish_reason":{},"logprobs":null}}],"usage":{usage}}}"#,
            quoted(&self.content),
            quoted(&self.refusal),
            Value::from(self.finish_reason.as_str())
        )
    }
}
