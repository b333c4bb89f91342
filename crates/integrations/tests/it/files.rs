//! The source `file`: what is packed is unpacked once, into the same snapshot as the rows themselves.

use std::fs;

use serde_json::json;

use crate::setup::{Place, ROWS, blake3, failure, gzip, zstd};

#[test]
fn the_same_rows_are_the_same_snapshot_however_they_are_packed() {
    let place = Place::new();
    let mut paths = Vec::new();
    let files = [("a.csv", ROWS.to_vec()), ("b.csv.gz", gzip(ROWS)), ("c.csv.zst", zstd(ROWS))];
    for (name, bytes) in files {
        place.write(name, &bytes);
        let snapshot = place.resolve("file", &json!({ "path": name }), false).expect(name);
        assert_eq!(fs::read(&snapshot.path).expect("a snapshot"), ROWS);
        assert_eq!(snapshot.blake3, blake3(ROWS));
        assert_eq!(snapshot.name, format!("{}.csv", &name[..1]));
        assert!(snapshot.origin.ends_with(name) && snapshot.server.is_none());
        paths.push(snapshot.path);
    }
    assert!(paths.iter().all(|path| *path == paths[0]), "{paths:?}");
}

#[test]
fn a_snapshot_is_made_once_and_again_where_it_is_damaged() {
    let place = Place::new();
    place.write("data.csv.gz", &gzip(ROWS));
    let resolve = || place.resolve("file", &json!({ "path": "data.csv.gz" }), false).expect("rows");
    let first = resolve();
    let written = fs::metadata(&first.path).and_then(|meta| meta.modified()).expect("a time");
    assert_eq!(resolve(), first);
    let again = fs::metadata(&first.path).and_then(|meta| meta.modified()).expect("a time");
    assert_eq!(again, written);
    fs::write(&first.path, "id,text,label\n1,forged,x\n").expect("written");
    assert_eq!(fs::read(resolve().path).expect("a snapshot"), ROWS);
    place.write("data.csv.gz", &gzip(b"id\n1\n"));
    assert_eq!(resolve().blake3, blake3(b"id\n1\n"));
}

#[test]
fn what_cannot_be_used_leaves_nothing_behind() {
    let place = Place::new();
    place.write("half.csv.gz", &gzip(ROWS)[..20]);
    place.write("half.csv.zst", &zstd(ROWS)[..20]);
    for name in ["half.csv.gz", "half.csv.zst"] {
        let text = failure(place.resolve("file", &json!({ "path": name }), false));
        assert!(text.contains("cannot be unpacked"), "{text}");
    }
    let row = |i: u64| format!("{i},{}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let rows: String = (0..50_000).map(row).collect();
    for (name, packed) in
        [("cut.csv.gz", gzip(rows.as_bytes())), ("cut.csv.zst", zstd(rows.as_bytes()))]
    {
        place.write(name, &packed[..packed.len() * 2 / 3]);
        let text = failure(place.resolve("file", &json!({ "path": name }), false));
        let line = text.split_once("(line ").and_then(|(_, rest)| rest.split_once(')'));
        let line = line.and_then(|(line, _)| line.parse::<u64>().ok()).expect(&text);
        assert!((20_000..40_000).contains(&line), "{text}");
    }
    place.write("data.csv", ROWS);
    let pinned = json!({ "path": "data.csv", "blake3": blake3(b"other") });
    let text = failure(place.resolve("file", &pinned, false));
    for hash in [blake3(ROWS), blake3(b"other")] {
        assert!(text.contains(&hash), "{text}");
    }
    let text = failure(place.resolve("file", &json!({ "path": "none.csv.gz" }), false));
    assert!(text.contains("cannot be read"), "{text}");
    fs::write(place.folder.path().join("outside.csv.gz"), gzip(ROWS)).expect("written");
    assert_eq!(place.cached(), Vec::<std::path::PathBuf>::new());
}

#[cfg(unix)]
#[test]
fn files_outside_of_the_root_and_hidden_ones_are_refused() {
    let place = Place::new();
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("data.csv.gz"), gzip(ROWS)).expect("written");
    std::os::unix::fs::symlink(
        outside.path().join("data.csv.gz"),
        place.folder.path().join("suites/link.csv.gz"),
    )
    .expect("a link");
    place.write(".data.csv.gz", &gzip(ROWS));
    for (path, expected) in [
        (outside.path().join("data.csv.gz").display().to_string(), "is outside of"),
        ("link.csv.gz".to_owned(), "is outside of"),
        (".data.csv.gz".to_owned(), "is hidden"),
        (".".to_owned(), "is a folder"),
    ] {
        let text = failure(place.resolve("file", &json!({ "path": path }), true));
        assert!(text.contains(expected), "{path}: {text}");
    }
    assert_eq!(place.cached(), Vec::<std::path::PathBuf>::new());
}
