//! Which commit to look at next, and what is left: bisection over a history with merges.

use std::{cmp::Reverse, collections::BTreeMap};

/// The commits of which one is the first bad one, if that of the newest is.
#[derive(Clone, Debug)]
pub(super) struct Candidates<T> {
    /// Sorted; all else names a commit by its place here.
    ids: Vec<T>,
    /// The parents of each that are among them.
    parents: Vec<Vec<usize>>,
    /// All of them, parents before children.
    order: Vec<usize>,
    /// Which are left: the bad one, and what is before it.
    left: Vec<bool>,
    /// Which nothing can be said of.
    skipped: Vec<bool>,
    /// The one that is bad, or is taken for it.
    bad: usize,
}

impl<T: Copy + Ord> Candidates<T> {
    /// The commits behind the good one and up to `bad`, each with its parents. `bad` is one of them.
    pub(super) fn new(commits: &BTreeMap<T, Vec<T>>, bad: T) -> Self {
        let ids: Vec<T> = commits.keys().copied().collect();
        let place = |id: &T| ids.binary_search(id).ok();
        let within = |parents: &Vec<T>| parents.iter().filter_map(place).collect();
        let parents: Vec<Vec<usize>> = commits.values().map(within).collect();
        let (order, bad) = (parents_first(&parents), place(&bad).unwrap_or_default());
        let (left, skipped) = (vec![true; ids.len()], vec![false; ids.len()]);
        let mut candidates = Self { ids, parents, order, left, skipped, bad };
        candidates.left = candidates.before(bad);
        candidates
    }

    /// The commit whose answer divides those that are left best; `None` where no other answer would divide them.
    ///
    /// Where nothing can be said of that one, it is another at some distance: commits beside it often cannot tell either.
    pub(super) fn next(&self) -> Option<T> {
        let mut reach = self.reach();
        reach.sort_unstable_by_key(|&(reach, at)| Reverse((reach, at)));
        let &(_, best) = reach.first()?;
        if !self.skipped[best] {
            return Some(self.ids[best]);
        }
        let n_all = reach.len();
        reach.retain(|(_, at)| !self.skipped[*at]);
        // A fraction that goes round evenly, squared, so that those that divide well come first.
        let share = (n_all - reach.len()) * 618 % 1000;
        let (_, at) = reach.get(reach.len() * share * share / 1_000_000)?;
        Some(self.ids[*at])
    }

    /// A commit is good, and so are all before it.
    pub(super) fn good(&mut self, commit: T) {
        if let Some(before) = self.before_id(commit) {
            self.left.iter_mut().zip(before).for_each(|(left, is_before)| *left &= !is_before);
        }
    }

    /// A commit is bad: the first bad one is it, or one before it.
    pub(super) fn bad(&mut self, commit: T) {
        if let (Ok(at), Some(before)) = (self.ids.binary_search(&commit), self.before_id(commit)) {
            (self.bad, self.left) = (at, before);
        }
    }

    /// Nothing can be said of a commit.
    pub(super) fn skip(&mut self, commit: T) {
        if let Ok(at) = self.ids.binary_search(&commit) {
            self.skipped[at] = true;
        }
    }

    /// Those that are left, the bad one among them.
    pub(super) fn left(&self) -> impl Iterator<Item = T> {
        self.ids.iter().zip(&self.left).filter(|(_, left)| **left).map(|(id, _)| *id)
    }

    /// The commit that is bad, or is taken for it.
    pub(super) fn newest(&self) -> T {
        self.ids[self.bad]
    }

    /// Of how many commits either answer of a commit disposes at least, for each that is left but the bad one. Where one
    /// halves them, and none is skipped, it is the last that is counted.
    fn reach(&self) -> Vec<(usize, usize)> {
        let n_left = self.left.iter().filter(|left| **left).count();
        let has_skipped =
            self.left.iter().zip(&self.skipped).any(|(left, skipped)| *left && *skipped);
        let mut n_before = vec![0; self.ids.len()];
        let mut reach = Vec::new();
        for &at in self.order.iter().filter(|at| self.left[**at]) {
            let parents: Vec<_> = self.parents[at].iter().filter(|at| self.left[**at]).collect();
            n_before[at] = match parents.as_slice() {
                [] => 1,
                [parent] => n_before[**parent] + 1,
                _ => self.before(at).into_iter().filter(|is_before| *is_before).count(),
            };
            if at == self.bad {
                continue;
            }
            let disposed = n_before[at].min(n_left - n_before[at]);
            reach.push((disposed, at));
            if disposed == n_left / 2 && !has_skipped {
                break;
            }
        }
        reach
    }

    fn before_id(&self, commit: T) -> Option<Vec<bool>> {
        Some(self.before(self.ids.binary_search(&commit).ok()?))
    }

