//! A folder with a dataset and a suite, and the program in it.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use evalmark_loopback::{Reply, Seen};
use tempfile::TempDir;

/// A folder to run the program in.
pub(crate) struct World {
    pub(crate) folder: TempDir,
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// A folder with `n` items, whose right answers are `answer(i)`.
    pub(crate) fn new(n: usize) -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a folder") };
        world.data(0..n);
        world
    }

    /// Makes these items the dataset.
    pub(crate) fn data(&self, items: Range<usize>) {
        let row = |i| format!("i{i:04},question {i},{}\n", answer(i));
        let rows: Vec<_> = items.map(row).collect();
        self.write("data.csv", &format!("id,text,label\n{}", rows.concat()));
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A suite with two prompts that asks the server at `url`, with more keys below.
    pub(crate) fn suite(&self, url: &str, more: &str) -> PathBuf {
        self.write("suite.yaml", &suite(url, more))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evalmark"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
            .env_remove("EVALMARK_CACHE_DIR")
            .env_remove("OPENAI_API_KEY")
            .env_remove("EVALMARK_ALLOW_KEY")
            .env_remove("EVALMARK_ALLOW_PLAIN_HTTP")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("LANGFUSE_BASE_URL")
            .env_remove("LANGFUSE_HOST")
            .env_remove("MLFLOW_TRACKING_URI")
            .env_remove("MLFLOW_TRACKING_TOKEN")
            .env_remove("NO_COLOR")
            // The tests may run in a CI job; those about CI jobs say so.
            .env_remove("CI")
            .env_remove("GITHUB_STEP_SUMMARY");
        command.env("HOME", self.folder.path()).env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in(arguments, &[])
    }

    /// Runs the program to its end, with more variables in its environment.
    pub(crate) fn run_in(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(arguments);
        let output = command.envs(variables.iter().copied()).output().expect("the program starts");
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Runs the suite under a run id; the run's folder is `reports/test/ID`.
    pub(crate) fn run_suite(&self, id: &str, more: &[&str]) -> Ran {
        self.run(&[&["run", "suite.yaml", "--run-id", id], more].concat())
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect(name)
    }

    pub(crate) fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.bytes(name)).expect(name)
    }
}

impl Ran {
    /// What was told on stdout, wherever its lines end.
    pub(crate) fn words(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// The right answer to item `i`.
pub(crate) fn answer(i: usize) -> &'static str {
    ["red", "green", "blue"][i % 3]
}

/// The item that a request is about.
pub(crate) fn item(seen: &Seen) -> usize {
    let prompt = seen.prompt();
    prompt.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a question with a number")
}

/// Answers every question rightly.
pub(crate) fn right(seen: &Seen) -> Reply {
    Reply::text(answer(item(seen)))
}

pub(crate) fn suite(url: &str, more: &str) -> String {
    format!(
        "\
name: test
dataset: {{ path: data.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: 'Colour of {{{{ text }}}}' }}
  - {{ name: terse, template: '{{{{ text }}}}' }}
models:
  - {{ name: small, provider: openai, base_url: '{url}', limits: {{ concurrency: 8, attempts: 4, timeout: 5s }} }}
metrics:
  - {{ name: exact, exact: {{ normalize: [trim, casefold] }} }}
  - {{ name: close, fuzzy: {{ algorithm: levenshtein }} }}
{more}"
    )
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The finaliser of splitmix64: a seeded coin for each index.
pub(crate) fn scrambled(index: u64) -> u64 {
    let x = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) >> 8
}
