//! Templates that would run for ever, or fill the memory, if they were let.

use std::{
    fs,
    time::{Duration, Instant},
};

use evalmark_core::{fields::Fields, files::FileAccess, template::Template};
use serde_json::{Value, json};

/// Far less than any of them would take.
const SOON: Duration = Duration::from_secs(20);

fn fields() -> Fields {
    let fields = json!({ "text": "a b", "big": "a".repeat(1 << 20), "name": "self.j2" });
    let Value::Object(fields) = fields else { panic!("an object") };
    fields.into()
}

/// What rendering says, which must come soon. Threads of tests have small stacks.
fn render(source: &str) -> Result<usize, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("self.j2"), "{% include 'self.j2' %}").expect("written");
    fs::write(path("ping.j2"), "{% include 'pong.j2' %}{% include 'pong.j2' %}").expect("written");
    fs::write(path("pong.j2"), "{% include 'ping.j2' %}").expect("written");
    fs::write(path("parent.j2"), "{% extends 'parent.j2' %}").expect("written");
    let access = FileAccess::of_suite(&path("suite.yaml"), &[]).expect("access");
    let began = Instant::now();
    let rendered = Template::compile("prompt `p`", source, folder.path(), &access)
        .and_then(|template| template.render(&fields()))
        .map(|text| text.len())
        .map_err(|error| error.message);
    assert!(began.elapsed() < SOON, "{source}: {:?}", began.elapsed());
    rendered
}

/// It is refused, with these words.
#[track_caller]
fn refused(source: &str, expected: &str) {
    let message = render(source).expect_err(source);
    assert!(message.starts_with("prompt `p`"), "{source}: {message}");
    assert!(message.contains(expected), "{source}: {message}");
}

#[test]
fn too_much_work_is_refused() {
    let nested = "{% for a in range(99999) %}".repeat(3) + "x" + &"{% endfor %}".repeat(3);
    for source in [
        nested.as_str(),
        "{{ range(99999) | join('y' * 99999) }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ big | replace('a', big) }}",
        "{{ text | replace('', big) | replace('', big) }}",
        "{{ range(99999) | join('\n') | indent(99999) }}",
        "{{ 'a\nb' | indent(10 ** 9) }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}{{ ns.x }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '%.999999999f' | format(1.5) }}",
        "{% set x = range(99999) | list | tojson %}{% for i in range(9999) %}{% set y = x | tojson %}{% endfor %}",
        "{% for i in range(99999) %}{% set x = range(99999) | list | sort | reverse | list %}{% endfor %}",
        "{% for i in range(99999) %}{% set x = big | upper | lower | length %}{% endfor %}",
        "{% for i in range(99999) %}{{ big | length }}{% endfor %}",
        "{% filter replace('a', 'aaaaaaaa') %}{{ big }}{% endfilter %}".repeat(9).as_str(),
        "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{{ m(m(m(m(m(m(m(m(big)))))))) }}",
        "{% for a in range(99999) %}{% for b in big %}{% endfor %}{% endfor %}",
    ] {
        refused(
            source,
            "takes too much work or memory; a template may produce at most 61 MB for one item",
        );
    }
}

#[test]
fn deep_recursion_is_refused() {
    for source in [
        "{% include 'self.j2' %}",
        "{% include name %}",
        "{% include 'ping.j2' %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% for x in [[[]]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        "{% macro m(n) %}{% call m2(n) %}x{% endcall %}{% endmacro %}{% macro m2(n) %}{{ m(n) }}{{ caller() }}{% endmacro %}{{ m(1) }}",
    ] {
        let message = render(source).expect_err(source);
        let told = ["recursion", "too much work", "deep"].iter().any(|word| message.contains(word));
        assert!(told, "{source}: {message}");
    }
    for deep in ["-", "not ", "1 if 1 else ", "1 + ", "1 ~ ", "a.", "a or "] {
        refused(&format!("{{{{ {}1 }}}}", deep.repeat(9_999)), "and 256 operators");
        drop(render(&format!("{{{{ {}1 }}}}", deep.repeat(125))));
    }
    for deep in ["()", "[0]", "['a']", ".a", " () "] {
        refused(&format!("{{{{ text{} }}}}", deep.repeat(9_999)), "and 256 operators");
        drop(render(&format!("{{{{ text{} }}}}", deep.repeat(255))));
    }
    drop(render(&format!("{{{{ {}1 }}}}", "-".repeat(255))));
    let blocks = "{% if true %}".repeat(9_999) + &"{% endif %}".repeat(9_999);
    drop(render(&blocks));
}

