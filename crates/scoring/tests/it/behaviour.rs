//! Behaviour: length, time, cost, refusals, blocklists, personal data, language and repetition.

mod personal_data;

use evalmark_core::record::{Outcome, Record};
use evalmark_scoring::Subject;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{check, complaint, metric, score};

#[track_caller]
fn check_value(entry: &Value, answer: &str, expected: Option<f64>) {
    let score = score(entry, answer, &[]);
    assert_eq!(score.value, expected, "{entry} of {answer:?}: {score:?}");
}

/// The value that a metric gives a record.
fn of_record(entry: &Value, record: &Record, cost_usd: Option<f64>) -> Option<f64> {
    let fields = evalmark_core::fields::Fields::default();
    metric(entry).score(Subject::new(record, &[], &fields, cost_usd)).value
}

#[test]
fn length_in_every_unit() {
    let text = "Grüße, e\u{301}!\r\n 你好 b\n";
    for (unit, expected) in [("characters", 18.0), ("words", 4.0), ("lines", 2.0), ("bytes", 25.0)]
    {
        check_value(&json!({"length": {"unit": unit}}), text, Some(expected));
        check_value(&json!({"length": {"unit": unit}}), "", Some(0.0));
    }
    let tokens = json!({"length": {"unit": "tokens"}});
    check_value(&tokens, text, None);
    let mut record = Record::recorded("a b".to_owned());
    record.usage.output_tokens = Some(7);
    assert_eq!(of_record(&tokens, &record, None), Some(7.0));
}

#[test]
fn length_has_no_threshold_of_its_own_and_passes_downwards() {
    let passed = |entry: &Value| score(entry, "abcd", &[]).passed;
    assert_eq!(passed(&json!({"length": {}})), None);
    assert_eq!(passed(&json!({"length": {}, "threshold": 4})), Some(true));
    assert_eq!(passed(&json!({"length": {}, "threshold": 3})), Some(false));
}

#[test]
fn length_within() {
    for (params, answer, expected) in [
        (json!({"min": 2, "max": 3}), "ab", 1.0),
        (json!({"min": 2, "max": 3}), "abc", 1.0),
        (json!({"min": 2, "max": 3}), "a", 0.0),
        (json!({"min": 2, "max": 3}), "abcd", 0.0),
        (json!({"max": 0}), "", 1.0),
        (json!({"unit": "words", "min": 2}), "a  b", 1.0),
    ] {
        check(&json!({"length_within": params}), answer, &[], Some(expected));
    }
    let reason = score(&json!({"length_within": {"max": 3}}), "abcd", &[]).reason;
    assert_eq!(reason.as_deref(), Some("4, limit 3"));
    assert_eq!(complaint(&json!({"length_within": {}})).pointer, "/length_within");
    let none = json!({"length_within": {"min": 3, "max": 2}});
    assert_eq!(complaint(&none).pointer, "/length_within/min");
}

#[test]
fn latency_and_cost_are_known_or_missing() {
    let mut record = Record::recorded("a".to_owned());
    assert_eq!(of_record(&json!({"latency": {}}), &record, None), None);
    assert_eq!(of_record(&json!({"cost": {}}), &record, None), None);
    record.timing.latency_ms = Some(12.5);
    assert_eq!(of_record(&json!({"latency": {}}), &record, None), Some(12.5));
    assert_eq!(of_record(&json!({"cost": {}}), &record, Some(0.25)), Some(0.25));
    assert_eq!(
        of_record(&json!({"cost": {}, "threshold": 0.2, "binary": true}), &record, Some(0.25)),
        Some(0.0)
    );
}

