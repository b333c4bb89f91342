//! Datasets of the Hugging Face hub, which a server plays, and those that `datasets` wrote to a folder.

use std::{fs, path::Path};

use evalmark_core::source::{SourceError, SourceKeys};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_net::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::setup::{Place, failure, gzip, open, zstd};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "hf_canary_of_the_tests";

/// What `datasets` wrote.
fn written(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/huggingface");
    fs::read(folder.join(name)).expect(name)
}

struct Token;

impl SourceKeys for Token {
    fn key(&self, variable: &str, _: &Url) -> Result<String, SourceError> {
        assert_eq!(variable, "HF_TOKEN");
        Ok(TOKEN.to_owned())
    }
}

fn address(server: &Server) -> String {
    server.url().trim_end_matches("/v1").to_owned()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

const README: &str = "---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-*
dataset_info:
  features:
  - name: id
    dtype: int64
  - name: label
    dtype:
      class_label:
        names:
          '0': neg
          '1': pos
---
# A dataset
";

/// A hub with one dataset, whose large file lies on another server.
fn hub(large: &str, told: &str) -> impl Fn(&Seen) -> Reply + Send + Sync + use<> {
    let (large, told) = (large.to_owned(), told.to_owned());
    move |seen| {
        assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
        let file = |name: &str| json!({ "rfilename": name, "size": 9, "blobId": "0".repeat(40) });
        match &*seen.path {
            "/api/datasets/org/set/revision/main?blobs=true" => {
                Reply::json(&json!({ "sha": COMMIT, "siblings": [] }))
            }
            path if path.starts_with("/api/datasets/org/set/revision/") => {
                let mut test = file("data/test-00000-of-00001.parquet");
                test["lfs"] = json!({ "sha256": told, "size": 9, "pointerSize": 9 });
                let train = file("data/train-00000-of-00001.parquet");
                let siblings = [file("README.md"), file(".gitattributes"), train, test];
                Reply::json(&json!({ "sha": COMMIT, "siblings": siblings }))
            }
            path if path.ends_with("/README.md") => Reply::bytes(README),
            path if path.contains("/resolve/") => {
                Reply::status(302).header("location", format!("{large}/blob?signature=hush"))
            }
            _ => Reply::status(404).header("x-error-message", "Repository not found"),
        }
    }
}

#[test]
fn a_commit_is_what_the_rows_are_known_by() {
    let place = Place::new();
    let parquet = written("test.parquet");
    let sum = sha256(&parquet);
    let large = Server::start(move |seen| {
        assert_eq!(seen.header("authorization"), None, "the token stays at the hub");
        Reply::bytes(parquet.clone())
    });
    let server = Server::start(hub(&address(&large), &sum));
    let mut params = json!({
        "dataset": "org/set", "split": "test", "endpoint": address(&server), "token_env": "HF_TOKEN",
    });
    let told = failure(place.resolve_with("huggingface", &params, true, &Token));
    assert!(told.contains(&format!("write `revision: {COMMIT}`")), "{told}");
    assert_eq!(large.count(), 0);
    params["revision"] = COMMIT.into();
    assert_eq!(failure(place.resolve("huggingface", &params, false)), "is not on this machine yet");
    let found = place.resolve_with("huggingface", &params, true, &Token).expect("rows");
    let rows = fs::read_to_string(&found.path).expect("rows");
    let expected = "{\"id\":6,\"text\":\"t6\",\"label\":\"neg\",\"tags\":[0,0]}\n\
                    {\"id\":7,\"text\":\"t7\",\"label\":\"pos\",\"tags\":[1,0]}\n\
                    {\"id\":8,\"text\":\"t8\",\"label\":\"neg\",\"tags\":[0,0]}\n";
    assert_eq!(rows, expected);
    assert_eq!(found.origin, format!("hf://datasets/org/set@{COMMIT}"));
    // It is kept: nobody is asked again.
    let asked = (server.count(), large.count());
    let again = place.resolve("huggingface", &params, false).expect("kept");
    assert_eq!((again.path, again.note), (found.path, None));
    params["label_names"] = false.into();
    let plain = place.resolve_with("huggingface", &params, true, &Token).expect("rows");
    assert!(fs::read_to_string(plain.path).expect("rows").contains("\"label\":0"));
    assert_eq!(large.count(), asked.1, "the file itself is here");
}

#[test]
fn what_is_not_as_the_commit_says_is_refused() {
    let place = Place::new();
    let large = Server::start(|_| Reply::bytes("PAR1 and more"));
    let server = Server::start(hub(&address(&large), &"0".repeat(64)));
    for (more, expected) in [
        (json!({ "split": "test" }), "is not what the commit says"),
        (json!({ "split": "train" }), "is not what the commit says"),
        (json!({}), "has several splits; name one in `split`: test, train"),
        (json!({ "split": "dev" }), "has no split `dev`; there are: test, train"),
        (json!({ "config": "en" }), "has no configuration `en`; there are: default"),
        (json!({ "dataset": "org/none" }), "404 Not Found: Repository not found"),
    ] {
        let mut params = json!({
            "dataset": "org/set", "revision": COMMIT, "endpoint": address(&server), "token_env": "HF_TOKEN",
        });
        params.as_object_mut().expect("parameters").extend(more.as_object().expect("more").clone());
        let told = failure(place.resolve_with("huggingface", &params, true, &Token));
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("hush") && !told.contains(TOKEN), "{told}");
    }
}

