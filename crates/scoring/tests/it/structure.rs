//! Structure: JSON, YAML, XML, SQL, code and tool calls, in tables and laws, and answers that were made to
//! hurt.

use evalmark_core::score::Score;
use evalmark_scoring::Subject;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{check, check_all, complaint, metric, score};

/// An answer without a target, and its value.
#[track_caller]
fn check_alone(entry: &Value, rows: &[(&str, f64)]) {
    for (answer, expected) in rows {
        check(entry, answer, &[], Some(*expected));
    }
}

#[track_caller]
fn check_reason(entry: &Value, answer: &str, target: &str, says: &str) {
    let reason = score(entry, answer, &[target]).reason.unwrap_or_default();
    assert!(reason.contains(says), "{entry} of {answer:?}: {reason:?} lacks {says:?}");
}

#[test]
fn json_valid() {
    check_alone(
        &json!({"json_valid": {}}),
        &[
            ("{}", 1.0),
            (" [1, 2.5e-7, \"\\u00e9\", null, true]\n", 1.0),
            ("7", 1.0),
            ("1e999", 1.0),
            ("\"\\ud800\"", 1.0),
            ("{\"a\": 1, \"a\": 2}", 1.0),
            ("", 0.0),
            ("{'a': 1}", 0.0),
            ("{\"a\": 1,}", 0.0),
            ("[1 2]", 0.0),
            ("NaN", 0.0),
            ("01", 0.0),
            ("{} {}", 0.0),
            ("// c\n{}", 0.0),
            ("\u{feff}{}", 0.0),
            ("```json\n{}\n```", 0.0),
        ],
    );
    check_alone(
        &json!({"json_valid": {"fence": true}}),
        &[
            ("```json\n{}\n```", 1.0),
            ("Here it is:\n```\n{}\n```\nAnything else?", 1.0),
            ("{}", 1.0),
            ("```\n{}\n```\n```\n{}\n```", 0.0),
            ("```json {} ```", 1.0),
            ("```json\n{}\n", 1.0),
            ("```json\n{\n", 0.0),
            ("```ts\nf()\n```\n```json\n{}\n```", 1.0),
            ("```\n{\n```", 0.0),
            ("Here: {}", 0.0),
        ],
    );
}

