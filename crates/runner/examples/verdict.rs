//! Runs a suite and reads its verdict, without the command line:
//! `cargo run -p evalmark-runner --example verdict -- suites/quickstart.yaml OUT`

use std::{env, error::Error, io::Write, path::Path};

use evalmark_core::verdict::Verdict;
use evalmark_runner::{
    BudgetLimits, Host, Notice, NoticeLevel, Notices, Permissions, Run, RunError, RunOptions,
    Secrets, load,
};

/// Keys are environment variables; they could come from a vault.
struct Keys;

impl Secrets for Keys {
    fn secret(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }
}

/// Runs a suite into the folder `out`; `hear` gets what the engine tells meanwhile.
pub(crate) fn verdict(
    suite: &Path,
    out: &Path,
    hear: &(dyn Fn(&Notice<'_>) + Sync),
) -> Result<Option<Verdict>, RunError> {
    let permissions = Permissions::default();
    let host = Host::new(Notices::new(hear), &Keys, &permissions);
    let options = RunOptions { no_cache: true, ..RunOptions::default() };
    let loaded = load(suite, &options, &host)?;
    let prepared = Run::prepare(loaded, &options, out, BudgetLimits::default(), &host)?;
    let ended = Run::begin(prepared, None, None, &host)?.finish()?;
    ended.into_verdict()
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = env::args_os().skip(1).collect();
    let [suite, out] = paths.as_slice() else { return Err("usage: verdict SUITE OUT".into()) };
    let hear = |notice: &Notice<'_>| {
        if notice.level() != NoticeLevel::Progress {
            let _ = writeln!(std::io::stderr(), "{notice}");
        }
    };
    let verdict = verdict(suite.as_ref(), out.as_ref(), &hear)?;
    let words = verdict.map_or("nothing was gated".to_owned(), |verdict| verdict.says);
    Ok(writeln!(std::io::stdout(), "{words}")?)
}
