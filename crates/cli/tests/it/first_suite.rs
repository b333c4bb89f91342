//! `evalmark init`: a suite over any small file passes `check`, runs, and says what was guessed.

use std::fs;

use evalmark_loopback::{Reply, Server};
use serde_json::Value;

use crate::setup::World;

/// A dataset, how `init` is called, and what comes of it.
struct Case<'a> {
    file: &'a str,
    rows: &'a str,
    more: &'a [&'a str],
    /// The suite, and its prompt, hold these.
    suite: &'a [&'a str],
    prompt: &'a [&'a str],
    /// What the server answers, and the mean of the gated metric then.
    answer: &'a str,
    metric: &'a str,
    mean: f64,
}

pub(crate) fn empty() -> World {
    World { folder: tempfile::tempdir().expect("a folder") }
}

/// Writes the dataset, and runs `init`, `check` and `run`.
#[track_caller]
fn check(case: &Case<'_>) {
    let world = empty();
    fs::write(world.path(case.file), case.rows).expect("written");
    check_in(&world, case);
}

#[track_caller]
fn check_in(world: &World, case: &Case<'_>) {
    let answer = case.answer.to_owned();
    let server = Server::start(move |_| Reply::text(answer.clone()));
    let url = server.url();
    let asked = ["--provider", "openai", "--model", "small", "--base-url", &url, "--name", "first"];
    let init = [&["init", "--dataset", case.file], &asked[..], case.more].concat();
    let told = world.run(&init).expect(0);
    let suite = fs::read_to_string(world.path("suites/first.yaml")).expect("the suite");
    let shown = |what: &str| format!("{}: {what}\n{suite}\n{}", case.file, told.stdout);
    for part in case.suite {
        assert!(suite.contains(part), "{}", shown(part));
    }
    let prompts =
        ["j2", "yaml"].map(|ending| world.path(&format!("suites/prompts/first.{ending}")));
    let prompt = prompts.iter().find_map(|path| fs::read_to_string(path).ok()).expect("a prompt");
    for part in case.prompt {
        assert!(prompt.contains(part), "{part}\n{prompt}\n{}", told.stdout);
    }
    let checked = world.run(&["check", "suites/first.yaml"]).expect(0);
    assert_eq!(checked.stderr, "", "nothing is to be warned of: {}", shown(""));
    world.run(&["run", "suites/first.yaml", "--new-baseline", "--run-id", "r"]).expect(0);
    let run = world.run(&["show", "first:latest", "--format", "json"]).expect(0);
    let run: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let rows = run.as_array().expect("rows");
    let row = rows.iter().find(|row| row["metric"] == case.metric && row["slice"].is_null());
    let mean = row.and_then(|row| row["estimate"]["mean"].as_f64()).unwrap_or(f64::NAN);
    assert!((mean - case.mean).abs() < 1e-3, "{mean}: {}\n{run:#}", shown(case.metric));
}

const CLASSES: &str = "Ticket #,réponse attendue,Message,channel,customer_id\n\
    1,money,I want a refund,chat,c1\n2,delivery,Where is it?,chat,c1\n3,money,Too dear,email,c2\n\
    4,delivery,It is late,email,c2\n5,money,Charged twice,chat,c3\n6,delivery,Wrong street,email,c3\n\
    7,money,No invoice,chat,c4\n8,money,Wrong price,email,c4\n";

#[test]
fn classes_are_listed_and_scored_as_classes() {
    check(&Case {
        file: "support.csv",
        rows: CLASSES,
        more: &[],
        suite: &[
            "# yaml-language-server: $schema=suite.schema.json\n",
            "id: \"Ticket #\"",
            "target: \"réponse attendue\"",
            "cluster: customer_id",
            "slices: [channel]",
            "labels: [delivery, money]",
            "max_tokens: 16",
        ],
        prompt: &["- delivery\n- money\n", "Message: {{ Message }}"],
        answer: "Money.",
        metric: "correct",
        mean: 5.0 / 8.0,
    });
}

