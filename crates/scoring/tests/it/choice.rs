//! `choice`: which option an answer chooses.

use evalmark_core::record::Record;
use evalmark_scoring::Subject;
use serde_json::{Map, Value, json};

use crate::support::{check, complaint, metric, score};

/// Which of A to D is chosen; `-` where the answer is invalid.
#[track_caller]
fn chooses(rows: &[(&str, &str)]) {
    let entry = json!({"choice": {}});
    for (answer, expected) in rows {
        let right = |letter: &&str| score(&entry, answer, &[letter]).value == Some(1.0);
        let found: Vec<&str> = ["A", "B", "C", "D"].into_iter().filter(right).collect();
        let found = if found.is_empty() { "-".to_owned() } else { found.concat() };
        assert_eq!(found, *expected, "{answer:?}");
        assert_eq!(score(&entry, answer, &["A"]).invalid, *expected == "-", "{answer:?}");
    }
}

#[test]
fn a_letter_and_nothing_else() {
    chooses(&[
        ("B", "B"),
        ("b", "B"),
        (" (B) ", "B"),
        ("B.", "B"),
        ("B)", "B"),
        ("**B**", "B"),
        ("**(B)**", "B"),
        ("`B`", "B"),
        ("$B$", "B"),
        ("A", "A"),
        ("a", "A"),
        ("\\boxed{B}", "B"),
        ("A, so \\boxed{\\text{C}}", "C"),
        ("$\\boxed{(D)}$", "D"),
        ("\\boxed{A} no, \\boxed{B}", "B"),
    ]);
}

#[test]
fn a_declared_choice_counts_and_the_last_one_wins() {
    chooses(&[
        ("The answer is B", "B"),
        ("The answer is (B).", "B"),
        ("the correct answer is b", "B"),
        ("Answer: B", "B"),
        ("**Answer:** B", "B"),
        ("**Answer: B**", "B"),
        ("Answer: **B**", "B"),
        ("ANSWER: $B$", "B"),
        ("The final answer is: option C", "C"),
        ("The answer to question 3 is C.", "C"),
        ("I choose B.", "B"),
        ("I would go with (D)", "D"),
        ("Option A is wrong. The answer is B.", "B"),
        ("The answer is A. Wait, no: the answer is C.", "C"),
        ("A is tempting, but B is correct.", "B"),
        ("(C) is the right answer, since A and B are wrong", "C"),
        ("The answer is A because the others are not", "A"),
        ("Answer: A is right", "A"),
        ("The correct choice is D. A dog would say B.", "D"),
        ("The correct letter is B; A and C are traps", "B"),
        ("The answer to question A is B", "B"),
        ("I believe the answer's B; A and C are traps", "B"),
        ("I'd say B. A and C are traps", "B"),
        ("That leaves B. A and C fail.", "B"),
        ("Option B is the only one that fits; A and C don't.", "B"),
        ("B fits best. A and C don't.", "B"),
        ("A (incorrect), B (correct), C (incorrect)", "B"),
        ("<answer>B</answer> C was close, D too", "B"),
        ("<final_answer>B</final_answer>\nC was close, D too", "B"),
        ("Answer: B\n\nA and C are distractors.", "B"),
    ]);
}

#[test]
fn a_line_of_its_own_counts() {
    chooses(&[
        ("Let me think about A and B.\n\nB", "B"),
        ("B\n\nBecause A is wrong and C is too.", "B"),
        ("A) cat\nB) dog\n\n(B)", "B"),
    ]);
}

/// A line of marks alone goes on to a letter of the next line, which is not its own.
#[test]
fn a_letter_below_a_line_of_marks_is_read() {
    for opening in ["{\"", "(", "> ", "**", "$\\text{", "- "] {
        let answer = format!("{opening}\nB) Mitochondria, and A: no.");
        let _ = score(&json!({"choice": {}}), &answer, &["B"]);
        let _ = score(&json!({"choice": {}}), &format!("x\n{opening}\nb\n"), &["B"]);
    }
}

#[test]
fn a_single_letter_in_prose_counts() {
    chooses(&[
        ("It must be B", "B"),
        ("I think (c) fits best", "C"),
        ("B. Paris", "B"),
        ("B) Paris", "B"),
        ("So, option D it is", "D"),
    ]);
}

