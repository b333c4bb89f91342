//! Pairs of texts of 2,000 characters, always the same.

use rand::{RngExt, SeedableRng};

use crate::runner::Rng;

/// Answer and target.
pub(super) type Pair = (String, String);

/// Characters of each text.
const LENGTH: usize = 2_000;
/// Pairs in a set.
const PAIRS: usize = 10;
/// How often a place is edited, in a pair that is alike.
const EDITS: f64 = 0.1;

/// Makes a pair.
pub(super) type Make = fn(&mut Rng) -> Pair;

pub(super) const SETS: [(&str, Make); 4] = [
    ("alike", |rng| edited(rng, 'a', 26)),
    ("alike, Cyrillic", |rng| edited(rng, 'а', 32)),
    ("alike, Chinese", |rng| edited(rng, '一', 3_000)),
    ("unlike", |rng| (text(rng, 'a', 26), text(rng, 'a', 26))),
];

pub(super) fn set(make: Make) -> Vec<Pair> {
    let mut rng = Rng::seed_from_u64(7);
    (0..PAIRS).map(|_| make(&mut rng)).collect()
}

/// Words of letters, of which there are `count` from `first` on.
fn text(rng: &mut Rng, first: char, count: u32) -> String {
    (0..LENGTH)
        .map(|_| if rng.random_bool(0.16) { ' ' } else { letter(rng, first, count) })
        .collect()
}

fn letter(rng: &mut Rng, first: char, count: u32) -> char {
    char::from_u32(u32::from(first) + rng.random_range(0..count)).unwrap_or(first)
}

/// A text, and the same with a tenth of its places replaced, left out or doubled.
fn edited(rng: &mut Rng, first: char, count: u32) -> Pair {
    let original = text(rng, first, count);
    let mut other = String::new();
    for c in original.chars() {
        match rng.random_bool(EDITS).then(|| rng.random_range(0..3_u8)) {
            None => other.push(c),
            Some(0) => other.push(letter(rng, first, count)),
            Some(1) => other.extend([c, letter(rng, first, count)]),
            Some(_) => {}
        }
    }
    (original, other)
}
