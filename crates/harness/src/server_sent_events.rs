//! Server-sent events, split as their bytes come: <https://html.spec.whatwg.org/multipage/server-sent-events.html>,
//! and what servers make of it.

use serde::de::IgnoredAny;

use crate::json_repair;

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    /// Its name; empty where it has none.
    pub(crate) name: String,
    /// Its lines of data, put together.
    pub(crate) data: String,
}

impl StreamEvent {
    /// What ends many streams.
    const DONE: &str = "[DONE]";

    /// Whether this is the word that ends a stream.
    pub(crate) fn is_done(&self) -> bool {
        self.data.trim() == Self::DONE
    }

    /// Its data as JSON, half characters mended; `None` where it is none.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        let json = || json_repair::mended(&self.data);
        serde_json::from_str(&self.data).ok().or_else(|| serde_json::from_str(&json()?).ok())
    }
}

/// The text of a stream is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoText(pub(crate) std::str::Utf8Error);

/// Splits a stream into its events, whatever the pieces it comes in.
#[derive(Debug, Default)]
pub(crate) struct EventSplitter {
    /// The events so far.
    pub(crate) events: Vec<StreamEvent>,
    /// Whether there was any field, so that this is a stream at all.
    pub(crate) has_fields: bool,
    /// Of the line that has not ended yet.
    line: Vec<u8>,
    /// A line feed that comes now belongs to the carriage return before it.
    is_after_return: bool,
    has_begun: bool,
    name: String,
    /// The lines of data of the event that has not ended yet.
    data: Vec<String>,
}

impl EventSplitter {
    /// Takes in the next bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), NoText> {
        if bytes.first() == Some(&b'\n') && std::mem::take(&mut self.is_after_return) {
            bytes = &bytes[1..];
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let width = if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 };
            self.is_after_return = bytes[end] == b'\r' && end + 1 == bytes.len();
            let mut line = std::mem::take(&mut self.line);
            if line.is_empty() {
                self.end_line(&bytes[..end])?;
            } else {
                line.extend_from_slice(&bytes[..end]);
                self.end_line(&line)?;
                line.clear();
                self.line = line;
            }
            bytes = &bytes[end + width..];
        }
        if !bytes.is_empty() {
            self.is_after_return = false;
            self.line.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Takes in the end of the stream. Whether it breaks off in the middle of an event.
    pub(crate) fn finish(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        if self.end_line(&line).is_err() {
            return true;
        }
        if !self.is_whole() {
            return !self.data.is_empty();
        }
        self.end_event();
        false
    }

    fn end_line(&mut self, line: &[u8]) -> Result<(), NoText> {
        let mended;
        let line = match std::str::from_utf8(line) {
            Ok(line) => line,
            Err(error) => {
                mended = json_repair::text(line.to_vec()).map_err(|_| NoText(error))?;
                &mended
            }
        };
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let line = if is_first { line.trim_start_matches('\u{feff}') } else { line };
        if line.is_empty() {
            self.end_event();
            self.name.clear();
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        // Some servers leave the empty line out.
        if matches!(field, "data" | "event") && self.data.len() == 1 && self.is_whole() {
            self.end_event();
        }
        match field {
            "data" => self.data.push(value.to_owned()),
            "event" => value.clone_into(&mut self.name),
            "id" | "retry" => {}
            // Remarks that keep the connection alive, and what is no stream.
            _ => return Ok(()),
        }
        self.has_fields = true;
        Ok(())
    }

    /// Whether the data so far are an event by themselves.
    fn is_whole(&self) -> bool {
        let is_json = |data: &str| serde_json::from_str::<IgnoredAny>(data).is_ok();
        match self.data.as_slice() {
            [] => false,
            [line] => line.trim() == StreamEvent::DONE || is_json(line),
            lines => is_json(&lines.join("\n")),
        }
    }

    fn end_event(&mut self) {
        let data = match self.data.as_mut_slice() {
            [line] => std::mem::take(line),
            lines => lines.join("\n"),
        };
        self.data.clear();
        if !data.is_empty() {
            self.events.push(StreamEvent { name: self.name.clone(), data });
        }
    }
}

/// The events of a whole body; with whether it breaks off in the middle of one.
pub(crate) fn events(body: &str) -> (Vec<StreamEvent>, bool) {
    let mut splitter = EventSplitter::default();
    // A text is one, whatever the pieces.
    let is_text = splitter.push(body.as_bytes()).is_ok();
    let is_cut = splitter.finish();
    (splitter.events, is_cut || !is_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and data of the events, and `…` where the stream breaks off.
    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let mut splitter = EventSplitter::default();
        for piece in pieces {
            splitter.push(piece).expect("text");
        }
        let is_cut = splitter.finish();
        let shown = splitter.events.iter().map(|event| format!("{}={}", event.name, event.data));
        shown.chain(is_cut.then(|| "…".to_owned())).collect()
    }

    fn check(body: &str, expected: &[&str]) {
        assert_eq!(split(&[body.as_bytes()]), expected, "{body:?}");
        let bytes: Vec<_> = body.as_bytes().chunks(1).collect();
        assert_eq!(split(&bytes), expected, "{body:?} byte by byte");
        for at in 0..body.len() {
            let (start, rest) = body.as_bytes().split_at(at);
            assert_eq!(split(&[start, rest]), expected, "{body:?} split at {at}");
        }
    }

    #[test]
    fn events_are_the_same_whatever_the_pieces() {
        check("data: {\"a\":1}\n\ndata:{\"b\":2}\n\n", &["={\"a\":1}", "={\"b\":2}"]);
        check("event: x\r\ndata: é\r\n\r\ndata: 2\r\n\r\n", &["x=é", "=2"]);
        check("data: 1\r\rdata: 2\r\r", &["=1", "=2"]);
        check("\u{feff}data: 1\n\n", &["=1"]);
        check(": alive\n\nid: 7\nretry: 10\ndata: 1\nother: 3\n\n:\n", &["=1"]);
        check("data: {\"a\":\ndata: 1}\n\ndata: x\ndata: y\n\n", &["={\"a\":\n1}", "=x\ny"]);
        check("data:  two\ndata\n\ndata:\n\n", &["= two\n"]);
    }

    #[test]
    fn an_empty_line_may_be_missing() {
        check(
            "data: {\"a\":1}\ndata: {\"a\":2}\ndata: [DONE]",
            &["={\"a\":1}", "={\"a\":2}", "=[DONE]"],
        );
        check("event: a\ndata: {}\nevent: b\ndata: {}\n", &["a={}", "b={}"]);
    }

    #[test]
    fn what_breaks_off_says_so() {
        check("data: {\"a\":1}\n\ndata: {\"a\":", &["={\"a\":1}", "…"]);
        check("data: x", &["…"]);
        check("data: {}\n\neve", &["={}"]);
        assert_eq!(split(&["data: \"é".as_bytes().split_last().expect("bytes").1]), ["…"]);
    }

    #[test]
    fn what_is_no_text_is_no_stream() {
        let mut splitter = EventSplitter::default();
        assert!(splitter.push(b"data: \xff\n").is_err());
        let mut splitter = EventSplitter::default();
        splitter.push(b"{\"a\":\n\"data: x\"}\n").expect("text");
        assert!(!splitter.finish() && !splitter.has_fields);
    }
}
