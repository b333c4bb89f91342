use super::*;

/// `outcome|output|finish_reason|tokens in|tokens out|details`, or `kind/retryable: message`.
fn summary(body: &str) -> String {
    let number = |tokens: Option<u64>| tokens.map_or("-".into(), |n| n.to_string());
    match read(body, "c") {
        Ok(Answer { outcome, output, finish_reason, usage, details }) => format!(
            "{outcome}|{output}|{}|{}|{}|{}",
            finish_reason.map_or("-".into(), String::from),
            number(usage.input_tokens),
            number(usage.output_tokens),
            details.unwrap_or_default().to_json(),
        ),
        Err(AttemptError { failure, retryable, .. }) => {
            format!("{}/{retryable:?}: {}", failure.kind.as_str(), failure.message)
        }
    }
}

fn check(body: &str, expected: &str) {
    assert_eq!(summary(body), expected, "{body}");
}

#[test]
fn reads_answers() {
    check(
        r#"{"type":"message","model":"c","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":1}}"#,
        r#"answered|hi|stop|3|1|{"finish_reason":"end_turn"}"#,
    );
    check(
        r#"{"model":"c-20250101","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"stop_reason":"max_tokens","usage":{"input_tokens":3,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}}"#,
        r#"answered|ab|length|10|1|{"cached_tokens":5,"cache_write_tokens":2,"model":"c-20250101","finish_reason":"max_tokens"}"#,
    );
    check(r#"{"content":[{"type":"text","text":""}]}"#, "answered||-|-|-|{}");
    check(r#"{"content":[],"stop_reason":"pause_turn"}"#, "answered||pause_turn|-|-|{}");
}

#[test]
fn reasoning_and_calls_are_apart() {
    check(
        r#"{"content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"x"},{"type":"text","text":"yes"}],"stop_reason":"stop_sequence"}"#,
        r#"answered|yes|stop|-|-|{"finish_reason":"stop_sequence","reasoning":"hm"}"#,
    );
    check(
        r#"{"content":[{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use"}"#,
        r#"answered|[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]|tool_calls|-|-|{"finish_reason":"tool_use","tool_calls":[{"id":"t","name":"f","arguments":"{\"a\":1}"}]}"#,
    );
    check(
        r#"{"content":[{"type":"text","text":"see"},{"type":"tool_use","id":"t","name":"f","input":{}}],"stop_reason":"tool_use"}"#,
        r#"answered|see|tool_calls|-|-|{"finish_reason":"tool_use","tool_calls":[{"id":"t","name":"f","arguments":"{}"}]}"#,
    );
}

#[test]
fn reads_refusals() {
    check(
        r#"{"content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"no"}}"#,
        r#"refused|no|content_filter|-|-|{"finish_reason":"refusal"}"#,
    );
    check(
        r#"{"content":[{"type":"text","text":"I would"}],"stop_reason":"refusal"}"#,
        r#"refused|I would|content_filter|-|-|{"finish_reason":"refusal"}"#,
    );
}

#[test]
fn what_is_no_message_says_why() {
    let shape = "the response is not a message:";
    check("{}", &format!("malformed/Yes: {shape} no `content`"));
    check(
        r#"{"content":[],"stop_reason":null}"#,
        "malformed/Yes: the response holds no answer: `content` is empty, and no `stop_reason` \
         says why",
    );
    check(
        r#"{"content":"hi"}"#,
        &format!(
            r#"malformed/Never: {shape} invalid type: string "hi", expected a sequence at line 1 column 15"#
        ),
    );
    check(
        "event: message_start\ndata: {}\n\n",
        &format!("malformed/Never: {shape} the server streams although it was not asked to"),
    );
    check("", "malformed/Yes: the response has an empty body");
    check(
        r#"{"content":[{"type":"te"#,
        "connection/Yes: the connection broke in the middle of the response",
    );
    check(
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        "server/Yes: the server reports an error in a 200: Overloaded",
    );
    check("{\"content\":[{\"type\":\"text\",\"text\":\"a\nb\"}]}", "answered|a\nb|-|-|-|{}");
    check(
        r#"{"content":[{"type":"text","text":"a"}],"usage":{"input_tokens":-1,"output_tokens":"7"}}"#,
        "answered|a|-|-|7|{}",
    );
}
