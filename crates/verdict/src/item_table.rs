//! The items of variants: what tells each apart, kept once for all metrics, and for all variants of two
//! runs that have the same.

use std::sync::OnceLock;

use rayon::prelude::*;

/// What an item is, whatever it scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemIdentity {
    /// Which item: a hash of its id.
    pub key: u128,
    /// What the item says: a hash of its content.
    pub content: u128,
    /// A hash of the cluster's name.
    pub cluster: Option<u64>,
}

/// Items in the order in which a run has them.
#[derive(Debug, Default)]
pub(crate) struct ItemTable {
    keys: Vec<u128>,
    contents: Vec<u128>,
    /// Empty as long as no item has one.
    clusters: Vec<Option<u64>>,
    order: OnceLock<Order>,
}

/// Places by key.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) places: Vec<u32>,
    /// Whether two items have one key.
    pub(crate) has_duplicates: bool,
    /// Whether two items share a cluster.
    pub(crate) has_clusters: bool,
}

/// Buckets that items are sorted in.
const BUCKETS: usize = 1 << 10;

impl ItemTable {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn key(&self, at: usize) -> u128 {
        self.keys[at]
    }

    pub(crate) fn get(&self, at: usize) -> ItemIdentity {
        let cluster = self.clusters.get(at).copied().flatten();
        ItemIdentity { key: self.keys[at], content: self.contents[at], cluster }
    }

    /// Whether this item stands there.
    pub(crate) fn has(&self, at: usize, item: &ItemIdentity) -> bool {
        at < self.len() && self.get(at) == *item
    }

    /// Whether these items stand there.
    pub(crate) fn has_all(&self, at: usize, items: &Self) -> bool {
        let there = at..at + items.len();
        let has_clusters = !(self.clusters.is_empty() && items.clusters.is_empty());
        there.end <= self.len()
            && self.keys[there.clone()] == items.keys
            && self.contents[there.clone()] == items.contents
            && (!has_clusters || there.zip(0..).all(|(at, other)| self.get(at) == items.get(other)))
    }

    /// Adds these items.
    pub(crate) fn append(&mut self, items: &Self) {
        if items.clusters.is_empty() && self.clusters.is_empty() {
            self.keys.extend_from_slice(&items.keys);
            self.contents.extend_from_slice(&items.contents);
            self.order = OnceLock::new();
        } else {
            (0..items.len()).for_each(|at| self.push(items.get(at)));
        }
    }

    pub(crate) fn reserve(&mut self, n: usize) {
        self.keys.reserve(n.saturating_sub(self.keys.len()));
        self.contents.reserve(n.saturating_sub(self.contents.len()));
    }

    pub(crate) fn push(&mut self, item: ItemIdentity) {
        if item.cluster.is_some() && self.clusters.is_empty() {
            self.clusters = vec![None; self.len()];
        }
        if item.cluster.is_some() || !self.clusters.is_empty() {
            self.clusters.push(item.cluster);
        }
        self.keys.push(item.key);
        self.contents.push(item.content);
        self.order = OnceLock::new();
    }

    /// The first `n` items, as a table of their own.
    pub(crate) fn prefix(&self, n: usize) -> Self {
        let mut own = Self::default();
        own.keys.extend_from_slice(&self.keys[..n]);
        own.contents.extend_from_slice(&self.contents[..n]);
        own.clusters.extend_from_slice(&self.clusters[..n.min(self.clusters.len())]);
        own
    }

    /// The places by key.
    ///
    /// It is found on several threads, each of which may come here again meanwhile, and must not wait for itself.
    pub(crate) fn order(&self) -> &Order {
        if let Some(order) = self.order.get() {
            return order;
        }
        let order = self.find_order();
        self.order.get_or_init(|| order)
    }

    fn find_order(&self) -> Order {
        let places = sorted(&self.keys);
        let same = |two: &[u32]| self.keys[two[0] as usize] == self.keys[two[1] as usize];
        let has_duplicates = places.par_windows(2).any(same);
        let mut named: Vec<u64> = self.clusters.iter().copied().flatten().collect();
        named.par_sort_unstable();
        let has_clusters = named.windows(2).any(|two| two[0] == two[1]);
        Order { places, has_duplicates, has_clusters }
    }
}

/// Places in ascending order of their keys; those of equal keys ascend.
#[expect(clippy::cast_possible_truncation, reason = "a run has fewer than 2^32 items")]
pub(crate) fn sorted(keys: &[u128]) -> Vec<u32> {
    let bucket = |key: u128| (key >> (128 - BUCKETS.trailing_zeros())) as usize;
    let mut ends = vec![0; BUCKETS + 1];
    for &key in keys {
        ends[bucket(key) + 1] += 1;
    }
    for at in 0..BUCKETS {
        ends[at + 1] += ends[at];
    }
    let mut places = vec![0_u32; keys.len()];
    let mut next = ends.clone();
    for (at, &key) in keys.iter().enumerate() {
        let slot = &mut next[bucket(key)];
        places[*slot] = at as u32;
        *slot += 1;
    }
    let (mut rest, mut parts) = (places.as_mut_slice(), Vec::with_capacity(BUCKETS));
    for sizes in ends.windows(2) {
        let (part, after) = rest.split_at_mut(sizes[1] - sizes[0]);
        parts.push(part);
        rest = after;
    }
    parts.into_par_iter().for_each(|part| {
        // The keys beside the places: a sort that follows places waits for memory.
        let mut keyed: Vec<(u128, u32)> = part.iter().map(|&at| (keys[at as usize], at)).collect();
        keyed.sort_unstable();
        part.iter_mut().zip(keyed).for_each(|(place, (_, at))| *place = at);
    });
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    #[test]
    fn places_are_sorted_by_key_and_then_by_place() {
        let mut random = SplitMix::stream(5, 1);
        for n in [0, 1, 2, 5000] {
            let keys: Vec<u128> = (0..n)
                .map(|i| match i % 3 {
                    0 => u128::from(random.next() % 50),
                    1 => u128::from(random.next()) << 64 | u128::from(random.next()),
                    _ => u128::MAX - u128::from(random.next() % 9),
                })
                .collect();
            let mut expected: Vec<u32> = (0..n).collect();
            expected.sort_by_key(|&at| keys[at as usize]);
            assert_eq!(sorted(&keys), expected);
        }
    }

    #[test]
    fn a_table_knows_its_duplicates_and_clusters() {
        let check = |items: &[(u128, Option<u64>)], duplicates, clusters| {
            let mut table = ItemTable::default();
            for &(key, cluster) in items {
                table.push(ItemIdentity { key, content: 7, cluster });
            }
            assert!(items.iter().enumerate().all(|(at, item)| table.get(at).cluster == item.1));
            let found = (table.order().has_duplicates, table.order().has_clusters);
            assert_eq!(found, (duplicates, clusters), "{items:?}");
            let part = table.prefix(items.len() / 2);
            assert!((0..part.len()).all(|at| part.get(at) == table.get(at)));
        };
        check(&[], false, false);
        check(&[(1, None), (2, None)], false, false);
        check(&[(1, None), (2, Some(1)), (3, Some(2))], false, false);
        check(&[(1, Some(4)), (2, None), (3, Some(4))], false, true);
        check(&[(1, None), (2, Some(3)), (1, None)], true, false);
    }
}
