//! What a suite says of its dataset, and the errors of its rows.

use std::fs;

use evalmark_core::{plan::Plan, suite::SuiteError, template::Template};

use super::{SUITE, folder, read, with};

#[test]
fn columns_of_any_name_are_used() {
    let csv =
        "id,text,label,tone,Incorrect Answer 1,gr\u{f6}\u{df}e,my-col,a.b\n1,a,x,calm,Lyon,7,m,n\n";
    let read = |template: &str| {
        let quoted = format!("'{}'", template.replace('\'', "''"));
        with(&[("data.csv", csv.as_bytes())], &[("'Label this: {{ text }}'", &quoted)])
    };
    read("{{ item['Incorrect Answer 1'] }} {{ gr\u{f6}\u{df}e }} {{ item['my-col'] }}{{ item['a.b'] }}{{ item.tone }}")
        .expect("valid");
    for (template, expected) in [
        (
            "{{ Incorrect Answer 1 }}",
            "if `Incorrect Answer 1` is a column, write `{{ item['Incorrect Answer 1'] }}`",
        ),
        ("{{ my-col }}", "the column `my-col` is written `{{ item['my-col'] }}`"),
        ("{{ a.b }}", "the column `a.b` is written `{{ item['a.b'] }}`"),
        ("{{ item['Wrong Answer'] }}", "undefined variable `Wrong Answer`"),
    ] {
        let error = read(template).expect_err(template).to_string();
        assert!(error.contains(expected), "{template}: {error}");
    }
}

/// A number that no float holds changes nothing about the mappings of its row.
#[test]
fn mappings_are_mappings_beside_exact_numbers() {
    let rows = |number: &str| {
        let row = format!(
            r#"{{"id":1,"text":"a","label":"x","tone":"t","m":{{"z":{number},"list":[{{"w":{number}}}]}}}}"#
        );
        let folder = folder();
        fs::write(folder.path().join("data.jsonl"), row).expect("written");
        let suite = SUITE.replace("data.csv", "data.jsonl");
        let suite = read(folder.path(), &suite).expect("valid");
        suite.dataset.file.rows().expect("rows").next().expect("a row").expect("read")
    };
    let check = |template: &str, expected: &str| {
        let template = Template::compile_alone("prompt `p`", template).expect(template);
        for number in ["1.5", "1.50", "98765432109876543210", "1e400"] {
            let rendered = template.render(&rows(number)).map_err(|error| error.message);
            assert_eq!(rendered, Ok(expected.replace('N', number)), "{}", template.source());
        }
    };
    check("{{ m }}", "{'z': N, 'list': [{'w': N}]}");
    check("{{ m | tojson }}", "{\"z\": N, \"list\": [{\"w\": N}]}");
    check("{{ item['m'].z }} {{ m.list[0].w }} {{ m['z'] }}", "N N N");
    check(
        "{% for key, value in m | items %}{{ key }}={{ value }};{% endfor %}",
        "z=N;list=[{'w': N}];",
    );
    check("{{ m | length }} {{ m is mapping }} {{ 'z' in m }}", "2 True True");
}