#[test]
fn articles_pronouns_and_parts_of_words_are_no_choice() {
    chooses(&[
        ("A dog is an animal", "-"),
        ("Answer: A dog", "-"),
        ("The answer is a dog", "-"),
        ("I don't know", "-"),
        ("A-level, vitamin-B, C++ and U.S.A.", "-"),
        ("a good question", "-"),
        ("It is not B", "-"),
        ("The answer is not B", "-"),
        ("none of them", "-"),
        ("", "-"),
        ("E", "-"),
        ("The answer is E", "-"),
    ]);
    let nine = json!({"choice": {"options": 9}});
    check(&nine, "I think it is B", &["B"], Some(1.0));
    check(&nine, "The answer is I.", &["I"], Some(1.0));
}

#[test]
fn several_choices_are_ambiguous() {
    chooses(&[
        ("A or B", "-"),
        ("The answer is A or B", "-"),
        ("Answer: A, B", "-"),
        ("The answer is B and C.", "-"),
        ("A. cat\nB. dog\nC. cow", "-"),
        ("Either (A) or (D)", "-"),
    ]);
    let ambiguous = score(&json!({"choice": {}}), "A or B", &["A"]);
    assert_eq!(ambiguous.reason.as_deref(), Some("more than one choice in the answer"));
}

#[test]
fn letters_in_scripts_without_blanks() {
    chooses(&[
        ("答案是B。", "B"),
        ("所以选D", "D"),
        ("因此正确答案是C选项。", "C"),
        ("答えはBです。", "B"),
        ("정답은 B입니다.", "B"),
        ("คำตอบคือB", "B"),
        ("答案是B，而不是 A", "B"),
        ("答案：B", "B"),
        ("答案：（B）", "B"),
        ("【答案】B", "B"),
        ("答案【Ｃ】", "C"),
        ("Ｂ", "B"),
        ("（Ｂ）", "B"),
        ("Ⓑ", "B"),
        ("选B", "B"),
        ("选项A是错误的，选项C也不对，B正确。", "B"),
        ("不是A，是B", "B"),
        ("A错误，C错误，应该选择B。", "B"),
        ("B。不是 A", "B"),
        ("B不是 A", "B"),
        ("AではなくBです", "B"),
        ("Aは間違いで、Bが正解です。", "B"),
        ("選択肢B", "B"),
        ("A가 아니라 B입니다", "B"),
        ("不是A", "-"),
        ("不选A", "-"),
        ("Aではない", "-"),
        ("答案是A或B", "-"),
        ("答案是A、B", "-"),
        ("A和B", "-"),
        ("ไม่ใช่ A", "-"),
        ("B、线粒体\n\nA和C都不对。", "B"),
        ("综上所述，答案为D。A、B、C均不符合题意", "D"),
        ("答案是 A 选项，B 选项错误", "A"),
        ("정답은 A 입니다. B는 틀립니다.", "A"),
    ]);
}

#[test]
fn declarations_in_other_languages() {
    chooses(&[
        ("La bonne réponse est C, non A", "C"),
        ("Die richtige Antwort ist B.", "B"),
        ("Antwort: B, nicht A", "B"),
        ("La respuesta correcta es (D).", "D"),
        ("A resposta correta é B", "B"),
        ("Правильный ответ: C", "C"),
        ("الإجابة الصحيحة هي B", "B"),
        ("सही उत्तर B है", "B"),
        ("Đáp án đúng là C", "C"),
        ("La respuesta es A porque B es menor", "A"),
        ("Answer: A\n\nExplanation: B is too small.", "A"),
        ("Die Antwort ist B. A und C passen nicht.", "B"),
        ("Poprawna odpowiedź to B, a nie C. D też nie", "B"),
        ("Rätt svar är B, eftersom A och C är fel", "B"),
        ("Svaret er B. A og C er feil", "B"),
        ("Správná odpověď je B, protože A a C ne", "B"),
        ("A helyes válasz B, mert C és D nem", "B"),
        ("Oikea vastaus on B, koska A ja C eivät", "B"),
        ("Răspunsul corect este B, deoarece A și C nu", "B"),
        ("पहले A और C देखें। सही विकल्प B है", "B"),
        ("گزینه صحیح B است، A و C نادرست", "B"),
        ("Doğru cevap B'dir. A ve C yanlış.", "B"),
    ]);
}

