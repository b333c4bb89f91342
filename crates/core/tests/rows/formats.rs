//! What a dataset's file may be: encodings, JSON and YAML with a way to their rows, workbooks, folders and
//! patterns.

use std::fs;

use evalmark_core::{
    dataset::ScratchSpace,
    fields::Fields,
    plan::Plan,
    source::Sources,
    suite::{Readers, Suite},
};
use serde_json::{Value, json};

use super::{METRICS, no_columnar};

const SUITE: &str = "\
name: rows
dataset: { DATASET }
prompts: [{ name: p, template: '{{ text }}' }]
models: [{ name: m, recorded: { column: text } }]
metrics: [{ name: e, valid: {} }]
";

/// The suite over these files with this dataset.
fn suite(files: &[(&str, &[u8])], dataset: &str) -> (tempfile::TempDir, Result<Suite, String>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }
    let path = folder.path().join("suite.yaml");
    fs::write(&path, SUITE.replace("DATASET", dataset)).expect("written");
    let readers = Readers {
        kinds: METRICS,
        providers: &[],
        columnar: no_columnar,
        scratch: ScratchSpace::new(tempfile::tempfile),
        roots: &[],
        sources: Sources::NONE,
        receivers: &[],
    };
    (folder, Suite::read(&path, readers).map_err(|error| error.to_string()))
}

/// The rows as JSON, and the notes.
fn rows(files: &[(&str, &[u8])], dataset: &str) -> Result<(Vec<Value>, Vec<String>), String> {
    let (_folder, suite) = suite(files, dataset);
    let suite = suite?;
    let rows = suite.dataset.file.rows().map_err(|error| error.to_string())?;
    let rows = rows.map(|row| row.map(|row| serde_json::to_value(&row).expect("JSON")));
    let rows = rows.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    Ok((rows, suite.notes))
}

#[track_caller]
fn wrong(files: &[(&str, &[u8])], dataset: &str, expected: &[&str]) {
    let (_folder, suite) = suite(files, dataset);
    let error = match suite {
        Ok(suite) => Plan::new(&suite).expect_err(dataset).to_string(),
        Err(error) => error,
    };
    for words in expected {
        assert!(error.contains(words), "`{words}` is not in {error}");
    }
}

const GERMAN: &str = "id,text\n1,Größe und Maß für Äpfel\n2,Über schöne Möhren\n";

#[test]
fn encodings_are_declared_shown_or_guessed_and_a_guess_is_told() {
    let expected = [
        json!({"id": "1", "text": "Größe und Maß für Äpfel"}),
        json!({"id": "2", "text": "Über schöne Möhren"}),
    ];
    let latin: Vec<u8> =
        GERMAN.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let utf_16: Vec<u8> = GERMAN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xFF\xFE", &*utf_16].concat();
    let with_mark = format!("\u{feff}{GERMAN}");
    let check = |bytes: &[u8], more: &str, note: Option<&str>| {
        let (rows, notes) = rows(&[("d.csv", bytes)], &format!("path: d.csv{more}")).expect(more);
        assert_eq!(rows, expected, "{more}");
        match note {
            None => assert!(notes.is_empty(), "{notes:?}"),
            Some(words) => assert!(notes.len() == 1 && notes[0].contains(words), "{notes:?}"),
        }
    };
    check(GERMAN.as_bytes(), "", None);
    check(with_mark.as_bytes(), "", None);
    check(with_mark.as_bytes(), ", encoding: latin1", None);
    check(&latin, "", Some("the text is windows-1252, as it seems; `dataset.encoding`"));
    check(&latin, ", encoding: iso-8859-1", None);
    check(&marked, "", None);
    check(&marked, ", encoding: utf-16", None);
    check(&utf_16, ", encoding: utf-16le", None);
    check(&utf_16, "", Some("UTF-16LE"));
    let jsonl: Vec<u8> = "{\"text\": \"ü\"}\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let (found, notes) = rows(&[("d.jsonl", &jsonl)], "path: d.jsonl").expect("UTF-16");
    assert_eq!((found, notes.len()), (vec![json!({"text": "ü"})], 1));
    let damaged = [GERMAN.as_bytes(), b"3,\xFF\n"].concat();
    let told = ["row 3 (line 4), column `text`: is not UTF-8", "dataset.encoding"];
    wrong(&[("d.csv", &damaged)], "path: d.csv", &told);
    wrong(
        &[("d.csv", b"id,text\n1,\x81\x20\n")],
        "path: d.csv, encoding: sjis",
        &["row 1", "0x81", "Shift_JIS"],
    );
    wrong(
        &[("d.csv", b"a\n1\n")],
        "path: d.csv, encoding: ebcdic",
        &["`ebcdic` is not an encoding"],
    );
    wrong(
        &[("d.xlsx", b"")],
        "path: d.xlsx, encoding: utf-8",
        &["only text files have a `encoding`"],
    );
}

