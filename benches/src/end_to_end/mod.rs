//! The error rates once more, through the whole program: a server whose answers are right with a
//! known probability, the `evalmark` binary that asks it, and the exit code of `evalmark gate`.
//!
//! Every trial is a world of its own: a baseline run, a second run of the same prompt, and a run
//! whose answers are right 15 points less often. Both later runs are gated against the first.

mod answers;
mod program;

use std::{io, path::PathBuf};

use evalmark_loopback::Server;
use evalmark_verdict::{Level, paired_proportions_power};
use rayon::prelude::*;
use thiserror::Error;

use crate::table::{Row, Tolerance, three_sigma};
use answers::{DISCORDANT, DROP, Variant};
use program::{Answer, Program};

/// Items of every run.
const ITEMS: usize = 100;

/// One-sided error rate of the gate.
const ALPHA: f64 = 0.05;

/// How far below its closed form the detection rate may be.
const POWER_OFF: f64 = 0.03;

/// What to run.
#[derive(Clone, Debug)]
pub struct Trials {
    /// The program.
    pub evalmark: PathBuf,
    /// The same seed, the same answers.
    pub seed: u64,
    /// Trials, each with one comparison of either kind.
    pub trials: u32,
}

/// Why a trial could not be run.
#[derive(Debug, Error)]
pub enum TrialError {
    /// No folder, or no program.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// The program ended in a way that is no answer.
    #[error("`evalmark {arguments}` ended with {code:?}:\n{said}")]
    Ended {
        /// How it was called.
        arguments: String,
        /// Its exit code.
        code: Option<i32>,
        /// What it said.
        said: String,
    },
}

impl Trials {
    /// Runs them all and counts regressions: false alarms, and drops that were found.
    pub fn run(&self) -> Result<[Row; 2], TrialError> {
        let seed = self.seed;
        let server = Server::start_counting(move |request| answers::reply(seed, request));
        let program = Program::new(&self.evalmark, ITEMS)?;
        let one = |trial| -> Result<[u32; 2], TrialError> {
            let run = |variant| program.run(&server.url(), trial, variant);
            let (baseline, same, worse) =
                (run(Variant::Baseline)?, run(Variant::Same)?, run(Variant::Worse)?);
            let regressed = |run| -> Result<u32, TrialError> {
                Ok(u32::from(program.gate(run, &baseline)? == Answer::Regressed))
            };
            Ok([regressed(&same)?, regressed(&worse)?])
        };
        let add = |a: [u32; 2], b: [u32; 2]| Ok([a[0] + b[0], a[1] + b[1]]);
        let [alarms, found] =
            (0..self.trials).into_par_iter().map(one).try_reduce(|| [0; 2], add)?;
        Ok([self.false_alarms(alarms), self.detection(found)])
    }

    fn row(&self, rate: &'static str, nominal: f64, count: u32, tolerance: Tolerance) -> Row {
        Row {
            rate,
            rule: "evalmark gate".into(),
            shape: "answers of a server".into(),
            n: ITEMS.to_string(),
            nominal,
            observed: f64::from(count) / f64::from(self.trials),
            tolerance,
            repeats: self.trials,
        }
    }

    fn false_alarms(&self, count: u32) -> Row {
        let limit = ALPHA + three_sigma(ALPHA, self.trials);
        self.row("false alarms", ALPHA, count, Tolerance::AtMost(limit))
    }

    fn detection(&self, count: u32) -> Row {
        let n = ITEMS as f64;
        let closed = paired_proportions_power(DISCORDANT, DROP, n, Level::one_sided(ALPHA));
        let row = self.row("power", closed, count, Tolerance::AtLeast(closed - POWER_OFF));
        Row { shape: format!("{}, drop of {:.0} points", row.shape, 100.0 * DROP), ..row }
    }
}
