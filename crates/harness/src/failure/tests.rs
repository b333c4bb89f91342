use super::*;

/// `kind/again/blame`, or what the refusal says.
fn summary(read: Result<Answer, AttemptError>) -> String {
    match read {
        Ok(answer) => format!("{}: {}", answer.outcome, answer.output),
        Err(AttemptError { failure, retryable, fault_scope, .. }) => {
            format!("{}/{retryable:?}/{fault_scope:?}", failure.kind.as_str())
        }
    }
}

fn check_status(status: u16, body: &str, expected: &str) {
    assert_eq!(summary(read_error(status, body)), expected, "{status} {body}");
}

fn check_message(status: u16, body: &str, expected: &str) {
    let message = read_error(status, body).map_err(|error| error.failure.message);
    assert_eq!(message, Err(expected.to_owned()), "{status} {body}");
}

#[test]
fn a_status_says_what_to_do() {
    let body = r#"{"error":{"message":"bad key"}}"#;
    check_status(401, body, "auth/Never/Key");
    check_status(403, body, "auth/Never/Endpoint");
    check_status(400, r#"{"detail":"x"}"#, "bad_request/Never/Request");
    check_status(404, "", "bad_request/Never/Endpoint");
    check_status(408, "", "server/Yes/Request");
    check_status(409, "", "server/Yes/Request");
    check_status(425, "", "server/Yes/Request");
    check_status(429, "\"slow\"", "rate_limited/Yes/Request");
    check_status(503, "<b>", "server/Yes/Request");
    check_status(529, "x", "server/Yes/Request");
    check_status(422, "[7]", "bad_request/Never/Request");
}

#[test]
fn a_message_is_found_wherever_it_stands() {
    check_message(401, r#"{"error":{"message":"bad key"}}"#, "HTTP 401 Unauthorized: bad key");
    check_message(400, r#"{"detail":"x"}"#, "HTTP 400 Bad Request: x");
    check_message(404, "", "HTTP 404 Not Found");
    check_message(429, "\"slow\"", "HTTP 429 Too Many Requests: slow");
    check_message(529, "x", "HTTP 529: x");
    check_message(422, "[7]", "HTTP 422 Unprocessable Entity: [7]");
    check_message(400, r#"{"error":"no"}"#, "HTTP 400 Bad Request: no");
    check_message(400, r#"[{"error":{"code":400,"message":"a"}}]"#, "HTTP 400 Bad Request: a");
    check_message(
        500,
        r#"{"detail":[{"loc":["body"],"msg":"b"}]}"#,
        "HTTP 500 Internal Server Error: b",
    );
    check_message(
        502,
        "<html><head><title>502 Bad\nGateway</title>",
        "HTTP 502 Bad Gateway: 502 Bad Gateway",
    );
    check_message(
        500,
        r#"{"success":false,"errors":[{"code":7,"message":"c"}]}"#,
        "HTTP 500 Internal Server Error: c",
    );
}

/// Each vendor's way of saying that the account is empty.
#[test]
fn an_account_without_credit_ends_everything() {
    for (status, body) in [
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        ),
        (429, r#"{"error":{"message":"You exceeded your current quota, please check your plan"}}"#),
        (
            400,
            r#"{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","code":"billing_hard_limit_reached"}}"#,
        ),
        (
            429,
            r#"{"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active","code":"billing_not_active"}}"#,
        ),
        (
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
        ),
        (
            402,
            r#"{"error":{"message":"This request requires more credits, or fewer max_tokens.","code":402}}"#,
        ),
        (402, ""),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#,
        ),
        (401, r#"{"error":{"message":"quota","type":"insufficient_quota","code":401}}"#),
        (429, r#"{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}"#),
        (
            429,
            r#"{"error":{"message":"Your account is suspended, please check your plan and billing details","type":"exceeded_current_quota_error"}}"#,
        ),
        (
            403,
            r#"{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}"#,
        ),
        (
            400,
            r#"{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing."}"#,
        ),
        (
            403,
            r#"{"error":"Your team has either used all available credits or reached its monthly spending limit."}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Budget has been exceeded! Current cost: 1.2, Max budget: 1.0","type":"budget_exceeded","code":"400"}}"#,
        ),
        (
            429,
            r#"{"error":{"code":429,"message":"Your prepayment credits are depleted.","status":"RESOURCE_EXHAUSTED"}}"#,
        ),
        (
            500,
            r#"{"error":{"code":"insufficient_user_quota","message":"user quota is not enough"}}"#,
        ),
    ] {
        check_status(status, body, "no_credit/Never/Account");
    }
}

#[test]
fn an_empty_account_is_said_where_the_server_says_nothing() {
    check_status(429, "insufficient_quota", "no_credit/Never/Account");
    check_message(402, "", "HTTP 402 Payment Required (the account has no credit left)");
}

/// What sounds like an empty account, and is a limit of rate.
#[test]
fn a_limit_of_rate_is_waited_out() {
    for (status, body) in [
        (
            429,
            r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. For more information head over to: https://ai.google.dev/gemini-api/docs/rate-limits.","status":"RESOURCE_EXHAUSTED"}}"#,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"Quota exceeded for quota metric 'Generate Content API requests per minute'","status":"RESOURCE_EXHAUSTED","details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}]"#,
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000. Please add a payment method to your account to increase your rate limit. Visit https://platform.openai.com/account/billing","type":"tokens","code":"rate_limit_exceeded"}}"#,
        ),
        (
            429,
            r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation have exceeded call rate limit of your current OpenAI S0 pricing tier. Please go here: https://aka.ms/oai/quotaincrease"}}"#,
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429}}"#,
        ),
        (
            429,
            r#"{"code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}"#,
        ),
        (
            403,
            r#"{"error":{"code":403,"errors":[{"reason":"rateLimitExceeded"}],"message":"Rate Limit Exceeded"}}"#,
        ),
    ] {
        check_status(status, body, "rate_limited/Yes/Request");
    }
    // More than a minute's worth in one request never fits.
    let too_large = r#"{"error":{"message":"Request too large on tokens per minute (TPM): Limit 6000, Requested 7000","code":"rate_limit_exceeded"}}"#;
    check_status(413, too_large, "bad_request/Never/Request");
}

#[test]
fn words_say_more_than_a_status_of_400() {
    let google = r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#;
    check_status(400, google, "auth/Never/Key");
    let parameter = r#"{"error":{"message":"Unsupported parameter: 'max_tokens'","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;
    check_status(400, parameter, "bad_request/Never/Endpoint");
    check_status(
        400,
        r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
        "bad_request/Never/Endpoint",
    );
    let long = r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
    check_status(400, long, "bad_request/Never/Request");
}

#[test]
fn a_filtered_prompt_is_a_refusal() {
    check_status(
        400,
        r#"{"error":{"message":"filtered","code":"content_filter"}}"#,
        "refused: filtered",
    );
    let azure = r#"{"error":{"message":"f","code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    check_status(400, azure, "refused: f");
    check_status(400, r#"{"code":"data_inspection_failed","message":"f"}"#, "refused: f");
    check_status(500, r#"{"error":{"message":"f","code":"content_filter"}}"#, "server/Yes/Request");
}

fn check_success(error: &str, expected: &str) {
    let error: Value = serde_json::from_str(error).expect("JSON");
    assert_eq!(summary(within_success(&error)), expected, "{error}");
}

#[test]
fn an_error_in_a_success_passes_unless_it_says_otherwise() {
    let passes = "server/Yes/Request";
    check_success(r#"{"message":"Provider returned error","type":"server_error"}"#, passes);
    check_success(r#"{"message":"slow down","code":"429"}"#, "rate_limited/Yes/Request");
    check_success(
        r#"{"message":"slow down","code":"rate_limit_exceeded"}"#,
        "rate_limited/Yes/Request",
    );
    check_success(r#"{"message":"upstream died","code":502}"#, passes);
    check_success(r#"{"message":"Overloaded","type":"overloaded_error"}"#, passes);
    check_success(r#""odd""#, passes);
    check_success(r#"{"object":"error","message":"internal","code":50001}"#, passes);
    check_success(r#"{"detail":"Internal Server Error"}"#, passes);
    check_success("7", passes);
    check_success(r#"{"message":"no","code":"invalid_api_key"}"#, "auth/Never/Key");
    check_success(r#"{"message":"no","code":401}"#, "auth/Never/Key");
    check_success(r#"{"message":"no","code":"model_not_found"}"#, "bad_request/Never/Endpoint");
    check_success(r#""model 'x' not found, try pulling it first""#, "bad_request/Never/Endpoint");
    check_success(
        r#"{"message":"no","code":"context_length_exceeded"}"#,
        "bad_request/Never/Request",
    );
    check_success(
        r#"{"message":"the maximum context length is 8192"}"#,
        "bad_request/Never/Request",
    );
    check_success(
        r#"{"detail":[{"loc":["body","messages"],"msg":"field required"}]}"#,
        "bad_request/Never/Request",
    );
    check_success(r#"{"message":"no","code":"insufficient_quota"}"#, "no_credit/Never/Account");
    check_success(
        r#"{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
        "no_credit/Never/Account",
    );
    check_success(r#"{"message":"f","code":"content_policy_violation"}"#, "refused: f");
}

#[test]
fn what_says_nothing_is_no_error() {
    for (error, expected) in [
        ("null", false),
        ("false", false),
        (r#""""#, false),
        ("{}", false),
        ("[]", false),
        ("[null]", false),
        (r#""x""#, true),
        (r#"{"code":1}"#, true),
        ("1", true),
    ] {
        let error: Value = serde_json::from_str(error).expect("JSON");
        assert_eq!(is_error(&error), expected, "{error}");
    }
}
