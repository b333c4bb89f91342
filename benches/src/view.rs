//! `evalmark view` over runs with very many samples: how long each page takes, and how much memory the
//! viewer needs; and what comparing two such runs and their `report.html` take.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The longest that a page may take.
pub const LONGEST: Duration = Duration::from_millis(500);

/// The most memory that the viewer may need for its pages, in bytes.
pub const MOST_MEMORY: u64 = 300_000_000;

/// How long a page is waited for.
const PATIENCE: Duration = Duration::from_mins(10);

/// How often the memory of a process is looked at.
const GLANCE: Duration = Duration::from_millis(5);

/// Two runs to page through and to compare.
#[derive(Clone, Debug)]
pub struct ViewTrial {
    /// The program.
    pub evalmark: PathBuf,
    /// How many samples each run has.
    pub samples: u64,
}

/// What was measured of one thing.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The page's address, or what was done.
    pub what: String,
    /// How long it took: of a page, the longest of three times.
    pub took: Duration,
    /// Bytes of the page or file.
    pub bytes: Option<u64>,
    /// The most memory that the process needed so far (`VmHWM`); `None` where it was not looked at, or
    /// the system does not tell.
    pub memory: Option<u64>,
    /// Whether it has to be done within [`LONGEST`] and [`MOST_MEMORY`].
    pub is_limited: bool,
}

impl Measured {
    fn of(what: impl Into<String>, took: Duration) -> Self {
        Self { what: what.into(), took, bytes: None, memory: None, is_limited: false }
    }

    /// Whether it is within its limits.
    pub fn holds(&self) -> bool {
        !self.is_limited
            || (self.took <= LONGEST && self.memory.is_none_or(|memory| memory <= MOST_MEMORY))
    }
}

impl ViewTrial {
    /// Makes two runs of recorded answers, pages through one, compares them, and writes the page of one.
    pub fn run(&self) -> io::Result<Vec<Measured>> {
        let folder = tempfile::tempdir()?;
        self.write_data(&folder)?;
        let mut measured = vec![self.make_run(&folder, "r1")?, self.make_run(&folder, "r2")?];
        let viewer = Viewer::start(&self.evalmark, folder.path())?;
        for path in self.paths() {
            measured.push(viewer.time(&path)?);
        }
        measured.push(viewer.search_to_the_end("/run/large/r1/samples?q=nothing+like+this")?);
        measured.push(viewer.compare()?);
        drop(viewer);
        let [before, after] = ["reports/large/r1", "reports/large/r2"];
        measured.push(self.timed(&folder, &["compare", before, after, "--format", "json"])?);
        let mut page = self.timed(&folder, &["report", after, "--baseline", before])?;
        page.bytes = Some(fs::metadata(folder.path().join(after).join("report.html"))?.len());
        measured.push(page);
        Ok(measured)
    }

    fn write_data(&self, folder: &TempDir) -> io::Result<()> {
        let mut data = BufWriter::new(File::create(folder.path().join("data.csv"))?);
        writeln!(data, "id,question,label,chance,r1,r2")?;
        for i in 0..self.samples / 2 {
            let right = ["money", "delivery", "login"][usize::try_from(i % 3).unwrap_or_default()];
            let [first, second] =
                [7, 8].map(|wrong| if i.is_multiple_of(wrong) { "none of these" } else { right });
            // Scores that lie all over the file, however they are sorted.
            let chance = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            writeln!(
                data,
                "T-{i:07},Where is the parcel {i} that I ordered? I have been waiting for {} days \
                 and nobody answers.,{right},{:.9},The message is about {first}: the customer says \
                 so in the words of case {i}.,The message is about {second}: the customer says so in \
                 the words of case {i}.",
                i % 30,
                chance as f64 / (1_u64 << 53) as f64,
            )?;
        }
        data.into_inner()?.sync_all()
    }

    /// A run of the answers of one column.
    fn make_run(&self, folder: &TempDir, run_id: &str) -> io::Result<Measured> {
        let suite = format!(
            "\
name: large
dataset: {{ path: data.csv, id: id, target: label, ignore: [r1, r2] }}
prompts:
  - {{ name: plain, template: 'Which topic is this about: money, delivery or login? {{{{ question }}}}' }}
  - {{ name: terse, template: 'Topic of: {{{{ question }}}}' }}
models: [{{ name: m, provider: recorded, recorded: {{ column: {run_id} }} }}]
metrics:
  - {{ name: includes, includes: {{}} }}
  - {{ name: chance, expression: item.chance | float, threshold: 0.5 }}
"
        );
        fs::write(folder.path().join("suite.yaml"), suite)?;
        let made = self
            .timed(folder, &["run", "suite.yaml", "--run-id", run_id, "--quiet", "--no-cache"])?;
        let file = folder.path().join("reports/large").join(run_id).join("samples.parquet");
        Ok(Measured { bytes: Some(fs::metadata(file)?.len()), ..made })
    }

