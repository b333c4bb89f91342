//! `exact`, `includes`, `starts_with`, `ends_with`, `one_of`, `regex`: tables, with every step of normalisation.

use serde_json::{Value, json};

use crate::support::{check, check_all, complaint, score};

#[test]
fn exact_by_default_forgives_white_space_and_normal_form_alone() {
    check_all(
        &json!({"exact": {}}),
        &[
            ("Paris", "Paris", 1.0),
            (" Paris\n", "Paris", 1.0),
            ("cafe\u{301}", "caf\u{e9}", 1.0),
            ("paris", "Paris", 0.0),
            ("Paris.", "Paris", 0.0),
            ("-5", "5", 0.0),
            ("1.5", "15", 0.0),
            ("", "", 1.0),
            ("", "Paris", 0.0),
            ("Paris", "", 0.0),
        ],
    );
}

#[test]
fn exact_takes_the_best_of_several_targets_and_needs_one() {
    check(&json!({"exact": {}}), "NYC", &["New York", "NYC"], Some(1.0));
    check(&json!({"exact": {}}), "LA", &["New York", "NYC"], Some(0.0));
    check(&json!({"exact": {}}), "LA", &[], None);
}

/// Whether two texts are equal after some steps.
#[track_caller]
fn equal(steps: &[&str], rows: &[(&str, &str, f64)]) {
    check_all(&json!({"exact": {"normalize": steps}}), rows);
}

#[test]
fn no_steps_compare_the_bare_texts() {
    equal(&[], &[("a", "a", 1.0), ("a ", "a", 0.0), ("e\u{301}", "\u{e9}", 0.0)]);
}

#[test]
fn casefold_is_full_folding() {
    equal(
        &["casefold"],
        &[
            ("STRASSE", "straße", 1.0),
            ("ﬁne", "FINE", 1.0),
            ("ΣΟΦΟΣ", "σοφος", 1.0),
            ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς", 1.0),
            ("İ", "i", 0.0),
        ],
    );
}

#[test]
fn normal_forms() {
    equal(&["nfc"], &[("e\u{301}", "\u{e9}", 1.0), ("ﬁ", "fi", 0.0)]);
    equal(&["nfkc"], &[("ﬁ", "fi", 1.0), ("５", "5", 1.0), ("x²", "x2", 1.0)]);
}

#[test]
fn white_space() {
    equal(&["collapse_whitespace"], &[("a \n\u{a0}b", "a b", 1.0), (" a", "a", 0.0)]);
    equal(&["trim"], &[("\u{a0}a\n", "a", 1.0), ("a  b", "a b", 0.0)]);
}

#[test]
fn articles_go_where_a_word_follows() {
    equal(
        &["strip_articles"],
        &[
            ("The cat", "cat", 1.0),
            ("an apple a day", "apple day", 1.0),
            ("A", "", 0.0),
            ("A", "The", 0.0),
            ("vitamin A", "vitamin", 0.0),
            ("theatre", "atre", 0.0),
            ("a-level", "-level", 0.0),
        ],
    );
}

#[test]
fn punctuation_goes_but_numbers_stay() {
    equal(
        &["strip_punctuation"],
        &[
            ("Paris.", "Paris", 1.0),
            ("(“Paris”)!", "Paris", 1.0),
            ("**Paris** `x`", "Paris x", 1.0),
            ("don't", "dont", 1.0),
            ("U.S.", "US", 1.0),
            ("Ph.D., e.g.", "PhD eg", 1.0),
            ("Answer:Paris", "Answer Paris", 1.0),
            ("positive.The", "positive The", 1.0),
            ("neutral(slightly)", "neutral slightly", 1.0),
            ("a/b—c…d", "a b c d", 1.0),
            ("x:-5,y", "x -5 y", 1.0),
            ("5%,off", "5% off", 1.0),
            ("well-known snake_case AT&T", "wellknown snakecase ATT", 1.0),
            ("你好，世界", "你好世界", 1.0),
            ("-5", "5", 0.0),
            ("−5", "5", 0.0),
            ("1.5", "15", 0.0),
            ("1.5.", "1.5", 1.0),
            (".5", "5", 0.0),
            ("-.5", ".5", 0.0),
            ("(-.5)", "-.5", 1.0),
            ("\"-5\"", "-5", 1.0),
            ("$1,234.50", "$1,234.50", 1.0),
            ("$1,234.50", "123450", 0.0),
            ("-$5", "$5", 0.0),
            ("12:30", "1230", 0.0),
            ("3-4", "34", 0.0),
            ("1/2", "12", 0.0),
            ("5%", "5", 0.0),
            ("1..5", "1.5", 0.0),
            ("...5", "5", 1.0),
            ("5!", "5", 1.0),
            ("+", "-", 0.0),
            ("?", "!", 0.0),
            ("?", "", 0.0),
        ],
    );
}

