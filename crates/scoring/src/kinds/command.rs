//! `command`: a program of the user's own scores the answers. It runs only where the command line
//! allows it; running it is somebody else's work.

use std::{sync::Arc, time::Duration};

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kind::{About, Backend, MetricDefinition},
    program::Program,
};

/// Parameters of `command`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The program and its arguments, started in the suite's folder without a shell: `[python3,
    /// score.py]`. It reads one JSON object a line (`id`, `answer`, `targets`, `item`, and where
    /// they are known `finish_reason`, `latency_ms`, `input_tokens`, `output_tokens`, `cost_usd`)
    /// until its input ends, and writes one a line in the same order: `{"score": 0.5}`, to which
    /// `id`, `passed` and `reason` may be added. `score` is a number from 0 to 1, `true` or
    /// `false`, or `null` for missing.
    #[schemars(length(min = 1))]
    program: Vec<String>,
    /// How long it may stay silent before it is stopped.
    #[serde(default = "default_timeout")]
    timeout: String,
    /// How much memory it may take (address space, Linux only): `512MB`, `4GiB`.
    #[serde(default)]
    memory: Option<String>,
    /// The most answers that one process is given.
    #[serde(default = "default_batch")]
    #[schemars(range(min = 1, max = 100_000))]
    batch: usize,
}

fn default_timeout() -> String {
    "60s".to_owned()
}

fn default_batch() -> usize {
    128
}

#[derive(Debug)]
pub(crate) struct Command;

impl MetricDefinition for Command {
    const ABOUT: About = About {
        name: "command",
        summary: "The score that your own program gives; it runs only with `--allow-exec`. An \
                  answer passes where the program says so, or from the suite's threshold on. \
                  Where the program fails, is too slow or writes what cannot be read, the score \
                  is missing.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "Own definition; JSON lines.",
    };
    const READS_OBJECTS: bool = true;
    type Params = Params;

    fn compile(Params { program, timeout, memory, batch }: Params) -> Result<Backend, ParamError> {
        if program.first().is_none_or(|name| name.trim().is_empty()) {
            return complain("/program", "the program is a list that begins with its name");
        }
        if program.iter().any(|word| word.contains('\0')) {
            return complain("/program", "a program and its arguments have no NUL character");
        }
        if !(1..=100_000).contains(&batch) {
            return complain("/batch", "`batch` must lie between 1 and 100000");
        }
        let timeout = humantime::parse_duration(&timeout)
            .ok()
            .filter(|span| *span >= Duration::from_millis(1));
        let Some(timeout) = timeout else {
            return complain("/timeout", "not a time span; write `60s`, `500ms` or `2m`");
        };
        let memory = match memory.as_deref().map(bytes) {
            Some(None) => {
                return complain("/memory", "not an amount of memory; write `512MB` or `4GiB`");
            }
            Some(Some(bytes)) => Some(bytes),
            None => None,
        };
        Ok(Backend::Program(Arc::new(Program { command: program, timeout, memory, batch })))
    }
}

/// `512MB` in bytes, at least one of them.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale).filter(|bytes| *bytes > 0)
}

fn complain<T>(pointer: &str, message: &str) -> Result<T, ParamError> {
    Err(ParamError { pointer: pointer.to_owned(), message: message.to_owned() })
}
