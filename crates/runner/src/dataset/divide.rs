//! A dataset divided into parts: seeded, with the shares of classes kept, and clusters whole.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use serde::Serialize;

use super::{
    open::{DatasetUseError, OpenedDataset, TextItem, kept_rows},
    options::DatasetOptions,
    output::{OutputFile, WrittenRows},
};
use crate::{Host, error::Result};

/// How a dataset is divided.
#[derive(Clone, Debug)]
pub struct DivideOptions {
    /// The dataset; its target's classes keep their shares.
    pub dataset: DatasetOptions,
    /// Names of the parts with their shares.
    pub parts: Vec<(String, f64)>,
    /// Another seed is another division.
    pub seed: u64,
    /// The folder that gets a file for each part, and their ending.
    pub out: PathBuf,
    /// `csv`, `jsonl` or `parquet`.
    pub form: String,
    /// Whether files that are there are replaced.
    pub replaces: bool,
}

/// A part of a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct DividedPart {
    /// Its name.
    pub name: String,
    /// How many items of each class it has.
    pub classes: BTreeMap<String, u64>,
    /// What was written.
    pub written: WrittenRows,
}

/// Divides a dataset and writes each part.
pub fn divide_dataset(options: &DivideOptions, host: &Host<'_>) -> Result<Vec<DividedPart>> {
    let sum: f64 = options.parts.iter().map(|(_, share)| share).sum();
    let is_wrong = options.parts.iter().any(|(name, share)| {
        name.is_empty() || name.contains(['/', '\\', '.']) || !(*share > 0.0 && *share <= 1.0)
    });
    let names: HashSet<_> = options.parts.iter().map(|(name, _)| name).collect();
    if names.len() < 2 || names.len() < options.parts.len() || is_wrong || (sum - 1.0).abs() > 1e-6
    {
        return Err(DatasetUseError::Unsaid {
            what: "the parts need names of their own, and shares that add up to 1",
            advice: "write `--parts train=0.8,test=0.2`",
        }
        .into());
    }
    let opened = OpenedDataset::open(&options.dataset, host)?;
    let items = opened.texts()?;
    let part_of = assign(&items, &options.parts, options.seed);
    if let Some((name, _)) = options
        .parts
        .iter()
        .enumerate()
        .find_map(|(part, named)| (!part_of.contains(&part)).then_some(named))
    {
        let path = opened.spec.file.origin.display().to_string();
        return Err(DatasetUseError::EmptyPart { path, name: name.clone() }.into());
    }
    let files = options.parts.iter().map(|(name, _)| {
        let path = options.out.join(format!("{name}.{}", options.form));
        OutputFile::create(&path, options.replaces, false)
    });
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let mut divided = Vec::new();
    for (part, (file, (name, _))) in files.into_iter().zip(&options.parts).enumerate() {
        let of_part = || (0..items.len()).filter(|at| part_of[*at] == part);
        let mut classes = BTreeMap::new();
        for target in of_part().filter_map(|at| items[at].target.as_ref()) {
            *classes.entry(target.clone()).or_default() += 1;
        }
        let kept: HashSet<usize> = of_part().collect();
        let written = file.write(|| kept_rows(&opened, kept.clone()))?;
        divided.push(DividedPart { name: name.clone(), classes, written });
    }
    Ok(divided)
}

/// The part of every item. Groups of items that belong together are gone through from the largest to the
/// smallest, those of one size in an order that follows from the seed; each goes to the part that lacks most
/// of the group's class, then most of all items.
fn assign(items: &[TextItem], parts: &[(String, f64)], seed: u64) -> Vec<usize> {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        groups.entry(item.cluster.as_deref().unwrap_or(&item.id)).or_default().push(at);
    }
    let mut groups: Vec<(&str, Vec<usize>)> = groups.into_iter().collect();
    let order = |key: &str| {
        let mut hasher = blake3::Hasher::new_derive_key("evalmark dataset division v1");
        hasher.update(&seed.to_le_bytes());
        *hasher.update(key.as_bytes()).finalize().as_bytes()
    };
    groups.sort_by_cached_key(|(key, members)| (std::cmp::Reverse(members.len()), order(key)));
    let class = |at: usize| items[at].target.as_deref().unwrap_or_default();
    let mut of_class: HashMap<&str, f64> = HashMap::new();
    for at in 0..items.len() {
        *of_class.entry(class(at)).or_default() += 1.0;
    }
    let mut given: HashMap<(usize, &str), f64> = HashMap::new();
    let mut filled = vec![0.0; parts.len()];
    let mut part_of = vec![0; items.len()];
    for (_, members) in &groups {
        let lacks = |part: usize| {
            let share = parts[part].1;
            let of_classes: f64 = members
                .iter()
                .map(|at| {
                    share * of_class[class(*at)] - given.get(&(part, class(*at))).unwrap_or(&0.0)
                })
                .sum();
            (of_classes / members.len() as f64, share * items.len() as f64 - filled[part])
        };
        let best = (0..parts.len()).max_by(|one, other| {
            let ((a, b), (c, d)) = (lacks(*one), lacks(*other));
            // Nearly equal shortages are those of rounding.
            if (a - c).abs() < 1e-9 {
                b.total_cmp(&d).then(other.cmp(one))
            } else {
                a.total_cmp(&c)
            }
        });
        let best = best.unwrap_or_default();
        for at in members {
            part_of[*at] = best;
            *given.entry((best, class(*at))).or_default() += 1.0;
            filled[best] += 1.0;
        }
    }
    part_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(at: usize, cluster: Option<usize>, target: &str) -> TextItem {
        TextItem {
            place: String::new(),
            id: format!("i{at}"),
            text: String::new(),
            target: Some(target.to_owned()),
            cluster: cluster.map(|cluster| format!("c{cluster}")),
        }
    }

    const PARTS: [(&str, f64); 2] = [("train", 0.8), ("test", 0.2)];

    fn parts() -> Vec<(String, f64)> {
        PARTS.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect()
    }

    #[test]
    fn classes_keep_their_shares() {
        let class = |at: usize| if at.is_multiple_of(10) { "rare" } else { "usual" };
        let items: Vec<_> = (0..1000).map(|at| item(at, None, class(at))).collect();
        let part_of = assign(&items, &parts(), 1);
        let count = |part: usize, target: &str| {
            (0..1000).filter(|at| part_of[*at] == part && class(*at) == target).count()
        };
        assert_eq!(
            [count(0, "rare"), count(1, "rare"), count(0, "usual"), count(1, "usual")],
            [80, 20, 720, 180]
        );
        assert_ne!(part_of, assign(&items, &parts(), 2));
        assert_eq!(part_of, assign(&items, &parts(), 1));
    }

    #[test]
    fn clusters_are_on_one_side() {
        let items: Vec<_> = (0..1000).map(|at| item(at, Some(at / 7 % 60), "x")).collect();
        let part_of = assign(&items, &parts(), 3);
        for (at, item) in items.iter().enumerate() {
            let first =
                items.iter().position(|other| other.cluster == item.cluster).expect("itself");
            assert_eq!(part_of[at], part_of[first]);
        }
        let test = part_of.iter().filter(|part| **part == 1).count();
        assert!((180..220).contains(&test), "{test}");
    }
}
