//! Numbers in notations that a suite allows.

use serde_json::json;

use crate::support::{check, check_all, score};

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
            ("1/0", "0", 0.0),
            ("1.5/2", "0.75", 1.0),
            ("1,000/4", "250", 1.0),
            ("3/4\\pi", "0.75", 0.0),
        ],
    );
    check(&json!({"number": {}}), "1/2", &["2"], Some(0.0));
    check(&json!({"number": {}}), "1/2", &["0.5"], Some(0.0));
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
            ("110^3", "3", 0.0),
            ("1e3 × 10^2", "1e5", 0.0),
            ("5 × 100", "100", 0.0),
        ],
    );
    check(&json!({"number": {}}), "3 × 10^8", &["8"], Some(0.0));
    check(&json!({"number": {}}), "3 × 10^8", &["3e8"], Some(1.0));
    check(&json!({"number": {}}), "10^3", &["1000"], Some(0.0));
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
            ("1 234,5", "1234,5", 1.0),
            ("$3{,}5$", "3,5", 1.0),
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
            (
                "#### Step 1: Read\nThere are 6 boxes.\n#### Step 2: Multiply\n6 times 7 gives 42.",
                "42",
                1.0,
            ),
            ("#### Final Answer\n\n42", "42", 1.0),
            ("#### 1. Read\nThere are 6.\n#### 2) Multiply\nThat is 42.", "42", 1.0),
            ("#### 3 Steps\nIt is 42", "42", 1.0),
            ("#### **42** apples\nin 7 steps", "42", 1.0),
            ("#### $42\nin 7 steps", "42", 1.0),
            ("#### 42\n#### Check in 7 steps", "42", 1.0),
            ("**Answer:** 42\n\nIt took 3 steps.", "42", 1.0),
            ("### Final answer\n42\n\nChecked 3 times.", "42", 1.0),
            ("The answer is about $42, in 3 steps", "42", 1.0),
            ("Answer: 6 * 7 = 42, in 3 steps", "42", 1.0),
            ("Réponse : 42, en 3 étapes", "42", 1.0),
            ("La respuesta correcta es 42, en 3 pasos", "42", 1.0),
            ("答案是42，共3步", "42", 1.0),
            ("정답: 42 (3단계)", "42", 1.0),
            ("The answer is 7. Final answer: 42. It took 3 steps.", "42", 1.0),
            ("My answer has 3 steps and gives 42", "42", 1.0),
            ("Answer 3 questions. All in all 42", "42", 1.0),
            ("The answer is not 7 but 42", "42", 1.0),
            ("Answer: 2^10, in 3 steps", "10", 0.0),
            ("<answer>42</answer> in 7 steps", "42", 1.0),
            ("<final_answer>42</final_answer> after 7 steps", "42", 1.0),
            ("The answer to question 3 is 42, in 7 steps", "42", 1.0),
            ("Die Antwort ist 42. Schritt 3", "42", 1.0),
            ("La réponse est donc 42. Étape 3", "42", 1.0),
            ("Jawabannya adalah 42. Langkah 3", "42", 1.0),
            ("Svar: 42. Steg 3", "42", 1.0),
            ("Svaret är 42. Steg 3", "42", 1.0),
            ("\\boxed{\\lfloor 3.7 \\rfloor}", "3.7", 0.0),
        ],
    );
    assert!(score(&entry, "7 \\boxed{x}", &["7"]).invalid);
    let fraction = json!({"number": {"which": "marked", "read": ["fractions"]}});
    check(&fraction, "so \\boxed{\\frac{1}{2}}", &["1/2"], Some(1.0));
}
