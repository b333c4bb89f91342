//! Which items of a run each slice has.

use std::collections::{BTreeMap, HashMap, HashSet};

use evalmark_report::{
    coded_texts::CodedTexts,
    gathered_rows::{SliceRows, gather_slices},
};
use evalmark_store::run_folder::RunFolder;
use evalmark_verdict::{ItemPlaces, TablePlaces};

use crate::{RunError, error::Result, variants::key};

/// Values of one slice column that are looked at, the most frequent first.
const MOST_VALUES: usize = 50;

/// The items of a run, with what they have in each slice column.
pub(super) struct SliceMembers {
    items: SeenItems,
    columns: Vec<SliceColumn>,
    /// The slices: columns with values, in their order.
    pub(super) slices: Vec<(usize, Option<String>)>,
}

/// The values of one column.
#[derive(Default)]
struct SliceColumn {
    /// What each code stands for.
    values: HashMap<Option<String>, u32>,
    /// By code: how many items have the value.
    counts: Vec<usize>,
    /// By item.
    codes: Vec<u32>,
}

/// Items in the order in which they are first seen.
struct SeenItems {
    /// Those of a variant of the run, which most often come in the same order.
    expected: TablePlaces,
    n: usize,
    /// Where the next one is expected.
    next: usize,
    /// All of them, once they come in another order.
    others: Option<(HashSet<u128>, Vec<u128>)>,
}

/// Samples of one part of the file.
struct SliceBlock {
    keys: Vec<u128>,
    columns: Vec<BlockColumn>,
}

#[derive(Default)]
struct BlockColumn {
    values: Vec<Option<String>>,
    codes: Vec<u32>,
}

impl SliceMembers {
    /// Reads them out of the run's samples.
    pub(super) fn read(
        folder: &RunFolder,
        columns: &[String],
        expected: TablePlaces,
    ) -> Result<Self> {
        let mut members = Self {
            items: SeenItems::new(expected),
            columns: columns.iter().map(|_| SliceColumn::default()).collect(),
            slices: Vec::new(),
        };
        gather_slices::<_, RunError>(&folder.samples(), columns, SliceBlock::of, |block| {
            members.take(block);
            Ok(())
        })?;
        let slices = members.columns.iter().enumerate().flat_map(|(at, column)| {
            column.frequent().into_iter().map(move |value| (at, value.clone()))
        });
        members.slices = slices.collect();
        Ok(members)
    }

    fn take(&mut self, block: SliceBlock) {
        let is_new: Vec<bool> = block.keys.iter().map(|&key| self.items.see(key)).collect();
        for (column, part) in self.columns.iter_mut().zip(block.columns) {
            column.take(part, &is_new);
        }
    }

    /// The items of each slice in a variant whose items stand there.
    pub(super) fn places(&self, of: &TablePlaces) -> Vec<ItemPlaces> {
        let mut by_column: BTreeMap<usize, Vec<Option<usize>>> = BTreeMap::new();
        for (slice, (column, value)) in self.slices.iter().enumerate() {
            let column_of = &self.columns[*column];
            let slice_of =
                by_column.entry(*column).or_insert_with(|| vec![None; column_of.counts.len()]);
            if let Some(&code) = column_of.values.get(value) {
                slice_of[code as usize] = Some(slice);
            }
        }
        let n_of = |(column, value): &(usize, Option<String>)| {
            let SliceColumn { values, counts, .. } = &self.columns[*column];
            values.get(value).map_or(0, |&code| counts[code as usize])
        };
        let mut lists: Vec<Vec<u32>> =
            self.slices.iter().map(|slice| Vec::with_capacity(n_of(slice))).collect();
        for (column, slice_of) in by_column {
            for (item, &code) in (0_u32..).zip(&self.columns[column].codes) {
                if let Some(slice) = slice_of[code as usize] {
                    lists[slice].push(item);
                }
            }
        }
        self.items.places(of, lists)
    }
}

impl SeenItems {
    fn new(expected: TablePlaces) -> Self {
        Self { expected, n: 0, next: 0, others: None }
    }