#[test]
fn a_line_that_begins_with_a_letter_counts() {
    chooses(&[
        ("B) Mitochondria\n\nExplanation: A packs proteins, and C holds the DNA.", "B"),
        ("**B. Mitochondria**\n\nA is wrong. C is wrong.", "B"),
        ("A is wrong; C is wrong.\nFinal: B", "B"),
        ("(B) Mitochondria. A and C are wrong.", "B"),
        ("B: Mitochondria\nA packs proteins.", "B"),
        ("Option B\n\nA is too small, C too large.", "B"),
        ("B - Mitochondria\n\nA packs proteins.", "B"),
        ("B, because A is too small", "B"),
        ("A. Golgi\n\nB is wrong and C holds the DNA.", "A"),
        ("D. it can't be A or B", "D"),
        ("B) Mitochondria\n\nA) is wrong: it packs.\nC) is wrong: it stores.", "B"),
        ("A packs proteins, C holds the DNA.\n\n**B) Mitochondria**", "B"),
        ("A: Incorrect.\nB: Correct.\nC: Incorrect.", "B"),
        ("**B**: Mitochondria\nA: no.", "B"),
        ("B.线粒体\nA是高尔基体，C是细胞核。", "B"),
        ("$\\boxed{\\text{B) Mitochondria}}$, not A", "B"),
        ("A) cat\nB) dog\nC) cow\nD) hen", "-"),
        ("A) cat B) dog C) cow", "-"),
        ("(A) cats bark\n(C) dogs do", "-"),
        ("B) dog or C) cow", "-"),
        ("A good answer would be B. C packs proteins.", "B"),
        ("option b", "B"),
        ("N/A", "-"),
        ("Answer: N/A", "-"),
    ]);
}

#[test]
fn what_is_denied_is_not_chosen() {
    chooses(&[
        ("It is not A but B", "B"),
        ("B rather than A", "B"),
        ("B, not A or C", "B"),
        ("A and C are wrong, so B", "B"),
        ("A is incorrect, which leaves B", "B"),
        ("It's not A because it doesn't make sense, therefore I think it's B", "B"),
        ("The answer is for sure D, it can't be A or B", "D"),
        ("We can rule out A and C, leaving B", "B"),
        ("A packs proteins. C holds the DNA. So it is B.", "B"),
        ("It is not A or B", "-"),
        ("A is wrong", "-"),
    ]);
}

#[test]
fn letters_of_other_scripts_name_options() {
    let cyrillic = json!({"choice": {"letters": ["А", "Б", "В", "Г"]}});
    check(&cyrillic, "Ответ: Б", &["Б"], Some(1.0));
    let stems = json!({"choice": {"letters": ["甲", "乙", "丙", "丁"]}});
    check(&stems, "答案是乙。", &["乙"], Some(1.0));
    check(&stems, "甲乙丙丁", &["乙"], Some(0.0));
    let thai = json!({"choice": {"letters": ["ก", "ข", "ค", "ง"]}});
    check(&thai, "คำตอบคือ ข", &["ข"], Some(1.0));
    let digits = json!({"choice": {"letters": ["1", "2", "3"]}});
    check(&digits, "答案是２。", &["2"], Some(1.0));
    check(&digits, "정답은 ② 입니다", &["2"], Some(1.0));
    check(&digits, "1,200 and 2:30 and .3", &["2"], Some(0.0));
}

#[test]
fn other_letters_and_several_right_ones() {
    let entry = json!({"choice": {"letters": ["1", "2", "3"]}});
    check(&entry, "The answer is 2", &["2"], Some(1.0));
    check(&entry, "2", &["2"], Some(1.0));
    check(&entry, "3 reasons speak for 2.", &["2"], Some(1.0));
    check(&entry, "It costs 2.5", &["2"], Some(0.0));
    check(&json!({"choice": {}}), "B", &["A", "(b)"], Some(1.0));
    check(&json!({"choice": {}}), "B", &["E"], None);
    check(&json!({"choice": {}}), "B", &[], None);
}

