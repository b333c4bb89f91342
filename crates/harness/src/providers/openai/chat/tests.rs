use super::*;

/// `outcome|output|finish_reason|tokens in|tokens out`, or `kind/retryable: message`.
fn summary(read: Result<Answer, AttemptError>) -> String {
    let number = |tokens: Option<u64>| tokens.map_or("-".into(), |n| n.to_string());
    match read {
        Ok(answer) => format!(
            "{}|{}|{}|{}|{}",
            answer.outcome,
            answer.output,
            answer.finish_reason.map_or("-".into(), String::from),
            number(answer.usage.input_tokens),
            number(answer.usage.output_tokens)
        ),
        Err(AttemptError { failure, retryable, .. }) => {
            format!("{}/{retryable:?}: {}", failure.kind.as_str(), failure.message)
        }
    }
}

fn check(body: &str, expected: &str) {
    assert_eq!(summary(read(body, "m")), expected, "{body}");
}

#[test]
fn reads_answers() {
    check(
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        "answered|hi|length|3|1",
    );
    check(r#"{"choices":[{"message":{"content":""}}],"usage":7}"#, "answered||-|-|-");
    check(
        r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},"finish_reason":3}],"error":null}"#,
        "answered|ab|-|-|-",
    );
    check(
        r#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"x"}]},"finish_reason":"tool_calls"}]}"#,
        r#"answered|[{"id":"x"}]|tool_calls|-|-"#,
    );
}

/// What is told beside the text, as JSON.
fn check_details(body: &str, expected: &str) {
    let answer = read(body, "m").expect(body);
    assert_eq!(answer.details.unwrap_or_default().to_json(), expected, "{body}");
}

#[test]
fn text_reasoning_and_calls_are_apart_and_figures_beside_them() {
    check_details(r#"{"model":"m","choices":[{"message":{"content":"hi"}}]}"#, "{}");
    check_details(
        r#"{"model":"m-2025","system_fingerprint":"fp","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":7}}}"#,
        r#"{"cached_tokens":8,"reasoning_tokens":7,"model":"m-2025","system_fingerprint":"fp"}"#,
    );
    check_details(
        r#"{"model":7,"system_fingerprint":null,"choices":[{"message":{"content":"hi","reasoning":"hm"}}],"usage":{"prompt_cache_hit_tokens":5}}"#,
        r#"{"cached_tokens":5,"reasoning":"hm"}"#,
    );
    check_details(
        r#"{"choices":[{"message":{"content":"see","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"odd"}]}}]}"#,
        r#"{"tool_calls":[{"id":"c","name":"f","arguments":"{\"a\":1}"}]}"#,
    );
}

#[test]
fn reads_refusals() {
    check(
        r#"{"choices":[{"message":{"content":null,"refusal":"I won't"},"finish_reason":"stop"}]}"#,
        "refused|I won't|stop|-|-",
    );
    check(
        r#"{"choices":[{"message":{"content":[{"type":"refusal","refusal":"no"}]}}]}"#,
        "refused|no|-|-|-",
    );
    check(
        r#"{"choices":[{"message":{"content":null},"finish_reason":"content_filter"}]}"#,
        "refused||content_filter|-|-",
    );
}

#[test]
fn what_holds_an_answer_in_another_shape_is_not_bought_again() {
    let shape = "malformed/Never: the response is not a chat completion: ";
    check(
        r#"{"choices":[{"message":{"content":7}}]}"#,
        &format!("{shape}`content` is neither text nor a list of parts"),
    );
    check(
        r#"{"choices":"x"}"#,
        &format!(r#"{shape}invalid type: string "x", expected a sequence at line 1 column 14"#),
    );
    check(
        r#"{"choices":[{"text":"x"}]}"#,
        &format!("{shape}missing field `message`; it is a text completion"),
    );
    let calls = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    check(
        &format!(r#"{{"choices":[{{"message":{{"content":null,"tool_calls":{calls}}}}}]}}"#),
        &format!("{shape}it is nested too deeply"),
    );
    check(
        &format!(r#"{{"choices":[{{"message":{{"content":"x","extra":{calls}}}}}]}}"#),
        "answered|x|-|-|-",
    );
}

#[test]
fn what_holds_no_answer_is_tried_again() {
    let none = "malformed/Yes: the response holds no answer: ";
    check(r#"{"choices":[]}"#, &format!("{none}`choices` is empty"));
    for body in ["{}", "7", "[]", r#"{"choices":null}"#, r#"{"status":"ok"}"#] {
        check(body, "malformed/Yes: the response is not a chat completion: no `choices`");
    }
    check(
        r#"{"choices":[{"index":0,"message":null,"finish_reason":"stop"}]}"#,
        &format!("{none}`message` is null"),
    );
    check(r#"{"choices":[{"index":0}]}"#, &format!("{none}`message` is null"));
    check(
        r#"{"choices":[{"message":{"content":null}}]}"#,
        &format!("{none}`content` is null, and no `finish_reason` says why"),
    );
}

#[test]
fn a_model_that_says_nothing_and_why_it_ended_gave_an_empty_answer() {
    for content in ["null", "[]", r#""""#] {
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"stop"}}]}}"#
        );
        check(&body, "answered||stop|-|-");
    }
}

