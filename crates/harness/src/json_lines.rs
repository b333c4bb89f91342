//! JSON, a line for each event, split as its bytes come.

use serde::de::IgnoredAny;

use crate::server_sent_events::{NoText, StreamEvent};

/// Splits a body into its lines, whatever the pieces it comes in.
#[derive(Debug, Default)]
pub(crate) struct LineSplitter {
    /// The lines so far that are not empty.
    pub(crate) events: Vec<StreamEvent>,
    /// Of the line that has not ended yet.
    line: Vec<u8>,
}

impl LineSplitter {
    /// Takes in the next bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), NoText> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&bytes[..end]);
            self.end_line()?;
            bytes = &bytes[end + 1..];
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether the lines are JSON, as far as the first one tells.
    pub(crate) fn has_lines(&self) -> bool {
        self.events.first().is_some_and(|first| is_json(&first.data))
    }

    /// Takes in the end of the body. Whether it breaks off in the middle of a line.
    pub(crate) fn finish(&mut self) -> bool {
        let has_lines = !self.events.is_empty();
        let is_whole = std::str::from_utf8(&self.line).is_ok_and(is_json);
        if is_whole {
            return self.end_line().is_err();
        }
        has_lines && !self.line.trim_ascii().is_empty()
    }

    fn end_line(&mut self) -> Result<(), NoText> {
        let line = std::mem::take(&mut self.line);
        let line =
            std::str::from_utf8(&line).map_err(NoText)?.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() {
            self.events.push(StreamEvent { name: String::new(), data: line.to_owned() });
        }
        Ok(())
    }
}

fn is_json(line: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(line).is_ok()
}
