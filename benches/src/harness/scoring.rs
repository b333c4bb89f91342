//! `evalmark run` over recorded answers, on more and more cores: nothing is asked, so that it is reading, scoring
//! and writing alone. Its floor is the CPU time that it takes, spread evenly over the cores.

use std::{fmt, fs, io, num::NonZero, process::Command, thread};

use super::{
    Bench, GateLoad,
    child::{Took, run_watched},
    gates::{suite, write_answers},
    stages::Stages,
};

/// What a run took on so many cores.
#[derive(Debug)]
pub struct ScoringMeasured {
    cores: usize,
    took: Took,
    stages: Stages,
}

/// The head of a table of runs.
pub const SCORING: &str = "\
| cores | wall | CPU | wall / (CPU / cores) | peak | CPU by thread |
| ---: | ---: | ---: | ---: | ---: | --- |";

/// Threads that are told of.
const TOLD: usize = 6;

impl Bench {
    /// Measures a run over recorded answers on 1, 2, 4 … cores, as many as there are; `tell` is shown each. Fewer
    /// than all need the program `taskset`.
    pub fn measure_scoring(
        &self,
        load: GateLoad,
        mut tell: impl FnMut(&ScoringMeasured),
    ) -> io::Result<()> {
        let folder = self.folder.path();
        fs::write(folder.join("gated.yaml"), suite(load))?;
        write_answers(&folder.join("gated.csv"), load, 3)?;
        let all = thread::available_parallelism().map_or(1, NonZero::get);
        let fewer = std::iter::successors(Some(1), |cores| Some(cores * 2));
        for cores in fewer.take_while(|cores| *cores < all).chain([all]) {
            let run = self.command(&["run", "gated.yaml", "--run-id", "scored", "--no-cache"]);
            let mut stages = Stages::default();
            let took = run_watched(&mut on(cores, all, run), |pid| stages.look(pid))?;
            fs::remove_dir_all(folder.join("reports"))?;
            tell(&ScoringMeasured { cores, took, stages });
        }
        Ok(())
    }
}

/// The command on the first so many cores.
fn on(cores: usize, all: usize, command: Command) -> Command {
    if cores == all {
        return command;
    }
    let mut limited = Command::new("taskset");
    limited.arg("--cpu-list").arg(format!("0-{}", cores - 1));
    limited.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}

impl fmt::Display for ScoringMeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, took, stages } = self;
        let (wall, cpu) = (took.wall.as_secs_f64(), took.cpu.as_secs_f64());
        let floor = cpu / f64::from(u32::try_from(*cores).unwrap_or(u32::MAX));
        let stages = stages.by_name();
        let stages = stages.iter().take(TOLD);
        let stages: Vec<String> =
            stages.map(|(name, time)| format!("{name} {:.1} s", time.as_secs_f64())).collect();
        write!(
            f,
            "| {cores} | {wall:.1} s | {cpu:.1} s | {:.2} | {:.0} MB | {} |",
            wall / floor,
            took.peak as f64 / 1e6,
            stages.join(", "),
        )
    }
}
