//! Reasoning is not the answer: what metrics, nested ones and judges make of thoughts in a text.

use evalmark_core::record::Record;
use evalmark_scoring::{Case, Form, JudgeReply, Judgement, Subject, score_batch};
use serde_json::{Value, json};

use crate::support::{check, metric, score};

const THOUGHT: &str = "<think>Could be A. The answer is A? 3 kg? No, wait: B fits.</think>\n\n";
const OPEN: &str = "<think>The answer is A, hmm, 3 kg, let me check that again";

/// The value of an answer after a thought.
#[track_caller]
fn after_thought(entry: &Value, answer: &str, target: &str, expected: f64) {
    for thought in [THOUGHT, "It may be A. The answer is A: 3 kg, or B.\n</think>\n"] {
        let text = format!("{thought}{answer}");
        check(entry, &text, &[target], Some(expected));
        let said = score(entry, &text, &[target]);
        assert!(said.reasoning_cut, "{entry}: {said:?}");
        let reason = said.reason.unwrap_or_default();
        assert!(reason.contains("scored without its reasoning"), "{entry}: {reason}");
    }
}

#[test]
fn the_answer_is_what_follows_the_thought() {
    for (entry, answer, target, expected) in [
        (json!({"choice": {"options": 4}}), "B", "B", 1.0),
        (json!({"choice": {"options": 4}}), "**D**", "D", 1.0),
        (json!({"exact": {}}), "B", "B", 1.0),
        (json!({"number": {}}), "7", "7", 1.0),
        (json!({"number": {}}), "unsure", "3", 0.0),
        (json!({"includes": {}}), "unsure", "B", 0.0),
        (json!({"label": {"labels": ["a", "b"], "find": true}}), "b", "b", 1.0),
        (json!({"regex": {"pattern": "^B$"}}), "B", "", 1.0),
        (json!({"json_equal": {}}), "{\"a\": 1}", "{\"a\": 1}", 1.0),
        (
            json!({"exact": {}, "extract": {"regex": "answer is ([A-D])"}}),
            "The answer is B",
            "B",
            1.0,
        ),
        (json!({"exact": {}, "extract": {"json": "$.a"}}), "{\"a\": \"B\"}", "B", 1.0),
        (json!({"length": {}, "threshold": 5}), "four", "", 4.0),
        (json!({"expression": "answer == target"}), "B", "B", 1.0),
        (json!({"includes": {}, "not": true}), "unsure", "A", 1.0),
        (json!({"includes": {"values": ["3 kg"]}, "not": true}), "unsure", "A", 1.0),
    ] {
        after_thought(&entry, answer, target, expected);
    }
}

#[test]
fn a_thought_that_never_ends_is_no_answer() {
    for entry in [
        json!({"choice": {"options": 4}}),
        json!({"includes": {"values": ["A"]}}),
        json!({"includes": {"values": ["A"]}, "not": true}),
        json!({"all_of": [{"includes": {"values": ["A"]}}]}),
    ] {
        let score = score(&entry, OPEN, &["A"]);
        assert_eq!((score.value, score.passed), (Some(0.0), Some(false)), "{entry}: {score:?}");
        assert!(score.reason.is_some_and(|reason| reason.contains("its reasoning never ends")));
    }
    let missing = json!({"includes": {"values": ["A"]}, "invalid": "missing"});
    check(&missing, OPEN, &["A"], None);
    let mut record = Record::recorded(OPEN.to_owned());
    record.finish_reason = Some("length".into());
    record.timing.latency_ms = Some(5.0);
    record.usage.output_tokens = Some(9);
    let fields = evalmark_core::fields::Fields::default();
    let score = |entry: &Value| metric(entry).score(Subject::new(&record, &[], &fields, None));
    let reason = score(&json!({"regex": {"pattern": "A"}})).reason.unwrap_or_default();
    assert!(reason.contains("raise it"), "{reason}");
    // What is measured of the request is measured all the same.
    assert_eq!(score(&json!({"latency": {}})).value, Some(5.0));
    assert_eq!(score(&json!({"length": {"unit": "tokens"}})).value, Some(9.0));
    assert_eq!(score(&json!({"expression": "latency_ms < 6"})).value, Some(1.0));
}

#[test]
fn reasoning_is_kept_where_it_is_asked_for_or_looked_at() {
    let text = format!("{THOUGHT}B");
    for (entry, target, expected) in [
        (json!({"includes": {}, "reasoning": "keep"}), "wait", 1.0),
        (json!({"includes": {}, "reasoning": "cut"}), "wait", 0.0),
        // It names the tags itself.
        (json!({"exact": {}, "extract": {"regex": "(?s)</think>\\s*(.*)"}}), "B", 1.0),
        (json!({"regex": {"pattern": "(?s)^<think>.+</think>\\s*B$"}}), "", 1.0),
        (json!({"includes": {"values": ["<think>"]}}), "", 1.0),
        (json!({"expression": "'<think>' in answer"}), "", 1.0),
        // The target does.
        (json!({"exact": {}}), &*text, 1.0),
        // What goes out may show it, and what another tool reads it does.
        (json!({"blocklist": {"words": ["wait"]}}), "", 0.0),
        (json!({"preset": "promptfoo_equals"}), "B", 0.0),
        (json!({"preset": "promptfoo_equals", "reasoning": "cut"}), "B", 1.0),
    ] {
        let found = score(&entry, &text, &[target]);
        assert_eq!(found.value, Some(expected), "{entry}: {found:?}");
    }
}

