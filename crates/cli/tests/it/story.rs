//! A prompt's whole life, command by command, in a fresh git repository: written, checked, proved, released, made worse,
//! mended, approved, tampered with, and taken back. Everything that is printed is one snapshot.

use std::{collections::BTreeSet, fs, process::Command};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::{
    narrative::Narrative,
    setup::{World, root},
};

/// What every prompt of the team includes.
const STYLE: &str = "Answer with one word, and nothing else.\n";

/// What somebody makes of it, which no metric likes.
const CHATTY: &str = "Answer in a full, friendly sentence.\n";

/// The mended one.
const MENDED: &str = "Answer with one word, and nothing else. Be friendly in other places.\n";

const POLICY: &str = "\
required_keys: [owner, description]
releases:
  environments:
    staging:
      released_by: [ada, grace]
      suites:
        intent: { prompts: [support/intent], margins: { exact: 0.1 } }
    production:
      after: staging
      max_age: 30d
      approvals: { count: 2 }
      suites:
        intent: { prompts: [support/intent], margins: { exact: 0.1 } }
";

const SUITES: [&str; 3] = ["intent", "tone", "urgency"];

struct Story {
    tale: Narrative,
    _server: Server,
}

/// Answers in one word where it is asked to, and otherwise at length.
fn model(seen: &Seen) -> Reply {
    let all = seen.json()["messages"].to_string();
    let number = all
        .split("question ")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok());
    let answer = crate::setup::answer(number.expect("a question"));
    Reply::text(if all.contains("one word") {
        answer.to_owned()
    } else {
        format!("I would be glad to say {answer}!")
    })
}

fn prompt(what: &str) -> String {
    format!(
        "\
---
description: Finds the {what} of a message
owner: support-tools
variables:
  text: {{ type: string, example: I was charged twice. }}
---
system:
Tell the {what} of the message.
{{% include 'fragments/style.j2' %}}
user:
<message>
{{{{ text }}}}
</message>
"
    )
}

fn suite(name: &str, url: &str) -> String {
    format!(
        "\
name: {name}
dataset: {{ path: ../data.csv, id: id, target: label }}
prompts: [{{ name: {name}, use: support/{name} }}]
models: [{{ name: small, provider: openai, base_url: '{url}', model: small-1, params: {{ temperature: 0 }} }}]
metrics: [{{ name: exact, exact: {{}} }}]
gate: {{ baseline: main, metrics: {{ exact: {{ margin: 0.1 }} }} }}
"
    )
}

impl Story {
    fn begin() -> Self {
        let server = Server::start(model);
        let world = World::new(60);
        for folder in ["prompts/fragments", "suites", "keys", "releases"] {
            fs::create_dir_all(world.path(folder)).expect("a folder");
        }
        let keys = root().join("crates/store/tests/keys");
        for (to, name) in [("ada", "ssh-ed25519"), ("grace", "ed25519.pem")] {
            let path = world.path("keys").join(to);
            fs::copy(keys.join(name), &path).expect("copied");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
            }
        }
        let ada = fs::read_to_string(keys.join("ssh-ed25519.pub")).expect("a key");
        // The public half of the PEM beside it, as OpenSSH writes it.
        let grace =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGXt+gWYyLG7PfZ5ewS4n0l4WN5Vj1PGj7W7q88ENy61";
        world.write("releases/allowed_signers", &format!("ada {ada}grace {grace}\n"));
        world.write("policy.yaml", POLICY);
        world.write("prompts/fragments/style.j2", STYLE);
        for name in SUITES {
            world.write(&format!("suites/{name}.yaml"), &suite(name, &server.url()));
        }
        world.write(".gitignore", "/cache\n/keys\n");
        let story = Self { tale: Narrative::new(world), _server: server };
        story.git(&["init", "-q"]);
        story.git(&["config", "user.name", "Ada"]);
        story.git(&["config", "user.email", "ada@example.com"]);
        story.commit("Begin");
        story
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.current_dir(self.tale.world.folder.path()).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let output = command.output().expect("git starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "-qm", message]);
    }

    /// The newest run of a suite, whose name begins with the time.
    fn newest(&self, suite: &str) -> String {
        let folder = self.tale.world.path("reports").join(suite);
        let runs = fs::read_dir(folder).expect("runs").map(|run| run.expect("a run").file_name());
        let runs = runs.map(|name| name.to_string_lossy().into_owned());
        let newest = runs.filter(|name| name.starts_with("20")).max();
        format!("reports/{suite}/{}", newest.expect("a run"))
    }

    /// The hashes of the requests of a run.
    fn requests(&self, run: &str) -> BTreeSet<String> {
        let exported = self.tale.world.run(&["export-answers", run]).expect(0).stdout;
        let hash = |line: &str| {
            let answer: Value = serde_json::from_str(line).expect("JSON");
            answer["hash"].as_str().expect("a hash").to_owned()
        };
        exported.lines().map(hash).collect()
    }
}

#[test]
fn a_prompt_lives() {
    let mut story = Story::begin();
    story.begins();
    story.gets_worse();
    story.is_mended();
    story.is_tampered_with();
    story.is_accounted_for();
    story.tale.check("a_prompt_lives", |told| told);
}

