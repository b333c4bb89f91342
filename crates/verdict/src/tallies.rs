//! Sums of scores, item by item, in as little memory as they fit into: a byte or two an item where
//! values repeat, and the sum itself elsewhere.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use crate::{random::scramble, rule::ScoreRange};

/// Distinct values beyond which each item keeps its own.
const MOST_VALUES: usize = 1 << 16;

/// The scores of one item, epochs summed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) sum: f64,
    pub(crate) n_scored: u32,
    pub(crate) n_planned: u32,
}

impl Tally {
    /// Mean over the scored epochs; `None` when the item is missing.
    pub(crate) fn mean(self, range: ScoreRange) -> Option<f64> {
        (self.n_scored > 0)
            .then(|| (self.sum / f64::from(self.n_scored)).max(range.low).min(range.high))
    }

    /// Epochs without a score; an item that was never planned lacks one.
    pub(crate) fn n_missing(self) -> u32 {
        self.n_planned.max(1) - self.n_scored
    }

    /// Mean over the planned epochs with every missing one put at `value`.
    pub(crate) fn mean_with(self, value: f64, range: ScoreRange) -> f64 {
        let missing = self.n_missing();
        match self.mean(range) {
            Some(mean) if missing == 0 => mean,
            Some(_) => {
                let filled = self.sum + value * f64::from(missing);
                (filled / f64::from(self.n_planned)).max(range.low).min(range.high)
            }
            None => value,
        }
    }

    fn bits(self) -> TallyBits {
        (self.sum.to_bits(), self.n_scored, self.n_planned)
    }

    /// With one more epoch; `None` where it has no score.
    pub(crate) fn with(self, score: Option<f64>) -> Self {
        Self {
            sum: self.sum + score.unwrap_or_default(),
            n_scored: self.n_scored + u32::from(score.is_some()),
            n_planned: self.n_planned + 1,
        }
    }
}

type TallyBits = (u64, u32, u32);

/// The tallies of many items, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies {
    kept: Kept,
    /// What each code stands for.
    values: Vec<Tally>,
    codes: HashMap<TallyBits, u16, BuildHasherDefault<Scrambler>>,
    /// The code that was looked up last.
    last: u16,
}

