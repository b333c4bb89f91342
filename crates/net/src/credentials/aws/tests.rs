use std::{collections::HashMap, fs, path::Path};

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn environment(variables: &[(&str, &str)], home: Option<&Path>) -> CredentialEnvironment {
    let all = [("AWS_EC2_METADATA_DISABLED", "true")];
    let all = all.iter().chain(variables);
    let variables: HashMap<_, _> =
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    CredentialEnvironment {
        variables,
        home: home.map(Path::to_owned),
        ..CredentialEnvironment::default()
    }
}

fn url() -> Url {
    Url::parse("https://bedrock-runtime.eu-west-1.amazonaws.com/model/a:0/converse").expect("a URL")
}

/// The headers of a request that is signed with what the environment says, or the error.
fn signed(environment: &CredentialEnvironment) -> Result<(AwsSigner, HttpRequest), SignError> {
    let signer = AwsSigner::open("bedrock", None, &url(), environment)?;
    let threads = crate::Threads::start().expect("threads");
    if let Some(refresh) = signer.refresh() {
        threads.handle().block_on(refresh)?;
    }
    let mut request = HttpRequest::post_json(url(), b"{}".to_vec());
    signer.sign(&mut request, SystemTime::now())?;
    Ok((signer, request))
}

/// Asserts whose key signs, and with which session.
fn check(environment: &CredentialEnvironment, key: &str, token: Option<&str>) {
    let (signer, request) = signed(environment).expect("a signature");
    let authorization = request.headers["authorization"].to_str().expect("text");
    let begin = format!("AWS4-HMAC-SHA256 Credential={key}/");
    assert!(authorization.starts_with(&begin), "{authorization}");
    assert!(authorization.contains("/eu-west-1/bedrock/aws4_request"), "{authorization}");
    assert!(authorization.contains("host;x-amz-content-sha256;x-amz-date"), "{authorization}");
    let sent = request.headers.get("x-amz-security-token");
    assert_eq!(sent.map(|value| value.to_str().expect("text")), token);
    // Nothing that is shown holds a secret.
    let shown = format!("{signer:?} {request:?} {environment:?}");
    for secret in token.into_iter().chain([SECRET]) {
        assert!(!shown.contains(secret), "{shown}");
        assert_eq!(signer.redact(format!("a {secret} b")), "a [redacted] b");
    }
}

#[test]
fn the_environment_comes_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = [("AWS_ACCESS_KEY_ID", "AKIDENV"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    check(&environment(&own, Some(folder.path())), "AKIDENV", None);
    let lent = [&own[..], &[("AWS_SESSION_TOKEN", "lent-for-an-hour")]].concat();
    check(&environment(&lent, None), "AKIDENV", Some("lent-for-an-hour"));
}

#[test]
fn profiles_stand_in_the_home_folder_or_where_variables_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    fs::create_dir(home.join(".aws")).expect("a folder");
    let profile = |name: &str, key: &str| {
        format!("[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n")
    };
    let credentials = profile("default", "AKIDONE") + &profile("other", "AKIDTWO");
    fs::write(home.join(".aws/credentials"), credentials).expect("a file");
    let config = profile("profile third", "AKIDTHREE") + "aws_session_token = a-session-token\n";
    fs::write(home.join("elsewhere"), config).expect("a file");
    check(&environment(&[], Some(home)), "AKIDONE", None);
    check(&environment(&[("AWS_PROFILE", "other")], Some(home)), "AKIDTWO", None);
    let elsewhere = home.join("elsewhere").display().to_string();
    let third = [("AWS_PROFILE", "third"), ("AWS_CONFIG_FILE", elsewhere.as_str())];
    check(&environment(&third, Some(home)), "AKIDTHREE", Some("a-session-token"));
}

/// A home folder with this as `~/.aws/config`, and `answer.json`, which programs print.
fn home_with(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    fs::create_dir(home.join(".aws")).expect("a folder");
    let answer = format!(
        r#"{{"Version":1,"AccessKeyId":"AKIDRUN","SecretAccessKey":"{SECRET}","SessionToken":"of-the-program"}}"#
    );
    fs::create_dir(home.join("my tools")).expect("a folder");
    fs::write(home.join("my tools/answer.json"), answer).expect("a file");
    let config = config.replace("HOME", &home.display().to_string());
    fs::write(home.join(".aws/config"), config).expect("a file");
    folder
}

