//! `evalmark view` over a run with very many samples: how long each page takes, and how much memory the
//! viewer needs.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The longest that a page may take.
pub const LONGEST: Duration = Duration::from_millis(500);

/// The most memory that the viewer may need, in bytes.
pub const MOST_MEMORY: u64 = 300_000_000;

/// How long a page is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// A run to page through.
#[derive(Clone, Debug)]
pub struct ViewTrial {
    /// The program.
    pub evalmark: PathBuf,
    /// How many samples the run has.
    pub samples: u64,
}

/// What a page took.
#[derive(Clone, Debug)]
pub struct PageTime {
    /// Its address.
    pub path: String,
    /// The longest of several times.
    pub longest: Duration,
    /// Bytes of the page.
    pub bytes: usize,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct ViewTimes {
    /// How long it took to make the run.
    pub made_in: Duration,
    /// Bytes of `samples.parquet`.
    pub file_bytes: u64,
    /// Every page.
    pub pages: Vec<PageTime>,
    /// The most memory that the viewer needed (`VmHWM`); `None` where the system does not tell.
    pub memory: Option<u64>,
    /// The part of it that is not mapped from files (`RssAnon`), at the end.
    pub own_memory: Option<u64>,
}

impl ViewTimes {
    /// Whether every page and the memory are within their limits.
    pub fn holds(&self) -> bool {
        self.pages.iter().all(|page| page.longest <= LONGEST)
            && self.memory.is_none_or(|memory| memory <= MOST_MEMORY)
    }
}

impl ViewTrial {
    /// Makes a run of recorded answers, and pages through it.
    pub fn run(&self) -> io::Result<ViewTimes> {
        let folder = tempfile::tempdir()?;
        let begun = Instant::now();
        self.make_run(&folder)?;
        let made_in = begun.elapsed();
        let samples = folder.path().join("reports/large/r1/samples.parquet");
        let file_bytes = fs::metadata(samples)?.len();
        let viewer = Viewer::start(&self.evalmark, folder.path())?;
        let mut pages = Vec::new();
        for path in self.paths() {
            pages.push(viewer.time(&path)?);
        }
        let memory = viewer.memory("VmHWM:");
        let own_memory = viewer.memory("RssAnon:");
        Ok(ViewTimes { made_in, file_bytes, pages, memory, own_memory })
    }

    fn make_run(&self, folder: &TempDir) -> io::Result<()> {
        let mut data = BufWriter::new(File::create(folder.path().join("data.csv"))?);
        writeln!(data, "id,question,label,answer")?;
        for i in 0..self.samples / 2 {
            let right = ["money", "delivery", "login"][usize::try_from(i % 3).unwrap_or_default()];
            let answer = if i % 7 == 0 { "none of these" } else { right };
            writeln!(
                data,
                "T-{i:07},Where is the parcel {i} that I ordered? I have been waiting for {} days \
                 and nobody answers.,{right},The message is about {answer}: the customer says so in \
                 the words of case {i}.",
                i % 30
            )?;
        }
        data.into_inner()?.sync_all()?;
        let suite = "\
name: large
dataset: { path: data.csv, id: id, target: label }
prompts:
  - { name: plain, template: 'Which topic is this about: money, delivery or login? {{ question }}' }
  - { name: terse, template: 'Topic of: {{ question }}' }
models: [{ name: m, provider: recorded, recorded: { column: answer } }]
metrics: [{ name: includes, includes: {} }]
";
        fs::write(folder.path().join("suite.yaml"), suite)?;
        let arguments = ["run", "suite.yaml", "--run-id", "r1", "--quiet", "--no-cache"];
        let ended = command(&self.evalmark, folder.path(), &arguments).output()?;
        if ended.status.code() == Some(0) {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&ended.stderr).into_owned()))
    }

    fn paths(&self) -> Vec<String> {
        let samples = "/run/large/r1/samples";
        let (middle, last) = (self.samples / 2, self.samples.saturating_sub(50));
        let near = format!("case+{}%3A", self.samples / 4);
        let mut paths = vec!["/".to_owned(), "/run/large/r1".to_owned(), samples.to_owned()];
        for query in [
            format!("from={middle}"),
            format!("from={last}"),
            "prompt=terse".to_owned(),
            "metric=includes&at_most=0.5".to_owned(),
            "outcome=failed".to_owned(),
            "q=nothing+like+this".to_owned(),
            format!("q={near}"),
            format!("q={near}&from={middle}"),
            "prompt=terse&q=parcel&metric=includes&at_most=0.5".to_owned(),
        ] {
            paths.push(format!("{samples}?{query}"));
        }
        paths.push(format!("/run/large/r1/sample/{middle}"));
        paths
    }
}

/// The program as a viewer.
struct Viewer {
    child: Child,
    port: u16,
    token: String,
}

impl Viewer {
    fn start(evalmark: &Path, folder: &Path) -> io::Result<Self> {
        let mut command = command(evalmark, folder, &["view", "reports", "--no-open"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line.trim().strip_prefix("http://127.0.0.1:");
        let parts = address.and_then(|address| address.split_once("/?token="));
        let told = parts.and_then(|(port, token)| Some((port.parse().ok()?, token.to_owned())));
        let (port, token) =
            told.ok_or_else(|| io::Error::other(format!("no address, but {line}")))?;
        Ok(Self { child, port, token })
    }

    /// The longest of three times of a page.
    fn time(&self, path: &str) -> io::Result<PageTime> {
        let mut page = PageTime { path: path.to_owned(), longest: Duration::ZERO, bytes: 0 };
        for _ in 0..3 {
            let begun = Instant::now();
            page.bytes = self.get(path)?;
            page.longest = page.longest.max(begun.elapsed());
        }
        Ok(page)
    }

    fn get(&self, path: &str) -> io::Result<usize> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let Self { port, token, .. } = self;
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
        // Writing to a string does not fail.
        let _ = write!(request, "Cookie: evalmark-{port}={token}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        if answer.starts_with(b"HTTP/1.1 200 ") {
            return Ok(answer.len());
        }
        Err(io::Error::other(format!("{path}: {}", String::from_utf8_lossy(&answer))))
    }

    /// A line of what Linux tells of the process, in bytes.
    fn memory(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(evalmark: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(evalmark);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command.env_remove("EVALMARK_CACHE_DIR");
    command
}
