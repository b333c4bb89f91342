//! Changes of real files, as watching sees them.

use std::fs;

use super::FileWatch;

#[test]
fn a_change_a_replacement_and_a_gap_are_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, other] = ["a", "b"].map(|name| folder.path().join(name));
    fs::write(&path, "one").expect("written");
    let before = FileWatch::of([path.clone(), other.clone()]);
    assert_eq!(before.again().first_changed(&before), None);
    fs::write(&other, "new").expect("written");
    assert_eq!(before.again().first_changed(&before), Some(&*other));
    let both = before.again();
    fs::rename(&other, &path).expect("renamed");
    let after = both.again();
    assert_eq!(after.first_changed(&both), Some(&*path));
    assert!(after.lacks_one_of(&both) && !after.lacks_one_of(&after));
}