#[test]
fn a_saved_dataset_is_read_with_the_names_of_its_labels() {
    let place = Place::new();
    for split in ["train", "test"] {
        fs::create_dir_all(place.folder.path().join("suites/saved").join(split)).expect("a folder");
    }
    let files = [
        "dataset_dict.json",
        "test/state.json",
        "test/dataset_info.json",
        "test/data-00000-of-00001.arrow",
        "train/state.json",
        "train/dataset_info.json",
        "train/data-00000-of-00002.arrow",
        "train/data-00001-of-00002.arrow",
    ];
    for name in files {
        place.write(&format!("saved/{name}"), &written(&format!("saved/{name}")));
    }
    let params = |more: Value| {
        let mut params = json!({ "folder": "saved" });
        params.as_object_mut().expect("parameters").extend(more.as_object().expect("more").clone());
        params
    };
    let found = place.resolve("huggingface", &params(json!({ "split": "train" })), false);
    let rows = fs::read_to_string(found.expect("rows").path).expect("rows");
    let rows: Vec<_> = rows.lines().collect();
    assert_eq!(rows.len(), 6, "two shards");
    assert_eq!(rows[1], "{\"id\":1,\"text\":\"t1\",\"label\":\"pos\",\"tags\":[\"b\",\"a\"]}");
    assert_eq!(rows[3], "{\"id\":3,\"text\":\"t3\",\"label\":null,\"tags\":[\"b\",\"a\"]}");
    for (more, expected) in [
        (json!({}), "name one of: train, test"),
        (json!({ "folder": "." }), "there is no state.json"),
        (json!({ "dataset": "org/set" }), "is not in this cache"),
    ] {
        let told = failure(place.resolve("huggingface", &params(more), false));
        assert!(told.contains(expected), "{told}");
    }
    // The hub's cache: a commit behind a name, and files that are links to blobs.
    let cache = place.folder.path().join("suites/hub/datasets--org--set");
    let snapshot = cache.join("snapshots").join(COMMIT);
    for folder in [cache.join("refs"), snapshot.join("data")] {
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(cache.join("refs/main"), COMMIT).expect("written");
    fs::write(snapshot.join("README.md"), README).expect("written");
    fs::write(snapshot.join("data/test-00000-of-00001.parquet"), written("test.parquet"))
        .expect("written");
    let params = json!({ "folder": "hub", "dataset": "org/set", "split": "test" });
    let found = place.resolve("huggingface", &params, false).expect("rows");
    let rows = fs::read_to_string(found.path).expect("rows");
    assert!(rows.starts_with("{\"id\":6,\"text\":\"t6\",\"label\":\"neg\""), "{rows}");
}

#[test]
fn packed_files_of_the_cache_are_unpacked() {
    let rows = b"{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"b\"}\n";
    for (name, packed) in [("train.jsonl.gz", gzip(rows)), ("train.jsonl.zst", zstd(rows))] {
        let place = Place::new();
        let cache = place.folder.path().join("suites/hub/datasets--org--packed");
        let snapshot = cache.join("snapshots").join(COMMIT);
        for folder in [cache.join("refs"), snapshot.clone()] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(cache.join("refs/main"), COMMIT).expect("written");
        fs::write(snapshot.join(name), &packed).expect("written");
        let params = json!({ "folder": "hub", "dataset": "org/packed" });
        let found = place.resolve("huggingface", &params, false).expect("rows");
        assert_eq!(fs::read(found.path).expect("rows"), rows, "{name}");
        fs::write(snapshot.join(name), &packed[..packed.len() / 2]).expect("written");
        let told = failure(place.resolve("huggingface", &params, false));
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn wrong_parameters_are_mistakes() {
    for (params, pointer, expected) in [
        (json!({}), "", "neither a `dataset`"),
        (json!({ "dataset": "a/b/c" }), "/dataset", "not a name of the hub"),
        (json!({ "dataset": "../x" }), "/dataset", "not a name of the hub"),
        (json!({ "dataset": "a/b", "revision": "../x" }), "/revision", "no commit, branch or tag"),
        (
            json!({ "dataset": "a/b", "endpoint": "https://u:p@h" }),
            "/endpoint",
            "user name or password",
        ),
    ] {
        let error = open("huggingface", &params).map(drop).expect_err(expected);
        assert_eq!(error.pointer, pointer);
        assert!(error.message.contains(expected), "{error:?}");
    }
}
