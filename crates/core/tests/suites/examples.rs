//! Few-shot examples: which rows a prompt shows, where they stand, and what is wrong with them.

use std::{collections::BTreeSet, fs, path::Path};

use evalmark_core::{
    plan::{Plan, Sample},
    suite::{Suite, SuiteError},
};

use super::{SUITE, folder, read};

const ROWS: &str = "\
id,text,label,tone
1,one,x,a
2,two,y,a
3,three,x,b
4,four,y,b
5,five,x,a
6,six,x,b
";

fn suite_with(
    folder: &Path,
    examples: &str,
    changes: &[(&str, &str)],
) -> Result<Suite, SuiteError> {
    let template = "    template: 'Label this: {{ text }}'";
    let mut text = SUITE.replace(template, &format!("{template}\n    examples: {{ {examples} }}"));
    for (from, to) in changes {
        assert!(text.contains(from), "the suite has no `{from}`");
        text = text.replace(from, to);
    }
    read(folder, &text)
}

fn rows_in(folder: &Path, rows: &str) {
    fs::write(folder.join("data.csv"), rows).expect("written");
}

/// What the first prompt says to each item, item by item.
fn asked(suite: &Suite) -> Vec<(String, Vec<String>)> {
    let plan = Plan::new(suite).expect("plan");
    let samples = plan.by_item(0).expect("opens").map(|sample| sample.expect("sample"));
    let samples = samples.filter(|sample| sample.prompt == 0 && sample.epoch == 0);
    let told = |sample: Sample| {
        let messages = sample.request.messages.iter();
        let messages = messages.map(|message| format!("{}: {}", message.role, message.text()));
        (sample.item.id.to_string(), messages.collect())
    };
    samples.map(told).collect()
}

fn of(rows: &str, examples: &str, changes: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
    let folder = folder();
    rows_in(folder.path(), rows);
    asked(&suite_with(folder.path(), examples, changes).expect("valid"))
}

#[test]
fn examples_are_turns_before_the_question() {
    for (id, messages) in of(ROWS, "count: 2", &[]) {
        assert_eq!(messages.len(), 5, "{messages:?}");
        let roles: Vec<_> = messages.iter().map(|m| m.split(':').next().unwrap_or("")).collect();
        assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
        let own = ROWS.lines().find(|row| row.starts_with(&id)).expect("a row");
        let text = own.split(',').nth(1).expect("text");
        assert_eq!(messages[4], format!("user: Label this: {text}"));
        for turn in messages[..4].chunks(2) {
            let shown = turn[0].strip_prefix("user: Label this: ").expect("a question");
            assert_ne!(shown, text, "never the item itself");
            let label = turn[1].strip_prefix("assistant: ").expect("an answer");
            assert!(ROWS.contains(&format!("{shown},{label}")), "{turn:?}");
        }
        assert_ne!(messages[0], messages[2], "no example twice");
    }
}

#[test]
fn the_choice_depends_on_the_item_and_not_on_its_place() {
    let shuffled: Vec<_> = ROWS.lines().skip(1).collect();
    let shuffled = [4, 0, 5, 2, 1, 3].map(|at| shuffled[at]).join("\n");
    let shuffled = format!("id,text,label,tone\n{shuffled}\n");
    for choose in ["per_item", "once"] {
        let examples = format!("count: 3, seed: 5, choose: {choose}");
        let (mut one, mut other) = (of(ROWS, &examples, &[]), of(&shuffled, &examples, &[]));
        assert_ne!(one, other);
        one.sort();
        other.sort();
        assert_eq!(one, other, "{choose}");
    }
    let seeds: BTreeSet<_> =
        (0..8).map(|seed| of(ROWS, &format!("count: 3, seed: {seed}"), &[])).collect();
    assert!(seeds.len() > 6, "seeds make a difference");
    let sets: BTreeSet<_> =
        of(ROWS, "count: 3", &[]).into_iter().map(|(_, m)| m[..6].to_vec()).collect();
    assert!(sets.len() > 3, "items are shown different examples");
}

