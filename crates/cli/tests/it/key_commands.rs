//! Keys that a program prints, and several keys for one model.

#![cfg(unix)]

use evalmark_loopback::{Seen, Server};

use crate::setup::{World, right, suite};

const KEY: &str = "canary-0123456789-key";

/// A suite whose model has these keys beside its own.
fn world(server: &Server, keys: &str) -> World {
    let world = World::new(3);
    let text = suite(&server.url(), "").replace("limits:", &format!("{keys}, limits:"));
    world.write("suite.yaml", &text);
    world.write("token.txt", &format!("\n  {KEY}  \n"));
    world
}

fn keys_of(server: &Server) -> Vec<String> {
    let key = |seen: Seen| seen.header("authorization").unwrap_or_default().to_owned();
    let mut keys: Vec<_> = server.requests().into_iter().map(key).collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn a_program_prints_the_key_where_programs_may_run() {
    let server = Server::start(right);
    let world = world(&server, "api_key_command: [cat, token.txt], api_key_lifetime: 50m");
    let told = world.run(&["check", "suite.yaml"]).expect(0).stderr;
    assert!(
        told.contains("gets its key from a program, so a run needs `--allow-exec`: cat"),
        "{told}"
    );
    let told = world.run_suite("r", &[]).expect(2).stderr;
    assert!(told.contains("add `--allow-exec`"), "{told}");
    assert_eq!(server.count(), 0);
    let ran = world.run_suite("r", &["--allow-exec"]).expect(0);
    assert_eq!(keys_of(&server), [format!("Bearer {KEY}")]);
    let mut all = (ran.stdout + &ran.stderr).into_bytes();
    for name in ["run.json", "report.html", "samples.parquet", "scores.parquet"] {
        all.extend(world.bytes(&format!("reports/test/r/{name}")));
    }
    assert!(!String::from_utf8_lossy(&all).contains(KEY), "the key is somewhere");
    let told = world.run(&["check", "--permissions", "suite.yaml"]).expect(0).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["suites"][0]["programs"], serde_json::json!([["cat", "token.txt"]]));
}

#[test]
fn a_probe_runs_no_program_without_leave() {
    let server = Server::start(right);
    let world = world(&server, "api_key_command: [touch, ran.txt]");
    let told = world.run(&["models", "probe", "suite.yaml"]);
    assert!(told.stdout.contains("gets its key from a program"), "{told:?}");
    assert!(!world.path("ran.txt").exists(), "the program ran");
    assert_eq!(server.count(), 0);
    let keys = "api_key_command: [cat, token.txt]";
    let world = self::world(&server, keys);
    world.run(&["models", "probe", "suite.yaml", "--allow-exec"]).expect(0);
    assert_eq!(keys_of(&server), [format!("Bearer {KEY}")]);
}

#[test]
fn a_key_that_a_failing_program_repeats_is_hidden() {
    let server = Server::start(right);
    let complains = format!("echo {KEY}; echo no {KEY} >&2; exit 3");
    let world = world(&server, &format!("api_key_command: [sh, -c, '{complains}']"));
    let told = world.run_suite("r", &["--allow-exec"]).expect(2).stderr;
    assert!(told.contains("[redacted]") && !told.contains(KEY), "{told}");
}

#[test]
fn a_program_that_prints_no_key_is_told_with_its_reason() {
    let server = Server::start(right);
    for (command, words) in [
        ("[sh, -c, 'echo no login >&2; exit 3']", "no login"),
        ("[sh, -c, 'echo; echo']", "it printed nothing"),
        ("[sh, -c, 'echo a; echo b']", "it printed more than one line"),
        ("[no-such-program-anywhere]", "it cannot be started"),
    ] {
        let world = world(&server, &format!("api_key_command: {command}"));
        let told = world.run_suite("r", &["--allow-exec"]).expect(2).stderr;
        assert!(told.contains("model `small` gets no key from its program"), "{told}");
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_printed_key_goes_where_its_provider_is() {
    let world = World::new(3);
    let text =
        |url: &str| suite(url, "").replace("limits:", "api_key_command: [cat, token.txt], limits:");
    world.write("suite.yaml", &text("https://llm.example/v1"));
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("`--allow-key api_key_command@llm.example`"), "{told}");
    world.run(&["check", "suite.yaml", "--allow-key", "api_key_command@llm.example"]).expect(0);
    world.write("suite.yaml", &text("https://api.openai.com/v1"));
    world.run(&["check", "suite.yaml"]).expect(0);
    world.write("suite.yaml", &text("http://api.openai.com/v1"));
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("unencrypted, over http"), "{told}");
}