#[derive(Clone, Debug)]
enum Kept {
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Each(Each),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

/// One sum an item.
#[derive(Clone, Debug)]
struct Each {
    sums: Vec<f64>,
    counts: EpochCounts,
    /// Scored and planned epochs of the last item, which may get more of them.
    last: [u32; 2],
}

/// Scored and planned epochs of all items but the last.
#[derive(Clone, Debug)]
enum EpochCounts {
    None,
    Same([u32; 2]),
    Each(Vec<[u32; 2]>),
}

impl Tallies {
    /// With room for so many items.
    pub(crate) fn reserve(&mut self, n: usize) {
        if let Kept::Bytes(codes) = &mut self.kept {
            codes.reserve(n.saturating_sub(codes.len()));
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.kept {
            Kept::Bytes(codes) => codes.len(),
            Kept::Shorts(codes) => codes.len(),
            Kept::Each(each) => each.sums.len(),
        }
    }

    pub(crate) fn get(&self, at: usize) -> Tally {
        match &self.kept {
            Kept::Bytes(codes) => self.values[usize::from(codes[at])],
            Kept::Shorts(codes) => self.values[usize::from(codes[at])],
            Kept::Each(each) => each.get(at),
        }
    }

    /// What the items' codes stand for; `None` where every item has a value of its own. Not every one is
    /// an item's.
    pub(crate) fn values(&self) -> Option<&[Tally]> {
        match &self.kept {
            Kept::Each(_) => None,
            _ => Some(&self.values),
        }
    }

    /// The place of an item's tally among the [values](Self::values).
    pub(crate) fn code(&self, at: usize) -> u16 {
        match &self.kept {
            Kept::Bytes(codes) => codes[at].into(),
            Kept::Shorts(codes) => codes[at],
            Kept::Each(_) => 0,
        }
    }

    pub(crate) fn push(&mut self, tally: Tally) {
        let code = self.code_of(tally);
        match (&mut self.kept, code) {
            (Kept::Bytes(codes), Some(code)) => {
                if let Ok(code) = u8::try_from(code) {
                    codes.push(code);
                    return;
                }
                let mut wide = widened(codes);
                wide.push(code);
                self.kept = Kept::Shorts(wide);
            }
            (Kept::Shorts(codes), Some(code)) => codes.push(code),
            (Kept::Each(each), _) => each.push(tally),
            (_, None) => {
                let mut each = Each::with_capacity(self.len() + 1);
                (0..self.len()).for_each(|at| each.push(self.get(at)));
                each.push(tally);
                self.kept = Kept::Each(each);
                (self.values, self.codes) = Default::default();
            }
        }
    }

    /// Adds those of other items.
    pub(crate) fn append(&mut self, other: &Self) {
        let values = other.values().unwrap_or_default();
        let codes: Option<Vec<u16>> = values.iter().map(|&value| self.code_of(value)).collect();
        match codes.filter(|_| other.values().is_some()) {
            Some(codes) => self.append_codes(other, &codes),
            None => (0..other.len()).for_each(|at| self.push(other.get(at))),
        }
    }

    /// The same by what the other's codes are here.
    fn append_codes(&mut self, other: &Self, codes: &[u16]) {
        if let Kept::Bytes(own) = &mut self.kept {
            let narrow: Result<Vec<u8>, _> = codes.iter().map(|&code| u8::try_from(code)).collect();
            match (narrow, &other.kept) {
                (Ok(narrow), Kept::Bytes(more)) => {
                    own.extend(more.iter().map(|&code| narrow[usize::from(code)]));
                    return;
                }
                _ => self.kept = Kept::Shorts(widened(own)),
            }
        }
        let Kept::Shorts(own) = &mut self.kept else { return };
        own.extend((0..other.len()).map(|at| codes[usize::from(other.code(at))]));
    }

    /// Replaces the last item's tally.
    pub(crate) fn replace_last(&mut self, tally: Tally) {
        match &mut self.kept {
            Kept::Bytes(codes) => drop(codes.pop()),
            Kept::Shorts(codes) => drop(codes.pop()),
            Kept::Each(each) => return each.replace_last(tally),
        }
        self.push(tally);
    }

    /// The tallies of these items, in this order.
    pub(crate) fn at(&self, places: impl ExactSizeIterator<Item = usize>) -> Self {
        let kept = match &self.kept {
            Kept::Bytes(codes) => Kept::Bytes(places.map(|at| codes[at]).collect()),
            Kept::Shorts(codes) => Kept::Shorts(places.map(|at| codes[at]).collect()),
            Kept::Each(each) => {
                let mut part = Each::with_capacity(places.len());
                places.for_each(|at| part.push(each.get(at)));
                Kept::Each(part)
            }
        };
        Self { kept, values: self.values.clone(), ..Self::default() }
    }

    /// The code of a tally; `None` where there are too many values for codes.
    fn code_of(&mut self, tally: Tally) -> Option<u16> {
        if matches!(self.kept, Kept::Each(_)) {
            return None;
        }
        let bits = tally.bits();
        if self.values.get(usize::from(self.last)).is_some_and(|last| last.bits() == bits) {
            return Some(self.last);
        }
        if self.codes.len() < self.values.len() {
            let known = self.values.iter().enumerate();
            self.codes =
                known.filter_map(|(at, v)| Some((v.bits(), u16::try_from(at).ok()?))).collect();
        }
        let code = match self.codes.get(&bits) {
            Some(code) => *code,
            None if self.values.len() < MOST_VALUES => {
                let code = u16::try_from(self.values.len()).ok()?;
                self.values.push(tally);
                self.codes.insert(bits, code);
                code
            }
            None => return None,
        };
        self.last = code;
        Some(code)
    }
}

fn widened(codes: &Vec<u8>) -> Vec<u16> {
    let mut wide = Vec::with_capacity(codes.capacity());
    wide.extend(codes.iter().map(|&code| u16::from(code)));
    wide
}

impl Each {
    fn with_capacity(n: usize) -> Self {
        Self { sums: Vec::with_capacity(n), counts: EpochCounts::None, last: [0; 2] }
    }