#[test]
fn a_provider_that_failed_is_tried_again() {
    let with = |reason: &str, native: &str| {
        format!(
            r#"{{"choices":[{{"message":{{"content":"part of an"}},"finish_reason":{reason},"native_finish_reason":{native}}}]}}"#
        )
    };
    for (reason, native, named) in [
        (r#""error""#, "null", "error"),
        (r#""stop""#, r#""network_error""#, "network_error"),
        (r#""stop""#, r#""ERROR""#, "ERROR"),
        (r#""network_error""#, r#""stop""#, "network_error"),
        (r#""abort""#, "null", "abort"),
        (r#""insufficient_system_resource""#, "null", "insufficient_system_resource"),
    ] {
        let told = format!("server/Yes: the provider failed (finish reason: {named})");
        check(&with(reason, native), &told);
    }
    check(&with(r#""stop""#, r#""STOP""#), "answered|part of an|stop|-|-");
    check(&with(r#""stop""#, "{}"), "answered|part of an|stop|-|-");
    let choice =
        |error: &str| format!(r#"{{"choices":[{{"message":{{"content":""}},"error":{error}}}]}}"#);
    check(
        &choice(r#"{"code":502,"message":"idle"}"#),
        "server/Yes: the server reports an error in a 200: idle",
    );
    check(
        &choice(r#"{"code":400,"message":"no"}"#),
        "bad_request/Never: the server reports an error in a 200: no",
    );
    check(&choice("null"), "answered||-|-|-");
}

#[test]
fn a_model_that_used_its_tokens_up_gave_an_empty_answer() {
    for reason in ["length", "max_tokens", "MAX_TOKENS", "incomplete", "model_length"] {
        check(
            &format!(
                r#"{{"choices":[{{"message":{{"content":null,"reasoning_content":"hm"}},"finish_reason":"{reason}"}}],"usage":{{"prompt_tokens":10,"completion_tokens":1000}}}}"#
            ),
            &format!("answered||{reason}|10|1000"),
        );
    }
    let thought = |message: &str, usage: &str| {
        format!(r#"{{"choices":[{{"message":{message},"finish_reason":"stop"}}],"usage":{usage}}}"#)
    };
    check(&thought(r#"{"content":null,"reasoning":"hm"}"#, "null"), "answered||stop|-|-");
    check(
        &thought(
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}"#,
            "null",
        ),
        "answered||stop|-|-",
    );
    let usage = r#"{"completion_tokens":7,"completion_tokens_details":{"reasoning_tokens":7}}"#;
    check(&thought(r#"{"content":null}"#, usage), "answered||stop|-|7");
}

#[test]
fn thoughts_are_no_part_of_the_answer() {
    for content in [
        r#"[{"type":"thinking","thinking":"hm"},{"type":"text","text":"yes"}]"#,
        r#"[{"type":"reasoning","text":"hm"},{"type":"output_text","text":"yes"}]"#,
        r#"[{"text":"hm","thought":true},{"text":"yes"}]"#,
        r#"[{"type":"text","text":{"value":"yes"}}]"#,
        r#"["y","es"]"#,
        r#"{"type":"text","text":"yes"}"#,
    ] {
        check(
            &format!(r#"{{"choices":[{{"message":{{"content":{content},"reasoning":"hm"}}}}]}}"#),
            "answered|yes|-|-|-",
        );
    }
    check(
        r#"{"choices":[{"message":{"content":null,"function_call":{"name":"f","arguments":"{}"}}}]}"#,
        r#"answered|[{"type":"function","function":{"name":"f","arguments":"{}"}}]|-|-|-"#,
    );
}

#[test]
fn an_odd_usage_never_costs_an_answer() {
    for (usage, expected) in [
        ("7", "-|-"),
        ("null", "-|-"),
        (r#"{"prompt_tokens":null,"completion_tokens":"12"}"#, "-|12"),
        (r#"{"prompt_tokens":-1,"completion_tokens":12.0}"#, "-|12"),
        (r#"{"prompt_tokens":18446744073709551615,"completion_tokens":1e400}"#, "-|-"),
        (r#"{"prompt_tokens":18446744073709551616,"completion_tokens":1e300}"#, "-|-"),
        (r#"{"prompt_tokens":100000001,"completion_tokens":100000000}"#, "-|100000000"),
        (r#"{"input_tokens":3,"output_tokens":4}"#, "3|4"),
        (r#"{"prompt_tokens":[],"completion_tokens":true}"#, "-|-"),
    ] {
        check(
            &format!(r#"{{"choices":[{{"message":{{"content":"a"}}}}],"usage":{usage}}}"#),
            &format!("answered|a|-|{expected}"),
        );
    }
}

#[test]
fn describes_what_is_no_json() {
    check("", "malformed/Yes: the response has an empty body");
    check(
        "<html>\n<b>502",
        "malformed/Yes: the response is a page of HTML or XML, not JSON: <html> <b>502",
    );
    check(
        "what?",
        "malformed/Yes: the response is not JSON (expected value at line 1 column 1): what?",
    );
    check(
        r#"{"choices":[{"mess"#,
        r"connection/Yes: the connection broke in the middle of the response",
    );
}

#[test]
fn what_other_clients_read_is_read() {
    let body = |content: &str| format!(r#"{{"choices":[{{"message":{{"content":{content}}}}}]}}"#);
    check(&body(r#""a\ud83d""#), "answered|a\u{fffd}|-|-|-");
    check(&body(r#"[{"text":"\ud83d"}]"#), "answered|\u{fffd}|-|-|-");
    check(&format!("\u{feff}{}", body(r#""yes""#)), "answered|yes|-|-|-");
    check(&body("\"two\nlines\""), "answered|two\nlines|-|-|-");
    check(r#"{"choices":[{"message":{"content":"a"},"logprobs":NaN}]}"#, "answered|a|-|-|-");
    check(r#"{"choices":[],"choices":[{"message":{"content":"last"}}]}"#, "answered|last|-|-|-");
    check(
        r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
        "answered|a|stop|-|-",
    );
}

#[test]
fn a_stream_that_nobody_asked_for_is_put_together() {
    let part = |delta: &str, reason: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n")
    };
    let yes =
        [part(r#"{"content":"y"}"#, "null"), part(r#"{"content":"es"}"#, r#""stop""#)].concat();
    check(&format!("{yes}data: [DONE]\n\n"), "answered|yes|stop|-|-");
    check(
        &part(r#"{"content":"y"}"#, "null"),
        "connection/Yes: the connection broke: the server streams although it was not asked to, \
         and the stream breaks off",
    );
    check(
        &format!("{yes}data: {{\"error\":{{\"message\":\"died\",\"code\":503}}}}\n\n"),
        "server/Yes: the server reports an error in a 200: died",
    );
    check(&part(r#"{"reasoning":"hm"}"#, r#""length""#), "answered||length|-|-");
    check(&part("{}", r#""error""#), "server/Yes: the provider failed (finish reason: error)");
    check(
        "event: error\ndata: {\"code\":\"insufficient_quota\",\"message\":\"m\"}\n\n",
        "no_credit/Never: the server reports an error in a 200: m (the account has no credit left)",
    );
}

#[test]
fn an_error_in_a_success_is_no_answer() {
    check(
        r#"{"error":{"message":"upstream\ndied","code":502}}"#,
        "server/Yes: the server reports an error in a 200: upstream died",
    );
    check(r#"{"error":"odd"}"#, "server/Yes: the server reports an error in a 200: odd");
}
