//! `number`: how numbers are read out of answers and compared.

mod notation;

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
            ("No.5", "5", 1.0),
            ("7 (at 10:30)", "7", 1.0),
            ("7, on 2024-05-01", "7", 1.0),
            ("7, in version 1.2.3", "7", 1.0),
            ("v1.2.3 has 7 parts, as 10.0.0.1", "7", 1.0),
        ],
    );
    for answer in ["10:30", "2024-05-01", "1.2.3", "m^2"] {
        assert!(score(&json!({"number": {}}), answer, &["1"]).invalid, "{answer}");
    }
}

/// Every way to write one number, marked and not.
#[track_caller]
fn is_read_as(number: &str, answers: &[&str]) {
    for answer in answers {
        check(&json!({"number": {}}), answer, &[number], Some(1.0));
        check(&json!({"number": {"which": "marked"}}), answer, &[number], Some(1.0));
    }
}

#[test]
fn thousands_have_many_separators() {
    is_read_as(
        "10080",
        &[
            "So it is $\\boxed{10,\\!080}$.",
            "\\boxed{10{,}080}",
            "The total is $10{,}080$.",
            "\\(10\\,080\\)",
            "$10\\ 080$",
            "$10\\;080$",
            "$10~080$",
            "$10\\thinspace 080$, then",
            "10\\text{,}080",
            "10 080",
            "10’080",
            "10\u{2009}080 km",
        ],
    );
    is_read_as("1234567", &["1{,}234{,}567", "12,34,567", "1 234 567 in all", "1\\,234\\,567"]);
    is_read_as("500", &["$2{,}50$ or 500", "1, 500", "120 450 500", "10 20 500", "3,\\ 500"]);
    is_read_as("3.141592", &["$3.141\\,592$"]);
    is_read_as("12345", &["12\\mathpunct{,}345", "\\boxed{12\\mathord{,}345}"]);
}

#[test]
fn exponents_of_units_are_no_numbers() {
    is_read_as(
        "25",
        &[
            "\\boxed{25\\text{ cm}^2}",
            "The area is 25 m^2.",
            "25\\ \\mathrm{m/s^2}",
            "$25\\,\\text{km}^{2}$",
            "25 m<sup>2</sup>",
            "25 kg·m^2/s^2",
            "25 m^-2",
            "25^\\circ",
            "$25^{\\circ}$C",
            "25\\textsuperscript{th}",
            "\\boxed{25\\textnormal{ miles}}",
            "25 cm³",
            "x_{1} = 25",
            "\\begin{align} 25 \\end{align} \\tag{1}",
            "\\boxed{25\\ \\frac{\\text{m}}{\\text{s}^2}}",
            "25 $\\dfrac{\\mathrm{kg}}{\\mathrm{m}^{3}}$",
        ],
    );
}

#[test]
fn latex_around_a_number() {
    is_read_as(
        "-5",
        &[
            "$-5$",
            "\\[ -5 \\]",
            "\\(x = -5\\)",
            "\\boxed{-5}",
            "\\fbox{-5}",
            "\\boxed{\\mathbf{-5}}",
            "\\boxed{x=-5}",
            "\\boxed -5",
            "\\boxed{\\boxed{-5}}",
            "$-\\$5$",
            "-5\\%",
            "$\\left( -5 \\right)$",
            "\\boxed{-5}, so write \\boxed{}",
        ],
    );
    is_read_as(
        "1500",
        &["1.5 \\times 10^{3}", "1.5×10³", "1.5 x 10^3", "1.5e3", "$1.5\\cdot10^3$"],
    );
}

#[test]
fn fractions_of_latex_are_numbers() {
    is_read_as(
        "-0.75",
        &[
            "\\boxed{\\frac{-3}{4}}",
            "-\\frac{3}{4}",
            "$-\\dfrac34$",
            "$-\\tfrac{3}4$",
            "-\\cfrac 3 4",
            "$x=\\frac{3}{-4}$",
            "\\\\frac{-3}{4}",
            "−¾",
            "\\frac{-1.5}{2}\\text{ m}",
        ],
    );
    is_read_as(
        "2.5",
        &[
            "2\\frac{1}{2}",
            "$2 \\frac12$",
            "2½",
            "\\frac{\\frac{10}{2}}{2}",
            "\\frac{2{,}500}{1000}",
        ],
    );
    is_read_as("1", &["$\\frac3{3}$"]);
}

#[test]
fn an_expression_is_no_number() {
    let plain = json!({"number": {}});
    for answer in [
        "2^10",
        "2^{10}",
        "2**10",
        "10^3",
        "3\\sqrt{2}",
        "3√2",
        "sqrt(2)",
        "2\\pi",
        "2π",
        "3 \\times 4",
        "3 × 4",
        "5 + 3",
        "5+3",
        "6 x 7",
        "6 * 7",
        "8 / 2",
        "3/4",
        "10 - 3",
        "10−3",
        "2(3)",
        "f(3)",
        "\\frac{\\pi}{2}",
        "\\frac{\\sqrt{3}}{2}",
        "\\frac{1+\\sqrt{5}}{2}",
        "\\binom{5}{2}",
        "\\log_2 8",
        "1 \\pm 2",
        "(x+1)^2",
        "y = 2x + 3",
        "5²",
        "3:4",
        "1.234.567",
        "17 mod 5",
        "\\frac{9}{4}\\pi",
    ] {
        let text = format!("So the answer is {answer}.");
        assert!(score(&plain, &text, &["1"]).invalid, "{answer}");
        let boxed = format!("In 7 steps: \\boxed{{{answer}}}");
        assert!(score(&json!({"number": {"which": "marked"}}), &boxed, &["1"]).invalid, "{answer}");
    }
}

#[test]
fn in_a_box_all_is_mathematics() {
    let marked = json!({"number": {"which": "marked"}});
    for inside in
        ["3x", "5!", "2n", "x^2", "x-5", "(3, 4)", "-2,1", "x > 5", "x \\geq 5", "[2, 5]", "3-5"]
    {
        assert!(score(&marked, &format!("\\boxed{{{inside}}}"), &["5"]).invalid, "{inside}");
    }
}

#[test]
fn what_an_expression_is_equal_to_is_a_number() {
    is_read_as(
        "42",
        &[
            "so 6 x 7 = 42",
            "3 + 39 = 42",
            "\\boxed{6 \\times 7 = 42}",
            "$\\sqrt{1764} = 42$",
            "42 = 6 × 7",
            "42 (6 * 7)",
            "It is *42*.",
            "It is **42**!",
            "- 42",
            "* 42",
            "+42",
            "Day 2 - 42 miles",
            "42!",
            "42/day",
            "42 km/h",
            "answer → 42",
            "C++ 42",
            "1. 42",
            "x ≈ 42",
            "9/11/2001: 42",
            "5页 * 2 = 42页",
        ],
    );
}

#[test]
fn digits_of_any_script() {
    is_read_as(
        "42",
        &[
            "答えは４２です。",
            "الجواب هو ٤٢",
            "उत्तर ४२ है",
            "উত্তর ৪২",
            "پاسخ ۴۲ است",
            "คำตอบคือ ๔๒",
            "𝟒𝟐",
            "４２％",
        ],
    );
    is_read_as("1234.5", &["١٬٢٣٤٫٥", "１，２３４．５", "۱٬۲۳۴٫۵"]);
    check(&json!({"number": {}}), "42", &["４２"], Some(1.0));
    assert!(score(&json!({"number": {}}), "四十二", &["42"]).invalid);
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
