//! Files of each tool that are not what they are said to be: what is wrong, where, and no run folder.

use std::io::Write;

use super::file;
use crate::setup::{Ran, World};

fn said(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(tool: &str, name: &str, content: &[u8], expected: &str) {
    let world = World::new(0);
    std::fs::write(world.path(name), content).expect("written");
    let ran = world.run(&["import", "results", "--from", tool, name]);
    assert!(matches!(ran.code, Some(2 | 4)), "{tool} {name}: {:?}\n{}", ran.code, ran.stderr);
    assert!(said(&ran).contains(expected), "{tool} {name}\n{}\n{expected}", ran.stderr);
    assert!(!world.path("reports").exists(), "{tool} {name} left a folder");
}

/// A zip without compression, as its format describes it: one entry.
fn archive(entry: &str, content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let size = u32::try_from(content.len()).expect("small").to_le_bytes();
    let about = |extra: &[u8]| {
        let mut bytes = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
        bytes.extend(crc.sum().to_le_bytes());
        bytes.extend([size, size].concat());
        bytes.extend(u16::try_from(entry.len()).expect("short").to_le_bytes());
        bytes.extend(extra);
        bytes
    };
    let mut zip =
        [b"PK\x03\x04".to_vec(), about(&[0; 2]), entry.as_bytes().to_vec(), content.to_vec()]
            .concat();
    let start = u32::try_from(zip.len()).expect("small");
    let central =
        [b"PK\x01\x02\x14\x00".to_vec(), about(&[0; 16]), entry.as_bytes().to_vec()].concat();
    zip.extend(&central);
    zip.write_all(b"PK\x05\x06\0\0\0\0\x01\0\x01\0").expect("memory");
    zip.extend(u32::try_from(central.len()).expect("small").to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

/// What HELM's pages read is made of a run: the run is what to name.
#[test]
fn what_pages_of_helm_read_is_no_run() {
    for name in ["display_predictions.json", "instances.json.gz", "display_requests.json"] {
        check("helm", name, b"[]", "is written for HELM's pages");
        check("helm", name, b"[]", "name the folder of the run, which `helm-run` wrote");
    }
    let world = World::new(0);
    std::fs::create_dir(world.path("run")).expect("a folder");
    world.write("run/display_predictions.json", "[]");
    let ran = world.run(&["import", "results", "--from", "helm", "run"]).expect(2);
    let told = "holds no `scenario_state.json`, and `display_predictions.json` is written for HELM's pages";
    assert!(said(&ran).contains(told), "{}", ran.stderr);
}

#[test]
fn every_tool_tells_what_is_wrong_and_where() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (tool, name) in [
        ("promptfoo", "r.json"),
        ("inspect", "r.json"),
        ("lm-eval", "samples_t_2026-01-01T00.jsonl"),
        ("deepeval", "r.json"),
        ("openai-evals", "r.jsonl"),
        ("mlflow", "r.json"),
        ("helm", "scenario_state.json"),
        ("langfuse", "r.jsonl"),
    ] {
        check(tool, name, b"", "is empty");
        check(tool, name, b"{\"a\": ", name);
        check(tool, name, b"\xff\xfe{}", "is not UTF-8 text");
        check(tool, name, deep.as_bytes(), name);
        check(tool, name, b"{}", name);
        // Cut off within the packed stream.
        check(tool, name, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", name);
    }
    check("inspect", "r.eval", b"PK\x03\x04 and no more", "is not a complete zip archive");
    check("inspect", "r.eval", &archive("readme.txt", b"hello"), "without `header.json`");
    check(
        "inspect",
        "r.eval",
        &archive("header.json", b"{\"eval\": 3}"),
        "entry `header.json`, eval",
    );
    let header = br#"{"eval": {"task": "t", "model": "m"}}"#;
    check("inspect", "r.eval", &archive("header.json", header), "has no samples");
    let rows = br#"{"columns": ["inputs", "a/score"], "data": [["q", 1], ["q"]]}"#;
    check("mlflow", "r.json", rows, "data[1]: has 1 cells, and there are 2 columns");
    let rows = br#"{"columns": ["inputs", "outputs"], "data": [["q", "a"]]}"#;
    check("mlflow", "r.json", rows, "has no column of scores (`METRIC/score`)");
    // What `mlflow.search_traces` gives has no scores; the run that the traces belong to has.
    let traces =
        br#"{"columns": ["trace_id", "request", "response"], "data": [["tr-1", "q", "a"]]}"#;
    check("mlflow", "traces.json", traces, "hint: name a run by its id");
    check("lm-eval", "other.jsonl", b"{}", "is not called `samples_TASK_TIME.jsonl`");
    check(
        "openai-evals",
        "r.jsonl",
        b"{\"sample_id\": \"a\"}\n",
        "line 1: comes before the `spec`",
    );
}

#[test]
fn another_tools_file_is_told() {
    let world = World::new(0);
    for (tool, other, name) in [
        ("promptfoo", "deepeval", "before.json.gz"),
        ("promptfoo", "inspect", "before.json.gz"),
        ("inspect", "promptfoo", "before.json.gz"),
        ("inspect", "deepeval", "before.json.gz"),
        ("deepeval", "promptfoo", "before.json.gz"),
        ("openai-evals", "promptfoo", "after.jsonl.gz"),
        ("mlflow", "deepeval", "before.json.gz"),
    ] {
        let ran = world.run(&["import", "results", "--from", tool, &file(other, name)]);
        assert_eq!(ran.code, Some(2), "{tool} {other}: {}", ran.stderr);
        assert!(said(&ran).contains("hint:"), "{tool} {other}: {}", ran.stderr);
    }
    assert!(!world.path("reports").exists());
}

#[test]
fn scores_that_are_no_numbers_are_missing_and_a_second_sample_is_an_error() {
    let world = World::new(0);
    let sample = |id: u32, value: &str| {
        format!(
            r#"{{"id": {id}, "epoch": 1, "input": "q", "scores": {{"s": {{"value": {value}}}}}}}"#
        )
    };
    let log = |samples: &[String]| {
        format!(r#"{{"eval": {{"task": "t", "model": "m"}}, "samples": [{}]}}"#, samples.join(", "))
    };
    world.write("nan.json", &log(&[sample(1, "NaN"), sample(2, "\"C\""), sample(3, "\"N\"")]));
    let ran =
        world.run(&["import", "results", "--from", "inspect", "nan.json", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ran.expect(0).stdout).expect("JSON");
    let row = &told["summary"][0];
    assert_eq!((&row["n_planned"], &row["n_missing"]), (&3.into(), &1.into()), "{row}");
    assert_eq!(row["estimate"]["mean"], 0.5, "{row}");
    world.write("twice.json", &log(&[sample(1, "1"), sample(1, "0")]));
    let ran = world.run(&["import", "results", "--from", "inspect", "twice.json"]).expect(2);
    let expected = "twice.json, samples[1]: there is a second result of item `1`";
    assert!(said(&ran).contains(expected), "{}", ran.stderr);
}

#[test]
fn several_tasks_in_one_folder_are_told_apart() {
    let world = World::new(0);
    std::fs::create_dir(world.path("out")).expect("a folder");
    let row = |score: u32| {
        format!(
            "{{\"doc_id\": 0, \"doc\": {{\"q\": 1}}, \"filter\": \"none\", \"metrics\": [\"acc\"], \"acc\": {score}}}\n"
        )
    };
    world.write("out/samples_one_2026-01-01T00-00.jsonl", &row(1));
    world.write("out/samples_two_2026-01-01T00-00.jsonl", &row(0));
    let ran = world.run(&["import", "results", "--from", "lm-eval", "out"]).expect(2);
    assert!(said(&ran).contains("there are several tasks: one, two"), "{}", ran.stderr);
    world.run(&["import", "results", "--from", "lm-eval", "out", "--task", "two"]).expect(0);
    let ran = world.run(&[
        "gate",
        "--from",
        "lm-eval",
        "out/samples_one_2026-01-01T00-00.jsonl",
        "out/samples_two_2026-01-01T00-00.jsonl",
    ]);
    assert!(said(&ran.expect(4)).contains("BEFORE is of `one`, AFTER is of `two`"));
}