#[test]
fn rows_lie_where_the_suite_says() {
    let nested = br#"{"meta": {"a": [1, "]"], "rows": 3}, "data": {"my.items": [{"text": "a"},
 {"text": "b"}], "after": [true, {"x": null}]}, "end": "}"}"#;
    let expected = vec![json!({"text": "a"}), json!({"text": "b"})];
    let found =
        rows(&[("d.json", nested)], "path: d.json, rows: /data/my.items").expect("nested").0;
    assert_eq!(found, expected);
    let listed = br#"[[], [{"text": "no"}, {"in": [{"text": "a"}, {"text": "b"}]}, 5]]"#;
    let found = rows(&[("d.json", listed)], "path: d.json, rows: 1.1.in").expect("nested").0;
    assert_eq!(found, expected);
    let check = |json: &str, way: &str, expected: &[&str]| {
        wrong(&[("d.json", json.as_bytes())], &format!("path: d.json, rows: {way}"), expected);
    };
    check(
        r#"{"data": {"x": 1, "y": 2}}"#,
        "data.items",
        &["`rows` leads to `data.items`", "`x`, `y`"],
    );
    check(r#"{"data": {"items": 3}}"#, "data.items", &["`rows: data.items` is not an array"]);
    check(
        r#"{"data": 3}"#,
        "data.items",
        &["`rows` leads to `data.items`, and there is no such thing"],
    );
    check("[[1]]", "'1'", &["there is no such element"]);
    check(r#"{"data": [{"text": "a"}, {"te"#, "data", &["row 2", "cut off"]);
    check(r#"{"data": [{"text": "a"}], "more": [1, 2"#, "data", &["cut off"]);
    check(r#"{"data": [{"text": "a"}]"#, "data", &["cut off"]);
    check(r#"{"data": [{"text": "a"}]} 5"#, "data", &["text after the array"]);
    check("", "data", &["cut off"]);
    wrong(
        &[("d.json", br#"{"n": 1, "out": {"rows": [{"text": "a"}]}}"#)],
        "path: d.json",
        &["is one object", "dataset: { rows: out.rows }"],
    );
    wrong(
        &[("d.csv", b"a\n1\n")],
        "path: d.csv, rows: x",
        &["only json and yaml files have a `rows`"],
    );
}

#[test]
fn yaml_is_a_list_of_mappings() {
    let yaml = "# labelled by hand\n- { id: 1.10, text: a, tags: [x, y] }\n- id: no\n  text: |\n    two\n    lines\n";
    let (found, _) = rows(&[("d.yaml", yaml.as_bytes())], "path: d.yaml, id: id").expect("YAML");
    assert_eq!(found[1], json!({"id": "no", "text": "two\nlines\n"}));
    let (_folder, read) = suite(&[("d.yaml", yaml.as_bytes())], "path: d.yaml, id: id");
    let first: Fields =
        read.expect("YAML").dataset.file.rows().expect("rows").next().expect("one").expect("read");
    assert_eq!(first.cell("id").expect("a cell").text().expect("usable").as_deref(), Some("1.10"));
    let within = "version: 2\ncases:\n  - { text: a }\n";
    let found = rows(&[("d.yml", within.as_bytes())], "path: d.yml, rows: cases").expect("YAML").0;
    assert_eq!(found, [json!({"text": "a"})]);
    let check = |yaml: &str, more: &str, expected: &[&str]| {
        wrong(&[("d.yaml", yaml.as_bytes())], &format!("path: d.yaml{more}"), expected);
    };
    check(within, "", &["is not a list of mappings", "rows: cases"]);
    check("- { text: a }\n- 7\n", "", &["row 2 (line 2)", "is not a mapping"]);
    check("- { text: a\n", "", &["d.yaml, line"]);
    check("", "", &["is empty"]);
    check("a: 1\n", ", rows: a", &["`rows: a` is not a list"]);
}

#[test]
fn folders_and_patterns_are_read_in_the_order_of_their_names() {
    let (a, b): (&[u8], &[u8]) = (b"id,text\n1,one\n2,two\n", b"text;id\nthree;3\n");
    let files =
        [("d/b.csv", b), ("d/a.csv", a), ("d/notes.txt", &b"x"[..]), ("d/.h.csv", b"no\n1\n")];
    let expected = [
        json!({"id": "1", "text": "one"}),
        json!({"id": "2", "text": "two"}),
        json!({"id": "3", "text": "three"}),
    ];
    for way in ["path: d", "path: d/", "path: 'd/*.csv'", "path: '**/*.csv'", "path: 'd/[ab].csv'"]
    {
        assert_eq!(rows(&files, way).expect(way).0, expected, "{way}");
    }
    let other = [files[0], files[1], ("d/c.csv", &b"id,label\n9,x\n"[..])];
    wrong(
        &other,
        "path: d",
        &["d/c.csv: has other columns than", "d/a.csv", "lacks `text` and has `label` besides"],
    );
    let broken = [files[1], ("d/b.csv", &b"id,text\n3\n"[..])];
    wrong(&broken, "path: d", &["d/b.csv, row 1 (line 2): has 1 cell where the header has 2"]);
    wrong(
        &[files[1], ("d/b.jsonl", b"{}")],
        "path: d",
        &["several formats", "`a.csv`", "`b.jsonl`"],
    );
    wrong(&files, "path: 'd/*.json'", &["matches no file"]);
    wrong(&files, "path: 'd/*/../*.csv'", &["is not a pattern"]);
    wrong(&[("e/x.txt", b"")], "path: e", &["holds no file of rows"]);
    wrong(&files, "path: '../*.csv'", &["is outside of"]);
    wrong(&files, "path: /proc/self", &["is part of the system"]);
    // Rows of JSON may differ.
    let (one, two): (&[u8], &[u8]) = (b"{\"text\": \"a\"}\n", b"{\"text\": \"b\", \"n\": 1}\n");
    let found = rows(&[("j/1.jsonl", one), ("j/2.jsonl", two)], "path: j").expect("JSONL").0;
    assert_eq!(found, [json!({"text": "a"}), json!({"text": "b", "n": 1})]);
}

#[cfg(feature = "excel")]
mod excel {
    use super::*;

    const BOOK: &[u8] = include_bytes!("../files/workbook.xlsx");

    /// openpyxl 3.1.5 wrote the workbook, and `files/write_workbook.py` says of what.
    #[test]
    fn sheets_hold_what_openpyxl_put_there() {
        let dataset = "path: d.xlsx, sheet: Tickets, header_row: 3, ignore: [n]";
        let (_folder, suite) = suite(&[("d.xlsx", BOOK)], dataset);
        let suite = suite.expect("a workbook");
        let rows: Vec<Fields> =
            suite.dataset.file.rows().expect("rows").collect::<Result<_, _>>().expect("read");
        let rows_as_json: Vec<_> =
            rows.iter().map(|row| serde_json::to_value(row).expect("JSON")).collect();
        assert_eq!(
            rows_as_json[..3],
            [
                json!({
                    "id": 1, "text": "Größe 注文", "n": 3, "share": 0.1, "day": "2024-02-29",
                    "at": "2024-02-29T12:30:00", "clock": "07:05:01", "took": "PT108000S", "ok": true,
                    "group": "a", "empty": null
                }),
                json!({
                    "id": 2, "text": "two\nlines", "n": -12.5, "share": 1e300, "day": "1900-03-01",
                    "at": "1999-12-31T23:59:59", "clock": "00:00:00", "took": "PT1.5S", "ok": false,
                    "group": null, "empty": null
                }),
                json!({
                    "id": 3, "text": " =1+1", "n": 123_456_789_012_i64, "share": 0, "day": null,
                    "at": null, "clock": null, "took": null, "ok": null, "group": "b", "empty": null
                }),
            ]
        );
        assert_eq!(rows.len(), 5);
        let problem =
            |row: usize| rows[row].cell("n").expect("a cell").text().expect_err("an error");
        assert_eq!(problem(3), "`n` is the error #N/A (cell D8); mend the formula");
        assert!(problem(4).contains("a formula that nothing has computed (cell D9)"));
        assert!(
            rows[1].remarks()[0].contains("row 5: the cells K4:K5 are merged"),
            "{:?}",
            rows[1]
        );
    }

    #[test]
    fn what_a_workbook_lacks_is_told() {
        let check = |dataset: &str, expected: &[&str]| {
            wrong(&[("d.xlsx", BOOK)], &format!("path: d.xlsx{dataset}"), expected);
        };
        check(", sheet: Tikets", &["has no sheet `Tikets`; did you mean `Tickets`?"]);
        check(", sheet: Hidden", &["the sheet `Hidden` is empty"]);
        check(", sheet: Tickets", &["sheet `Tickets`, row 3: cell C3 has a value"]);
        check(", sheet: Tickets, header_row: 2", &["row 2 of the sheet `Tickets` is empty"]);
        check(
            ", sheet: Tickets, header_row: 3, target: n",
            &["row 4: `n` is the error #N/A (cell D8)"],
        );
        let (_folder, read) = suite(&[("d.xlsx", BOOK)], "path: d.xlsx");
        // The first sheet has no column `text`.
        let error = read.expect_err("another sheet");
        assert!(error.contains("has no items") || error.contains("text"), "{error}");
        wrong(
            &[("d.xlsx", b"PK\x03\x04junk")],
            "path: d.xlsx",
            &["is not a readable Excel workbook"],
        );
        wrong(
            &[("d.xlsx", b"id,text\n1,a\n")],
            "path: d.xlsx",
            &["is not a readable Excel workbook"],
        );
        wrong(
            &[("d.xlsx", b"\xD0\xCF\x11\xE0")],
            "path: d.xlsx",
            &["an old Excel workbook (.xls)"],
        );
        for length in (0..BOOK.len()).step_by(301) {
            wrong(&[("d.xlsx", &BOOK[..length])], "path: d.xlsx", &["d.xlsx"]);
        }
    }
}