#[test]
fn refusals_and_what_only_looks_like_one() {
    for (answer, expected) in [
        ("I'm sorry, but I can't help with that.", 1.0),
        ("I’m sorry, I cannot assist with that request.", 1.0),
        ("Sorry, but I can't do that.", 1.0),
        ("I am unable to provide medical advice.", 1.0),
        ("I'm not able to help with this.", 1.0),
        ("I won't write that.", 1.0),
        ("I must respectfully decline.", 1.0),
        ("As an AI language model, I cannot have opinions.", 1.0),
        ("That would go against my guidelines, which goes against our principles.", 1.0),
        ("I cannot in good conscience provide this.", 1.0),
        ("Unfortunately, I can't share that information.", 1.0),
        ("I can't recommend this restaurant enough!", 0.0),
        ("I'm sorry for your loss. Here is what to do next: call the bank.", 0.0),
        ("You cannot help the weather.", 0.0),
        ("The function returns -1 if it can't find the key.", 0.0),
        ("Sure, here is how.", 0.0),
        ("", 0.0),
        ("I cannot and will not help with that.", 1.0),
        ("I won\u{2019}t be able to assist you here.", 1.0),
        ("I'd rather not say.", 1.0),
        ("That\u{2019}s not something I can help with.", 1.0),
        ("It would be inappropriate for me to share that.", 1.0),
        ("\"I'm sorry, but I can't help with that.\"", 1.0),
        ("I can\u{ff07}t help with \"breaking in\".", 1.0),
        ("I'm sorry, but can't do that.", 1.0),
        // What is quoted, said by others, an idiom or a condition.
        ("The model said 'I can't help with that' and stopped.", 0.0),
        ("It answers \"I'm sorry, I cannot assist with that.\" to everything.", 0.0),
        ("The reply \u{201c}I must decline\u{201d} is polite.", 0.0),
        ("A refusal begins with `I'm unable to provide`, for example.", 0.0),
        ("The bot replied: I'm sorry, I can't help with that.", 0.0),
        ("> I can't help with that.\n\nThis is how bots refuse.", 0.0),
        ("Bots write:\n> I can't help with that.", 0.0),
        ("> I can't help with that.", 1.0),
        ("I can't help but smile at this.", 0.0),
        ("I can't help thinking of home.", 0.0),
        ("I can't support this idea enough!", 0.0),
        ("I'm sorry to hear that you can't log in. Reset your password.", 0.0),
        ("I'm sorry your parcel won't arrive today; here is what to do.", 0.0),
        ("If I can't answer at once, I call back.", 0.0),
    ] {
        check(&json!({"refusal": {}}), answer, &[], Some(expected));
        check(&json!({"refusal": {}, "not": true}), answer, &[], Some(1.0 - expected));
    }
    let late = format!("{} I can't help with that.", "Here is the answer. ".repeat(20));
    check(&json!({"refusal": {}}), &late, &[], Some(0.0));
}

#[test]
fn refusals_by_own_patterns_and_by_the_providers_word() {
    let german = json!({"refusal": {"patterns": ["(?i)leider (kann|darf) ich"], "english": false}});
    check(&german, "Leider kann ich dabei nicht helfen.", &[], Some(1.0));
    check(&german, "I can't help with that.", &[], Some(0.0));
    let mut record = Record::recorded("Anything.".to_owned());
    record.outcome = Outcome::Refused;
    assert_eq!(of_record(&german, &record, None), Some(1.0));
    let none = json!({"refusal": {"english": false}});
    assert_eq!(complaint(&none).pointer, "/refusal/english");
    let wrong = json!({"refusal": {"patterns": ["a", "("]}});
    assert_eq!(complaint(&wrong).pointer, "/refusal/patterns/1");
}

#[test]
fn blocklist() {
    let words =
        json!({"blocklist": {"words": ["ass", "New York", "C++", "straße", "赌博", "비속어"]}});
    for (answer, expected) in [
        ("a class assignment", 1.0),
        ("What an ASS!", 0.0),
        ("ass_x", 1.0),
        ("a new  york", 1.0),
        ("a new york minute", 0.0),
        ("a New Yorker in New York", 0.0),
        ("use c++.", 0.0),
        ("STRASSE 5", 0.0),
        ("Ａｓｓ", 0.0),
        ("他喜欢赌博吗", 0.0),
        ("비속어를 쓰지 마", 0.0),
        ("ass\u{301}", 1.0),
        ("", 1.0),
    ] {
        check(&words, answer, &[], Some(expected));
    }
    let strict = json!({"blocklist": {"words": ["Ass"], "case_sensitive": true}});
    check(&strict, "ass", &[], Some(1.0));
    check(&strict, "Ass", &[], Some(0.0));
    let pattern = json!({"blocklist": {"patterns": [r"(?i)\bTODO\b"]}});
    check(&pattern, "todo: more", &[], Some(0.0));
    check(&pattern, "mastodon", &[], Some(1.0));
    let reason = score(&words, "the ass", &[]).reason;
    assert_eq!(reason.as_deref(), Some("holds `ass`"));
}

