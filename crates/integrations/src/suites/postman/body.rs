//! Bodies of requests: a text, a form, or a query of GraphQL.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{
    asked::is_on,
    variables::{Part, Variables, filled, plain},
};
use crate::suites::node::Node;

/// What stands between the fields of a form with parts.
const BOUNDARY: &str = "----evalmark-form-field";

const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A body, cut at its variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Text(Vec<Part>),
    /// Names and values, which are percent-encoded.
    Form(Vec<(Vec<Part>, Vec<Part>)>),
    /// A query and its variables, which become texts and values of JSON.
    GraphQl {
        query: Vec<Part>,
        variables: Vec<Part>,
        operation: Option<String>,
    },
}

/// A body with its type; an error says why the request cannot be carried over.
pub(super) fn body(node: &Node, variables: &Variables) -> Result<Option<(String, Body)>, String> {
    if !is_on(node) {
        return Ok(None);
    }
    let mode = node.text("mode").unwrap_or_default();
    let content = node.get(&mode);
    Ok(match (mode.as_str(), content) {
        ("", _) | (_, None) => None,
        ("raw", Some(raw)) => {
            let text = plain(raw.value());
            let body = Body::Text(variables.parts(&text));
            (!text.is_empty()).then(|| (raw_type(node).to_owned(), body))
        }
        ("urlencoded", Some(list)) => {
            let form = "application/x-www-form-urlencoded".to_owned();
            if let Some(text) = list.as_text() {
                Some((form, Body::Text(variables.parts(text))))
            } else {
                let pair = |(_, name, value): (Node, String, String)| {
                    (variables.parts(&name), variables.parts(&value))
                };
                let pairs: Vec<_> = pairs(&list).into_iter().map(pair).collect();
                (!pairs.is_empty()).then_some((form, Body::Form(pairs)))
            }
        }
        ("formdata", Some(list)) => form_data(&list, variables)?,
        ("graphql", Some(graphql)) => {
            let text =
                |key: &str| graphql.get(key).map(|node| plain(node.value())).unwrap_or_default();
            let body = Body::GraphQl {
                query: variables.parts(&text("query")),
                variables: variables.parts(&text("variables")),
                operation: graphql.text("operationName"),
            };
            Some(("application/json".to_owned(), body))
        }
        (other, _) => {
            return Err(format!("its body is of the kind `{other}`, and a suite sends texts"));
        }
    })
}

fn raw_type(node: &Node) -> &'static str {
    let language = node.get("options").and_then(|options| options.get("raw")?.text("language"));
    match language.as_deref() {
        Some("json") => "application/json",
        Some("html") => "text/html",
        Some("javascript") => "application/javascript",
        Some("xml") => "application/xml",
        _ => "text/plain",
    }
}

fn pairs(list: &Node) -> Vec<(Node, String, String)> {
    let pair = |node: Node| {
        let value = node.get("value").map(|value| plain(value.value())).unwrap_or_default();
        let name = node.text("key")?;
        Some((node, name, value))
    };
    list.elements().into_iter().filter(is_on).filter_map(pair).collect()
}

/// A form with parts: its fields as a text, since nothing in them is encoded.
fn form_data(list: &Node, variables: &Variables) -> Result<Option<(String, Body)>, String> {
    let mut text = String::new();
    for (node, name, value) in pairs(list) {
        if node.text("type").as_deref() == Some("file") {
            return Err(format!(
                "the field `{name}` of its form is a file, and a suite sends texts"
            ));
        }
        let name = name.replace('"', "%22").replace(['\r', '\n'], " ");
        let kind = node.text("contentType").filter(|kind| !kind.contains(['\r', '\n']));
        let kind = kind.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        // Writing into a text does not fail.
        let _ = write!(text, "--{BOUNDARY}\r\n{head}\r\n{kind}\r\n{value}\r\n");
    }
    if text.is_empty() {
        return Ok(None);
    }
    let _ = write!(text, "--{BOUNDARY}--\r\n");
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    Ok(Some((content_type, Body::Text(variables.parts(&text)))))
}

impl Body {
    /// All that it is made of.
    pub(super) fn parts(&self) -> Vec<Part> {
        match self {
            Self::Text(parts) => parts.clone(),
            Self::Form(pairs) => pairs
                .iter()
                .flat_map(|(name, value)| [name.clone(), value.clone()])
                .flatten()
                .collect(),
            Self::GraphQl { query, variables, .. } => [query.clone(), variables.clone()].concat(),
        }
    }

    /// The body for a row.
    pub(super) fn filled(&self, row: &Map<String, Value>) -> String {
        match self {
            Self::Text(parts) => filled(parts, row),
            Self::Form(pairs) => {
                let encoded =
                    |parts: &[Part]| utf8_percent_encode(&filled(parts, row), FORM).to_string();
                let pairs = pairs
                    .iter()
                    .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
                pairs.collect::<Vec<_>>().join("&")
            }
            Self::GraphQl { query, variables, operation } => {
                // The variables stand in the body as they are written.
                let variables = filled(variables, row);
                let is_json = serde_json::from_str::<Value>(&variables).is_ok();
                let variables = if is_json { variables.as_str() } else { "{}" };
                let query = Value::from(filled(query, row));
                let operation = operation.as_ref().map(|name| Value::from(name.as_str()));
                let operation =
                    operation.map_or_else(String::new, |name| format!("\"operationName\":{name},"));
                format!("{{\"query\":{query},{operation}\"variables\":{variables}}}")
            }
        }
    }

    /// The body as parts that a template can hold; `None` where a value would have to be encoded.
    pub(super) fn as_template(&self) -> Option<Vec<Part>> {
        match self {
            Self::Text(parts) => Some(parts.clone()),
            _ if self.parts().iter().any(|part| matches!(part, Part::Column(_))) => None,
            _ => Some(vec![Part::Text(self.filled(&Map::new()))]),
        }
    }
}
