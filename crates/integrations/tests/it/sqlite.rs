//! The source `sqlite`: the rows of one query, and nothing but reading.

use std::{fs, path::PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::setup::{Place, failure, open};

/// A folder with a database, `logs.db`.
fn place() -> (Place, Connection) {
    let place = Place::new();
    let database = Connection::open(place.folder.path().join("suites/logs.db")).expect("opened");
    database
        .execute_batch(
            "CREATE TABLE log (id INTEGER PRIMARY KEY, asked TEXT, answered TEXT, stars REAL, raw BLOB);
             INSERT INTO log VALUES (1, 'Où ?', 'là', 4.5, NULL);
             INSERT INTO log VALUES (2, 'a' || char(10) || '\"b\"', NULL, NULL, NULL);
             INSERT INTO log VALUES (9007199254740993, '', 'x', 1e400, x'00ff');
             CREATE VIEW short AS SELECT id, asked FROM log WHERE id < 3;",
        )
        .expect("filled");
    (place, database)
}

fn params(query: &str) -> Value {
    json!({ "path": "logs.db", "query": query })
}

#[test]
fn the_rows_of_a_query_are_json_lines() {
    let (place, _database) = place();
    for (query, expected) in [
        (
            "SELECT id, asked, answered, stars FROM log WHERE id < 3 ORDER BY id",
            "{\"id\":1,\"asked\":\"Où ?\",\"answered\":\"là\",\"stars\":4.5}\n\
             {\"id\":2,\"asked\":\"a\\n\\\"b\\\"\",\"answered\":null,\"stars\":null}\n",
        ),
        (
            "WITH l AS (SELECT * FROM log) SELECT id, hex(raw) AS raw FROM l WHERE id > 2;",
            "{\"id\":9007199254740993,\"raw\":\"00FF\"}\n",
        ),
        (
            "SELECT * FROM short ORDER BY id DESC LIMIT 1",
            "{\"id\":2,\"asked\":\"a\\n\\\"b\\\"\"}\n",
        ),
        ("SELECT id FROM log WHERE id < 0", ""),
    ] {
        let snapshot = place.resolve("sqlite", &params(query), false).expect(query);
        assert_eq!(fs::read_to_string(&snapshot.path).expect("rows"), expected, "{query}");
        assert_eq!(snapshot.name, "rows.jsonl");
        assert!(snapshot.origin.ends_with("logs.db") && snapshot.server.is_none());
    }
}

#[test]
fn what_is_no_reading_of_rows_is_refused_and_leaves_nothing() {
    let (place, database) = place();
    for (query, expected) in [
        ("DELETE FROM log", "the query is not a `SELECT`"),
        ("INSERT INTO log (asked) VALUES ('x') RETURNING id", "the query is not a `SELECT`"),
        ("ATTACH 'other.db' AS other", "the query is not a `SELECT`"),
        ("PRAGMA journal_mode = WAL", "the query is not a `SELECT`"),
        ("SELECT 1; DELETE FROM log", "more than one statement"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT load_extension('x')", "cannot be answered"),
        ("SELECT missing FROM log", "no such column: missing"),
        ("SELECT id, id FROM log", "two columns the name `id`"),
        ("SELECT raw FROM log ORDER BY id DESC", "row 1, column `raw`: is bytes"),
        ("SELECT id, stars FROM log ORDER BY id", "row 3, column `stars`: inf is not a number"),
        ("SELECT CAST(x'ff' AS TEXT) AS t", "row 1, column `t`: the text is not UTF-8"),
    ] {
        let text = failure(place.resolve("sqlite", &params(query), true));
        assert!(text.contains(expected), "{query}: {text}");
    }
    let n: i64 =
        database.query_row("SELECT count(*) FROM log", [], |row| row.get(0)).expect("rows");
    assert_eq!(n, 3);
    assert_eq!(place.cached(), Vec::<PathBuf>::new());
    assert!(!place.folder.path().join("suites/other.db").exists());
    for (query, expected) in [("", "`query` is empty"), ("  \n", "`query` is empty")] {
        let error = open("sqlite", &params(query)).err().expect("an error");
        assert_eq!((error.pointer.as_str(), error.message.as_str()), ("/query", expected));
    }
}

#[test]
fn other_rows_than_the_suite_expects_are_an_error_that_tells_the_checksum() {
    let (place, database) = place();
    let query = "SELECT id, asked FROM log WHERE id < 3 ORDER BY id";
    let first = place.resolve("sqlite", &params(query), false).expect("rows");
    let mut pinned = params(query);
    pinned["blake3"] = first.blake3.clone().into();
    assert_eq!(place.resolve("sqlite", &pinned, false).expect("rows"), first);
    database.execute("UPDATE log SET asked = 'else' WHERE id = 1", []).expect("changed");
    let changed = place.resolve("sqlite", &params(query), false).expect("rows");
    assert_ne!(changed.blake3, first.blake3);
    let text = failure(place.resolve("sqlite", &pinned, false));
    assert!(text.contains(&changed.blake3) && text.contains("content has changed"), "{text}");
}

#[test]
fn a_database_that_is_being_written_is_read_as_of_one_moment() {
    let (place, mut database) = place();
    database.pragma_update(None, "journal_mode", "WAL").expect("changed");
    let query = params("SELECT count(*) AS n FROM log");
    let before = place.resolve("sqlite", &query, false).expect("rows");
    let transaction = database.transaction().expect("begun");
    transaction.execute("DELETE FROM log", []).expect("deleted");
    assert_eq!(place.resolve("sqlite", &query, false).expect("rows"), before);
    transaction.commit().expect("written");
    assert_ne!(place.resolve("sqlite", &query, false).expect("rows"), before);
}

/// A page in the middle of the table is damaged: the rows before it are read, and kept nowhere.
#[test]
fn a_row_that_cannot_be_read_is_named_and_nothing_is_kept() {
    let (place, mut database) = place();
    let transaction = database.transaction().expect("begun");
    transaction
        .execute_batch("CREATE TABLE many (id INTEGER PRIMARY KEY, text TEXT)")
        .expect("made");
    for id in 1..=4_000 {
        let row = (id, format!("text {id}"));
        transaction.execute("INSERT INTO many VALUES (?, ?)", row).expect("inserted");
    }
    transaction.commit().expect("written");
    drop(database);
    let file = place.folder.path().join("suites/logs.db");
    let mut bytes = fs::read(&file).expect("read");
    let half = bytes.len() / 2 / 4_096 * 4_096;
    bytes[half..half + 4_096].fill(0xAA);
    fs::write(&file, &bytes).expect("written");
    let text = failure(place.resolve("sqlite", &params("SELECT id, text FROM many"), false));
    let row = text.strip_prefix("row ").and_then(|rest| rest.split_once(": the query cannot be"));
    let row = row.and_then(|(row, _)| row.parse::<u64>().ok()).expect(&text);
    assert!((1_000..3_000).contains(&row) && text.contains("malformed"), "{text}");
    assert_eq!(place.cached(), Vec::<PathBuf>::new());
}

#[test]
fn a_database_that_another_program_holds_is_told() {
    let (place, database) = place();
    database.execute_batch("BEGIN EXCLUSIVE").expect("held");
    let text = failure(place.resolve("sqlite", &params("SELECT id FROM log"), false));
    assert!(text.contains("database is locked"), "{text}");
    assert!(text.contains("another program"), "{text}");
    database.execute_batch("ROLLBACK").expect("let go");
    place.resolve("sqlite", &params("SELECT id FROM log"), false).expect("rows");
}

#[test]
fn what_is_no_database_or_not_the_suites_is_an_error() {
    let (place, _database) = place();
    place.write(
        "text.db",
        b"id,text\n1,a\n2,this is no database at all, and longer than a header\n",
    );
    let outside = tempfile::tempdir().expect("a folder");
    Connection::open(outside.path().join("other.db")).expect("opened");
    for (path, expected) in [
        ("text.db".to_owned(), "it is not a SQLite database"),
        ("none.db".to_owned(), "cannot be read"),
        (outside.path().join("other.db").display().to_string(), "is outside of"),
        (".".to_owned(), "is a folder"),
    ] {
        let params = json!({ "path": path, "query": "SELECT 1 AS one" });
        let text = failure(place.resolve("sqlite", &params, true));
        assert!(text.contains(expected), "{path}: {text}");
    }
}
