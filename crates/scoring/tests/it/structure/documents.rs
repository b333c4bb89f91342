//! YAML, XML and blocks of code.

use serde_json::json;

use super::check_alone;
use crate::support::complaint;

#[test]
fn yaml_valid() {
    check_alone(
        &json!({"yaml_valid": {}}),
        &[
            ("a: 1\nb: [x, y]\n", 1.0),
            ("- a\n- b: |\n    text\n", 1.0),
            ("{\"a\": 1}", 1.0),
            ("a: &x {b: 1}\nc: *x\n", 1.0),
            ("a: .inf\nb: 0x1F\nc: 2020-01-01\n", 1.0),
            ("? [a, b]\n: 1\n", 1.0),
            ("a: !custom {b: 1}\n", 1.0),
            ("I cannot do that.", 0.0),
            ("", 0.0),
            ("a: 1\na: 2\n", 0.0),
            ("a: b: c", 0.0),
            ("a:\n\tb: 1", 0.0),
            ("a: *nowhere", 0.0),
            ("[1, 2", 0.0),
            ("a: 1\n---\nb: 2\n", 0.0),
        ],
    );
    check_alone(
        &json!({"yaml_valid": {"scalar": true}}),
        &[("just a line", 1.0), ("a: b: c", 0.0)],
    );
    check_alone(&json!({"yaml_valid": {"fence": true}}), &[("So:\n```yaml\na: 1\n```\n", 1.0)]);
}

#[test]
fn xml_valid() {
    check_alone(
        &json!({"xml_valid": {}}),
        &[
            ("<a b='1'>x &amp; &#65;</a>", 1.0),
            (" <?xml version='1.0'?>\n<a/>\n", 1.0),
            ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", 1.0),
            ("<p:a xmlns:p='u'/>", 1.0),
            ("<a><![CDATA[<]]></a>", 1.0),
            ("<a></b>", 0.0),
            ("<a/><b/>", 0.0),
            ("text", 0.0),
            ("", 0.0),
            ("<a>&nbsp;</a>", 0.0),
            ("<a b=1/>", 0.0),
            ("<a b='1' b='2'/>", 0.0),
            ("<p:a/>", 0.0),
            ("<a>\u{1}</a>", 0.0),
            ("<a>", 0.0),
        ],
    );
    check_alone(
        &json!({"xml_valid": {"root": "feed", "fence": true}}),
        &[("```xml\n<feed/>\n```", 1.0), ("<x:feed xmlns:x='u'/>", 1.0), ("<food/>", 0.0)],
    );
}

#[test]
fn contains_code() {
    check_alone(
        &json!({"contains_code": {}}),
        &[("```\nx\n```", 1.0), ("```\n\n```", 0.0), ("```\nx", 0.0), ("`x`", 0.0), ("none", 0.0)],
    );
    let python = json!({"contains_code": {"languages": ["Python", "py"]}});
    check_alone(
        &python,
        &[
            ("```py\nx\n```", 1.0),
            ("~~~ PYTHON title\nx\n~~~", 1.0),
            ("```\nx\n```", 0.0),
            ("```js\nx\n```", 0.0),
        ],
    );
    check_alone(&json!({"contains_code": {"inline": true}}), &[("use `x`", 1.0), ("a ` b", 0.0)]);
    let both = json!({"contains_code": {"languages": ["py"], "inline": true}});
    assert_eq!(complaint(&both).pointer, "/contains_code/inline");
}
