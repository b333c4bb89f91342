//! `matrix:`: what models and prompts become, and what is wrong with it.

use evalmark_core::suite::Suite;
use serde_json::json;

use super::{SUITE, check, folder, read};

/// The good suite with a matrix, and a model and prompt that use it.
fn swept(matrix: &str, model: &str, prompt: &str) -> String {
    let at = "  - { name: grader,";
    let model = format!("  - {{ provider: openai, base_url: 'http://h/v1', {model} }}\n{at}");
    SUITE
        .replace("prompts:", &format!("matrix: {matrix}\nprompts:\n  - {{ {prompt} }}"))
        .replace(at, &model)
}

fn names(suite: &Suite) -> (Vec<&str>, Vec<&str>) {
    let prompts = suite.prompts.iter().map(|prompt| &*prompt.name).collect();
    (prompts, suite.models.iter().map(|model| &*model.name).collect())
}

#[test]
fn models_and_prompts_become_one_for_each_combination() {
    let folder = folder();
    let text = swept(
        "{ t: [0, 0.5], size: [s, l], tone: { kind: 'Be kind: {{ text }}', list: [a] } }",
        "name: m, model: 'x-$(matrix.size)', params: { temperature: $(matrix.t) }",
        "name: 'p-$(matrix.tone)', template: '$(matrix.tone)'",
    )
    .replace(", list: [a]", "");
    let suite = read(folder.path(), &text).expect("valid");
    let (prompts, models) = names(&suite);
    assert_eq!(prompts, ["p-kind", "plain", "chat"]);
    let made = ["m t=0 size=s", "m t=0 size=l", "m t=0.5 size=s", "m t=0.5 size=l"];
    assert_eq!(models[1..5], made);
    assert_eq!((&*suite.models[4].model, models[5]), ("x-l", "grader"));
    assert_eq!(suite.models[3].params["temperature"], json!(0.5));
    assert!(suite.effective.get("matrix").is_none());
    assert!(suite.notes.iter().any(|note| note.contains("3 prompts and 6 models")));
}

#[test]
fn a_name_that_tells_what_varies_is_not_what_the_provider_is_asked_for() {
    let folder = folder();
    let text = swept(
        "{ t: [0, 1], size: [s, l] }",
        "name: 'x-$(matrix.size)', params: { temperature: $(matrix.t) }",
        "name: p, template: '{{ text }}'",
    );
    let suite = read(folder.path(), &text).expect("valid");
    let asked: Vec<_> = suite.models[1..5].iter().map(|m| (&*m.name, &*m.model)).collect();
    let made = [("x-s t=0", "x-s"), ("x-l t=0", "x-l"), ("x-s t=1", "x-s"), ("x-l t=1", "x-l")];
    assert_eq!(asked, made);
}

#[test]
fn combinations_are_excluded_and_included() {
    let made = |rules: &str| {
        let folder = folder();
        let text = swept(
            &format!("{{ a: [1, 2], b: [x, y], {rules} }}"),
            "name: m, params: { temperature: $(matrix.a), user: $(matrix.b) }",
            "name: p, template: 'plain'",
        );
        let suite = read(folder.path(), &text).expect("valid");
        let (_, models) = names(&suite);
        models.iter().filter_map(|name| name.strip_prefix("m ")).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(made("exclude: [{ a: 2 }]"), "a=1 b=x, a=1 b=y");
    assert_eq!(made("exclude: [{ a: 2, b: y }, { b: x, a: 1 }]"), "a=1 b=y, a=2 b=x");
    assert_eq!(
        made("exclude: [{ b: y }], include: [{ b: y, a: 3 }, { a: 1, b: x }]"),
        "a=1 b=x, a=2 b=x, a=3 b=y"
    );
}

#[test]
fn mistakes_of_a_matrix_have_places() {
    let with = |matrix: &str, template: &str, expected: &[&str]| {
        let prompts = format!("matrix: {matrix}\nprompts:");
        check(&[("prompts:", &prompts), ("Label this:", template)], expected);
    };
    with(
        "{ tone: [a, b] }",
        "$(matrix.tome)",
        &[
            "suite.yaml:3:17: no model or prompt uses the axis `tone`",
            "write `$(matrix.tone)`",
            "suite.yaml:6:15: the matrix has no axis `tome`",
            "did you mean `tone`?",
        ],
    );
    with("[a]", "", &["suite.yaml:3:9: `matrix` is a mapping of axes", "matrix: {"]);
    with("{ a: [] }", "$(matrix.a)", &["suite.yaml:3:14: the axis `a` has no values"]);
    with("{ a: [x, x] }", "$(matrix.a)", &["the axis `a` has `x` twice"]);
    with(
        "{ a: [1, 1.0] }",
        "$(matrix.a)",
        &["the axis `a` has `1` and `1.0`, which are the same number"],
    );
    with(
        "{ a: [12345678901234567890123] }",
        "$(matrix.a)",
        &["`12345678901234567890123` has more digits than a number keeps", "quote it"],
    );
    with("{ a: [[x]] }", "$(matrix.a)", &["a value in a list is a number", "others have names"]);
    with("{ a: 3 }", "$(matrix.a)", &["the axis `a` needs a list of values", "or with names"]);
    with("{ a: { x: [1] } }", "$(matrix.a)", &["`x` of the axis `a` is not text"]);
    with(
        "{ a: [x], exclude: [{ a: z }] }",
        "$(matrix.a)",
        &["the axis `a` has no such value", "it has: `x`"],
    );
    with("{ a: [x], exclude: [{ a: x }] }", "$(matrix.a)", &["excludes every combination"]);
    with(
        "{ a: [x], b: [y], include: [{ a: x }] }",
        "$(matrix.a) $(matrix.b)",
        &["this includes nothing"],
    );
    with("{ a: [x] }", "$(matrix.a) $(matrix", &["is written `$(matrix.AXIS)`", "stands for"]);
    let many: Vec<_> = (0..1001).map(|i| i.to_string()).collect();
    let many = format!("{{ a: [{}] }}", many.join(", "));
    with(&many, "$(matrix.a)", &["prompts times models may be 1000", "leave values out"]);
    let axes: Vec<_> = ('a'..='z').map(|axis| format!("{axis}: [0, 1, 2, 3, 4, 5]")).collect();
    let all: Vec<_> = ('a'..='z').map(|axis| format!("$(matrix.{axis})")).collect();
    let beyond = format!("{{ {} }}", axes.join(", "));
    with(&beyond, &all.concat(), &["more than a billion prompts", "leave values out"]);
    check(
        &[
            ("prompts:", "matrix: { a: [x] }\nprompts:"),
            ("Answer with", "$(matrix.a)"),
            ("name: right", "name: '$(matrix.a)'"),
        ],
        &["a placeholder of the matrix stands in `models` and `prompts` only"],
    );
}

/// A mistake within what was expanded stands where the file has it.
#[test]
fn what_was_expanded_is_checked_at_its_place() {
    check(
        &[
            ("prompts:", "matrix: { a: [x, y] }\nprompts:"),
            ("Label this:", "$(matrix.a) {{ txt }}"),
            ("name: chat", "name: plain a=x"),
        ],
        &[
            "suite.yaml:6:15: prompt `plain a=x`, line 1: undefined variable `txt`",
            "columns",
            "suite.yaml:6:15: prompt `plain a=y`, line 1: undefined variable `txt`",
            "columns",
            "suite.yaml:7:11: the name `plain a=x` is already taken",
        ],
    );
}