#[test]
fn semicolons_and_a_byte_order_mark_are_read() {
    check(&Case {
        file: "sp amérique.csv",
        rows: "\u{feff}expected.label;\"text \"\"a\"\"\"\nyes;\"is it; so?\"\nno;\"is it, not?\"\n",
        more: &[],
        suite: &[
            "delimiter: \";\"",
            "target: expected.label",
            "labels: [\"no\", \"yes\"]",
            "# gate:",
        ],
        prompt: &["- no\n- yes\n", "{{ item['text \"a\"'] }}"],
        answer: "yes",
        metric: "correct",
        mean: 0.5,
    });
}

#[test]
fn a_few_words_are_compared_without_case() {
    check(&Case {
        file: "capitals.jsonl",
        rows: "{\"question\":\"Capital of France?\",\"answer\":\"Paris\"}\n\
               {\"question\":\"Capital of Italy?\",\"answer\":\"Rome\"}\n",
        more: &[],
        suite: &["target: answer", "exact: { normalize: [trim, casefold] }"],
        prompt: &["question: {{ question }}"],
        answer: "paris",
        metric: "exact",
        mean: 0.5,
    });
}

#[test]
fn numbers_are_compared_as_numbers() {
    check(&Case {
        file: "sums.tsv",
        rows: "problem\tsolution\n1 + 1\t2\n2 + 2\t4\nhalf of 5\t2.5\n1 + 1 + 0\t2.0\n",
        more: &[],
        suite: &["target: solution", "number: { rel: 0.01 }"],
        prompt: &["Answer with the number"],
        answer: "It is 2.",
        metric: "number",
        mean: 0.5,
    });
}

#[test]
fn json_is_compared_field_by_field() {
    check(&Case {
        file: "mails.jsonl",
        rows: "{\"id\":1,\"email\":\"Bob, 3\",\"expected\":{\"from\":\"Bob\",\"total\":3}}\n\
               {\"id\":2,\"email\":\"Al, 4\",\"expected\":{\"from\":\"Al\",\"total\":4}}\n",
        more: &[],
        suite: &["id: id", "target: expected", "json_fields: { fence: true }"],
        prompt: &["Its keys: from, total", "{{ email }}"],
        answer: "```json\n{\"from\": \"Bob\", \"total\": 4}\n```",
        metric: "fields",
        mean: 0.5,
    });
}

#[test]
fn a_path_leads_to_right_answers_within_a_column() {
    check(&Case {
        file: "nested.json",
        rows: "[{\"input\":\"a\",\"expected\":{\"intent\":\"x\"}},{\"input\":\"b\",\"expected\":{\"intent\":\"y\"}}]",
        more: &["--target", "expected.intent"],
        suite: &["target: expected.intent"],
        prompt: &["{{ input }}"],
        answer: "X",
        metric: "exact",
        mean: 0.5,
    });
}

#[test]
fn any_of_several_right_answers_counts() {
    check(&Case {
        file: "any.jsonl",
        rows: "{\"prompt\":\"A primary colour?\",\"answers\":[\"red\",\"blue\",\"yellow\"]}\n\
               {\"prompt\":\"A big cat?\",\"answers\":[\"lion\",\"tiger\"]}\n",
        more: &[],
        suite: &["target: answers", "exact:"],
        prompt: &["{{ prompt }}"],
        answer: "Blue",
        metric: "exact",
        mean: 0.5,
    });
}

#[test]
fn options_are_lettered() {
    check(&Case {
        file: "quiz.jsonl",
        rows: "{\"question\":\"2 + 2?\",\"choices\":[\"3\",\"4\"],\"answer\":\"B\"}\n\
               {\"question\":\"1 + 1?\",\"choices\":[\"2\",\"3\"],\"answer\":\"A\"}\n",
        more: &[],
        suite: &["choice: { options: 2 }"],
        prompt: &["[loop.index0:loop.index] }}) {{ one }}"],
        answer: "The answer is B.",
        metric: "choice",
        mean: 0.5,
    });
}

#[test]
fn prose_is_compared_by_words_and_a_judge_is_prepared() {
    check(&Case {
        file: "articles.csv",
        rows: "ticket_id,document,summary\n\
               1,\"A long story\nof two lines {{ no }} template\",\"one two three four five six seven\"\n\
               2,another story,\"eight nine ten eleven twelve thirteen\"\n",
        more: &[],
        suite: &["id: ticket_id", "token_f1: {}", "#   judge_reference: { model: judge }"],
        prompt: &["{{ document }}"],
        answer: "one two three four five six seven",
        metric: "overlap",
        mean: 0.5,
    });
}

