//! `evalmark prompts log`, `diff` and `blame`: they agree with git's own on repositories of every kind.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{git_world::GitWorld, setup::Ran};

const PROMPT: &str = "\
---
description: Sorts messages
parameters: { temperature: 0 }
variables:
  text: { type: string, example: I was charged twice. }
---
{% include 'tone.j2' %}
Answer with one word.

<message>{{ text }}</message>
";

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// The commits that `evalmark prompts log` lists.
#[track_caller]
fn logged(made: &GitWorld, folder: &Path, name: &str) -> Vec<String> {
    let library = folder.join("prompts");
    let library = library.to_str().expect("UTF-8");
    let ran = made.world.run(&["prompts", "log", name, "--library", library, "--format", "json"]);
    let log = json(&ran.expect(0));
    let commits = log["commits"].as_array().expect("commits");
    commits.iter().map(|entry| entry["commit"].as_str().expect("an id").to_owned()).collect()
}

/// The commits that git lists, merges simplified.
fn git_log(made: &GitWorld, folder: &Path, more: &[&str]) -> Vec<String> {
    let told = made.git_in(folder, &[&["log", "--format=%H"], more].concat());
    told.lines().map(str::to_owned).collect()
}

/// A history with edits, a rename with an edit, and a merge.
fn history() -> GitWorld {
    let made = GitWorld::new();
    made.write("prompts/tone.j2", "Be kind.\n");
    made.write("prompts/sort.md", PROMPT);
    made.commit("First");
    made.write("README.md", "x");
    made.commit("Something else");
    made.write("prompts/sort.md", &PROMPT.replace("one word", "two words"));
    made.commit("Two words");
    made.git(&["mv", "prompts/sort.md", "prompts/topic.md"]);
    made.write("prompts/topic.md", &PROMPT.replace("one word", "three words"));
    made.commit("Rename");
    made.git(&["checkout", "-q", "-b", "side"]);
    made.write("prompts/topic.md", &PROMPT.replace("one word", "four words"));
    made.commit("On the side");
    made.git(&["checkout", "-q", "main"]);
    made.write("README.md", "y");
    made.commit("Meanwhile");
    made.merge("side");
    made
}

#[test]
fn the_log_agrees_with_git() {
    let made = history();
    let root = made.world.folder.path().to_owned();
    let expected = git_log(&made, &root, &["--follow", "--", "prompts/topic.md"]);
    assert_eq!(expected.len(), 4);
    assert_eq!(logged(&made, &root, "topic"), expected);
    // A fragment's change is a change of the prompt, which git does not know.
    made.write("prompts/tone.j2", "Be brief.\n");
    let fragment = made.commit("Tone");
    let all = [vec![fragment], expected].concat();
    assert_eq!(logged(&made, &root, "topic"), all);
    // Front matter and line endings do not change what a prompt says.
    let now = PROMPT.replace("one word", "four words");
    made.write("prompts/topic.md", &now.replace("Sorts", "Finds").replace('\n', "\r\n"));
    made.commit("Description, and Windows");
    assert_eq!(logged(&made, &root, "topic"), all);
}

#[test]
fn the_log_is_the_same_in_every_kind_of_repository() {
    let made = history();
    let root = made.world.folder.path().to_owned();
    let all = logged(&made, &root, "topic");
    made.git(&["checkout", "-q", "--detach", "HEAD"]);
    assert_eq!(logged(&made, &root, "topic"), all, "detached");
    made.git(&["checkout", "-q", "main"]);
    let beside = tempfile::tempdir().expect("a folder");
    let to = |name: &str| beside.path().join(name).to_str().expect("UTF-8").to_owned();
    made.git(&["worktree", "add", "-q", "--detach", &to("tree"), "HEAD"]);
    assert_eq!(logged(&made, Path::new(&to("tree")), "topic"), all, "worktree");
    let url = format!("file://{}", root.display());
    made.git(&["clone", "-q", "--depth", "3", &url, &to("shallow")]);
    let shallow = to("shallow");
    let git = git_log(&made, Path::new(&shallow), &["--follow", "--", "prompts/topic.md"]);
    assert_eq!(logged(&made, Path::new(&shallow), "topic"), git, "shallow");
    let library = format!("{shallow}/prompts");
    let told = made.world.run(&["prompts", "log", "topic", "--library", &library]).expect(0);
    assert!(told.stderr.contains("--unshallow"), "{}", told.stderr);
    made.git(&["init", "-q", &to("outer")]);
    made.git_in(Path::new(&to("outer")), &["submodule", "--quiet", "add", &url, "sub"]);
    assert_eq!(logged(&made, Path::new(&to("outer/sub")), "topic"), all, "submodule");
    made.git(&["clone", "-q", "-c", "core.autocrlf=true", &url, &to("windows")]);
    let windows = to("windows");
    assert!(fs::read(format!("{windows}/prompts/topic.md")).expect("text").contains(&b'\r'));
    let library = format!("{windows}/prompts");
    let ran =
        made.world.run(&["prompts", "log", "topic", "--library", &library, "--format", "json"]);
    let log = json(&ran.expect(0));
    assert!(log["uncommitted"].is_null(), "{log:#}");
    assert_eq!(log["commits"].as_array().map(Vec::len), Some(all.len()));
}

