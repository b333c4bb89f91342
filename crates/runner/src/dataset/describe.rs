//! What a dataset holds: columns, types, missing and distinct values, classes, lengths.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::{open::OpenedDataset, options::DatasetOptions};
use crate::{Host, error::Result, token_estimate::CHARACTERS_PER_TOKEN};

/// How many distinct values are counted.
const MOST_DISTINCT: usize = 1_000_000;

/// How many classes are listed.
const MOST_CLASSES: usize = 1_000;

/// What a dataset holds.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetDescription {
    /// The file, folder or pattern.
    pub dataset: String,
    /// How many items there are.
    pub n_items: u64,
    /// How many clusters there are, where items belong to some.
    pub n_clusters: Option<u64>,
    /// Its columns, in order.
    pub columns: Vec<ColumnDescription>,
    /// Right answers with how often each occurs, the most frequent first.
    pub classes: Vec<ClassCount>,
    /// How many different right answers there are; `None` where there are too many to be counted.
    pub n_classes: Option<u64>,
    /// Characters of what is asked, and the tokens that they may be.
    pub lengths: Lengths,
}

/// What a column holds.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Kinds of its values with how many there are of each: `text`, `number`, `boolean`, `list`, `object`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Items without a value: absent, null or empty.
    pub n_missing: u64,
    /// How many different values there are; `None` where there are too many to be counted.
    pub n_distinct: Option<u64>,
    /// Characters of its texts.
    pub lengths: Lengths,
}

/// A right answer, and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// The answer.
    pub class: String,
    /// How many items have it.
    pub n: u64,
}

/// How long texts are, in characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub min: u64,
    /// Half of them are at most this long.
    pub median: u64,
    /// 95 in 100 are at most this long.
    pub p95: u64,
    /// The longest.
    pub max: u64,
    /// About how many tokens all of them are: a token to four characters, which is about right for English
    /// and too few for most other languages.
    pub estimated_tokens: u64,
}

/// Says what a dataset holds.
pub fn describe_dataset(options: &DatasetOptions, host: &Host<'_>) -> Result<DatasetDescription> {
    let opened = OpenedDataset::open(options, host)?;
    let mut columns: Vec<(String, ColumnCounts)> = Vec::new();
    let (mut places, mut clusters) = (HashMap::new(), HashSet::new());
    let (mut classes, mut lengths) = (HashMap::<String, u64>::new(), LengthCounts::default());
    let (mut n_items, mut too_many_classes) = (0, false);
    for item in opened.items()? {
        let item = item.map_err(super::open::DatasetUseError::from)?;
        n_items += 1;
        for (name, value) in &item.fields {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                columns.push((name.clone(), ColumnCounts::default()));
                columns.len() - 1
            });
            let text = item.fields.cell(name).and_then(|cell| cell.text().ok().flatten());
            columns[place].1.see(value, text.as_deref());
        }
        if let Some(cluster) = &item.cluster {
            clusters.insert(super::near_duplicates::hash(cluster.as_bytes()));
        }
        for target in &*item.targets {
            too_many_classes |= classes.len() >= MOST_DISTINCT && !classes.contains_key(target);
            if !too_many_classes {
                *classes.entry(target.clone()).or_default() += 1;
            }
        }
        lengths.see(&opened.text_of(&item.fields, &opened.place(&item))?);
    }
    let n_classes = (!too_many_classes).then_some(classes.len() as u64);
    let mut classes: Vec<ClassCount> =
        classes.into_iter().map(|(class, n)| ClassCount { class, n }).collect();
    classes.sort_by(|one, other| other.n.cmp(&one.n).then_with(|| one.class.cmp(&other.class)));
    classes.truncate(MOST_CLASSES);
    Ok(DatasetDescription {
        dataset: opened.spec.file.origin.display().to_string(),
        n_items,
        n_clusters: opened.spec.cluster.as_ref().map(|_| clusters.len() as u64),
        columns: columns.into_iter().map(|(name, counts)| counts.finish(name, n_items)).collect(),
        classes,
        n_classes,
        lengths: lengths.finish(),
    })
}

/// Counts of a column.
#[derive(Default)]
struct ColumnCounts {
    kinds: BTreeMap<&'static str, u64>,
    n_values: u64,
    distinct: HashSet<u64>,
    has_too_many: bool,
    lengths: LengthCounts,
}

impl ColumnCounts {
    fn see(&mut self, value: &Value, text: Option<&str>) {
        let kind = match value {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(_) => Some("text"),
            Value::Number(_) => Some("number"),
            Value::Bool(_) => Some("boolean"),
            Value::Array(_) => Some("list"),
            Value::Object(_) => Some("object"),
        };
        let (Some(kind), Some(text)) = (kind, text) else { return };
        self.n_values += 1;
        *self.kinds.entry(kind).or_default() += 1;
        self.lengths.see(text);
        let hash = super::near_duplicates::hash(text.as_bytes());
        self.has_too_many |= self.distinct.len() >= MOST_DISTINCT && !self.distinct.contains(&hash);
        if !self.has_too_many {
            self.distinct.insert(hash);
        }
    }

    fn finish(self, name: String, n_items: u64) -> ColumnDescription {
        ColumnDescription {
            name,
            kinds: self.kinds,
            n_missing: n_items - self.n_values,
            n_distinct: (!self.has_too_many).then_some(self.distinct.len() as u64),
            lengths: self.lengths.finish(),
        }
    }
}

/// How many texts there are of each length.
#[derive(Default)]
struct LengthCounts(BTreeMap<u64, u64>);

impl LengthCounts {
    fn see(&mut self, text: &str) {
        *self.0.entry(text.chars().count() as u64).or_default() += 1;
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rounded count is a count"
    )]
    fn finish(self) -> Lengths {
        let n: u64 = self.0.values().sum();
        let at_share = |share: f64| {
            let wanted = ((share * n as f64).ceil() as u64).max(1);
            let mut so_far = 0;
            let mut lengths = self.0.iter();
            lengths
                .find(|(_, count)| {
                    so_far += *count;
                    so_far >= wanted
                })
                .map_or(0, |(length, _)| *length)
        };
        let characters: u64 = self.0.iter().map(|(length, count)| length * count).sum();
        Lengths {
            min: self.0.keys().next().copied().unwrap_or_default(),
            median: at_share(0.5),
            p95: at_share(0.95),
            max: self.0.keys().next_back().copied().unwrap_or_default(),
            estimated_tokens: (characters as f64 / f64::from(CHARACTERS_PER_TOKEN)).ceil() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        let mut counts = LengthCounts::default();
        for text in ["", "ä", "注文", "abc", "abcd"] {
            counts.see(text);
        }
        let expected = Lengths { min: 0, median: 2, p95: 4, max: 4, estimated_tokens: 3 };
        assert_eq!(counts.finish(), expected);
        assert_eq!(LengthCounts::default().finish(), Lengths::default());
    }
}