#[test]
fn chat_logs_become_a_chat() {
    let turn = |user: &str, answer: &str| {
        format!(
            "{{\"messages\":[{{\"role\":\"system\",\"content\":\"Be kind.\"}},{{\"role\":\"user\",\
             \"content\":\"{user}\"}},{{\"role\":\"assistant\",\"content\":\"{answer}\"}}]}}\n"
        )
    };
    let rows =
        turn("Hello", "Hello, how can I help?") + &turn("Bye", "Good bye and many thanks again");
    check(&Case {
        file: "chats.jsonl",
        rows: &rows,
        more: &[],
        suite: &["target: messages.2.content"],
        prompt: &[
            "- role: system\n  content: \"{{ messages[0].content }}\"\n",
            "- role: user\n  content: \"{{ messages[1].content }}\"\n",
        ],
        answer: "Good bye and many thanks again",
        metric: "overlap",
        mean: 0.5,
    });
}

#[test]
fn conversations_of_any_length_are_classified_as_a_text() {
    check(&Case {
        file: "chats.jsonl",
        rows: "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"label\":\"greeting\"}\n\
               {\"messages\":[{\"role\":\"user\",\"content\":\"I pay\"},{\"role\":\"assistant\",\
               \"content\":\"Fine\"},{\"role\":\"user\",\"content\":\"Bye\"}],\"label\":\"payment\"}\n",
        more: &[],
        suite: &["target: label", "labels: [greeting, payment]"],
        prompt: &["{% for message in messages %}{{ message.role }}: {{ message.content }}"],
        answer: "payment",
        metric: "correct",
        mean: 0.5,
    });
}

#[test]
fn names_that_act_in_templates_and_yaml_do_not() {
    check(&Case {
        file: "odd.csv",
        rows: "\"a\nb\",\"it's \\ {% x %}\",item,\"no: #\"\n1,2,3,yes\n4,5,6,no\n",
        more: &["--target", "no: #"],
        suite: &["target: \"no: #\""],
        prompt: &["{{ item }}"],
        answer: "yes",
        metric: "exact",
        mean: 0.5,
    });
}

/// Samples of an earlier run are a dataset, too, and the largest Parquet file that a test has.
#[test]
fn parquet_is_read() {
    let world = empty();
    world.run(&["init", "--example"]).expect(0);
    world.run(&["run", "suites/messages.yaml", "--new-baseline", "--run-id", "r"]).expect(0);
    fs::copy(world.path("reports/messages/r/samples.parquet"), world.path("samples.parquet"))
        .expect("copied");
    check_in(
        &world,
        &Case {
            file: "samples.parquet",
            rows: "",
            more: &["--target", "targets"],
            suite: &["id: item_id", "labels: [delivery, login, money]", "margin: 0.16"],
            prompt: &["- delivery\n- login\n- money\n"],
            answer: "login",
            metric: "correct",
            mean: 16.0 / 48.0,
        },
    );
}

/// Without a key, a network or a question.
#[test]
fn the_example_runs_to_a_pass_at_once() {
    let world = empty();
    let told = world.run(&["init", "--example"]).expect(0);
    assert!(told.stdout.contains("margin"), "{}", told.stdout);
    // The margin is one that the items can resolve, as `plan` sees it.
    let plan = world.run(&["plan", "suites/messages.yaml"]).expect(0);
    assert!(!plan.stderr.contains("margin"), "{}", plan.stderr);
    let next: Vec<_> =
        told.stdout.lines().filter_map(|line| line.strip_prefix("  evalmark ")).collect();
    assert_eq!(next.len(), 3, "{next:?}");
    for command in next {
        world.run(&command.split(' ').collect::<Vec<_>>()).expect(0);
    }
    let verdict = world.run(&["gate", "messages:latest", "--baseline", "main"]).expect(0);
    assert!(verdict.stdout.contains("PASS"), "{}", verdict.stdout);
}
