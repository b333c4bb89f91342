//! Requests that are signed with credentials which were looked for, and what is shown of these.

use std::{collections::HashMap, fmt::Write as _};

use evalmark_core::{
    model::{ModelServer, Provider},
    model_key::ModelKey,
};
use evalmark_harness::CredentialEnvironment;
use evalmark_loopback::{Reply, Seen, Server, bedrock, gemini};
use serde_json::json;

use crate::setup::{Setup, limits, model_at};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "a-session-token/that+is=lent";

/// Asks `n` requests, one after the other, with what these variables say. Returns all that is shown
/// of it, files included.
fn asked(server: &Server, n: u64, variables: &[(&str, &str)]) -> String {
    asked_of(("bedrock", "AWS_SECRET_ACCESS_KEY"), server, n, variables)
}

/// The same of another provider, whose credentials this variable stands for.
fn asked_of(
    (provider, variable): (&'static str, &str),
    server: &Server,
    n: u64,
    variables: &[(&str, &str)],
) -> String {
    let setup = Setup::new();
    let all = [("AWS_EC2_METADATA_DISABLED", "true")];
    let all = all.iter().chain(variables);
    let variables: HashMap<_, _> =
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment = CredentialEnvironment { variables, ..CredentialEnvironment::default() };
    let setup = Setup { network: setup.network.clone().with_credentials(environment), ..setup };
    let mut model = model_at(&server.url(), limits());
    (model.limits.concurrency, model.limits.attempts) = (1, 1);
    model.provider = Provider::Server(ModelServer {
        key: ModelKey::Variables(vec![variable.to_owned()]),
        region: Some("eu-west-1".to_owned()),
        ..ModelServer::open(provider, server.url())
    });
    let endpoint = setup.open(&model);
    let asked = setup.ask(&endpoint, n);
    let mut shown = format!("{asked:?} {endpoint:?} {:?}", endpoint.down());
    for file in ["ledger.sqlite", "ledger.sqlite-wal"] {
        let bytes = std::fs::read(setup.folder.path().join(file)).expect("the ledger");
        shown.push_str(&String::from_utf8_lossy(&bytes));
    }
    shown
}

/// A server that repeats a secret in every place that a text can stand.
fn parrot(seen: &Seen) -> Reply {
    let secret = format!("{SECRET} {TOKEN}");
    let escaped = secret.chars().fold(String::new(), |mut text, character| {
        let _ = write!(text, "\\u{:04x}", u32::from(character));
        text
    });
    match seen.index {
        0 => bedrock::text(&secret),
        1 => bedrock::message(&json!([{ "text": "ok" }]), &secret),
        2 => bedrock::error(400, "ValidationException", &secret),
        3 => Reply::status(400).body(format!("{{\"message\":\"{escaped}\"}}")),
        4 => bedrock::error(200, "ValidationException", &secret),
        5 => Reply::status(307).header("location", "http://example.com/").body(secret),
        _ => Reply::bytes(format!("{{\"output\":\"{escaped}\"}}")),
    }
}

#[test]
fn a_signed_request_names_its_key_and_shows_no_secret() {
    let server = Server::start(parrot);
    let own = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", TOKEN),
    ];
    let shown = asked(&server, 7, &own);
    let requests = server.requests();
    assert_eq!(requests.len(), 7);
    for seen in &requests {
        let authorization = seen.header("authorization").expect("a signature");
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
        assert!(authorization.contains("/eu-west-1/bedrock/aws4_request"), "{authorization}");
        assert_eq!(seen.header("x-amz-security-token"), Some(TOKEN));
        assert!(!authorization.contains(SECRET));
    }
    assert!(shown.contains("[redacted]"));
    for part in [SECRET, TOKEN, "EXAMPLEKEY", "that+is"] {
        assert!(!shown.contains(part), "{part} is shown");
    }
}

/// A server that lends credentials which end then, and answers.
fn lender(ends: &'static str) -> Server {
    Server::start(move |seen| match seen.path.as_str() {
        "/v1/lent" => Reply::json(&json!({
            "AccessKeyId": "AKIDLENT", "SecretAccessKey": SECRET, "Token": TOKEN, "Expiration": ends,
        })),
        _ => bedrock::text("yes"),
    })
}

#[test]
fn lent_credentials_are_fetched_once_and_anew_before_they_end() {
    let soon = std::time::SystemTime::now() + std::time::Duration::from_mins(1);
    let soon: &str = humantime::format_rfc3339_seconds(soon).to_string().leak();
    for (ends, times) in [("2999-01-01T00:00:00Z", 1), (soon, 3)] {
        let server = lender(ends);
        let address = format!("{}/lent", server.url());
        let shown = asked(&server, 3, &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &address)]);
        let requests = server.requests();
        let (fetched, asked): (Vec<_>, Vec<_>) =
            requests.iter().partition(|seen| seen.path == "/v1/lent");
        assert_eq!((fetched.len(), asked.len()), (times, 3), "{ends}");
        let authorization = asked[2].header("authorization").expect("a signature");
        assert!(authorization.contains("Credential=AKIDLENT/"), "{authorization}");
        assert!(!shown.contains(SECRET) && !shown.contains(TOKEN));
    }
}

#[test]
fn without_credentials_nothing_is_sent() {
    let server = Server::start(|_| bedrock::text("yes"));
    let shown = asked(&server, 1, &[]);
    assert_eq!(server.count(), 0);
    assert!(shown.contains("no AWS credentials are found"), "{shown}");
}

#[test]
fn tokens_come_from_a_file_or_from_the_machine() {
    const LENT: &str = "ya29.a-token-that-is-lent";
    let server = Server::start(|seen| match seen.path.as_str() {
        "/token" => Reply::json(&json!({ "access_token": LENT, "expires_in": 3_600 })),
        path if path.starts_with("/computeMetadata/") => {
            assert_eq!(seen.header("metadata-flavor"), Some("Google"));
            Reply::json(&json!({ "access_token": LENT, "expires_in": 30 }))
        }
        _ => gemini::text(&format!("{LENT} of-the-client a-refresh-token")),
    });
    let place = server.url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("user.json");
    let user = json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "of-the-client",
        "refresh_token": "a-refresh-token", "quota_project_id": "payer",
        "token_uri": format!("http://{place}/token"),
    });
    std::fs::write(&file, user.to_string()).expect("a file");
    let file = file.display().to_string();
    for (variable, value, secrets, times) in [
        ("GOOGLE_APPLICATION_CREDENTIALS", &file, &["of-the-client", "a-refresh-token"][..], 1),
        ("GCE_METADATA_HOST", &place, &[][..], 3),
    ] {
        let before = server.requests().len();
        let vertex = ("vertex", "GOOGLE_APPLICATION_CREDENTIALS");
        let shown = asked_of(vertex, &server, 3, &[(variable, value)]);
        let requests = server.requests();
        let (asked, fetched): (Vec<_>, Vec<_>) =
            requests[before..].iter().partition(|seen| seen.path.contains("/publishers/"));
        assert_eq!((asked.len(), fetched.len()), (3, times), "{variable}");
        let bearer = format!("Bearer {LENT}");
        assert_eq!(asked[0].header("authorization"), Some(bearer.as_str()));
        let payer = (times == 1).then_some("payer");
        assert_eq!(asked[0].header("x-goog-user-project"), payer);
        assert!(shown.contains("[redacted]"));
        for secret in secrets.iter().chain([&LENT]) {
            assert!(!shown.contains(secret), "{secret} is shown");
        }
    }
}
