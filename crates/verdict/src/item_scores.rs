//! Scores of one metric as comparisons read them: a list of items, or a column of a variant, whose items
//! are kept apart from what they score.

use std::{ptr, sync::Arc};

use crate::{
    item_table::{ItemTable, sorted},
    items::ItemScore,
    rule::Rule,
    tallies::{Tallies, Tally},
};

/// One metric's scores of a variant's items.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScoreColumn {
    /// The items' places in the table; `None` where they are its first ones.
    places: Option<Arc<Vec<u32>>>,
    pub(crate) tallies: Tallies,
}

impl ScoreColumn {
    pub(crate) fn len(&self) -> usize {
        self.tallies.len()
    }

    /// The item's place in the table.
    pub(crate) fn place(&self, at: usize) -> usize {
        self.places.as_ref().map_or(at, |places| places[at] as usize)
    }

    pub(crate) fn last_place(&self) -> Option<usize> {
        self.len().checked_sub(1).map(|last| self.place(last))
    }

    /// Adds an item, which stands behind those before it.
    pub(crate) fn push(&mut self, place: usize, tally: Tally) {
        let n = self.len();
        if self.places.is_some() || place != n {
            let places = self.places.get_or_insert_with(|| Arc::new(numbers(0..n).collect()));
            Arc::make_mut(places).extend(numbers([place]));
        }
        self.tallies.push(tally);
    }

    /// Adds an epoch to the last item.
    pub(crate) fn add_to_last(&mut self, score: Option<f64>) {
        if let Some(last) = self.len().checked_sub(1) {
            self.tallies.replace_last(self.tallies.get(last).with(score));
        }
    }

    /// Adds those of items that stand behind all others: the first of them at this place of the table.
    pub(crate) fn append(&mut self, other: &Self, first_place: usize) {
        let n = self.len();
        if self.places.is_some() || other.places.is_some() || first_place != n {
            let places = self.places.get_or_insert_with(|| Arc::new(numbers(0..n).collect()));
            let more = (0..other.len()).map(|at| first_place + other.place(at));
            Arc::make_mut(places).extend(numbers(more));
        }
        self.tallies.append(&other.tallies);
    }

    /// The entries of these places of the table, which ascend, and where they stand.
    pub(crate) fn part(&self, places: &Arc<Vec<u32>>) -> (Self, Arc<Vec<u32>>) {
        let is_whole = places.last().is_none_or(|&last| (last as usize) < self.len());
        if self.places.is_none() && is_whole {
            let tallies = self.tallies.at(places.iter().map(|&at| at as usize));
            return (Self { places: Some(places.clone()), tallies }, places.clone());
        }
        let found = places.iter().filter_map(|&at| match &self.places {
            None => Some(at).filter(|&at| (at as usize) < self.len()),
            Some(own) => own.binary_search(&at).ok().and_then(|at| u32::try_from(at).ok()),
        });
        self.taken(found.collect())
    }

    /// The entries whose places are chosen, and where they stand.
    pub(crate) fn filtered(&self, is_kept: impl Fn(usize) -> bool) -> (Self, Arc<Vec<u32>>) {
        self.taken(numbers(0..self.len()).filter(|&at| is_kept(self.place(at as usize))).collect())
    }

    fn taken(&self, kept: Vec<u32>) -> (Self, Arc<Vec<u32>>) {
        let at = || kept.iter().map(|&at| at as usize);
        let places = Some(Arc::new(numbers(at().map(|at| self.place(at))).collect()));
        let tallies = self.tallies.at(at());
        (Self { places, tallies }, Arc::new(kept))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a run has fewer than 2^32 items")]
fn numbers(places: impl IntoIterator<Item = usize>) -> impl Iterator<Item = u32> {
    places.into_iter().map(|place| place as u32)
}

/// The scores of one metric, item by item.
#[derive(Clone, Copy, Debug)]
pub struct ItemScores<'a> {
    kept: Kept<'a>,
    /// What a score and its mirror image add up to, where the scores are mirrored.
    mirror: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Kept<'a> {
    Items(&'a [ItemScore]),
    Column(&'a ItemTable, &'a ScoreColumn),
}

impl Default for ItemScores<'_> {
    fn default() -> Self {
        Self { kept: Kept::Items(&[]), mirror: None }
    }
}

impl<'a> From<&'a [ItemScore]> for ItemScores<'a> {
    fn from(items: &'a [ItemScore]) -> Self {
        Self { kept: Kept::Items(items), mirror: None }
    }
}

impl<'a> From<&'a Vec<ItemScore>> for ItemScores<'a> {
    fn from(items: &'a Vec<ItemScore>) -> Self {
        items.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [ItemScore; N]> for ItemScores<'a> {
    fn from(items: &'a [ItemScore; N]) -> Self {
        items.as_slice().into()
    }
}

