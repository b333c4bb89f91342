//! The items of a run whose right answers look wrong, by what its variants answered.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use evalmark_report::samples::samples;
use evalmark_store::integrity::open_answered;
use serde::Serialize;

use super::{
    mislabelled::{AnsweredItem, Suspect, ranked},
    near_duplicates::normal,
};
use crate::error::{Advised, Hinted, Result};

/// How many classes are looked for in an answer.
const MOST_CLASSES: usize = 1_000;

/// Fewer variants say nothing together.
const FEWEST_VARIANTS: usize = 2;

/// How probable a wrong right answer is, for it to count as one.
const SUSPICIOUS: f64 = 0.5;

/// Items whose right answers look wrong, the most suspicious first.
#[derive(Clone, Debug, Serialize)]
pub struct LabelDoubts {
    /// The run's folder.
    pub run: String,
    /// Prompts and models that answered.
    pub variants: Vec<String>,
    /// Items that they answered.
    pub n_items: u64,
    /// How many of them are probably mislabelled.
    pub n_suspicious: u64,
    /// As many as were asked for.
    pub items: Vec<DoubtedItem>,
}

/// An item whose right answer looks wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DoubtedItem {
    /// Its id.
    pub id: String,
    /// The right answer that it has.
    pub target: String,
    /// The answer that is more probable, where there is one.
    pub instead: Option<String>,
    /// How many answers say so, of how many.
    pub n_instead: usize,
    /// How many answers there are.
    pub n_answers: usize,
    /// How probable it is that the right answer is another.
    pub probability: f64,
    /// Whether better variants get it right more often: their correlation, below zero where they do not.
    pub discrimination: Option<f64>,
}

/// A run that says nothing about right answers.
#[derive(Debug, thiserror::Error)]
pub enum LabelDoubtsError {
    /// It has too few variants.
    #[error("the run has {0} prompt x model, and two or more have to agree")]
    TooFewVariants(usize),
    /// No item of it has a right answer.
    #[error("no item of the run has a right answer and an answer")]
    NoTargets,
}

impl Advised for LabelDoubtsError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::TooFewVariants(_) => {
                Some("run the suite with several models or prompts".to_owned())
            }
            Self::NoTargets => None,
        }
    }
}

/// Ranks the items of a run by how probable it is that their right answers are wrong; lists so many.
pub fn label_doubts(run: &Path, most: usize) -> Result<LabelDoubts> {
    let (folder, _) = open_answered(run)?;
    let answered = read(&folder.samples())?;
    if answered.variants.len() < FEWEST_VARIANTS {
        return Err(LabelDoubtsError::TooFewVariants(answered.variants.len()).into());
    }
    if answered.items.is_empty() {
        return Err(LabelDoubtsError::NoTargets.into());
    }
    let ranked = ranked(&answered.items, answered.variants.len());
    let is_suspicious = |suspect: &&Suspect| suspect.probability > SUSPICIOUS;
    let n_suspicious = ranked.iter().filter(is_suspicious).count() as u64;
    let items = ranked.into_iter().take(most).map(|suspect| {
        let item = &answered.items[suspect.item];
        let (instead, n_instead) =
            suspect.instead.map_or((None, 0), |(answer, n)| (Some(answer), n));
        DoubtedItem {
            id: item.id.clone(),
            target: item.target.clone(),
            instead,
            n_instead,
            n_answers: item.answers.len(),
            probability: suspect.probability,
            discrimination: suspect.discrimination,
        }
    });
    Ok(LabelDoubts {
        run: run.display().to_string(),
        variants: answered.variants,
        n_items: answered.items.len() as u64,
        n_suspicious,
        items: items.collect(),
    })
}

/// A run's answers, item by item.
struct Answered {
    variants: Vec<String>,
    items: Vec<AnsweredItem>,
}

/// A sample that was answered, as far as it counts here.
struct GivenAnswer {
    variant: usize,
    output: String,
    is_right: bool,
}

fn read(path: &Path) -> Result<Answered> {
    let mut variants: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut given: Vec<(String, Vec<String>, Vec<GivenAnswer>)> = Vec::new();
    for sample in samples(path).context("samples cannot be read")? {
        let sample = sample.context("samples cannot be read")?;
        let Some(output) = sample.record.output.filter(|_| !sample.targets.is_empty()) else {
            continue;
        };
        let name = format!("{} · {}", sample.prompt, sample.model);
        let variant = variants.iter().position(|other| *other == name).unwrap_or_else(|| {
            variants.push(name);
            variants.len() - 1
        });
        let place = *places.entry(sample.item_id.clone()).or_insert_with(|| {
            given.push((sample.item_id.clone(), sample.targets.clone(), Vec::new()));
            given.len() - 1
        });
        let is_right = sample.scores.first().copied().flatten().is_some_and(|score| score >= 1.0);
        given[place].2.push(GivenAnswer { variant, output, is_right });
    }
    let classes: Classes = given.iter().filter_map(|(_, targets, _)| targets.first()).collect();
    let items = given.into_iter().map(|(id, targets, answers)| {
        let target = targets[0].clone();
        let says = |answer: &GivenAnswer| {
            let says = classes.said_by(&answer.output);
            let is_target =
                answer.is_right || targets.iter().any(|target| normal(target) == normal(&says));
            (answer.variant, if is_target { target.clone() } else { says })
        };
        let answers = answers.iter().map(says).collect();
        AnsweredItem { id, target, answers }
    });
    Ok(Answered { variants, items: items.collect() })
}

/// The right answers that there are, by their normal forms.
struct Classes(BTreeMap<String, String>);

impl<'a> FromIterator<&'a String> for Classes {
    fn from_iter<I: IntoIterator<Item = &'a String>>(targets: I) -> Self {
        let classes = targets.into_iter().map(|target| (normal(target), target.clone()));
        Self(classes.filter(|(class, _)| !class.is_empty()).collect())
    }
}

impl Classes {
    /// What an answer says: a class that it is, or the only one that stands in it; else its own words.
    fn said_by(&self, output: &str) -> String {
        let words = normal(output);
        if let Some(class) = self.0.get(&words) {
            return class.clone();
        }
        let is_in = |class: &String| {
            let mut found = words.match_indices(class.as_str());
            found.any(|(at, _)| {
                let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                ends(words[..at].chars().next_back())
                    && ends(words[at + class.len()..].chars().next())
            })
        };
        // So many that each is looked for are no classes.
        let mut within = self.0.iter().take(MOST_CLASSES).filter(|(class, _)| is_in(class));
        match (within.next(), within.next()) {
            (Some((_, class)), None) => class.clone(),
            _ => words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_classes() {
        let targets = ["Refund", "card lost", "lost"].map(str::to_owned);
        let classes: Classes = targets.iter().collect();
        let check = |output: &str, expected: &str| assert_eq!(classes.said_by(output), expected);
        check("refund.", "Refund");
        check("I think it is a refund!", "Refund");
        check("refunded", "refunded");
        check("refund or lost", "refund or lost");
        check("", "");
    }
}
