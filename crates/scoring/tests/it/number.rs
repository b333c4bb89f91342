//! `number`: how numbers are read out of answers and compared.

use serde_json::json;

use crate::support::{check, check_all, complaint, score};

#[test]
fn numbers_as_people_write_them() {
    check_all(
        &json!({"number": {}}),
        &[
            ("The answer is 42.", "42", 1.0),
            ("-5", "5", 0.0),
            ("−5", "-5", 1.0),
            ("+5", "5", 1.0),
            ("x=-5", "-5", 1.0),
            ("5.0", "5", 1.0),
            (".5", "0.50", 1.0),
            ("-.5", "-0.5", 1.0),
            ("1,234.5", "1234.5", 1.0),
            ("1,234,567", "1234567", 1.0),
            ("1\u{202f}234", "1234", 1.0),
            ("1,23", "23", 1.0),
            ("1,2345", "2345", 1.0),
            ("0,123", "123", 1.0),
            ("1.5e3", "1500", 1.0),
            ("1.5E−3", "0.0015", 1.0),
            ("2e", "2", 1.0),
            ("$1,234.50", "1234.5", 1.0),
            ("-$5", "-5", 1.0),
            ("$-5", "-5", 1.0),
            ("US$5", "5", 1.0),
            ("€ 7", "7", 1.0),
            ("12%", "12", 1.0),
            ("12%", "0.12", 0.0),
            ("-0", "0", 1.0),
            ("007", "7", 1.0),
            ("答案是-5。", "-5", 1.0),
            ("**5**", "5", 1.0),
            ("\\boxed{5}", "5", 1.0),
            ("5.", "5", 1.0),
        ],
    );
}

#[test]
fn what_is_no_sign_and_no_number() {
    check_all(
        &json!({"number": {}}),
        &[
            ("3-5", "5", 1.0),
            ("3–5", "5", 1.0),
            ("(2)-3", "3", 1.0),
            ("5 m2", "5", 1.0),
            ("5 cases of COVID-19", "5", 1.0),
            ("7 for item_5", "7", 1.0),
            ("7km", "7", 1.0),
            ("version 1.2.3", "3", 1.0),
            ("No.5", "5", 1.0),
        ],
    );
}

#[test]
fn which_number_counts() {
    for (which, expected) in [("first", Some(0.0)), ("last", Some(1.0)), ("only", Some(0.0))] {
        let entry = json!({"number": {"which": which}});
        check(&entry, "1 + 1 = 2", &["2"], expected);
        check(&entry, "it is 2", &["2"], Some(1.0));
    }
    check(&json!({"number": {"which": "first"}}), "0,123", &["0"], Some(1.0));
    assert!(score(&json!({"number": {"which": "only"}}), "1 or 2", &["2"]).invalid);
}

#[test]
fn an_answer_without_a_number_is_invalid() {
    let plain = score(&json!({"number": {}}), "I do not know", &["2"]);
    assert!(plain.invalid && plain.value == Some(0.0) && plain.passed == Some(false));
    assert_eq!(plain.reason.as_deref(), Some("no number in the answer"));
    check(&json!({"number": {}, "invalid": "missing"}), "nan", &["2"], None);
}

#[test]
fn a_target_must_be_a_number_and_nothing_else() {
    for target in ["about 5", "5 km", "1/2", "3-5", "", "NaN", "inf", "1e999", "5 6"] {
        check(&json!({"number": {}}), "5", &[target], None);
        let reason = score(&json!({"number": {}}), "5", &[target]).reason.unwrap_or_default();
        assert!(reason.starts_with("the target is not a number"), "{reason}");
    }
    for target in [" 5 ", "5%", "5 €", "$5", "+5", "5.0", "five", "5e0"] {
        check(&json!({"number": {}}), "5", &[target, "5"], Some(1.0));
    }
    check(&json!({"number": {}}), "5", &[], None);
}

#[test]
fn numbers_out_of_range_equal_nothing() {
    check(&json!({"number": {"abs": 1e300}}), "1e999", &["1"], Some(0.0));
    check(&json!({"number": {}}), "1e-999", &["0"], Some(0.0));
    check(&json!({"number": {}}), "1e99999999999999999999", &["1"], Some(0.0));
}

#[test]
fn equality_is_exact_in_decimal() {
    check(&json!({"number": {}}), "9007199254740993", &["9007199254740992"], Some(0.0));
    check(&json!({"number": {}}), "0.10", &["1e-1"], Some(1.0));
    check(&json!({"number": {}}), "1200", &["1.2e3"], Some(1.0));
    check(&json!({"number": {}}), "0.30000000000000004", &["0.3"], Some(0.0));
}

