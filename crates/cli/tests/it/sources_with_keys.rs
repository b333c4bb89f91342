//! Datasets from a hub that wants a token: it goes where the user allows it and nowhere else, redirects included.

use std::fs;

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::json;

use crate::setup::{Ran, World, right, root};

const TOKEN: &str = "hf_canary_of_the_cli";
/// Of the parquet file.
const SHA256: &str = "cf777f27b95375f8c59146141d3abed037d4d09329c7d0c7c2d50f7ead659270";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn address(server: &Server) -> String {
    server.url().trim_end_matches("/v1").to_owned()
}

fn place(server: &Server) -> String {
    address(server).trim_start_matches("http://").to_owned()
}

fn words(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn parquet() -> Vec<u8> {
    fs::read(root().join("crates/integrations/tests/files/huggingface/test.parquet"))
        .expect("a file")
}

/// A hub whose one large file lies elsewhere; `moved` sends its answers about datasets elsewhere, too.
fn hub(files: &str, moved: bool) -> impl Fn(&Seen) -> Reply + Send + Sync + use<> {
    let files = files.to_owned();
    move |seen| match &*seen.path {
        path if path.starts_with("/api/") && moved => {
            Reply::status(307).header("location", format!("{files}{path}"))
        }
        "/api/datasets/org/set/revision/main?blobs=true" => {
            Reply::json(&json!({ "sha": COMMIT, "siblings": [] }))
        }
        path if path.starts_with("/api/datasets/org/set/revision/") => {
            let lfs = json!({ "sha256": SHA256, "size": 9, "pointerSize": 9 });
            let file =
                json!({ "rfilename": "data/test-00000-of-00001.parquet", "size": 9, "lfs": lfs });
            Reply::json(&json!({ "sha": COMMIT, "siblings": [file] }))
        }
        path if path.contains("/resolve/") => {
            Reply::status(302).header("location", format!("{files}/blob?signature=hush"))
        }
        _ => Reply::status(404),
    }
}

/// A suite over a dataset of a hub.
fn world(model: &Server, hub: &Server) -> World {
    let world = World::new(0);
    let suite = crate::setup::suite(&model.url(), "");
    let start = suite.find("dataset:").expect("a dataset");
    let end = start + suite[start..].find('\n').expect("a line");
    let source = format!(
        "dataset: {{ source: {{ huggingface: {{ dataset: org/set, split: test, revision: {COMMIT}, endpoint: '{}', token_env: HF_TOKEN }} }}, id: id, target: label }}",
        address(hub)
    );
    world.write("suite.yaml", &format!("{}{source}{}", &suite[..start], &suite[end..]));
    world
}

#[test]
fn a_token_goes_to_the_hub_that_the_user_allows_and_to_no_other() {
    let model = Server::start(right);
    let files = Server::start(|_| Reply::bytes(parquet()));
    let hub = Server::start(hub(&address(&files), false));
    let world = world(&model, &hub);
    let token = [("HF_TOKEN", TOKEN)];
    let fetch = ["check", "--fetch", "suite.yaml"];
    let elsewhere = format!("HF_TOKEN@{}", place(&files));
    for more in [&[][..], &["--allow-key", &elsewhere]] {
        let told = words(&world.run_in(&[&fetch[..], more].concat(), &token).expect(2));
        let advice = format!("--allow-key HF_TOKEN@{}", place(&hub));
        assert!(told.contains(&advice), "{told}");
        assert!(!told.contains(TOKEN), "{told}");
    }
    assert_eq!((hub.count(), files.count()), (0, 0), "a key that may not leave asks nobody");
    let allowed = format!("HF_TOKEN@{}", place(&hub));
    let ran = world.run_in(&[&fetch[..], &["--allow-key", &allowed]].concat(), &token);
    assert!(files.count() == 1, "{}", ran.stderr);
    let bearer = format!("Bearer {TOKEN}");
    assert!(hub.requests().iter().all(|seen| seen.header("authorization") == Some(&*bearer)));
    assert!(files.requests().iter().all(|seen| seen.header("authorization").is_none()));
    assert!(!ran.stderr.contains(TOKEN) && !ran.stdout.contains(TOKEN), "{}", ran.stderr);
    no_file_holds_the_token(world.folder.path());
}

/// A hub that sends its callers on is asked no further with the token.
#[test]
fn a_redirect_takes_no_token_along() {
    let model = Server::start(right);
    let thief = Server::start(|_| Reply::status(403));
    let hub = Server::start(hub(&address(&thief), true));
    let world = world(&model, &hub);
    let allowed = format!("HF_TOKEN@{}", place(&hub));
    let fetch = ["check", "--fetch", "suite.yaml", "--allow-key", &allowed];
    let ran = world.run_in(&fetch, &[("HF_TOKEN", TOKEN)]).expect(2);
    assert!(thief.requests().iter().all(|seen| seen.header("authorization").is_none()));
    assert!(!ran.stderr.contains(TOKEN), "{}", ran.stderr);
    no_file_holds_the_token(world.folder.path());
}

fn no_file_holds_the_token(folder: &std::path::Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            no_file_holds_the_token(&path);
        } else {
            let bytes = fs::read(&path).expect("a file");
            let is_held = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!is_held, "{}", path.display());
        }
    }
}
