//! Log files that grow, are rotated in every usual way, packed, cut and damaged: each line comes once, whether one
//! process reads them or many do, one after the other.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use evalmark_core::{
    files::FileAccess,
    logs::{LogDamage, LogInput, LogPosition, LogRead},
};
use evalmark_integrations::logs::{LogFiles, LogFilesOptions};
use flate2::{Compression, write::GzEncoder};

/// A folder with logs, and what was read of them.
struct World {
    folder: tempfile::TempDir,
    reader: Option<LogFiles>,
    positions: BTreeMap<usize, LogPosition>,
    lines: Vec<String>,
    damaged: Vec<LogDamage>,
    next: u32,
    written: Vec<String>,
    /// Seconds since 1970.
    now: i64,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            reader: None,
            positions: BTreeMap::new(),
            lines: Vec::new(),
            damaged: Vec::new(),
            next: 0,
            written: Vec::new(),
            now: 0,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A line that nobody wrote before.
    fn line(&mut self) -> String {
        self.next += 1;
        let line = format!("{{\"id\":{},\"text\":\"{}\"}}", self.next, "x".repeat(60));
        self.written.push(line.clone());
        line
    }

    fn text(&mut self, n: usize) -> String {
        (0..n).map(|_| self.line() + "\n").collect()
    }

    fn append(&mut self, name: &str, n: usize) {
        let text = self.text(n);
        append(&self.path(name), text.as_bytes());
    }

    /// Reads until there is nothing more now.
    fn read(&mut self, place: &str, follow: bool) {
        self.read_at_most(place, follow, usize::MAX);
    }

    fn read_at_most(&mut self, place: &str, follow: bool, chunks: usize) {
        let mut reader = self.reader.take().unwrap_or_else(|| self.open(place, follow));
        for _ in 0..chunks {
            let LogRead::Chunk(chunk) = reader.read().expect("logs") else { break };
            let text = String::from_utf8(chunk.bytes).expect("text");
            self.lines.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
            self.damaged.extend(chunk.damaged);
            self.positions.insert(chunk.file.expect("a file"), *chunk.after);
        }
        self.positions = reader.positions().expect("files").into_iter().enumerate().collect();
        self.reader = Some(reader);
    }

    fn open(&mut self, place: &str, follow: bool) -> LogFiles {
        let positions: Vec<_> = std::mem::take(&mut self.positions).into_values().collect();
        self.positions = positions.iter().cloned().enumerate().collect();
        let places = [self.path(place)];
        let access = FileAccess::unlimited();
        let options = LogFilesOptions { places: &places, access, positions, follow, now: self.now };
        LogFiles::open(options).expect("logs")
    }

    /// Another process goes on from here.
    fn restart(&mut self) {
        self.reader = None;
    }

