//! Sources that fail half way: an error that says where, no model is asked, and nothing of them is kept.

use std::fs;

use evalmark_loopback::{Reply, Server};

use crate::{
    setup::{World, right},
    workbook::workbook,
};

/// How what zstd packed begins.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// How many rows there are.
const ROWS: usize = 4_000;

/// Runs a suite whose dataset is this, once `prepare` has made its files.
#[track_caller]
fn check(dataset: &str, prepare: impl FnOnce(&World), expected: &[&str]) {
    let model = Server::start(right);
    let world = World::new(ROWS);
    prepare(&world);
    let (suite, plain) = (crate::setup::suite(&model.url(), ""), "dataset: { path: data.csv,");
    assert!(suite.contains(plain));
    world.write("suite.yaml", &suite.replace(plain, &format!("dataset: {{ {dataset},")));
    let ran = world.run_suite("r", &[]).expect(2);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in expected {
        assert!(said.contains(words), "{dataset}: `{words}` is not in {said}");
    }
    assert_eq!(model.count(), 0, "{dataset}");
    assert!(!world.path("reports/test/r").exists(), "{dataset}");
    let kept = fs::read_dir(world.path("cache/evalmark/datasets/content"));
    assert_eq!(kept.into_iter().flatten().count(), 0, "{dataset}");
}

/// Writes the first two thirds of a file.
fn cut(world: &World, name: &str, bytes: &[u8]) {
    fs::write(world.path(name), &bytes[..bytes.len() * 2 / 3]).expect("written");
}

/// The dataset as this program writes it in another format.
fn converted(world: &World, name: &str) -> Vec<u8> {
    world.run(&["dataset", "convert", "data.csv", "--out", name]).expect(0);
    world.bytes(name)
}

#[test]
fn files_that_were_cut_or_damaged_are_told_with_their_place() {
    check(
        "path: data.csv.gz",
        |world| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &world.bytes("data.csv")).expect("memory");
            cut(world, "data.csv.gz", &encoder.finish().expect("memory"));
        },
        &["data.csv.gz", "cannot be unpacked beyond byte ", "(line "],
    );
    check(
        "path: data.jsonl",
        |world| {
            let whole = converted(world, "data.jsonl");
            cut(world, "data.jsonl", &whole);
        },
        &["data.jsonl, line 26", "cut off"],
    );
    check(
        "path: data.parquet",
        |world| {
            let whole = converted(world, "data.parquet");
            cut(world, "data.parquet", &whole);
        },
        &["data.parquet", "not a readable Parquet file", "it is cut off at byte "],
    );
    check(
        "path: data.parquet",
        |world| {
            let mut whole = converted(world, "data.parquet");
            let half = whole.len() / 3;
            whole[half..half + 64].fill(0xAA);
            fs::write(world.path("data.parquet"), whole).expect("written");
        },
        &["data.parquet", "not a readable Parquet file: its content is not what was written"],
    );
}

/// Where a part of the bytes begins that is like this one.
fn place_of(bytes: &[u8], part: &str) -> usize {
    let found = bytes.windows(part.len()).position(|window| window == part.as_bytes());
    found.expect(part)
}

#[test]
fn a_workbook_that_was_cut_or_damaged_is_told_with_its_place() {
    let written = |world: &World| workbook(&String::from_utf8_lossy(&world.bytes("data.csv")));
    let cut_off = |world: &World| cut(world, "data.xlsx", &written(world));
    let expected = ["data.xlsx", "not a readable Excel workbook, or is cut off at byte "];
    check("path: data.xlsx", cut_off, &expected);
    // Its parts are all there, and one is no XML from row 1234 on.
    let damaged = |world: &World| {
        let mut bytes = written(world);
        let at = place_of(&bytes, r#"<row r="1235">"#);
        bytes[at..at + 14].copy_from_slice(b"</sheet></x>&&");
        fs::write(world.path("data.xlsx"), bytes).expect("written");
    };
    let expected = ["data.xlsx", "the sheet `Rows` cannot be read behind row 1234: "];
    check("path: data.xlsx", damaged, &expected);
}

#[test]
fn an_arrow_file_that_was_cut_or_damaged_is_told_with_its_place() {
    let rows: [&[u8]; 2] =
        [include_bytes!("arrow/rows.arrow"), include_bytes!("arrow/rows.arrows")];
    let [file, stream] = rows;
    let expected = ["data.arrow", "not a readable Arrow file: it is cut off at byte 21324"];
    check("path: data.arrow", |world| cut(world, "data.arrow", file), &expected);
    // A stream has no footer: the batch that is not all there is found by its length.
    let expected = ["data.arrow", "it is cut off, or damaged: byte ", " of 21072"];
    check("path: data.arrow", |world| cut(world, "data.arrow", stream), &expected);
    for bytes in rows {
        let damaged = |world: &World| {
            let mut bytes = bytes.to_vec();
            // Six buffers are packed in each batch: the first one of the fourth batch.
            let mut frames = bytes.windows(4).enumerate().filter(|(_, part)| *part == ZSTD);
            let (at, _) = frames.nth(18).expect("a frame");
            bytes[at..at + 4].fill(0xAA);
            fs::write(world.path("data.arrow"), bytes).expect("written");
        };
        let expected = ["data.arrow", "row 1501 and those behind it cannot be read"];
        check("path: data.arrow", damaged, &expected);
    }
}

#[test]
fn a_damaged_database_is_told_with_its_row() {
    check(
        "source: { sqlite: { path: t.db, query: 'SELECT id, text, label FROM t' } }",
        |world| {
            let mut database = rusqlite::Connection::open(world.path("t.db")).expect("opened");
            database
                .execute_batch("CREATE TABLE t (id TEXT, text TEXT, label TEXT)")
                .expect("made");
            let rows = String::from_utf8(world.bytes("data.csv")).expect("text");
            let transaction = database.transaction().expect("begun");
            for row in rows.lines().skip(1) {
                let cells: Vec<_> = row.split(',').collect();
                transaction
                    .execute("INSERT INTO t VALUES (?, ?, ?)", [cells[0], cells[1], cells[2]])
                    .expect("inserted");
            }
            transaction.commit().expect("written");
            drop(database);
            let mut bytes = world.bytes("t.db");
            let half = bytes.len() / 2 / 4_096 * 4_096;
            bytes[half..half + 4_096].fill(0xAA);
            fs::write(world.path("t.db"), bytes).expect("written");
        },
        &["row ", "the query cannot be answered", "malformed"],
    );
}

#[test]
fn a_download_that_breaks_off_is_told_with_its_byte() {
    let body = World::new(ROWS).bytes("data.csv");
    let hash = blake3::hash(&body).to_hex();
    let whole = Reply::bytes(body);
    for reply in [whole.clone().truncated(), whole.reset_inside()] {
        let files = Server::start(move |_| reply.clone());
        let dataset =
            format!("source: {{ http: {{ url: '{}/data.csv', blake3: {hash} }} }}", files.url());
        check(
            &dataset,
            |_| {},
            &["/data.csv", "cannot be fetched beyond byte ", "after 4 attempts"],
        );
        assert_eq!(files.count(), 4);
    }
}
