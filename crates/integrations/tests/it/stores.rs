//! Objects of real servers, which the tests start: moto and rclone speak S3, Azurite speaks Azure. They are
//! looked for in the folder that `EVALMARK_STORES` names, as `.ci/run` installs them; without it, there is
//! nothing to test against.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use evalmark_core::source::{SourceError, SourceKeys};
use evalmark_net::Url;
use serde_json::{Value, json};

use crate::{
    object_logs::Reading,
    objects::Granted,
    setup::{Place, ROWS, blake3, failure, gzip},
};

const SECRET: &str = "canary-secret-of-the-tests";

/// A server that ends with the test.
struct Running {
    process: Child,
    port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a program of the folder; `None` where there is none.
fn start(program: &str, args: impl FnOnce(u16) -> Vec<String>) -> Option<Running> {
    let path = PathBuf::from(std::env::var_os("EVALMARK_STORES")?).join(program);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.expect("a free port").port();
    let process = Command::new(&path)
        .args(args(port))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let running = Running { process, port };
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(running);
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{program} is not ready");
}

impl Running {
    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A request whose signature nobody verifies; the response.
    fn put(&self, path: &str, body: &[u8]) -> String {
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
        response
    }
}

fn with(mut params: Value, more: &[(&str, &str)]) -> Value {
    for (name, value) in more {
        params[*name] = (*value).into();
    }
    params
}

/// The rows of a source, by way of the checksum that the first try tells.
fn rows(place: &Place, source: &str, params: &Value, keys: &dyn SourceKeys) -> Vec<u8> {
    let told = failure(place.resolve_with(source, params, true, keys));
    let (_, checksum) = told.rsplit_once("add `").expect(&told);
    let (algorithm, hex) = checksum.trim_end_matches('`').split_once(": ").expect(checksum);
    let pinned = with(params.clone(), &[(algorithm, hex)]);
    let found = place.resolve_with(source, &pinned, true, keys).expect("rows");
    fs::read(found.path).expect("a snapshot")
}

#[test]
fn s3_as_moto_speaks_it() {
    let server = start("bin/moto_server", |port| {
        vec!["-H".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), port.to_string()]
    });
    let Some(server) = server else { return };
    server.put("/data", b"");
    let versioned = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    server.put("/data?versioning", versioned);
    let first = server.put("/data/a%20b/O%C3%B9%3D.csv.gz", &gzip(ROWS));
    server.put("/data/a%20b/O%C3%B9%3D.csv.gz", b"id,text,label\n");
    for (name, row) in [("b", "2,b,y"), ("a", "1,\"a, a\",x")] {
        server
            .put(&format!("/data/parts/{name}.csv"), format!("id,text,label\n{row}\n").as_bytes());
    }
    server.put("/data/parts/deep/c.csv", b"id,text,label\n3,c,z\n");
    let (place, keys) = (Place::new(), Granted(SECRET));
    let params = |key: &str| json!({ "bucket": "data", "key": key, "endpoint": server.address() });
    assert_eq!(rows(&place, "s3", &params("a b/Où=.csv.gz"), &keys), b"id,text,label\n");
    let version = first.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("x-amz-version-id").then(|| value.trim().to_owned())
    });
    let old = with(params("a b/Où=.csv.gz"), &[("version", &version.expect("a version"))]);
    assert_eq!(rows(&place, "s3", &old, &keys), ROWS);
    for (key, expected) in [
        (
            "parts/",
            "{\"id\":\"1\",\"text\":\"a, a\",\"label\":\"x\"}\n{\"id\":\"2\",\"text\":\"b\",\"label\":\"y\"}\n",
        ),
        ("parts/**/c.csv", "{\"id\":\"3\",\"text\":\"c\",\"label\":\"z\"}\n"),
    ] {
        let found = rows(&place, "s3", &params(key), &keys);
        assert_eq!(String::from_utf8_lossy(&found), expected, "{key}");
    }
    for (bucket, key, expected) in [
        ("data", "none.csv", "there is no none.csv in data"),
        ("nowhere", "none.csv", "there is no none.csv in nowhere"),
        ("data", "none/*.csv", "names no object"),
    ] {
        let wrong = with(params(key), &[("bucket", bucket)]);
        let text = failure(place.resolve_with("s3", &wrong, true, &keys));
        assert!(text.contains(expected), "{key}: {text}");
    }
}

/// Lines of logs, as an application writes them.
fn log(ids: std::ops::Range<u32>) -> String {
    let line = |i| format!("{{\"id\":{i}}}\n");
    ids.map(line).collect()
}