#[test]
fn json_schema() {
    let entry = json!({"json_schema": {"schema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z]+$"},
            "age": {"$ref": "#/$defs/age"},
        },
        "required": ["name"],
        "unevaluatedProperties": false,
        "$defs": {"age": {"type": "integer", "minimum": 0}},
    }}});
    check_alone(
        &entry,
        &[
            (r#"{"name": "ann", "age": 3}"#, 1.0),
            (r#"{"name": "ann", "age": 3.0}"#, 1.0),
            (r#"{"name": "ann", "age": 3.5}"#, 0.0),
            (r#"{"name": "Ann"}"#, 0.0),
            (r#"{"age": 3}"#, 0.0),
            (r#"{"name": "ann", "more": 1}"#, 0.0),
            ("[]", 0.0),
        ],
    );
    check_reason(&entry, r#"{"name": "ann", "age": -1}"#, "", "`/age`: ");
    assert!(score(&entry, "no JSON", &[]).invalid);
    let formats =
        |formats: bool| json!({"json_schema": {"schema": {"format": "date"}, "formats": formats}});
    check(&formats(false), "\"soon\"", &[], Some(1.0));
    check(&formats(true), "\"soon\"", &[], Some(0.0));
    check(&formats(true), "\"2024-02-29\"", &[], Some(1.0));
}

#[test]
fn a_schema_that_is_none_is_a_mistake_of_the_suite() {
    for (schema, pointer) in [
        (json!({"type": "strnig"}), "/json_schema/schema/type"),
        (
            json!({"properties": {"a": {"minimum": "0"}}}),
            "/json_schema/schema/properties/a/minimum",
        ),
        (json!({"pattern": "("}), "/json_schema/schema/pattern"),
        (json!({"pattern": "(?=a)b"}), "/json_schema/schema"),
        (json!({"$ref": "https://example.com/s.json"}), "/json_schema/schema"),
        (json!({"$ref": "file:///etc/hosts"}), "/json_schema/schema"),
        (json!({"$ref": "other.json"}), "/json_schema/schema"),
    ] {
        let complaint = complaint(&json!({"json_schema": {"schema": schema}}));
        assert!(complaint.pointer.starts_with(pointer), "{schema}: {complaint:?}");
        assert!(complaint.message.starts_with("the schema is not valid"), "{complaint:?}");
    }
    assert_eq!(complaint(&json!({"json_schema": {}})).pointer, "/json_schema");
    let both = json!({"json_schema": {"schema": true, "column": "s"}});
    assert_eq!(complaint(&both).pointer, "/json_schema");
}

#[test]
fn a_schema_may_be_the_items_own() {
    let metric = metric(&json!({"json_schema": {"column": "schema"}}));
    let score = |schema: Value| -> Score {
        let fields: Map<String, Value> = [("schema".to_owned(), schema)].into_iter().collect();
        let fields = evalmark_core::fields::Fields::from(fields);
        metric.score(Subject { fields: &fields, ..Subject::of_texts("7", &[]) })
    };
    assert_eq!(score(json!({"type": "integer"})).value, Some(1.0));
    assert_eq!(score(json!(r#"{"type": "string"}"#)).value, Some(0.0));
    for missing in [json!("{"), json!(r#"{"type": 1}"#), Value::Null] {
        assert_eq!(score(missing).value, None);
    }
    assert_eq!(metric.score(Subject::of_texts("7", &[])).value, None);
}

#[test]
fn json_equal() {
    check_all(
        &json!({"json_equal": {}}),
        &[
            (r#"{"a": 1, "b": [1, 2]}"#, r#"{"b": [1, 2], "a": 1.0}"#, 1.0),
            ("1e3", "1000", 1.0),
            ("-0.0", "0", 1.0),
            ("9007199254740993", "9007199254740992.0", 0.0),
            ("18446744073709551615", "18446744073709551614", 0.0),
            ("\"e\\u0301\"", "\"é\"", 0.0),
            ("[1, 2]", "[2, 1]", 0.0),
            ("[1]", "[1, 1]", 0.0),
            ("null", "false", 0.0),
            ("\"1\"", "1", 0.0),
            ("{}", "[]", 0.0),
        ],
    );
    check(&json!({"json_equal": {}}), "1", &["2", "1", "no JSON"], Some(1.0));
    check(&json!({"json_equal": {}}), "1", &["no JSON"], None);
    check(&json!({"json_equal": {}}), "1", &[], None);
    assert!(score(&json!({"json_equal": {}}), "{", &["{}"]).invalid);
    check(&json!({"json_equal": {"fence": true}}), "So:\n```json\n1\n```", &["1"], Some(1.0));
}

#[test]
fn json_equal_within_tolerance_in_any_order_and_without_what_is_ignored() {
    check_all(
        &json!({"json_equal": {"unordered": true}}),
        &[
            ("[1, [2, 3]]", "[[3, 2], 1]", 1.0),
            ("[1, 1, 2]", "[1, 2, 2]", 0.0),
            (r#"[{"a": [1, 2]}, {"a": []}]"#, r#"[{"a": []}, {"a": [2, 1]}]"#, 1.0),
        ],
    );
    let loose = json!({"json_equal": {"unordered": true, "abs": 0.15}});
    check_all(
        &loose,
        &[
            ("[1.0, 1.1]", "[1.2, 1.0]", 1.0),
            ("[1.1, 1.0]", "[1.0, 1.2]", 1.0),
            ("[1, 1]", "[1, 1.2]", 0.0),
        ],
    );
    check_all(&json!({"json_equal": {"rel": 0.01}}), &[("101", "100", 1.0), ("102", "100", 0.0)]);
    let ignore =
        json!({"json_equal": {"ignore": ["$.id", "$.items[*].at", "$.list[0, 2]", "$..x"]}});
    check_all(
        &ignore,
        &[
            (r#"{"id": 1, "v": 2}"#, r#"{"v": 2}"#, 1.0),
            (r#"{"items": [{"at": 1, "v": 2}]}"#, r#"{"items": [{"v": 2}]}"#, 1.0),
            (r#"{"items": [{"v": 1}]}"#, r#"{"items": [{"v": 2}]}"#, 0.0),
            (r#"{"list": [9, 1, 8, 3]}"#, r#"{"list": [0, 1, 0, 3]}"#, 1.0),
            (r#"{"a": {"x": {"x": 1}}, "x": 1}"#, r#"{"a": {}}"#, 1.0),
        ],
    );
    assert_eq!(
        complaint(&json!({"json_equal": {"ignore": ["id"]}})).pointer,
        "/json_equal/ignore/0"
    );
    assert_eq!(complaint(&json!({"json_equal": {"abs": -1}})).pointer, "/json_equal/abs");
}

/// No number passes through a float.
#[test]
fn long_numbers_are_compared_digit_by_digit() {
    let (long, other) = ("98765432109876543210", "98765432109876543211");
    let rows = [
        (long, other, 0.0),
        (long, long, 1.0),
        ("98765432109876543210.0", long, 1.0),
        ("9876543210987654321e1", long, 1.0),
        ("0.1000000000000000000001", "0.1", 0.0),
        ("0.10000000000000000000000", "0.1", 1.0),
        ("-98765432109876543210", long, 0.0),
        ("1e400", "1e400", 1.0),
        ("1e400", "1e401", 0.0),
        ("1e-400", "0", 0.0),
        ("1e2", "100", 1.0),
        ("\"98765432109876543210\"", long, 0.0),
    ];
    for (found, target, expected) in rows {
        let object = |number: &str| format!("{{\"a\": {number}}}");
        let (answer, wanted) = (object(found), object(target));
        check(&json!({"json_equal": {}}), &answer, &[&wanted], Some(expected));
        check(&json!({"json_fields": {}}), &answer, &[&wanted], Some(expected));
        let call = |arguments: &str| format!("{{\"name\": \"f\", \"arguments\": {arguments}}}");
        check(&json!({"tool_call": {}}), &call(&answer), &[&call(&wanted)], Some(expected));
        let quoted = call(&json!(answer).to_string());
        check(&json!({"tool_call": {}}), &quoted, &[&call(&wanted)], Some(expected));
        let fields: Map<String, Value> =
            [("s".to_owned(), json!(format!("{{\"const\": {wanted}}}")))].into_iter().collect();
        let schema = metric(&json!({"json_schema": {"column": "s"}}));
        let fields = evalmark_core::fields::Fields::from(fields);
        let subject = Subject { fields: &fields, ..Subject::of_texts(&answer, &[]) };
        assert_eq!(schema.score(subject).value, Some(expected), "{answer} {wanted}");
    }
    check(&json!({"json_equal": {"abs": 1}}), long, &[other], Some(1.0));
    check_reason(
        &json!({"json_equal": {}}),
        long,
        other,
        "is 98765432109876543210, not 98765432109876543211",
    );
    let number = json!({"json_fields": {"fields": [{"name": "a", "compare": "number"}]}});
    check(
        &number,
        "{\"a\": \"98765432109876543210\"}",
        &["{\"a\": 98765432109876543210}"],
        Some(1.0),
    );
    check(&number, "{\"a\": 98765432109876543211}", &["{\"a\": 98765432109876543210}"], Some(0.0));
    let extract = json!({"exact": {}, "extract": {"json": "$.a"}});
    check(&extract, "{\"a\": 98765432109876543210}", &[long], Some(1.0));
    check(
        &extract,
        "{\"a\": [98765432109876543210, \"x\"]}",
        &["[98765432109876543210,\"x\"]"],
        Some(1.0),
    );
    let types = json!({"json_schema": {"schema": {"type": "integer", "minimum": 5}}});
    check(&types, long, &[], Some(1.0));
    let rounded = json!({"json_schema": {"schema": {"properties": {"a": {"const": 9.876_543_210_987_654e19}}}}});
    assert_eq!(complaint(&rounded).pointer, "/json_schema/schema/properties/a/const");
}

#[test]
fn json_equal_says_what_differs_first() {
    let entry = json!({"json_equal": {}});
    for (answer, target, says) in [
        (r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": [1, 3]}}"#, "`$.a.b[1]` is 2, not 3"),
        (r#"{"a": 1}"#, r#"{"a": 1, "b c": 2}"#, "`$[\"b c\"]` is missing"),
        (r#"{"a": 1, "b": 2}"#, r#"{"a": 1}"#, "`$.b` is not in the target"),
        ("[1, 2]", "[1]", "`$` has 2 elements, not 1"),
        ("{}", "\"x\"", "`$` is an object, not \"x\""),
    ] {
        check_reason(&entry, answer, target, says);
    }
}

#[test]
fn json_fields() {
    let entry = json!({"json_fields": {"fields": [
        {"name": "vendor", "normalize": ["casefold", "trim"]},
        {"name": "total", "compare": "number", "abs": 0.01},
        {"name": "city", "compare": "fuzzy", "threshold": 0.8},
        {"name": "$.lines[*].sku"},
    ]}});
    let target = r#"{"vendor": "ACME", "total": 12.5, "city": "Springfield", "lines": [{"sku": "a"}, {"sku": "b"}], "note": "x"}"#;
    for (answer, expected) in [
        (
            r#"{"vendor": "acme ", "total": "$12.50", "city": "Springfeld", "lines": [{"sku": "b"}, {"sku": "a"}]}"#,
            1.0,
        ),
        (
            r#"{"vendor": "acme", "total": 13, "city": "Springfield", "lines": [{"sku": "a"}]}"#,
            2.0 * 3.0 / 9.0,
        ),
        (r#"{"vendor": null, "lines": []}"#, 0.0),
        (r#"{"vendor": ["acme", "other"]}"#, 2.0 / 7.0),
    ] {
        check(&entry, answer, &[target], Some(expected));
    }
    check_reason(
        &entry,
        r#"{"vendor": "acme", "total": 13}"#,
        target,
        "wrong: total, city, $.lines[*].sku",
    );
    assert!(score(&entry, "[]", &[target]).invalid && score(&entry, "x", &[target]).invalid);
    check(&entry, "{}", &["x"], None);
}

#[test]
fn json_fields_of_all_keys_and_its_three_scores() {
    let of = |share: &str| json!({"json_fields": {"score": share}});
    let (answer, target) = (r#"{"a": 1, "b": "x", "c": 3}"#, r#"{"a": 1.0, "b": "y"}"#);
    check(&of("f1"), answer, &[target], Some(0.4));
    check(&of("precision"), answer, &[target], Some(1.0 / 3.0));
    check(&of("recall"), answer, &[target], Some(0.5));
    for share in ["f1", "precision", "recall"] {
        check(&of(share), "{}", &["{}"], Some(1.0));
        check(&of(share), "{}", &[r#"{"a": 1}"#], Some(0.0));
        check(&of(share), r#"{"a": 1}"#, &["{}"], Some(0.0));
    }
    for (fields, pointer) in [
        (json!([{"name": "$["}]), "/json_fields/fields/0/name"),
        (json!([{"name": "a"}, {"name": "b", "rel": -1}]), "/json_fields/fields/1/rel"),
        (json!([{"name": "a", "threshold": 2}]), "/json_fields/fields/0/threshold"),
    ] {
        assert_eq!(complaint(&json!({"json_fields": {"fields": fields}})).pointer, pointer);
    }
}

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
fn sql_valid() {
    check_alone(
        &json!({"sql_valid": {}}),
        &[
            ("SELECT a, count(*) FROM t WHERE b = 'x' GROUP BY a HAVING count(*) > 1", 1.0),
            ("WITH c AS (SELECT 1) SELECT * FROM c; DELETE FROM t;", 1.0),
            ("SELEC a FROM t", 0.0),
            ("SELECT FROM WHERE x =", 0.0),
            ("SELECT 'open", 0.0),
            ("The query is SELECT 1", 0.0),
            ("", 0.0),
            ("-- nothing", 0.0),
        ],
    );
    check_alone(
        &json!({"sql_valid": {"single": true}}),
        &[("SELECT 1;", 1.0), ("SELECT 1; SELECT 2", 0.0)],
    );
    check_alone(&json!({"sql_valid": {"fence": true}}), &[("Try:\n```sql\nSELECT 1\n```", 1.0)]);
    check_alone(&json!({"sql_valid": {"dialect": "mssql"}}), &[("SELECT TOP 1 [a b] FROM t", 1.0)]);
    check_alone(&json!({"sql_valid": {"dialect": "ansi"}}), &[("SELECT [a b] FROM t", 0.0)]);
    let word = complaint(&json!({"sql_valid": {"dialect": "db3"}})).message;
    assert!(word.contains("postgres") && word.contains("sqlite"), "{word}");
}

/// What SQLite 3.40 takes, or what later versions take.
const SQLITE: &[&str] = &[
    "SELECT a FROM t WHERE b IS 'x'",
    "SELECT a FROM t WHERE b IS NOT 5",
    "SELECT a FROM t WHERE a IS NOT DISTINCT FROM b",
    "SELECT a FROM t WHERE b GLOB 'x*'",
    "SELECT a FROM t WHERE b NOT GLOB 'x*'",
    "SELECT a FROM t WHERE b LIKE 'x!%' ESCAPE '!'",
    "SELECT a FROM t WHERE b REGEXP 'x'",
    "SELECT a FROM t WHERE b MATCH 'x'",
    "PRAGMA table_info(t)",
    "PRAGMA main.table_info('t')",
    "PRAGMA foreign_keys = ON",
    "PRAGMA user_version",
    "PRAGMA cache_size = -2000",
    "SELECT a FROM t WHERE a ISNULL",
    "SELECT a FROM t WHERE a NOTNULL",
    "SELECT a FROM t WHERE a NOT NULL",
    r#"SELECT [a], "b", `c` FROM [t]"#,
    "SELECT a FROM t WHERE a == 1 AND b <> 2 AND c != 3",
    "INSERT OR REPLACE INTO t(a) VALUES (1)",
    "INSERT OR IGNORE INTO t DEFAULT VALUES",
    "REPLACE INTO t(a, b) VALUES (1, 2), (3, 4)",
    "INSERT INTO t(a) VALUES (1) ON CONFLICT(a) DO UPDATE SET b = excluded.b WHERE t.b < 3",
    "INSERT INTO t(a) VALUES (1) ON CONFLICT DO NOTHING",
    "INSERT INTO t(a) SELECT a FROM u WHERE true ON CONFLICT(a) DO NOTHING RETURNING *",
    "CREATE TABLE x1(a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT NOT NULL DEFAULT (1+2)) STRICT",
    "CREATE TABLE x2(a PRIMARY KEY, b) WITHOUT ROWID",
    "CREATE TABLE x3(a INT, b INT GENERATED ALWAYS AS (a*2) STORED, c AS (a+1) VIRTUAL)",
    "CREATE TABLE IF NOT EXISTS x4(a, b, UNIQUE(a, b) ON CONFLICT REPLACE, CHECK(a > 0), FOREIGN KEY(a) REFERENCES t(a) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TEMP TABLE x5 AS SELECT * FROM t",
    "CREATE VIRTUAL TABLE x6 USING fts5(title, body, tokenize = 'porter ascii')",
    "CREATE VIRTUAL TABLE x7 USING rtree(id, minX, maxX)",
    "CREATE UNIQUE INDEX i1 ON t(a COLLATE NOCASE DESC) WHERE b > 1",
    "CREATE INDEX i2 ON t(lower(b))",
    "CREATE VIEW v1(x, y) AS SELECT a, b FROM t",
    "CREATE TRIGGER g1 AFTER UPDATE OF a ON t FOR EACH ROW WHEN new.a > 1 BEGIN UPDATE t SET b = 1 WHERE a = new.a; SELECT RAISE(ABORT, 'no'); END",
    "SELECT json_extract(b, '$.x'), b -> '$.x', b ->> 'y' FROM t",
    "ATTACH DATABASE ':memory:' AS aux1",
    "DETACH DATABASE aux9",
    "EXPLAIN QUERY PLAN SELECT * FROM t",
    "EXPLAIN SELECT 1",
    "VACUUM",
    "VACUUM INTO '/tmp/evalmark-none.db'",
    "SELECT a, row_number() OVER (PARTITION BY b ORDER BY a DESC) FROM t",
    "SELECT sum(a) FILTER (WHERE b > 1) OVER w FROM t WINDOW w AS (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES)",
    "SELECT a, lag(a, 1, 0) OVER (ORDER BY b GROUPS UNBOUNDED PRECEDING) FROM t",
    "SELECT * FROM t LIMIT 5, 10",
    "SELECT * FROM t LIMIT 10 OFFSET 5",
    "SELECT * FROM t ORDER BY a DESC NULLS LAST, b COLLATE NOCASE",
    "DELETE FROM t WHERE a = 1 RETURNING a, b AS c",
    "UPDATE OR IGNORE t SET (a, b) = (1, 2) FROM u WHERE t.a = u.a",
    "UPDATE t SET a = a + 1 RETURNING *",
    "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x < 5) SELECT x FROM c",
    "WITH c AS MATERIALIZED (SELECT 1 AS q) SELECT * FROM c",
    "WITH c AS NOT MATERIALIZED (SELECT 1 AS q) SELECT * FROM c",
    "VALUES (1, 2), (3, 4)",
    "SELECT a FROM t INDEXED BY i0 WHERE a = 1",
    "SELECT a FROM t NOT INDEXED",
    "SELECT * FROM t NATURAL LEFT OUTER JOIN u",
    "SELECT * FROM t FULL JOIN u USING(a)",
    "SELECT * FROM t CROSS JOIN u ON t.a = u.a",
    "SELECT * FROM t, json_each(t.b) AS j",
    "SELECT CASE a WHEN 1 THEN 'x' ELSE 'y' END FROM t",
    "SELECT CAST(a AS REAL), typeof(a), x'0aFF', 0x1F, 1e3, .5 FROM t",
    "SELECT ?, ?1, :a, @b, $c",
    "SELECT a || b || 'it''s' FROM t",
    "SELECT a FROM t WHERE (a, b) IN (SELECT a, b FROM u)",
    "SELECT a FROM t WHERE a IN ()",
    "SELECT a FROM t WHERE a IN u",
    "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u)",
    "SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT a FROM t EXCEPT SELECT 1",
    r#"SELECT DISTINCT t.*, u.a AS "the a" FROM main.t AS t JOIN u"#,
    "SELECT group_concat(a, ',' ORDER BY b) FROM t",
    "SELECT count(DISTINCT a) FROM t GROUP BY b HAVING count(*) > 1",
    "SELECT iif(a > 1, 'x', 'y'), a << 2, a >> 1, ~a, a & 1, a | 2, a % 3 FROM t",
    "SELECT date('now', '-1 day'), strftime('%Y', 'now')",
    "BEGIN IMMEDIATE TRANSACTION",
    "COMMIT",
    "SAVEPOINT s1",
    "ROLLBACK TO s1",
    "RELEASE SAVEPOINT s1",
    "ALTER TABLE t RENAME COLUMN a TO z",
    "ALTER TABLE t ADD COLUMN zz TEXT DEFAULT 'x'",
    "ALTER TABLE t DROP COLUMN c",
    "ALTER TABLE t RENAME TO t2",
    "DROP TABLE IF EXISTS none_such",
    "DROP INDEX IF EXISTS none_such",
    "REINDEX",
    "ANALYZE",
    "ANALYZE main",
    "SELECT a /* c */ FROM t -- end",
    r#"SELECT 1 AS [group], 2 "order""#,
    "SELECT a FROM t WHERE a BETWEEN 1 AND 2 AND NOT b",
    "SELECT a FROM t WHERE b COLLATE NOCASE = 'X'",
    "SELECT current_timestamp, CURRENT_DATE",
    "SELECT * FROM (SELECT a FROM t) WHERE a > (SELECT max(a) FROM u)",
    "SELECT 1 WHERE 1",
    "SELECT max(a, b), min(1) FROM t",
    "SELECT a FROM t WHERE a IS TRUE",
    "SELECT 5 % 2 == 1",
];

/// What SQLite calls a syntax error.
const NO_SQLITE: &[&str] = &[
    "SELEC a FROM t",
    "SELECT a FROM",
    "SELECT FROM t",
    "SELECT a b c FROM t",
    "SELECT TOP 5 a FROM t",
    "SELECT a FROM t LIMIT",
    "SELECT a FROM t WHERE",
    "SELECT a FROM t GROUP BY",
    "SELECT 'open",
    "SELECT a FROM t WHERE b ILIKE 'x'",
    "SELECT a::int FROM t",
    "INSERT INTO t VALUES",
    "DELETE t WHERE a = 1",
    "CREATE TABLE z1(a INT AUTO_INCREMENT PRIMARY KEY, b ENUM('a')",
    "SHOW TABLES",
    "DESCRIBE t",
    "USE db",
    "SELECT DATE_ADD(a, INTERVAL 1 DAY) FROM t",
    "SELECT EXTRACT(YEAR FROM a) FROM t",
    "SELECT a FROM t QUALIFY row_number() OVER () = 1",
    "TRUNCATE TABLE t",
    "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
    "SELECT a FROM t FETCH FIRST 5 ROWS ONLY",
    "SELECT a FROM t FOR UPDATE",
    "SELECT a FROM t ORDER a",
    "UPDATE t a = 1",
    "SELECT (1",
    "SELECT 1)",
    "The query is SELECT 1",
    "SELECT a,, b FROM t",
    "SELECT a FROM t WHERE a = = 1",
    "CREATE TABLE",
    "SELECT a FROM t AS OF x",
    "SELECT a FROM t JOIN",
    "GRANT ALL ON t TO x",
];

#[test]
fn sqlite_reads_its_own_sql() {
    let sqlite = json!({"sql_valid": {"dialect": "sqlite"}});
    for text in SQLITE {
        check(&sqlite, text, &[], Some(1.0));
        check(&sqlite, &format!("{text} ;\n"), &[], Some(1.0));
    }
    for text in NO_SQLITE {
        check(&sqlite, text, &[], Some(0.0));
    }
    check_alone(&sqlite, &[("", 0.0), ("-- nothing", 0.0), ("SELECT 1; SELECT 2", 1.0)]);
    let single = json!({"sql_valid": {"dialect": "sqlite", "single": true}});
    check_alone(&single, &[("SELECT 1;", 1.0), ("SELECT 1; SELECT 2", 0.0)]);
    check(&sqlite, &"SELECT 1;".repeat(30_000), &[], None);
}

/// Where the parser is known to lack something, it cannot tell.
#[test]
fn gaps_of_a_parser_are_no_mistakes_of_an_answer() {
    for (dialect, texts) in [
        (
            "mysql",
            [
                "SELECT a, b FROM t GROUP BY a WITH ROLLUP",
                "OPTIMIZE TABLE t",
                "SELECT a FROM t LOCK IN SHARE MODE",
                "UPDATE t, u SET t.a = u.a WHERE t.b = u.b",
                "CREATE FULLTEXT INDEX i ON t(a)",
                "SELECT a MOD 2 FROM t",
            ],
        ),
        (
            "postgres",
            [
                "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
                "DO $$ BEGIN RAISE NOTICE 'x'; END $$",
                "VACUUM (FULL, ANALYZE) t",
                "INSERT INTO t(a) VALUES (1) ON CONFLICT (a) WHERE b > 1 DO NOTHING",
                "SELECT a IS JSON FROM t",
                "CREATE UNLOGGED TABLE t(a int)",
            ],
        ),
    ] {
        let entry = json!({"sql_valid": {"dialect": dialect}});
        for text in texts {
            let found = score(&entry, text, &[]);
            assert_eq!(found.value, None, "{dialect}: {text}");
            assert!(found.reason.is_some_and(|reason| reason.contains("does not know")), "{text}");
        }
        check(&entry, "SELEC a FROM t", &[], Some(0.0));
        check(&entry, "SELECT a FROM t WHERE", &[], Some(0.0));
    }
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

const WEATHER: &str = r#"[{"name": "weather", "arguments": {"city": "Oslo", "days": 3}}]"#;

#[test]
fn a_tool_call_counts_in_any_form() {
    check_all(
        &json!({"tool_call": {}}),
        &[
            (r#"{"name": "weather", "arguments": {"days": 3, "city": "Oslo"}}"#, WEATHER, 1.0),
            (
                r#"{"name": "weather", "arguments": "{\"days\": 3.0, \"city\": \"Oslo\"}"}"#,
                WEATHER,
                1.0,
            ),
            (
                r#"[{"id": "x", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\",\"days\":3}"}}]"#,
                WEATHER,
                1.0,
            ),
            (
                r#"{"content": null, "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Oslo", "days": 3}}}]}"#,
                WEATHER,
                1.0,
            ),
            (
                r#"{"type": "tool_use", "name": "weather", "input": {"city": "Oslo", "days": 3}}"#,
                WEATHER,
                1.0,
            ),
            (r#"{"name": "weather", "arguments": {"city": "Bergen", "days": 3}}"#, WEATHER, 0.0),
            (r#"{"name": "forecast", "arguments": {"city": "Oslo", "days": 3}}"#, WEATHER, 0.0),
            ("It is sunny in Oslo.", WEATHER, 0.0),
            ("[]", WEATHER, 0.0),
            ("It is sunny in Oslo.", "[]", 1.0),
            ("[]", "[]", 1.0),
            (r#"{"tool_calls": null}"#, "[]", 1.0),
            (WEATHER, "[]", 0.0),
            (r#"{"name": "now"}"#, r#"{"name": "now", "arguments": "{}"}"#, 1.0),
        ],
    );
    check(&json!({"tool_call": {}}), WEATHER, &["Oslo"], None);
    check(&json!({"tool_call": {}}), WEATHER, &[r#"{"city": "Oslo"}"#], None);
    assert!(
        score(&json!({"tool_call": {}}), r#"{"name": "f", "arguments": "{"}"#, &[WEATHER]).invalid
    );
    check(
        &json!({"tool_call": {"fence": true}}),
        &format!("```json\n{WEATHER}\n```"),
        &[WEATHER],
        Some(1.0),
    );
}

#[test]
fn order_extra_calls_and_arguments_of_tool_calls() {
    let calls = |calls: &[(&str, i32)]| {
        let calls = calls.iter().map(|(name, x)| json!({"name": name, "arguments": {"x": x}}));
        Value::Array(calls.collect()).to_string()
    };
    let (ab, ba) = (calls(&[("a", 1), ("b", 2)]), calls(&[("b", 2), ("a", 1)]));
    let more = calls(&[("a", 1), ("c", 3), ("b", 2)]);
    let twice = calls(&[("a", 1), ("a", 1), ("b", 2)]);
    for (params, answer, expected) in [
        (json!({}), &ba, 1.0),
        (json!({"ordered": true}), &ba, 0.0),
        (json!({"ordered": true}), &ab, 1.0),
        (json!({}), &more, 0.0),
        (json!({}), &twice, 0.0),
        (json!({"extra": true}), &more, 1.0),
        (json!({"extra": true, "ordered": true}), &more, 1.0),
        (json!({"arguments": "ignore"}), &calls(&[("b", 0), ("a", 0)]), 1.0),
        (json!({"abs": 1}), &calls(&[("b", 3), ("a", 0)]), 1.0),
        (json!({"rel": 0.5}), &calls(&[("b", 3), ("a", 0)]), 0.0),
    ] {
        check(&json!({"tool_call": params}), answer, &[&ab], Some(expected));
    }
    let subset = json!({"tool_call": {"arguments": "subset"}});
    let rich = r#"{"name": "a", "arguments": {"x": {"y": 1, "z": 2}, "w": 3}}"#;
    check(&subset, rich, &[r#"{"name": "a", "arguments": {"x": {"y": 1}}}"#], Some(1.0));
    check(&subset, r#"{"name": "a", "arguments": {"w": 3}}"#, &[rich], Some(0.0));
}

const BOOK: &str = r#"[{"name": "book", "arguments": {"day": "Mon"}}]"#;

#[test]
fn bounds_of_a_schema_compare_long_numbers_exactly() {
    let long = |digit: u8| format!("9876543210987654321{digit}");
    for (bound, digit, expected) in [
        ("maximum", 0, 1.0),
        ("maximum", 1, 1.0),
        ("maximum", 2, 0.0),
        ("minimum", 0, 0.0),
        ("minimum", 1, 1.0),
        ("minimum", 2, 1.0),
        ("exclusiveMaximum", 0, 1.0),
        ("exclusiveMaximum", 1, 0.0),
        ("exclusiveMinimum", 2, 1.0),
        ("exclusiveMinimum", 1, 0.0),
    ] {
        let schema = json!(format!("{{\"{bound}\": {}}}", long(1)));
        let fields =
            evalmark_core::fields::Fields::from(Map::from_iter([("s".to_owned(), schema)]));
        let answer = long(digit);
        let subject = Subject { fields: &fields, ..Subject::of_texts(&answer, &[]) };
        let found = metric(&json!({"json_schema": {"column": "s"}})).score(subject).value;
        assert_eq!(found, Some(expected), "{bound} {digit}");
    }
    let rounded = json!({"json_schema": {"schema": {"maximum": 98_765_432_109_876_543_210_f64}}});
    assert_eq!(complaint(&rounded).pointer, "/json_schema/schema/maximum");
    check(&json!({"json_schema": {"schema": {"maximum": 1e20}}}), "5", &[], Some(1.0));
}

/// Calls that servers leave in the text: right where they are wanted, wrong where none is.
#[test]
fn tool_calls_left_in_the_text_are_read() {
    let call = r#"{"name": "book", "arguments": {"day": "Mon"}}"#;
    let forms = [
        format!("<tool_call>\n{call}\n</tool_call>"),
        format!("I will.\n<tool_call>{call}"),
        format!("<function_call>{call}</function_call>"),
        format!("<|tool_call|>[{call}]<|/tool_call|>"),
        r#"<|python_tag|>{"name": "book", "parameters": {"day": "Mon"}}"#.to_owned(),
        format!("[TOOL_CALLS][{call}]"),
        r#"[TOOL_CALLS]book[ARGS]{"day": "Mon"}"#.to_owned(),
        r#"<function=book>{"day": "Mon"}</function>"#.to_owned(),
        "<tool_call>\n<function=book>\n<parameter=day>\nMon\n</parameter>\n</function>\n</tool_call>".to_owned(),
        "<tool_call>book\n<arg_key>day</arg_key>\n<arg_value>Mon</arg_value>\n</tool_call>".to_owned(),
        r#"<invoke name="book"><parameter name="day">Mon</parameter></invoke>"#.to_owned(),
        r#"<|tool_call_begin|>functions.book:0<|tool_call_argument_begin|>{"day": "Mon"}<|tool_call_end|>"#.to_owned(),
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>book\n```json\n{\"day\": \"Mon\"}\n```<｜tool▁call▁end｜>".to_owned(),
        r#"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.book <|constrain|>json<|message|>{"day": "Mon"}<|call|>"#.to_owned(),
        "Thought: book it.\nAction: book\nAction Input: {\"day\": \"Mon\"}".to_owned(),
        format!("```json\n{call}\n```"),
        format!("```\n[{call}]\n```"),
        format!("Sure, I call it: {call}"),
        format!("```json\n{{\"tool_calls\": [{{\"function\": {call}}}]}}\n```"),
        format!("<think>book or not? [] is enough</think>\n{call}"),
        r#"{"tool": "book", "args": {"day": "Mon"}}"#.to_owned(),
        r#"{"function": "book", "arguments": {"day": "Mon"}}"#.to_owned(),
        "```json\n{\"action\": \"book\", \"action_input\": {\"day\": \"Mon\"}}\n```".to_owned(),
    ];
    for answer in forms {
        check(&json!({"tool_call": {}}), &answer, &[BOOK], Some(1.0));
        check(&json!({"tool_call": {}}), &answer, &["[]"], Some(0.0));
    }
    let two = format!("<tool_call>{call}</tool_call>\n<tool_call>{{\"name\": \"g\"}}</tool_call>");
    let wanted =
        r#"[{"name": "g", "arguments": {}}, {"name": "book", "arguments": {"day": "Mon"}}]"#;
    check(&json!({"tool_call": {}}), &two, &[wanted], Some(1.0));
}

#[test]
fn a_tool_call_that_cannot_be_read_is_invalid_and_never_right() {
    for answer in [
        "<tool_call>{\"name\": \"book\", \"arguments\": {\"day\"</tool_call>",
        "<|python_tag|>book.call(day=\"Mon\")",
        "[book(day='Mon')]",
        "```tool_code\nbook(day='Mon')\n```",
        "```python\nbook(day='Mon')\n```",
        "{\"name\": \"book\", \"arguments\": {\"day\": \"Mo",
        "```json\n{\"name\": \"book\", \"arguments\": {\"day\": \"Mo",
        "<function=book>{\"day\": </function>",
    ] {
        let found = score(&json!({"tool_call": {}}), answer, &["[]"]);
        assert_eq!((found.value, found.invalid), (Some(0.0), true), "{answer}: {found:?}");
    }
    for answer in [
        "It is Monday (day=Mon).",
        "The parameters are {\"day\": \"Mon\"}.",
        "Its form: {\"name\": \"book\", \"description\": \"x\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}",
        "She said: {\"name\": \"Ann\"}",
        "Action: call the bank.",
        "{\"action\": \"Final Answer\", \"action_input\": \"Monday\"}",
        "{\"action\": \"none\"}",
        "<think>{\"name\": \"book\", \"arguments\": {\"day\": \"Mon\"}}? No.</think>No call is needed.",
    ] {
        check(&json!({"tool_call": {}}), answer, &["[]"], Some(1.0));
    }
}

#[test]
fn a_wrong_tool_call_says_why() {
    let entry = json!({"tool_call": {}});
    for (answer, says) in [
        ("Sunny.", "the answer calls no tool"),
        (r#"{"name": "f"}"#, "`weather` is not called"),
        (
            r#"{"name": "weather", "arguments": {"city": "Oslo", "days": 4}}"#,
            "in the call of `weather`, `$.days` is 4, not 3",
        ),
        (
            r#"[{"name": "weather", "arguments": {"city": "Oslo", "days": 3}}, {"name": "g"}]"#,
            "the call of `g` is one too many",
        ),
    ] {
        check_reason(&entry, answer, WEATHER, says);
    }
}

/// Any JSON value, not too large.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        "[a-c é\"]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-d]{1,2}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// The same value with every array turned around.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().rev().map(reversed).collect(),
        Value::Object(map) => Value::Object(
            map.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect(),
        ),
        other => other.clone(),
    }
}

fn equals(entry: &Value, answer: &Value, target: &Value) -> Option<f64> {
    score(entry, &answer.to_string(), &[&target.to_string()]).value
}

proptest! {
    #[test]
    fn json_is_valid_equal_to_itself_and_yaml_too(value in value()) {
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        prop_assert_eq!(score(&json!({"json_valid": {}}), &text, &[]).value, Some(1.0));
        prop_assert_eq!(equals(&json!({"json_equal": {}}), &value, &value), Some(1.0));
        let yaml = json!({"yaml_valid": {"scalar": true}});
        prop_assert_eq!(score(&yaml, &text, &[]).value, Some(1.0), "{}", text);
        let schema = json!({"json_schema": {"schema": {"const": value}}});
        prop_assert_eq!(score(&schema, &text, &[]).value, Some(1.0));
    }

    #[test]
    fn equality_of_json_is_symmetric_and_agrees_with_its_schema(a in value(), b in value()) {
        let entry = json!({"json_equal": {}});
        prop_assert_eq!(equals(&entry, &a, &b), equals(&entry, &b, &a));
        let schema = json!({"json_schema": {"schema": {"const": b}}});
        prop_assert_eq!(equals(&entry, &a, &b), score(&schema, &a.to_string(), &[]).value);
    }

    #[test]
    fn order_matters_only_where_it_should(value in value()) {
        let turned = reversed(&value);
        prop_assert_eq!(equals(&json!({"json_equal": {"unordered": true}}), &turned, &value), Some(1.0));
        let same = f64::from(u8::from(turned == value));
        prop_assert_eq!(equals(&json!({"json_equal": {}}), &turned, &value), Some(same));
    }

    #[test]
    fn a_call_equals_itself_and_a_part_of_it(arguments in value(), extra in value()) {
        prop_assume!(arguments.is_object());
        let call = |arguments: &Value| json!({"name": "f", "arguments": arguments.to_string()});
        prop_assert_eq!(equals(&json!({"tool_call": {}}), &call(&arguments), &call(&arguments)), Some(1.0));
        let mut more = arguments.clone();
        more["extra"] = extra;
        prop_assert_eq!(equals(&json!({"tool_call": {}}), &call(&more), &call(&arguments)), Some(0.0));
        let subset = json!({"tool_call": {"arguments": "subset"}});
        prop_assert_eq!(equals(&subset, &call(&more), &call(&arguments)), Some(1.0));
    }

    #[test]
    fn fields_are_right_answered_and_wanted(a in value(), b in value()) {
        prop_assume!(a.is_object() && b.is_object());
        let of = |share: &str, a, b| equals(&json!({"json_fields": {"score": share}}), a, b);
        prop_assert_eq!(of("f1", &a, &a), Some(1.0));
        prop_assert_eq!(of("f1", &a, &b), of("f1", &b, &a));
        prop_assert_eq!(of("precision", &a, &b), of("recall", &b, &a));
    }
}

/// Every kind, as strict and as lenient as it can be.
fn every_kind() -> Vec<Value> {
    vec![
        json!({"json_valid": {"fence": true}}),
        json!({"json_schema": {"schema": {"type": "array", "uniqueItems": true, "items": {"pattern": "^(a+)+$"}}}}),
        json!({"json_equal": {"unordered": true, "abs": 1, "ignore": ["$..*"]}}),
        json!({"json_equal": {"unordered": true, "abs": 0.5}}),
        json!({"json_fields": {"fields": [{"name": "$..*", "compare": "fuzzy"}, {"name": "$[*]"}]}}),
        json!({"yaml_valid": {}}),
        json!({"xml_valid": {"root": "a"}}),
        json!({"sql_valid": {}}),
        json!({"sql_valid": {"dialect": "snowflake"}}),
        json!({"sql_valid": {"dialect": "sqlite"}}),
        json!({"sql_valid": {"dialect": "mysql"}}),
        json!({"contains_code": {"inline": true}}),
        json!({"tool_call": {"fence": true, "arguments": "subset"}}),
    ]
}

/// A megabyte that is made to take long, to go deep, or to grow.
#[expect(clippy::format_collect, reason = "short and clear, and only a test")]
fn hostile() -> Vec<String> {
    let entities: String = (1..12)
        .map(|i| format!("<!ENTITY x{i} '{}'>", format!("&x{};", i - 1).repeat(10)))
        .collect();
    let anchors: String = (1..30)
        .map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(",")))
        .collect();
    let numbered = |n: usize, write: fn(usize) -> String| (0..n).map(write).collect::<String>();
    vec![
        "[".repeat(1_000_000),
        "{\"a\":".repeat(200_000),
        format!("[{}1]", "1,".repeat(500_000)),
        format!("[{}\"b\"]", "\"a\",".repeat(250_000)),
        format!("[\"{}b\"]", "a".repeat(1_000_000)),
        format!("{{{}\"z\":1}}", numbered(80_000, |i| format!("\"k{i}\":{i},"))),
        "(".repeat(1_000_000),
        format!("SELECT {}1", "(".repeat(40)),
        format!("SELECT 1{}", "+1".repeat(9_990)),
        format!("SELECT 1{}", "+1".repeat(500_000)),
        format!("SELECT a{}", ".a".repeat(9_990)),
        "SELECT * FROM (".repeat(40),
        "'".repeat(1_000_000),
        format!("a0: &a0 [x,x,x,x,x,x,x,x,x]\n{anchors}"),
        "- ".repeat(500_000),
        "? ".repeat(500_000),
        "a: ".repeat(300_000),
        format!("<!DOCTYPE a [<!ENTITY x0 'lol'>{entities}]><a>&x11;</a>"),
        format!(
            "<!DOCTYPE a [<!ENTITY x '{}'>]><a>{}</a>",
            "y".repeat(500_000),
            "&x;".repeat(150_000)
        ),
        "<a>".repeat(300_000),
        format!("<a {}/>", numbered(80_000, |i| format!("a{i}='' "))),
        format!("{}{}", numbered(40_000, |i| format!("<a xmlns:a{i}='u'>")), "</a>".repeat(40_000)),
        "`".repeat(1_000_000),
        "` ``\n".repeat(200_000),
        "```\n".repeat(250_000),
        format!("[{}{{\"name\":\"f\"}}]", "{\"name\":\"f\"},".repeat(70_000)),
    ]
}

#[test]
fn hostile_answers_are_scored_or_missing() {
    let target = format!("[{}2]", "1,".repeat(5_000));
    for answer in hostile() {
        for entry in every_kind() {
            let score = score(&entry, &answer, &["{\"name\": \"g\"}", &target, "{\"a\": 1}"]);
            let fine = score.value.is_none_or(|value| (0.0..=1.0).contains(&value));
            assert!(fine, "{entry} of {:?}", &answer[..40]);
        }
    }
}

#[test]
#[expect(clippy::format_collect, reason = "short and clear, and only a test")]
fn what_is_too_deep_or_too_long_is_missing() {
    for (entry, answer) in [
        (json!({"sql_valid": {}}), format!("SELECT {}1{}", "(".repeat(200), ")".repeat(200))),
        (json!({"sql_valid": {}}), format!("SELECT 1{}", "+1".repeat(20_000))),
        (json!({"yaml_valid": {}}), format!("{}a", "- ".repeat(100))),
        (json!({"yaml_valid": {}}), format!("{}{}", "[".repeat(300), "]".repeat(300))),
        (
            json!({"xml_valid": {}}),
            format!("<a {}/>", (0..3_000).map(|i| format!("a{i}='' ")).collect::<String>()),
        ),
    ] {
        assert_eq!(score(&entry, &answer, &[]).value, None, "{entry}");
    }
    let long = |last: &str| format!("[{}{last}]", "[1,2],".repeat(40_000));
    let entry = json!({"json_equal": {"unordered": true}});
    assert_eq!(score(&entry, &long("1"), &[&long("2")]).value, Some(0.0));
    assert_eq!(score(&entry, &long("1"), &[&long("1")]).value, Some(1.0));
}
