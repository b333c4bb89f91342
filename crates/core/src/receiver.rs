//! Receivers of verdicts, as the reader of suites needs to know them. Whoever reads suites hands the catalog over: no
//! receiver is named here, and nothing here opens a connection.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{key_hosts::KeyOwner, metric::ParamError, verdict::Answer};

/// A kind of receiver that `notify` or `export` can name.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverKind {
    /// The key that it is written under.
    pub name: &'static str,
    /// Which section it belongs to.
    pub section: ReceiverSection,
    /// What it can be told of.
    pub hears: Hears,
    /// What it receives, in a sentence.
    pub summary: &'static str,
    /// JSON Schema of its parameters.
    pub schema: fn() -> Value,
    /// Checks its parameters; answers with the secrets that it uses. Pointers of errors are relative to the parameters.
    pub open: fn(&Value) -> Result<Vec<SecretUse>, ParamError>,
    /// Checks a template of the user's for its messages; `None` where it has none.
    pub check_template: Option<CheckTemplate>,
}

/// Checks a template by making a message with it; says what is wrong.
pub type CheckTemplate = fn(&str) -> Result<(), String>;

/// The section of a suite that a receiver stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverSection {
    /// People are told.
    Notify,
    /// Another product keeps the figures.
    Export,
}

/// What a kind of receiver can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// Runs that ended, and alarms of production.
    Runs,
    /// Runs, alarms, and releases of prompts.
    RunsAndReleases,
    /// Releases of prompts.
    Releases,
}

/// When a receiver is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A gated metric regressed.
    Regressed,
    /// The gate passes, and a metric improved.
    Improved,
    /// The run cannot tell.
    Inconclusive,
    /// Answers are missing, or nothing could be compared.
    Incomplete,
    /// The gate passes.
    Passed,
    /// Production drifts from what was released: `evalmark monitor status` has an alarm.
    Drift,
    /// A prompt was released to an environment, or an environment was taken back.
    Released,
    /// Each time.
    Always,
}

/// A receiver of a suite whose every mistake has been found.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverSpec {
    /// Its name, which is that of its kind where it has none of its own.
    pub name: String,
    /// The kind.
    pub kind: String,
    /// Its parameters, without any secret.
    pub params: Value,
    /// What its kind can be told of.
    pub hears: Hears,
    /// When it is told.
    pub on: Vec<Occasion>,
    /// The text of the template that its messages are made by, instead of the kind's own.
    pub template: Option<String>,
    /// The secrets that it uses.
    pub secrets: Vec<SecretUse>,
}

/// A secret that a receiver uses: the variable that holds it, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// The variable.
    pub variable: String,
    /// Where it goes.
    pub goes_to: SecretGoes,
    /// Variables that are known, and the hosts that their secrets belong to.
    pub owners: &'static [KeyOwner],
}

/// Where a receiver's secret goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretGoes {
    /// It is an address, and goes there.
    There,
    /// To a server that the suite or the kind names.
    ToServer(Url),
    /// To the address in another variable.
    ToAddressIn(String),
    /// Nowhere: it is a folder of this machine, and no secret.
    Folder,
}

/// Where receivers' secrets come from. The user says which server may have one; a suite only names them.
pub trait ReceiverSecrets: Sync {
    /// The address that the variable of a use holds, if the user lets evalmark send to it.
    fn address(&self, secret: &SecretUse) -> Result<Url, ReceiverSecretError>;

    /// What the variable of a use holds, if the user lets it go to this server.
    fn key(&self, secret: &SecretUse, server: &Url) -> Result<String, ReceiverSecretError>;

    /// The folder of this machine that the variable of a use holds.
    fn folder(&self, variable: &SecretUse) -> Result<PathBuf, ReceiverSecretError>;
}

/// Why a receiver's secret is not to be had. None of these shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverSecretError {
    /// There is no such variable.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The variable should hold an address, and does not.
    #[error("what the variable {variable} holds {problem}")]
    NoAddress {
        /// The variable.
        variable: String,
        /// Why it is none; without the value.
        problem: String,
    },
    /// The variable should hold a folder, and does not.
    #[error("what the variable {variable} holds is no folder that is there, by its whole path")]
    NoFolder {
        /// The variable.
        variable: String,
    },
    /// Nothing outside the suite lets it go there.
    #[error(
        "what the variable {variable} holds would go to {place}, and nothing outside the suite says that it may"
    )]
    NotAllowed {
        /// The variable.
        variable: String,
        /// Host and port.
        place: String,
    },
    /// It would go there unencrypted.
    #[error("what the variable {variable} holds would go to {place} unencrypted, over http")]
    Unencrypted {
        /// The variable.
        variable: String,
        /// Host and port.
        place: String,
    },
}

