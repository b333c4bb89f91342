//! `evalmark dataset freeze`: the dataset and the file that says where its items came from change together, whoever else
//! writes them, whatever fails, and whenever the process is killed.

use std::{fs, process::Stdio};

use crate::{
    log_cases::{CSV, freeze, rows, world},
    setup::World,
};

const REVIEW: &str = "id,text,n,label\na,new,1,money\nb,\"newer, too\",2,delivery\n";

fn data(world: &World) -> String {
    fs::read_to_string(world.path("data.csv")).expect("a file")
}

/// What lies in the folder beside what belongs there.
fn leftovers(world: &World) -> Vec<String> {
    let listed = fs::read_dir(world.path(".")).expect("a folder");
    let names = listed.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

/// Killed at each change of a file: the dataset has all of the new rows or none, what is read says the same of where they
/// came from, and the next call does the rest.
#[test]
fn a_freeze_that_is_killed_anywhere_is_done_by_the_next() {
    let whole = format!("{CSV}a,new,1,money\nb,\"newer, too\",2,delivery\n");
    let mut at = 1;
    loop {
        let world = world("data.csv", CSV);
        world.write("review.csv", REVIEW);
        let args = ["dataset", "freeze", "suite.yaml", "review.csv"];
        let ran = world.run_in(&args, &[("EVALMARK_TEST_ABORT_AT", &at.to_string())]);
        let found = data(&world);
        assert!(found == CSV || found == whole, "{at}: {found}");
        // What the dataset has is frozen, though nobody froze it again: it cannot go unnoticed.
        world.run(&["dataset", "validate", "suite.yaml"]).expect(0);
        if found == whole {
            world.write("data.csv", CSV);
            let half_frozen = !world.path("suite.frozen.jsonl").exists();
            let code = if half_frozen { 0 } else { 2 };
            world.run(&["dataset", "validate", "suite.yaml"]).expect(code);
            world.write("data.csv", &whole);
        }
        freeze(&world, "review.csv", 0);
        assert_eq!(data(&world), whole, "{at}");
        assert_eq!(rows(&world, "suite.frozen.jsonl").len(), 2, "{at}");
        assert!(!leftovers(&world).iter().any(|name| name.contains("pending")), "{at}");
        if ran.code == Some(0) {
            break;
        }
        at += 1;
    }
    assert!(at > 8, "{at}");
}

/// What a killed process had added is frozen with the next file, whichever that is.
#[test]
fn what_a_killed_process_froze_is_not_forgotten() {
    let mut n = 0;
    for at in 1..30 {
        let world = world("data.csv", CSV);
        world.write("review.csv", REVIEW);
        let args = ["dataset", "freeze", "suite.yaml", "review.csv"];
        let ran = world.run_in(&args, &[("EVALMARK_TEST_ABORT_AT", &at.to_string())]);
        if ran.code == Some(0) {
            break;
        }
        let is_added = data(&world) != CSV;
        n += usize::from(is_added && !world.path("suite.frozen.jsonl").exists());
        world.write("other.csv", "id,text,n,label\nc,another,1,money\n");
        freeze(&world, "other.csv", 0);
        let frozen = rows(&world, "suite.frozen.jsonl");
        let ids: Vec<_> = frozen.iter().filter_map(|row| row["item_id"].as_str()).collect();
        assert_eq!(ids, if is_added { &["a", "b", "c"][..] } else { &["c"] }, "{at}");
    }
    assert!(n > 0, "no kill came between the two files");
}

#[test]
fn two_at_once_lose_nothing() {
    const WRITERS: usize = 6;
    let world = world("data.csv", CSV);
    let begun: Vec<_> = (0..WRITERS)
        .map(|at| {
            let file = format!("review{at}.csv");
            world.write(&file, &format!("id,text,n,label\nw{at},question number {at},1,money\n"));
            let mut command = world.command(&["dataset", "freeze", "suite.yaml", &file]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process")
        })
        .collect();
    for mut process in begun {
        assert!(process.wait().expect("an end").success());
    }
    let data = data(&world);
    for at in 0..WRITERS {
        assert!(data.contains(&format!("\nw{at},question number {at},1,money")), "{data}");
    }
    assert_eq!(rows(&world, "suite.frozen.jsonl").len(), WRITERS);
    assert_eq!(leftovers(&world), [""; 0]);
}

#[test]
fn where_one_file_cannot_be_written_the_other_is_left_as_it_is() {
    let check = |prepare: &dyn Fn(&World), code: i32, expected: &[&str]| {
        let world = world("data.csv", CSV);
        world.write("review.csv", REVIEW);
        prepare(&world);
        let told = freeze(&world, "review.csv", code);
        for part in expected {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(data(&world), CSV);
        assert!(!world.path("suite.frozen.jsonl").is_file());
        world.run(&["dataset", "validate", "suite.yaml"]);
    };
    let in_the_way = |name: &'static str| {
        move |world: &World| {
            fs::create_dir_all(world.path(name).join("folder")).expect("a folder");
        }
    };
    let folder = "make its folder one that can be written";
    check(&in_the_way(".suite.frozen.jsonl.pending"), 2, &["pending cannot be read"]);
    check(&in_the_way(".suite.frozen.jsonl.lock"), 4, &["nothing can be written beside", folder]);
    check(&in_the_way(".data.csv.lock"), 4, &["nothing can be written beside", folder]);
    let read_only = |world: &World| {
        let path = world.path("data.csv");
        let mut permissions = fs::metadata(&path).expect("a file").permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).expect("permissions");
    };
    let right = "give yourself the right to write it";
    check(&read_only, 2, &["data.csv is read-only", right]);
}

#[cfg(unix)]
#[test]
fn who_may_read_the_dataset_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let world = world("data.csv", CSV);
    world.write("review.csv", REVIEW);
    let path = world.path("data.csv");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
    freeze(&world, "review.csv", 0);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn rows_that_cannot_be_items_are_told() {
    let check = |review: &str, expected: &str| {
        let world = world("data.csv", CSV);
        world.write("review.csv", review);
        let told = freeze(&world, "review.csv", 2);
        assert!(told.contains(expected), "{told}");
        assert_eq!(data(&world), CSV);
    };
    check(
        "id,text,n,label\na,new,1,money\nb,\" \",1,money\n",
        "row 2: `b` asks nothing (`text` empty)",
    );
    check("id,text,n,label\na,a\\u{0}b,1,money\n", "row 1: `text` holds a NUL byte");
    let cut = "x".repeat(32_767);
    check(
        &format!("id,text,n,label\na,{cut},1,money\n"),
        "row 1: `text` has exactly 32767 characters: a spreadsheet has cut it",
    );
}
