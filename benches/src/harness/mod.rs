//! The whole program against a server on loopback, beside a bare loop over the same requests: what
//! the pipeline (render, ask, ledger, score with three metrics, Parquet) takes beyond asking.
//!
//! Both run as processes of their own, one after the other, and share the machine with the server,
//! which runs in this one.

mod bare;
mod child;
mod gates;
mod scoring;
mod stages;

use std::{
    fmt, fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use evalmark_loopback::{Reply, Server};
use tempfile::TempDir;

pub use bare::{BareError, ask};
use child::{Took, run};
pub use gates::{GATES, GateLoad, GateMeasured};
pub use scoring::{SCORING, ScoringMeasured};

/// One load: how many items, how many at once, how long an answer takes.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Items, one sample each.
    pub items: u64,
    /// Requests in flight.
    pub at_once: u64,
    /// What the server waits before it answers.
    pub service: Duration,
}

/// What a load took the program, and the bare loop.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    load: Load,
    bare: Took,
    program: Took,
    /// The same run again, every answer cached.
    cached: Took,
}

/// The program in a folder of its own.
pub struct Bench {
    evalmark: PathBuf,
    folder: TempDir,
}

/// The question about an item.
fn question(item: u64) -> String {
    format!("Is item {item} yes or no? Answer with one word.")
}

impl Load {
    /// The least time: as many requests as may be, one after the other, in each lane.
    fn ideal(self) -> Duration {
        let rounds = self.items.div_ceil(self.at_once);
        self.service * u32::try_from(rounds).unwrap_or(u32::MAX)
    }
}

impl Bench {
    /// For the program at this path.
    pub fn new(evalmark: &Path) -> io::Result<Self> {
        Ok(Self { evalmark: evalmark.canonicalize()?, folder: tempfile::tempdir()? })
    }

    /// Measures one load: the bare loop, the program, and the program again with all answers there.
    pub fn measure(&self, load: Load) -> io::Result<Measured> {
        let server = Server::start_counting(move |_| Reply::text("yes").after(load.service));
        let folder = self.folder.path();
        self.write(load, &server.url())?;
        let mut bare = Command::new(std::env::current_exe()?);
        bare.args(["--bare", &server.url(), &load.items.to_string(), &load.at_once.to_string()]);
        let bare = run(&mut bare)?;
        let program = run(&mut self.command(&["run", "suite.yaml", "--run-id", "fresh"]))?;
        let cached = run(&mut self.command(&["run", "suite.yaml", "--run-id", "again"]))?;
        for left in ["reports", "cache"] {
            fs::remove_dir_all(folder.join(left))?;
        }
        Ok(Measured { load, bare, program, cached })
    }

    /// The quickest of several starts of the program that print its version, and of several cached
    /// runs of a hundred samples.
    pub fn starts(&self) -> io::Result<[Duration; 2]> {
        let load = Load { items: 100, at_once: 16, service: Duration::ZERO };
        let server = Server::start_counting(|_| Reply::text("yes"));
        self.write(load, &server.url())?;
        run(&mut self.command(&["run", "suite.yaml"]))?;
        let quickest = |arguments: &[&str]| -> io::Result<Duration> {
            let walls = (0..10).map(|_| Ok(run(&mut self.command(arguments))?.wall));
            let walls: Vec<Duration> = walls.collect::<io::Result<_>>()?;
            Ok(walls.into_iter().min().unwrap_or_default())
        };
        let found = [quickest(&["--version"])?, quickest(&["run", "suite.yaml"])?];
        fs::remove_dir_all(self.folder.path().join("reports"))?;
        Ok(found)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(&self.evalmark);
        command.args(arguments).current_dir(folder);
        if arguments[0] == "run" {
            command.args(["--quiet", "--cache-dir", "cache"]);
        }
        command
    }

    fn write(&self, load: Load, url: &str) -> io::Result<()> {
        let folder = self.folder.path();
        let mut data = BufWriter::new(fs::File::create(folder.join("data.csv"))?);
        writeln!(data, "id,question,label")?;
        for item in 0..load.items {
            writeln!(data, "i{item},{},yes", question(item))?;
        }
        data.flush()?;
        let at_once = load.at_once;
        let suite = format!(
            "\
name: bench
dataset: {{ path: data.csv, id: id, target: label }}
prompts: [{{ name: plain, template: '{{{{ question }}}}' }}]
models:
  - {{ name: small, provider: openai, base_url: '{url}', limits: {{ concurrency: {at_once} }} }}
metrics:
  - {{ name: exact, exact: {{}} }}
  - {{ name: close, fuzzy: {{ algorithm: levenshtein }} }}
  - {{ name: format, regex: {{ pattern: '^[a-z]+$' }} }}
"
        );
        fs::write(folder.join("suite.yaml"), suite)
    }
}

/// The table's head.
pub const TABLE: &str = "\
| items | at once | service | bare: CPU, rate | evalmark: CPU, rate | CPU ratio | rate ratio | to ideal | peak | cached |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, bare, program, cached } = self;
        let items = load.items as f64;
        let micros = |took: &Took| 1e6 * took.cpu.as_secs_f64() / items;
        let rate = |took: &Took| items / took.wall.as_secs_f64();
        let to_ideal = if load.service.is_zero() {
            "–".to_owned()
        } else {
            format!("{:.3}", program.wall.as_secs_f64() / load.ideal().as_secs_f64())
        };
        write!(
            f,
            "| {} | {} | {} ms | {:.1} µs, {:.0}/s | {:.1} µs, {:.0}/s | {:.2} | {:.2} | {to_ideal} \
             | {:.0} MB | {:.0}/s |",
            load.items,
            load.at_once,
            load.service.as_millis(),
            micros(bare),
            rate(bare),
            micros(program),
            rate(program),
            micros(program) / micros(bare),
            rate(program) / rate(bare),
            program.peak as f64 / 1e6,
            rate(cached),
        )
    }
}