/// Lines of prompts that differ from each other, so that no two ways to compare them are equally good.
fn text(version: u64) -> String {
    let line = |n: u64| {
        format!("Line {n} of version {}.\n", if n % 4 == version % 4 { version } else { 0 })
    };
    format!("---\n---\n{}<message>{{{{ text }}}}</message>\n", (0..8).map(line).collect::<String>())
}

/// Histories that a seed makes: without renames they are those of `git log -- FILE`, through merges; without merges, those
/// of `git log --follow`, through renames. Git does not follow a rename through a merge in order.
#[test]
fn the_log_agrees_with_git_on_histories_of_every_kind() {
    for seed in 0..8 {
        let made = GitWorld::new();
        let (root, has_merges) = (made.root.clone(), seed % 2 == 0);
        let mut name = "p0".to_owned();
        made.write("prompts/p0.md", &text(0));
        made.commit("First");
        for step in 1..9 {
            let path = format!("prompts/{name}.md");
            match crate::setup::scrambled(seed * 100 + step) % 4 {
                0 => made.write("notes", &step.to_string()),
                1 if has_merges => {
                    made.git(&["checkout", "-q", "-b", &format!("side{step}")]);
                    made.write(&path, &text(step));
                    made.commit("On the side");
                    made.git(&["checkout", "-q", "main"]);
                    made.write("notes", &step.to_string());
                    made.commit("Meanwhile");
                    made.merge(&format!("side{step}"));
                }
                1 => {
                    name = format!("p{step}");
                    made.git(&["mv", &path, &format!("prompts/{name}.md")]);
                    made.write(&format!("prompts/{name}.md"), &text(step));
                }
                _ => made.write(&path, &text(step)),
            }
            made.commit("Step");
        }
        let path = format!("prompts/{name}.md");
        let more: &[&str] = if has_merges { &["--", &path] } else { &["--follow", "--", &path] };
        assert_eq!(logged(&made, &root, &name), git_log(&made, &root, more), "seed {seed}");
    }
}