#[test]
fn datasets_of_other_delimiters_and_kinds_are_named() {
    let csv = b"id;text;label;tone\n1;a, b;x;calm\n2;c;y;\n";
    let suite = with(&[("data.csv", csv)], &[]).expect("valid");
    assert!(suite.notes[0].contains("separated by `;`"), "{:?}", suite.notes);
    let named = [("{ path: data.csv,", "{ path: data.csv, delimiter: ';',")];
    assert!(with(&[("data.csv", csv)], &named).expect("valid").notes.is_empty());
    let wrong = |changes: &[(&str, &str)], files: &[(&str, &[u8])], expected: &[&str]| {
        let error = with(files, changes).expect_err(expected[0]).to_string();
        for words in expected {
            assert!(error.contains(words), "`{words}` is not in {error}");
        }
    };
    let path = |to: &'static str| [("path: data.csv", to)];
    wrong(&path("path: data.csv, delimiter: ab"), &[], &["`ab` is not a delimiter"]);
    wrong(
        &path("path: d.csv.gz"),
        &[],
        &["`d.csv.gz` is compressed", "unpack it and name the file within, for example `d.csv`"],
    );
    wrong(&path("path: d.xls"), &[], &["is a spreadsheet of another kind", "save it as .xlsx"]);
    wrong(&path("path: ."), &[], &["files of several formats", "`data.csv`", "`suite.yaml`"]);
    wrong(&path("path: '*.tsv'"), &[], &["`*.tsv` matches no file"]);
    wrong(
        &path("path: data, format: csv"),
        &[("data", b"\x1F\x8B\x08\0")],
        &["is compressed (gzip)", "gunzip"],
    );
    wrong(&path("path: data, format: csv"), &[("data", b"PK\x03\x04")], &["Excel workbook"]);
    wrong(&path("path: data, format: csv"), &[("data", b"\xFF\xFEi\0d\0")], &["has no items"]);
    wrong(
        &path("path: data.parquet"),
        &[("data.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")],
        &["is a Git LFS pointer, not the data; run `git lfs pull`"],
    );
    wrong(&path("path: data.parquet"), &[("data.parquet", b"<html>Sign in")], &["is a web page"]);
    wrong(
        &path("path: data.jsonl"),
        &[("data.jsonl", b"[{\"id\": 1}]")],
        &["is a JSON array", "format: json"],
    );
    wrong(
        &path("path: data.json"),
        &[("data.json", b"{\"id\": 1}\n{\"id\": 2}\n")],
        &["one object a line", "format: jsonl"],
    );
    wrong(
        &path("path: data.json"),
        &[("data.json", b"{\"data\": [1]}")],
        &["is one object, not an array", "dataset: { rows: data }"],
    );
}

#[test]
fn targets_ids_and_slices_may_lie_within_a_column() {
    let rows = br#"{"meta": {"id": 1.50, "tone": "calm"}, "text": "a", "expected": {"intent": "x", "all": [{"t": "p"}, {"t": "q"}]}, "n": 98765432109876543210, "score": NaN}
"#;
    let read = |target: &str| {
        let dataset =
            format!("{{ path: data.jsonl, id: meta.id, target: {target}, slices: [meta.tone] }}");
        let suite = with(
            &[("data.jsonl", rows)],
            &[("{ path: data.csv, id: id, target: label, slices: [tone] }", &dataset)],
        )?;
        Ok::<_, SuiteError>(suite)
    };
    let item = |target: &str| {
        let suite = read(target).expect(target);
        let folder = folder();
        fs::write(folder.path().join("data.jsonl"), rows).expect("written");
        let mut dataset = suite.dataset.clone();
        dataset.file.path = folder.path().join("data.jsonl");
        dataset.file.access = evalmark_core::files::FileAccess::unlimited();
        let items = evalmark_core::dataset::Items::open(&dataset.into()).expect("opens").next();
        items.expect("an item").expect("a good item")
    };
    let found = item("expected.intent");
    assert_eq!((&*found.id, &*found.targets), ("1.50", &["x".to_owned()][..]));
    assert_eq!(&*found.slices, [Some("calm".to_owned())]);
    assert_eq!(&*item("expected.all.t").targets, ["p", "q"]);
    assert_eq!(&*item("n").targets, ["98765432109876543210"]);
    let error = |target: &str| read(target).expect_err(target).to_string();
    assert!(error("expected").contains("the target `expected` is an object; name what in it is the right answer, as in `target: expected.intent`"), "{}", error("expected"));
    assert!(error("expected.all").contains("is an object"), "{}", error("expected.all"));
    assert!(
        error("expected.x").contains("the first row has no `x` there"),
        "{}",
        error("expected.x")
    );
    assert!(
        error("score").contains("`score` is NaN or infinite, which is not JSON"),
        "{}",
        error("score")
    );
}