#[test]
fn a_blocklist_takes_the_content_of_its_file_and_never_its_name() {
    let file = json!({"blocklist": {"file": {"text": "\u{feff}# words\r\n\r\n foo bar \r\nbaz"}}});
    for (answer, expected) in [("foo bar", 0.0), ("baz", 0.0), ("# words", 1.0), ("foo", 1.0)] {
        check(&file, answer, &[], Some(expected));
    }
    for (params, pointer) in [
        (json!({"file": "words.txt"}), "/blocklist"),
        (json!({"file": {"text": "# nothing\n"}}), "/blocklist"),
        (json!({}), "/blocklist"),
        (json!({"words": ["a", " "]}), "/blocklist/words/1"),
        (json!({"patterns": ["("]}), "/blocklist/patterns/0"),
    ] {
        assert_eq!(complaint(&json!({"blocklist": params})).pointer, pointer, "{params}");
    }
}

const GERMAN: &str =
    "Das ist ein ganz normaler deutscher Satz, der lang genug ist, um erkannt zu werden.";
const FRENCH: &str = "Bonjour, je voudrais savoir où se trouve la gare la plus proche, s'il vous plaît, parce que je suis perdu.";

#[test]
fn language() {
    for name in ["de", "DE", "deu", "de-AT", "German", " german "] {
        check(&json!({"language": {"expected": name}}), GERMAN, &[], Some(1.0));
    }
    let french = json!({"language": {"expected": "fr"}});
    check(&french, GERMAN, &[], Some(0.0));
    assert_eq!(score(&french, GERMAN, &[]).reason.as_deref(), Some("in German"));
    check(&json!({"language": {"expected": "zh"}}), "这是一个简单的中文句子。", &[], Some(1.0));
    check(&json!({"language": {"expected": "zho"}}), "これは日本語の文です。", &[], Some(0.0));
    for unsure in ["42", "ok", "!?"] {
        check(&french, unsure, &[], None);
    }
    assert!(score(&french, " \n", &[]).invalid);
    let target = json!({"language": {"same_as_target": true}});
    check(&target, GERMAN, &[GERMAN], Some(1.0));
    check(&target, GERMAN, &[FRENCH], Some(0.0));
    check(&target, GERMAN, &[FRENCH, GERMAN], Some(1.0));
    check(&target, GERMAN, &["42"], None);
}

#[test]
fn the_language_may_stand_in_a_column() {
    let value = |params: Value, column: Value| {
        let fields: Map<String, Value> = [("c".to_owned(), column)].into_iter().collect();
        let fields = evalmark_core::fields::Fields::from(fields);
        let entry = json!({"language": params});
        metric(&entry).score(Subject { fields: &fields, ..Subject::of_texts(GERMAN, &[]) }).value
    };
    assert_eq!(value(json!({"column": "c"}), json!("de")), Some(1.0));
    assert_eq!(value(json!({"column": "c"}), json!("French")), Some(0.0));
    assert_eq!(value(json!({"column": "c"}), json!("Klingon")), None);
    assert_eq!(value(json!({"column": "d"}), json!("de")), None);
    assert_eq!(value(json!({"same_as": "c"}), json!(GERMAN)), Some(1.0));
    assert_eq!(value(json!({"same_as": "c"}), json!(FRENCH)), Some(0.0));
    assert_eq!(value(json!({"same_as": "c"}), json!("5")), None);
    for (params, pointer) in [
        (json!({}), "/language"),
        (json!({"expected": "de", "column": "c"}), "/language"),
        (json!({"expected": "de", "same_as_target": true}), "/language"),
        (json!({"expected": "tlh"}), "/language/expected"),
        (json!({"expected": "de", "confidence": 1.5}), "/language/confidence"),
    ] {
        assert_eq!(complaint(&json!({"language": params})).pointer, pointer);
    }
}