    /// Runs the program to its end.
    fn timed(&self, folder: &TempDir, arguments: &[&str]) -> io::Result<Measured> {
        let [out, error] = ["out", "error"].map(|name| folder.path().join(name));
        let begun = Instant::now();
        let mut child = command(&self.evalmark, folder.path(), arguments)
            .stdout(File::create(&out)?)
            .stderr(File::create(&error)?)
            .spawn()?;
        let mut memory = None;
        let status = loop {
            memory = memory.max(memory_of(&child, "VmHWM:"));
            match child.try_wait()? {
                Some(status) => break status,
                None => thread::sleep(GLANCE),
            }
        };
        let took = begun.elapsed();
        // A verdict may be any.
        if !matches!(status.code(), Some(0 | 1 | 3)) {
            return Err(io::Error::other(fs::read_to_string(&error)?));
        }
        let bytes = Some(fs::metadata(&out)?.len());
        let what = format!("evalmark {}", arguments.join(" "));
        Ok(Measured { bytes, memory, ..Measured::of(what, took) })
    }

    fn paths(&self) -> Vec<String> {
        let samples = "/run/large/r1/samples";
        let (middle, last) = (self.samples / 2, self.samples.saturating_sub(50));
        let near = format!("case+{}.", self.samples / 4);
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
            "sort=score.includes&order=up".to_owned(),
            "sort=score.chance&order=up".to_owned(),
            format!("sort=score.chance&order=down&from={middle}"),
            format!("sort=score.chance&order=up&from={last}"),
            "sort=score.chance&order=down&prompt=terse&metric=includes&at_most=0.5".to_owned(),
            "sort=score.chance&order=down&q=parcel".to_owned(),
            "sort=latency&order=down".to_owned(),
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
    fn time(&self, path: &str) -> io::Result<Measured> {
        let mut page = Measured { is_limited: true, ..Measured::of(path, Duration::ZERO) };
        for _ in 0..3 {
            let begun = Instant::now();
            page.bytes = Some(self.get(path)?.len() as u64);
            page.took = page.took.max(begun.elapsed());
        }
        page.memory = memory_of(&self.child, "VmHWM:");
        Ok(page)
    }

    /// All pages of a search, one after the other.
    fn search_to_the_end(&self, path: &str) -> io::Result<Measured> {
        let (base, query) = path.split_once('?').unwrap_or((path, ""));
        let (mut next, mut n_pages) = (Some(query.to_owned()), 0_u32);
        let begun = Instant::now();
        while let Some(query) = next {
            let page = self.get(&format!("{base}?{query}"))?;
            n_pages += 1;
            next = page.split("href=\"?").skip(1).find_map(|link| {
                let (address, rest) = link.split_once('"')?;
                rest.starts_with(" rel=\"next\"").then(|| address.replace("&amp;", "&"))
            });
        }
        let what = format!("{path}, to the end: {n_pages} pages");
        let memory = memory_of(&self.child, "VmHWM:");
        Ok(Measured { memory, ..Measured::of(what, begun.elapsed()) })
    }

    /// The comparison of both runs, from the first request until it is shown.
    fn compare(&self) -> io::Result<Measured> {
        let path = "/compare?baseline=large/r1&candidate=large/r2";
        let begun = Instant::now();
        let page = loop {
            let page = self.get(path)?;
            if !page.contains("data-live") {
                break page;
            }
            thread::sleep(GLANCE);
        };
        if !page.contains("<table>") {
            return Err(io::Error::other(page));
        }
        let what = format!("{path}, until it is shown");
        let (bytes, memory) = (Some(page.len() as u64), memory_of(&self.child, "VmHWM:"));
        Ok(Measured { bytes, memory, ..Measured::of(what, begun.elapsed()) })
    }

    fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let Self { port, token, .. } = self;
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
        // Writing to a string does not fail.
        let _ = write!(request, "Cookie: evalmark-{port}={token}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if answer.starts_with("HTTP/1.1 200 ") {
            return Ok(answer);
        }
        Err(io::Error::other(format!("{path}: {answer}")))
    }
}

/// A line of what Linux tells of a process, in bytes.
fn memory_of(child: &Child, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
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