#[test]
fn once_and_first_show_every_item_the_same_except_itself() {
    let first = of(ROWS, "count: 2, choose: first", &[]);
    let shown = |messages: &[String]| -> Vec<String> {
        let questions = messages[..4].iter().step_by(2);
        questions.map(|q| q.replace("user: Label this: ", "")).collect()
    };
    for (id, messages) in &first {
        let expected = match id.as_str() {
            "1" => ["two", "three"],
            "2" => ["one", "three"],
            _ => ["one", "two"],
        };
        assert_eq!(shown(messages), expected, "item {id}");
    }
    let once = of(ROWS, "count: 2, choose: once", &[]);
    let sets: BTreeSet<_> = once.iter().map(|(_, messages)| shown(messages)).collect();
    assert!(
        sets.len() <= 3,
        "all the same, but for the two that would be shown themselves: {sets:?}"
    );
}

#[test]
fn labels_are_balanced() {
    let rows =
        "id,text,label,tone\n1,a,x,\n2,b,x,\n3,c,x,\n4,d,x,\n5,e,x,\n6,f,y,\n7,g,y,\n8,h,z,\n";
    for (id, messages) in of(rows, "count: 3, balance: label", &[]) {
        let mut labels: Vec<_> = messages.iter().filter(|m| m.starts_with("assistant")).collect();
        labels.sort();
        let expected = if id == "8" { "x" } else { "z" };
        assert_eq!(*labels[2], format!("assistant: {}", if id == "8" { "y" } else { expected }));
        assert_eq!(*labels[0], "assistant: x");
    }
    let few = of(rows, "count: 6, balance: label", &[]);
    let labels = few[0].1.iter().filter(|m| *m == "assistant: x").count();
    assert_eq!((few[0].0.as_str(), labels), ("1", 3), "the others have no more");
}

#[test]
fn a_file_of_its_own_is_shown_without_what_is_asked() {
    let folder = folder();
    rows_in(folder.path(), ROWS);
    let jsonl = "{\"text\": \"one\", \"label\": \"z\"}\n{\"text\": \"new\", \"label\": \"q\", \"why\": \"so\"}\n{\"text\": \"newer\", \"label\": \"r\"}\n";
    fs::write(folder.path().join("shots.jsonl"), jsonl).expect("written");
    let suite = suite_with(folder.path(), "path: shots.jsonl, count: 2", &[]).expect("valid");
    let asked_of = asked(&suite);
    assert!(asked_of.iter().all(|(_, messages)| messages.len() == 5));
    let one = asked_of[0].1.join(" ");
    assert!(one.contains("newer") && !one.contains("Label this: one user"), "{one}");
    // Other rows are other prompts, for baselines and for runs that are resumed.
    fs::write(folder.path().join("shots.jsonl"), jsonl.replace("so", "why not")).expect("written");
    let other = suite_with(folder.path(), "path: shots.jsonl, count: 2", &[]).expect("valid");
    assert_ne!(suite.prompts[0].hash, other.prompts[0].hash);
    assert_ne!(suite.identity(), other.identity());
}

#[test]
fn what_is_asked_is_left_out_of_a_file_that_says_it_too() {
    let folder = folder();
    let jsonl = "{\"text\": \"one\", \"label\": \"z\"}\n{\"text\": \"new\", \"label\": \"q\"}\n";
    fs::write(folder.path().join("shots.jsonl"), jsonl).expect("written");
    rows_in(folder.path(), "id,text,label,tone\n7,one,x,\n8,two,y,\n");
    let suite = suite_with(folder.path(), "path: shots.jsonl, count: 2", &[]).expect("valid");
    let error = Plan::new(&suite).expect_err("too few").to_string();
    assert!(
        error.contains("row 1: `examples` shows 2, and ") && error.contains("has 1 different ones"),
        "{error}"
    );
}