/// The score of an answer to a question with these options.
fn with_texts(answer: &str, target: &str, options: &Value) -> Option<f64> {
    let fields = evalmark_core::fields::Fields::from(Map::from_iter([(
        "options".to_owned(),
        options.clone(),
    )]));
    let (record, targets) = (Record::recorded(answer.to_owned()), [target.to_owned()]);
    let metric = metric(&json!({"choice": {"options": "options"}}));
    metric.score(Subject::new(&record, &targets, &fields, None)).value
}

#[test]
fn options_may_be_chosen_by_their_text() {
    let options = json!(["Guilty", "Not guilty", "Mistrial"]);
    for (answer, target, expected) in [
        ("not guilty", "B", Some(1.0)),
        ("Not guilty.", "Not guilty", Some(1.0)),
        ("guilty", "A", Some(1.0)),
        ("The verdict: not guilty, I think", "B", Some(1.0)),
        ("The answer is Mistrial.", "C", Some(1.0)),
        ("The answer is **not guilty**", "A", Some(0.0)),
        ("B", "not guilty", Some(1.0)),
        ("B) Not guilty", "B", Some(1.0)),
        ("B) Guilty", "B", Some(0.0)),
        ("guilty or a mistrial", "A", Some(0.0)),
        ("B Not guilty\n\nA is too hard, C is rare.", "B", Some(1.0)),
        ("D", "A", Some(0.0)),
        ("A", "D", None),
    ] {
        assert_eq!(with_texts(answer, target, &options), expected, "{answer:?} {target:?}");
    }
    assert_eq!(with_texts("A", "A", &json!("no list")), None);
    assert_eq!(with_texts("42", "B", &json!([41, 42])), Some(1.0));
}

#[test]
fn what_is_said_of_a_letter_may_stand_behind_its_text() {
    let options = json!(["Ribosome", "Mitochondria", "Nucleus", "Golgi body"]);
    for answer in [
        "Mitochondria (B). A is for proteins.",
        "The mitochondria (option B). Ribosomes (A) make proteins.",
        "B — Mitochondria\n\nA — makes proteins",
        "C) Nucleus is wrong\nB) Mitochondria is right",
        "A) Ribosome: makes proteins\nB) Mitochondria: makes ATP ✅",
        "A. Ribosome - no\nB. Mitochondria - yes\nC. Nucleus - no\nD. Golgi body - no",
        "A. Ribosome: no.\nC. Nucleus: no.\nD. Golgi body: no.\nB. Mitochondria: yes.",
        "A: Ribosome ✗\nB: Mitochondria ✓\nC: Nucleus ✗",
        "A: Ribosome (incorrect)\nB: Mitochondria (correct)\nC: Nucleus (incorrect)",
        "A) Ribosome is incorrect.\nB) Mitochondria is correct.\nC) Nucleus is incorrect.",
        "B) mitochondria, not C) nucleus",
        "B) Mitochondria\n\n- A: wrong place\n- C: stores DNA",
    ] {
        assert_eq!(with_texts(answer, "B", &options), Some(1.0), "{answer:?}");
    }
    let a = "**A. Ribosome**\n\n- C: wrong place\n- B: makes ATP";
    assert_eq!(with_texts(a, "A", &options), Some(1.0));
    let numbers = json!(["16", "162", "-3", "3"]);
    assert_eq!(with_texts("162 (B)\n\nA is a trap.", "B", &numbers), Some(1.0));
    assert_eq!(with_texts("-3 (C)\n\nD is a trap.", "C", &numbers), Some(1.0));
    for answer in [
        "B) Mitochondria is incorrect. C) Nucleus is the answer.",
        "A) Ribosome\nB) Mitochondria\nC) Nucleus\nD) Golgi body",
        "Nucleus (B)\n\nA makes proteins",
    ] {
        assert_eq!(with_texts(answer, "B", &options), Some(0.0), "{answer:?}");
    }
}

#[test]
fn what_cannot_be_an_option_is_a_mistake() {
    for (choice, pointer) in [
        (json!({"options": 1}), "/choice/options"),
        (json!({"options": 27}), "/choice/options"),
        (json!({"letters": ["A"]}), "/choice/letters"),
        (json!({"letters": ["A", "a"]}), "/choice/letters"),
        (json!({"letters": ["A", "B."]}), "/choice/letters"),
    ] {
        assert_eq!(complaint(&json!({ "choice": choice })).pointer, pointer);
    }
}
