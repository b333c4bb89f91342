//! The classes that a suite declares, and how texts are recognised as one of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use aho_corasick::AhoCorasick;
use evalmark_core::metric::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::{
    json_compare::clip,
    normalize::{Chain, Step},
    word_edge::{is_word, stands_alone},
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
    /// Finds names, and the class of each.
    mentions: AhoCorasick,
    found: Vec<usize>,
}

impl Classes {
    /// Pointers of complaints are relative to the parameters.
    pub(crate) fn new(declared: &Declared, steps: &[Step]) -> Result<Self, ParamError> {
        let complain = |message: String| ParamError { pointer: "/labels".to_owned(), message };
        let declared = rows(declared).map_err(complain)?;
        let chain = Chain::new(steps);
        let mut known: HashMap<String, usize> = HashMap::new();
        for (class, (name, aliases)) in declared.iter().enumerate() {
            for text in [name].into_iter().chain(aliases) {
                let form = chain.apply(text).into_owned();
                if form.trim().is_empty() {
                    return Err(complain(format!(
                        "`normalize` leaves nothing of the label {text:?}"
                    )));
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
        let mentions = AhoCorasick::new(known.keys());
        let mentions = mentions.map_err(|_| complain("too many labels".to_owned()))?;
        let found = known.values().copied().collect();
        let names = declared.into_iter().map(|(name, _)| name).collect();
        Ok(Self { names, chain, known, mentions, found })
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
        let places = self.mentions.find_overlapping_iter(&*text);
        let places = places.filter(|place| is_word_of_its_own(&text, place));
        let mut places: Vec<_> =
            places.map(|place| (place.start(), Reverse(place.end()), place.pattern())).collect();
        places.sort_unstable();
        let mut reached = 0;
        let mut classes = Vec::new();
        for (start, Reverse(end), pattern) in places {
            if start >= reached {
                reached = end;
                classes.push(self.found[pattern.as_usize()]);
            }
        }
        classes
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

/// Whether no other word touches a name, not even one that begins or ends in a sign: `-1`.
fn is_word_of_its_own(text: &str, place: &aho_corasick::Match) -> bool {
    let (head, name, tail) = (&text[..place.start()], &text[place.range()], &text[place.end()..]);
    let starts = name.starts_with(is_word) || !head.ends_with(is_word);
    let ends = name.ends_with(is_word) || !tail.starts_with(is_word);
    starts && ends && stands_alone(text, &place.range())
}