#[test]
fn logs_as_moto_speaks_s3() {
    let server = start("bin/moto_server", |port| {
        vec!["-H".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), port.to_string()]
    });
    let Some(server) = server else { return };
    server.put("/logs", b"");
    // More than a listing has on one page.
    for i in 0..1100 {
        server.put(&format!("/logs/2026/a%20{i:04}.jsonl"), log(i..i + 1).as_bytes());
    }
    server.put("/logs/2026/b.jsonl.gz", &gzip(log(1100..1110).as_bytes()));
    let packed = zstd::encode_all(log(1110..1120).as_bytes(), 1).expect("memory");
    server.put("/logs/2026/c.jsonl.zst", &packed);
    let (mut reading, keys) = (Reading::new(), Granted(SECRET));
    let place = format!("s3://logs/2026/*.jsonl*?endpoint={}", server.address());
    let first = reading.read(&place, &keys, 500).expect("lines");
    let rest = reading.read(&place, &keys, usize::MAX).expect("lines");
    let all = [first.texts(), rest.texts()].concat();
    assert!(all.join("\n") + "\n" == log(0..1120), "{} lines", all.len());
    server.put("/logs/2026/c.jsonl.zst", &[packed.clone(), packed].concat());
    server.put("/logs/2026/a%200000.jsonl", (log(0..1) + &log(7000..7001)).as_bytes());
    server.put("/logs/2026/b.jsonl.gz", &gzip(log(9000..9010).as_bytes()));
    let next = reading.read(&place, &keys, usize::MAX).expect("lines");
    assert_eq!(next.lines.len(), 11, "what was added to two objects");
    assert_eq!(next.texts()[0], "{\"id\":7000}");
    assert_eq!(next.problems.len(), 1);
    assert!(next.problems[0].contains("b.jsonl.gz was replaced"), "{:?}", next.problems);
    assert_eq!(reading.read(&place, &keys, usize::MAX).expect("lines").lines.len(), 0);
}

/// Gives out what an access key consists of.
struct AccessKey(&'static str);

impl SourceKeys for AccessKey {
    fn key(&self, variable: &str, _: &Url) -> Result<String, SourceError> {
        Ok(if variable == "OWN_ID" { "AKIDOWN" } else { self.0 }.to_owned())
    }
}

#[test]
fn rclone_verifies_signatures() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("data/a b")).expect("a bucket");
    fs::write(folder.path().join("data/a b/rows+1=2.csv"), ROWS).expect("written");
    let root = folder.path().display().to_string();
    let server = start("bin/rclone", |port| {
        let address = format!("127.0.0.1:{port}");
        let key = format!("AKIDOWN,{SECRET}");
        ["serve", "s3", "--addr", &address, "--auth-key", &key, &root].map(str::to_owned).to_vec()
    });
    let Some(server) = server else { return };
    let place = Place::new();
    let params = |key: &str| {
        json!({
            "bucket": "data", "key": key, "endpoint": server.address(),
            "access_key_env": "OWN_ID", "secret_key_env": "OWN_SECRET",
        })
    };
    assert_eq!(rows(&place, "s3", &params("a b/rows+1=2.csv"), &AccessKey(SECRET)), ROWS);
    let listed = rows(&place, "s3", &params("a b/*.csv"), &AccessKey(SECRET));
    assert_eq!(String::from_utf8_lossy(&listed).lines().count(), 2);
    let logs = format!(
        "s3://data/a b/*.csv?endpoint={}&access_key_env=OWN_ID&secret_key_env=OWN_SECRET",
        server.address()
    );
    let mut reading = Reading::new();
    let read = reading.read(&logs, &AccessKey(SECRET), 9).expect("lines");
    assert_eq!(read.texts().join("\n") + "\n", String::from_utf8_lossy(ROWS));
    assert_eq!(reading.read(&logs, &AccessKey(SECRET), 9).expect("lines").lines.len(), 0);
    let refused = Reading::new().read(&logs, &AccessKey("wrong-secret-key"), 9);
    let refused = refused.expect_err("a refusal");
    assert!(refused.contains("SignatureDoesNotMatch"), "{refused}");
    assert!(!refused.contains("wrong-secret-key"), "{refused}");
    let wrong = with(params("a b/*.csv"), &[("blake3", &blake3(b"none"))]);
    let text = failure(place.resolve_with("s3", &wrong, true, &AccessKey("wrong-secret-key")));
    assert!(
        text.contains("may not be read with these credentials: SignatureDoesNotMatch"),
        "{text}"
    );
    assert!(!text.contains("wrong-secret-key"), "{text}");
}

