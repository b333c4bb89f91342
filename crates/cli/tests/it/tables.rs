//! Tables fit 80 and 120 columns, whatever is in them: no line is wider, no cell wraps, and figures stand
//! below each other.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::setup::{World, answer};

/// Names of prompts: plain ones, long ones that differ in the middle or at the end, and such as are
/// written from right to left, in wide characters, or with marks.
const PROMPTS: [&str; 12] = [
    "plain",
    "terse",
    "support-intents-classification-with-examples-from-the-web-channel-v1",
    "support-intents-classification-with-examples-from-the-app-channel-v1",
    "support-intents-classification-with-examples-from-the-web-channel-v2",
    "תמיכה בלקוחות",
    "دعم العملاء",
    "顧客サポートの意図分類プロンプト第二版",
    "客户支持意图分类",
    "고객 지원",
    "e\u{301}te\u{301} 👩\u{200d}🚀",
    "ก็ดี",
];

const METRICS: [&str; 8] = [
    "exact",
    "answer-names-the-right-colour-and-nothing-else",
    "正解率",
    "דיוק",
    "close",
    "length of the answer in characters",
    "m7",
    "m8",
];

/// A run over 60 items of so many prompts, in `reports/test/r`; its answers stand in the dataset.
fn world(prompts: &[&str], metrics: &[&str]) -> World {
    let world = World::new(0);
    let row = |i: usize| {
        let right = if i % 7 == 3 { "grey" } else { answer(i) };
        format!("i{i:04},question {i},{},{right}\n", answer(i))
    };
    let rows: String = (0..60).map(row).collect();
    world.write("data.csv", &format!("id,text,label,answer\n{rows}"));
    let mut suite = "\
name: test
dataset: { path: data.csv, id: id, target: label }
models: [{ name: small, provider: recorded, recorded: { column: answer } }]
prompts:
"
    .to_owned();
    for (i, name) in prompts.iter().enumerate() {
        writeln!(suite, "  - {{ name: '{name}', template: '{i} {{{{ text }}}}' }}")
            .expect("written");
    }
    suite.push_str("metrics:\n");
    for (i, name) in metrics.iter().enumerate() {
        let kind = if i % 2 == 0 { "exact: {}" } else { "fuzzy: { algorithm: levenshtein }" };
        writeln!(suite, "  - {{ name: '{name}', {kind} }}").expect("written");
    }
    world.write("suite.yaml", &suite);
    world.run_suite("r", &[]).expect(0);
    world.run(&["baseline", "promote", "latest", "main"]).expect(0);
    world
}

/// What a command prints in so many columns.
#[track_caller]
fn printed(world: &World, columns: usize, arguments: &[&str]) -> String {
    let mut command = world.command(arguments);
    let output = command.env("COLUMNS", columns.to_string()).output().expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap_or_default();
    assert!(widest <= columns, "{arguments:?} in {columns} columns has {widest}:\n{text}");
    aligned(&text);
    text
}

/// Rows between two rules are as wide as these: a cell that wrapped, or that was counted wrongly, would
/// not be.
#[track_caller]
fn aligned(text: &str) {
    let is_rule = |line: &str| line.starts_with(['─', '═']);
    let mut table = None;
    for line in text.lines() {
        match table {
            Some(width) if !line.starts_with(' ') && !is_rule(line) => {
                assert!(line.width() > 0 || width > 0);
                table = None;
            }
            Some(width) => assert_eq!(line.width(), width, "{line:?} in:\n{text}"),
            None if is_rule(line) => table = Some(line.width()),
            None => {}
        }
    }
}

fn check(name: &str, prompts: &[&str], metrics: &[&str]) {
    let world = world(prompts, metrics);
    let commands: [&[&str]; 3] =
        [&["show", "latest"], &["compare", "latest"], &["plan", "suite.yaml"]];
    let mut shown = String::new();
    for columns in [80, 120] {
        for arguments in commands {
            let text = printed(&world, columns, arguments);
            let name = arguments[0];
            writeln!(shown, "{name} in {columns} columns:\n{text}").expect("written");
        }
        // These tell times or folders; they fit, too.
        for arguments in
            [&["runs"][..], &["baseline", "list"], &["gate", "latest", "--baseline", "main"]]
        {
            printed(&world, columns, arguments);
        }
    }
    // Whoever reads a snapshot must see the marks of direction.
    insta::assert_snapshot!(name, shown.replace('\u{200e}', "<LRM>"));
}

#[test]
fn one_prompt_and_one_metric() {
    check("one_prompt_and_one_metric", &PROMPTS[..1], &METRICS[..1]);
}

#[test]
fn twelve_prompts_and_one_metric() {
    check("twelve_prompts_and_one_metric", &PROMPTS, &METRICS[..1]);
}

#[test]
fn one_prompt_and_eight_metrics() {
    check("one_prompt_and_eight_metrics", &PROMPTS[2..3], &METRICS);
}

#[test]
fn twelve_prompts_and_eight_metrics() {
    check("twelve_prompts_and_eight_metrics", &PROMPTS, &METRICS);
}