/// A renamed prompt is found under its name of today at every commit, and in the folder that the library was then.
#[test]
fn renames_are_followed_by_diff_and_blame_too() {
    let made = GitWorld::new();
    made.write("old/prompts/tone.j2", "Be kind.\n");
    made.write("old/prompts/sort.md", PROMPT);
    made.commit("First");
    made.write("old/prompts/sort.md", &PROMPT.replace("one word", "two words"));
    made.commit("Two words");
    made.git(&["mv", "old/prompts", "prompts"]);
    made.commit("Another folder");
    made.git(&["mv", "prompts/sort.md", "prompts/topic.md"]);
    made.write("prompts/topic.md", &PROMPT.replace("one word", "three words"));
    made.commit("Another name");
    let run = |arguments: &[&str]| made.world.run(&[&["prompts"], arguments].concat()).expect(0);
    let check = |before: &str, words: &str| {
        let diff = run(&["diff", &format!("topic@{before}"), "topic"]).stdout;
        assert!(diff.contains(words) && diff.contains("Be kind."), "{before}: {diff}");
    };
    check("HEAD~1", "[-two-]{+three+} words");
    check("HEAD~2", "[-two-]{+three+} words");
    check("HEAD~3", "[-one word-]{+three words+}");
    let rev = |n: u64| made.git(&["rev-parse", &format!("HEAD~{n}")]);
    for (revision, path) in [("HEAD~1", "prompts/sort.md"), ("HEAD~2", "old/prompts/sort.md")] {
        let blamed = json(&run(&["blame", "topic", "--at", revision, "--format", "json"]));
        let file = &blamed["files"][0];
        assert_eq!(file["path"], path, "{blamed:#}");
        let commits = file["lines"].as_array().expect("lines").iter().map(|line| &line["commit"]);
        let expected = made.git(&["blame", "-s", "-l", "--root", revision, "--", path]);
        let expected: Vec<_> = expected.lines().map(|line| line[..40].to_owned()).collect();
        assert_eq!(commits.collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>(), "{revision}");
        assert_eq!(blamed["files"][1]["path"].as_str().map(|p| p.ends_with("tone.j2")), Some(true));
    }
    let logged = json(&run(&["log", "topic", "--from", "HEAD~2", "--format", "json"]));
    let commits = logged["commits"].as_array().expect("commits").iter();
    let commits: Vec<_> = commits.map(|entry| entry["commit"].clone()).collect();
    assert_eq!(commits, [rev(2), rev(3)]);
}

#[test]
fn the_log_tells_what_runs_measured() {
    let made = GitWorld::new();
    made.write("prompts/tone.j2", "Be kind.\n");
    made.write("prompts/sort.md", PROMPT);
    made.write("data.csv", "id,text,label,answer\n1,a,red,red\n2,b,red,blue\n");
    made.write(
        "suite.yaml",
        "name: colours\ndataset: { path: data.csv, id: id, target: label }\n\
         prompts: [{ name: sorting, use: sort }]\nmodels: [{ name: one, recorded: { column: answer } }]\n\
         metrics: [{ name: exact, exact: {} }]\n",
    );
    made.commit("First");
    made.world.run(&["run", "suite.yaml", "--run-id", "a"]).expect(0);
    made.write("prompts/tone.j2", "Be brief.\n");
    let log = json(&made.world.run(&["prompts", "log", "sort", "--format", "json"]).expect(0));
    assert!(log["uncommitted"]["hash"].is_string(), "{log:#}");
    let run = &log["commits"][0]["runs"][0];
    assert_eq!((&run["suite"], &run["prompt"]), (&"colours".into(), &"sorting".into()), "{log:#}");
    assert_eq!(run["scores"][0]["mean"], 0.5);
    made.commit("Tone");
    let told = made.world.run(&["prompts", "log", "sort"]).expect(0).words();
    for words in ["Tone", "changed: prompts/tone.j2", "First", "added:", "exact 50.0 %", "(one)"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let diff = json(
        &made.world.run(&["prompts", "diff", "sort@HEAD~1", "sort", "--format", "json"]).expect(0),
    );
    assert_eq!(diff["before"]["runs"][0]["scores"][0]["mean"], 0.5, "{diff:#}");
}

#[test]
fn the_diff_shows_words_parameters_and_an_example() {
    let made = GitWorld::new();
    made.write("prompts/tone.j2", "Be kind.\n");
    made.write("prompts/sort.md", PROMPT);
    made.commit("First");
    let edited =
        PROMPT.replace("one word", "two words").replace("temperature: 0", "temperature: 1");
    made.write("prompts/sort.md", &edited);
    let diff = json(&made.world.run(&["prompts", "diff", "sort", "--format", "json"]).expect(0));
    let parts = diff["texts"][0]["diff"].as_array().expect("parts");
    let told = |op: &str| -> String {
        let of = parts.iter().filter(|part| part["op"] == op || part["op"] == "both");
        of.map(|part| part["text"].as_str().expect("a text")).collect()
    };
    // The parts are both texts, as those of `git diff --word-diff=porcelain` are.
    let porcelain = made.git(&["diff", "--word-diff=porcelain", "-U100", "--", "prompts/sort.md"]);
    let side = |mark: char| -> Vec<String> {
        let lines = porcelain.lines().skip_while(|line| !line.starts_with("@@")).skip(1);
        let of = lines.filter_map(|line| {
            if line == "~" {
                return Some("\n".to_owned());
            }
            let (first, rest) = line.split_at(1);
            (first == " " || first.starts_with(mark)).then(|| rest.to_owned())
        });
        of.collect()
    };
    for (op, mark) in [("removed", '-'), ("added", '+')] {
        let (ours, theirs) = (told(op), side(mark).concat());
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(words(&theirs).ends_with(&words(&ours)), "{ours}\n{theirs}");
    }
    assert_eq!(diff["front_matter"][0]["key"], "parameters.temperature", "{diff:#}");
    let rendered = diff["rendered"][0]["diff"].to_string();
    assert!(rendered.contains("I was charged twice."), "{rendered}");
    let told = made.world.run(&["prompts", "diff", "sort"]).expect(0).stdout;
    for words in ["{+two words+}", "parameters.temperature: [-0-]{+1+}", "[rendered: user]"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let same = made.world.run(&["prompts", "diff", "sort", "prompts/sort.md"]).expect(0).stdout;
    assert!(same.contains("they say the same"), "{same}");
}

#[test]
fn the_lines_of_fragments_come_from_their_own_files() {
    let made = history();
    made.write("prompts/tone.j2", "Be kind.\nBe brief.\n");
    let tone = made.commit("Tone");
    let blamed =
        json(&made.world.run(&["prompts", "blame", "topic", "--format", "json"]).expect(0));
    let files = blamed["files"].as_array().expect("files");
    assert_eq!(files.len(), 2, "{blamed:#}");
    for file in files {
        let path = file["path"].as_str().expect("a path");
        let git = made.git(&["blame", "-s", "-l", "--", path]);
        let expected: Vec<_> =
            git.lines().map(|line| line[..40].trim_start_matches('^').to_owned()).collect();
        let found = file["lines"].as_array().expect("lines").iter();
        let found: Vec<_> =
            found.map(|line| line["commit"].as_str().expect("an id").to_owned()).collect();
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.starts_with(expected.as_str()), "{path}: {found} {expected}");
        }
        assert_eq!(found.len(), expected.len());
    }
    assert_eq!(files[1]["lines"][1]["commit"], tone.as_str());
    let told = made.world.run(&["prompts", "blame", "topic"]).expect(0).stdout;
    assert!(told.contains("Be brief.") && told.contains("prompts/tone.j2"), "{told}");
}