    /// A commit and all before it that are left.
    fn before(&self, commit: usize) -> Vec<bool> {
        let (mut found, mut stack) = (vec![false; self.ids.len()], vec![commit]);
        while let Some(at) = stack.pop() {
            // A good commit ends the way, as all before it are good.
            if self.left[at] && !found[at] {
                found[at] = true;
                stack.extend(&self.parents[at]);
            }
        }
        found
    }
}

/// All places, parents before children.
fn parents_first(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut n_waiting: Vec<_> = parents.iter().map(Vec::len).collect();
    for (child, parents) in parents.iter().enumerate() {
        for &parent in parents {
            children[parent].push(child);
        }
    }
    let mut order: Vec<_> = (0..parents.len()).filter(|at| n_waiting[*at] == 0).collect();
    let mut done = 0;
    while let Some(&at) = order.get(done) {
        done += 1;
        for &child in &children[at] {
            n_waiting[child] -= 1;
            if n_waiting[child] == 0 {
                order.push(child);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches with an answer for each commit, and returns what is left and how many were looked at.
    fn search(
        parents: &[(u32, &[u32])],
        answer: impl Fn(u32) -> Option<bool>,
    ) -> (Vec<u32>, usize) {
        let graph = parents.iter().map(|(commit, parents)| (*commit, parents.to_vec())).collect();
        let newest = parents.last().expect("a commit").0;
        let (mut candidates, mut looks) = (Candidates::new(&graph, newest), 0);
        while let Some(next) = candidates.next() {
            looks += 1;
            match answer(next) {
                Some(true) => candidates.good(next),
                Some(false) => candidates.bad(next),
                None => candidates.skip(next),
            }
        }
        (candidates.left().collect(), looks)
    }

    #[test]
    fn a_line_is_halved() {
        let line: Vec<_> = (1..=64_u32).map(|i| (i, [i - 1])).collect();
        let line: Vec<_> = line.iter().map(|(i, parents)| (*i, &parents[..])).collect();
        for first_bad in 1..=64 {
            let (left, looks) = search(&line, |commit| Some(commit < first_bad));
            assert_eq!(left, [first_bad]);
            assert!(looks <= 6, "{first_bad}: {looks}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_left_beside_the_bad_one() {
        let line: Vec<_> = (1..=8_u32).map(|i| (i, [i - 1])).collect();
        let line: Vec<_> = line.iter().map(|(i, parents)| (*i, &parents[..])).collect();
        let answer = |commit| match commit {
            4 | 5 => None,
            commit => Some(commit < 6),
        };
        assert_eq!(search(&line, answer).0, [4, 5, 6]);
        // One that is skipped and lies before a good one is none.
        let answer = |commit| match commit {
            4 => None,
            commit => Some(commit < 6),
        };
        assert_eq!(search(&line, answer).0, [6]);
    }

    #[test]
    fn both_sides_of_a_merge_are_searched() {
        // 1 - 2 - 4 - 6 - 7, and 1 - 3 - 5 - 6.
        let graph: [(u32, &[u32]); 7] =
            [(1, &[0]), (2, &[1]), (3, &[1]), (4, &[2]), (5, &[3]), (6, &[4, 5]), (7, &[6])];
        for first_bad in 1..=7 {
            let is_after = |commit: u32| match first_bad {
                1 => true,
                2 => [2, 4, 6, 7].contains(&commit),
                3 => [3, 5, 6, 7].contains(&commit),
                4 => [4, 6, 7].contains(&commit),
                5 => [5, 6, 7].contains(&commit),
                first => commit >= first,
            };
            assert_eq!(search(&graph, |commit| Some(!is_after(commit))).0, [first_bad]);
        }
    }

    #[test]
    fn the_search_leaves_what_cannot_tell() {
        let line: Vec<_> = (1..=200_u32).map(|i| (i, [i - 1])).collect();
        let line: Vec<_> = line.iter().map(|(i, parents)| (*i, &parents[..])).collect();
        for first_bad in [10, 50, 150, 190] {
            let answer = |commit| (!(80..=119).contains(&commit)).then_some(commit < first_bad);
            let (left, looks) = search(&line, answer);
            assert_eq!(left, [first_bad]);
            assert!(looks <= 12, "{first_bad}: {looks}");
        }
    }

    #[test]
    fn a_long_history_with_merges_is_searched_at_once() {
        // Every third commit merges the two before it.
        let parents =
            |i: u32| if i.is_multiple_of(3) { vec![i - 1, i - 2] } else { vec![i - i % 3] };
        let graph: BTreeMap<_, _> = (1..=6_000).map(|i| (i, parents(i))).collect();
        let mut candidates = Candidates::new(&graph, 6_000);
        let mut looks = 0;
        while let Some(next) = candidates.next() {
            looks += 1;
            if next < 4_001 { candidates.good(next) } else { candidates.bad(next) }
        }
        // 4,001 stands beside 4,000, which is good.
        assert_eq!(candidates.left().collect::<Vec<_>>(), [4_001]);
        assert!(looks <= 16, "{looks}");
    }
}
