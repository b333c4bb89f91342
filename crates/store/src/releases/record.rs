//! One release of an environment: what changed in it, who did it, and on which evidence.

use std::{
    collections::BTreeMap,
    path::{Component, Path},
};

use evalmark_core::prompt_library::checked_name;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, IntoDeserializer},
};
use serde_json::{Map, Value, value::RawValue};

use super::{evidence::ReleaseEvidence, objects::sha256_hex};
use crate::audit::Anchor;

/// Version of the files of releases.
pub const RELEASE_FORMAT: u32 = 1;

/// A prompt as it is released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleasedPrompt {
    /// The hash of its content, as `evalmark prompts list` and `run.json` have it.
    pub hash: String,
    /// Its file, and those that it includes, one through another: its own comes first.
    pub files: Vec<ReleasedFile>,
    /// The model that it was proved with.
    pub model: ReleasedModel,
    /// The runs and verdicts that prove it.
    pub evidence: Vec<ReleaseEvidence>,
    /// Who proposed it.
    pub proposed_by: String,
    /// When: RFC 3339, UTC.
    pub proposed_at: String,
}

/// A file of a released prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedFile {
    /// Its path in the library, with `/` between folders; one that leads out of it is not read.
    #[serde(deserialize_with = "path_in_library")]
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

fn path_in_library<'de, D: Deserializer<'de>>(path: D) -> Result<String, D::Error> {
    let path = String::deserialize(path)?;
    let mut parts = Path::new(&path).components().peekable();
    if parts.peek().is_none() || parts.any(|part| !matches!(part, Component::Normal(_))) {
        return Err(D::Error::custom(format!("`{path}` is not the path of a file in the library")));
    }
    Ok(path)
}

/// A prompt's name, which files may be called by.
pub(super) fn prompt_name<'de, D: Deserializer<'de>>(name: D) -> Result<String, D::Error> {
    let name = String::deserialize(name)?;
    let wrong =
        |why| D::Error::custom(format!("`{}` is no name of a prompt: {why}", name.escape_debug()));
    checked_name(&name).map_err(wrong)?;
    Ok(name)
}

/// What belongs to prompts, by their names.
pub(super) fn by_prompt_name<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    map: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    let map = BTreeMap::<String, T>::deserialize(map)?;
    for name in map.keys() {
        prompt_name(IntoDeserializer::<D::Error>::into_deserializer(name.as_str()))?;
    }
    Ok(map)
}

/// The model that a released prompt is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReleasedModel {
    /// Who serves it; `None` where a suite's answers were recorded.
    pub provider: Option<String>,
    /// What it is called there.
    pub model: Option<String>,
    /// What every request to it holds.
    pub parameters: Map<String, Value>,
}

/// What a release did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ReleaseAction {
    /// A proposal was released.
    Promote {
        /// SHA-256 of the proposal.
        proposal: String,
    },
    /// The environment went back to what it was after an earlier release.
    Rollback {
        /// The number of that release; 0 is before the first.
        to: u64,
    },
}

/// One release of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRecord {
    /// [`RELEASE_FORMAT`].
    pub format_version: u32,
    /// The environment.
    pub environment: String,
    /// Its number, from 1.
    pub release: u64,
    /// SHA-256 of the file of the release before; `None` for the first.
    pub previous: Option<String>,
    /// What it did.
    pub action: ReleaseAction,
    /// The prompts that it changed; `None` for those that the environment has no longer.
    #[serde(deserialize_with = "by_prompt_name")]
    pub prompts: BTreeMap<String, Option<ReleasedPrompt>>,
    /// The approvals that it counted on: envelopes with signed statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Value>,
    /// Who released it.
    pub released_by: String,
    /// When: RFC 3339, UTC.
    pub released_at: String,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The end of the audit log before it: who removes later entries cannot remove those before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Anchor>,
}

/// The file of a release: the record, and the signed statement about it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFile {
    /// The record, byte for byte as it was signed.
    record: Box<RawValue>,
    /// The envelope with the statement; `None` for an unsigned release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Value>,
}

impl ReleaseFile {
    /// The file of a record. The statement names the digest that `sign` is given: that of the record's bytes.
    pub fn new<E>(
        record: &ReleaseRecord,
        sign: impl FnOnce(&str) -> Result<Option<Value>, E>,
    ) -> Result<Result<Self, E>, serde_json::Error> {
        let record = RawValue::from_string(serde_json::to_string(record)?)?;
        let statement = sign(&sha256_hex(record.get().as_bytes()));
        Ok(statement.map(|statement| Self { record, statement }))
    }

    /// SHA-256 of the record's bytes: what the statement is about.
    pub fn record_sha256(&self) -> String {
        sha256_hex(self.record.get().as_bytes())
    }

    /// The record.
    pub fn record(&self) -> Result<ReleaseRecord, serde_json::Error> {
        serde_json::from_str(self.record.get())
    }

    /// The file's text.
    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{ReleasedFile, by_prompt_name};

    #[test]
    fn prompts_have_names_that_files_can_have() {
        let check = |name: &str, is_read: bool| {
            let map = json!({ name: 1 });
            let read: Result<BTreeMap<String, u64>, _> = by_prompt_name(&map);
            assert_eq!(read.is_ok(), is_read, "{name}");
        };
        check("topic", true);
        check("support/topic-2.b", true);
        for name in ["", "/topic", "../topic", "a//b", "a/../b", "a\\b", "con", "a b", "a\u{1b}"] {
            check(name, false);
        }
    }

    #[test]
    fn a_released_file_lies_in_the_library() {
        let check = |path: &str, is_read: bool| {
            let file = json!({ "path": path, "sha256": "00" });
            assert_eq!(serde_json::from_value::<ReleasedFile>(file).is_ok(), is_read, "{path}");
        };
        check("topic.md", true);
        check("support/tone.j2", true);
        check("../topic.md", false);
        check("support/../../topic.md", false);
        check("/etc/passwd", false);
        check("", false);
    }
}