/// Makes a container with two blobs, and prints a shared access signature that may read and list it.
const FILL: &str = r#"
import base64, datetime, hashlib, hmac, sys, urllib.parse, urllib.request
account, key, base = sys.argv[1:4]
def sign(text):
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
def put(path, body=b"", **more):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    ms = {"x-ms-date": now, "x-ms-version": "2021-08-06"}
    if not more: ms["x-ms-blob-type"] = "BlockBlob"
    named = "".join(f"{n}:{v}\n" for n, v in sorted(ms.items()))
    resource = f"/{account}/{account}{path}" + "".join(f"\n{n}:{v}" for n, v in sorted(more.items()))
    size = str(len(body)) if body else ""
    kind = "application/octet-stream"
    text = f"PUT\n\n\n{size}\n\n{kind}\n\n\n\n\n\n\n{named}{resource}"
    query = "?" + urllib.parse.urlencode(more) if more else ""
    request = urllib.request.Request(base + path + query, data=body, method="PUT", headers={
        **ms, "Authorization": f"SharedKey {account}:{sign(text)}", "Content-Type": kind})
    urllib.request.urlopen(request).read()
put("/data", restype="container")
put("/data/a%20b/one.csv", b"id,text,label\n1,a,x\n")
put("/data/a%20b/two.csv", b"id,text,label\n2,b,y\n")
fields = ["rl", "", "2099-01-01T00:00:00Z", f"/blob/{account}/data", "", "", "http", "2021-08-06", "c", "", "", "", "", "", "", ""]
print(urllib.parse.urlencode({"sv": "2021-08-06", "se": fields[2], "sr": "c", "sp": "rl", "spr": "http", "sig": sign("\n".join(fields))}))
"#;

/// Gives out what is asked for by the name of a variable.
struct Azurite {
    key: String,
    sas: String,
}

impl SourceKeys for Azurite {
    fn key(&self, variable: &str, _: &Url) -> Result<String, SourceError> {
        Ok(match variable {
            "KEY" => self.key.clone(),
            "SAS" => self.sas.clone(),
            "WRONG_SAS" => self.sas.replace("sig=", "sig=AAAA"),
            _ => "bm90IHRoZSBrZXk=".to_owned(),
        })
    }
}

#[test]
fn azure_as_azurite_speaks_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().display().to_string();
    let server = start("node_modules/.bin/azurite-blob", |port| {
        let port = port.to_string();
        let args =
            ["--blobHost", "127.0.0.1", "--blobPort", &port, "--location", &root, "--silent"];
        let more = ["--skipApiVersionCheck", "--disableTelemetry"];
        args.iter().chain(&more).map(|arg| (*arg).to_owned()).collect()
    });
    let Some(server) = server else { return };
    // The key that every Azurite has.
    let key =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    let address = format!("{}/devstoreaccount1", server.address());
    let filled =
        Command::new("python3").args(["-c", FILL, "devstoreaccount1", key, &address]).output();
    let filled = filled.expect("python3");
    assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
    let sas = String::from_utf8_lossy(&filled.stdout).trim().to_owned();
    let (place, keys) = (Place::new(), Azurite { key: key.to_owned(), sas: sas.clone() });
    let params = |key: &str, name: &str, variable: &str| {
        json!({
            "account": "devstoreaccount1", "container": "data", "key": key, "endpoint": address,
            name: variable,
        })
    };
    for (name, variable) in [("key_env", "KEY"), ("sas_env", "SAS")] {
        let one = rows(&place, "azure", &params("a b/one.csv", name, variable), &keys);
        assert_eq!(String::from_utf8_lossy(&one), "id,text,label\n1,a,x\n", "{name}");
        let both = rows(&place, "azure", &params("a b/", name, variable), &keys);
        assert_eq!(String::from_utf8_lossy(&both).lines().count(), 2, "{name}");
    }
    for parameter in ["key_env=KEY", "sas_env=SAS"] {
        let logs =
            format!("az://data/a b/*.csv?account=devstoreaccount1&endpoint={address}&{parameter}");
        let mut reading = Reading::new();
        let read = reading.read(&logs, &keys, 9).expect("lines");
        let expected = ["id,text,label", "1,a,x", "id,text,label", "2,b,y"];
        assert_eq!(read.texts(), expected, "{parameter}");
        assert_eq!(reading.read(&logs, &keys, 9).expect("lines").lines.len(), 0, "{parameter}");
    }
    for (name, variable) in [("key_env", "OTHER"), ("sas_env", "WRONG_SAS")] {
        let wrong = with(params("a b/one.csv", name, variable), &[("blake3", &blake3(b"none"))]);
        let text = failure(place.resolve_with("azure", &wrong, true, &keys));
        assert!(text.contains("may not be read with these credentials"), "{text}");
        assert!(!text.contains("sig=") && !text.contains("bm90IHRoZSBrZXk"), "{text}");
    }
}
