//! What is printed: nothing in it acts on the reader's terminal or the log of a CI system, and it
//! fits the terminal.

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{World, answer, right, suite};

/// Ids, names and answers with commands of CI systems in them.
fn hostile() -> (World, Server) {
    let world = World::new(0);
    let rows = (0..60).map(|i| {
        let long = "A".repeat(60 + i % 40);
        format!("{long} ::stop-commands::t{i} ##vso[task.x]{i},question {i},{}\n", answer(i))
    });
    world.write("data.csv", &format!("id,text,label\n{}", rows.collect::<String>()));
    let wrong = |seen: &Seen| {
        let i = crate::setup::item(seen);
        Reply::text(if seen.prompt().starts_with("Colour") { answer(i) } else { "::error::x" })
    };
    let server = Server::start(wrong);
    let text = suite(&server.url(), "").replace("name: plain", "name: '::warning::p'");
    world.write("suite.yaml", &text.replace("name: terse", "name: '##[group]q'"));
    (world, server)
}

#[track_caller]
fn assert_inert(text: &str) {
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line}");
        for command in ["##vso[", "##[group]", "\r"] {
            assert!(!line.contains(command), "{command}: {line}");
        }
    }
}

#[test]
fn no_line_is_a_command() {
    let (world, _server) = hostile();
    let ran = world.run_suite("a", &[]).expect(0);
    assert!(ran.stdout.contains("\\u{3a}:warning::p"), "{}", ran.stdout);
    let between = ["compare", "reports/test/a", "--between", "::warning::p", "##[group]q"];
    for format in ["text", "json", "markdown", "junit", "sarif", "gitlab", "gitlab-metrics"] {
        let ran = world.run(&[&between[..], &["--format", format]].concat()).expect(1);
        assert_inert(&ran.stdout);
        assert_inert(&ran.stderr);
        if format == "json" {
            let verdict: Value = serde_json::from_str(&ran.stdout).expect("JSON");
            assert_eq!(verdict["baseline"], "::warning::p");
            let id = verdict["comparisons"][0]["flips"][0]["item_id"].as_str().expect("an id");
            assert!(id.contains(" ##vso[task.x]"), "the id is what it was: {id}");
        }
    }
    for arguments in [vec!["show", "reports/test/a"], vec!["export-answers", "reports/test/a"]] {
        assert_inert(&world.run(&arguments).expect(0).stdout);
    }
    assert_inert(&ran.stdout);
    let ran = world.run(&["gate", "::error::x", "--baseline", "##vso[y]"]).expect(2);
    assert_inert(&ran.stderr);
}

#[test]
fn tables_fit_the_terminal() {
    let world = World::new(40);
    let server = Server::start(right);
    let more = "  - { name: also, exact: {} }\n";
    let text = suite(&server.url(), "").replace("metrics:\n", &format!("metrics:\n{more}"));
    world.write("suite.yaml", &text);
    world.run_suite("a", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    let shown = |columns: &str, arguments: &[&str]| {
        let mut command = world.command(arguments);
        let ran = command.env("COLUMNS", columns).output().expect("the program starts");
        String::from_utf8(ran.stdout).expect("UTF-8")
    };
    let show = ["show", "reports/test/a"];
    world.run_suite("b", &[]).expect(0);
    let gate = ["gate", "reports/test/b", "--baseline", "main"];
    for columns in ["60", "80", "120"] {
        for arguments in
            [&show[..], &gate[..], &["compare", "reports/test/a"], &["plan", "suite.yaml"]]
        {
            let text = shown(columns, arguments);
            let widest = text.lines().map(|line| line.chars().count()).max();
            let limit = columns.parse().expect("a number");
            assert!(widest.is_some_and(|widest| widest <= limit), "{columns}:\n{text}");
        }
    }
    let text = shown("80", &show);
    for line in ["plain · small", "  exact  100.0 % [91.2, 100.0] a", "  40 samples, p50 "] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    // Where there is room, it is one table.
    assert!(shown("200", &show).contains(" p50 "), "one table");
}

#[test]
fn cut_off_answers_are_told() {
    let world = World::new(50);
    let long = |seen: &Seen| right(seen).finish_reason("length");
    let server = Server::start(long);
    world.suite(&server.url(), "");
    let ran = world.run_suite("a", &["--prompt", "plain"]).expect(0);
    let told = "50 of 50 answers of model `small` ended at the token limit";
    assert!(ran.stderr.contains(&format!("warning: {told}")), "{}", ran.stderr);
    assert_eq!(world.json("reports/test/a/run.json")["counts"]["cut_off"]["small"], 50);
    let page = String::from_utf8(world.bytes("reports/test/a/report.html")).expect("UTF-8");
    assert!(page.contains(told), "the page tells it");
    // A few are no reason to worry.
    let server = Server::start(|seen: &Seen| {
        let reply = right(seen);
        if crate::setup::item(seen) == 7 { reply.finish_reason("length") } else { reply }
    });
    world.suite(&server.url(), "");
    let ran = world.run_suite("b", &["--prompt", "plain", "--no-cache"]).expect(0);
    assert!(ran.stderr.contains("note: 1 of 50 answers of model `small`"), "{}", ran.stderr);
}

/// A log keeps every state of a bar, also where a CI system lends the job a terminal.
#[test]
#[cfg(unix)]
fn no_bar_is_drawn_in_a_job() {
    use std::io::Read;

    let shown = |ci: &str| {
        let (world, _server) = hostile();
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let mut screen = std::fs::File::from(terminal.master);
        let mut child = {
            let mut command = world.command(&["run", "suite.yaml", "--new-baseline"]);
            let command = command.env("CI", ci).env("TERM", "xterm").stderr(terminal.slave);
            command.stdout(std::process::Stdio::null()).spawn().expect("the program starts")
        };
        let mut told = Vec::new();
        // A terminal that nobody holds any more ends with an error.
        let _ = screen.read_to_end(&mut told);
        child.wait().expect("an end");
        String::from_utf8_lossy(&told).into_owned()
    };
    assert!(shown("").contains("Running"), "the bar of a terminal");
    let told = shown("true");
    assert!(!told.contains('\u{2591}') && !told.contains("\u{1b}[2K"), "{told}");
}

/// A job that failed before there was a verdict says why without its log.
#[test]
fn a_job_is_told_why_there_is_no_verdict() {
    let world = World::new(0);
    world.write("data.csv", "text,label\na,x\n");
    let text = "name: s\ndataset: { path: data.csv, target: label }\nmodels: [{ name: m, provider: openai, model: m }]\n\
                prompts: [{ name: p, template: '{{ text }}' }]\nmetrics: [{ name: exact, exact: {} }]\n";
    world.write("suite.yaml", text);
    let summary = world.path("summary.md");
    let told = |more: &[&str]| {
        let arguments = [&["run", "suite.yaml", "--out", "reports"], more].concat();
        let mut command = world.command(&arguments);
        let output = command.env("GITHUB_STEP_SUMMARY", &summary).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(told(&["--report", "github=told.txt"]), "");
    assert!(!summary.exists());
    let stdout = told(&["--report", "github"]);
    assert!(stdout.starts_with("::error title=evalmark gave no verdict::"), "{stdout}");
    assert!(stdout.contains("OPENAI_API_KEY") && stdout.lines().count() == 1, "{stdout}");
    let summary = std::fs::read_to_string(&summary).expect("a summary");
    assert!(summary.contains("### evalmark gave no verdict") && summary.contains("    error: "));
}
