//! `evalmark gate` over long runs, beside its floor: polars reading the same columns of the same files.

use std::{
    fmt, fs,
    io::{self, BufWriter, Write},
    path::Path,
    process::Command,
};

use super::{
    Bench,
    child::{Took, run},
};

/// A run and its baseline.
#[derive(Clone, Copy, Debug)]
pub struct GateLoad {
    /// Items, one sample each.
    pub items: u64,
    /// Scores of a sample.
    pub metrics: usize,
    /// Columns that the items are sliced by.
    pub slices: usize,
}

/// What a gate took, and reading what it reads.
#[derive(Clone, Copy, Debug)]
pub struct GateMeasured {
    load: GateLoad,
    gate: Took,
    scan: Took,
}

/// The head of a table of gates.
pub const GATES: &str = "\
| items | metrics | slices | gate: wall, CPU, peak | polars scan: wall, CPU, peak | wall ratio |
| ---: | ---: | ---: | ---: | ---: | ---: |";

const SCRIPT: &str = include_str!("polars_scan.py");

/// What the metrics are: two kinds of values, as in most suites.
const KINDS: [&str; 5] = [
    "exact: {}",
    "regex: { pattern: '^[a-z]+$' }",
    "fuzzy: { algorithm: levenshtein }",
    "regex: { pattern: e }",
    "fuzzy: { algorithm: jaro_winkler }",
];

const WORDS: [&str; 8] =
    ["delivery", "money", "login", "refund", "account", "invoice", "parcel", "order"];

impl Bench {
    /// Measures one gate; `python` must have the package polars.
    pub fn measure_gate(&self, load: GateLoad, python: &Path) -> io::Result<GateMeasured> {
        let folder = self.folder.path();
        fs::write(folder.join("gated.yaml"), suite(load))?;
        for (id, chance) in [("before", 3), ("after", 5)] {
            write_answers(&folder.join("gated.csv"), load, chance)?;
            run(&mut self.command(&["run", "gated.yaml", "--run-id", id, "--no-cache"]))?;
        }
        run(&mut self.command(&["baseline", "promote", "reports/gated/before", "main"]))?;
        let gate = run(&mut self.command(&["gate", "reports/gated/after", "--baseline", "main"]))?;
        let script = folder.join("polars_scan.py");
        fs::write(&script, SCRIPT)?;
        let runs = ["before", "after"].map(|id| folder.join("reports/gated").join(id));
        let files = runs.map(|run| run.join("scores.parquet"));
        let scan = run(Command::new(python).arg(&script).args(&files))?;
        fs::remove_dir_all(folder.join("reports"))?;
        Ok(GateMeasured { load, gate, scan })
    }
}

pub(super) fn suite(load: GateLoad) -> String {
    let slices: Vec<String> = (0..load.slices).map(|at| format!("s{at}")).collect();
    let metrics = KINDS.iter().cycle().take(load.metrics).enumerate();
    let metrics: Vec<String> =
        metrics.map(|(at, kind)| format!("  - {{ name: m{at}, {kind} }}\n")).collect();
    format!(
        "\
name: gated
dataset: {{ path: gated.csv, id: id, target: label, slices: [{}] }}
prompts: [{{ name: plain, template: '{{{{ question }}}}' }}]
models: [{{ name: logged, recorded: {{ column: answer }} }}]
metrics:
{}",
        slices.join(", "),
        metrics.concat()
    )
}

/// Items of which about a fifth are answered wrongly; which, is by chance.
pub(super) fn write_answers(path: &Path, load: GateLoad, chance: u64) -> io::Result<()> {
    let mut data = BufWriter::new(fs::File::create(path)?);
    write!(data, "id,question,label,answer")?;
    (0..load.slices).try_for_each(|slice| write!(data, ",s{slice}"))?;
    writeln!(data)?;
    for item in 0..load.items {
        let word = |number: u64| WORDS[usize::try_from(number % 8).unwrap_or_default()];
        let mixed = (item + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
        let drawn = mixed.wrapping_mul(chance) % 1000;
        let label = word(item);
        let answer = if drawn < 200 { word(drawn) } else { label };
        write!(data, "i{item:08},Which topic has message {item}?,{label},{answer}")?;
        for slice in 0..load.slices as u64 {
            write!(data, ",v{}", (item >> slice) % (3 + 2 * slice))?;
        }
        writeln!(data)?;
    }
    data.flush()
}

impl fmt::Display for GateMeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, gate, scan } = self;
        let took = |took: &Took| {
            let (wall, cpu) = (took.wall.as_secs_f64(), took.cpu.as_secs_f64());
            format!("{wall:.2} s, {cpu:.2} s, {:.0} MB", took.peak as f64 / 1e6)
        };
        write!(
            f,
            "| {} | {} | {} | {} | {} | {:.2} |",
            load.items,
            load.metrics,
            load.slices,
            took(gate),
            took(scan),
            gate.wall.as_secs_f64() / scan.wall.as_secs_f64(),
        )
    }
}
