//! Tails and quantiles of the normal, Student, beta, binomial and non-central t distributions.
//!
//! `libm` gives the error function, `statrs` the log-gamma function and a first guess of the normal
//! quantile. The other tails are our own: at version 0.19 the incomplete beta function of `statrs`
//! stops after 140 terms of its continued fraction and takes its factor from differences of
//! log-gammas, so it loses digits from a few thousand items on; its Student quantile is good to
//! some seven digits.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::{erf, gamma};

/// `P(Z > z)` for a standard normal `Z`.
pub(crate) fn normal_sf(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// The `z` with `P(Z > z) = upper`.
pub(crate) fn normal_upper(upper: f64) -> f64 {
    let z = SQRT_2 * erf::erfc_inv(2.0 * upper);
    let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    // One Newton step: the guess alone is good to some ten digits.
    if density > 0.0 { z + (normal_sf(z) - upper) / density } else { z }
}

/// `P(T > t)` for Student's t with `df` degrees of freedom (any positive real).
pub(crate) fn student_sf(t: f64, df: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 0.0 } else { 1.0 };
    }
    let square = t * t;
    if square.is_infinite() {
        return if t > 0.0 { 0.0 } else { 1.0 };
    }
    let tail = 0.5 * beta_cdf(0.5 * df, 0.5, df / (df + square), square / (df + square));
    if t > 0.0 { tail } else { 1.0 - tail }
}

/// The `t` with `P(T > t) = upper`.
pub(crate) fn student_upper(upper: f64, df: f64) -> f64 {
    if upper > 0.5 {
        return -student_upper(1.0 - upper, df);
    }
    let mut high = 2.0;
    while student_sf(high, df) > upper && high < f64::MAX / 4.0 {
        high *= 2.0;
    }
    // Logarithms, because the tail falls by orders of magnitude.
    solve(0.0, high, |t| (student_sf(t, df) / upper).ln())
}

/// The `x` with `P(X <= x) = lower` for a beta variable with parameters `a` and `b`.
pub(crate) fn beta_lower(lower: f64, a: f64, b: f64) -> f64 {
    bisect(0.0, 1.0, |x| beta_cdf(a, b, x, 1.0 - x) < lower)
}

/// Where `below` turns from true to false between `low` and `high`, to the last bit or so.
pub(crate) fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    // 200 halvings also reach roots near zero with a small relative error.
    for _ in 0..200 {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if below(middle) { low = middle } else { high = middle }
    }
    low + 0.5 * (high - low)
}

/// The root of a continuous `f` with different signs at `low` and `high`, to the last bits, by
/// Chandrupatla's method (Advances in Engineering Software 1997): inverse quadratic steps where
/// they are safe, halving where they are not. Some ten evaluations instead of fifty.
pub(crate) fn solve(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut older, mut newer) = ((low, f(low)), (high, f(high)));
    let mut share = 0.5;
    for _ in 0..200 {
        let x = newer.0 + share * (older.0 - newer.0);
        let next = (x, f(x));
        let oldest;
        if (next.1 > 0.0) == (newer.1 > 0.0) {
            oldest = newer;
        } else {
            oldest = older;
            older = newer;
        }
        newer = next;
        let best = if newer.1.abs() < older.1.abs() { newer } else { older };
        let width = (older.0 - newer.0).abs();
        let least = 2.0 * f64::EPSILON * best.0.abs() / width;
        if best.1 == 0.0 || width == 0.0 || least > 0.5 {
            return best.0;
        }
        share = quadratic_share(newer, older, oldest).unwrap_or(0.5).clamp(least, 1.0 - least);
    }
    newer.0
}