    fn get(&self, at: usize) -> Tally {
        let counts = match &self.counts {
            _ if at + 1 == self.sums.len() => self.last,
            EpochCounts::None => self.last,
            EpochCounts::Same(counts) => *counts,
            EpochCounts::Each(counts) => counts[at],
        };
        Tally { sum: self.sums[at], n_scored: counts[0], n_planned: counts[1] }
    }

    fn push(&mut self, tally: Tally) {
        if let Some(before) = self.sums.len().checked_sub(1) {
            match &mut self.counts {
                EpochCounts::None => self.counts = EpochCounts::Same(self.last),
                EpochCounts::Same(counts) if *counts == self.last => {}
                EpochCounts::Same(counts) => {
                    let mut each = vec![*counts; before];
                    each.push(self.last);
                    self.counts = EpochCounts::Each(each);
                }
                EpochCounts::Each(counts) => counts.push(self.last),
            }
        }
        self.sums.push(tally.sum);
        self.last = [tally.n_scored, tally.n_planned];
    }

    fn replace_last(&mut self, tally: Tally) {
        if let Some(sum) = self.sums.last_mut() {
            *sum = tally.sum;
        }
        self.last = [tally.n_scored, tally.n_planned];
    }
}

/// Hashes a few numbers; nobody chooses scores so that they collide.
#[derive(Default)]
pub(crate) struct Scrambler(u64);

impl Hasher for Scrambler {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = scramble(self.0 ^ number);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(sum: f64, n_scored: u32) -> Tally {
        Tally { sum, n_scored, n_planned: 3 }
    }

    /// Whatever is kept is what was pushed, in bytes, in shorts, and beyond.
    #[test]
    fn every_item_gets_its_tally_back() {
        for n_values in [1_u32, 3, 256, 257, 65_536, 65_537, 70_000] {
            let of = |i: u32| tally(f64::from(i % n_values) * 0.1, i % 2);
            let mut kept = Tallies::default();
            for i in 0..n_values + 50 {
                kept.push(tally(-1.0, 0));
                kept.replace_last(of(i));
            }
            let places = [0, 5, n_values + 49, 1];
            let part = kept.at(places.iter().map(|&at| at as usize));
            assert_eq!((kept.len(), part.len()), (n_values as usize + 50, 4));
            assert!((0..n_values + 50).all(|i| kept.get(i as usize) == of(i)), "{n_values}");
            assert!(places.iter().zip(0..).all(|(&i, at)| part.get(at) == of(i)), "{n_values}");
            let by_code = |at| kept.values().map(|values| values[usize::from(kept.code(at))]);
            assert!((0..50).all(|at| by_code(at).is_none_or(|value| value == kept.get(at))));
            assert_eq!(kept.values().is_none(), n_values * 2 > 65_536 + 1, "{n_values}");
        }
    }

    #[test]
    fn a_part_takes_more() {
        let mut kept = Tallies::default();
        for sum in [0.0, 1.0, 0.5] {
            kept.push(tally(sum, 1));
        }
        let mut part = kept.at([2, 0].into_iter());
        part.push(tally(0.25, 1));
        part.push(tally(1.0, 1));
        let sums: Vec<f64> = (0..4).map(|at| part.get(at).sum).collect();
        assert_eq!(sums, [0.5, 0.0, 0.25, 1.0]);
    }

    /// Parts of any lengths and kinds are what was pushed one by one.
    #[test]
    fn parts_put_together_are_the_whole() {
        for (n_values, n) in [(2_u32, 100), (300, 1000), (70_000, 90_000), (70_000, 66_000)] {
            let of = |i: u32| tally(f64::from(i % n_values) * 0.1, i % 2);
            for length in [1, 7, 700, 65_900] {
                let mut whole = Tallies::default();
                for start in (0..n).step_by(length as usize) {
                    let mut part = Tallies::default();
                    (start..n.min(start + length)).for_each(|i| part.push(of(i)));
                    whole.append(&part);
                }
                assert_eq!(whole.len(), n as usize);
                assert!((0..n).all(|i| whole.get(i as usize) == of(i)), "{n_values}, {length}");
            }
        }
    }

    #[test]
    fn minus_zero_stays_what_it_is() {
        let mut kept = Tallies::default();
        kept.push(tally(0.0, 1));
        kept.push(tally(-0.0, 1));
        assert!(kept.get(1).sum.is_sign_negative() && kept.get(0).sum.is_sign_positive());
    }
}
