//! `regex`: the answer matches a pattern. No target is needed.

use std::sync::Arc;

use evalmark_core::metric::{Complaint, Direction, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    extract::compile_pattern,
    kind::{About, Define, Finding, Measure, Work},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
};

/// Parameters of `regex`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// In the syntax of Rust's `regex` crate: linear time, so no look-around or back-references.
    pattern: String,
    /// The whole answer must match, not just a part of it.
    #[serde(default)]
    full: bool,
    /// Applied to the answer before it is matched.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Pattern {
    chain: Chain,
    pattern: regex::Regex,
}

impl Define for Pattern {
    const ABOUT: About = About {
        name: "regex",
        summary: "The answer matches a regular expression.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Rust's `regex` crate.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        // Compiled bare first: a complaint should show the pattern as the suite has it, and
        // `a)|(b` must not become valid by being wrapped.
        let bare = compile_pattern(&params.pattern, "/pattern")?;
        let pattern = if params.full { whole(&params.pattern)? } else { bare };
        Ok(Work::Text(Arc::new(Self { chain: Chain::new(&params.normalize), pattern })))
    }
}

impl Measure for Pattern {
    fn measure(&self, Subject { answer, .. }: Subject<'_>) -> Finding {
        Finding::yes_or_no(self.pattern.is_match(&self.chain.apply(answer)))
    }
}

/// The pattern for a match of the whole text. A pattern in extended mode may end in a comment, which
/// only a new line ends.
fn whole(pattern: &str) -> Result<regex::Regex, Complaint> {
    compile_pattern(&format!(r"\A(?:{pattern})\z"), "/pattern")
        .or_else(|_| compile_pattern(&format!("\\A(?:{pattern}\n)\\z"), "/pattern"))
}