#[cfg(unix)]
#[test]
fn a_program_runs_only_where_it_may() {
    for command in [
        r#"/bin/cat "HOME/my tools/answer.json""#,
        r"/bin/cat 'HOME/my tools/answer.json'",
        r"/bin/cat HOME/my\ tools/answer.json",
        r#""/bin/sh" -c "cat \"HOME/my tools/answer.json\"""#,
    ] {
        let folder = home_with(&format!("[default]\ncredential_process = {command}\n"));
        let forbidden = environment(&[], Some(folder.path()));
        let error = signed(&forbidden).map(drop).expect_err("nobody may run it").to_string();
        assert!(error.contains("programs run only with `--allow-exec`"), "{error}");
        let allowed = CredentialEnvironment { may_run_programs: true, ..forbidden };
        check(&allowed, "AKIDRUN", Some("of-the-program"));
    }
}

#[test]
fn a_profile_that_cannot_be_used_says_so() {
    for (config, why) in [
        ("[default]\nrole_arn = arn:aws:iam::1:role/r", "neither a `source_profile`"),
        ("[default]\nrole_arn = arn:aws:iam::1:role/r\nmfa_serial = m", "asks for a code"),
        (
            "[default]\nrole_arn = a\nsource_profile = b\n[profile b]\nrole_arn = c",
            "export-credentials --profile b`",
        ),
        ("[default]\nrole_arn = a\nsource_profile = b", "profile `b`, which gives no credentials"),
        (
            "[default]\nrole_arn = a\nsource_profile = b\n[profile b]\ncredential_process = x",
            "profile `b` gets credentials from a program, and programs run only",
        ),
        (
            "[default]\nsso_session = s\nsso_account_id = 1",
            "a `sso_session`, which is not supported",
        ),
        ("[default]\nlogin_session = s", "export-credentials --profile default`"),
        ("[default]\nregion = eu-west-1", "looked at AWS_ACCESS_KEY_ID, at profile `default`"),
        ("[default]\nno key", "config, line 2, is not as profiles are written"),
    ] {
        let folder = home_with(config);
        let environment = environment(&[], Some(folder.path()));
        let error = signed(&environment).map(drop).expect_err("no credentials").to_string();
        assert!(error.contains(why), "{config}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn the_end_of_a_programs_complaint_is_told() {
    for (command, why) in [
        ("/bin/sh -c 'echo first >&2; echo sign in first >&2; exit 3'", "status 3: sign in first"),
        ("/bin/sh -c 'exit 3'", "ended with status 3, and says nothing on stderr"),
        ("/no/such/program", "`/no/such/program` cannot run"),
        ("/bin/echo 'open", "leaves a quote open"),
        ("''", "cannot run"),
        ("", "names no program"),
    ] {
        let folder = home_with(&format!("[default]\ncredential_process = {command}\n"));
        let environment = environment(&[], Some(folder.path()));
        let allowed = CredentialEnvironment { may_run_programs: true, ..environment };
        let error = signed(&allowed).map(drop).expect_err("no credentials").to_string();
        assert!(error.contains(why), "{command}: {error}");
    }
}

#[test]
fn without_any_region_nothing_is_signed() {
    let own = Url::parse("http://127.0.0.1:4566/").expect("a URL");
    let open = |region, variables: &[(&str, &str)]| {
        AwsSigner::open("bedrock", region, &own, &environment(variables, None)).map(drop)
    };
    assert!(open(None, &[]).is_err());
    assert_eq!(open(None, &[("AWS_REGION", "eu-west-1")]), Ok(()));
    assert_eq!(open(Some("eu-west-1"), &[]), Ok(()));
    for (host, region) in [
        ("bedrock-runtime.eu-west-1.amazonaws.com", Some("eu-west-1")),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
        ("bedrock-runtime.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
        ("s3.amazonaws.com", None),
        ("bedrock-runtime.eu-west-1.amazonaws.com.example.com", None),
    ] {
        assert_eq!(region_of(host), region, "{host}");
    }
}

#[test]
fn what_is_escaped_in_a_path_is_escaped_again_except_for_s3() {
    let own = Url::parse("https://h/").expect("a URL");
    for (service, address, expected) in [
        ("bedrock", "https://h/model/a:0/converse", "https://h/model/a:0/converse"),
        ("bedrock", "https://h:8443/model/a%2Fb/x?y=1%20", "https://h:8443/model/a%252Fb/x?y=1%20"),
        ("s3", "https://h/bucket/a%20b", "https://h/bucket/a%20b"),
    ] {
        let signer = AwsSigner::open(service, Some("r"), &own, &environment(&[], None));
        let address = Url::parse(address).expect(address);
        assert_eq!(signer.expect("a signer").signed_address(&address), expected);
    }
}
