//! How servers are reached: over TLS, with an authority of one's own, over HTTP/2, through a proxy.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use evalmark_core::{
    model::{Limits, Model},
    record::ErrorKind,
};
use evalmark_harness::{Endpoint, OpenError};
use evalmark_loopback::{Identity, Reply, Seen, Server};

use crate::setup::{RequestFilter, Setup, limits, model_at};

fn secure(identity: &Identity) -> Server {
    let echo = |seen: &Seen| Reply::text(seen.prompt()).after(Duration::from_millis(2));
    Server::start_secure(identity, echo)
}

/// A model at `base_url` that trusts what `pem` holds.
fn trusting(setup: &Setup, base_url: &str, pem: Option<&str>) -> Model {
    let ca_file = pem.map(|pem| {
        let path = setup.folder.path().join("ca.pem");
        fs::write(&path, pem).expect("a file");
        path
    });
    let limits = Limits { concurrency: 16, ..limits() };
    Model { ca_file, ..model_at(base_url, limits) }
}

/// The server's address under the name that its certificate has.
fn named(server: &Server) -> String {
    server.url().replace("127.0.0.1", "localhost")
}

#[test]
fn an_authority_of_ones_own_is_trusted() {
    let identity = Identity::new("localhost").without_http2();
    let (server, setup) = (secure(&identity), Setup::new());
    let model = trusting(&setup, &named(&server), Some(identity.ca_pem()));
    setup.ask(&setup.open(&model), 100).assert_all_answered(100);
    assert!(server.requests().iter().all(|seen| seen.header("version").is_none()));
    assert!(server.connections() <= 32, "{}", server.connections());
}

#[test]
fn http2_is_spoken_where_the_server_speaks_it() {
    let identity = Identity::new("localhost");
    let (server, setup) = (secure(&identity), Setup::new());
    let model = trusting(&setup, &named(&server), Some(identity.ca_pem()));
    setup.ask(&setup.open(&model), 400).assert_all_answered(400);
    assert!(server.requests().iter().all(|seen| seen.header("version") == Some("2")));
    // Those that began before anyone knew may have connections of their own.
    assert!(server.connections() <= 32, "{}", server.connections());
    assert!(server.max_in_flight() > 4, "{}", server.max_in_flight());
}

#[test]
fn a_server_that_ends_http2_connections_loses_no_answer() {
    let identity = Identity::new("localhost");
    let server = Server::start_secure(&identity, |seen| match seen.index % 40 {
        30 => Reply::go_away(),
        _ => Reply::text(seen.prompt()).after(Duration::from_millis(2)),
    });
    let setup = Setup::new();
    let mut model = trusting(&setup, &named(&server), Some(identity.ca_pem()));
    // All that a connection carries ends with it, and on a busy machine that is most of what is asked.
    model.limits.attempts = 15;
    setup.ask(&setup.open(&model), 400).assert_all_answered(400);
    assert!(server.requests().iter().any(|seen| seen.header("version") == Some("2")));
    assert!(server.connections() > 5, "{}", server.connections());
}

/// Nobody is told the request, and the endpoint is down with a message that says why.
fn check_distrusted(asked: &RequestFilter, server: &Server, message: &str) {
    let downs = asked.downs();
    assert!(downs.len() == 1 && downs[0].contains(message), "{downs:?}");
    let (_, record) = &asked.records()[0];
    let failure = record.failure.as_ref().expect("a failure");
    assert_eq!((failure.kind, record.attempts), (ErrorKind::Connection, 1), "{failure:?}");
    assert_eq!((asked.tally.answered, server.count()), (0, 0));
}

#[test]
fn who_is_not_trusted_is_told_nothing() {
    let (identity, other) = (Identity::new("localhost"), Identity::new("localhost"));
    let (server, setup) = (secure(&identity), Setup::new());
    let model = trusting(&setup, &named(&server), Some(other.ca_pem()));
    let asked = setup.ask(&setup.open(&model), 1_000);
    check_distrusted(&asked, &server, "no connection to localhost:");
    check_distrusted(&asked, &server, "certificate");
    // The right authority, but another name.
    let elsewhere = Identity::new("elsewhere.example");
    let (server, setup) = (secure(&elsewhere), Setup::new());
    let model = trusting(&setup, &named(&server), Some(elsewhere.ca_pem()));
    check_distrusted(&setup.ask(&setup.open(&model), 1_000), &server, "certificate");
}

#[test]
fn a_server_without_tls_is_described() {
    let (server, setup) = (Server::start(|_| Reply::text("never")), Setup::new());
    let identity = Identity::new("localhost");
    let url = named(&server).replace("http:", "https:");
    let mut model = trusting(&setup, &url, Some(identity.ca_pem()));
    (model.limits.attempts, model.limits.timeout) = (1, Duration::from_millis(500));
    let asked = setup.ask(&setup.open(&model), 1_000);
    let downs = asked.downs();
    assert!(downs.len() == 1 && downs[0].contains("no connection to localhost:"), "{downs:?}");
    assert_eq!((asked.tally.answered, server.count()), (0, 0));
}

#[test]
fn certificates_that_are_none_are_said_before_anything_is_asked() {
    let setup = Setup::new();
    let check = |ca_file: PathBuf, expected: &str| {
        let model =
            Model { ca_file: Some(ca_file), ..model_at("https://localhost:1/v1", limits()) };
        let error = Endpoint::open(&model, None, &setup.network, &setup.ledger);
        let error = error.expect_err("no endpoint");
        assert!(matches!(error, OpenError::Provider { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    check("/nowhere/ca.pem".into(), "the certificates /nowhere/ca.pem cannot be read: ");
    let path = setup.folder.path().join("ca.pem");
    fs::write(&path, "nothing of the kind").expect("a file");
    check(path, "contain no PEM certificate");
}

/// Set for the process that this test starts to see what it does with it.
const CHILD: &str = "EVALMARK_TEST_BEHIND_PROXY";

#[test]
fn the_environments_proxy_is_used() {
    if std::env::var_os(CHILD).is_some() {
        let setup = Setup::new();
        let model = model_at("http://model.example/v1", limits());
        return setup.ask(&setup.open(&model), 10).assert_all_answered(10);
    }
    let proxy = Server::start(|seen| Reply::text(seen.prompt()));
    let run = |no_proxy: &str| {
        let test = std::env::current_exe().expect("this test");
        Command::new(test)
            .args(["--exact", "connections::the_environments_proxy_is_used"])
            .env(CHILD, "yes")
            .env("HTTP_PROXY", proxy.url().trim_end_matches("/v1"))
            .env("http_proxy", proxy.url().trim_end_matches("/v1"))
            .env("NO_PROXY", no_proxy)
            .env("no_proxy", no_proxy)
            .output()
            .expect("an end")
    };
    let output = run("");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let requests = proxy.requests();
    assert_eq!(requests.len(), 10);
    assert!(requests.iter().all(|s| s.path == "http://model.example/v1/chat/completions"));
    assert!(requests.iter().all(|seen| seen.header("host") == Some("model.example")));
}
