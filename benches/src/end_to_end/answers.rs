//! What the server answers: right or wrong, drawn from the seed, the trial, the variant and the
//! request.
//!
//! In each trial an item is easy or hard, once and for all variants: an easy one is answered
//! rightly but for a flip, a hard one only by a flip. The worse variant then loses a share of
//! its right answers.

use evalmark_loopback::{Reply, Seen};
use rand::{RngExt, SeedableRng};

use crate::runner::{Rng, mixed};

/// How much less often the worse variant is right.
pub(super) const DROP: f64 = 0.15;

/// Share of the items that are easy.
const EASY: f64 = 0.85;

/// Probability that an answer is not what its item is like.
const FLIP: f64 = 0.05;

/// How often the baseline is right.
const RIGHT: f64 = EASY * (1.0 - FLIP) + (1.0 - EASY) * FLIP;

/// Share of its right answers that the worse variant loses.
const LOST: f64 = DROP / RIGHT;

/// Share of the items on which baseline and worse variant differ.
pub(super) const DISCORDANT: f64 = EASY * differ(1.0 - FLIP) + (1.0 - EASY) * differ(FLIP);

/// How often an item differs on which the baseline is right with this probability.
const fn differ(right: f64) -> f64 {
    let worse = right * (1.0 - LOST);
    right * (1.0 - worse) + (1.0 - right) * worse
}

/// Whose run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    Baseline,
    Same,
    Worse,
}

impl Variant {
    /// Its place in a server's path.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Same => "same",
            Self::Worse => "worse",
        }
    }
}

/// Answers a request to `/TRIAL/VARIANT/…` about `question N`, whose right answer is `yes`.
pub(super) fn reply(seed: u64, request: &Seen) -> Reply {
    let mut parts = request.path.split('/').skip(1);
    let trial = parts.next().and_then(|part| part.parse::<u32>().ok());
    let variant = match parts.next() {
        Some("baseline") => Some(Variant::Baseline),
        Some("same") => Some(Variant::Same),
        Some("worse") => Some(Variant::Worse),
        _ => None,
    };
    let prompt = request.prompt();
    let item = prompt.rsplit(' ').next().and_then(|word| word.parse::<u32>().ok());
    match (trial, variant, item) {
        (Some(trial), Some(variant), Some(item)) => {
            let right = is_right(seed, (trial, variant, item));
            Reply::text(if right { "yes" } else { "no" })
        }
        _ => Reply::status(404),
    }
}

fn is_right(seed: u64, (trial, variant, item): (u32, Variant, u32)) -> bool {
    let mut of_item = Rng::seed_from_u64(mixed(mixed(seed ^ u64::from(trial)) ^ u64::from(item)));
    let easy = of_item.random_bool(EASY);
    let mut rng = Rng::seed_from_u64(mixed(of_item.random::<u64>() ^ variant as u64));
    let right = easy != rng.random_bool(FLIP);
    right && !(variant == Variant::Worse && rng.random_bool(LOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_as_likely_as_stated() {
        let trials = 100_000;
        let share = |wanted: fn(&dyn Fn(Variant) -> bool) -> bool| {
            let hit = |trial| wanted(&|variant| is_right(1, (trial, variant, 7)));
            f64::from((0..trials).map(|trial| u32::from(hit(trial))).sum::<u32>())
                / f64::from(trials)
        };
        let near = |found: f64, stated: f64| assert!((found - stated).abs() < 0.006, "{found}");
        near(share(|right| right(Variant::Baseline)), RIGHT);
        near(share(|right| right(Variant::Same)), RIGHT);
        near(share(|right| right(Variant::Worse)), RIGHT - DROP);
        near(share(|right| right(Variant::Baseline) != right(Variant::Worse)), DISCORDANT);
        near(
            share(|right| right(Variant::Baseline) != right(Variant::Same)),
            2.0 * FLIP * (1.0 - FLIP),
        );
    }
}