#[test]
fn steps_run_in_their_own_order() {
    for steps in [["trim", "strip_punctuation"], ["strip_punctuation", "trim"]] {
        equal(&steps, &[("Paris .", "Paris", 1.0)]);
    }
    equal(
        &["trim", "collapse_whitespace", "strip_articles", "strip_punctuation", "casefold"],
        &[("  The   \"Cat\" .", "cat", 1.0)],
    );
}

#[test]
fn includes() {
    check_all(
        &json!({"includes": {}}),
        &[
            ("The answer is Paris.", "Paris", 1.0),
            ("party", "art", 1.0),
            ("paris", "Paris", 0.0),
            ("anything", "", 0.0),
            ("anything", "  ", 0.0),
            ("", "", 0.0),
        ],
    );
    check(&json!({"includes": {}}), "red", &["", "re"], Some(1.0));
}

#[test]
fn includes_words() {
    check_all(
        &json!({"includes": {"words": true}}),
        &[
            ("party", "art", 0.0),
            ("art!", "art", 1.0),
            ("state of the art", "the art", 1.0),
            ("party art", "art", 1.0),
            ("aaa aa", "aa", 1.0),
            ("not guilty", "guilty", 0.0),
            ("Not guilty.", "guilty", 0.0),
            ("non-guilty", "guilty", 0.0),
            ("he isn’t guilty", "guilty", 0.0),
            ("he ISN'T guilty", "guilty", 0.0),
            ("not guilty, then guilty", "guilty", 1.0),
            ("No, guilty!", "guilty", 1.0),
            ("knot guilty", "guilty", 1.0),
            ("not guilty", "not guilty", 1.0),
            ("not very guilty", "guilty", 1.0),
            ("-5", "5", 1.0),
            ("e\u{328}\u{301}t", "e", 0.0),
            ("C++, of course", "C++", 1.0),
            ("snake_case", "case", 0.0),
            ("x", "", 0.0),
            ("答案是巴黎。", "巴黎", 1.0),
            ("答案是Paris。", "Paris", 1.0),
            ("정답은 파리입니다", "파리", 1.0),
            ("الجوابParis", "Paris", 1.0),
        ],
    );
}

#[test]
fn a_number_in_another_number_is_no_word() {
    for (answer, target, expected) in [
        ("It weighs 3.5", "5", 0.0),
        ("1,500", "500", 0.0),
        ("about 12.25", "25", 0.0),
        ("5.2", "5", 0.0),
        ("it is .5", "5", 0.0),
        ("1’500", "500", 0.0),
        ("2{,}500", "500", 0.0),
        ("10:30", "30", 0.0),
        ("1.2.3", "2", 0.0),
        ("so 5.", "5", 1.0),
        ("1,2,3", "2", 1.0),
        ("1, 500", "500", 1.0),
        ("No.5", "5", 1.0),
        ("5%", "5", 1.0),
        ("3-5", "5", 1.0),
        ("1,500", "1,500", 1.0),
    ] {
        check(&json!({"includes": {"words": true}}), answer, &[target], Some(expected));
        let ends = answer.ends_with(target);
        let expected_at_end = if ends { expected } else { 0.0 };
        check(&json!({"ends_with": {"words": true}}), answer, &[target], Some(expected_at_end));
    }
    check(&json!({"starts_with": {"words": true}}), "5.2 km", &["5"], Some(0.0));
    check(&json!({"starts_with": {"words": true}}), "5. Then", &["5"], Some(1.0));
}

#[test]
fn includes_words_and_other_negations() {
    let none = json!({"includes": {"words": true, "negation": []}});
    check(&none, "not guilty", &["guilty"], Some(1.0));
    let german = json!({"includes": {"words": true, "negation": ["nicht", "kein"]}});
    check(&german, "Nicht schuldig", &["schuldig"], Some(0.0));
    check(&german, "not guilty", &["guilty"], Some(1.0));
    check(&json!({"includes": {}}), "not guilty", &["guilty"], Some(1.0));
}

#[test]
fn includes_all_and_listed_values() {
    let all = json!({"includes": {"mode": "all"}});
    check(&all, "red and blue", &["red", "blue"], Some(1.0));
    check(&all, "red and green", &["red", "blue"], Some(0.0));
    check(&all, "red", &["red", ""], Some(0.0));
    check(&all, "red", &[], None);
    let listed = json!({"includes": {"values": ["yes", "no"], "words": true}});
    check(&listed, "well, yes", &[], Some(1.0));
    check(&listed, "eyes", &["eyes"], Some(0.0));
    let listed =
        json!({"includes": {"values": ["Yes", "No"], "mode": "all", "normalize": ["casefold"]}});
    check(&listed, "no or yes", &[], Some(1.0));
    check(&listed, "yes", &[], Some(0.0));
    assert_eq!(complaint(&json!({"includes": {"values": []}})).pointer, "/includes/values");
}