    fn check(&self) {
        let (mut read, mut written) = (self.lines.clone(), self.written.clone());
        read.sort();
        written.sort();
        assert_eq!(read.len(), written.len(), "lines read, lines written");
        assert_eq!(read, written);
        assert_eq!(self.damaged, []);
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = File::options().append(true).create(true).open(path).expect("a file");
    file.write_all(bytes).expect("room");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// How a log file is rotated.
#[derive(Clone, Copy, Debug)]
enum Rotation {
    Rename,
    /// The old content is packed at once.
    RenameAndPack,
    CopyAndCut,
}

fn rotate(world: &mut World, rotation: Rotation, generation: u32) {
    let (log, old) = (world.path("app.log"), world.path(&format!("app.log.{generation}")));
    match rotation {
        Rotation::Rename => fs::rename(&log, &old).expect("a name"),
        Rotation::RenameAndPack => {
            let content = fs::read(&log).expect("a log");
            fs::write(old.with_extension(format!("{generation}.gz")), gzip(&content))
                .expect("room");
            fs::remove_file(&log).expect("a log");
        }
        Rotation::CopyAndCut => {
            fs::copy(&log, &old).expect("room");
            File::options().write(true).open(&log).and_then(|file| file.set_len(0)).expect("a log");
        }
    }
}

#[test]
fn each_line_comes_once_through_every_rotation() {
    for rotation in [Rotation::Rename, Rotation::RenameAndPack, Rotation::CopyAndCut] {
        for place in ["app.log", "", "app.log*"] {
            for restarts in [false, true] {
                let mut world = World::new();
                world.append("app.log", 20);
                world.read(place, true);
                for generation in 1..4 {
                    world.append("app.log", 10);
                    world.read(place, true);
                    // What is written last before a rotation is found where it lies then.
                    world.append("app.log", 7);
                    if restarts {
                        world.restart();
                    }
                    rotate(&mut world, rotation, generation);
                    world.append("app.log", 5);
                    world.read(place, true);
                    world.append("app.log", 5);
                    world.read(place, true);
                }
                assert_eq!(world.written.len(), 101, "{rotation:?} {place} {restarts}");
                world.check();
            }
        }
    }
}

#[test]
fn a_copy_is_no_other_file_until_its_original_is_cut() {
    let mut world = World::new();
    world.append("app.log", 30);
    world.read("", true);
    fs::copy(world.path("app.log"), world.path("app.log.1")).expect("room");
    world.read("", true);
    world.restart();
    world.read("", true);
    world.check();
    File::options()
        .write(true)
        .open(world.path("app.log"))
        .and_then(|f| f.set_len(0))
        .expect("a log");
    world.read("", true);
    world.append("app.log", 3);
    world.read("", true);
    world.check();
}

/// Short lines of one text: what a file begins with tells little.
fn few(world: &mut World, n: usize) -> String {
    let one = |world: &mut World| {
        world.next += 1;
        let line = format!("{{\"id\":{}}}", world.next);
        world.written.push(line.clone());
        line + "\n"
    };
    (0..n).map(|_| one(world)).collect()
}

#[test]
fn a_file_of_a_few_bytes_that_is_copied_and_cut_counts_once() {
    for n in [1, 3, 20, 28] {
        for restarts in [false, true] {
            let mut world = World::new();
            for generation in 1..5 {
                let text = few(&mut world, n);
                assert!(text.len() < 400);
                append(&world.path("app.log"), text.as_bytes());
                world.read("", true);
                if generation == 3 {
                    let more = few(&mut world, 1);
                    append(&world.path("app.log"), more.as_bytes());
                }
                if restarts {
                    world.restart();
                }
                rotate(&mut world, Rotation::CopyAndCut, generation);
                world.read("", true);
            }
            world.check();
        }
    }
}

/// Two services that wrote the same few bytes are two files, and so are they when they go on.
#[test]
fn files_of_one_content_and_other_names_are_not_the_same() {
    let mut world = World::new();
    let start = few(&mut world, 2);
    world.written.extend(start.lines().map(str::to_owned));
    for name in ["orders.log", "users.log"] {
        append(&world.path(name), start.as_bytes());
    }
    world.read("", true);
    world.check();
    for name in ["orders.log", "users.log"] {
        world.append(name, 20);
        world.read("", true);
    }
    world.restart();
    world.read("", true);
    world.check();
}

/// What a service writes first each time, before its lines.
fn same_start(world: &mut World) -> String {
    let lines: Vec<_> =
        (0..20).map(|i| format!("{{\"start\":{i},\"text\":\"{}\"}}", "y".repeat(70))).collect();
    world.written.extend(lines.iter().cloned());
    lines.join("\n") + "\n"
}

#[test]
fn a_file_that_is_cut_and_begins_as_before_loses_no_line() {
    for restarts in [false, true] {
        for more in [5, 40, 300] {
            let mut world = World::new();
            for generation in 1..5 {
                let start = same_start(&mut world);
                assert!(start.len() > 1_500);
                append(&world.path("app.log"), start.as_bytes());
                // The second time it is longer at once than what was read before.
                let n = if generation % 2 == 0 { more } else { 30 };
                world.append("app.log", n);
                if restarts {
                    world.restart();
                }
                if generation % 2 == 0 {
                    world.read("", true);
                }
                world.read("", true);
                rotate(&mut world, Rotation::CopyAndCut, generation);
            }
            world.read("", true);
            world.check();
        }
    }
}

#[test]
fn a_packed_file_that_begins_as_another_is_read() {
    let mut world = World::new();
    for generation in 1..4 {
        let text = same_start(&mut world) + &world.text(30);
        let name = format!("app.log.{generation}.gz");
        fs::write(world.path(&name), gzip(text.as_bytes())).expect("room");
        world.read("", true);
        fs::remove_file(world.path(&name)).expect("a file");
        world.read("", true);
    }
    world.check();
}

/// A copy that goes on otherwise is a file of its own, all of which counts.
#[test]
fn a_copy_that_goes_on_otherwise_is_another_file() {
    let mut world = World::new();
    world.append("one.log", 30);
    world.read("", true);
    fs::copy(world.path("one.log"), world.path("two.log")).expect("room");
    world.read("", true);
    world.check();
    world.written.extend(world.lines.clone());
    world.append("one.log", 3);
    world.append("two.log", 4);
    world.read("", true);
    world.restart();
    world.read("", true);
    world.check();
}

#[test]
fn files_that_are_gone_for_long_are_forgotten() {
    let mut world = World::new();
    for file in 0..6 {
        world.append(&format!("{file}.log"), 10);
        world.read("", false);
        world.restart();
        if file > 0 {
            fs::remove_file(world.path(&format!("{}.log", file - 1))).expect("a file");
        }
        world.now += 20 * 86_400;
    }
    world.append("5.log", 3);
    world.read("", false);
    world.restart();
    // The last that is there, and those that have been missed for thirty days at most.
    assert!(world.positions.len() <= 4, "{:#?}", world.positions);
    world.append("5.log", 3);
    world.read("", false);
    world.check();
}

#[test]
fn a_half_line_waits_for_its_rest() {
    let mut world = World::new();
    world.append("app.log", 3);
    let line = world.line();
    append(&world.path("app.log"), &line.as_bytes()[..30]);
    world.read("app.log", true);
    assert_eq!(world.lines.len(), 3);
    world.restart();
    world.read("app.log", false);
    assert_eq!(world.lines.len(), 3, "a half line is none, even where nobody waits");
    append(&world.path("app.log"), &line.as_bytes()[30..]);
    world.restart();
    world.read("app.log", false);
    world.check();
    // Its end came later.
    append(&world.path("app.log"), b"\n");
    world.append("app.log", 2);
    world.restart();
    world.read("app.log", false);
    world.check();
}

#[test]
fn packed_files_go_on_where_they_stopped() {
    for pack in [gzip, |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory")] {
        let mut world = World::new();
        let text = world.text(60_000);
        fs::write(world.path("old.jsonl.packed.log"), pack(text.as_bytes())).expect("room");
        world.read_at_most("", false, 2);
        assert!(!world.lines.is_empty() && world.lines.len() < 40_000);
        world.restart();
        world.read("", false);
        world.check();
        world.restart();
        world.read("", false);
        world.check();
    }
}

#[test]
fn a_packed_file_that_ends_early_is_damaged_once() {
    let mut world = World::new();
    let text = world.text(30_000);
    let packed = gzip(text.as_bytes());
    fs::write(world.path("old.log.gz"), &packed[..packed.len() / 2]).expect("room");
    // Somebody may still be writing it.
    world.read("old.log.gz", true);
    assert_eq!(world.damaged, []);
    fs::write(world.path("old.log.gz"), &packed).expect("room");
    world.read("old.log.gz", true);
    world.check();
    fs::write(world.path("cut.log.gz"), &packed[..packed.len() / 2]).expect("room");
    let mut other = World::new();
    fs::copy(world.path("cut.log.gz"), other.path("cut.log.gz")).expect("room");
    for _ in 0..2 {
        other.read("cut.log.gz", false);
        other.restart();
        assert_eq!(other.damaged.len(), 1, "{:?}", other.damaged);
    }
    assert!(other.damaged[0].problem.contains("cannot be unpacked any further"));
}

#[test]
fn what_is_not_there_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |name: &str, part: &str| {
        let places = [folder.path().join(name)];
        let access = FileAccess::unlimited();
        let (positions, follow) = (Vec::new(), true);
        let options = LogFilesOptions { places: &places, access, positions, follow, now: 0 };
        let error = LogFiles::open(options).err().expect(name).to_string();
        assert!(error.contains(part), "{error}");
    };
    check("none.log", "there are no logs at");
    check("*.jsonl", "there are no logs at");
    check("", "there are no logs at");
}