/// Where between `newer` and `older` the inverse parabola through all three points crosses zero;
/// `None` where it is not monotonic enough to be trusted.
fn quadratic_share(newer: (f64, f64), older: (f64, f64), oldest: (f64, f64)) -> Option<f64> {
    let place = (newer.0 - older.0) / (oldest.0 - older.0);
    let value = (newer.1 - older.1) / (oldest.1 - older.1);
    let trusted = value * value < place && (1.0 - value) * (1.0 - value) < 1.0 - place;
    let (f1, f2, f3) = (newer.1, older.1, oldest.1);
    trusted.then(|| {
        f1 / (f2 - f1) * f3 / (f2 - f3)
            + (oldest.0 - newer.0) / (older.0 - newer.0) * f1 / (f3 - f1) * f2 / (f3 - f2)
    })
}

/// The regularised incomplete beta function at `x`; `y` is 1 - x, given apart because the
/// caller often knows it more exactly.
pub(crate) fn beta_cdf(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let factor = binomial_density(a, b, x, y) * a * b / (a + b);
    if x < (a + 1.0) / (a + b + 2.0) {
        (factor / beta_fraction(a, b, x, y)).min(1.0)
    } else {
        (1.0 - factor / beta_fraction(b, a, y, x)).max(0.0)
    }
}

/// The continued fraction of the incomplete beta function after `DiDonato` and Morris (ACM
/// TOMS 1992, 708), which takes 1 - x apart and so cancels nothing where x is close to 1; evaluated
/// by Lentz's method. It needs at most about the square root of the larger parameter in terms.
fn beta_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let lead = a * y - b * x + 1.0;
    let mut lentz = Lentz::new(a * lead / (a + 1.0));
    for index in 1..200_000_u32 {
        let index = f64::from(index);
        let odd = a + 2.0 * index - 1.0;
        let falling = index * (b - index) * x / odd;
        let over = falling * x * (a + index - 1.0) * ((a + b + index - 1.0) / odd);
        let under = index + falling + (a + index) * (lead + index * (1.0 + y)) / (odd + 2.0);
        if (lentz.step(over, under) - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    lentz.value
}

/// A continued fraction `first + over₁/(under₁ + over₂/(under₂ + …))`, term by term.
struct Lentz {
    above: f64,
    below: f64,
    value: f64,
}

impl Lentz {
    fn new(first: f64) -> Self {
        let value = Self::nonzero(first);
        Self { above: value, below: 0.0, value }
    }

    /// Takes a term in; returns the factor by which the value changed.
    fn step(&mut self, over: f64, under: f64) -> f64 {
        self.below = 1.0 / Self::nonzero(under + over * self.below);
        self.above = Self::nonzero(under + over / self.above);
        let change = self.above * self.below;
        self.value *= change;
        change
    }

    fn nonzero(value: f64) -> f64 {
        if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value }
    }
}

/// `Γ(a+b+1)/(Γ(a+1)Γ(b+1)) x^a y^b`, the binomial density for real counts, by Loader's
/// saddle-point expansion (C. Loader, "Fast and accurate computation of binomial
/// probabilities", 2000): no difference of large logarithms, so no digits are lost.
pub(crate) fn binomial_density(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let total = a + b;
    if a <= 0.0 {
        return (total * log_of(y, x)).exp();
    }
    if b <= 0.0 {
        return (total * log_of(x, y)).exp();
    }
    let exponent = stirling_error(total)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, total * x)
        - deviance(b, total * y);
    exponent.exp() * (total / (2.0 * PI * a * b)).sqrt()
}

/// `ln x`, through the complement where that is the smaller.
fn log_of(x: f64, complement: f64) -> f64 {
    if complement < 0.5 { (-complement).ln_1p() } else { x.ln() }
}

/// `ln Γ(z+1)` minus Stirling's formula.
fn stirling_error(z: f64) -> f64 {
    if z <= 15.0 {
        return gamma::ln_gamma(z + 1.0) - (z + 0.5) * z.ln() + z - 0.5 * (2.0 * PI).ln();
    }
    let s = 1.0 / (z * z);
    (1.0 / 12.0
        - s * (1.0 / 360.0
            - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s * (1.0 / 1188.0 - s * 691.0 / 360_360.0)))))
        / z
}

