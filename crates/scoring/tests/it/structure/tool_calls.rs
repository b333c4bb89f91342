//! Calls of tools, in the forms in which models write them.

use serde_json::{Value, json};

use super::check_reason;
use crate::support::{check, check_all, score};

const WEATHER: &str = r#"[{"name": "weather", "arguments": {"city": "Oslo", "days": 3}}]"#;

const BOOK: &str = r#"[{"name": "book", "arguments": {"day": "Mon"}}]"#;

#[test]
fn a_tool_call_counts_in_any_form() {
    check_all(
        &json!({"tool_call": {}}),
        &[
            (r#"{"name": "weather", "arguments": {"days": 3, "city": "Oslo"}}"#, WEATHER, 1.0),
            (
                r#"{"name": "weather", "arguments": "{\"days\": 3.0, \"city\": \"Oslo\"}"}"#,
                WEATHER,
                1.0,
            ),
            (
                r#"[{"id": "x", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\",\"days\":3}"}}]"#,
                WEATHER,
                1.0,
            ),
            (
                r#"{"content": null, "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Oslo", "days": 3}}}]}"#,
                WEATHER,
                1.0,
            ),
            (
                r#"{"type": "tool_use", "name": "weather", "input": {"city": "Oslo", "days": 3}}"#,
                WEATHER,
                1.0,
            ),
            (r#"{"name": "weather", "arguments": {"city": "Bergen", "days": 3}}"#, WEATHER, 0.0),
            (r#"{"name": "forecast", "arguments": {"city": "Oslo", "days": 3}}"#, WEATHER, 0.0),
            ("It is sunny in Oslo.", WEATHER, 0.0),
            ("[]", WEATHER, 0.0),
            ("It is sunny in Oslo.", "[]", 1.0),
            ("[]", "[]", 1.0),
            (r#"{"tool_calls": null}"#, "[]", 1.0),
            (WEATHER, "[]", 0.0),
            (r#"{"name": "now"}"#, r#"{"name": "now", "arguments": "{}"}"#, 1.0),
        ],
    );
    check(&json!({"tool_call": {}}), WEATHER, &["Oslo"], None);
    check(&json!({"tool_call": {}}), WEATHER, &[r#"{"city": "Oslo"}"#], None);
    assert!(
        score(&json!({"tool_call": {}}), r#"{"name": "f", "arguments": "{"}"#, &[WEATHER]).invalid
    );
    check(
        &json!({"tool_call": {"fence": true}}),
        &format!("```json\n{WEATHER}\n```"),
        &[WEATHER],
        Some(1.0),
    );
}

#[test]
fn order_extra_calls_and_arguments_of_tool_calls() {
    let calls = |calls: &[(&str, i32)]| {
        let calls = calls.iter().map(|(name, x)| json!({"name": name, "arguments": {"x": x}}));
        Value::Array(calls.collect()).to_string()
    };
    let (ab, ba) = (calls(&[("a", 1), ("b", 2)]), calls(&[("b", 2), ("a", 1)]));
    let more = calls(&[("a", 1), ("c", 3), ("b", 2)]);
    let twice = calls(&[("a", 1), ("a", 1), ("b", 2)]);
    for (params, answer, expected) in [
        (json!({}), &ba, 1.0),
        (json!({"ordered": true}), &ba, 0.0),
        (json!({"ordered": true}), &ab, 1.0),
        (json!({}), &more, 0.0),
        (json!({}), &twice, 0.0),
        (json!({"extra": true}), &more, 1.0),
        (json!({"extra": true, "ordered": true}), &more, 1.0),
        (json!({"arguments": "ignore"}), &calls(&[("b", 0), ("a", 0)]), 1.0),
        (json!({"abs": 1}), &calls(&[("b", 3), ("a", 0)]), 1.0),
        (json!({"rel": 0.5}), &calls(&[("b", 3), ("a", 0)]), 0.0),
    ] {
        check(&json!({"tool_call": params}), answer, &[&ab], Some(expected));
    }
    let subset = json!({"tool_call": {"arguments": "subset"}});
    let rich = r#"{"name": "a", "arguments": {"x": {"y": 1, "z": 2}, "w": 3}}"#;
    check(&subset, rich, &[r#"{"name": "a", "arguments": {"x": {"y": 1}}}"#], Some(1.0));
    check(&subset, r#"{"name": "a", "arguments": {"w": 3}}"#, &[rich], Some(0.0));
}

/// Calls that servers leave in the text: right where they are wanted, wrong where none is.
#[test]
fn tool_calls_left_in_the_text_are_read() {
    let call = r#"{"name": "book", "arguments": {"day": "Mon"}}"#;
    let forms = [
        format!("<tool_call>\n{call}\n</tool_call>"),
        format!("I will.\n<tool_call>{call}"),
        format!("<function_call>{call}</function_call>"),
        format!("<|tool_call|>[{call}]<|/tool_call|>"),
        r#"<|python_tag|>{"name": "book", "parameters": {"day": "Mon"}}"#.to_owned(),
        format!("[TOOL_CALLS][{call}]"),
        r#"[TOOL_CALLS]book[ARGS]{"day": "Mon"}"#.to_owned(),
        r#"<function=book>{"day": "Mon"}</function>"#.to_owned(),
        "<tool_call>\n<function=book>\n<parameter=day>\nMon\n</parameter>\n</function>\n</tool_call>".to_owned(),
        "<tool_call>book\n<arg_key>day</arg_key>\n<arg_value>Mon</arg_value>\n</tool_call>".to_owned(),
        r#"<invoke name="book"><parameter name="day">Mon</parameter></invoke>"#.to_owned(),
        r#"<|tool_call_begin|>functions.book:0<|tool_call_argument_begin|>{"day": "Mon"}<|tool_call_end|>"#.to_owned(),
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>book\n```json\n{\"day\": \"Mon\"}\n```<｜tool▁call▁end｜>".to_owned(),
        r#"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.book <|constrain|>json<|message|>{"day": "Mon"}<|call|>"#.to_owned(),
        "Thought: book it.\nAction: book\nAction Input: {\"day\": \"Mon\"}".to_owned(),
        format!("```json\n{call}\n```"),
        format!("```\n[{call}]\n```"),
        format!("Sure, I call it: {call}"),
        format!("```json\n{{\"tool_calls\": [{{\"function\": {call}}}]}}\n```"),
        format!("<think>book or not? [] is enough</think>\n{call}"),
        r#"{"tool": "book", "args": {"day": "Mon"}}"#.to_owned(),
        r#"{"function": "book", "arguments": {"day": "Mon"}}"#.to_owned(),
        "```json\n{\"action\": \"book\", \"action_input\": {\"day\": \"Mon\"}}\n```".to_owned(),
    ];
    for answer in forms {
        check(&json!({"tool_call": {}}), &answer, &[BOOK], Some(1.0));
        check(&json!({"tool_call": {}}), &answer, &["[]"], Some(0.0));
    }
    let two = format!("<tool_call>{call}</tool_call>\n<tool_call>{{\"name\": \"g\"}}</tool_call>");
    let wanted =
        r#"[{"name": "g", "arguments": {}}, {"name": "book", "arguments": {"day": "Mon"}}]"#;
    check(&json!({"tool_call": {}}), &two, &[wanted], Some(1.0));
}

#[test]
fn a_tool_call_that_cannot_be_read_is_invalid_and_never_right() {
    for answer in [
        "<tool_call>{\"name\": \"book\", \"arguments\": {\"day\"</tool_call>",
        "<|python_tag|>book.call(day=\"Mon\")",
        "[book(day='Mon')]",
        "```tool_code\nbook(day='Mon')\n```",
        "```python\nbook(day='Mon')\n```",
        "{\"name\": \"book\", \"arguments\": {\"day\": \"Mo",
        "```json\n{\"name\": \"book\", \"arguments\": {\"day\": \"Mo",
        "<function=book>{\"day\": </function>",
    ] {
        let found = score(&json!({"tool_call": {}}), answer, &["[]"]);
        assert_eq!((found.value, found.invalid), (Some(0.0), true), "{answer}: {found:?}");
    }
    for answer in [
        "It is Monday (day=Mon).",
        "The parameters are {\"day\": \"Mon\"}.",
        "Its form: {\"name\": \"book\", \"description\": \"x\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}",
        "She said: {\"name\": \"Ann\"}",
        "Action: call the bank.",
        "{\"action\": \"Final Answer\", \"action_input\": \"Monday\"}",
        "{\"action\": \"none\"}",
        "<think>{\"name\": \"book\", \"arguments\": {\"day\": \"Mon\"}}? No.</think>No call is needed.",
    ] {
        check(&json!({"tool_call": {}}), answer, &["[]"], Some(1.0));
    }
}

#[test]
fn a_wrong_tool_call_says_why() {
    let entry = json!({"tool_call": {}});
    for (answer, says) in [
        ("Sunny.", "the answer calls no tool"),
        (r#"{"name": "f"}"#, "`weather` is not called"),
        (
            r#"{"name": "weather", "arguments": {"city": "Oslo", "days": 4}}"#,
            "in the call of `weather`, `$.days` is 4, not 3",
        ),
        (
            r#"[{"name": "weather", "arguments": {"city": "Oslo", "days": 3}}, {"name": "g"}]"#,
            "the call of `g` is one too many",
        ),
    ] {
        check_reason(&entry, answer, WEATHER, says);
    }
}
