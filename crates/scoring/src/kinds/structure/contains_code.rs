//! `contains_code`: there is code in the answer, marked as such.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    code_fence::{blocks, has_inline_code},
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// Parameters of `contains_code`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Only blocks that are marked as one of these languages count, in any case, e.g.
    /// `[python, py]`. Empty: any block, marked or not.
    #[serde(default)]
    languages: Vec<String>,
    /// Inline code counts too, where no language is asked for.
    #[serde(default)]
    inline: bool,
}

#[derive(Debug)]
pub(crate) struct ContainsCode {
    languages: Vec<String>,
    inline: bool,
}

impl MetricDefinition for ContainsCode {
    const ABOUT: About = About {
        name: "contains_code",
        summary: "The answer contains a fenced code block that is closed and not empty.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Fences and code spans as in CommonMark 0.31; a fence may be indented by any amount.",
    };
    type Params = Params;

    fn compile(Params { languages, inline }: Params) -> Result<Backend, ParamError> {
        if inline && !languages.is_empty() {
            let message = "inline code has no language: leave out `inline` or `languages`".into();
            return Err(ParamError { pointer: "/inline".to_owned(), message });
        }
        let languages = languages.iter().map(|language| language.to_lowercase()).collect();
        Ok(Backend::Text(Arc::new(Self { languages, inline })))
    }
}

impl Measure for ContainsCode {
    fn measure(&self, Subject { answer, .. }: Subject<'_>) -> Measurement {
        let blocks: Vec<_> = blocks(answer).into_iter().filter(|block| block.is_closed).collect();
        let wanted = |language: &str| {
            self.languages.is_empty() || self.languages.contains(&language.to_lowercase())
        };
        let fenced =
            blocks.iter().any(|block| !block.body.trim().is_empty() && wanted(block.language));
        Measurement::yes_or_no(fenced || self.inline && has_inline_code(answer, &blocks))
    }
}