    /// Whether an item is a new one.
    fn see(&mut self, key: u128) -> bool {
        if self.others.is_none() {
            let is_expected = |place: usize| self.expected.key(place) == Some(key);
            if self.next < self.n && is_expected(self.next) {
                self.next += 1;
                return false;
            }
            if is_expected(self.n) && self.expected.are_distinct() {
                self.n += 1;
                self.next = self.n;
                return true;
            }
            if self.n > 0 && is_expected(0) {
                self.next = 1;
                return false;
            }
        }
        let (set, keys) = self.others.get_or_insert_with(|| {
            let keys: Vec<u128> = (0..self.n).filter_map(|at| self.expected.key(at)).collect();
            (keys.iter().copied().collect(), keys)
        });
        let is_new = set.insert(key);
        keys.extend(Some(key).filter(|_| is_new));
        is_new
    }

    /// Lists of these items where a variant has them.
    fn places(&self, of: &TablePlaces, lists: Vec<Vec<u32>>) -> Vec<ItemPlaces> {
        let keys = match &self.others {
            None if self.expected.is_of_same(of) => {
                return lists.into_iter().map(|list| of.some(list)).collect();
            }
            None => (0..self.n).filter_map(|at| self.expected.key(at)).collect(),
            Some((_, keys)) => keys.clone(),
        };
        let found = of.find(&keys);
        let one = |list: Vec<u32>| {
            let items = || list.iter().map(|&item| item as usize);
            let mut places: Vec<u32> = items().filter_map(|item| found[item]).collect();
            places.sort_unstable();
            of.with_keys(places, items().map(|item| keys[item]).collect())
        };
        lists.into_iter().map(one).collect()
    }
}

impl SliceColumn {
    fn take(&mut self, part: BlockColumn, is_new: &[bool]) {
        let codes: Vec<u32> = part.values.into_iter().map(|value| self.code(value)).collect();
        let new = part.codes.iter().zip(is_new).filter(|(_, is_new)| **is_new);
        for (&code, _) in new {
            let code = codes[code as usize];
            self.counts[code as usize] += 1;
            self.codes.push(code);
        }
    }

    fn code(&mut self, value: Option<String>) -> u32 {
        let next = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
        *self.values.entry(value).or_insert_with(|| {
            self.counts.push(0);
            next
        })
    }

    /// The most frequent values, in order.
    fn frequent(&self) -> Vec<&Option<String>> {
        let mut sizes: Vec<usize> = self.counts.iter().copied().filter(|&n| n > 0).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let least = sizes.get(MOST_VALUES).copied().unwrap_or_default();
        let is_frequent = |code: u32| self.counts[code as usize] > least;
        let values = self.values.iter().filter(|(_, code)| is_frequent(**code));
        let mut values: Vec<_> = values.map(|(value, _)| value).collect();
        values.sort_unstable();
        values
    }
}

impl SliceBlock {
    fn of(rows: &SliceRows<'_>) -> Result<Self, RunError> {
        let mut keys = Vec::with_capacity(rows.height);
        for row in 0..rows.height {
            let is_last = row > 0 && rows.item_id.code(row) == rows.item_id.code(row - 1);
            match keys.last() {
                Some(&last) if is_last => keys.push(last),
                _ => keys.push(key(rows.item_id.some(row)?)),
            }
        }
        let column = |texts: &CodedTexts<'_>| BlockColumn::of(texts, rows.height);
        Ok(Self { keys, columns: rows.values.iter().map(column).collect() })
    }
}

