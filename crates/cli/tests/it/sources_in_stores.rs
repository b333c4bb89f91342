//! Datasets in object stores, through the whole program: an S3 server of the tests, and moto where `EVALMARK_STORES`
//! names the folder that it is installed in. Credentials go where the user allows it, and into no file.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{Ran, World, right};

const SECRET: &str = "canary-secret-of-the-stores";
const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", SECRET)];

/// Scheme, host and port of a server.
fn address(server: &Server) -> String {
    server.url().trim_end_matches("/v1").to_owned()
}

/// An S3 server with one object, which it gives to whoever signs with the right key id.
fn bucket(rows: Vec<u8>) -> Server {
    Server::start(move |seen: &Seen| {
        let signature = seen.header("authorization").unwrap_or_default();
        if !signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDTEST/") {
            return Reply::status(403).body("<Error><Code>AccessDenied</Code></Error>");
        }
        if !seen.path.starts_with("/data/rows.csv") {
            return Reply::status(404).body("<Error><Code>NoSuchKey</Code></Error>");
        }
        let about = "etag: \"one\"\r\nlast-modified: Sun, 01 Nov 2026 12:00:00 GMT";
        if &*seen.method == "HEAD" {
            let size = rows.len();
            return Reply::raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n{about}\r\nconnection: close\r\n\r\n"
            ));
        }
        Reply::bytes(rows.clone())
            .header("etag", "\"one\"")
            .header("last-modified", "Sun, 01 Nov 2026 12:00:00 GMT")
    })
}

/// Writes the suite with the object as its dataset.
fn suite(world: &World, model: &Server, place: &str, more: &str) {
    let source = format!(
        "dataset: {{ source: {{ s3: {{ bucket: data, key: rows.csv, endpoint: '{place}'{more} }} }},"
    );
    let suite = crate::setup::suite(&model.url(), "");
    world.write("suite.yaml", &suite.replace("dataset: { path: data.csv,", &source));
}

fn said(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The checksum that a message tells to add.
fn checksum(told: &str) -> String {
    let (_, rest) = told.split_once("add `sha256: ").expect(told);
    rest.split('`').next().expect("a checksum").to_owned()
}

/// That no file below a folder holds the secret.
fn holds_no_secret(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            holds_no_secret(&path);
        } else {
            let bytes = fs::read(&path).expect("a file");
            let is_held = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!is_held, "{}", path.display());
        }
    }
}

#[test]
fn an_object_is_fetched_once_and_with_leave() {
    let (model, world) = (Server::start(right), World::new(4));
    let server = bucket(world.bytes("data.csv"));
    let (place, host) = (address(&server), address(&server).replace("http://", ""));
    suite(&world, &model, &place, "");
    let check = ["check", "--fetch", "suite.yaml"];
    // Without leave, or with leave for another server, nobody is asked.
    let elsewhere = "AWS_SECRET_ACCESS_KEY@s3.example.com".to_owned();
    for more in [&[][..], &["--allow-key", &elsewhere]] {
        let ran = world.run_in(&[&check[..], more].concat(), &KEYS).expect(2);
        let advice = format!("--allow-key AWS_SECRET_ACCESS_KEY@{host}");
        assert!(said(&ran).contains(&advice), "{}", ran.stderr);
    }
    assert_eq!(server.count(), 0);
    let allow = format!("AWS_SECRET_ACCESS_KEY@{host}");
    let told =
        said(&world.run_in(&[&check[..], &["--allow-key", &allow]].concat(), &KEYS).expect(2));
    suite(&world, &model, &place, &format!(", sha256: {}", checksum(&told)));
    // Whoever has fetched it needs neither leave nor a key, and the store is asked no more.
    let n_asked = server.count();
    world.run(&["check", "suite.yaml"]).expect(0);
    world.run_suite("r", &[]).expect(0);
    assert_eq!((server.count(), model.count()), (n_asked, 8));
    let run = world.json("reports/test/r/run.json");
    assert_eq!(run["dataset_source"]["blake3"], *blake3::hash(&world.bytes("data.csv")).to_hex());
    holds_no_secret(world.folder.path());
}

#[test]
fn an_object_that_changed_or_is_refused_asks_no_model() {
    let (model, world) = (Server::start(right), World::new(4));
    let server = bucket(b"id,text,label\nother,question 1,red\n".to_vec());
    let (place, host) = (address(&server), address(&server).replace("http://", ""));
    let before = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    suite(&world, &model, &place, &format!(", sha256: {before}"));
    let allow = format!("AWS_SECRET_ACCESS_KEY@{host}");
    let run = ["run", "suite.yaml", "--allow-key", &allow];
    let told = said(&world.run_in(&run, &KEYS).expect(2));
    assert!(told.contains(before) && told.contains("give its checksum instead"), "{told}");
    let other = [("AWS_ACCESS_KEY_ID", "AKIDOTHER"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let told = said(&world.run_in(&run, &other).expect(2));
    assert!(told.contains("may not be read with these credentials"), "{told}");
    assert!(!told.contains(SECRET), "{told}");
    assert_eq!(model.count(), 0);
    holds_no_secret(world.folder.path());
}

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
        let program = PathBuf::from(std::env::var_os("EVALMARK_STORES")?).join("bin/moto_server");
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

    /// Puts an object, with a signature that moto does not look at.
    fn put(&self, path: &str, body: &[u8]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-length: {}\r\nconnection: close\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=A/20261101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).expect("sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        assert!(response.starts_with("HTTP/1.1 20"), "{path}: {response}");
    }
}

#[test]
fn moto_gives_the_rows_of_one_object_and_of_several() {
    let Some(moto) = Moto::start() else { return };
    let (model, world) = (Server::start(right), World::new(4));
    moto.put("/data", b"");
    moto.put("/data/rows.csv", &world.bytes("data.csv"));
    moto.put("/data/parts/a.csv", b"id,text,label\nx1,question 1,green\n");
    moto.put("/data/parts/b.csv", b"id,text,label\nx2,question 2,blue\n");
    let host = format!("127.0.0.1:{}", moto.port);
    let allow = format!("AWS_SECRET_ACCESS_KEY@{host}");
    for (key, n_items) in [("rows.csv", 4), ("parts/", 2)] {
        suite(&world, &model, &format!("http://{host}"), "");
        let text = String::from_utf8(world.bytes("suite.yaml")).expect("text");
        let text = text.replace("key: rows.csv", &format!("key: {key}"));
        world.write("suite.yaml", &text);
        let fetch = ["check", "--fetch", "suite.yaml", "--allow-key", &allow];
        let told = said(&world.run_in(&fetch, &KEYS).expect(2));
        let (_, rest) = told.rsplit_once("add `").expect(&told);
        let pinned = rest.split('`').next().expect("a checksum");
        world.write("suite.yaml", &text.replace(" } },", &format!(", {pinned} }} }},")));
        let id = format!("r{n_items}");
        world.run_suite(&id, &["--no-cache", "--prompt", "plain"]).expect(0);
        let run = world.json(&format!("reports/test/{id}/run.json"));
        assert_eq!(run["counts"]["planned"], n_items, "{run}");
    }
    holds_no_secret(world.folder.path());
}
