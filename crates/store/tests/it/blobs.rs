//! Documents by key, whole or not there.

use std::{fs, sync::Barrier, thread};

use evalmark_store::{
    LocalFolder,
    blobs::{BlobError, Blobs, PutOutcome},
};
use tempfile::tempdir;

#[test]
fn what_was_put_is_got() {
    let folder = tempdir().unwrap();
    let blobs = LocalFolder::new(&folder.path().join("not/there/yet"));
    assert_eq!(blobs.get("a/b.json").unwrap(), None);
    assert_eq!(blobs.list("").unwrap(), Vec::<String>::new());
    blobs.put("a/b.json", b"one").unwrap();
    assert_eq!(blobs.get("a/b.json").unwrap().unwrap(), b"one");
    blobs.put("a/b.json", b"two").unwrap();
    assert_eq!(blobs.get("a/b.json").unwrap().unwrap(), b"two");
}

#[test]
fn lists_have_one_level_and_nothing_half_written() {
    let folder = tempdir().unwrap();
    let blobs = LocalFolder::new(folder.path());
    for key in ["b/run.json", "b/deep/er.json", "a.json", ".hidden/x.json", "b/.x.1.partial"] {
        blobs.put(key, b"{}").unwrap();
    }
    assert_eq!(blobs.list("").unwrap(), ["a.json", "b/"]);
    assert_eq!(blobs.list("b/").unwrap(), ["deep/", "run.json"]);
    assert_eq!(blobs.list("none/").unwrap(), Vec::<String>::new());
}

#[test]
fn one_of_many_wins() {
    let folder = tempdir().unwrap();
    // With its folder, and into one that is there.
    for key in ["suite/run/run.json", "run.json"] {
        let (blobs, barrier) = (LocalFolder::new(folder.path()), Barrier::new(8));
        let outcomes: Vec<_> = thread::scope(|scope| {
            let put = |n: u8| {
                barrier.wait();
                (n, blobs.put_if_absent(key, &[n; 1000]).unwrap())
            };
            let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || put(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winners: Vec<_> =
            outcomes.iter().filter(|(_, outcome)| *outcome == PutOutcome::Written).collect();
        assert_eq!(winners.len(), 1, "{key}: {outcomes:?}");
        assert_eq!(blobs.get(key).unwrap().unwrap(), [winners[0].0; 1000], "{key}");
        let again = blobs.put_if_absent(key, b"late").unwrap();
        assert_eq!(again, PutOutcome::AlreadyThere, "{key}");
        assert_eq!(blobs.get(key).unwrap().unwrap(), [winners[0].0; 1000], "{key}");
    }
    // Nothing else is left.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(fs::read_dir(folder.path().join("suite")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder.path().join("suite/run")).unwrap().count(), 1);
}

#[test]
fn errors_say_where() {
    let folder = tempdir().unwrap();
    let blobs = LocalFolder::new(folder.path());
    blobs.put("a", b"a file").unwrap();
    let error = blobs.put("a/b.json", b"{}").unwrap_err();
    assert!(matches!(&error, BlobError::Write { place, .. } if place.ends_with("a/b.json")));
    let error = blobs.list("a/").unwrap_err();
    assert!(matches!(&error, BlobError::Read { place, .. } if place.contains("/a")), "{error}");
}
