//! A request as the server saw it.

use serde_json::Value;

/// One request.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which one it is, from 0, in the order of arrival.
    pub index: u64,
    /// `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// Requests that the server was working on when this one arrived, itself included.
    pub in_flight: usize,
}

impl Seen {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The last message's content; empty when there is none.
    pub fn prompt(&self) -> String {
        let json = self.json();
        let last = json["messages"].as_array().and_then(|messages| messages.last());
        last.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
    }
}
