//! One process of a program: started without the user's secrets, fed lines until its input ends,
//! read line by line with a time limit, and stopped with all that it started.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel},
    thread,
    time::{Duration, Instant},
};

use evalmark_scoring::Program;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// Lines that wait to be read.
const AHEAD: usize = 64;

/// How much of what it writes to stderr is read at a time; the last two of them are kept.
const TAIL: usize = 4_096;

/// How long what it wrote to stderr is waited for, once it is known to have failed.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A running process. It is stopped when it is dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<Result<String, String>>,
    /// The end of what it wrote to stderr, once that has ended.
    last_words: Receiver<String>,
}

impl Process {
    /// Starts the program in `folder` and begins to feed it `lines`, after which its input ends.
    pub(crate) fn start(
        program: &Program,
        folder: &Path,
        variables: &[(OsString, OsString)],
        lines: Vec<String>,
    ) -> Result<Self, String> {
        let mut command = command(program, folder);
        command.current_dir(folder).env_clear();
        // Python writes each line as it comes, and as the UTF-8 that it is.
        command.envs(variables.iter().cloned()).env("PYTHONUNBUFFERED", "1").env("PYTHONUTF8", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that it can be stopped with all that it starts.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child =
            command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
        let (line_sender, line_receiver) = sync_channel(AHEAD);
        let (word_sender, word_receiver) = channel();
        if let Some(mut input) = child.stdin.take() {
            // A program that has read enough closes its end, and that is no error.
            thread::spawn(move || {
                lines.iter().try_for_each(|line| writeln!(input, "{line}")).unwrap_or_default();
            });
        }
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                let mut output = BufReader::new(output);
                while let Some(line) = read_line(&mut output) {
                    let is_last = line.is_err();
                    if line_sender.send(line).is_err() || is_last {
                        break;
                    }
                }
            });
        }
        if let Some(errors) = child.stderr.take() {
            thread::spawn(move || word_sender.send(last_line(errors)));
        }
        Ok(Self { child, lines: line_receiver, last_words: word_receiver })
    }

    /// The next line that it writes; `None` where there are no more.
    pub(crate) fn line(&self, timeout: Duration) -> Result<Option<String>, String> {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => line.map(Some),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(too_slow(timeout)),
        }
    }

    /// Whether it writes another line. What it has started may keep its output open for long: once the
    /// program itself has ended, nobody waits for more than a moment.
    pub(crate) fn is_followed(&mut self, timeout: Duration) -> Result<bool, String> {
        let began = Instant::now();
        loop {
            let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
            match self.lines.recv_timeout(LAST_WORDS) {
                Ok(line) => return line.map(|_| true),
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Err(RecvTimeoutError::Timeout) if has_ended => return Ok(false),
                Err(RecvTimeoutError::Timeout) if began.elapsed() < timeout => {}
                Err(RecvTimeoutError::Timeout) => return Err(too_slow(timeout)),
            }
        }
    }

    /// Waits for it to end; what went wrong, if anything did.
    pub(crate) fn end(&mut self, timeout: Duration) -> Option<String> {
        let (began, mut pause) = (Instant::now(), Duration::from_millis(1));
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if began.elapsed() < timeout => thread::sleep(pause),
                Ok(None) => return Some(too_slow(timeout)),
                Err(error) => return Some(error.to_string()),
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        if status.success() {
            return None;
        }
        let words = self.last_words.recv_timeout(LAST_WORDS).unwrap_or_default();
        let words = if words.is_empty() { words } else { format!(": {words}") };
        Some(format!("it ended with {status}{words}"))
    }
}

impl Drop for Process {
    /// Whatever it has started goes with it, also where it has ended itself.
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn too_slow(timeout: Duration) -> String {
    format!("it wrote nothing for {timeout:?}")
}

/// Stops a process and all of its group.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(id) = i32::try_from(child.id()) {
        let group = nix::unistd::Pid::from_raw(id);
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
    drop(child.kill());
    drop(child.wait());
}

/// The command to start: the program itself, or a shell that limits its memory and becomes it.
fn command(program: &Program, folder: &Path) -> Command {
    let (name, arguments) = program.command.split_first().map_or(("", &[][..]), |(n, a)| (n, a));
    // A program that is named by a path is meant from the suite's folder on.
    let path = Path::new(name);
    let is_path = path.components().count() > 1;
    // It is started there, where a relative path would begin at that folder once more.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = if is_path { folder.join(path).into_os_string() } else { name.into() };
    let Some(bytes) = program.memory else {
        let mut command = Command::new(name);
        command.args(arguments);
        return command;
    };
    let mut command = Command::new("/bin/sh");
    let limited = r#"ulimit -v "$1" || exit 125; shift; exec "$@""#;
    command.args(["-c", limited, "sh"]).arg((bytes / 1024).max(1).to_string());
    command.arg(name).args(arguments);
    command
}

/// The next line that is not blank, without its end; `None` where there are no more.
fn read_line(output: &mut impl BufRead) -> Option<Result<String, String>> {
    loop {
        let mut line = Vec::new();
        match output.take(MAX_LINE + 1).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return None,
            Ok(read) if read as u64 > MAX_LINE => {
                return Some(Err(format!("it wrote a line of more than {MAX_LINE} bytes")));
            }
            Ok(_) => match String::from_utf8(line) {
                Err(_) => return Some(Err("it wrote a line that is not UTF-8".to_owned())),
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => return Some(Ok(line)),
            },
        }
    }
}

/// The last line of what is written, however much that is.
fn last_line(mut errors: impl Read) -> String {
    let (mut before, mut last) = (Vec::new(), vec![0; TAIL]);
    let mut filled = 0;
    while let Ok(read @ 1..) = errors.read(&mut last[filled..]) {
        filled += read;
        if filled == TAIL {
            before = std::mem::replace(&mut last, vec![0; TAIL]);
            filled = 0;
        }
    }
    before.extend_from_slice(&last[..filled]);
    let text = String::from_utf8_lossy(&before);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().take(300).collect()
}