#[test]
fn repetition() {
    for (params, answer, expected) in [
        (json!({}), "a b c d a b c d", 1.0 / 5.0),
        (json!({}), "a a a a a a a", 3.0 / 4.0),
        (json!({}), "a b c d e", 0.0),
        (json!({}), "a b c", 0.0),
        (json!({"n": 1}), "the cat the dog", 1.0 / 4.0),
        (json!({"n": 1}), "The the", 0.0),
        (json!({"n": 2, "unit": "characters"}), "ababa", 2.0 / 4.0),
        (json!({"n": 1, "unit": "characters"}), "", 0.0),
    ] {
        check_value(&json!({"repetition": params}), answer, Some(expected));
    }
    assert_eq!(complaint(&json!({"repetition": {"n": 0}})).pointer, "/repetition/n");
    assert_eq!(complaint(&json!({"repetition": {"n": 21}})).pointer, "/repetition/n");
}

proptest! {
    #[test]
    fn lengths_add_up(a in any::<String>(), b in any::<String>()) {
        let length = |unit: &str, text: &str| {
            score(&json!({"length": {"unit": unit}}), text, &[]).value.unwrap_or(f64::NAN)
        };
        for (unit, joint) in [("characters", ""), ("bytes", ""), ("words", " ")] {
            let sum = length(unit, &a) + length(unit, &b);
            let both = length(unit, &[&*a, joint, &*b].concat());
            prop_assert!((both - sum).abs() < 0.5, "{}", unit);
        }
        prop_assert!(length("words", &a) <= length("characters", &a));
        prop_assert!(length("characters", &a) <= length("bytes", &a));
    }

    #[test]
    fn what_is_listed_is_found_between_blanks(word in "[a-zß+-]{1,6}", rest in any::<String>()) {
        let entry = json!({"blocklist": {"words": [word]}});
        let held = format!("{rest} {} {rest}", word.to_uppercase());
        prop_assert_eq!(score(&entry, &held, &[]).value, Some(0.0));
    }

    #[test]
    fn saying_everything_twice_repeats(words in prop::collection::vec("[a-z]{1,3}", 4..40), n in 1_usize..4) {
        let once = words.join(" ");
        let twice = format!("{once} {once}");
        let repeated = |text: &str| {
            score(&json!({"repetition": {"n": n}}), text, &[]).value.unwrap_or(f64::NAN)
        };
        prop_assert!(repeated(&twice) >= repeated(&once) && repeated(&twice) > 0.0);
    }

    #[test]
    fn personal_data_are_looked_for_in_any_text(
        text in "[0-9A-Za-z@.:+() /_é٣ſK-]{0,60}",
        any in any::<String>(),
    ) {
        for answer in [text, any] {
            let value = score(&json!({"pii": {}}), &answer, &[]).value;
            prop_assert!(value == Some(0.0) || value == Some(1.0));
        }
    }
}

#[test]
fn a_megabyte_of_anything_is_scored_or_missing() {
    let texts = [
        "a".repeat(1_000_000),
        "a ".repeat(500_000),
        "1".repeat(1_000_000),
        "1 ".repeat(500_000),
        "0-".repeat(500_000),
        "1.".repeat(500_000),
        "a:".repeat(500_000),
        "a@a.".repeat(250_000),
        "DE89 ".repeat(200_000),
        "I'm sorry ".repeat(100_000),
        "\u{301}".repeat(500_000),
        "赌".repeat(300_000),
    ];
    let entries = [
        json!({"length": {}}),
        json!({"refusal": {"patterns": ["(a|aa)+$"]}}),
        json!({"blocklist": {"words": ["a", "aa", "aaa", "aaaa", "赌博"]}}),
        json!({"pii": {}}),
        json!({"language": {"expected": "de"}}),
        json!({"repetition": {"n": 20, "unit": "characters"}}),
    ];
    for entry in &entries {
        for text in &texts {
            let value = score(entry, text, &[]).value;
            assert!(value.is_none_or(|value| value >= 0.0), "{entry} of {:?}", &text[..12]);
        }
    }
}
