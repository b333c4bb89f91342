//! Exit codes, as scripts rely on them.

pub(crate) use evalmark_runner::Ending as Exit;

/// Every ending, by its exit code.
const ALL: [Exit; 6] = [
    Exit::Done,
    Exit::Regressed,
    Exit::Usage,
    Exit::Inconclusive,
    Exit::Incomplete,
    Exit::Interrupted,
];

/// What an ending means, for people.
fn meaning(ending: Exit) -> &'static str {
    match ending {
        Exit::Done => "done; with a gate: every gated metric passes",
        Exit::Regressed => "a gated metric regressed",
        Exit::Usage => "usage or configuration error; nothing was asked",
        Exit::Inconclusive => "inconclusive: the run cannot tell",
        Exit::Incomplete => {
            "incomplete or incomparable: too many missing answers, no items, no baseline, different \
             dataset or metric"
        }
        Exit::Interrupted => "interrupted; the command that resumes the run is printed",
    }
}

/// Every exit code with what it means.
pub(crate) fn meanings() -> impl Iterator<Item = (u8, &'static str)> {
    ALL.into_iter().map(|ending| (ending.exit_code(), meaning(ending)))
}

/// What `--help` says of exit codes.
pub(crate) fn help() -> String {
    let lines = meanings().map(|(code, meaning)| format!("  {code:<3}  {meaning}"));
    format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
