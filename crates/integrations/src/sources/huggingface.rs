//! `huggingface`: a dataset of the Hugging Face hub at a commit, or one that its libraries left in a folder.

mod choice;
mod folder;
mod hub;
mod labels;

use evalmark_core::{
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checksum::Checksum,
    definition::{About, DefineSource},
    joined_rows::{Part, joined},
    json_rows::ROWS,
    objects::{endpoint, variable},
    snapshots::{Named, Snapshots, advised},
};

/// The hub.
const HUB: &str = "https://huggingface.co";

/// Parameters of `huggingface`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The dataset: `OWNER/NAME`, or `NAME` of one that has no owner.
    #[serde(default)]
    dataset: Option<String>,
    /// A folder of this machine in the hub's place, relative to the suite file: one that `save_to_disk`
    /// wrote; or, beside `dataset`, the hub's cache (`~/.cache/huggingface/hub`).
    #[serde(default)]
    folder: Option<String>,
    /// The commit, of 40 hexadecimal digits. A branch or tag can move: its commit is told, and one of
    /// `sha256` and `blake3` is needed beside it.
    #[serde(default)]
    revision: Option<String>,
    /// The configuration; needed where the dataset has several and none is its default.
    #[serde(default)]
    config: Option<String>,
    /// The split, such as `test`; needed where there are several.
    #[serde(default)]
    split: Option<String>,
    /// Whether labels that stand as numbers in the files become their names (`ClassLabel`).
    #[serde(default = "yes")]
    label_names: bool,
    /// The address of another hub.
    #[serde(default)]
    endpoint: Option<String>,
    /// The name of the environment variable with an access token, for a dataset that is not public.
    #[serde(default)]
    token_env: Option<String>,
    /// SHA-256 of the rows as JSON Lines.
    #[serde(default)]
    sha256: Option<String>,
    /// BLAKE3 of the same.
    #[serde(default)]
    blake3: Option<String>,
    /// PEM file, relative to the suite file, with certificates that the hub's may be signed by, besides
    /// the system's.
    #[serde(default)]
    ca_file: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug)]
pub(crate) struct HuggingFace {
    dataset: Option<String>,
    folder: Option<String>,
    revision: String,
    config: Option<String>,
    split: Option<String>,
    names_labels: bool,
    server: Url,
    variables: Vec<String>,
    expected: Vec<Checksum>,
    ca_file: Option<String>,
}

/// What a dataset consists of.
struct Found {
    parts: Vec<Part>,
    labels: labels::LabelNames,
}

impl DefineSource for HuggingFace {
    const ABOUT: About = About {
        name: "huggingface",
        summary: "A dataset of the Hugging Face hub at a commit, or one that its libraries left in a folder.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |pointer: &str, message: &str| {
            Err(ParamError { pointer: pointer.to_owned(), message: message.to_owned() })
        };
        if params.dataset.is_none() && params.folder.is_none() {
            return wrong("", "names neither a `dataset` of the hub nor a `folder`");
        }
        let is_plain = |name: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !name.is_empty() && name.chars().all(known) && !name.starts_with('.')
        };
        if let Some(name) = &params.dataset
            && (name.split('/').count() > 2 || !name.split('/').all(is_plain))
        {
            return wrong("/dataset", "`dataset` is not a name of the hub: `OWNER/NAME`");
        }
        let revision = params.revision.unwrap_or_else(|| "main".to_owned());
        if !revision.split('/').all(is_plain) {
            return wrong("/revision", "`revision` is no commit, branch or tag");
        }
        let token_env = variable("token_env", params.token_env)?;
        let server = endpoint(params.endpoint.as_deref(), HUB)?;
        Ok(Self {
            dataset: params.dataset,
            folder: params.folder,
            revision,
            config: params.config,
            split: params.split,
            names_labels: params.label_names,
            server,
            variables: token_env.into_iter().collect(),
            expected: Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?,
            ca_file: params.ca_file,
        })
    }

    fn origin(&self) -> String {
        match (&self.folder, &self.dataset) {
            (Some(folder), _) => folder.clone(),
            (None, Some(dataset)) => format!("hf://datasets/{dataset}@{}", self.revision),
            (None, None) => String::new(),
        }
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let snapshots = Snapshots::open(context.cache_dir)?;
        if let Some(folder) = &self.folder {
            let found = self.in_folder(folder, context)?;
            let named = Named { name: ROWS, origin: self.origin(), server: None, variables: &[] };
            return self.keep(&snapshots, &found, &named, context).map(|(snapshot, _)| snapshot);
        }
        let named = Named {
            name: ROWS,
            origin: self.origin(),
            server: Some(self.server.origin().ascii_serialization()),
            variables: &self.variables,
        };
        let key = self.is_commit().then(|| self.key());
        let pinned = key.as_ref().and_then(|key| snapshots.noted(key));
        let known = if self.expected.is_empty() { pinned.as_slice() } else { &self.expected };
        if let Some(snapshot) = snapshots.find(known, &named) {
            return Ok(snapshot);
        }
        let is_pinned = key.is_some() || !self.expected.is_empty();
        if !context.may_fetch && is_pinned {
            return Err(SourceError::NotHere);
        }
        if !context.may_fetch {
            let hint = "`evalmark check --fetch SUITE` asks the hub for the commit";
            return Err(advised("has neither a commit nor a checksum in the suite", hint));
        }
        let found = self.on_hub(&snapshots, context)?;
        let (snapshot, told) = self.keep(&snapshots, &found, &named, context)?;
        if let Some(key) = key {
            snapshots.note(&key, &snapshot.blake3)?;
        }
        let folder = snapshots.folder().display();
        let note = format!("fetched {told}; they are kept in {folder}");
        Ok(Snapshot { note: Some(note), ..snapshot })
    }
}

impl HuggingFace {
    /// Whether the suite says which commit.
    fn is_commit(&self) -> bool {
        self.revision.len() == 40 && self.revision.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// What the rows of a commit follow from.
    fn key(&self) -> String {
        let said = serde_json::json!([
            "huggingface 1",
            self.server.as_str(),
            self.dataset,
            self.revision,
            self.config,
            self.split,
            self.names_labels,
        ]);
        blake3::hash(said.to_string().as_bytes()).to_hex().to_string()
    }

    /// The rows of all parts as one snapshot, and how many they are.
    fn keep(
        &self,
        snapshots: &Snapshots,
        found: &Found,
        named: &Named<'_>,
        context: &SourceContext<'_>,
    ) -> Result<(Snapshot, String), SourceError> {
        let unlimited = evalmark_core::files::FileAccess::unlimited();
        let access = if self.folder.is_some() { context.access } else { &unlimited };
        let joined = joined(snapshots, &found.parts, access, |row| {
            if self.names_labels { found.labels.name(row) } else { Ok(row) }
        })?;
        let told = joined.told();
        Ok((joined.rows.keep(snapshots, &self.expected, named)?, told))
    }
}