/// Two of the rows are the same once the template has normalised them, and so are two others.
#[track_caller]
fn told_apart(template: &str, examples: &str, n: usize) {
    let rows =
        "id,text,label,tone\n1,q 0,x,a\n2,q 0 ,y,a\n3,Q 1,x,a\n4,q 1,y,a\n5,z,x,b\n6,zz,y,b\n";
    let changes = [("    template: 'Label this: {{ text }}'", template)];
    for choose in ["per_item", "once", "first"] {
        let examples = format!("count: {n}, choose: {choose}{examples}");
        for (id, messages) in of(rows, &examples, &changes) {
            let (asked, shown) = messages.split_last().expect("a question");
            let turns: Vec<_> = shown.iter().filter(|turn| turn.starts_with("user")).collect();
            let texts = turns.iter().map(|turn| turn.trim()).chain([asked.trim()]);
            let distinct: BTreeSet<_> = texts.collect();
            assert_eq!(turns.len(), n, "{choose}, item {id}: {messages:?}");
            assert_eq!(distinct.len(), n + 1, "{choose}, item {id}: {messages:?}");
        }
    }
}

#[test]
fn what_templates_normalise_tells_no_rows_apart() {
    let one = |template: &str| format!("    template: '{template}'");
    let of_user = ", user: '{{ text | trim | lower }}'";
    told_apart(&one("{{ text | trim }}"), "", 4);
    told_apart(&one("{{ text }}"), "", 4);
    told_apart(&one("{{ text | trim | lower }}"), "", 3);
    told_apart(&one("{{ tone }} {{ text | trim | lower }}"), "", 3);
    // A turn of the user with a template of its own, which reads otherwise than the question, or as it.
    told_apart(&one("Label this: {{ text }}"), of_user, 3);
    told_apart(&one("{{ text | trim }}"), of_user, 3);
    told_apart(&one("{{ text | trim }}"), ", user: '{{ text }}'", 4);
    // What stands beside the question counts as it is.
    let chat = |system: &str| {
        format!(
            "    messages: [{{ role: system, content: '{system}' }}, {{ role: user, content: '{{{{ \
             text | trim | lower }}}}' }}]"
        )
    };
    told_apart(&chat("S"), "", 3);
    told_apart(&chat("{{ tone | upper }}"), "", 3);
}

#[test]
fn turns_that_name_no_column_are_told_apart_by_the_others() {
    let chat =
        "    messages: [{ role: system, content: '{{ text }}' }, { role: user, content: Go }]";
    let changes = [("    template: 'Label this: {{ text }}'", chat)];
    assert_eq!(of(ROWS, "count: 5", &changes)[0].1.len(), 12);
    let user = "count: 5, user: Next, assistant: '{{ text }} is {{ label }}'";
    assert_eq!(of(ROWS, user, &[])[0].1.len(), 11);
    let by_tone = "count: 5, user: 'In {{ tone }}', assistant: '{{ text }}'";
    let changes = [("Label this: {{ text }}", "{{ tone }}: {{ text }}")];
    assert_eq!(of(ROWS, by_tone, &changes)[0].1.len(), 11);
}

#[test]
fn rows_in_a_template_are_told_apart_as_it_reads_them() {
    let rows = "id,text,label,tone\n1,q 0,x,a\n2,q 0 ,y,a\n3,Q 1,x,a\n4,z,x,b\n";
    let template = "{% for e in examples %}{{ e.text | trim }};{% endfor %}{{ text | trim }}";
    let changes = [("Label this: {{ text }}", template)];
    for (id, messages) in of(rows, "count: 2", &changes) {
        let texts = messages[0].strip_prefix("user: ").expect("a question").split(';');
        assert_eq!(texts.collect::<BTreeSet<_>>().len(), 3, "item {id}: {messages:?}");
    }
    let folder = folder();
    rows_in(folder.path(), rows);
    let error = suite_with(folder.path(), "count: 3", &changes).expect_err("one is there twice");
    assert!(error.to_string().contains("has 2 different ones besides"), "{error}");
}