#[test]
fn several_keys_share_the_requests_and_each_needs_leave() {
    let server = Server::start(right);
    let keys = "api_key_env: [FIRST_API_KEY, SECOND_API_KEY]";
    let world = world(&server, keys);
    let variables =
        [("FIRST_API_KEY", "first-0123456789"), ("SECOND_API_KEY", "second-0123456789")];
    let told = world.run_in(&["run", "suite.yaml"], &variables[..1]).expect(2).stderr;
    assert!(told.contains("the environment variable SECOND_API_KEY is not set"), "{told}");
    world.run_in(&["run", "suite.yaml"], &variables).expect(0);
    assert_eq!(keys_of(&server), ["Bearer first-0123456789", "Bearer second-0123456789"]);
    let elsewhere =
        suite("https://llm.example/v1", "").replace("limits:", &format!("{keys}, limits:"));
    world.write("suite.yaml", &elsewhere);
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    for name in ["FIRST_API_KEY", "SECOND_API_KEY"] {
        assert!(told.contains(&format!("--allow-key {name}@llm.example")), "{told}");
    }
}

/// Each key has what its own headers say.
#[test]
fn several_keys_are_used_by_what_each_has_left() {
    let server = Server::start(|seen: &Seen| {
        let is_first = seen.header("authorization") == Some("Bearer first-0123456789");
        right(seen)
            .header("x-ratelimit-remaining-requests", if is_first { "900" } else { "100000" })
            .header("x-ratelimit-reset-requests", "1s")
    });
    let world = World::new(200);
    let keys = "api_key_env: [FIRST_API_KEY, SECOND_API_KEY]";
    let text = suite(&server.url(), "").replace("limits:", &format!("{keys}, limits:"));
    world.write("suite.yaml", &text);
    let variables =
        [("FIRST_API_KEY", "first-0123456789"), ("SECOND_API_KEY", "second-0123456789")];
    world.run_in(&["run", "suite.yaml"], &variables).expect(0);
    let requests = server.requests();
    let first = |seen: &&Seen| seen.header("authorization") == Some("Bearer first-0123456789");
    let of_first = requests.iter().filter(first).count();
    assert!((1..requests.len() / 4).contains(&of_first), "{of_first} of {}", requests.len());
}

#[test]
fn a_program_is_found_from_the_suites_folder_wherever_one_stands() {
    let server = Server::start(right);
    let world = world(&server, "api_key_command: [./bin/key]");
    std::fs::create_dir_all(world.path("suites/bin")).expect("a folder");
    world.write("suites/bin/key", "#!/bin/sh\necho canary-0123456789\n");
    let program = world.path("suites/bin/key");
    let runnable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, runnable).expect("a program");
    let suite = std::fs::read_to_string(world.path("suite.yaml")).expect("a suite");
    world.write("suites/suite.yaml", &suite.replace("data.csv", "../data.csv"));
    world.run(&["run", "suites/suite.yaml", "--allow-exec", "--run-id", "r"]).expect(0);
    assert_eq!(keys_of(&server)[0], "Bearer canary-0123456789");
}

#[test]
fn what_a_program_leaves_running_holds_nothing_up() {
    let server = Server::start(right);
    let left = "sleep 60 & echo $! > left; echo canary-0123456789";
    let world = world(&server, &format!("api_key_command: [sh, -c, '{left}']"));
    let began = std::time::Instant::now();
    world.run(&["run", "suite.yaml", "--allow-exec", "--run-id", "r"]).expect(0);
    assert!(began.elapsed() < std::time::Duration::from_secs(25), "{:?}", began.elapsed());
    let id = std::fs::read_to_string(world.path("left")).expect("a process");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim()));
    // Gone, or a zombie that nobody has buried yet.
    assert!(stat.map_or(true, |stat| stat.contains(") Z ")), "it lives on");
}
