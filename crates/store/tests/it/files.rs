//! Files that get their names once they are complete.

use std::{fs, io::Write};

use evalmark_store::durable::{NewFile, digest, write};
use tempfile::tempdir;

#[test]
fn an_unfinished_file_has_no_name() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let file = NewFile::create(&path).unwrap();
    file.writer().unwrap().write_all(b"half").unwrap();
    assert!(!path.exists());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.len() == 1 && left[0].extension().unwrap() == "partial", "{left:?}");
    drop(file);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_named_file_takes_the_place_of_the_earlier_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.json");
    write(&path, b"earlier").unwrap();
    let file = NewFile::create(&path).unwrap();
    file.writer().unwrap().write_all(b"later").unwrap();
    let ready = file.ready("digest".to_owned()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"earlier");
    ready.name().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"later");
    assert_eq!(digest(&path).unwrap(), blake3_of(b"later"));
}

fn blake3_of(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}