/// Values that hold themselves, are nested without end, or are larger than they look.
#[test]
fn values_have_bounds() {
    let nest = "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}";
    let double = |n: usize| format!("{{% set x = ['ab'] %}}{}", "{% set x = [x, x] %}".repeat(n));
    let brackets = format!("{}1{}", "[".repeat(99), "]".repeat(99));
    for (source, expected) in [
        ("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}".to_owned(), "cannot hold another"),
        (
            "{% set ns = namespace() %}{% set d = {'a': [ns]} %}{% set ns.b = d %}{{ ns | tojson }}"
                .to_owned(),
            "cannot hold another",
        ),
        (nest.to_owned(), "nested too deeply"),
        (nest.replace("[ns.x]", "{'a': ns.x}"), "nested too deeply"),
        (nest.replace("x=[]", "x=[1]").replace("[ns.x]", "ns.x | batch(1) | list"), "nested too deeply"),
        ("{% set x = [] %}".to_owned() + &"{% set x = [x] %}".repeat(9_999), "nested too deeply"),
        ("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x | length }}".to_owned(), "too many values within values"),
        (double(40), "too many values within values"),
        ("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}".to_owned(), "too many values within values"),
        ("{{ [[[1] * 999] * 999] * 999 }}".to_owned(), "too many values within values"),
        ("{{ ([[[1] * 999] * 999] * 999) | tojson }}".to_owned(), "too many values within values"),
        ("{{ ([[[1] * 999] * 999] * 999) | string | length }}".to_owned(), "too many values within values"),
        ("{{ [1] | tojson(indent=10 ** 9) }}".to_owned(), "indented by at most 32"),
        ("{{ [1] | tojson(10 ** 9) }}".to_owned(), "indented by at most 32"),
        (format!("{{{{ {brackets} }}}}"), "at most 32 brackets"),
        (format!("{{{{ [1]{} }}}}", " | batch(1) | list".repeat(99)), "64 filters"),
    ] {
        refused(&source, expected);
    }
}

#[test]
fn odd_numbers_end() {
    for source in [
        "{{ 10 ** 99999 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ range(-1, 10 ** 18) }}",
        "{{ range(10 ** 18, -10 ** 18, -1) }}",
        "{{ text[::-1] }}{{ text[-(10 ** 18):10 ** 18] }}",
        "{{ range(99) | batch(10 ** 9, 'x') | list }}",
        "{{ range(99) | slice(10 ** 9, 'x') | list }}",
        "{{ range(99) | batch(0) | list }}",
    ] {
        drop(render(source));
    }
}

#[test]
fn honest_work_is_done() {
    for (source, expected) in [
        ("{{ big }}{{ big }}", 2 << 20),
        ("{{ big | upper }}", 1 << 20),
        ("{% for i in range(1000) %}{{ text }}{% endfor %}", 3000),
        ("{{ 'x' * 1000 }}", 1000),
        (
            "{% set ns = namespace(n=0, all=[]) %}{% for i in range(9) %}{% set ns.n = ns.n + i %}{% set ns.all = ns.all + [i] %}{% endfor %}{{ ns.n }} {{ ns.all | tojson }}",
            30,
        ),
        ("{% set a, b = 1, (2, 3) %}{% set c = b if a == 1 else none %}{{ a }}{{ c | length }}", 2),
        (
            "{%- set x = {'a': [1, {'b': '%}'}]} -%} {{ x.a[1].b }} {{- x.a | tojson(indent=2) | length }}",
            4,
        ),
        ("{% macro m(n) %}{% if n %}x{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(9) }}", 9),
    ] {
        assert_eq!(render(source), Ok(expected), "{source}");
    }
}