#[test]
fn dataset_errors_name_their_row() {
    let cases = [
        ("", "is empty"),
        ("id,text,label,tone\n", "has no items"),
        ("id,text,label,tone\n1,a,x\n", "row 1 (line 2): has 3 cells where the header has 4"),
        ("id,text,label,text\n1,a,x,y\n", "line 1: the header names the column `text` twice"),
        (
            "id,text,label,tone\n1,a,x,y\n2,b,x,y\n1,c,x,y\n",
            "row 3: the id `1` (column `id`) is already that of row 1",
        ),
        ("id,text,label,tone\n1,a,,y\n", "row 1: the target (`label`) is empty"),
        ("id,text,label,tone\n,a,x,y\n", "row 1: the id column `id` is empty"),
        ("id,text,label,tone\n1\n", "row 1 (line 2): has 1 cell where the header has 4"),
        ("sep=;\nid;text;label;tone\n1;a;x;y\n", "line 1: is a line that only Excel reads"),
        ("\"sep=,\"\nid,text,label,tone\n1,a,x,y\n", "line 1: is a line that only Excel reads"),
        ("# ours\nid,text,label,tone\n1,a,x,y\n", "line 1: begins with `#`"),
        ("id^text^label^tone\n1^a^x^y\n", "`dataset.delimiter` says what separates them"),
    ];
    for (csv, expected) in cases {
        let folder = folder();
        fs::write(folder.path().join("data.csv"), csv).expect("written");
        let error = match read(folder.path(), SUITE) {
            Err(error) => error.to_string(),
            Ok(suite) => Plan::new(&suite).expect_err(expected).to_string(),
        };
        assert!(error.contains(expected), "`{error}` lacks `{expected}`");
    }
    let folder = folder();
    fs::write(folder.path().join("data.csv"), b"id,text,label,tone\n1,\xff\xc3\xb6,x,y\n")
        .expect("written");
    let error = read(folder.path(), SUITE).expect_err("not UTF-8").to_string();
    assert!(error.contains("row 1 (line 2), column `text`: is not UTF-8"), "{error}");
}

#[test]
fn json_datasets() {
    let jsonl = "\u{feff}{\"id\":1,\"text\":\"a\",\"label\":[\"x\",\"y\"],\"tone\":null}\r\n\n{\"id\":2,\"text\":\"b\",\"label\":\"x\",\"tone\":\"t\"}\n";
    let json = "[{\"id\":1,\"text\":\"a\",\"label\":[\"x\",\"y\"],\"tone\":null},\n {\"id\":2,\"text\":\"b\",\"label\":\"x\",\"tone\":\"t\"}]";
    for (name, text) in [("data.jsonl", jsonl), ("data.json", json)] {
        let folder = folder();
        fs::write(folder.path().join(name), text).expect("written");
        let suite = read(folder.path(), &SUITE.replace("data.csv", name)).expect("valid");
        let plan = Plan::new(&suite).expect("plan");
        let first = plan.in_report_order().next().expect("one").expect("sample");
        assert_eq!(
            (&*first.item.id, &*first.item.targets),
            ("1", &["x".to_owned(), "y".to_owned()][..])
        );
        assert_eq!(plan.profile.n_items, 2);
    }
    let folder = folder();
    let twice = "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"text\":\"b\",\"tone\":\"t\"}\n";
    fs::write(folder.path().join("data.jsonl"), twice).expect("written");
    let suite = read(folder.path(), &SUITE.replace("data.csv", "data.jsonl")).expect("valid");
    let row = suite.dataset.file.rows().expect("rows").next().expect("a row").expect("read");
    assert_eq!(row["text"], "b");
    assert_eq!(
        row.remarks(),
        ["line 1, column 1: the key `text` appears twice; the last one counts"]
    );
    for (name, text, expected) in [
        (
            "data.jsonl",
            "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}\n[1]\n",
            "line 2, column 1: is not a JSON object",
        ),
        (
            "data.jsonl",
            "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}\n{\"id\":\n",
            "line 2, column 7: is cut off",
        ),
        (
            "data.json",
            "[{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}, 3]",
            "row 2 (line 1, column 44): is not a JSON object",
        ),
        (
            "data.json",
            "[{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}] []",
            "row 2 (line 1, column 44): has text after the array",
        ),
        ("data.json", "{}", "is one object, not an array of objects"),
    ] {
        let folder = self::folder();
        fs::write(folder.path().join(name), text).expect("written");
        let error = match read(folder.path(), &SUITE.replace("data.csv", name)) {
            Err(error) => error.to_string(),
            Ok(suite) => Plan::new(&suite).expect_err(expected).to_string(),
        };
        assert!(error.contains(expected), "`{error}` lacks `{expected}`");
    }
}
