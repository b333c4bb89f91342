//! Texts that are nearly the same: every pair whose sets of character shingles have at least some Jaccard
//! similarity. The result is exact, not a guess by hashes.
//!
//! Two sets that are alike share a shingle among the rarest few of each (prefix filtering, as in Bayardo,
//! Ma and Srikant, "Scaling Up All Pairs Similarity Search", 2007), and what stands after a shared one bounds what they
//! may share at all (positional filtering: Xiao et al., "Efficient Similarity Joins for Near Duplicate
//! Detection", 2008), so that nearly all pairs are never looked at.

use std::{collections::HashMap, iter::once};

use unicode_normalization::UnicodeNormalization;

/// How many characters a shingle has.
const SHINGLE: usize = 4;

/// How many shingles are looked at, and how many pairs are found, at most: some seconds, and some megabytes.
const MOST_STEPS: u64 = 10_000_000_000;
const MOST_PAIRS: usize = 300_000;

/// Two texts that are alike, by their places; the first comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NearPair {
    pub(crate) first: usize,
    pub(crate) second: usize,
    /// Jaccard similarity of their shingles; 1 where they are the same but for case, spaces and
    /// punctuation.
    pub(crate) similarity: f64,
}

/// Too many texts resemble each other for each pair to be looked at.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "so many of the texts are alike that not every pair of them is compared: the search ends after {MOST_PAIRS} pairs, or \
     {} billion steps", MOST_STEPS / 1_000_000_000
)]
pub struct TooAlike {
    /// The pairs that were found until then.
    pub(super) found: Vec<NearPair>,
}

impl TooAlike {
    /// The pairs that were found until then.
    pub(crate) fn found(self) -> Vec<NearPair> {
        self.found
    }
}

/// A text as it is compared: letters and digits in lower case, and one space between words.
pub(crate) fn normal(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() {
            normal.extend(c.to_lowercase());
        } else if !normal.is_empty() && !normal.ends_with(' ') {
            normal.push(' ');
        }
    }
    normal.truncate(normal.trim_end().len());
    if normal.is_empty() { text.trim().to_owned() } else { normal }
}

/// Every pair of texts whose similarity is at least `threshold`, in (0, 1]. Of texts that are the same once
/// they are normal, each is paired with the first of them, and the first alone with others.
pub(crate) fn near_pairs<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    threshold: f64,
) -> Result<Vec<NearPair>, TooAlike> {
    let (mut pairs, mut firsts) = (Vec::new(), HashMap::new());
    let mut distinct = Vec::new();
    for (at, text) in texts.into_iter().enumerate() {
        let text = normal(text);
        if text.is_empty() {
            continue;
        }
        if let Some(first) = firsts.get(&text) {
            pairs.push(NearPair { first: *first, second: at, similarity: 1.0 });
        } else {
            distinct.push((at, shingles(&unaccented(&text))));
            firsts.insert(text, at);
        }
    }
    drop(firsts);
    let is_whole = join(&by_rarity(distinct), threshold, &mut pairs);
    pairs.sort_by_key(|pair| (pair.first, pair.second));
    if is_whole { Ok(pairs) } else { Err(TooAlike { found: pairs }) }
}

/// A text as systems without accents write it: `Müller` and `Mueller`, `café` and `cafe` are the same.
fn unaccented(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.nfc() {
        match c {
            'ä' | 'æ' => plain.push_str("ae"),
            'ö' | 'ø' | 'œ' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'å' => plain.push_str("aa"),
            'ß' => plain.push_str("ss"),
            c => plain.push(once(c).nfd().next().filter(char::is_ascii).unwrap_or(c)),
        }
    }
    plain
}