impl Story {
    /// From the first line to staging.
    fn begins(&mut self) {
        self.tale.chapter("A log of all that follows");
        self.tale.run("audit start", 0);
        self.tale.chapter("A new prompt, checked");
        for name in SUITES {
            self.tale.run(&format!("prompts new support/{name}"), 0);
            self.tale.world.write(&format!("prompts/support/{name}.md"), &prompt(name));
        }
        self.tale.run("prompts lint --strict --suite suites/intent.yaml", 0);
        self.commit("Prompts");

        self.tale.chapter("Proved, and released to staging");
        for name in SUITES {
            self.tale
                .run(&format!("run suites/{name}.yaml --run-id first --new-baseline --quiet"), 0);
            self.tale.run(&format!("gate reports/{name}/first --baseline main --new-baseline"), 0);
            self.tale.run(&format!("baseline promote reports/{name}/first main"), 0);
        }
        self.tale.run("release propose support/intent --to staging --run reports/intent/first", 0);
        self.tale.run("release promote support/intent --to staging --key keys/ada", 0);
        self.tale.run("release verify", 0);
        self.commit("Released to staging");
    }

    /// A change that no suite likes, and that an override does not release.
    fn gets_worse(&mut self) {
        self.tale.chapter("A shared fragment changes for the worse");
        self.tale.world.write("prompts/fragments/style.j2", CHATTY);
        let found = self.tale.run("affected --base HEAD", 0);
        assert!(SUITES.iter().all(|name| found.stdout.contains(name)), "{}", found.stdout);
        self.tale.run("run --affected --base HEAD --quiet", 1);
        let chatty = self.newest("intent");
        self.tale.run(&format!("gate {chatty} --baseline main"), 1);
        let propose = format!("release propose support/intent --to staging --run {chatty}");
        self.tale.run(&propose, 1);
        self.tale.run("release promote support/intent --to staging --key keys/ada", 2);
        self.tale.run("prompts diff support/intent@HEAD", 0);

        self.tale.chapter("Somebody passes the verdict over, which releases nothing");
        let reason = "a demonstration, for one hour";
        self.tale.run(&format!("gate {chatty} --baseline main --override '{reason}'"), 0);
        self.tale.run(&propose, 1);
        self.tale.run("audit show --action override", 0);
    }

    /// To production, with the approval of two.
    fn is_mended(&mut self) {
        self.tale.chapter("Mended, approved, and released to production");
        self.tale.world.write("prompts/fragments/style.j2", MENDED);
        self.tale.run("run suites/intent.yaml --run-id mended --quiet", 0);
        self.tale.run("release propose support/intent --to staging --run reports/intent/mended", 0);
        self.tale.run("release promote support/intent --to staging --key keys/ada", 0);
        self.tale
            .run("release propose support/intent --to production --run reports/intent/mended", 0);
        self.tale.run("release promote support/intent --to production --key keys/ada", 4);
        self.tale.run("release approve support/intent --to production --key keys/ada", 0);
        self.tale.run("release approve support/intent --to production --key keys/grace", 0);
        self.tale.run("release promote support/intent --to production --key keys/grace", 0);
        self.tale.run("release status", 0);
        self.tale.run("release verify", 0);
        self.commit("Released to production");
    }

    /// A changed byte is found, and the environment goes back to the very requests that it had.
    fn is_tampered_with(&mut self) {
        self.tale.chapter("One byte is tampered with");
        let path = "releases/production/000001.json";
        let whole = self.tale.world.bytes(path);
        let text = String::from_utf8(whole.clone()).expect("text");
        self.tale.world.write(path, &text.replacen("small-1", "small-2", 1));
        self.tale.run("release verify", 4);
        fs::write(self.tale.world.path(path), whole).expect("written");
        self.tale.run("release verify", 0);

        self.tale.chapter("Taken back");
        self.tale.run(
            "release rollback staging --to 1 --restore --key keys/ada --reason too-friendly",
            0,
        );
        self.tale.run("run suites/intent.yaml --run-id back --quiet", 0);
        assert_eq!(self.requests("reports/intent/first"), self.requests("reports/intent/back"));
        assert_ne!(self.requests("reports/intent/first"), self.requests("reports/intent/mended"));
        self.tale.run("release status staging", 0);
        self.tale.run("release verify", 0);
    }

    /// The log has every step, and a line that is taken out is named.
    fn is_accounted_for(&mut self) {
        self.tale.chapter("The log tells all of it, and holds");
        self.tale.run("audit checkpoint --key keys/ada", 0);
        self.tale.run("audit show", 0);
        self.tale.run("audit verify", 0);
        let log = String::from_utf8(self.tale.world.bytes("releases/audit.jsonl")).expect("text");
        told_of_releases(&log);
        self.tale.chapter("Somebody takes the override out of the log");
        let is_kept = |line: &&str| !line.contains("\"override\"");
        let without: String = log.split_inclusive('\n').filter(is_kept).collect();
        self.tale.world.write("releases/audit.jsonl", &without);
        self.tale.run("audit verify", 4);
        self.tale.world.write("releases/audit.jsonl", &log);
        self.tale.run("audit verify", 0);
    }
}

/// Every step of every release, in order, with whoever signed it.
fn told_of_releases(log: &str) {
    let action = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let signer = entry["who"]["signer"].as_str().unwrap_or("nobody").to_owned();
        format!(
            "{} {} {signer}",
            text_of(&entry["action"]),
            text_of(&entry["subject"]["environment"])
        )
    };
    let about_releases = |told: &String| !told.contains("no environment");
    let told: Vec<_> = log.lines().map(action).filter(about_releases).collect();
    assert_eq!(
        told,
        [
            "propose staging nobody",
            "promote staging ada",
            "propose staging nobody",
            "promote staging ada",
            "propose production nobody",
            "approve production ada",
            "approve production grace",
            "promote production grace",
            "rollback staging ada",
        ]
    );
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or("no environment")
}