impl ReceiverSecretError {
    /// The option that allows it; `None` where none does.
    pub fn flag(&self) -> Option<String> {
        match self {
            Self::NotAllowed { variable, place } => Some(format!("--allow-key {variable}@{place}")),
            Self::Unencrypted { place, .. } => Some(format!("--allow-plain-http {place}")),
            Self::NotSet(_) | Self::NoAddress { .. } | Self::NoFolder { .. } => None,
        }
    }
}

impl Occasion {
    /// What a run is an occasion for: its answer, and whether it lacks something.
    pub fn of_run(answer: Option<Answer>, is_incomplete: bool) -> Vec<Self> {
        let of_answer = match answer {
            Some(Answer::Regressed) => Some(Self::Regressed),
            _ if is_incomplete => Some(Self::Incomplete),
            Some(Answer::Incomparable) => Some(Self::Incomplete),
            Some(Answer::Inconclusive) => Some(Self::Inconclusive),
            Some(Answer::Improved) => Some(Self::Improved),
            Some(Answer::Pass) => Some(Self::Passed),
            None => None,
        };
        let passes_too = (of_answer == Some(Self::Improved)).then_some(Self::Passed);
        of_answer.into_iter().chain(passes_too).chain([Self::Always]).collect()
    }
}

impl ReceiverSection {
    /// The key that it stands under.
    pub fn key(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Export => "export",
        }
    }
}

impl ReceiverKind {
    /// When a receiver is told that does not say: people of what needs them, and products always.
    pub fn default_occasions(&self) -> Vec<Occasion> {
        match (self.hears, self.section) {
            (Hears::Releases, _) => vec![Occasion::Released],
            (_, ReceiverSection::Notify) => vec![
                Occasion::Regressed,
                Occasion::Inconclusive,
                Occasion::Incomplete,
                Occasion::Drift,
            ],
            (_, ReceiverSection::Export) => vec![Occasion::Always],
        }
    }

    /// What is wrong with these occasions for it.
    pub fn check_occasions(&self, on: &[Occasion]) -> Result<(), String> {
        let name = self.name;
        match self.hears {
            Hears::Runs if on.contains(&Occasion::Released) => {
                Err(format!("`{name}` cannot be told of releases: take `released` out"))
            }
            Hears::Releases if on.iter().any(|on| *on != Occasion::Released) => Err(format!(
                "`{name}` is told of releases alone: write `on: [released]`, or leave `on` out"
            )),
            Hears::Runs | Hears::RunsAndReleases | Hears::Releases => Ok(()),
        }
    }
}

impl ReceiverSpec {
    /// Whether it is told on one of these occasions.
    pub fn is_told_on(&self, occasions: &[Occasion]) -> bool {
        let deaf_to =
            if occasions.contains(&Occasion::Released) { Hears::Runs } else { Hears::Releases };
        self.hears != deaf_to && self.on.iter().any(|on| occasions.contains(on))
    }
}

impl fmt::Display for ReceiverSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_an_occasion_for_those_who_want_it() {
        use Occasion::{Always, Improved, Incomplete, Inconclusive, Passed, Regressed};
        let check = |answer, is_incomplete, expected: &[Occasion]| {
            assert_eq!(Occasion::of_run(answer, is_incomplete), expected, "{answer:?}");
        };
        check(Some(Answer::Regressed), false, &[Regressed, Always]);
        check(Some(Answer::Regressed), true, &[Regressed, Always]);
        check(Some(Answer::Improved), false, &[Improved, Passed, Always]);
        check(Some(Answer::Pass), false, &[Passed, Always]);
        check(Some(Answer::Pass), true, &[Incomplete, Always]);
        check(Some(Answer::Inconclusive), false, &[Inconclusive, Always]);
        check(Some(Answer::Incomparable), false, &[Incomplete, Always]);
        check(None, false, &[Always]);
        check(None, true, &[Incomplete, Always]);
    }
}
