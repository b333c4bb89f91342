//! Prompts between the library and a registry of another product: what was pushed or pulled, and where both differ.

use serde::Serialize;

/// A prompt that was pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PushedPrompt {
    /// Its name in the library.
    pub prompt: String,
    /// Its name in the registry.
    pub name: String,
    /// Its version there.
    pub version: u64,
    /// Whether that is a new one; otherwise the newest says the same already.
    pub is_new: bool,
    /// The hash of its content.
    pub hash: String,
    /// The commit that it was pushed from; ends in `+changes` where the tree had changes.
    pub commit: Option<String>,
    /// What clients of the registry do not do with it.
    pub remarks: Vec<String>,
    /// Aliases that point to it now.
    pub aliases: Vec<AliasMove>,
}

/// An alias that points to a version now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AliasMove {
    /// The prompt's name in the library.
    pub prompt: String,
    /// Its name in the registry.
    pub name: String,
    /// The alias.
    pub alias: String,
    /// The version that it pointed to before; `None` where it was not there.
    pub from: Option<u64>,
    /// The version that it points to.
    pub to: u64,
}

/// What became of an environment's aliases in a registry after a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedAliases {
    /// The environment.
    pub environment: String,
    /// Its newest release: what the aliases are to point to.
    pub release: u64,
    /// The product.
    pub registry: String,
    /// The registry's address.
    pub server: String,
    /// The aliases that point to what is released.
    pub aliases: Vec<AliasMove>,
    /// Those that do not, and why.
    pub failures: Vec<FailedAlias>,
    /// Prompts that the environment no longer has: their aliases stay where they are.
    pub left: Vec<String>,
}

/// An alias that does not point to what is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedAlias {
    /// The prompt's name in the library.
    pub prompt: String,
    /// Why.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A prompt that was pulled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PulledPrompt {
    /// Its name in the library.
    pub prompt: String,
    /// Its name in the registry.
    pub name: String,
    /// Its version there.
    pub version: u64,
    /// The text of its file.
    pub file: String,
    /// Whether that is the file that was pushed, byte for byte; otherwise it is made of what the registry has.
    pub as_pushed: bool,
    /// The hash of the content that was pushed, with all that it includes.
    pub hash: Option<String>,
    /// The commit that it was pushed from.
    pub commit: Option<String>,
    /// What the version holds and the file does not.
    pub lost: Vec<String>,
}

/// How a prompt of the library and the newest version of a registry differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftState {
    /// They say the same.
    Same,
    /// The registry has no such prompt.
    NotPushed,
    /// The registry has no version with what the file says now.
    ChangedHere,
    /// An older version holds the file: somebody pushed a newer one.
    NewerThere,
    /// The newest version was made or edited in the registry.
    EditedThere,
}

/// How an alias and what its environment has released differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasState {
    /// It points to what is released.
    Same,
    /// It is not there.
    Missing,
    /// It points to something else: it was moved by hand, or a release was not pushed.
    Moved,
}

/// The alias of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AliasDrift {
    /// The environment.
    pub environment: String,
    /// Its alias.
    pub alias: String,
    /// How they differ.
    pub state: AliasState,
    /// The version that the alias points to.
    pub version: Option<u64>,
}

/// How a prompt and a registry differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromptDrift {
    /// The prompt's name in the library.
    pub prompt: String,
    /// Its name in the registry.
    pub name: String,
    /// How they differ.
    pub state: DriftState,
    /// The newest version.
    pub version: Option<u64>,
    /// The commit that it was pushed from.
    pub commit: Option<String>,
    /// The version that holds the file, where that is not the newest.
    pub held_by: Option<u64>,
    /// The aliases of environments that have released it.
    pub aliases: Vec<AliasDrift>,
}

impl PromptDrift {
    /// Whether both say the same, and aliases point to what is released.
    pub fn is_none(&self) -> bool {
        let is_same = |alias: &AliasDrift| alias.state == AliasState::Same;
        self.state == DriftState::Same && self.aliases.iter().all(is_same)
    }
}
