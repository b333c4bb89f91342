//! Items whose right answer looks wrong: what several variants answered is weighed against it.
//!
//! Each variant is a rater that agrees with the truth with some probability, the same for every item (the
//! one-coin form of Dawid and Skene, 1979), and so is whoever wrote the targets. Expectation and
//! maximisation find those probabilities and, for every item, how probable it is that another answer than
//! the target is the right one.

use std::collections::BTreeMap;

/// How often probabilities are made better, at most.
const ROUNDS: usize = 50;

/// How far a rater's agreement may be from certainty.
const LEAST: f64 = 0.02;

/// An item with its target and the answers of all variants.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredItem {
    pub(crate) id: String,
    pub(crate) target: String,
    /// One an answer: whose it is, and what it says.
    pub(crate) answers: Vec<(usize, String)>,
}

/// An item whose target may be wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suspect {
    /// Its place among the items.
    pub(crate) item: usize,
    /// How probable it is that the target is wrong.
    pub(crate) probability: f64,
    /// The answer that is the most probable in its place, and how many gave it.
    pub(crate) instead: Option<(String, usize)>,
    /// The correlation of being right on this item with being right on the others, over the variants: a
    /// good item is one that better variants get right.
    pub(crate) discrimination: Option<f64>,
}

/// All items, the most suspicious first.
pub(crate) fn ranked(items: &[AnsweredItem], n_variants: usize) -> Vec<Suspect> {
    let posteriors = posteriors(items, n_variants);
    let accuracies = accuracies(items, n_variants);
    let mut suspects: Vec<Suspect> = items
        .iter()
        .zip(posteriors)
        .enumerate()
        .map(|(at, (item, posterior))| suspect(at, item, &posterior, &accuracies))
        .collect();
    suspects.sort_by(|one, other| {
        let discrimination = |of: &Suspect| of.discrimination.unwrap_or(0.0);
        other
            .probability
            .total_cmp(&one.probability)
            .then(discrimination(one).total_cmp(&discrimination(other)))
            .then(one.item.cmp(&other.item))
    });
    suspects
}

/// The probability of every answer that somebody gave to an item.
type Posterior = BTreeMap<String, f64>;

fn suspect(at: usize, item: &AnsweredItem, posterior: &Posterior, accuracies: &[f64]) -> Suspect {
    let of_target = posterior.get(&item.target).copied().unwrap_or_default();
    let others = posterior.iter().filter(|(answer, _)| **answer != item.target);
    let best =
        others.max_by(|one, other| one.1.total_cmp(other.1)).map(|(answer, _)| answer.clone());
    let instead = best.map(|answer| {
        let n = item.answers.iter().filter(|(_, given)| *given == answer).count();
        (answer, n)
    });
    let discrimination = discrimination(item, accuracies);
    Suspect { item: at, probability: 1.0 - of_target, instead, discrimination }
}

/// How often each variant agrees with the targets.
fn accuracies(items: &[AnsweredItem], n_variants: usize) -> Vec<f64> {
    let mut counts = vec![(0.0, 0.0); n_variants];
    for item in items {
        for (variant, answer) in &item.answers {
            let (right, all) = &mut counts[*variant];
            *right += f64::from(*answer == item.target);
            *all += 1.0;
        }
    }
    counts.into_iter().map(|(right, all)| if all > 0.0 { right / all } else { 0.5 }).collect()
}

/// `None` where all variants are equally right, on this item or over all.
fn discrimination(item: &AnsweredItem, accuracies: &[f64]) -> Option<f64> {
    let points: Vec<(f64, f64)> = item
        .answers
        .iter()
        .map(|(variant, answer)| (accuracies[*variant], f64::from(*answer == item.target)))
        .collect();
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
    let covariance = sum(&|point| (point.0 - x) * (point.1 - y));
    let spread = sum(&|point| (point.0 - x).powi(2)) * sum(&|point| (point.1 - y).powi(2));
    (spread > 1e-12).then(|| covariance / spread.sqrt())
}

fn posteriors(items: &[AnsweredItem], n_variants: usize) -> Vec<Posterior> {
    let n_answers = {
        let all = items.iter().flat_map(|item| {
            item.answers.iter().map(|(_, answer)| answer.as_str()).chain([item.target.as_str()])
        });
        all.collect::<std::collections::BTreeSet<_>>().len().max(2) as f64
    };
    // The target is one more rater, the last.
    let mut trust = accuracies(items, n_variants);
    trust.push(0.95);
    let mut posteriors = Vec::new();
    for _ in 0..ROUNDS {
        posteriors = items.iter().map(|item| posterior(item, &trust, n_answers)).collect();
        let next = agreement(items, &posteriors, n_variants);
        let moved = trust.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        trust = next;
        if moved < 1e-6 {
            break;
        }
    }
    posteriors
}

