//! Logprobs: who is asked for them, and how that is written.

use super::providers::address;

#[test]
fn logprobs_are_asked_of_whoever_has_them() {
    let check = |provider: &str, params: &str, expected: &str| {
        let told =
            address(&format!("provider: {provider}, base_url: 'http://h', params: {params}"));
        let told = told.unwrap_or_else(|error| error);
        assert!(told.contains(expected), "{provider} {params}: {told}");
        // Once, and not as a parameter that is unknown besides.
        assert!(!told.contains("has no parameter"), "{told}");
    };
    let is_fine = |provider: &str, params: &str| check(provider, params, "http://h");
    for params in
        ["logprobs: true, top_logprobs: 3", "logprobs: 5", "logprobs: 0", "logprobs: false"]
    {
        is_fine("openai", &format!("{{ {params} }}"));
    }
    is_fine("openai", "{ top_logprobs: 3, include: [x] }");
    is_fine("openai", "{ top_logprobs: 0 }");
    is_fine("talker", "{ logprobs: true, top_logprobs: 0 }");
    is_fine("placed", "{ logprobs: false }");
    is_fine("placed", "{ logprobs: null, extra: { logprobs: true } }");
    check(
        "placed",
        "{ logprobs: true }",
        "model `small` asks for logprobs, which `provider: placed` lacks",
    );
    check(
        "placed",
        "{ logprobs: 0 }",
        "leave it out, or ask a provider that has it: `openai`, `talker`",
    );
    let alternatives = "asks for logprobs of alternatives, which `provider: talker` lacks";
    check("talker", "{ logprobs: true, top_logprobs: 1 }", alternatives);
    check("talker", "{ logprobs: 1 }", alternatives);
    check("openai", "{ top_logprobs: 3 }", "write `logprobs: true` beside it");
    check("openai", "{ logprobs: yes please }", "`logprobs` is `true`, or how many");
    check("openai", "{ logprobs: -1 }", "`logprobs` is `true`, or how many");
    check(
        "openai",
        "{ logprobs: true, top_logprobs: many }",
        "`top_logprobs` is a whole number, not \"many\"",
    );
}

#[test]
fn own_servers_take_logprobs_in_their_own_form() {
    let check = |provider: &str, params: &str, expected: &str| {
        let told = address(&format!("provider: {provider}, params: {params}"));
        let told = told.unwrap_or_else(|error| error);
        assert!(told.contains(expected), "{provider} {params}: {told}");
    };
    for params in ["logprobs: true, top_logprobs: 20", "logprobs: false", "logprobs: true"] {
        check("openai", &format!("{{ {params} }}"), "https://api.example.com");
    }
    check("openai", "{ logprobs: 5 }", "is `true` or `false`, not 5");
    check("openai", "{ logprobs: 5 }", "write `logprobs: true` and `top_logprobs: 5`");
    check("openai", "{ logprobs: true, top_logprobs: 50 }", "is a number from 0 to 20");
    check("openai, base_url: 'http://h'", "{ logprobs: 50 }", "http://h");
}

#[test]
fn a_limit_leaves_room_for_an_answer() {
    let check = |provider: &str, params: &str, expected: &str| {
        let told =
            address(&format!("provider: {provider}, base_url: 'http://h', params: {params}"));
        let told = told.unwrap_or_else(|error| error);
        assert!(told.contains(expected), "{provider} {params}: {told}");
    };
    check("openai", "{ max_tokens: 1 }", "http://h");
    check("openai", "{ max_tokens: -1 }", "http://h");
    check("openai", "{ max_tokens: 0 }", "`max_tokens` is a whole number from 1, not 0");
    check("openai", "{ max_tokens: 1.5 }", "`max_tokens` is a whole number from 1, not 1.5");
    check("talker", "{ limit: -1 }", "`limit` is a whole number from 1, not -1");
}