/// The hashes of a text's shingles, each once.
fn shingles(text: &str) -> Vec<u64> {
    let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let width = SHINGLE.min(bounds.len() - 1);
    let mut shingles: Vec<u64> = (0..bounds.len() - width)
        .map(|at| hash(&text.as_bytes()[bounds[at]..bounds[at + width]]))
        .collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// FNV-1a.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A text's shingles as ranks, the rarest shingle of all texts first.
struct Ranked {
    at: usize,
    ranks: Vec<u32>,
}

/// The texts with the fewest shingles first, so that a text is only compared with shorter ones.
fn by_rarity(texts: Vec<(usize, Vec<u64>)>) -> Vec<Ranked> {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    for shingle in texts.iter().flat_map(|(_, shingles)| shingles) {
        *counts.entry(*shingle).or_default() += 1;
    }
    let mut order: Vec<(u32, u64)> =
        counts.iter().map(|(shingle, count)| (*count, *shingle)).collect();
    order.sort_unstable();
    let ranks: HashMap<u64, u32> =
        order.into_iter().zip(0..).map(|((_, shingle), rank)| (shingle, rank)).collect();
    let ranked = |(at, shingles): (usize, Vec<u64>)| {
        let mut ranks: Vec<u32> = shingles.iter().map(|shingle| ranks[shingle]).collect();
        ranks.sort_unstable();
        Ranked { at, ranks }
    };
    let mut texts: Vec<_> = texts.into_iter().map(ranked).collect();
    texts.sort_by_key(|text| (text.ranks.len(), text.at));
    texts
}

/// Where a shingle stands among those of a text.
struct Posting {
    text: u32,
    position: u32,
}

/// What is known of two texts before they are compared.
#[derive(Clone, Copy)]
enum Overlap {
    /// This many of the shingles that were looked at are shared.
    Shared(u32),
    /// They cannot be alike, whatever follows.
    TooFew,
}

/// Adds the pairs that are alike; whether all were looked at.
fn join(texts: &[Ranked], threshold: f64, pairs: &mut Vec<NearPair>) -> bool {
    let mut index: HashMap<u32, Vec<Posting>> = HashMap::new();
    // By the place of the other text; those that the text met are put back after it.
    let mut overlaps = vec![Overlap::Shared(0); texts.len()];
    let (mut met, mut n_steps) = (Vec::new(), 0_u64);
    for (here, text) in (0_u32..).zip(texts) {
        let size = text.ranks.len();
        let shortest = share(threshold, size);
        for (position, rank) in text.ranks[..=size - shortest].iter().enumerate() {
            let Some(others) = index.get(rank) else { continue };
            let from =
                others.partition_point(|other| texts[other.text as usize].ranks.len() < shortest);
            n_steps += (others.len() - from) as u64;
            for other in &others[from..] {
                let overlap = &mut overlaps[other.text as usize];
                let Overlap::Shared(shared) = *overlap else { continue };
                if shared == 0 {
                    met.push(other.text);
                }
                let of_other = texts[other.text as usize].ranks.len();
                let left = (size - position).min(of_other - other.position as usize);
                let is_enough = shared as usize + left >= least_shared(threshold, size + of_other);
                *overlap = if is_enough { Overlap::Shared(shared + 1) } else { Overlap::TooFew };
            }
        }
        for other in met.drain(..) {
            let overlap = std::mem::replace(&mut overlaps[other as usize], Overlap::Shared(0));
            let other = &texts[other as usize];
            if matches!(overlap, Overlap::TooFew) {
                continue;
            }
            n_steps += size as u64;
            if let Some(similarity) = jaccard(&text.ranks, &other.ranks, threshold) {
                let (first, second) = (text.at.min(other.at), text.at.max(other.at));
                pairs.push(NearPair { first, second, similarity });
            }
        }
        if n_steps > MOST_STEPS || pairs.len() > MOST_PAIRS {
            return false;
        }
        // Only longer texts are to come: what they share with this one begins even earlier.
        let indexed = size - least_shared(threshold, 2 * size);
        for (position, rank) in (0_u32..).zip(&text.ranks[..=indexed]) {
            index.entry(*rank).or_default().push(Posting { text: here, position });
        }
    }
    true
}

/// How many shingles another text has at least, or shares, where it is alike.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
fn share(part: f64, of: usize) -> usize {
    (part * of as f64 - 1e-9).ceil().max(1.0) as usize
}

/// How many shingles two texts share at least where they are alike, given how many both have together.
fn least_shared(threshold: f64, total: usize) -> usize {
    share(threshold / (1.0 + threshold), total)
}

/// The similarity of two sets, where it is at least `threshold`.
fn jaccard(one: &[u32], other: &[u32], threshold: f64) -> Option<f64> {
    let total = one.len() + other.len();
    let (mut i, mut j, mut shared) = (0, 0, 0_usize);
    while i < one.len() && j < other.len() {
        // Even if all that is left were shared.
        let most = shared + (one.len() - i).min(other.len() - j);
        if (most as f64) < threshold * (total - most) as f64 - 1e-9 {
            return None;
        }
        match one[i].cmp(&other[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    let similarity = shared as f64 / (total - shared) as f64;
    (similarity >= threshold - 1e-9).then_some(similarity)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By comparing every pair.
    fn slowly(texts: &[String], threshold: f64) -> Vec<(usize, usize)> {
        let sets: Vec<_> =
            texts.iter().map(|text| (normal(text), shingles(&unaccented(&normal(text))))).collect();
        let mut pairs = Vec::new();
        for second in 0..sets.len() {
            let is_again = (0..second).any(|first| sets[first].0 == sets[second].0);
            for first in 0..second {
                let (one, other) = (&sets[first], &sets[second]);
                let is_first = !(0..first).any(|before| sets[before].0 == one.0);
                let shared = one.1.iter().filter(|shingle| other.1.contains(shingle)).count();
                let similarity = shared as f64 / (one.1.len() + other.1.len() - shared) as f64;
                let is_near =
                    if one.0 == other.0 { true } else { !is_again && similarity >= threshold };
                if is_first && is_near {
                    pairs.push((first, second));
                }
            }
        }
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn every_pair_is_found_and_no_other() {
        let words =
            ["where", "is", "my", "order", "card", "lost", "the", "a", "refund", "please", "now"];
        let mut seed = 7_u64;
        let mut next = |n: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).expect("small") % n
        };
        let mut text = || {
            let n = 1 + next(7);
            (0..n).map(|_| words[next(words.len())]).collect::<Vec<_>>().join(" ")
        };
        let texts: Vec<String> = (0..300).map(|_| text()).collect();
        for threshold in [0.3, 0.5, 0.7, 0.85, 1.0] {
            let found = near_pairs(texts.iter().map(String::as_str), threshold).expect("few");
            let found: Vec<_> = found.iter().map(|pair| (pair.first, pair.second)).collect();
            assert_eq!(found, slowly(&texts, threshold), "{threshold}");
        }
    }

    #[test]
    fn case_spaces_and_punctuation_make_no_difference() {
        let check = |one: &str, other: &str, expected: bool| {
            let pairs = near_pairs([one, other], 0.8).expect("few");
            assert_eq!(!pairs.is_empty(), expected, "{one:?} {other:?}");
        };
        check("Where is my order?", "where is  MY order", true);
        check(
            "Where is my order with number 123456?",
            "Where is my order with number 123457?",
            true,
        );
        check("yes", "no", false);
        check("", "", false);
        check("!!", "??", false);
        check("!!", " !! ", true);
        check(
            "Frau Müller wohnt in der Großen Gänseäckerstraße",
            "Frau Mueller wohnt in der Grossen Gaenseaeckerstrasse",
            true,
        );
        check("Dónde está mi pedido número 7", "Donde esta mi pedido numero 7", true);
        check("注文した商品がまだ届いていません", "注文した商品がまだ届いていません。", true);
        check("Where is my order?", "I lost my card", false);
    }

    /// Thousands of rows of a template are told soon, with what was found of them.
    #[test]
    fn texts_that_are_all_alike_end_early() {
        let texts: Vec<String> = (0..1_000)
            .map(|i| {
                format!(
                    "Dear customer {i}, your order of many things has been shipped to you today"
                )
            })
            .collect();
        let error = near_pairs(texts.iter().map(String::as_str), 0.75).expect_err("too many");
        assert!((MOST_PAIRS..MOST_PAIRS + texts.len()).contains(&error.found.len()));
    }
}
