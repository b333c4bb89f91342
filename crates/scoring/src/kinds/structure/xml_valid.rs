//! `xml_valid`: the answer is well-formed XML.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use roxmltree::{Document, ParsingOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{document, valid_or};
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// What blocks of XML are labelled with.
const LANGUAGES: &[&str] = &["xml", "html", "xhtml", "svg", "rss", "xsd", "xslt"];

/// The most attributes of one element, and the most declared namespaces: each is compared with all
/// others.
const MAX_ATTRIBUTES: usize = 2_000;

/// The most bytes that a document's own entities could expand to.
const MAX_EXPANSION: usize = 100_000_000;

/// How many references one reference may expand to, at any depth; the parser sees to it.
const MAX_NESTED_REFERENCES: usize = 256;

/// Parameters of `xml_valid`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The root element must have this name, without a namespace prefix.
    #[serde(default)]
    root: Option<String>,
    /// The XML may stand in a block of code, with text around it: the last one that is labelled so, or
    /// the only one that is not labelled otherwise.
    #[serde(default)]
    fence: bool,
}

#[derive(Debug)]
pub(crate) struct XmlValid {
    root: Option<String>,
    fence: bool,
}

impl MetricDefinition for XmlValid {
    const ABOUT: About = About {
        name: "xml_valid",
        summary: "The answer is well-formed XML with one root element; prefixes must be declared. White space around it is allowed.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "XML 1.0 (fifth edition) and Namespaces in XML 1.0, by crate `roxmltree`; nothing external is read.",
    };
    type Params = Params;

    fn compile(Params { root, fence }: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { root, fence })))
    }
}

impl Measure for XmlValid {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let text = match document(subject, self.fence, LANGUAGES) {
            Ok(text) => text.trim(),
            Err(reason) => return valid_or(Some(reason)),
        };
        if !is_affordable(text) {
            return Measurement::Missing("the XML is too large to check".to_owned());
        }
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        match Document::parse_with_options(text, options) {
            Ok(document) => valid_or(self.wrong_root(&document)),
            Err(error) => valid_or(Some(error.to_string().chars().take(200).collect())),
        }
    }
}

impl XmlValid {
    fn wrong_root(&self, document: &Document<'_>) -> Option<String> {
        let wanted = self.root.as_deref()?;
        let found = document.root_element().tag_name().name();
        (found != wanted).then(|| {
            let found: String = found.chars().take(60).collect();
            format!("the root element is `{found}`, not `{wanted}`")
        })
    }
}

/// Whether a document can be parsed in good time: the parser compares attributes with each other,
/// and expands entities.
fn is_affordable(text: &str) -> bool {
    let tag_is_short = |tag: &str| {
        let tag = tag.find('>').map_or(tag, |end| &tag[..end]);
        tag.len() <= MAX_ATTRIBUTES || tag.matches('=').count() <= MAX_ATTRIBUTES
    };
    text.split('<').all(tag_is_short)
        && text.matches("xmlns").count() <= MAX_ATTRIBUTES
        && expansion(text) <= MAX_EXPANSION
}

/// At most so many bytes come out of the entities that a document declares itself.
fn expansion(text: &str) -> usize {
    if !text.contains("<!ENTITY") {
        return 0;
    }
    let references = text.matches('&').count();
    references.saturating_mul(MAX_NESTED_REFERENCES).saturating_mul(text.len())
}
