//! Envelopes: what is accepted, and that every changed byte is refused.

use std::{collections::BTreeMap, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_core::verdict::Answer;
use evalmark_store::{
    attestation::{
        Envelope, NoVerdict, Resource, SignatureProblem, SignatureRule, Statement, TestOutcome,
        TestResult, VerifyError, pae,
    },
    signing::{AllowedSigners, SigningKey},
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::keys::{key, signers};

const AT: &str = "2026-11-28T12:00:00Z";

fn rule(threshold: usize) -> SignatureRule {
    SignatureRule { threshold, at: AT.parse::<Timestamp>().unwrap() }
}

fn statement() -> Statement {
    let answers =
        [("exact", Answer::Pass), ("helpful", Answer::Inconclusive), ("short", Answer::Improved)];
    let configuration = vec![
        Resource::of_bytes("suites/support.yaml", b"name: support"),
        Resource::with_digest("datasets/support.csv", "blake3", "ab".repeat(32)),
    ];
    let result = TestResult::of_answers(answers, configuration).unwrap();
    Statement::new(vec![Resource::of_bytes("prompts/reply.j2", b"{{ text }}")], result)
}

fn signed(keys: &[&str]) -> Envelope {
    let mut envelope = Envelope::new(&statement());
    for name in keys {
        envelope.sign(&key(name)).unwrap();
    }
    envelope
}

fn verify(text: &[u8], threshold: usize) -> Result<Vec<String>, String> {
    static SIGNERS: LazyLock<AllowedSigners> = LazyLock::new(signers);
    let envelope = Envelope::parse(text).map_err(|error| error.to_string())?;
    let verified = envelope.verify::<TestResult>(&SIGNERS, &rule(threshold));
    let verified = verified.map_err(|error| error.to_string())?;
    Ok(verified.signers.into_iter().map(|signer| signer.name).collect())
}

#[test]
fn the_statement_is_in_totos() {
    let payload: Value = serde_json::from_slice(&statement().to_bytes()).unwrap();
    let expected = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{
            "name": "prompts/reply.j2",
            "digest": { "sha256": "511c2f57780cbb1b4ac32df2cb8eca2a4e17895cf35d00862d8ad8998b941491" },
        }],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": "WARNED",
            "configuration": [
                {
                    "name": "suites/support.yaml",
                    "digest": { "sha256": "e51dd741ea43a848c8fe46c2c7894655ab4d602e883798bfcc82f5804b4303f6" },
                },
                { "name": "datasets/support.csv", "digest": { "blake3": "ab".repeat(32) } },
            ],
            "passedTests": ["exact", "short"],
            "warnedTests": ["helpful"],
            "failedTests": [],
        },
    });
    assert_eq!(payload, expected);
}

#[test]
fn answers_become_results() {
    use Answer::{Improved, Incomparable, Inconclusive, Pass, Regressed};
    let check = |answers: &[Answer], expected: Result<TestOutcome, NoVerdict>| {
        let named = answers.iter().map(|answer| ("m", *answer));
        let result = TestResult::of_answers(named, Vec::new()).map(|result| result.result);
        assert_eq!(result, expected, "{answers:?}");
    };
    check(&[Pass], Ok(TestOutcome::Passed));
    check(&[Improved, Pass], Ok(TestOutcome::Passed));
    check(&[Pass, Inconclusive], Ok(TestOutcome::Warned));
    check(&[Inconclusive, Regressed, Pass], Ok(TestOutcome::Failed));
    check(&[Regressed, Incomparable], Err(NoVerdict::Incomparable("m".to_owned())));
    check(&[], Err(NoVerdict::NoMetric));
}

#[test]
fn signatures_count_by_name() {
    let check = |keys: &[&str], threshold, expected: Result<&[&str], &str>| {
        let found = verify(signed(keys).to_json().as_bytes(), threshold);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{keys:?}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{keys:?}: {found}"),
            (found, expected) => panic!("{keys:?}: {found:?} instead of {expected:?}"),
        }
    };
    let (ada, grace, joan) = ("ada@example.com", "grace@example.com", "joan@example.com");
    check(&["ssh-ed25519"], 1, Ok(&[ada]));
    check(&["p256.pem", "ssh-ed25519", "ed25519.pem"], 3, Ok(&[grace, ada, joan]));
    check(&["ssh-ed25519", "ssh-ed25519"], 1, Ok(&[ada]));
    check(
        &["ssh-ed25519", "ssh-ed25519"],
        2,
        Err("signatures of 2 people are needed; signed: ada@example.com"),
    );
    check(&[], 1, Err("1 signature is needed; nobody has"));
    check(&[], 0, Err("1 signature is needed; nobody has"));
    check(&["ssh-ed25519", "ssh-ecdsa"], 1, Err("by a key that no signer has: 46365246"));
}

