//! Exit codes, as scripts rely on them.

pub(crate) use evalmark_runner::Ending as Exit;

/// The number that stands for an ending.
pub(crate) fn exit_code(ending: Exit) -> u8 {
    match ending {
        Exit::Done => 0,
        Exit::Regressed => 1,
        Exit::Usage => 2,
        Exit::Inconclusive => 3,
        Exit::Incomplete => 4,
        Exit::Interrupted => 130,
    }
}
