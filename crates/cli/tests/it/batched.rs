//! Runs whose models are asked through a batch API: killed at each step, and gone on with.

use std::{
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use evalmark_loopback::{
    Reply, Server,
    batches::{BatchEnd, BatchForm, BatchServer, BatchStep, HoldAt},
};

use crate::setup::{World, answer};

const FORMS: [(BatchForm, &str); 2] =
    [(BatchForm::OpenAi, "openai"), (BatchForm::Anthropic, "anthropic")];

/// Long enough for whatever a process does within one step.
const PATIENCE: Duration = Duration::from_mins(1);

fn right(prompt: &str, _: u32) -> BatchEnd {
    let item = prompt.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    BatchEnd::Text(answer(item).to_owned())
}

fn server(batches: &BatchServer) -> Server {
    let batches = batches.clone();
    Server::start(move |seen| batches.reply(seen))
}

fn suite(url: &str, provider: &str, more: &str) -> String {
    let price = "price: { input: 2, output: 4 }";
    crate::setup::suite(url, more)
        .replace("provider: openai,", &format!("provider: {provider}, mode: batch, {price},"))
}

fn start(world: &World, arguments: &[&str]) -> Child {
    let mut command = world.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs until the server holds a step, and kills the program there.
fn kill_at(world: &World, batches: &BatchServer, at: (BatchStep, HoldAt)) {
    batches.hold(Some(at));
    let has_begun = world.path("reports/test/r/run.json").is_file();
    let new = ["run", "suite.yaml", "--run-id", "r", "--prompt", "plain"];
    let arguments = if has_begun { &["resume", "reports/test/r"][..] } else { &new[..] };
    let before = batches.held();
    let mut child = start(world, arguments);
    wait_until(&format!("{at:?}"), || batches.held() > before);
    child.kill().expect("killed");
    assert_eq!(child.wait().expect("a child").code(), None, "killed rather than ended");
    batches.hold(None);
}

#[track_caller]
fn assert_bought_once(batches: &BatchServer, n: usize) {
    let bought = batches.bought();
    let twice: Vec<_> = bought.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "bought again: {twice:?}");
    assert_eq!(bought.len(), n);
}

#[test]
fn a_run_that_is_killed_at_every_step_buys_nothing_twice() {
    for (form, provider) in FORMS {
        let batches = BatchServer::new(form, right);
        let server = server(&batches);
        let world = World::new(700);
        world.write("suite.yaml", &suite(&server.url(), provider, ""));
        let uploads = [(BatchStep::Upload, HoldAt::Before), (BatchStep::Upload, HoldAt::After)];
        for at in uploads.into_iter().filter(|_| form == BatchForm::OpenAi) {
            kill_at(&world, &batches, at);
        }
        kill_at(&world, &batches, (BatchStep::Create, HoldAt::Before));
        kill_at(&world, &batches, (BatchStep::List, HoldAt::Before));
        kill_at(&world, &batches, (BatchStep::Create, HoldAt::After));
        kill_at(&world, &batches, (BatchStep::List, HoldAt::After));
        kill_at(&world, &batches, (BatchStep::State, HoldAt::Before));
        kill_at(&world, &batches, (BatchStep::State, HoldAt::After));
        kill_at(&world, &batches, (BatchStep::Results, HoldAt::Before));
        batches.change_results(|lines| Reply::bytes(lines).truncated());
        kill_at(&world, &batches, (BatchStep::Results, HoldAt::After));
        kill_after_half(&world, &batches);
        batches.keep_results();
        world.run(&["resume", "reports/test/r"]).expect(0);
        assert_bought_once(&batches, 700);
        assert_eq!(batches.batches(), [700]);
        let summary = world.json("reports/test/r/run.json");
        assert_eq!(summary["counts"]["answered"], 700, "{summary}");
        // A run that nobody killed has the same scores.
        let untouched = World::new(700);
        untouched.write("suite.yaml", &suite(&server.url(), provider, ""));
        untouched.run_suite("r", &["--prompt", "plain"]).expect(0);
        let scores = "reports/test/r/scores.parquet";
        assert!(world.bytes(scores) == untouched.bytes(scores), "{form:?}");
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_buys_nothing_twice() {
    for (form, provider) in FORMS {
        let batches = BatchServer::new(form, right);
        let server = server(&batches);
        let world = World::new(400);
        world.write("suite.yaml", &suite(&server.url(), provider, ""));
        for moment in 0..16 {
            let has_begun = world.path("reports/test/r/run.json").is_file();
            let new = ["run", "suite.yaml", "--run-id", "r", "--prompt", "plain"];
            let arguments = if has_begun { &["resume", "reports/test/r"][..] } else { &new[..] };
            let mut child = start(&world, arguments);
            let begun = Instant::now();
            let is_alive = |child: &mut Child| child.try_wait().expect("a child").is_none();
            while begun.elapsed() < Duration::from_millis(10 + 25 * moment) && is_alive(&mut child)
            {
                thread::sleep(Duration::from_millis(1));
            }
            // Where it has ended already there is nothing to kill.
            drop(child.kill());
            child.wait().expect("a child");
        }
        world.run(&["resume", "reports/test/r"]).expect(0);
        assert_bought_once(&batches, 400);
    }
}

/// Kills the program once a part of the results is in the ledger, and the rest does not come.
fn kill_after_half(world: &World, batches: &BatchServer) {
    let results = || batches.steps().iter().filter(|step| **step == BatchStep::Results).count();
    let before = results();
    let mut child = start(world, &["resume", "reports/test/r"]);
    // The second time begins when all that came the first time is dealt with.
    wait_until("results", || results() >= before + 2);
    child.kill().expect("killed");
    assert_eq!(child.wait().expect("a child").code(), None);
    let info = world.run(&["cache", "info", "--format", "json"]).expect(0);
    let info: serde_json::Value = serde_json::from_str(&info.stdout).expect("JSON");
    let answers = info["answers"].as_u64().expect("a number");
    assert!((1..700).contains(&answers), "{answers} answers");
}

#[test]
fn an_interrupted_run_says_that_its_batch_goes_on_and_how_to_resume() {
    for (form, provider) in FORMS {
        let batches = BatchServer::new(form, right);
        batches.open_for(u32::MAX);
        let server = server(&batches);
        let world = World::new(20);
        world.write("suite.yaml", &suite(&server.url(), provider, ""));
        let mut command = world.command(&["run", "suite.yaml", "--run-id", "r"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
        let looks = || batches.steps().contains(&BatchStep::State);
        wait_until("a look", looks);
        let pid = child.id().to_string();
        let kill = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(kill.expect("kill runs").success());
        let ended = child.wait_with_output().expect("an end");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(130), "{told}");
        assert!(told.contains("and a batch goes on at the provider"), "{told}");
        assert!(told.contains("evalmark resume reports/test/r"), "{told}");
        batches.end_open();
        world.run(&["resume", "reports/test/r"]).expect(0);
        assert_bought_once(&batches, 40);
        assert_eq!(batches.batches(), [40]);
    }
}

#[test]
fn two_programs_share_a_batch() {
    let batches = BatchServer::new(BatchForm::OpenAi, right);
    batches.open_for(3);
    let server = server(&batches);
    let world = World::new(50);
    world.write("suite.yaml", &suite(&server.url(), "openai", ""));
    let run = |id: &str| start(&world, &["run", "suite.yaml", "--run-id", id]);
    let children = [run("a"), run("b"), run("c")];
    for mut child in children {
        assert_eq!(child.wait().expect("an end").code(), Some(0));
    }
    assert_bought_once(&batches, 100);
}

#[test]
fn costs_are_halved_in_the_columns_and_in_what_was_spent() {
    for (form, provider) in FORMS {
        let batches = BatchServer::new(form, right);
        let server = server(&batches);
        let world = World::new(10);
        world.write("suite.yaml", &suite(&server.url(), provider, ""));
        let own = if form == BatchForm::OpenAi { "--no-cache" } else { "--quiet" };
        world.run_suite("r", &["--prompt", "plain", "--max-cost", "1", own]).expect(0);
        let run = world.json("reports/test/r/run.json");
        // Ten tokens at 2 and five at 4 dollars a million, and half of it.
        let each = (10.0 * 2.0 + 5.0 * 4.0) / 2e6;
        for key in ["spent_usd", "cost_usd"] {
            let total = run["totals"][key].as_f64().unwrap_or_else(|| panic!("{key} in {run}"));
            assert!((total - 10.0 * each).abs() < 1e-12, "{key}: {total}");
        }
    }
}

#[test]
fn a_judge_may_be_asked_in_batches() {
    let batches =
        BatchServer::new(BatchForm::OpenAi, |_, _| BatchEnd::Text(r#"{"grade":1}"#.to_owned()));
    let server = server(&batches);
    let direct = Server::start(crate::setup::right);
    let world = World::new(12);
    let suite = format!(
        "\
name: test
dataset: {{ path: data.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: 'Colour of {{{{ text }}}}' }}
models:
  - {{ name: small, provider: openai, base_url: '{}' }}
  - {{ name: judge, provider: openai, base_url: '{}', mode: batch }}
metrics:
  - name: fine
    judge: {{ model: judge, rubric: Is it right? }}
",
        direct.url(),
        server.url()
    );
    world.write("suite.yaml", &suite);
    let checked = world.run(&["check", "suite.yaml"]);
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    world.run_suite("r", &[]).expect(0);
    assert!(!batches.batches().is_empty());
}
