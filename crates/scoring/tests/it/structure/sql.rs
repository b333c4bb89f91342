//! SQL in several dialects.

use serde_json::json;

use super::check_alone;
use crate::support::{check, complaint, score};

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
            vec![
                "SELECT a, b FROM t GROUP BY a WITH ROLLUP",
                "SELECT EXTRACT(YEAR_MONTH FROM d) FROM t",
                "OPTIMIZE TABLE t",
                "SELECT a FROM t LOCK IN SHARE MODE",
                "UPDATE t, u SET t.a = u.a WHERE t.b = u.b",
                "CREATE FULLTEXT INDEX i ON t(a)",
                "SELECT a MOD 2 FROM t",
            ],
        ),
        (
            "postgres",
            vec![
                "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
                "SELECT a FROM t WHERE a ISNULL",
                "SELECT a FROM t WHERE a BETWEEN SYMMETRIC 2 AND 1",
                "SELECT a FROM t ORDER BY a USING <",
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
