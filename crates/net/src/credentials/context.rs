//! How credentials are looked for: files are read within a bound, services are asked by the client of
//! this crate, and programs run only where that is allowed.

use std::{ffi::OsString, fs::File, io::Read, path::Path, process::Stdio, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use reqsign_core::{CommandOutput, Context, Error, FileRead, HttpSend, StaticEnv};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};
use url::{Host, Url};

use super::CredentialEnvironment;
use crate::{ClientOptions, HttpClient, HttpRequest};

/// Of a file or a response, this much is read.
const LIMIT: usize = 1 << 20;
/// A metadata server that is not there must not hold anyone up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a program may take that gives credentials: some ask their user on another device.
const PROGRAM_TIMEOUT: Duration = Duration::from_mins(1);

/// What the environment says, in the words of those who look for credentials.
pub(super) fn context(environment: &CredentialEnvironment) -> Context {
    let set = environment.variables.iter().filter(|(_, value)| !value.is_empty());
    let env = StaticEnv {
        home_dir: environment.home.clone(),
        envs: set.map(|(name, value)| (name.clone(), value.clone())).collect(),
    };
    Context::new().with_file_read(Files).with_http_send(Services).with_env(env)
}

#[derive(Debug)]
pub(super) struct Files;

impl Files {
    /// What a file holds, or why it cannot be read. No error repeats what it holds.
    pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err("it is not a file".to_owned());
        }
        let mut bytes = Vec::new();
        file.take(LIMIT as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        let failed = |why| Error::config_invalid(format!("{path} cannot be read: {why}"));
        Self::read(Path::new(path)).map_err(failed)
    }
}

/// Services that lend credentials: they are asked encrypted, or do not leave this machine's own network.
#[derive(Debug)]
pub(super) struct Services;

impl HttpSend for Services {
    async fn http_send(&self, request: Request<Bytes>) -> reqsign_core::Result<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let failed = |error: &dyn std::fmt::Display| Error::unexpected(error.to_string());
        let url = Url::parse(&parts.uri.to_string()).map_err(|error| failed(&error))?;
        let is_near = is_near(&url);
        if url.scheme() != "https" && !is_near {
            let host = url.host_str().unwrap_or_default();
            let message = format!("credentials are not fetched unencrypted from {host}");
            return Err(Error::config_invalid(message));
        }
        let client = HttpClient::open(&ClientOptions {
            url: &url,
            is_local: is_near,
            connect_timeout: CONNECT_TIMEOUT,
            idle_connections: 0,
            trusted: None,
        })
        .map_err(|error| failed(&error))?;
        let body = body.to_vec();
        let sent = HttpRequest { method: parts.method, url, headers: parts.headers, body };
        let exchange = async {
            let response = client.send(sent).await.map_err(|error| failed(&error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.body(LIMIT).await.map_err(|error| failed(&error))?;
            let mut response = Response::new(Bytes::from(body));
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            Ok(response)
        };
        let late = |_| Error::unexpected(format!("no complete response within {TIMEOUT:?}"));
        tokio::time::timeout(TIMEOUT, exchange).await.map_err(late)?
    }
}

/// Whether an address is this machine's, or one that only machines beside it reach: metadata servers
/// are asked unencrypted, and no proxy reaches them.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => matches!(name, "localhost" | "metadata.google.internal"),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local(),
        // `fd00:ec2::254` and `fd00:ec2::23` are metadata servers.
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.segments()[..2] == [0xfd00, 0x0ec2],
        None => false,
    }
}

/// Programs that profiles name, and what they see of the environment.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    variables: Vec<(OsString, OsString)>,
    timeout: Duration,
}

impl Programs {
    /// What may run programs; `None` where nothing may.
    pub(super) fn allowed(environment: &CredentialEnvironment) -> Option<Self> {
        environment.may_run_programs.then(|| Self {
            variables: environment.program_variables.clone(),
            timeout: PROGRAM_TIMEOUT,
        })
    }

    /// Runs a program within bounds of time and size.
    pub(super) async fn run(
        &self,
        program: &str,
        arguments: &[String],
    ) -> reqsign_core::Result<CommandOutput> {
        let failed = |why: &dyn std::fmt::Display| {
            Error::config_invalid(format!("`{program}` cannot run: {why}"))
        };
        match tokio::time::timeout(self.timeout, self.output(program, arguments)).await {
            Ok(output) => output.map_err(|error| failed(&error)),
            Err(_) => Err(failed(&format!("it did not end within {:?}", self.timeout))),
        }
    }

    /// What a program prints; it is stopped when nobody waits for it any more.
    async fn output(&self, program: &str, arguments: &[String]) -> std::io::Result<CommandOutput> {
        let mut command = Command::new(program);
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.args(arguments).env_clear().envs(variables).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = tokio::try_join!(printed(stdout), last_printed(stderr))?;
        let status = child.wait().await?.code().unwrap_or(-1);
        Ok(CommandOutput { status, stdout, stderr })
    }
}

/// All that comes out of a pipe; an error where it is more than the limit.
async fn printed(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(LIMIT as u64 + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() > LIMIT {
        return Err(std::io::Error::other(format!("it prints more than {LIMIT} bytes")));
    }
    Ok(bytes)
}

/// The end of what comes out of a pipe.
async fn last_printed(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    const KEPT: usize = 1 << 12;
    let (mut bytes, mut buffer) = (Vec::new(), [0; KEPT]);
    let Some(mut pipe) = pipe else { return Ok(bytes) };
    loop {
        match pipe.read(&mut buffer).await? {
            0 => return Ok(bytes),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
        let excess = bytes.len().saturating_sub(KEPT);
        bytes.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_servers_are_asked_unencrypted() {
        for (address, expected) in [
            ("http://169.254.169.254/latest", true),
            ("http://169.254.170.2/v2", true),
            ("http://[fd00:ec2::254]/latest", true),
            ("http://127.0.0.1:1/", true),
            ("http://10.0.0.1/", false),
            ("http://example.com/", false),
            ("http://169.254.169.254.example.com/", false),
            ("http://[2001:db8::1]/", false),
        ] {
            assert_eq!(is_near(&Url::parse(address).expect(address)), expected, "{address}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_is_bounded_in_time_and_size() {
        let timeout = Duration::from_millis(200);
        let programs = Programs { variables: Vec::new(), timeout };
        for (script, expected) in [
            ("echo yes; echo no >&2", Ok("yes\nno\n")),
            ("head -c 300000 /dev/zero >&2; echo; echo last >&2", Ok("\nlast\n")),
            ("sleep 60", Err("did not end within 200ms")),
            ("exec sleep 60", Err("did not end within 200ms")),
            ("while :; do echo 0123456789012345678901234567890123456789; done", Err("")),
        ] {
            let arguments = ["-c", script].map(str::to_owned);
            let ran = programs.run("/bin/sh", &arguments).await;
            match (ran, expected) {
                (Ok(ran), Ok(expected)) => {
                    let shown = [ran.stdout, ran.stderr].concat();
                    let shown = String::from_utf8(shown).expect("text").replace('\0', "");
                    assert_eq!(shown, expected, "{script}");
                }
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{script}: {error}");
                }
                (ran, _) => panic!("{script}: {ran:?}"),
            }
        }
    }
}
