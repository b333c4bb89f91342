//! `regex`: the answer matches a pattern, or what the pattern catches is a target.

use std::sync::Arc;

use evalmark_core::metric::{Direction, Extract, ParamError, Range, Which};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    extract::{Extractor, compile_pattern},
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
};

/// Parameters of `regex`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// In the syntax of Rust's `regex` crate: linear time on any answer, so no look-around or
    /// back-references. Instead of a negative look-around use `not: true` on a metric of its own,
    /// instead of a positive one a group and `compare`.
    pattern: String,
    /// The whole answer must match, not just a part of it.
    #[serde(default)]
    full: bool,
    /// Without it, a match is enough. With it, what is captured counts; an answer in which nothing
    /// is captured is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Compared")]
    compare: Option<Compared>,
    /// With `compare`: which group is captured; group 1 where there is one, else the whole match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    group: Option<usize>,
    /// With `compare`: which match, where there are several; default: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Place")]
    which: Option<Place>,
    /// Applied to the answer before it is matched; with `compare`, to what is captured and to the
    /// target instead, and the answer is matched without the white space around it.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
}

/// What the match is compared with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Compared {
    /// It must equal a target.
    Target,
}

/// Which of several matches counts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// The first.
    First,
    /// The last.
    Last,
}

/// A match is enough.
#[derive(Debug)]
struct Matches {
    chain: Chain,
    pattern: regex::Regex,
}

/// What is caught must be a target.
#[derive(Debug)]
struct Catches {
    chain: Chain,
    extractor: Extractor,
}

pub(crate) struct Pattern;

impl MetricDefinition for Pattern {
    const ABOUT: About = About {
        name: "regex",
        summary: "The answer matches a regular expression; with `compare: target`, what it \
                  captures equals a target.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Rust's `regex` crate.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let chain = Chain::new(&params.normalize);
        // Compiled bare first: a complaint should show the pattern as the suite has it, and
        // `a)|(b` must not become valid by being wrapped.
        let bare = compile_pattern(&params.pattern, "/pattern")?;
        let (pattern, text) =
            if params.full { whole(&params.pattern)? } else { (bare, params.pattern.clone()) };
        if params.compare.is_some() {
            let extractor = extractor(&params, text)?;
            return Ok(Backend::Text(Arc::new(Catches { chain, extractor })));
        }
        let unused = [("/group", params.group.is_some()), ("/which", params.which.is_some())];
        if let Some((pointer, _)) = unused.iter().find(|(_, is_said)| *is_said) {
            let message = "has a meaning only with `compare: target`".to_owned();
            return Err(ParamError { pointer: (*pointer).to_owned(), message });
        }
        Ok(Backend::Text(Arc::new(Matches { chain, pattern })))
    }
}

fn extractor(params: &Params, pattern: String) -> Result<Extractor, ParamError> {
    let which = match params.which {
        Some(Place::Last) => Which::Last,
        Some(Place::First) | None => Which::First,
    };
    let extract = Extract::Regex { pattern, group: params.group, which };
    Extractor::compile(&extract).map_err(|complaint| {
        let pointer = complaint.pointer.replacen("/extract/regex", "/pattern", 1);
        let pointer = pointer.replacen("/extract", "", 1);
        ParamError { pointer, ..complaint }
    })
}

impl Measure for Matches {
    fn measure(&self, Subject { answer, .. }: Subject<'_>) -> Measurement {
        Measurement::yes_or_no(self.pattern.is_match(&self.chain.apply(answer)))
    }
}

impl Measure for Catches {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return Measurement::best_of(targets, |_| 0.0);
        }
        let Ok(caught) = self.extractor.extract(answer.trim()) else {
            return Measurement::Invalid("nothing in the answer matches the pattern".to_owned());
        };
        let caught = self.chain.apply(&caught.text);
        Measurement::best_of(targets, |target| f64::from(self.chain.apply(target) == caught))
    }
}

/// The pattern for a match of the whole text. A pattern in extended mode may end in a comment, which
/// only a new line ends.
fn whole(pattern: &str) -> Result<(regex::Regex, String), ParamError> {
    let wrapped = [format!(r"\A(?:{pattern})\z"), format!("\\A(?:{pattern}\n)\\z")];
    let [plain, commented] = wrapped;
    match compile_pattern(&plain, "/pattern") {
        Ok(compiled) => Ok((compiled, plain)),
        Err(_) => Ok((compile_pattern(&commented, "/pattern")?, commented)),
    }
}
