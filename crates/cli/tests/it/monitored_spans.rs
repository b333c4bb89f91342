//! `evalmark monitor --from otlp`: what applications send is scored without a word in the suite, and counts once, whatever
//! happens to the process and to the answers that senders wait for.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStderr, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics:
  - { name: short, length_within: { unit: words, max: 3 } }
";

/// The program, listening.
struct Listening {
    program: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
}

impl Listening {
    /// `None` where it ended before it listened.
    fn start(world: &World, variables: &[(&str, &str)]) -> Option<Self> {
        let arguments = ["monitor", "suite.yaml", "--from", "otlp://127.0.0.1:0"];
        let mut command = world.command(&arguments);
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().expect("the program starts");
        let mut stderr = BufReader::new(program.stderr.take().expect("stderr"));
        let mut line = String::new();
        while stderr.read_line(&mut line).expect("text") > 0 {
            if let Some((_, rest)) = line.split_once("http://") {
                let address = rest.split(',').next().unwrap_or_default().to_owned();
                return Some(Self { program, stderr, address });
            }
            line.clear();
        }
        program.wait().expect("an end");
        None
    }

    /// Sends spans; answers whether they are kept.
    fn send(&self, ids: std::ops::Range<u32>) -> bool {
        let body = request(ids).to_string();
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return false };
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let mut answer = String::new();
        let sent =
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        sent.and_then(|()| stream.read_to_string(&mut answer)).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// Ends it as Ctrl-C does; what it told.
    fn interrupt(mut self) -> String {
        let process = i32::try_from(self.program.id()).expect("a process");
        kill(Pid::from_raw(process), Signal::SIGINT).expect("a signal");
        let mut told = String::new();
        let mut stdout = self.program.stdout.take().expect("stdout");
        stdout.read_to_string(&mut told).expect("text");
        let status = self.program.wait().expect("an end");
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).expect("text");
        assert_eq!(status.code(), Some(0), "{told}{rest}");
        told
    }
}

/// Spans of these numbers, and one of a database.
fn request(ids: std::ops::Range<u32>) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |id: u32| {
        let said = if id.is_multiple_of(4) { "far too many words here" } else { "blue" };
        json!({
            "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "chat",
            "startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225600250000000",
            "attributes": [
                text("gen_ai.operation.name", "chat"), text("gen_ai.response.model", "small"),
                text("gen_ai.output.messages", &json!([{"role": "assistant", "content": said}]).to_string()),
                text("gen_ai.input.messages", &json!([{"role": "user", "content": "ann@example.org?"}]).to_string()),
                text("session.id", &format!("user {}", id % 7)),
            ],
        })
    };
    let mut spans: Vec<_> = ids.map(span).collect();
    spans.push(json!({"traceId": "1", "spanId": "2", "name": "SELECT", "attributes": []}));
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
}

fn status(world: &World) -> Value {
    let ran = world.run(&["monitor", "status", "suite.yaml", "--format", "json"]).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn spans_are_scored_without_a_word_in_the_suite() {
    let world = World::new(3);
    world.write("suite.yaml", SUITE);
    let listening = Listening::start(&world, &[]).expect("it listens");
    assert!(listening.send(0..100));
    assert!(listening.send(50..200));
    let told = listening.interrupt();
    assert!(
        told.contains("250 lines, 200 records, 50 sent again; 2 of no model's answer"),
        "{told}"
    );
    let found = status(&world);
    assert_eq!(found["lines"]["kept"], 200);
    let short = &found["metrics"][0]["all"];
    assert_eq!((&short["n_items"], &short["mean"]), (&json!(200), &json!(0.75)));
}

#[test]
fn paths_lead_to_attributes_and_what_is_redacted_is_in_no_file() {
    let world = World::new(3);
    let logs = "logs: { from: 'otlp://127.0.0.1:0', fields: { cluster: \"$.attributes['session.id']\", variables: { text: $.columns.input } }, redact: [email] }\n";
    world.write("suite.yaml", &format!("{SUITE}{logs}"));
    let listening = Listening::start(&world, &[]).expect("it listens");
    assert!(listening.send(0..10));
    // The journal has it, and nothing else has.
    let folder = world.path("reports/test/monitor");
    let needle = b"ann@example";
    let files = || std::fs::read_dir(&folder).expect("a folder").flatten();
    assert!(
        files().any(|entry| entry.path().extension().is_some_and(|ending| ending == "journal"))
    );
    let has_needle = |path: std::path::PathBuf| {
        let bytes = std::fs::read(path).expect("a file");
        bytes.windows(needle.len()).any(|window| window == needle)
    };
    assert!(!files().any(|entry| has_needle(entry.path())));
    listening.interrupt();
    assert!(!files().any(|entry| has_needle(entry.path())));
    assert!(
        !files().any(|entry| entry.path().extension().is_some_and(|ending| ending == "journal"))
    );
    assert_eq!(status(&world)["lines"]["kept"], 10);
}

/// Killed at its first change of a file, then at its second, and so on: senders send again what they heard nothing of,
/// and in the end each span has counted once.
#[test]
fn a_receiver_that_is_killed_anywhere_counts_each_span_once() {
    let mut killed = 0;
    for at in 1..40 {
        let world = World::new(3);
        world.write("suite.yaml", SUITE);
        let listening = Listening::start(&world, &[]).expect("it listens");
        assert!(listening.send(0..40));
        listening.interrupt();
        let mut heard = [false; 3];
        let parts = [40..80, 80..120, 120..160];
        if let Some(mut dying) =
            Listening::start(&world, &[("EVALMARK_TEST_ABORT_AT", &at.to_string())])
        {
            for (heard, part) in heard.iter_mut().zip(&parts) {
                *heard = dying.send(part.clone());
            }
            let is_alive = dying.program.try_wait().expect("a process").is_none();
            let process = i32::try_from(dying.program.id()).expect("a process");
            let _ = kill(Pid::from_raw(process), Signal::SIGINT);
            let ended = dying.program.wait().expect("an end");
            if is_alive && ended.success() {
                break;
            }
        }
        killed += 1;
        let listening = Listening::start(&world, &[]).expect("it listens");
        for (heard, part) in heard.iter().zip(&parts) {
            // One may also not hear of what is kept.
            assert!(*heard && part.start != 80 || listening.send(part.clone()));
        }
        listening.interrupt();
        assert_eq!(status(&world)["lines"]["kept"], 160, "killed at change {at}");
    }
    assert!(killed >= 8, "{killed}");
}

#[test]
fn addresses_that_cannot_be_are_told() {
    let world = World::new(3);
    world.write("suite.yaml", SUITE);
    let check = |arguments: &[&str], part: &str| {
        let ran = world.run(&[&["monitor", "suite.yaml"], arguments].concat()).expect(2);
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    };
    check(&["--from", "otlp://0.0.0.0:0"], "add `--allow-remote`");
    check(&["--from", "otlp://somewhere"], "no address with a port");
    check(&["--from", "otlp", "a.jsonl"], "`otlp` is read alone");
    check(&["--from", "a.jsonl", "--allow-remote"], "`--allow-remote` is for");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = format!("otlp://{}", taken.local_addr().expect("an address"));
    check(&["--from", &address], "cannot be listened at");
    check(&["--from", "a.jsonl"], "has no `logs` section");
    world.write("suite.yaml", &format!("{SUITE}logs: {{ redact: [email] }}\n"));
    check(&["--from", "a.jsonl"], "does not say where a line of its logs holds the answer");
}