#[test]
fn one_person_with_two_keys_is_one_person() {
    let line =
        |name: &str, file: &str| format!("{name} {}\n", key(file).public_key().to_open_ssh());
    let text = line("ada", "ssh-ed25519") + &line("ada", "p256.pem");
    let signers = AllowedSigners::parse(&text).unwrap();
    let envelope = signed(&["ssh-ed25519", "p256.pem"]);
    assert!(envelope.verify::<TestResult>(&signers, &rule(1)).is_ok());
    let refused = envelope.verify::<TestResult>(&signers, &rule(2)).unwrap_err();
    assert!(matches!(refused, VerifyError::TooFew { needed: 2, .. }), "{refused}");
}

#[test]
fn keys_count_for_their_purpose_and_time() {
    let open_ssh = key("ssh-ed25519").public_key().to_open_ssh();
    let check = |options: &str, expected: Option<&str>| {
        let signers = AllowedSigners::parse(&format!("ada {options} {open_ssh}")).unwrap();
        match signed(&["ssh-ed25519"]).verify::<TestResult>(&signers, &rule(1)) {
            Ok(_) => assert_eq!(expected, None, "{options}"),
            Err(error) => {
                let expected = expected.unwrap_or_else(|| panic!("{options}: {error}"));
                assert!(error.to_string().contains(expected), "{options}: {error}");
            }
        }
    };
    check("namespaces=\"evalmark\"", None);
    check("namespaces=\"git,eval*\"", None);
    check("namespaces=\"*\"", None);
    check(
        "namespaces=\"*,!evalmark\"",
        Some("the key of ada may sign for `*,!evalmark` only, not for `evalmark`"),
    );
    check("namespaces=\"git\"", Some("may sign for `git` only"));
    check("namespaces=\"evalmar?\"", None);
    check("namespaces=\"evalmark?\"", Some("may sign for"));
    check("valid-after=20261128Z", None);
    check("valid-after=20261129Z", Some("is valid only after 2026-11-29 00:00:00Z"));
    check("valid-before=20261128120001Z", None);
    check("valid-before=20261128120000Z", Some("was valid only before 2026-11-28 12:00:00Z"));
    let renewed =
        format!("ada valid-before=20260101Z {open_ssh}\nada valid-after=20260101Z {open_ssh}");
    let signers = AllowedSigners::parse(&renewed).unwrap();
    assert!(signed(&["ssh-ed25519"]).verify::<TestResult>(&signers, &rule(1)).is_ok());
}

/// Each bit of each byte, for each kind of key.
#[test]
fn every_changed_bit_is_refused() {
    for keys in
        [&["ssh-ed25519"][..], &["ed25519.pem"], &["p256.pem"], &["ssh-ed25519", "p256.pem"]]
    {
        let whole = signed(keys).to_json().into_bytes();
        assert_eq!(verify(&whole, keys.len()).unwrap().len(), keys.len());
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut text = whole.clone();
                text[at] ^= 1 << bit;
                // Even where fewer people would do.
                let found = verify(&text, 1);
                assert!(found.is_err(), "{keys:?}: byte {at}, bit {bit}: {found:?}");
            }
        }
    }
}

#[test]
fn a_cut_off_envelope_is_refused() {
    let whole = signed(&["ssh-ed25519"]).to_json();
    let whole = whole.trim_end();
    for at in 0..whole.len() {
        assert!(verify(&whole.as_bytes()[..at], 1).is_err(), "{at}");
    }
}

#[test]
fn a_wrong_signature_beside_right_ones_is_named() {
    let envelope = signed(&["ssh-ed25519", "p256.pem"]);
    let mut text: Value = serde_json::from_str(&envelope.to_json()).unwrap();
    text["signatures"][1]["sig"] = text["signatures"][0]["sig"].clone();
    let envelope = Envelope::parse(text.to_string().as_bytes()).unwrap();
    let refused = envelope.verify::<TestResult>(&signers(), &rule(1)).unwrap_err();
    let VerifyError::Signatures(problems) = &refused else { panic!("{refused}") };
    assert!(
        matches!(&problems[..], [SignatureProblem::Wrong { signer }] if signer.name.starts_with("grace"))
    );
}

