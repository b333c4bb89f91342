//! The classes that a suite declares, and how texts are recognised as one of them.

use std::collections::{BTreeMap, HashMap};

use evalmark_core::metric::Complaint;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::{
    json_compare::clip,
    normalize::{Chain, Step},
};

/// Classes as a suite writes them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Declared {
    /// The classes, in order.
    List(Vec<Scalar>),
    /// Each class, in order, and its other names.
    Aliases(#[schemars(with = "BTreeMap<String, Vec<Scalar>>")] Map<String, Value>),
}

/// A name of a class; YAML reads `1` and `true` as what they are.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Scalar {
    /// A text.
    Text(String),
    /// A number, as it is written.
    Number(Number),
    /// True or false.
    Bool(bool),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(bool) => bool.to_string(),
        }
    }
}

/// The declared classes, checked.
#[derive(Debug)]
pub(crate) struct Classes {
    names: Vec<String>,
    chain: Chain,
    /// By name or alias, made comparable.
    known: HashMap<String, usize>,
    /// Finds the longest name that stands for itself.
    mentions: Regex,
}

impl Classes {
    /// Pointers of complaints are relative to the parameters.
    pub(crate) fn new(declared: &Declared, steps: &[Step]) -> Result<Self, Complaint> {
        let complain = |message: String| Complaint { pointer: "/labels".to_owned(), message };
        let declared = rows(declared).map_err(complain)?;
        let chain = Chain::new(steps);
        let mut known: HashMap<String, usize> = HashMap::new();
        for (class, (name, aliases)) in declared.iter().enumerate() {
            for text in [name].into_iter().chain(aliases) {
                let form = chain.apply(text).into_owned();
                if form.trim().is_empty() {
                    return Err(complain(format!("nothing is left of the label {text:?}")));
                }
                let other = *known.entry(form).or_insert(class);
                if other != class {
                    let (a, b) = (&declared[other].0, name);
                    let message = format!("{text:?} means both {a:?} and {b:?}; see `normalize`");
                    return Err(complain(message));
                }
            }
        }
        if declared.len() < 2 {
            return Err(complain("a classification needs at least two labels".to_owned()));
        }
        let mentions = mentions(&known).map_err(|_| complain("too many labels".to_owned()))?;
        let names = declared.into_iter().map(|(name, _)| name).collect();
        Ok(Self { names, chain, known, mentions })
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn name(&self, class: usize) -> &str {
        self.names.get(class).map_or("", String::as_str)
    }

    /// The class that the whole text names.
    pub(crate) fn of(&self, text: &str) -> Option<usize> {
        self.known.get(&*self.chain.apply(text)).copied()
    }

    /// The classes that a text mentions, in order; the longest name where several begin.
    pub(crate) fn mentioned(&self, text: &str) -> Vec<usize> {
        let text = self.chain.apply(text);
        let found = self.mentions.find_iter(&text);
        found.filter_map(|found| self.known.get(found.as_str()).copied()).collect()
    }

    /// The classes that are right, at least one; or why the item says of none.
    pub(crate) fn targets(&self, targets: &[String]) -> Result<Vec<usize>, String> {
        if targets.is_empty() {
            return Err("the item has no target".to_owned());
        }
        let class = |target: &String| {
            self.of(target).ok_or_else(|| format!("the target is not a label: {:?}", clip(target)))
        };
        targets.iter().map(class).collect()
    }
}

/// Each class with its other names.
fn rows(declared: &Declared) -> Result<Vec<(String, Vec<String>)>, String> {
    match declared {
        Declared::List(names) => Ok(names.iter().map(|name| (name.text(), Vec::new())).collect()),
        Declared::Aliases(map) => map
            .iter()
            .map(|(name, aliases)| {
                let aliases: Vec<Scalar> = serde_json::from_value(aliases.clone())
                    .map_err(|_| format!("the other names of {name:?} are not a list of texts"))?;
                Ok((name.clone(), aliases.iter().map(Scalar::text).collect()))
            })
            .collect(),
    }
}

/// One pattern for all names, longer ones first, so that `not spam` is not `spam`.
fn mentions(known: &HashMap<String, usize>) -> Result<Regex, regex::Error> {
    let mut names: Vec<&str> = known.keys().map(String::as_str).collect();
    names.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    let names: Vec<_> = names.into_iter().map(regex::escape).collect();
    Regex::new(&format!(r"\b{{start-half}}(?:{})\b{{end-half}}", names.join("|")))
}