/// Two sides whose items are the same, place by place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SameItems<'a> {
    pub(crate) baseline: ItemScores<'a>,
    pub(crate) candidate: ItemScores<'a>,
    /// The first so many of each side are in both.
    pub(crate) n: usize,
}

impl<'a> ItemScores<'a> {
    pub(crate) fn of_column(items: &'a ItemTable, column: &'a ScoreColumn) -> Self {
        Self { kept: Kept::Column(items, column), mirror: None }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        match self.kept {
            Kept::Items(items) => items.len(),
            Kept::Column(_, column) => column.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One item.
    pub fn get(&self, at: usize) -> ItemScore {
        let item = match self.kept {
            Kept::Items(items) => items[at],
            Kept::Column(table, column) => {
                let (item, tally) = (table.get(column.place(at)), column.tallies.get(at));
                ItemScore {
                    key: item.key,
                    content: item.content,
                    cluster: item.cluster,
                    sum: tally.sum,
                    n_scored: tally.n_scored,
                    n_planned: tally.n_planned,
                }
            }
        };
        match self.mirror {
            None => item,
            Some(mirror) => ItemScore { sum: mirrored(item.sum, item.n_scored, mirror), ..item },
        }
    }

    /// Which item stands there.
    pub(crate) fn key(&self, at: usize) -> u128 {
        match self.kept {
            Kept::Items(items) => items[at].key,
            Kept::Column(table, column) => table.key(column.place(at)),
        }
    }

    /// Every item, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = ItemScore> + 'a {
        (0..self.len()).map(move |at| self.get(at))
    }

    /// Every item, in order, as a list.
    pub fn to_vec(self) -> Vec<ItemScore> {
        self.iter().collect()
    }

    /// Scores so that more is better.
    pub(crate) fn oriented(self, rule: &Rule) -> Self {
        Self { mirror: rule.mirror(), ..self }
    }

    /// What some items score, the items of a value together; `None` where each has its own.
    pub(crate) fn values(&self) -> Option<&'a [Tally]> {
        let Kept::Column(_, column) = self.kept else { return None };
        column.tallies.values()
    }

    /// The place of an item's tally among the [values](Self::values).
    pub(crate) fn code(&self, at: usize) -> u16 {
        let Kept::Column(_, column) = self.kept else { return 0 };
        column.tallies.code(at)
    }

    /// A tally with its mirror image in its place, where the scores are mirrored.
    pub(crate) fn shown(&self, tally: Tally) -> Tally {
        let Some(mirror) = self.mirror else { return tally };
        Tally { sum: mirrored(tally.sum, tally.n_scored, mirror), ..tally }
    }

    /// What an item scores.
    pub(crate) fn tally(&self, at: usize) -> Tally {
        let tally = match self.kept {
            Kept::Items(items) => items[at].tally(),
            Kept::Column(_, column) => column.tallies.get(at),
        };
        self.shown(tally)
    }

    /// What every item scores, in order.
    pub(crate) fn tallies(self) -> impl ExactSizeIterator<Item = Tally> + 'a {
        (0..self.len()).map(move |at| self.tally(at))
    }

    /// The items by key, those of equal keys by place.
    pub(crate) fn by_key(&self) -> Vec<usize> {
        match self.kept {
            Kept::Column(table, column) if column.places.is_none() => {
                let places = table.order().places.iter().map(|&at| at as usize);
                places.filter(|&at| at < column.len()).collect()
            }
            _ => {
                let keys: Vec<u128> = (0..self.len()).map(|at| self.key(at)).collect();
                sorted(&keys).into_iter().map(|at| at as usize).collect()
            }
        }
    }

    /// Both sides, where they are columns over one table without duplicates, and no two of its items share
    /// a cluster.
    pub(crate) fn same_items(baseline: Self, candidate: Self) -> Option<SameItems<'a>> {
        let (Kept::Column(table, first), Kept::Column(other, second)) =
            (baseline.kept, candidate.kept)
        else {
            return None;
        };
        let is_same = ptr::eq(table, other)
            && match (&first.places, &second.places) {
                (None, None) => true,
                (Some(first), Some(second)) => Arc::ptr_eq(first, second) || first == second,
                _ => false,
            };
        if !is_same || table.order().has_duplicates || table.order().has_clusters {
            return None;
        }
        Some(SameItems { baseline, candidate, n: first.len().min(second.len()) })
    }
}

fn mirrored(sum: f64, n_scored: u32, mirror: f64) -> f64 {
    f64::from(n_scored) * mirror - sum
}