#[test]
fn starts_and_ends() {
    check_all(
        &json!({"starts_with": {}}),
        &[
            (" Yes, it is", "Yes", 1.0),
            ("Yesterday", "Yes", 1.0),
            ("Oh, Yes", "Yes", 0.0),
            ("x", "", 0.0),
            ("", "", 0.0),
        ],
    );
    check_all(
        &json!({"starts_with": {"words": true, "normalize": ["casefold"]}}),
        &[("Yesterday", "yes", 0.0), ("YES!", "yes", 1.0), ("-5", "-", 1.0)],
    );
    check_all(
        &json!({"ends_with": {}}),
        &[("It is 42\n", "42", 1.0), ("It is 42.", "42", 0.0), ("142", "42", 1.0), ("x", "", 0.0)],
    );
    check_all(&json!({"ends_with": {"words": true}}), &[("142", "42", 0.0), ("is 42", "42", 1.0)]);
    let listed = json!({"ends_with": {"values": ["!", "."]}});
    check(&listed, "Done.", &[], Some(1.0));
    check(&listed, "Done", &["Done"], Some(0.0));
    check(&json!({"starts_with": {}}), "a", &[], None);
}

#[test]
fn one_of() {
    let entry = json!({"one_of": {"values": ["Yes", "no"], "normalize": ["trim", "casefold"]}});
    check(&entry, " YES ", &["no"], Some(1.0));
    check(&entry, "no", &[], Some(1.0));
    check(&entry, "maybe", &["maybe"], Some(0.0));
    check(&entry, "yes or no", &[], Some(0.0));
    assert_eq!(complaint(&json!({"one_of": {"values": []}})).pointer, "/one_of/values");
}

#[test]
fn regex_compares_what_it_catches() {
    let entry = |which: &str| {
        json!({"regex": {
            "pattern": r"answer: (\w+)",
            "compare": "target",
            "which": which,
            "normalize": ["casefold"],
        }})
    };
    check(&entry("first"), "answer: B, or answer: C", &["b"], Some(1.0));
    check(&entry("last"), "answer: B, or answer: C", &["b"], Some(0.0));
    check(&entry("last"), "answer: B, or answer: C", &["a", "c"], Some(1.0));
    check(&entry("last"), "answer: B", &[], None);
    assert!(score(&entry("last"), "B", &["b"]).invalid);
    let whole = json!({"regex": {"pattern": r"\d+", "compare": "target"}});
    check(&whole, "it is 42", &["42"], Some(1.0));
    let full = json!({"regex": {"pattern": "(a|b)c", "compare": "target", "full": true}});
    check(&full, "ac\n", &["a"], Some(1.0));
    assert!(score(&full, "acc", &["a"]).invalid);
    let second = json!({"regex": {"pattern": "(a)(b)", "compare": "target", "group": 2}});
    check(&second, "ab", &["b"], Some(1.0));
    for (params, pointer) in [
        (json!({"pattern": "(a)", "compare": "target", "group": 2}), "/regex/group"),
        (json!({"pattern": "(a)", "group": 1}), "/regex/group"),
        (json!({"pattern": "(a)", "which": "last"}), "/regex/which"),
        (json!({"pattern": "(?!a)", "compare": "target"}), "/regex/pattern"),
    ] {
        assert_eq!(complaint(&json!({ "regex": params })).pointer, pointer);
    }
}

#[test]
fn regex() {
    let part = json!({"regex": {"pattern": "a|ab"}});
    let full = json!({"regex": {"pattern": "a|ab", "full": true}});
    for (answer, in_part, in_full) in
        [("ab", 1.0, 1.0), ("abc", 1.0, 0.0), ("xyz", 0.0, 0.0), ("ab\n", 1.0, 1.0)]
    {
        check(&part, answer, &[], Some(in_part));
        check(&full, answer, &[], Some(in_full));
    }
    check(&json!({"regex": {"pattern": "^[a-z_]+$"}}), "refund_late\n", &[], Some(1.0));
    check(&json!({"regex": {"pattern": "^$", "full": true}}), "", &[], Some(1.0));
    check(&json!({"regex": {"pattern": "(?x) a b # ab", "full": true}}), "ab", &[], Some(1.0));
}

#[test]
fn a_refused_pattern_says_what_to_write_instead() {
    let rows: [(Value, &str, &str); 5] = [
        (json!({"regex": {"pattern": "(?!no)yes"}}), "/regex/pattern", "not: true"),
        (json!({"regex": {"pattern": "(?<=x)y"}}), "/regex/pattern", "capture group"),
        (json!({"regex": {"pattern": r"(a)\1"}}), "/regex/pattern", "Write the repeated"),
        (json!({"regex": {"pattern": "a)|(b", "full": true}}), "/regex/pattern", "unopened"),
        (json!({"regex": {"pattern": "a{1000}{1000}{1000}"}}), "/regex/pattern", "size"),
    ];
    for (entry, pointer, says) in rows {
        let complaint = complaint(&entry);
        assert_eq!(complaint.pointer, pointer);
        assert!(complaint.message.contains(says), "{}", complaint.message);
    }
}
