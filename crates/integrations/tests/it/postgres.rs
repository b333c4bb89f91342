//! The source `postgres` against a real server, which the tests start: PostgreSQL's programs, as Debian's
//! package `postgresql` installs them.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use evalmark_core::source::{Snapshot, SourceError, SourceKeys};
use evalmark_net::Url;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::setup::{Place, failure, open};

const PASSWORD: &str = "canary-password-of-the-tests";

/// A server with a database.
struct Server {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT ends its sessions, too.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// Where the programs are: the newest version that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.pop().expect("PostgreSQL's programs: apt-get install postgresql")
}

/// A program of PostgreSQL, which root may not start as itself.
fn program(name: &str) -> Command {
    let path = programs().join(name);
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !is_root {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
    command
}

fn ran(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        fs::write(folder.path().join("password"), PASSWORD).expect("written");
        certificate(folder.path());
        let _ = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).output();
        let password = format!("--pwfile={}", folder.path().join("password").display());
        ran(program("initdb").arg("-D").arg(&data).args([
            "-U",
            "analyst",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            &password,
        ]));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let mut command = program("postgres");
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""]);
        for (name, file) in [("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key")] {
            command.arg("-c").arg(format!("{name}={}", folder.path().join(file).display()));
        }
        let command = command.args(["-c", "ssl=on", "-c", "fsync=off"]);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = Self { process: process.expect("started"), port, folder };
        let mut patience = 200;
        while !program("pg_isready")
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status()
            .is_ok_and(|status| status.success())
        {
            patience -= 1;
            assert!(patience > 0, "PostgreSQL is not ready");
            thread::sleep(Duration::from_millis(50));
        }
        server.execute(SETUP);
        server
    }

    fn execute(&self, sql: &str) -> String {
        let port = self.port.to_string();
        ran(Command::new(programs().join("psql"))
            .env("PGPASSWORD", PASSWORD)
            .args(["-h", "127.0.0.1", "-p", &port, "-U", "analyst", "-d", "postgres"])
            .args(["-v", "ON_ERROR_STOP=1", "-qtAc", sql]))
    }

    fn params(&self, query: &str) -> Value {
        let url = format!("postgres://analyst@127.0.0.1:{}/postgres", self.port);
        json!({ "url": url, "query": query, "password_env": "DB_PASSWORD" })
    }
}

/// A certificate of 127.0.0.1 that signs itself.
fn certificate(folder: &Path) {
    ran(Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "server.key",
            "-out",
            "server.crt",
        ]));
}

const SETUP: &str = r#"
CREATE TABLE log (id int PRIMARY KEY, asked text, tags text[], price numeric(30,10), at timestamptz,
                  day date, is_new boolean, more json, raw bytea, share float8);
INSERT INTO log VALUES
 (1, 'Où ?', '{a,"b c"}', 12345678901234567890.0123456789, '2026-11-01 12:00:00+00', '2026-11-01', true,
  E'{"k":\n [1, 2]}', '\x00ff', 0.1),
 (2, E'a\n"b"\\', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'NaN');
"#;

/// The server that the tests share, which ends with the last of those that run.
fn server() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start());
        *shared = Arc::downgrade(&server);
        server
    })
}

