//! Leaderboards: what can be told apart is, what cannot shares a letter.

use crate::common::{Draw, item, variant, without_answer};
use evalmark_verdict::{ItemScore, Rule, leaderboard};
use rayon::prelude::*;

fn shares(seed: u64, n: usize, chances: &[f64]) -> Vec<Vec<ItemScore>> {
    let mut draw = Draw::new(seed);
    let mut variants = vec![Vec::new(); chances.len()];
    for key in 0..n {
        for (variant, chance) in variants.iter_mut().zip(chances) {
            variant.push(item(key, if draw.uniform() < *chance { 1.0 } else { 0.0 }));
        }
    }
    variants
}

fn letters(variants: &[Vec<ItemScore>]) -> Vec<(usize, String)> {
    let slices: Vec<&[ItemScore]> = variants.iter().map(Vec::as_slice).collect();
    let board = leaderboard(&slices, &Rule::new(0.03, 0.05)).expect("the variants are sound");
    board.places.into_iter().map(|place| (place.variant, place.letters)).collect()
}

#[test]
fn ties_share_letters() {
    let named = |list: &[(usize, &str)]| -> Vec<(usize, String)> {
        list.iter().map(|&(variant, letters)| (variant, letters.to_owned())).collect()
    };
    let apart = letters(&shares(1, 400, &[0.5, 0.9, 0.1]));
    assert_eq!(apart, named(&[(1, "a"), (0, "b"), (2, "c")]));
    let [a, b, c] = [variant([1.0; 100]), variant([1.0; 100]), variant([0.0; 100])];
    assert_eq!(letters(&[c, a, b]), named(&[(1, "a"), (2, "a"), (0, "b")]));
    assert_eq!(letters(&[variant([1.0; 3])]), named(&[(0, "a")]));
    assert!(letters(&[]).is_empty());
    // Nothing is known of a variant without answers, so it may be as good as any.
    let none: Vec<_> = variant([1.0; 100]).into_iter().map(without_answer).collect();
    let all = letters(&[variant([1.0; 100]), variant([0.0; 100]), none]);
    assert_eq!(all, named(&[(0, "a"), (1, "b"), (2, "ab")]));
}

#[test]
fn pairs_carry_their_figures() {
    let variants = shares(1, 400, &[0.5, 0.9]);
    let board = leaderboard(&[&variants[0], &variants[1]], &Rule::new(0.03, 0.05)).expect("sound");
    let pair = &board.pairs[0];
    assert!(pair.differ && pair.difference > Some(0.3) && pair.p_adjusted < 1e-6);
    assert_eq!(board.correction, "Holm over 1 pair, two-sided");
    let best = board.places[0].estimate.as_ref().expect("an estimate");
    assert_eq!(best.ci_method, "wilson");
}

/// Six equal variants are fifteen pairs: any difference at all is a false one.
#[test]
fn equal_variants_are_seldom_told_apart() {
    let one = |seed: u64| {
        let tied = letters(&shares(seed, 200, &[0.8; 6])).iter().all(|(_, own)| own == "a");
        u32::from(!tied)
    };
    let wrong: u32 = (0..400_u64).into_par_iter().map(one).sum();
    // 400·(0.05 + 3 sqrt(0.05·0.95/400)).
    assert!(wrong <= 33, "{wrong} of 400");
}
