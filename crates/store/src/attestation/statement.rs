//! in-toto's statement: subjects by digest, and what is said of them.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;

use super::TestResult;
use crate::signing::hex;

/// The type of a payload that is a statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What a statement says of its subjects.
pub trait Predicate: Serialize + DeserializeOwned {
    /// The address that names this kind.
    const TYPE: &'static str;
}

/// What is said of which files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<P = TestResult> {
    /// What it is about: each with a digest.
    pub subject: Vec<Resource>,
    /// What is said of them.
    pub predicate: P,
}

/// A file, or something else with a digest: in-toto's `ResourceDescriptor`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// What it is called, such as the path of a file from the repository's root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Algorithm and hexadecimal digits, such as `sha256`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// What else is to be known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Value>,
}

impl Eq for Resource {}

impl Resource {
    /// Of a file's content.
    pub fn of_bytes(name: impl Into<String>, content: &[u8]) -> Self {
        Self::with_digest(name, "sha256", hex(digest(&SHA256, content).as_ref()))
    }

    /// Of something whose digest is known.
    pub fn with_digest(
        name: impl Into<String>,
        algorithm: impl Into<String>,
        digits: impl Into<String>,
    ) -> Self {
        let digest = BTreeMap::from([(algorithm.into(), digits.into())]);
        Self { name: name.into(), digest, ..Self::default() }
    }
}

/// The statement's JSON, in the order in which in-toto shows it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<S, K, P> {
    #[serde(rename = "_type")]
    statement_type: K,
    subject: S,
    #[serde(rename = "predicateType")]
    predicate_type: K,
    predicate: P,
}

impl<P: Predicate> Statement<P> {
    /// Says this of these.
    pub fn new(subject: Vec<Resource>, predicate: P) -> Self {
        Self { subject, predicate }
    }

    /// The payload: the same statement always gives the same bytes. Its length is a multiple of three, by spaces at its
    /// end, so that no character of its base64 has bits that stand for nothing.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts, numbers and lists of them: nothing here fails to become JSON.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.resize(bytes.len().next_multiple_of(3), b' ');
        bytes
    }

    /// Reads a payload.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl<P: Predicate> Serialize for Statement<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = Document {
            statement_type: STATEMENT_TYPE,
            subject: &self.subject,
            predicate_type: P::TYPE,
            predicate: &self.predicate,
        };
        document.serialize(serializer)
    }
}

impl<'de, P: Predicate> Deserialize<'de> for Statement<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        // The predicate is read only when its type says what it is.
        let document: Document<Vec<Resource>, String, Value> = Document::deserialize(deserializer)?;
        let Document { statement_type, subject, predicate_type, predicate } = document;
        if statement_type != STATEMENT_TYPE {
            let told = shown(&statement_type);
            return Err(D::Error::custom(format!("`{told}` is not `{STATEMENT_TYPE}`")));
        }
        if predicate_type != P::TYPE {
            let told = shown(&predicate_type);
            return Err(D::Error::custom(format!("the predicate is `{told}`, not `{}`", P::TYPE)));
        }
        if subject.is_empty() || subject.iter().any(|one| one.digest.is_empty()) {
            return Err(D::Error::custom("a subject has no digest, or there is none"));
        }
        let predicate = serde_json::from_value(predicate).map_err(D::Error::custom)?;
        Ok(Self { subject, predicate })
    }
}

/// What a file says, as it may stand in a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(80).collect()
}