#[test]
fn tolerances() {
    check(&json!({"number": {"abs": 0.1}}), "1.1", &["1"], Some(1.0));
    check(&json!({"number": {"abs": 0.1}}), "1.11", &["1"], Some(0.0));
    check(&json!({"number": {"rel": 0.01}}), "101", &["100"], Some(1.0));
    check(&json!({"number": {"rel": 0.01}}), "-101", &["-100"], Some(1.0));
    check(&json!({"number": {"rel": 0.01}}), "102", &["100"], Some(0.0));
    check(&json!({"number": {"rel": 0.01, "abs": 2}}), "102", &["100"], Some(1.0));
    check(&json!({"number": {"rel": 0.01}}), "0.001", &["0"], Some(0.0));
    assert_eq!(complaint(&json!({"number": {"abs": -1}})).pointer, "/number/abs");
    assert_eq!(complaint(&json!({"number": {"rel": -0.5}})).pointer, "/number/rel");
}

/// One number of many notations, all of them read.
#[track_caller]
fn reads(notations: &[&str], rows: &[(&str, &str, f64)]) {
    check_all(&json!({"number": {"read": notations}}), rows);
}

#[test]
fn fractions() {
    reads(
        &["fractions"],
        &[
            ("1/2", "0.5", 1.0),
            ("-1/2", "-0.5", 1.0),
            ("2 1/2", "2.5", 1.0),
            ("it is 3/4.", "3/4", 1.0),
            ("1/3", "2/6", 1.0),
            ("½", "0.5", 1.0),
            ("−2½ cups", "-2.5", 1.0),
            ("\\frac{1}{2}", "0.5", 1.0),
            ("$\\boxed{-\\dfrac{3}{4}}$", "-0.75", 1.0),
            ("on 1/2/2024", "2024", 1.0),
            ("1/0", "0", 1.0),
            ("1.5/2", "2", 1.0),
        ],
    );
    check(&json!({"number": {}}), "1/2", &["2"], Some(1.0));
}

#[test]
fn powers_of_ten() {
    reads(
        &["powers_of_ten"],
        &[
            ("3 × 10^8 m/s", "3e8", 1.0),
            ("3.5*10^-2", "0.035", 1.0),
            ("3 x 10^{5}", "300000", 1.0),
            ("6.02 \\times 10^{23}", "6.02e23", 1.0),
            ("6 · 10²³", "6e23", 1.0),
            ("10⁻³", "0.001", 1.0),
            ("-10^3", "-1000", 1.0),
            ("110^3", "3", 1.0),
            ("1e3 × 10^2", "1e5", 0.0),
            ("5 × 100", "100", 1.0),
        ],
    );
    check(&json!({"number": {}}), "3 × 10^8", &["8"], Some(1.0));
}

#[test]
fn percentages_are_shares_on_request() {
    reads(
        &["percentages"],
        &[
            ("5%", "0.05", 1.0),
            ("5 %", "5%", 1.0),
            ("0.05", "5%", 1.0),
            ("5", "5%", 0.0),
            ("5‰", "0.005", 1.0),
            ("12.5\\%", "0.125", 1.0),
            ("0%", "0", 1.0),
        ],
    );
}

#[test]
fn a_decimal_comma() {
    reads(
        &["decimal_comma"],
        &[
            ("1.234,5 €", "1234,5", 1.0),
            ("0,5", "0,50", 1.0),
            ("1.234", "1234", 1.0),
            ("1.234.567,89", "1234567,89", 1.0),
            ("1 234,5", "1234,5", 0.0),
            ("1\u{202f}234,5", "1234,5", 1.0),
        ],
    );
}

#[test]
fn units_of_targets() {
    reads(
        &["units"],
        &[
            ("about 5 km/h", "5 km/h", 1.0),
            ("5", "5km", 1.0),
            ("-3", "-3 °C", 1.0),
            ("5 m2", "5 m2", 1.0),
            ("6", "5 km", 0.0),
        ],
    );
    check(&json!({"number": {"read": ["units"]}}), "5", &["5 or 6"], None);
    check(&json!({"number": {"read": ["units"]}}), "5", &["about 5"], None);
    check(&json!({"number": {}}), "5", &["5 km"], None);
}

#[test]
fn marked_numbers() {
    let entry = json!({"number": {"which": "marked"}});
    check_all(
        &entry,
        &[
            ("6 * 7 = 42\n#### 42", "42", 1.0),
            ("#### 1,234\nas of 2024", "1234", 1.0),
            ("\\boxed{42} in 7 steps", "42", 1.0),
            ("\\boxed{\\text{about } 42} or 7", "42", 1.0),
            ("\\boxed{1} then \\boxed{2}, 3", "2", 1.0),
            ("\\boxed{42", "42", 1.0),
            ("40, 41, 42", "42", 1.0),
        ],
    );
    assert!(score(&entry, "7 \\boxed{x}", &["7"]).invalid);
    let fraction = json!({"number": {"which": "marked", "read": ["fractions"]}});
    check(&fraction, "so \\boxed{\\frac{1}{2}}", &["1/2"], Some(1.0));
}