#[test]
fn metrics_within_metrics_decide_for_themselves() {
    let text = format!("{THOUGHT}B");
    for (entry, expected) in [
        (json!({"all_of": [{"exact": {}}, {"preset": "promptfoo_equals", "not": true}]}), 1.0),
        (
            json!({"all_of": [{"exact": {}}, {"includes": {"values": ["wait"]}, "reasoning": "keep"}]}),
            1.0,
        ),
        (json!({"all_of": [{"includes": {"values": ["wait"]}}], "reasoning": "keep"}), 1.0),
        (json!({"any_of": [{"preset": "promptfoo_equals"}], "reasoning": "cut"}), 1.0),
        (json!({"weighted": [{"exact": {}}, {"includes": {"values": ["wait"]}}]}), 0.5),
        (
            json!({"any_of": [{"exact": {}}], "extract": {"regex": "answer is (.)|(B)", "group": 0}}),
            1.0,
        ),
    ] {
        let found = score(&entry, &text, &["B"]);
        assert_eq!(found.value, Some(expected), "{entry}: {found:?}");
        let keeps = entry["reasoning"] == "keep";
        assert_eq!(found.reasoning_cut, !keeps, "{entry}: {found:?}");
    }
}

/// The last message of what is asked.
fn asked(entry: &Value, answer: &str, fields: &Value) -> Result<String, String> {
    let record = Record::recorded(answer.to_owned());
    let fields =
        evalmark_core::fields::Fields::from(fields.as_object().cloned().unwrap_or_default());
    let targets = ["t".to_owned()];
    let metric = metric(entry);
    let questions = metric.questions(Subject::new(&record, &targets, &fields, None), &[]);
    let questions = questions.ok_or("nothing to ask")?.map_err(|error| error.to_string())?;
    let Form::Chat { messages, .. } = &questions[0].form else { return Err("no chat".to_owned()) };
    Ok(messages.last().expect("a message").text().into_owned())
}

#[test]
fn judges_see_answers_without_thoughts() {
    let text = format!("{THOUGHT}It is B.");
    let old = json!({"old": "<think>a hidden thought</think>It is C."});
    for entry in [
        json!({"judge": {"model": "m", "rubric": "r"}}),
        json!({"judge_facts": {"model": "m", "criteria": ["c"]}}),
        json!({"judge_reference": {"model": "m"}}),
        json!({"judge_pairwise": {"model": "m", "against": {"column": "old"}}}),
    ] {
        let said = asked(&entry, &text, &old).expect("asked");
        assert!(said.contains("\nIt is B.\n") && !said.contains("wait"), "{said}");
        assert!(!said.contains("hidden"), "{said}");
        assert!(asked(&entry, OPEN, &old).is_err(), "{entry}");
        let mut keeps = entry.clone();
        keeps["reasoning"] = json!("keep");
        assert!(asked(&keeps, &text, &old).expect("asked").contains("wait"));
    }
    let pairwise = json!({"judge_pairwise": {"model": "m", "against": {"column": "old"}}});
    assert!(asked(&pairwise, "B", &json!({"old": OPEN})).is_err());
    let keeps = json!({"judge_pairwise": {"model": "m", "against": {"column": "old"}}, "reasoning": "keep"});
    assert!(asked(&keeps, "B", &old).expect("asked").contains("hidden"));
    let about = json!({"judge": {"model": "m", "rubric": "Is the text in <think> sound?"}});
    assert!(asked(&about, &text, &old).expect("asked").contains("wait"));
}

#[test]
fn a_judged_answer_says_that_its_reasoning_was_cut() {
    let metrics = [metric(&json!({"judge": {"model": "m", "rubric": "r"}}))];
    let record = Record::recorded(format!("{THOUGHT}B"));
    let (fields, reply) = (
        evalmark_core::fields::Fields::default(),
        [JudgeReply::of_text("{\"grade\": 1, \"reason\": \"fine\"}")],
    );
    let judgements = [Judgement::Given(&reply)];
    let case = Case { subject: Subject::new(&record, &[], &fields, None), judgements: &judgements };
    let score = &score_batch(&metrics, &[case])[0][0];
    assert_eq!((score.value, score.reasoning_cut), (Some(1.0), true));
    assert_eq!(score.reason.as_deref(), Some("fine; scored without its reasoning"));
}
