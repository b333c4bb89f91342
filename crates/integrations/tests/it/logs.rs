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
            self.positions.insert(chunk.file.expect("a file"), chunk.after);
        }
        self.reader = Some(reader);
    }

    fn open(&mut self, place: &str, follow: bool) -> LogFiles {
        let positions: Vec<_> = std::mem::take(&mut self.positions).into_values().collect();
        self.positions = positions.iter().cloned().enumerate().collect();
        let places = [self.path(place)];
        let access = FileAccess::unlimited();
        let options = LogFilesOptions { places: &places, access, positions, follow };
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
        let options =
            LogFilesOptions { places: &places, access, positions: Vec::new(), follow: true };
        let error = LogFiles::open(options).err().expect(name).to_string();
        assert!(error.contains(part), "{error}");
    };
    check("none.log", "there are no logs at");
    check("*.jsonl", "there are no logs at");
    check("", "there are no logs at");
}