impl BlockColumn {
    fn of(texts: &CodedTexts<'_>, height: usize) -> Self {
        let mut column = Self::default();
        let mut by_text: HashMap<Option<&str>, u32> = HashMap::new();
        // One more for rows without a text.
        let mut by_code: Vec<Option<u32>> = vec![None; texts.n_codes().map_or(0, |n| n + 1)];
        for row in 0..height {
            let last = by_code.len().saturating_sub(1);
            let place = by_code.get_mut(last.min(texts.code(row) as usize));
            if let Some(Some(code)) = place {
                column.codes.push(*code);
                continue;
            }
            let text = texts.get(row);
            let code = *by_text.entry(text).or_insert_with(|| {
                column.values.push(text.map(str::to_owned));
                u32::try_from(column.values.len() - 1).unwrap_or(u32::MAX)
            });
            if let Some(place) = place {
                *place = Some(code);
            }
            column.codes.push(code);
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use evalmark_verdict::{AnswerScore, ItemIdentity, ItemScores, Variant};

    use super::*;

    fn variant(keys: &[u128]) -> Variant {
        let mut variant = Variant::new("p", "m");
        for &key in keys {
            let item = ItemIdentity { key, content: 1, cluster: None };
            let answer = AnswerScore { score: Some(key as f64 / 100.0), ..AnswerScore::default() };
            variant.push(&key.to_string(), "exact", answer, &item);
        }
        variant
    }

    fn block(samples: &[u128]) -> SliceBlock {
        let values = vec![Some("even".to_owned()), Some("odd".to_owned()), None];
        let code = |key: &u128| if key.is_multiple_of(5) { 2 } else { u32::from(key % 2 == 1) };
        let codes = samples.iter().map(code).collect();
        SliceBlock { keys: samples.to_vec(), columns: vec![BlockColumn { values, codes }] }
    }

    /// In whatever order samples come, each slice has its items, each once; in the variant whose order was expected,
    /// and in others.
    #[test]
    fn slices_have_their_items_whatever_the_order() {
        let in_order: Vec<u128> = (100..130).collect();
        let check = |samples: &[u128]| {
            let expected = variant(&in_order);
            let mut members = SliceMembers {
                items: SeenItems::new(expected.item_places()),
                columns: vec![SliceColumn::default()],
                slices: vec![(0, None), (0, Some("even".into())), (0, Some("odd".into()))],
            };
            samples.chunks(7).for_each(|part| members.take(block(part)));
            let seen: BTreeSet<u128> = samples.iter().copied().collect();
            let mut reversed: Vec<u128> = (95..125).rev().collect();
            reversed.push(1000);
            for other in [expected, variant(&reversed)] {
                let places = members.places(&other.item_places());
                assert_eq!(places.len(), 3);
                for (slice, places) in places.iter().enumerate() {
                    let is_in = |key: &u128| match (key.is_multiple_of(5), key % 2) {
                        (true, _) => slice == 0,
                        (false, 0) => slice == 1,
                        _ => slice == 2,
                    };
                    let keys: Vec<u128> = seen.iter().copied().filter(is_in).collect();
                    let found =
                        other.part_at("exact", places).scores("exact").map(ItemScores::to_vec);
                    let by_key = other.part("exact", &keys).scores("exact").map(ItemScores::to_vec);
                    assert_eq!(found, by_key, "{samples:?}");
                }
            }
            let counted: usize = members.columns[0].counts.iter().sum();
            assert_eq!(counted, seen.len());
        };
        let twice = |each: &[u128]| each.iter().flat_map(|&key| [key, key]).collect::<Vec<_>>();
        check(&in_order);
        check(&[&in_order[..], &in_order[..]].concat());
        check(&[twice(&in_order), twice(&in_order)].concat());
        check(&in_order.iter().rev().copied().collect::<Vec<_>>());
        check(&[&in_order[..9], &in_order[3..20], &in_order[..25], &[7, 7, 101]].concat());
        check(&[&[999], &in_order[..]].concat());
        check(&[&in_order[..20], &in_order[21..]].concat());
    }

    #[test]
    fn the_most_frequent_values_are_looked_at() {
        let mut column = SliceColumn::default();
        for n in 0..60_usize {
            let code = column.code(Some(format!("{n:02}")));
            column.counts[code as usize] = n / 2;
        }
        column.code(Some("never".to_owned()));
        let frequent: Vec<_> = column.frequent().into_iter().flatten().cloned().collect();
        assert_eq!(frequent.first().map(String::as_str), Some("10"));
        assert_eq!(frequent.len(), 50);
        let few = SliceColumn { counts: vec![3], ..SliceColumn::default() };
        assert!(few.frequent().is_empty());
    }
}
