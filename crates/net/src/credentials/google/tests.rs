use std::{collections::HashMap, fs, path::Path};

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::*;

fn environment(variables: &[(&str, &str)], home: Option<&Path>) -> CredentialEnvironment {
    let variables: HashMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    CredentialEnvironment {
        variables,
        home: home.map(Path::to_owned),
        ..CredentialEnvironment::default()
    }
}

/// Why no token comes with what the environment says.
fn refused(environment: &CredentialEnvironment) -> String {
    let threads = crate::Threads::start().expect("threads");
    let signer = GoogleSigner::open(environment);
    let refresh = signer.refresh().expect("nothing is there yet");
    threads.handle().block_on(refresh).expect_err("no token").to_string()
}

#[test]
fn a_file_that_is_named_has_to_be_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.json");
    let named = path.display().to_string();
    let environment = environment(&[("GOOGLE_APPLICATION_CREDENTIALS", &named)], None);
    assert!(refused(&environment).contains("key.json: "));
    for (text, why) in [
        ("-----BEGIN", "the file is not JSON"),
        (r#"{"type":"external_account"}"#, "neither `service_account` nor `authorized_user`"),
        (r#"{"type":"authorized_user","client_id":"c"}"#, "`client_secret` is missing"),
        (r#"{"type":"service_account"}"#, "`client_email` is missing"),
        (
            r#"{"type":"service_account","client_email":"e","private_key":"very-secret"}"#,
            "`private_key` is no RSA key in PEM",
        ),
        (
            r#"{"type":"authorized_user","client_id":"c","client_secret":"very-secret","refresh_token":"r","token_uri":"http://example.com/"}"#,
            "not fetched unencrypted from example.com",
        ),
    ] {
        fs::write(&path, text).expect("a file");
        let told = refused(&environment);
        assert!(told.contains(why) && !told.contains("very-secret"), "{told}");
    }
}

#[test]
fn a_service_account_says_who_it_is_and_signs_that() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
    let file = json!({
        "client_email": "e@p.iam.gserviceaccount.com", "private_key_id": "k",
        "private_key": key.serialize_pem(),
    });
    let assertion = sources::assertion(&file, "https://t/token").expect("an assertion");
    let parts: Vec<_> = assertion.split('.').collect();
    let json = |part: &str| -> Value {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
        serde_json::from_slice(&bytes.expect("base64")).expect("JSON")
    };
    assert_eq!(json(parts[0]), json!({ "alg": "RS256", "typ": "JWT", "kid": "k" }));
    let claims = json(parts[1]);
    assert_eq!(claims["iss"], "e@p.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], "https://t/token");
    let (from, until) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    assert_eq!(until, from.map(|from| from + 3_600));
    assert_eq!((parts.len(), parts[2].len()), (3, 342), "2048 bits");
}

#[test]
fn the_users_own_file_comes_before_the_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let here = environment(&[("GCE_METADATA_HOST", "127.0.0.1:9")], Some(home));
    assert!(refused(&here).contains("127.0.0.1, and no credentials stand in a file"));
    let gcloud = home.join(".config/gcloud");
    fs::create_dir_all(&gcloud).expect("a folder");
    fs::write(gcloud.join("application_default_credentials.json"), "{}").expect("a file");
    if cfg!(not(windows)) {
        assert!(refused(&here).contains("neither `service_account` nor `authorized_user`"));
    }
}