/// Gives out the password of one variable.
struct Allowed(&'static str);

impl SourceKeys for Allowed {
    fn key(&self, variable: &str, server: &Url) -> Result<String, SourceError> {
        assert_eq!((variable, server.scheme()), ("DB_PASSWORD", "postgres"));
        Ok(self.0.to_owned())
    }
}

fn resolve(place: &Place, params: &Value) -> Result<Snapshot, SourceError> {
    place.resolve_with("postgres", params, true, &Allowed(PASSWORD))
}

/// The rows of a query, by way of the checksum that the first try tells.
fn rows(server: &Server, place: &Place, query: &str) -> Snapshot {
    let mut params = server.params(query);
    let told = failure(resolve(place, &params));
    let blake3 = told.rsplit_once("add `blake3: ").expect(&told).1.trim_end_matches('`');
    params["blake3"] = blake3.into();
    resolve(place, &params).expect(query)
}

#[test]
fn every_type_is_what_postgresql_makes_of_it_as_json() {
    let (server, place) = (server(), Place::new());
    for (query, expected) in [
        (
            "SELECT id, asked, tags, price, at AT TIME ZONE 'UTC' AS at, day, is_new, more, raw, share
             FROM log ORDER BY id;",
            "{\"id\":1,\"asked\":\"Où ?\",\"tags\":[\"a\",\"b c\"],\"price\":12345678901234567890.0123456789,\
             \"at\":\"2026-11-01T12:00:00\",\"day\":\"2026-11-01\",\"is_new\":true,\"more\":{\"k\":  [1, 2]},\
             \"raw\":\"\\\\x00ff\",\"share\":0.1}\n\
             {\"id\":2,\"asked\":\"a\\n\\\"b\\\"\\\\\",\"tags\":null,\"price\":null,\"at\":null,\"day\":null,\
             \"is_new\":null,\"more\":null,\"raw\":null,\"share\":\"NaN\"}\n",
        ),
        ("WITH a AS (SELECT 1 AS one) SELECT one FROM a -- a comment", "{\"one\":1}\n"),
        ("SELECT id FROM log WHERE id > 9", ""),
    ] {
        let snapshot = rows(&server, &place, query);
        assert_eq!(fs::read_to_string(&snapshot.path).expect("rows"), expected, "{query}");
        assert_eq!(snapshot.name, "rows.jsonl");
        assert_eq!(snapshot.variables, ["DB_PASSWORD"]);
        assert_eq!(snapshot.server, Some(format!("postgres://127.0.0.1:{}", server.port)));
    }
}

#[test]
fn nothing_but_reading_is_possible_and_mistakes_are_told_in_the_servers_words() {
    let (server, place) = (server(), Place::new());
    for (query, expected) in [
        ("DELETE FROM log RETURNING id", "syntax error"),
        ("INSERT INTO log (id) VALUES (3)", "the query gives no columns"),
        ("SELECT 1; DELETE FROM log", "cannot insert multiple commands into a prepared statement"),
        ("SELECT 1) AS t; DROP TABLE log; --", "syntax error"),
        ("SELECT nextval('log_seq') FROM log", "does not exist"),
        ("SELECT missing FROM log", "column \"missing\" does not exist"),
        ("SELECT id, id FROM log", "two columns the name `id`"),
        (
            "SELECT 1 / (3 - i) AS x FROM generate_series(1, 9) AS i",
            "row 3: 22012: division by zero",
        ),
        ("WITH d AS (DELETE FROM log RETURNING id) SELECT * FROM d", "top level"),
    ] {
        let text = failure(resolve(&place, &server.params(query)));
        assert!(text.contains(expected), "{query}: {text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
    server.execute("CREATE SEQUENCE counted");
    let text = failure(resolve(&place, &server.params("SELECT nextval('counted') AS n")));
    assert!(text.contains("read-only transaction"), "{text}");
    assert_eq!(server.execute("SELECT count(*) FROM log"), "2\n");
    assert_eq!(place.cached(), Vec::<PathBuf>::new());
}

/// The server ends the session in the middle of the rows, as one that is stopped does.
#[test]
fn a_server_that_ends_half_way_is_told_with_the_row_and_nothing_is_kept() {
    let (server, place) = (server(), Place::new());
    // Enough text that rows were sent before.
    let query = "SELECT i AS id, repeat('x', 1000) AS text,
                 CASE WHEN i = 3000 THEN pg_terminate_backend(pg_backend_pid()) END AS ended
                 FROM generate_series(1, 100000) AS i";
    let text = failure(resolve(&place, &server.params(query)));
    let row = text.split_once("row ").and_then(|(_, rest)| rest.split_once(':'));
    let row = row.and_then(|(row, _)| row.parse::<u64>().ok()).expect(&text);
    assert!((100..=3_001).contains(&row), "{text}");
    assert!(text.contains("terminating connection"), "{text}");
    assert_eq!(place.cached(), Vec::<PathBuf>::new());
}

#[test]
fn who_asks_is_checked_and_what_is_kept_needs_no_server() {
    let (server, place) = (server(), Place::new());
    let params = server.params("SELECT 1 AS one");
    let text = failure(place.resolve_with("postgres", &params, true, &Allowed("wrong-password")));
    assert!(
        text.contains("password authentication failed") && !text.contains("wrong-password"),
        "{text}"
    );
    let text = failure(place.resolve("postgres", &params, true));
    assert!(text.contains("needs the key in DB_PASSWORD"), "{text}");
    let text = failure(place.resolve("postgres", &params, false));
    assert!(text.contains("check --fetch"), "{text}");
    let kept = rows(&server, &place, "SELECT 1 AS one");
    let nobody = json!({
        "url": "postgres://analyst@127.0.0.1:1/postgres", "query": "SELECT 1 AS one", "blake3": kept.blake3,
    });
    assert_eq!(place.resolve("postgres", &nobody, false).expect("kept").path, kept.path);
    let mut other = nobody.clone();
    other["blake3"] = "0".repeat(64).into();
    assert!(failure(place.resolve("postgres", &other, false)).contains("not on this machine yet"));
    other["password_env"] = "DB_PASSWORD".into();
    let text = failure(resolve(&place, &other));
    assert!(text.contains("cannot be asked: error connecting to server"), "{text}");
}

#[test]
fn certificates_are_verified() {
    let (server, place) = (server(), Place::new());
    let own = fs::read(server.folder.path().join("server.crt")).expect("a certificate");
    place.write("own.pem", &own);
    let other = tempfile::tempdir().expect("a folder");
    certificate(other.path());
    place.write("other.pem", &fs::read(other.path().join("server.crt")).expect("a certificate"));
    place.write("none.pem", b"nothing");
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for (file, expected) in [
        ("own.pem", "add `blake3: "),
        ("other.pem", "cannot be asked"),
        ("none.pem", "the certificates of none.pem contain no PEM certificate"),
    ] {
        let mut params = server.params(query);
        params["ca_file"] = file.into();
        let text = failure(resolve(&place, &params));
        assert!(text.contains(expected), "{file}: {text}");
    }
    let mut params = server.params(query);
    params["ca_file"] = "own.pem".into();
    params["blake3"] = blake3::hash(b"{\"ssl\":true}\n").to_hex().as_str().into();
    resolve(&place, &params).expect("encrypted");
}

#[test]
fn parameters_are_checked() {
    for (url, expected) in [
        ("db.example.com", "`url` is not an address"),
        ("mysql://a@b/c", "must begin with `postgres://`"),
        ("postgres://a:secret@b/c", "holds a password"),
        ("postgres://b/c", "needs a user, a host and a database"),
        ("postgres://a@b", "needs a user, a host and a database"),
        ("postgres://a@b/c?sslmode=disable", "has parameters"),
    ] {
        let error = open("postgres", &json!({ "url": url, "query": "SELECT 1" })).err();
        let error = error.expect(url);
        assert!(error.message.contains(expected), "{url}: {}", error.message);
        assert_eq!(error.pointer, "/url");
        assert!(!error.message.contains("secret"));
    }
}
