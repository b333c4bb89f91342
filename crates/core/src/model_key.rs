//! Where the key of a model's server comes from.

use std::time::Duration;

/// Where a key comes from. It never stands in a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelKey {
    /// There is none.
    #[default]
    None,
    /// Environment variables, at least one; several keys share the requests.
    Variables(Vec<String>),
    /// A program that prints it.
    Command(KeyCommand),
}

/// A program that prints a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCommand {
    /// The program and its arguments; at least the program.
    pub words: Vec<String>,
    /// How long a key is used before the program runs again; `None`: until the server refuses it.
    pub lifetime: Option<Duration>,
}

/// Whether a variable of this name holds what nobody may see, as its name says.
pub fn names_a_secret(variable: &str) -> bool {
    const WORDS: [&str; 8] =
        ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH", "COOKIE"];
    let name = variable.to_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

impl ModelKey {
    /// The variables that hold keys.
    pub fn variables(&self) -> &[String] {
        match self {
            Self::Variables(variables) => variables,
            Self::None | Self::Command(_) => &[],
        }
    }

    /// The program that prints the key.
    pub fn command(&self) -> Option<&KeyCommand> {
        match self {
            Self::Command(command) => Some(command),
            Self::None | Self::Variables(_) => None,
        }
    }
}