#[test]
fn without_git_the_rest_works() {
    let world = crate::setup::World::new(1);
    fs::create_dir(world.path("prompts")).expect("a folder");
    world.write("prompts/tone.j2", "Be kind.");
    world.write("prompts/sort.md", PROMPT);
    for arguments in [&["log", "sort"][..], &["blame", "sort"], &["diff", "sort@HEAD", "sort"]] {
        let told = world.run(&[&["prompts"], arguments].concat()).expect(2).stderr;
        assert!(told.contains("is in no git repository") && told.contains("git init"), "{told}");
    }
    world.run(&["prompts", "show", "sort"]).expect(0);
    world.run(&["prompts", "diff", "sort", "prompts/sort.md"]).expect(0);
}

#[test]
fn names_and_revisions_that_are_wrong_are_told() {
    let made = history();
    let check = |arguments: &[&str], expected: &[&str]| {
        let told = made.world.run(&[&["prompts"], arguments].concat()).expect(2).stderr;
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in expected {
            assert!(told.contains(words), "{words}: {told}");
        }
    };
    check(&["log", "topik"], &["has no prompt `topik`", "did you mean `topic`?"]);
    check(&["log", "topic", "--from", "nowhere"], &["`nowhere` names no commit"]);
    made.git(&["checkout", "-q", "--orphan", "other"]);
    made.git(&["rm", "-q", "-r", "--cached", "."]);
    made.write("elsewhere", "1");
    made.git(&["add", "elsewhere"]);
    made.git(&["commit", "-q", "-m", "Another beginning"]);
    made.git(&["checkout", "-q", "-f", "main"]);
    check(&["diff", "topic@other", "topic"], &["at other", "cannot be read", "prompts log"]);
    // A prompt that is gone has its history nevertheless.
    made.git(&["rm", "-q", "prompts/topic.md"]);
    made.commit("Away");
    let log = logged(&made, made.world.folder.path(), "topic");
    assert_eq!(log.len(), 5);
}
