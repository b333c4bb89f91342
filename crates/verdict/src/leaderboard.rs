//! A leaderboard that ranks only what can be told apart: variants that share a letter are tied.
//!
//! Every pair of variants is compared item by item, in both directions; the two-sided p-values are
//! adjusted by Holm over all pairs, so that alpha bounds the chance of any false difference. The
//! letters are a compact letter display by insertion and absorption (Piepho, Journal of
//! Computational and Graphical Statistics 2004).

use evalmark_core::{estimate::Estimate, metric::Direction, number_format::counted};

use crate::adjust::{holm, two_sided};
use crate::compare::compare;
use crate::item_scores::ItemScores;
use crate::items::{CompareError, ComparisonSubject};
use crate::mean_estimate::Accumulator;
use crate::rule::Rule;

/// The variants of one metric, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaderboard {
    /// In order of their means, best first; variants without a score come last.
    pub places: Vec<Rank>,
    /// Every pair of variants.
    pub pairs: Vec<Pairing>,
    /// How the pairs were corrected.
    pub correction: String,
}

/// One variant on the board.
#[derive(Clone, Debug, PartialEq)]
pub struct Rank {
    /// Index into the variants that were given.
    pub variant: usize,
    /// Its mean with an interval; `None` without a score.
    pub estimate: Option<Estimate>,
    /// The groups it belongs to: variants that share a letter cannot be told apart.
    pub letters: String,
}

/// Two variants, held against each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    /// Indices into the variants that were given.
    pub variants: (usize, usize),
    /// Second less first; `None` when they share too few items.
    pub difference: Option<f64>,
    /// Two-sided p-value against "no difference", adjusted for all pairs; 1 where the two share
    /// too few items.
    pub p_adjusted: f64,
    /// Whether they can be told apart.
    pub differ: bool,
}

/// Ranks the variants of one metric as far as their scores allow; missing answers count at their
/// worst for any difference. `alpha` of the rule bounds the chance of any false difference.
pub fn leaderboard<'a, S: Into<ItemScores<'a>> + Copy>(
    variants: &[S],
    rule: &Rule,
) -> Result<Leaderboard, CompareError> {
    rule.check()?;
    let rule = &Rule { keeps_units: false, ..rule.clone() };
    let variants: Vec<ItemScores<'a>> = variants.iter().map(|&variant| variant.into()).collect();
    let variants = variants.as_slice();
    let mut pairs = Vec::new();
    for first in 0..variants.len() {
        for second in first + 1..variants.len() {
            pairs.push(pairing(variants, (first, second), rule)?);
        }
    }
    let p_values: Vec<f64> = pairs.iter().map(|pair| pair.p_adjusted).collect();
    for (pair, p) in pairs.iter_mut().zip(holm(&p_values)) {
        pair.p_adjusted = p;
        pair.differ &= p <= rule.alpha;
    }
    let mut places: Vec<Rank> = (0..variants.len())
        .map(|variant| Rank {
            variant,
            estimate: estimate(variants[variant], rule),
            letters: String::new(),
        })
        .collect();
    let worth = |place: &Rank| {
        let mean = place.estimate.as_ref().map(|estimate| estimate.mean);
        mean.map_or(f64::NEG_INFINITY, |mean| match rule.direction {
            Direction::Higher => mean,
            Direction::Lower => -mean,
        })
    };
    places.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.variant.cmp(&b.variant)));
    let rank: Vec<usize> = places.iter().map(|place| place.variant).collect();
    let at = |variant: usize| rank.iter().position(|&other| other == variant).unwrap_or(0);
    let apart: Vec<(usize, usize)> = pairs
        .iter()
        .filter(|pair| pair.differ)
        .map(|pair| (at(pair.variants.0), at(pair.variants.1)))
        .collect();
    for (place, letters) in places.iter_mut().zip(letters(variants.len(), &apart)) {
        place.letters = letters;
    }
    let correction = format!("Holm over {}, two-sided", counted(pairs.len() as u64, "pair"));
    Ok(Leaderboard { places, pairs, correction })
}

fn estimate(items: ItemScores<'_>, rule: &Rule) -> Option<Estimate> {
    let mut sums = Accumulator::new(rule.range);
    for item in items.iter() {
        if let Some(mean) = item.mean(rule.range) {
            sums.push(mean, item.cluster).ok()?;
        }
    }
    sums.finish(1.0 - rule.alpha)
}

