//! Roles that are taken on at a real security token service: moto's, in the folder that `EVALMARK_STORES` named when
//! the tests were built.

use std::{
    collections::HashMap,
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use reqsign_core::{HttpSend, StaticEnv};

use super::{
    super::context::{Files, Services},
    *,
};

/// moto, which ends with the test.
struct Moto {
    process: Child,
    port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    /// `None` where it is not installed.
    fn start() -> Option<Self> {
        let program = PathBuf::from(option_env!("EVALMARK_STORES")?).join("bin/moto_server");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a free port").port();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let moto = Self { process, port };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(moto);
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("moto is not ready");
    }
}

/// Sends what AWS's service would get to moto.
#[derive(Debug)]
struct ToMoto {
    port: u16,
}

impl HttpSend for ToMoto {
    async fn http_send(&self, request: Request<Bytes>) -> reqsign_core::Result<Response<Bytes>> {
        let (mut parts, body) = request.into_parts();
        assert_eq!(parts.uri.host(), Some("sts.eu-west-1.amazonaws.com"), "{}", parts.uri);
        assert_eq!(parts.uri.scheme_str(), Some("https"));
        let rest = parts.uri.path_and_query().map_or("/", |rest| rest.as_str());
        parts.uri = format!("http://127.0.0.1:{}{rest}", self.port).parse().expect("an address");
        parts.headers.remove(HOST);
        Services.http_send(Request::from_parts(parts, body)).await
    }
}

/// The first credentials that the chain finds, as a signer looks for them.
fn lent(variables: &[(&str, &str)], home: &std::path::Path, port: u16) -> Credential {
    let environment =
        CredentialEnvironment { home: Some(home.to_owned()), ..CredentialEnvironment::default() };
    let all = [("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_STS_REGIONAL_ENDPOINTS", "regional")];
    let envs: HashMap<_, _> = all
        .iter()
        .chain(variables)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let env = StaticEnv { home_dir: Some(home.to_owned()), envs };
    let context =
        Context::new().with_file_read(Files).with_http_send(ToMoto { port }).with_env(env);
    let threads = crate::Threads::start().expect("threads");
    threads.handle().block_on(async {
        let mut failures = Vec::new();
        for (name, provider) in chain("eu-west-1".to_owned(), Programs::allowed(&environment)) {
            match provider.provide_credential_dyn(&context).await {
                Ok(Some(credential)) => return credential,
                Ok(None) => {}
                Err(error) => failures.push(format!("{name}: {error}")),
            }
        }
        panic!("no credentials: {failures:?}")
    })
}

#[test]
fn a_role_is_taken_on_with_a_profile_and_with_a_web_identity() {
    let Some(moto) = Moto::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    fs::create_dir(home.join(".aws")).expect("a folder");
    let config = "[profile own]\naws_access_key_id = AKIDOWN\naws_secret_access_key = own-secret\n\
                  [profile lent]\nrole_arn = arn:aws:iam::123456789012:role/reader\n\
                  source_profile = own\nregion = eu-west-1\n";
    fs::write(home.join(".aws/config"), config).expect("a file");
    let token = home.join("token");
    fs::write(&token, "a.web.identity").expect("a file");
    let token = token.display().to_string();
    let by_profile = [("AWS_PROFILE", "lent")];
    let by_token = [
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/reader"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_SESSION_NAME", "tests"),
    ];
    for variables in [&by_profile[..], &by_token] {
        let credential = lent(variables, home, moto.port);
        assert!(credential.access_key_id.starts_with("ASIA"), "{variables:?}");
        assert!(!credential.secret_access_key.is_empty(), "{variables:?}");
        assert!(credential.session_token.is_some(), "{variables:?}");
        assert!(credential.expires_in.is_some() && credential.is_valid(), "{variables:?}");
    }
}
