//! Each kind of number as a table of values and texts.

use std::time::Duration;

use super::*;

#[track_caller]
fn check<T: Copy + std::fmt::Debug>(write: impl Fn(T) -> String, table: &[(T, &str)]) {
    for (number, expected) in table {
        assert_eq!(write(*number), *expected, "{number:?}");
    }
}

#[test]
fn shares_never_read_as_nothing_or_all() {
    check(
        percent,
        &[
            (0.838, "83.8 %"),
            (0.0, "0.0 %"),
            (-0.0, "0.0 %"),
            (1.0, "100.0 %"),
            (1.0 - 1e-15, "100.0 %"),
            (0.000_4, "0.04 %"),
            (0.000_001, "0.0001 %"),
            (0.999_6, "99.96 %"),
            (0.999_999, "99.9999 %"),
            (f64::NAN, "– %"),
        ],
    );
    check(declared_percent, &[(0.8, "80 %"), (0.975, "97.5 %"), (0.07, "7 %"), (1.0, "100 %")]);
}

#[test]
fn values_read_in_their_range() {
    check(|one| value(one, Range::Unit), &[(0.838, "83.8 %"), (0.5, "50.0 %")]);
    check(|one| value(one, Range::Hundred), &[(34.12, "34.1"), (99.97, "99.97"), (0.01, "0.01")]);
    check(|one| value(one, Range::Open), &[(2.5, "2.500"), (1234.56, "1,234.6"), (0.0, "0.000")]);
    check(|one| value(one, Range::Signed), &[(0.9996, "0.9996"), (-0.0004, "-0.000400")]);
    let unit = |pair| values(pair, Range::Unit).join(" ");
    check(unit, &[([0.25, 0.617], "25.0 % 61.7 %"), ([0.6172, 0.6169], "61.72 % 61.69 %")]);
    check(unit, &[([0.5, 0.5], "50.0 % 50.0 %")]);
    let ends = |(low, high)| interval(low, high, Range::Unit);
    check(ends, &[((Some(0.1), None), "[10.0, –]"), ((None, None), "–")]);
    check(ends, &[((Some(0.984), Some(1.0)), "[98.4, 100.0]")]);
}

#[test]
fn scores_of_items_have_no_needless_digits() {
    let score = |one| item_score(one, Range::Unit);
    check(score, &[(1.0, "1"), (0.0, "0"), (0.5, "0.5"), (1.0 / 3.0, "0.333")]);
    check(score, &[(0.9999, "0.9999"), (0.0001, "0.0001")]);
    check(|one| item_score(one, Range::Hundred), &[(34.12, "34.1"), (100.0, "100")]);
    check(|one| item_score(one, Range::Open), &[(8.0, "8"), (2.5, "2.5"), (1234.0, "1,234")]);
    let two = |pair| item_scores(pair, Range::Unit).join(" -> ");
    check(two, &[([0.0, 1.0], "0 -> 1"), ([0.3331, 0.3334], "0.3331 -> 0.3334")]);
}

#[test]
fn differences_have_a_sign_and_zero_has_none() {
    let points = |one| change(one, Range::Binary);
    check(points, &[(-0.163, "-16.3 points"), (0.021, "+2.1 points"), (0.0, "0.0 points")]);
    check(points, &[(-0.0, "0.0 points"), (0.0003, "+0.03 points"), (-0.0003, "-0.03 points")]);
    check(points, &[(1e-12, "0.0 points"), (-1e-12, "0.0 points"), (-1.0, "-100.0 points")]);
    check(
        |one| change(one, Range::Open),
        &[(2.5, "+2.500"), (-0.0, "0.000"), (-1e-5, "-0.0000100")],
    );
    check(signed_decimal, &[(0.0125, "+0.013"), (-0.5, "-0.500"), (0.0, "0.000")]);
}

#[test]
fn what_is_declared_keeps_its_digits() {
    let points = |one| declared_change(one, Range::Unit);
    check(points, &[(0.03, "3 points"), (0.01, "1 point"), (0.025, "2.5 points")]);
    check(points, &[(0.002_5, "0.25 points"), (0.000_1, "0.01 points"), (0.07, "7 points")]);
    check(|one| declared_value(one, Range::Unit), &[(0.7, "70 %"), (0.995, "99.5 %")]);
    check(
        |one| declared_value(one, Range::Open),
        &[(12.0, "12"), (0.05, "0.05"), (1e-12, "0.000000000001")],
    );
    check(declared_decrease, &[(0.1, "10 % (down to 0.90×)"), (0.125, "12.5 % (down to 0.875×)")]);
    check(
        speed,
        &[
            (1.0, "1.00× (no change)"),
            (1.1, "1.10× (10.0 % faster)"),
            (0.9, "0.90× (10.0 % slower)"),
        ],
    );
    check(declared_growth, &[(0.1, "10 % (up to 1.10×)"), (0.125, "12.5 % (up to 1.125×)")]);
}

