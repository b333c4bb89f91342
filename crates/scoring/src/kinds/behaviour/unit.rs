//! What an answer's length is counted in.

use evalmark_core::metric::Reasoning;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{kind::Measurement, subject::Subject};

/// What is counted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// Unicode scalar values; a combining accent counts by itself.
    #[default]
    Characters,
    /// Runs of anything but white space; in Chinese, Japanese or Thai those are not words.
    Words,
    /// Output tokens as the provider counted them, of the whole answer even after `extract`;
    /// missing where it gave no count.
    Tokens,
    /// Lines; a line break at the end begins no new line.
    Lines,
    /// Bytes in UTF-8.
    Bytes,
}

impl Unit {
    /// The provider counts thoughts too; whoever counts here counts the answer.
    #[expect(clippy::unnecessary_wraps, reason = "the form of `Measure::reasoning`")]
    pub(super) fn reasoning(self) -> Option<Reasoning> {
        Some(if matches!(self, Self::Tokens) { Reasoning::Keep } else { Reasoning::Cut })
    }

    /// How many there are.
    pub(super) fn count(
        self,
        Subject { answer, record, .. }: Subject<'_>,
    ) -> Result<u64, Measurement> {
        let count = match self {
            Self::Characters => answer.chars().count(),
            Self::Words => answer.split_whitespace().count(),
            Self::Lines => answer.lines().count(),
            Self::Bytes => answer.len(),
            Self::Tokens => {
                let reason = "the provider did not count the answer's tokens";
                return record.usage.output_tokens.ok_or(Measurement::Missing(reason.to_owned()));
            }
        };
        Ok(count as u64)
    }
}