/// Envelopes of others, which may look otherwise but not hold anything else.
#[test]
fn damaged_envelopes_say_why() {
    let good: Value = serde_json::from_str(&signed(&["ssh-ed25519"]).to_json()).unwrap();
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut text = good.clone();
        change(&mut text);
        let told = verify(text.to_string().as_bytes(), 1).unwrap_err();
        assert!(told.contains(expected), "{expected}: {told}");
    };
    check(&|v| v["payloadType"] = json!("application/json"), "of the type `application/json`");
    check(&|v| v["payloadType"] = json!("\u{1b}[2J"), "of the type `[2J`");
    check(&|v| v["more"] = json!(1), "no DSSE envelope");
    check(&|v| v["signatures"][0]["more"] = json!(1), "no DSSE envelope");
    check(&|v| v["signatures"] = json!({}), "no DSSE envelope");
    check(&|v| v["signatures"] = json!([]), "1 signature is needed");
    check(&|v| v["payload"] = json!("A"), "`payload` is no valid base64");
    check(&|v| v["signatures"][0]["sig"] = json!("=="), "`sig` is no valid base64");
    check(&|v| v["signatures"][0]["sig"] = json!(""), "the signature of ada@example.com is wrong");
    check(&|v| v["signatures"][0]["keyid"] = json!(""), "signature 1 has no `keyid`");
    check(&|v| v["signatures"][0]["keyid"] = json!("x\u{1b}[31m"), "no signer has: x[31m");
    check(
        &|v| v["signatures"] = json!([v["signatures"][0], v["signatures"][0]]),
        "two signatures with the `keyid`",
    );
    check(
        &|v| {
            v["signatures"] =
                (0..300).map(|n| json!({ "keyid": n.to_string(), "sig": "" })).collect();
        },
        "more than 256 signatures",
    );
}

/// What is signed and yet no such statement.
#[test]
fn signed_payloads_of_another_kind_are_refused() {
    let ada = key("ssh-ed25519");
    let good: Value = serde_json::from_slice(&statement().to_bytes()).unwrap();
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut payload = good.clone();
        change(&mut payload);
        let told = verify(sign_raw(&ada, payload.to_string().as_bytes()).as_bytes(), 1);
        let told = told.unwrap_err();
        assert!(told.contains(expected), "{told}");
    };
    assert!(verify(sign_raw(&ada, good.to_string().as_bytes()).as_bytes(), 1).is_ok());
    check(
        &|v| v["_type"] = json!("https://in-toto.io/Statement/v0.1"),
        "no statement of this kind",
    );
    check(
        &|v| v["predicateType"] = json!("https://slsa.dev/provenance/v1"),
        "no statement of this kind",
    );
    check(&|v| v["predicate"]["result"] = json!("GREAT"), "no statement of this kind");
    check(&|v| v["subject"] = json!([]), "no statement of this kind");
    check(&|v| v["subject"][0]["digest"] = json!({}), "no statement of this kind");
    check(&|v| *v = json!("text"), "no statement of this kind");
}

/// An envelope as others write it, over any payload.
fn sign_raw(key: &SigningKey, payload: &[u8]) -> String {
    let kind = "application/vnd.in-toto+json";
    let signature = key.sign(&pae(kind, payload)).unwrap();
    let (payload, sig) = (STANDARD.encode(payload), STANDARD.encode(signature));
    let signature = BTreeMap::from([("keyid", key.public_key().key_id()), ("sig", sig.as_str())]);
    json!({ "payload": payload, "payloadType": kind, "signatures": [signature] }).to_string()
}

#[test]
fn pae_is_dsses() {
    // The example of DSSE's protocol.
    assert_eq!(
        pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}

/// Reads back what was encoded, as nobody has to.
fn decode(encoded: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let len: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        bytes[space + 1..].split_at_checked(len)
    }
    let (kind, rest) = part(encoded.strip_prefix(b"DSSEv1 ")?)?;
    let (payload, rest) = part(rest.strip_prefix(b" ")?)?;
    rest.is_empty().then(|| (kind.to_vec(), payload.to_vec()))
}

proptest! {
    /// No two pairs of type and payload are encoded alike.
    #[test]
    fn pae_can_be_read_in_one_way_only(kind in "[ -~é0-9 ]{0,40}", payload in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(decode(&pae(&kind, &payload)), Some((kind.into_bytes(), payload)));
    }

    #[test]
    fn pae_differs_where_a_border_moves(text in "[0-9 a]{2,30}", a in 0_usize..30, b in 0_usize..30) {
        let (a, b) = (a.min(text.len()), b.min(text.len()));
        let encoded = |at: usize| pae(&text[..at], &text.as_bytes()[at..]);
        prop_assert_eq!(encoded(a) == encoded(b), a == b);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}") {
        let _ = Envelope::parse(text.as_bytes());
        let _ = AllowedSigners::parse(&text);
    }
}
