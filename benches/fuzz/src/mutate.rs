//! What is done to an input: bits, bytes and pieces of it change place, and words that mean something
//! to a reader come in.

use rand::{RngExt, rngs::StdRng};

/// No input is longer: what takes long on more is known to be a matter of length.
const LONGEST: usize = 100_000;

/// A changed copy of a seed; `other` is a second one to take pieces from.
pub(crate) fn mutate(seed: &[u8], other: &[u8], words: &[&str], random: &mut StdRng) -> Vec<u8> {
    let mut input = seed.to_vec();
    for _ in 0..random.random_range(1..=6) {
        change(&mut input, other, words, random);
    }
    input.truncate(LONGEST);
    input
}

fn change(input: &mut Vec<u8>, other: &[u8], words: &[&str], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    match random.random_range(0..10) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.random();
            }
        }
        2 => input.insert(at, random.random()),
        3 => drop(input.drain(piece(input.len(), at, random))),
        4 => {
            let copy = input[piece(input.len(), at, random)].to_vec();
            let times = if random.random_ratio(1, 50) { 2_000 } else { random.random_range(1..4) };
            insert(input, at, &copy.repeat(times));
        }
        5 => {
            let from = random.random_range(0..=other.len());
            insert(input, at, &other[piece(other.len(), from, random)]);
        }
        6 => {
            let end = piece(input.len(), at, random);
            let from = random.random_range(0..=other.len());
            let new = other[piece(other.len(), from, random)].to_vec();
            drop(input.splice(end, new));
        }
        _ => {
            if !words.is_empty() {
                let word = words[random.random_range(0..words.len())];
                insert(input, at, word.as_bytes());
            }
        }
    }
}

/// A piece that begins at `at`, mostly a short one.
fn piece(length: usize, at: usize, random: &mut StdRng) -> std::ops::Range<usize> {
    let most = if random.random_ratio(1, 8) { length } else { 24 };
    at..length.min(at + random.random_range(0..=most))
}

fn insert(input: &mut Vec<u8>, at: usize, new: &[u8]) {
    let room = LONGEST.saturating_sub(input.len());
    drop(input.splice(at..at, new.iter().take(room).copied()));
}