#[test]
fn what_can_be_detected_is_rounded_up() {
    let points = |one| detectable_change(one, Range::Unit);
    check(points, &[(0.278_4, "27.9 points"), (0.3, "30.0 points"), (0.000_312, "0.1 points")]);
    check(|one| detectable(one, Range::Open), &[(1.2341, "1.235"), (0.012_000_1, "0.013")]);
    check(detectable_percent, &[(0.0401, "4.1 %")]);
}

#[test]
fn ratios_say_in_which_direction() {
    check(
        growth,
        &[
            (1.016, "1.02× (1.6 % more)"),
            (0.9, "0.90× (10.0 % less)"),
            (1.0, "1.00× (no change)"),
            (1.000_3, "1.0003× (0.03 % more)"),
            (0.999_7, "0.9997× (0.03 % less)"),
            (20.0, "20.00× (1900.0 % more)"),
        ],
    );
}

#[test]
fn statistics_keep_three_digits() {
    check(decimal, &[(0.0, "0.000"), (-0.0, "0.000"), (0.01, "0.010"), (-0.009_876, "-0.00988")]);
    check(decimal, &[(5.349e-5, "0.0000535"), (1e-10, "0.000"), (1234.5, "1,234.5")]);
    check(decimal, &[(0.999_7, "0.9997"), (-0.999_96, "-0.99996"), (1e300, "1.00e300")]);
    check(decimal, &[(f64::INFINITY, "∞"), (f64::NEG_INFINITY, "-∞"), (f64::NAN, "–")]);
    check(quantity, &[(1234.5, "1,234"), (12.34, "12.3"), (0.000_012_34, "0.0000123"), (0.0, "0")]);
    check(p_value, &[(0.0, "< 0.001"), (0.0312, "0.031"), (0.9999, "> 0.999"), (1.0, "1.000")]);
    check(|p| named_p("q", p), &[(0.0004, "q < 0.001"), (0.5, "q = 0.500")]);
}

#[test]
fn counts_have_their_thousands_apart() {
    check(count, &[(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")]);
    check(|n| counted(n, "item"), &[(1, "1 item"), (0, "0 items"), (12_345, "12,345 items")]);
    check(bytes, &[(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (999_999, "1.0 MB")]);
    check(bytes, &[(1_234_567, "1.2 MB"), (5_000_000_000, "5.0 GB")]);
}

#[test]
fn times_and_money_have_a_fitting_unit() {
    check(latency, &[(0.0, "0 ms"), (0.04, "0.04 ms"), (4.2, "4.2 ms"), (102.4, "102 ms")]);
    check(
        latency,
        &[(999.6, "1.00 s"), (1234.0, "1.23 s"), (90_000.0, "1.5 min"), (7.2e6, "2.0 h")],
    );
    let seconds = |s| span(Duration::from_secs_f64(s));
    check(seconds, &[(5.2, "5.2 s"), (76.0, "76 s"), (600.0, "10 min"), (12_600.0, "3.5 h")]);
    check(rate, &[(47.2278, "47/s"), (4.72, "4.7/s"), (0.3248, "0.3/s"), (0.04, "2.4/min")]);
    check(rate, &[(9.96, "10/s"), (0.0001, "0.01/min")]);
    check(dollars, &[(0.0, "$0"), (0.00012, "$0.00012"), (0.0123, "$0.0123"), (0.1, "$0.10")]);
    check(
        dollars,
        &[(0.999_9, "$1.00"), (12.345, "$12.35"), (1234.5, "$1,234.50"), (0.1234, "$0.123")],
    );
}

#[test]
fn moments_are_read_to_the_second() {
    for (rfc3339, says) in [
        ("2026-11-27T15:10:14Z", "2026-11-27 15:10:14 UTC"),
        ("2026-11-27T15:10:14.123456Z", "2026-11-27 15:10:14 UTC"),
        ("2026-11-27T15:10:14+02:00", "2026-11-27T15:10:14+02:00"),
        ("2026-11-27TZ", "2026-11-27TZ"),
        ("yesterday", "yesterday"),
        ("", ""),
    ] {
        assert_eq!(moment(rfc3339), says);
    }
}