/// `x ln(x/m) + m - x`, exact where x is close to m.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut term = 2.0 * x * v;
    for j in 1..1000_u32 {
        term *= v * v;
        let next = sum + term / f64::from(2 * j + 1);
        if (next - sum).abs() <= f64::EPSILON * 0.25 * next.abs() {
            return next;
        }
        sum = next;
    }
    sum
}

/// `P(T' > t)` for a non-central t with `df` degrees of freedom and non-centrality `shift`.
///
/// T' = (Z + shift)/s with s² = χ²/df, so the probability is the mean of Φ(shift - t·s) over s.
/// The trapezium rule in v = ln s converges exponentially here, for the integrand is smooth and
/// dies out at both ends; dividing by the same sum over the density alone normalises it.
pub(crate) fn noncentral_t_sf(t: f64, df: f64, shift: f64) -> f64 {
    let width = (0.5 / df).sqrt();
    let (start, end) = (-(12.0 * width + 40.0 / df), 12.0 * width);
    // Φ turns within 1/shift of the place where t·s is the shift; absurd shifts must end too.
    let step = (width / 8.0).min(0.5 / (4.0 + shift.abs())).max((end - start) / 200_000.0);
    let (mut total, mut weights) = (0.0, 0.0);
    let mut v = start;
    while v <= end {
        let weight = (df * (v - 0.5 * (2.0 * v).exp_m1())).exp();
        weights += weight;
        total += weight * normal_sf(t * v.exp() - shift);
        v += step;
    }
    total / weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual / expected - 1.0).abs() < 1e-12, "{actual} is not {expected}");
    }

    #[test]
    fn normal_tails_keep_their_digits() {
        // From erfc of the C library.
        close(normal_sf(0.5), 0.308_537_538_725_986_9);
        close(normal_sf(-0.3), 0.617_911_422_188_952_6);
        close(normal_sf(0.7), 0.241_963_652_223_073_04);
        close(normal_sf(4.999), 2.881_420_141_464_143_4e-7);
        close(normal_sf(1.9), 0.028_716_559_816_001_82);
        close(normal_sf(2.1), 0.017_864_420_562_816_563);
        close(normal_sf(-2.1), 1.0 - 0.017_864_420_562_816_563);
        close(normal_sf(12.0), 1.776_482_112_077_702e-33);
        close(normal_sf(37.0), 5.725_571_222_525_139e-300);
    }

    #[test]
    fn student_tails_keep_their_digits_at_every_df() {
        // One degree of freedom is Cauchy, two have a closed form.
        close(student_sf(3.0, 1.0), 0.5 - 3.0_f64.atan() / PI);
        close(student_sf(2.0, 2.0), 0.5 - 2.0 / (2.0 * 6.0_f64.sqrt()));
        close(student_upper(student_sf(1.7, 7.5), 7.5), 1.7);
        // With very many degrees of freedom it is the normal with a known first correction.
        let (t, df) = (2.0_f64, 1e7);
        let density = (-0.5 * t * t).exp() / (2.0 * PI).sqrt();
        close(student_sf(t, df), normal_sf(t) + density * (t.powi(3) + t) / (4.0 * df));
    }

    #[test]
    fn quantiles_invert_the_tails() {
        for upper in [1e-12, 0.001, 0.05, 0.5, 0.8, 0.9999] {
            close(normal_sf(normal_upper(upper)), upper);
            close(student_sf(student_upper(upper, 3.0), 3.0), upper);
        }
        let x = beta_lower(0.025, 4.0, 11.0);
        close(beta_cdf(4.0, 11.0, x, 1.0 - x), 0.025);
    }

    #[test]
    fn a_central_noncentral_t_is_students() {
        for df in [1.0, 2.7, 19.0, 400.0] {
            close(noncentral_t_sf(1.3, df, 0.0), student_sf(1.3, df));
        }
    }
}
