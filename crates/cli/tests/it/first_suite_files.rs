//! `evalmark init`: which files it writes, and what it refuses without leaving any; the dialogue of a terminal.

use std::fs;

use serde_json::Value;

use crate::{
    first_suite::empty,
    setup::{Ran, World},
};

#[track_caller]
fn refused(world: &World, arguments: &[&str], expected: &[&str]) -> Ran {
    let ran = world.run(&[&["init"], arguments].concat()).expect(2);
    for part in expected {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    ran
}

fn files(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![world.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(world.folder.path()).expect("below").display().to_string();
            if path.is_dir() {
                folders.push(path);
                found.push(format!("{name}/"));
            } else {
                found.push(name);
            }
        }
    }
    found.retain(|name| !name.starts_with("cache"));
    found.sort();
    found
}

#[test]
fn what_is_missing_or_wrong_is_named_and_nothing_is_left() {
    let world = empty();
    let provider = ["--provider", "openai"];
    refused(&world, &[], &["the dataset is missing", "--dataset FILE", "--example"]);
    let check = |file: &str, rows: &str, more: &[&str], expected: &[&str]| {
        world.write(file, rows);
        let before = files(&world);
        refused(&world, &[&["--dataset", file], &provider[..], more].concat(), expected);
        assert_eq!(files(&world), before);
    };
    check("empty.csv", "", &[], &["is empty; it needs a header row and items"]);
    check("header.csv", "text,label\n", &[], &["has no items"]);
    check("one.csv", "text\na\nb\n", &[], &["looks like right answers", "it has one column"]);
    check("near.csv", "text,label\na,x\nb,y\n", &["--target", "lable"], &["did you mean `label`?"]);
    check(
        "gap.csv",
        "text,label\na,x\nb,\n",
        &[],
        &["missing in 1 row of the dataset, first in row 2"],
    );
    let open = "text,label\na,x\n\"b,y\n";
    check("open.csv", open, &[], &["the dataset open.csv: row 2"]);
    check("twice.csv", "text,label\na,x\na,x\n", &[], &["repeats row 1 word for word"]);
    check("near.csv", "text,label\na,x\nb,y\n", &["--name", "a b"], &["--name NAME"]);
    check(
        "near.csv",
        "text,label\na,x\nb,y\n",
        &["--name", "baselines"],
        &["`baselines` is taken"],
    );
    let near = ["--dataset", "near.csv"];
    refused(
        &world,
        &["--dataset", "naer.csv"],
        &["there is no such file", "did you mean `near.csv`?"],
    );
    refused(
        &world,
        &near,
        &["the provider, whose model answers, is missing", "openai", "`recorded`"],
    );
    let with = |more: &[&str], expected: &[&str]| {
        refused(&world, &[&near[..], more].concat(), expected);
    };
    with(&["--provider", "opnai"], &["there is no provider `opnai`", "did you mean `openai`?"]);
    with(&["--provider", "groq"], &["the model is missing", "--model NAME"]);
    with(&["--provider", "azure", "--model", "m"], &["--base-url URL"]);
    with(&["--provider", "recorded"], &["no column of the dataset looks like a model's answers"]);
    assert!(!world.path("suites").exists() && !world.path(".gitignore").exists());
}

#[test]
fn nothing_is_overwritten_and_a_failure_leaves_all_as_it_was() {
    let world = empty();
    world.write("data.csv", "text,label\na,x\nb,y\n");
    let init = ["--dataset", "data.csv", "--provider", "openai"];
    let run = |more: &[&str]| world.run(&[&["init"], &init[..], more].concat());
    run(&[]).expect(0);
    let (suite, ignore) = (world.bytes("suites/data.yaml"), world.bytes(".gitignore"));
    run(&[]).expect(0);
    assert_eq!(world.bytes(".gitignore"), ignore);
    fs::write(world.path("suites/data.yaml"), "name: mine\n").expect("written");
    refused(&world, &init, &["suites/data.yaml is there already", "--force"]);
    assert_eq!(world.bytes("suites/data.yaml"), b"name: mine\n");
    run(&["--force"]).expect(0);
    assert_eq!(world.bytes("suites/data.yaml"), suite);
    // The suite of another name is taken back where its prompt cannot be written.
    let before = files(&world);
    fs::create_dir(world.path("suites/prompts/other.j2")).expect("a folder in the way");
    refused(&world, &[&init[..], &["--name", "other"]].concat(), &["other.j2 cannot be written"]);
    fs::remove_dir(world.path("suites/prompts/other.j2")).expect("removed");
    assert_eq!(files(&world), before);
}

