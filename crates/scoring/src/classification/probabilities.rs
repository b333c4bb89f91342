//! What one answer's probabilities are worth: the Brier score and the logarithmic loss.

/// The least probability that counts: a certain answer that is wrong must not cost infinitely much.
/// The value is scikit-learn's for 64-bit floats.
const LEAST: f64 = f64::EPSILON;

/// Brier's score (1950) of the probabilities of all classes: the sum of squared distances from what
/// was right. Halved, it lies in [0, 1], and for two classes it is the square of one distance.
pub(crate) fn brier(probabilities: &[f64], truth: usize, halved: bool) -> f64 {
    let distance = |(class, p): (usize, &f64)| (p - f64::from(class == truth)).powi(2);
    let sum: f64 = probabilities.iter().enumerate().map(distance).sum();
    if halved { sum / 2.0 } else { sum }
}

/// Minus the logarithm of the probability of what was right.
pub(crate) fn log_loss(probabilities: &[f64], truth: usize) -> f64 {
    let p = probabilities.get(truth).copied().unwrap_or(0.0);
    // Adding 0 turns -0 into 0.
    -p.clamp(LEAST, 1.0 - LEAST).ln() + 0.0
}
