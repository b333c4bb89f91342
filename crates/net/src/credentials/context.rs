//! How credentials are looked for: files are read within a bound, services are asked by the client of
//! this crate, and programs run only where that is allowed.

use std::{ffi::OsString, fs::File, io::Read, path::Path, process::Stdio, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use reqsign_core::{CommandExecute, CommandOutput, Context, Error, FileRead, HttpSend, StaticEnv};
use tokio::{io::AsyncReadExt, process::Command};
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
    let context = Context::new().with_file_read(Files).with_http_send(Services).with_env(env);
    if environment.may_run_programs {
        return context.with_command_execute(Programs {
            variables: environment.program_variables.clone(),
            timeout: PROGRAM_TIMEOUT,
        });
    }
    context
}

#[derive(Debug)]
pub(super) struct Files;

impl Files {
    /// What a file holds, or why it cannot be read. No error repeats what it holds.
    pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err("it is no file".to_owned());
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

/// Programs that a profile names.
#[derive(Debug)]
struct Programs {
    variables: Vec<(OsString, OsString)>,
    timeout: Duration,
}

impl Programs {
    /// What a program prints, within bounds of time and size; it is stopped when nobody waits for it any more.
    async fn output(&self, program: &str, args: &[&str]) -> std::io::Result<CommandOutput> {
        let mut command = Command::new(program);
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.args(args).env_clear().envs(variables).kill_on_drop(true);
        // What it says on stderr may be anything, and is left out.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut stdout = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            pipe.take(LIMIT as u64 + 1).read_to_end(&mut stdout).await?;
        }
        if stdout.len() > LIMIT {
            return Err(std::io::Error::other(format!("it prints more than {LIMIT} bytes")));
        }
        let status = child.wait().await?.code().unwrap_or(-1);
        Ok(CommandOutput { status, stdout, stderr: Vec::new() })
    }
}

impl CommandExecute for Programs {
    async fn command_execute(
        &self,
        program: &str,
        args: &[&str],
    ) -> reqsign_core::Result<CommandOutput> {
        let failed = |why: &dyn std::fmt::Display| {
            Error::config_invalid(format!("`{program}` cannot run: {why}"))
        };
        match tokio::time::timeout(self.timeout, self.output(program, args)).await {
            Ok(output) => output.map_err(|error| failed(&error)),
            Err(_) => Err(failed(&format!("it did not end within {:?}", self.timeout))),
        }
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
            ("echo yes", Ok("yes\n")),
            ("sleep 60", Err("did not end within 200ms")),
            ("exec sleep 60", Err("did not end within 200ms")),
            ("while :; do echo 0123456789012345678901234567890123456789; done", Err("")),
        ] {
            let ran = programs.command_execute("/bin/sh", &["-c", script]).await;
            match (ran, expected) {
                (Ok(ran), Ok(expected)) => assert_eq!(ran.stdout, expected.as_bytes()),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{script}: {error}");
                }
                (ran, _) => panic!("{script}: {ran:?}"),
            }
        }
    }
}