#[test]
fn a_text_has_a_longest() {
    refused(&"{{ big }}".repeat(17), "produces 17 MB of text; the limit is 16 MB");
    assert_eq!(render(&"{{ big }}".repeat(16)), Ok(16 << 20));
}

#[test]
fn nothing_tells_of_what_surrounds_a_template() {
    refused("{{ debug() }}", "debug");
}

/// What does not exist is named once, with what to write instead.
#[test]
fn unknown_names() {
    for (source, expected) in [
        ("{{ text | uper }}", "unknown filter `uper`; did you mean `upper`?"),
        ("{{ text | wordcount }}", "unknown filter `wordcount`; there are: abs, attr,"),
        ("{{ text is evn }}", "unknown test `evn`; did you mean `even`?"),
        ("{{ rnge(3) }}", "unknown function `rnge`; did you mean `range`?"),
        ("{{ now() }}", "unknown function `now`; there are: dict, namespace, range"),
        ("{{ text.strip() }}", "a text has no method `strip`; write `| trim`"),
        ("{{ item.get('text') }}", "a map has no method `get`; write `['KEY'] | default('')`"),
        ("{{ text.frobnicate() }}", "a text has no method `frobnicate`"),
    ] {
        let message = render(source).expect_err(source);
        let end = message.split_once(": ").map_or("", |(_, end)| end);
        assert!(end.starts_with(expected), "{source}: {message}");
    }
    // What is proposed exists.
    let message = render("{{ text | xxxxxxxxxx }}").expect_err("no such filter");
    let filters = message.split_once("there are: ").expect("a list").1;
    for filter in filters.split(", ") {
        let unknown =
            render(&format!("{{{{ text | {filter} }}}}")).is_err_and(|e| e.contains("unknown"));
        assert!(!unknown, "{filter}");
    }
    let message = render("{{ text is xxxxxxxxxx }}").expect_err("no such test");
    for test in message.split_once("there are: ").expect("a list").1.split(", ") {
        let unknown =
            render(&format!("{{{{ text is {test} }}}}")).is_err_and(|e| e.contains("unknown"));
        assert!(!unknown, "{test}");
    }
}

#[test]
fn a_cycle_of_includes_is_told_once() {
    let message = render("{% include 'self.j2' %}").expect_err("a cycle");
    assert!(message.contains("recursion limit exceeded"), "{message}");
    assert!(message.len() < 300, "{message}");
}

#[test]
fn integers_keep_their_value_or_are_refused() {
    let most = i128::MAX;
    for (source, expected) in [
        (format!("{{{{ '{}' | int }}}}", u64::MAX), Ok(20)),
        (format!("{{{{ '{}' | int }}}}", "9".repeat(40)), Err("is too large for an integer")),
        ("{{ '-1e60' | int }}".to_owned(), Err("is too large for an integer")),
        ("{{ 1e60 | int }}".to_owned(), Err("is too large for an integer")),
        (format!("{{{{ '{}' | int }}}}", most - 1), Ok(39)),
        ("{{ '12' | int + 1 }}".to_owned(), Ok(2)),
        ("{{ 'ff' | int(base=16) }}".to_owned(), Ok(3)),
    ] {
        match (render(&source), expected) {
            (Ok(n), Ok(expected)) => assert_eq!(n, expected, "{source}"),
            (Err(message), Err(words)) => assert!(message.contains(words), "{source}: {message}"),
            (found, _) => panic!("{source}: {found:?}"),
        }
    }
}

#[test]
fn a_column_that_is_cut_is_used() {
    let uses = |source: &str| {
        let template = Template::compile_alone("prompt `p`", source).expect("compiles");
        template.uses(["text", "big"].into_iter())
    };
    for source in [
        "{{ text }}",
        "{{ text[0:9] }}",
        "{{ 'a' ~ big[::2] }}",
        "{% if text[:1] == 'a' %}b{% endif %}",
    ] {
        assert!(uses(source), "{source}");
    }
    for source in ["text", "{{ 1 }} text", "{{ texts }}", "{ text }"] {
        assert!(!uses(source), "{source}");
    }
}