/// The p-value is not adjusted yet.
fn pairing(
    variants: &[ItemScores<'_>],
    (first, second): (usize, usize),
    rule: &Rule,
) -> Result<Pairing, CompareError> {
    let subject = ComparisonSubject::default();
    let fell = compare(&subject, variants[first], variants[second], rule)?;
    let rose = compare(&subject, variants[second], variants[first], rule)?;
    let is_bounded = fell.is_bounded_below_zero() || rose.is_bounded_below_zero();
    Ok(Pairing {
        variants: (first, second),
        difference: fell.comparison.estimate,
        p_adjusted: two_sided(fell.p_regressed(), rose.p_regressed()),
        // The p-value decides once it is adjusted.
        differ: is_bounded,
    })
}

/// The letters of each of `n` variants, in order, from the pairs that differ: two variants share a letter
/// exactly when they do not. After `z` come `aa`, `ab` and so on, each in brackets.
fn letters(n: usize, apart: &[(usize, usize)]) -> Vec<String> {
    let mut groups: Vec<Vec<bool>> = vec![vec![true; n]];
    for &(a, b) in apart {
        let (both, mut kept): (Vec<_>, Vec<_>) = groups.into_iter().partition(|g| g[a] && g[b]);
        for group in both {
            for without in [b, a] {
                let mut smaller = group.clone();
                smaller[without] = false;
                kept.push(smaller);
            }
        }
        groups = absorb(kept);
    }
    groups.sort_by(|a, b| b.cmp(a));
    let mut letters = vec![String::new(); n];
    for (at, group) in groups.iter().enumerate() {
        let name = letter(at);
        for (own, _) in letters.iter_mut().zip(group).filter(|(_, member)| **member) {
            own.push_str(&name);
        }
    }
    letters
}

/// Leaves out groups that lie within another.
fn absorb(groups: Vec<Vec<bool>>) -> Vec<Vec<bool>> {
    let within = |a: &[bool], b: &[bool]| a.iter().zip(b).all(|(a, b)| !a || *b);
    let mut kept: Vec<Vec<bool>> = Vec::new();
    for group in groups {
        if !kept.iter().any(|other| within(&group, other)) {
            kept.retain(|other| !within(other, &group));
            kept.push(group);
        }
    }
    kept
}

fn letter(at: usize) -> String {
    let one = |at: usize| char::from(b'a' + u8::try_from(at % 26).unwrap_or(0));
    if at < 26 { one(at).to_string() } else { format!("({}{})", letter(at / 26 - 1), one(at)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_share_a_letter_exactly_when_they_do_not_differ() {
        let check = |n, apart: &[(usize, usize)], expected: &[&str]| {
            assert_eq!(letters(n, apart), expected, "{apart:?}");
        };
        check(0, &[], &[]);
        check(1, &[], &["a"]);
        check(3, &[], &["a", "a", "a"]);
        check(3, &[(0, 1), (0, 2), (1, 2)], &["a", "b", "c"]);
        check(3, &[(0, 2)], &["a", "ab", "b"]);
        check(4, &[(0, 2), (0, 3), (1, 3)], &["a", "ab", "bc", "c"]);
        // The ends are tied, the middle is not: no ranking could say so.
        check(3, &[(0, 1)], &["a", "b", "ab"]);
    }

    #[test]
    fn letters_tell_any_pattern() {
        let pairs: Vec<(usize, usize)> =
            (0..5).flat_map(|a| (a + 1..5).map(move |b| (a, b))).collect();
        for pattern in 0_u32..1024 {
            let differ = |i: usize| pattern >> i & 1 == 1;
            let apart: Vec<_> = (0..pairs.len()).filter(|&i| differ(i)).map(|i| pairs[i]).collect();
            let letters = letters(5, &apart);
            for (i, &(a, b)) in pairs.iter().enumerate() {
                let shared = letters[a].chars().any(|one| letters[b].contains(one));
                assert_eq!(shared, !differ(i), "{apart:?} {letters:?}");
            }
            assert!(letters.iter().all(|own| !own.is_empty()));
        }
        assert_eq!((letter(0), letter(25), letter(26)), ("a".into(), "z".into(), "(aa)".into()));
    }
}
