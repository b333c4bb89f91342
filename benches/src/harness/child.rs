//! A program run to its end: how long it took, how much of the machine's time, how much memory.

use std::{
    fs, io,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike,
};

/// How often a child's memory is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// What a child took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) wall: Duration,
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// Peak resident memory, bytes; as last seen before it ended. Linux alone tells.
    pub(super) peak: u64,
}

/// Runs it. Children must not run at the same time: the system adds up their time.
pub(super) fn run(command: &mut Command) -> io::Result<Took> {
    run_watched(command, |_| ())
}

/// The same, and shows `look` the process's number now and then.
pub(super) fn run_watched(command: &mut Command, look: impl FnMut(u32) + Send) -> io::Result<Took> {
    let before = cpu()?;
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| io::Error::other(format!("{command:?}: {error}")))?;
    let id = child.id();
    let (ended, end) = channel::<()>();
    let (status, wall, peak) = thread::scope(|scope| {
        let watching = scope.spawn(move || watch(id, &end, look));
        let status = child.wait();
        let wall = start.elapsed();
        drop(ended);
        (status, wall, watching.join().unwrap_or_default())
    });
    let status = status?;
    if !status.success() {
        return Err(io::Error::other(format!("{command:?} ended with {status}")));
    }
    Ok(Took { wall, cpu: cpu()?.saturating_sub(before), peak })
}

/// The peak of a process's memory, as last seen before the end is told.
fn watch(id: u32, end: &Receiver<()>, mut look: impl FnMut(u32)) -> u64 {
    let mut peak = 0;
    while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        peak = peak_of(id).max(peak);
        look(id);
    }
    peak
}

/// CPU time of all children that ended.
fn cpu() -> io::Result<Duration> {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}

/// Peak resident memory of a process so far; 0 where nobody tells.
fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