/// Whoever agrees with an answer speaks for it as strongly as they are to be trusted.
fn posterior(item: &AnsweredItem, trust: &[f64], n_answers: f64) -> Posterior {
    let weight = |rater: usize| {
        let trust = trust[rater].clamp(LEAST, 1.0 - LEAST);
        (trust * (n_answers - 1.0) / (1.0 - trust)).ln()
    };
    let target = (trust.len() - 1, &item.target);
    let votes = item.answers.iter().map(|(variant, answer)| (*variant, answer)).chain([target]);
    let mut weights: BTreeMap<&String, f64> = BTreeMap::new();
    for (rater, answer) in votes {
        *weights.entry(answer).or_default() += weight(rater);
    }
    let most = weights.values().copied().fold(f64::MIN, f64::max);
    // Each answer that nobody gave has no vote for it.
    let unseen = (n_answers - weights.len() as f64).max(0.0) * (-most).exp();
    let total = weights.values().map(|weight| (weight - most).exp()).sum::<f64>() + unseen;
    weights
        .into_iter()
        .map(|(answer, weight)| (answer.clone(), (weight - most).exp() / total))
        .collect()
}

/// How often each rater agrees with what is probably right.
fn agreement(items: &[AnsweredItem], posteriors: &[Posterior], n_variants: usize) -> Vec<f64> {
    // As if each had been right once and wrong once before.
    let mut counts = vec![(1.0, 2.0); n_variants + 1];
    for (item, posterior) in items.iter().zip(posteriors) {
        let target = (n_variants, &item.target);
        let votes = item.answers.iter().map(|(variant, answer)| (*variant, answer)).chain([target]);
        for (rater, answer) in votes {
            counts[rater].0 += posterior.get(answer).copied().unwrap_or_default();
            counts[rater].1 += 1.0;
        }
    }
    counts.into_iter().map(|(right, all)| right / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from a seed.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below n")]
        fn below(&mut self, n: usize) -> usize {
            (self.next() * n as f64) as usize
        }
    }

    /// Items of so many classes; a share of them is mislabelled. Variants err by themselves, and some of
    /// their errors are the same, as those of models are.
    fn planted(
        n: usize,
        n_classes: usize,
        accuracies: &[f64],
        seed: u64,
    ) -> (Vec<AnsweredItem>, Vec<bool>) {
        let mut random = Random(seed);
        let (mut items, mut is_wrong) = (Vec::new(), Vec::new());
        for i in 0..n {
            let truth = random.below(n_classes);
            let other = |random: &mut Random| (truth + 1 + random.below(n_classes - 1)) % n_classes;
            let confusable = other(&mut random);
            let planted = random.next() < 0.05;
            let target = if planted { other(&mut random) } else { truth };
            let mut answers = Vec::new();
            for (variant, accuracy) in accuracies.iter().enumerate() {
                let answer = if random.next() < *accuracy {
                    truth
                } else if random.next() < 0.5 {
                    confusable
                } else {
                    other(&mut random)
                };
                answers.push((variant, format!("class {answer}")));
            }
            items.push(AnsweredItem {
                id: i.to_string(),
                target: format!("class {target}"),
                answers,
            });
            is_wrong.push(planted);
        }
        (items, is_wrong)
    }

    #[test]
    fn planted_mistakes_come_first() {
        for (n_classes, accuracies) in [
            (77, [0.8, 0.85, 0.9]),
            (10, [0.7, 0.8, 0.9]),
            (3, [0.8, 0.85, 0.9]),
            (2, [0.85, 0.9, 0.9]),
        ] {
            for seed in 1..=5 {
                let (items, is_wrong) = planted(2_000, n_classes, &accuracies, seed);
                let suspects = ranked(&items, 3);
                assert_eq!(suspects.len(), 2_000);
                let first = suspects.iter().take(200).filter(|one| is_wrong[one.item]).count();
                let all = is_wrong.iter().filter(|wrong| **wrong).count();
                let share = first as f64 / all as f64;
                assert!(share >= 0.8, "{n_classes} classes, seed {seed}: {first} of {all}");
            }
        }
    }

    #[test]
    fn what_all_agree_on_is_named() {
        let answered = |target: &str, answers: [&str; 3]| AnsweredItem {
            id: String::new(),
            target: target.to_owned(),
            answers: answers.iter().enumerate().map(|(at, a)| (at, (*a).to_owned())).collect(),
        };
        let mut items = vec![answered("a", ["a", "a", "a"]); 20];
        items.push(answered("a", ["b", "b", "b"]));
        items.push(answered("a", ["b", "c", "a"]));
        let suspects = ranked(&items, 3);
        assert_eq!((suspects[0].item, &suspects[0].instead), (20, &Some(("b".to_owned(), 3))));
        assert!(suspects[0].probability > 0.9, "{:?}", suspects[0]);
        assert!(suspects[2].probability < 0.1, "{:?}", suspects[2]);
        assert_eq!(ranked(&[], 3), []);
        assert!(ranked(&[answered("a", ["b", "b", "b"])][..0], 0).is_empty());
    }
}