#[test]
fn a_template_may_say_where_they_stand() {
    let template = "{% for e in examples %}{{ e.text }}={{ e.label }};{% endfor %}{{ text }}=";
    let changes = [("Label this: {{ text }}", template)];
    for (id, messages) in of(ROWS, "count: 2", &changes) {
        assert_eq!(messages.len(), 1, "no turns");
        let parts: Vec<_> = messages[0].split(';').collect();
        assert_eq!(parts.len(), 3, "{id}: {messages:?}");
    }
    let both =
        of(ROWS, "count: 1, turns: true, user: '{{ text }}?', assistant: '{{ label }}!'", &changes);
    assert_eq!(both[0].1.len(), 3);
    assert!(both[0].1[0].ends_with('?') && both[0].1[1].ends_with('!'), "{both:?}");
    let none = of(ROWS, "count: 0", &changes);
    assert_eq!(none[0].1, ["user: one="]);
    assert_eq!(of(ROWS, "count: 0", &[])[0].1, ["user: Label this: one"]);
}

#[test]
fn the_messages_of_a_chat_stay_around_them() {
    let chat = "    messages: [{ role: system, content: S }, { role: user, content: '{{ text }}' }, { role: assistant, content: 'So:' }]";
    let changes = [("    template: 'Label this: {{ text }}'", chat)];
    let (_, messages) = of(ROWS, "count: 1, choose: first", &changes).swap_remove(2);
    assert_eq!(
        messages,
        ["system: S", "user: one", "assistant: x", "user: three", "assistant: So:"]
    );
}

#[track_caller]
fn wrong(examples: &str, changes: &[(&str, &str)], expected: &[&str]) {
    let folder = folder();
    rows_in(folder.path(), ROWS);
    fs::write(folder.path().join("shots.jsonl"), "{\"text\": \"new\"}\n").expect("written");
    let error = suite_with(folder.path(), examples, changes).expect_err(expected[0]).to_string();
    for words in expected {
        assert!(error.contains(words), "`{words}` is not in {error}");
    }
}

#[test]
fn mistakes_of_examples_are_told_with_their_line() {
    wrong(
        "count: 6",
        &[],
        &["suite.yaml:6:24: `examples` shows 6, and", "has 5 different ones besides"],
    );
    wrong(
        "count: 1, path: none.csv",
        &[],
        &["suite.yaml:6:33: examples", "none.csv: cannot be read"],
    );
    wrong(
        "count: 1, path: /etc/passwd, format: csv",
        &[],
        &["suite.yaml:6:33: examples", "outside"],
    );
    wrong("count: 1, path: shots.txt", &[], &["the extension of `shots.txt` does not show"]);
    wrong("count: 1, path: shots.jsonl", &[], &["shots.jsonl, row 1: ", "has no column `label`"]);
    wrong(
        "count: 1, balance: lable",
        &[],
        &["the examples have no column `lable`", "did you mean `label`"],
    );
    wrong(
        "count: 1, assistant: '{{ lable }}'",
        &[],
        &[
            "row 1: prompt `plain`, line 1: undefined variable `lable`",
            "the examples' columns: id, text",
        ],
    );
    wrong("count: 1, user: '{{ text'", &[], &["suite.yaml:6:33: prompt `plain`", "syntax error"]);
    wrong(
        "count: 1, turns: false, user: x",
        &[],
        &["`user` is part of a turn, and there are none: `turns` is false"],
    );
    wrong("count: 1, coutn: 2", &[], &["unknown key `coutn`", "did you mean `count`"]);
    wrong("seed: 2", &[], &["`count`"]);
    wrong(
        "count: 1, choose: random",
        &[],
        &["suite.yaml:6:", "`choose`: `random` is not one of: per_item, once, first"],
    );
    let untargeted = [(", target: label", ""), (", exact: { normalize: [trim] }", ", exact: {}")];
    wrong("count: 1", &untargeted, &["`examples` lacks `assistant`"]);
    let template =
        [("Label this: {{ text }}", "{% for e in examples %}{{ e.txt }}{% endfor %}{{ text }}")];
    wrong("count: 1", &template, &["undefined variable `txt`", "columns: id, text"]);
    let hidden = [("Label this: {{ text }}", "{{ examples }}{{ text }}")];
    let folder = folder();
    rows_in(folder.path(), &ROWS.replace("tone", "examples"));
    let changes = [hidden[0], ("slices: [tone]", "slices: []")];
    let error = suite_with(folder.path(), "count: 1", &changes).expect_err("hidden").to_string();
    assert!(error.contains("the dataset has a column `examples`"), "{error}");
}
