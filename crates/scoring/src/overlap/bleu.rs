//! BLEU (Papineni et al. 2002) as sacrebleu 2.6.0 counts it.

use super::{
    TooLong,
    ngrams::{NGrams, shared},
};

/// What to do about an order of which no n-gram matches (Chen and Cherry 2014).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Smoothing {
    /// Nothing: the score is 0.
    None,
    /// The matches count as this much.
    Floor(f64),
    /// Adds this much to matches and n-grams of all orders above 1.
    AddK(f64),
    /// Halves the matches, from one, with each such order.
    Exp,
}

/// How n-grams become a score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bleu {
    /// The highest order.
    pub(crate) max_order: usize,
    /// What to do about an order without a match.
    pub(crate) smoothing: Smoothing,
}

/// The parts of a score.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    /// From 0 to 100.
    pub(crate) score: f64,
    /// From 0 to 100, by order.
    pub(crate) precisions: Vec<f64>,
    /// The brevity penalty.
    pub(crate) brevity: f64,
}

impl Bleu {
    /// Length of the answer, closest length of a reference, matches by order, n-grams by order.
    pub(crate) fn counts(
        self,
        answer: &[&str],
        references: &[Vec<&str>],
    ) -> Result<Vec<f64>, TooLong> {
        let texts = std::iter::once(answer).chain(references.iter().map(Vec::as_slice));
        let mut grams = NGrams::new(texts.map(|words| words.iter().copied()), self.max_order)?;
        let lengths = 1..=references.len();
        let closest = lengths.clone().map(|text| grams.n_grams(text));
        let closest = closest.min_by_key(|length| (length.abs_diff(answer.len()), *length));
        let (mut matches, mut totals) = (Vec::new(), Vec::new());
        for order in 1..=self.max_order {
            let mut most = grams.counts(0);
            most.fill(0);
            for text in lengths.clone() {
                most.iter_mut().zip(grams.counts(text)).for_each(|(most, n)| *most = n.max(*most));
            }
            matches.push(shared(&grams.counts(0), &most) as f64);
            totals.push(grams.n_grams(0) as f64);
            if order < self.max_order {
                grams.lengthen();
            }
        }
        let lengths = [answer.len() as f64, closest.unwrap_or_default() as f64];
        Ok([&lengths[..], &matches, &totals].concat())
    }

    /// The score of counts or of their sums. With `effective` orders that the answer is too short
    /// for do not count.
    pub(crate) fn score(self, counts: &[f64], effective: bool) -> Parts {
        let (lengths, grams) = counts.split_at(2);
        let (matches, totals) = grams.split_at(self.max_order);
        let (answer, reference) = (lengths[0], lengths[1]);
        let brevity = match (answer < reference, answer > 0.0) {
            (false, _) => 1.0,
            (true, true) => (1.0 - reference / answer).exp(),
            (true, false) => 0.0,
        };
        let mut precisions = vec![0.0; self.max_order];
        if matches.iter().all(|n| *n == 0.0) {
            return Parts { score: 0.0, precisions, brevity };
        }
        let reached = self.precisions(matches, totals, &mut precisions);
        let order = if effective { reached } else { self.max_order };
        let logs: f64 = precisions[..order].iter().map(|p| log(*p)).sum();
        let score = brevity * (logs / order as f64).exp();
        // A perfect answer can come out a rounding error above 100.
        Parts { score: score.min(100.0), precisions, brevity }
    }

    /// Fills in the precisions, and says how many orders the answer is long enough for.
    fn precisions(self, matches: &[f64], totals: &[f64], precisions: &mut [f64]) -> usize {
        let mut halved = 1.0;
        let orders = matches.iter().zip(totals).zip(precisions).enumerate();
        let mut reached = 0;
        for (index, ((matches, total), precision)) in orders {
            let added = match self.smoothing {
                Smoothing::AddK(k) if index > 0 => k,
                _ => 0.0,
            };
            let (matches, total) = (matches + added, total + added);
            if total == 0.0 {
                break;
            }
            reached = index + 1;
            *precision = match self.smoothing {
                _ if matches != 0.0 => 100.0 * matches / total,
                Smoothing::Exp => {
                    halved *= 2.0;
                    100.0 / (halved * total)
                }
                Smoothing::Floor(floor) => 100.0 * floor / total,
                Smoothing::None | Smoothing::AddK(_) => 0.0,
            };
        }
        reached
    }
}

/// The logarithm; of 0 a number so low that the score is 0.
fn log(precision: f64) -> f64 {
    if precision == 0.0 { -9_999_999_999.0 } else { precision.ln() }
}
