//! Numbers that a float would change, and values that cannot be used.

use serde_json::json;

use super::{marks::is_same_number, *};

fn fields(values: &Value, numbers: &[(&str, &str)]) -> Fields {
    let mut marks = Marks::default();
    for (pointer, text) in numbers {
        marks.number(*pointer, *text);
    }
    Fields::new(values.as_object().cloned().unwrap_or_default(), marks)
}

fn texts(fields: &Fields, name: &str) -> Result<Vec<String>, String> {
    let cells = fields.find(name).map_err(|error| error.to_string())?;
    let text = |cell: &Cell<'_>| Ok(cell.text()?.map_or_else(String::new, Cow::into_owned));
    cells.iter().map(text).collect()
}

#[test]
fn a_name_is_a_column_or_leads_below_one() {
    let row = json!({
        "a.b": 1, "a": {"b": 2, "c": {"d": "x"}}, "l": [{"t": "p"}, {"t": "q"}], "n": null,
    });
    let row = fields(&row, &[]);
    let check = |name, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(texts(&row, name), Ok(expected), "{name}");
    };
    check("a.b", &["1"]);
    check("a.c.d", &["x"]);
    check("l.t", &["p", "q"]);
    check("l.1.t", &["q"]);
    check("n.x.y", &[""]);
    check("a.c", &["{\"d\":\"x\"}"]);
    let missing = |name| texts(&row, name).expect_err(name);
    assert_eq!(missing("a.x"), "has no column `x`; it has: b, c");
    assert!(missing("z").starts_with("has no column `z`; it has: a.b, a, l, n"));
    assert!(missing("l.2.t").contains("`2.t`"));
}

#[test]
fn numbers_keep_their_digits_at_any_depth() {
    let row = json!({"p": 1.1, "o": {"n": [1e20, 2]}});
    let row = fields(&row, &[("/p", "1.10"), ("/o/n/0", "98765432109876543210")]);
    assert_eq!(texts(&row, "p"), Ok(vec!["1.10".to_owned()]));
    assert_eq!(texts(&row, "o"), Ok(vec!["{\"n\":[98765432109876543210,2]}".to_owned()]));
    assert_eq!(texts(&row, "o.n.0"), Ok(vec!["98765432109876543210".to_owned()]));
    let json = serde_json::to_string(&row).expect("JSON");
    assert_eq!(json, "{\"p\":1.10,\"o\":{\"n\":[98765432109876543210,2]}}");
}

#[test]
fn what_cannot_be_used_says_so_only_where_it_is_used() {
    let mut marks = Marks::default();
    marks.unusable("/o/x", "is NaN", "NaN");
    let values = json!({"o": {"x": null, "y": 1}, "ok": 1});
    let row = Fields::new(values.as_object().cloned().unwrap_or_default(), marks);
    assert_eq!(texts(&row, "ok"), Ok(vec!["1".to_owned()]));
    assert_eq!(texts(&row, "o.y"), Ok(vec!["1".to_owned()]));
    assert_eq!(texts(&row, "o"), Err("`o.x` is NaN".to_owned()));
    let written = |name: &str| {
        let cells = row.find(name).expect(name);
        cells[0].text_as_written().map(std::borrow::Cow::into_owned)
    };
    assert_eq!(written("o.x").as_deref(), Some("NaN"));
    assert_eq!(written("o").as_deref(), Some("{\"x\":null,\"y\":1}"));
    assert_eq!(written("ok").as_deref(), Some("1"));
}

#[test]
fn the_same_number_is_the_same_however_it_is_written() {
    for (one, other) in [
        ("1.10", "1.1"),
        ("1e3", "1000.0"),
        ("-0", "-0.0"),
        ("0.00001", "1e-5"),
        ("100000000000000000000", "1e20"),
        ("12E+2", "1200.0"),
    ] {
        assert!(is_same_number(one, other), "{one} {other}");
    }
    for (one, other) in [
        ("98765432109876543211", "9.876543210987655e19"),
        ("0.12345678901234567890", "0.12345678901234568"),
        ("-1.5", "1.5"),
    ] {
        assert!(!is_same_number(one, other), "{one} {other}");
    }
}
