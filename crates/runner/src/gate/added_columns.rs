//! Items that are the same though the dataset gained columns since the baseline.
//!
//! An item's hash covers all its columns, so that one more column makes every item another. The run
//! has its dataset at hand: each item is made once more as the baseline would have made it, and what
//! is equal then was equal in every column that the baseline knew.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use evalmark_core::{
    dataset::{DatasetSpec, Items},
    item::Item,
    suite::Suite,
};
use evalmark_store::run_record::RunRecord;

use evalmark_verdict::{RunScores, SameItem, Variant};

use crate::{Host, variants::key};

/// Items that are looked at to find out which columns an earlier baseline did not have.
const SAMPLE: usize = 20;

/// Pairs of columns that are tried for that.
const MOST_TRIED: usize = 300;

/// Calls the baseline's items what the run calls them, where they differ in columns alone that the
/// baseline does not have; answers with those columns.
pub(crate) fn align(
    records: [&RunRecord; 2],
    before: &mut RunScores,
    after: &RunScores,
    host: &Host<'_>,
) -> Option<Vec<String>> {
    let is_same = match (&records[0].columns, &records[1].columns) {
        (Some(then), Some(now)) => set(then) == set(now),
        _ => pairs_up(before, after),
    };
    if is_same {
        return None;
    }
    let dataset = Dataset::read(records[1], after, host)?;
    let added = match &records[0].columns {
        Some(then) => dataset.other_columns(then),
        None => dataset.guess(before)?,
    };
    let kept: Vec<_> = records[0].columns.iter().flatten().cloned().collect();
    let same = dataset.same_items(&added, &kept)?;
    let of = |key: u128, content: u128| {
        let (known, same) = same.get(&key)?;
        (*known == content).then_some(same)
    };
    let any = before
        .scores
        .iter()
        .any(|variant| variant.items().any(|(key, content)| of(key, content).is_some()));
    before.rename_items(after, of);
    any.then_some(added)
}

fn set(columns: &[String]) -> BTreeSet<&String> {
    columns.iter().collect()
}

fn pairs_up(before: &RunScores, after: &RunScores) -> bool {
    let first = |run: &RunScores| run.scores.first().and_then(|variant| variant.items().next());
    if first(before).is_some() && first(before) == first(after) {
        return true;
    }
    let items = |measured: &RunScores| -> HashSet<(u128, u128)> {
        measured.scores.iter().flat_map(Variant::items).collect()
    };
    !items(before).is_disjoint(&items(after))
}

/// The dataset as the run's suite reads it.
struct Dataset {
    spec: DatasetSpec,
    /// Every column of its first item, but the id.
    columns: Vec<String>,
    /// Contents by key, as the run has them.
    of_run: HashMap<u128, u128>,
}

impl Dataset {
    /// `None` where the suite or its dataset cannot be read any more.
    fn read(record: &RunRecord, after: &RunScores, host: &Host<'_>) -> Option<Self> {
        let suite = Suite::read(&record.suite_file(), host.readers(&record.options)).ok()?;
        let mut spec = suite.dataset;
        spec.limit_to(record.options.limit);
        let first = items(&spec)?.next()?.ok()?;
        let columns = first.fields.keys().filter(|column| spec.id.as_ref() != Some(column));
        let columns = columns.cloned().collect();
        let of_run = after.scores.iter().flat_map(Variant::items).collect();
        Some(Self { spec, columns, of_run })
    }

    /// The columns that are not among these.
    fn other_columns(&self, known: &[String]) -> Vec<String> {
        self.columns.iter().filter(|column| !known.contains(column)).cloned().collect()
    }

    /// The items' ids and contents without the `left_out` columns, with what the run calls them.
    /// Only items that are still what they were in the run.
    fn same_items(
        &self,
        left_out: &[String],
        kept: &[String],
    ) -> Option<HashMap<u128, (u128, SameItem)>> {
        let as_before = self.without(left_out, kept);
        let both = items(&self.spec)?.zip(items(&as_before)?);
        let mut same = HashMap::new();
        for (now, then) in both {
            let (now, then) = (now.ok()?, then.ok()?);
            let content = content(&now);
            if self.of_run.get(&key(&now.id)) == Some(&content) {
                let found = SameItem { id: now.id.as_ref().into(), key: key(&now.id), content };
                same.entry(key(&then.id)).or_insert((self::content(&then), found));
            }
        }
        Some(same)
    }

    fn without(&self, left_out: &[String], kept: &[String]) -> DatasetSpec {
        let ignored = self.spec.ignored.iter().filter(|column| !kept.contains(column));
        let ignored = ignored.chain(left_out).cloned().collect();
        DatasetSpec { ignored, ..self.spec.clone() }
    }

    /// The one or two columns without which some item is one of the baseline's.
    fn guess(&self, before: &RunScores) -> Option<Vec<String>> {
        let contents = before.scores.iter().flat_map(Variant::items);
        let contents: HashSet<u128> = contents.map(|(_, content)| content).collect();
        let columns = self.other_columns(&self.spec.ignored);
        let single = columns.iter().map(|column| vec![column.clone()]);
        let pairs = columns.iter().enumerate().flat_map(|(at, first)| {
            columns[at + 1..].iter().map(|second| vec![first.clone(), second.clone()])
        });
        single.chain(pairs).take(MOST_TRIED).find(|left_out| {
            let spec = self.without(left_out, &[]);
            let found = items(&spec).into_iter().flatten().take(SAMPLE);
            found.flatten().any(|item| contents.contains(&content(&item)))
        })
    }
}

fn items(spec: &DatasetSpec) -> Option<Items> {
    Items::open(&Arc::new(spec.clone())).ok()
}

fn content(item: &Item) -> u128 {
    u128::from_be_bytes(item.hash.0)
}
