//! Vendors' words for failures: codes, phrases, and the fields that they stand in.

/// What a failure is about. Where words disagree, the first one here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The account has no credit left.
    NoCredit,
    /// A content policy stopped the prompt or the answer.
    Filtered,
    /// The key is not accepted.
    Key,
    /// The same for every request: no such model, no such parameter.
    Everything,
    /// Too many requests for now.
    RateLimited,
    /// The server has too much to do.
    Overloaded,
    /// This request will never do.
    Request,
    /// The server's own error, which may pass.
    Server,
}

/// Codes and types, in lower case and without any marks.
pub(super) const CODES: [(Cause, &[&str]); 8] = [
    (
        Cause::NoCredit,
        &[
            "insufficientquota",
            "insufficientuserquota",
            "exceededcurrentquotaerror",
            "quotaexhausted",
            "insufficientbalance",
            "notenoughbalance",
            "insufficientcredits",
            "insufficientcredit",
            "notenoughcredits",
            "insufficientfunds",
            "creditexhausted",
            "creditsexhausted",
            "outofcredits",
            "billinghardlimitreached",
            "billinglimitreached",
            "billingnotactive",
            "accountbillingnotactive",
            "billingerror",
            "paymentrequired",
            "arrearage",
            "accountoverdueerror",
            "budgetexceeded",
            "spendinglimitreached",
            "spendlimitexceeded",
            "spendlimitreached",
        ],
    ),
    (
        Cause::Filtered,
        &[
            "contentfilter",
            "contentfiltered",
            "contentpolicy",
            "contentpolicyviolation",
            "responsibleaipolicyviolation",
            "datainspectionfailed",
            "moderationblocked",
            "promptblocked",
            "sensitivecontent",
        ],
    ),
    (
        Cause::Key,
        &[
            "invalidapikey",
            "incorrectapikey",
            "apikeyinvalid",
            "missingapikey",
            "authenticationerror",
            "invalidauthentication",
            "invalidauthenticationerror",
            "autherror",
            "unauthorized",
            "unauthenticated",
            "accountdeactivated",
            "accessterminated",
        ],
    ),
    (
        Cause::Everything,
        &[
            "modelnotfound",
            "modelnotexist",
            "modelnotsupported",
            "invalidmodel",
            "unsupportedmodel",
            "deploymentnotfound",
            "notfound",
            "notfounderror",
            "unknownurl",
            "unsupportedparameter",
            "unknownparameter",
        ],
    ),
    (
        Cause::RateLimited,
        &[
            "ratelimit",
            "ratelimited",
            "ratelimiterror",
            "ratelimitederror",
            "ratelimitexceeded",
            "ratelimitreached",
            "ratelimitreachederror",
            "toomanyrequests",
            "throttled",
            "throttling",
            "throttlingexception",
            "resourceexhausted",
            "quotaexceeded",
            "requestlimitexceeded",
        ],
    ),
    (
        Cause::Overloaded,
        &[
            "overloaded",
            "overloadederror",
            "engineoverloaded",
            "engineoverloadederror",
            "modeloverloaded",
            "serveroverloaded",
            "serverisoverloaded",
            "slowdown",
            "serviceunavailable",
            "serviceunavailableerror",
            "unavailable",
        ],
    ),
    (
        Cause::Request,
        &[
            "contextlengthexceeded",
            "contextwindowexceeded",
            "stringabovemaxlength",
            "requesttoolarge",
            "invalidrequest",
            "invalidrequesterror",
            "invalidargument",
            "invalidparameter",
            "invalidparametererror",
            "badrequest",
            "badrequesterror",
            "validationerror",
            "unprocessableentity",
        ],
    ),
    (
        Cause::Server,
        &[
            "servererror",
            "internal",
            "internalerror",
            "internalservererror",
            "upstreamerror",
            "badgateway",
            "gatewaytimeout",
            "timeout",
            "networkerror",
        ],
    ),
];

/// What messages say where no code does, in lower case.
pub(super) const PHRASES: [(Cause, &[&str]); 5] = [
    (
        Cause::NoCredit,
        &[
            "insufficient_quota",
            "insufficient quota",
            "insufficient balance",
            "insufficient credit",
            "insufficient fund",
            "balance is insufficient",
            "balance is too low",
            "not enough credit",
            "not enough balance",
            "quota is not enough",
            "out of credits",
            "no credits",
            "used all available credits",
            "credits are depleted",
            "requires more credits",
            "credit limit exceeded",
            "spending limit",
            "included credits",
            "billing hard limit",
            "billing is not active",
            "check your billing",
            "invalid_payment_instrument",
            "budget has been exceeded",
            "payment required",
            "update your payment method",
            "calls / month",
            "余额不足",
            "欠费",
        ],
    ),
    (
        Cause::Key,
        &[
            "invalid api key",
            "invalid api token",
            "incorrect api key",
            "api key not valid",
            "no auth credentials",
        ],
    ),
    (
        Cause::Everything,
        &["model not found", "no such model", "unknown model", "is not a valid model"],
    ),
    (Cause::RateLimited, &["rate limit", "too many requests"]),
    (
        Cause::Request,
        &[
            "context length",
            "context_length",
            "context window",
            "context size",
            "maximum context",
            "prompt is too long",
        ],
    ),
];

/// OpenAI's words for an account without credit, and Google's for a limit of rate.
pub(super) const CURRENT_QUOTA: &str = "exceeded your current quota";

/// Fields that hold a code or a type.
pub(super) const CODE_FIELDS: [&str; 7] =
    ["code", "type", "status", "error_code", "error_type", "reason", "status_code"];

/// Fields that hold a message, or an object with one.
pub(super) const MESSAGE_FIELDS: [&str; 14] = [
    "message",
    "detail",
    "msg",
    "error_msg",
    "error_message",
    "errorMessage",
    "status_msg",
    "Message",
    "description",
    "error",
    "errors",
    "base_resp",
    "innererror",
    "title",
];