#[test]
fn runs_stay_out_of_git_and_baselines_do_not() {
    let world = empty();
    world.write(".gitignore", "/target");
    world.run(&["init", "--example"]).expect(0);
    let ignore = fs::read_to_string(world.path(".gitignore")).expect("a file");
    assert!(
        ignore.starts_with("/target\n\n") && ignore.ends_with("/reports/*\n!/reports/baselines/\n")
    );
    world.write(".gitignore", "reports/\n");
    let told = world.run(&["init", "--example"]).expect(0);
    assert!(told.stderr.contains("keeps baselines out of git, too"), "{}", told.stderr);
}

#[test]
fn recipes_are_those_that_are_shipped() {
    let shipped =
        |name: &str| fs::read_to_string(crate::setup::root().join("ci").join(name)).expect(name);
    let services = [
        ("github", ".github/workflows/evalmark.yml", "github.yml"),
        ("gitlab", ".gitlab-ci.yml", "gitlab.yml"),
        ("jenkins", "Jenkinsfile", "Jenkinsfile"),
        ("bitbucket", "bitbucket-pipelines.yml", "bitbucket-pipelines.yml"),
    ];
    for (service, path, file) in services {
        let world = empty();
        fs::create_dir(world.path(".git")).expect("a repository");
        world.run(&["init", "--example", "--ci", service]).expect(0);
        assert_eq!(fs::read_to_string(world.path(path)).expect(path), shipped(file));
    }
    let world = empty();
    fs::create_dir(world.path(".git")).expect("a repository");
    world.write(".gitlab-ci.yml", "mine: {}\n");
    let told = world.run(&["init", "--example", "--ci", "gitlab"]).expect(0);
    assert!(told.stderr.contains("include: [{ local: ci/evalmark.yml }]"), "{}", told.stderr);
    assert_eq!(world.bytes(".gitlab-ci.yml"), b"mine: {}\n");
    refused(
        &world,
        &["sub", "--example", "--ci", "github"],
        &["is not the root of its repository"],
    );
    assert!(!world.path("sub").exists());
}

#[test]
fn programs_are_told_the_same() {
    let world = empty();
    let told = world.run(&["init", "project", "--example", "--format", "json"]).expect(0);
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["suite"], "project/suites/messages.yaml");
    assert_eq!(told["guesses"][0]["is"], "intent");
    assert_eq!(told["files"][0]["outcome"], "new");
    assert_eq!(told["next"][0], "cd project");
}

/// On a terminal what is missing is asked, and a wrong answer is asked again.
#[test]
#[cfg(unix)]
fn a_terminal_is_asked() {
    use std::io::Write;

    let world = empty();
    world.write("data.csv", "text,label\na,x\nb,y\n");
    let ask = |arguments: &[&str], typed: &str| {
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        // What is typed waits in the terminal until somebody reads it.
        let mut keyboard = fs::File::from(terminal.master);
        keyboard.write_all(typed.as_bytes()).expect("typed");
        let same = terminal.slave.try_clone().expect("the terminal");
        let output = world.command(arguments).stdin(terminal.slave).stderr(same).output();
        let output = output.expect("the program starts");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (code, told) = ask(&["init"], "dta.csv\ndata.csv\n\nopenai\nsmall\nnowhere\ngithub\n");
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("you named it"), "the guess was offered and taken: {told}");
    let suite = fs::read_to_string(world.path("suites/data.yaml")).expect("the suite");
    assert!(suite.contains("target: label") && suite.contains("model: small"), "{suite}");
    assert!(world.path(".github/workflows/evalmark.yml").exists());
    let (code, told) = ask(&["init", "sub"], "\n");
    assert_eq!(code, Some(0), "{told}");
    assert!(world.path("sub/suites/messages.yaml").exists());
    // Control-D: the answers have ended.
    assert_eq!(ask(&["init", "other"], "\u{4}").0, Some(2));
    assert!(!world.path("other").exists());
}
