//! One process of a program: started without the user's secrets, asked by a line and read by a line,
//! and stopped with all that it started.

use std::{
    ffi::OsString,
    fmt, io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use evalmark_core::model::ModelProgram;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{ChildStderr, ChildStdin, ChildStdout},
    task::JoinHandle,
};

/// How much of the end of what it writes to stderr is kept, in bytes.
const TAIL: usize = 4_096;
/// Characters of a message that it left.
const LAST_WORDS: usize = 300;
/// How long its end is waited for, once its output has ended.
const ENDING: Duration = Duration::from_millis(500);
/// How long processes may take to end by themselves when nobody asks them any more.
const FAREWELL: Duration = Duration::from_secs(2);

/// A running process. It is stopped at once when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

/// Why a process gave no line.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It has ended.
    Ended(Ended),
    /// The line is longer than the limit.
    TooLong,
    /// The line is no text.
    NotUtf8,
}

/// How a process ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Whether it says so itself that all went well.
    pub(super) is_success: bool,
    told: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

impl Process {
    /// Starts the program. Called within the runtime, which reads its output.
    pub(super) fn start(
        program: &ModelProgram,
        variables: &[(OsString, OsString)],
    ) -> io::Result<Self> {
        let mut command = command(program)?;
        command.env_clear().envs(variables.iter().cloned());
        // Python writes each line as it comes, and as the UTF-8 that it is.
        command.env("PYTHONUNBUFFERED", "1").env("PYTHONUTF8", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that it can be stopped with all that it starts.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let pipes = (|| {
            let input = ChildStdin::from_std(child.stdin.take().ok_or_else(missing)?)?;
            let output = ChildStdout::from_std(child.stdout.take().ok_or_else(missing)?)?;
            let errors = ChildStderr::from_std(child.stderr.take().ok_or_else(missing)?)?;
            Ok((input, output, errors))
        })();
        let (input, output, stderr) = match pipes {
            Ok(pipes) => pipes,
            Err(error) => {
                stop(&mut child);
                return Err(error);
            }
        };
        let errors = Arc::default();
        let reader = tokio::spawn(keep_tail(stderr, Arc::clone(&errors)));
        let output = BufReader::new(output);
        Ok(Self { child, input: Some(input), output, errors, reader })
    }

    /// Writes a line to it, and reads the next one that it writes and that is not blank.
    pub(super) async fn ask(&mut self, line: &str, limit: usize) -> Result<String, Trouble> {
        let Self { input, output, .. } = self;
        let write = async {
            let Some(input) = input else { return };
            // Where it does not read any more, its output ends as well, or has an answer even so.
            let _ = input.write_all(line.as_bytes()).await;
            let _ = input.flush().await;
        };
        // Both at once: a program may write more than a pipe holds before it has read everything.
        let ((), read) = tokio::join!(write, read_line(output, limit));
        match read {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(Trouble::Ended(self.ended().await)),
            Err(trouble) => Err(trouble),
        }
    }

    /// How it ended, after its output has.
    async fn ended(&mut self) -> Ended {
        let (began, mut pause) = (Instant::now(), Duration::from_millis(1));
        let status = loop {
            match self.child.try_wait() {
                Ok(None) if began.elapsed() < ENDING => tokio::time::sleep(pause).await,
                ended => break ended.ok().flatten(),
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        // What it said last may still be on its way.
        let _ = tokio::time::timeout(ENDING, &mut self.reader).await;
        let words = self.last_words();
        let how = match status {
            Some(status) if status.success() => "ended before it answered".to_owned(),
            Some(status) => format!("ended with {status}"),
            None => "closed its output before it answered".to_owned(),
        };
        let told = if words.is_empty() { how } else { format!("{how}: {words}") };
        Ended { is_success: status.is_some_and(|status| status.success()), told }
    }

    /// The last line that it wrote to stderr.
    fn last_words(&self) -> String {
        let tail = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail);
        let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.trim().chars().take(LAST_WORDS).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reader.abort();
        stop(&mut self.child);
    }
}

/// Lets processes end by themselves: their input ends, and soon they are stopped.
pub(super) fn finish(mut processes: Vec<Process>) {
    for process in &mut processes {
        process.input = None;
    }
    let until = Instant::now() + FAREWELL;
    for process in &mut processes {
        while matches!(process.child.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Stops a process and all of its group, which may live on when the process itself has ended.
fn stop(child: &mut Child) -> Option<ExitStatus> {
    #[cfg(unix)]
    if let Ok(id) = i32::try_from(child.id()) {
        let group = nix::unistd::Pid::from_raw(id);
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
    drop(child.kill());
    child.wait().ok()
}

/// The command to start.
fn command(program: &ModelProgram) -> io::Result<Command> {
    let folder = std::path::absolute(program.folder.join("."))?;
    let (name, arguments) = program.words.split_first().map_or(("", &[][..]), |(n, a)| (n, a));
    // A program that is named by a path is meant from the suite's folder on.
    let is_path = Path::new(name).components().count() > 1;
    let name = if is_path { folder.join(name).into_os_string() } else { name.into() };
    let mut command = Command::new(name);
    command.args(arguments).current_dir(folder);
    Ok(command)
}

/// The next line that is not blank, without its end; `None` where there are no more.
async fn read_line(
    output: &mut BufReader<ChildStdout>,
    limit: usize,
) -> Result<Option<String>, Trouble> {
    loop {
        let mut line = Vec::new();
        let bounded = &mut (&mut *output).take(limit as u64 + 1);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(read) if read > limit => return Err(Trouble::TooLong),
            Ok(_) => match String::from_utf8(line) {
                Err(_) => return Err(Trouble::NotUtf8),
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => return Ok(Some(line)),
            },
        }
    }
}

/// Reads what it writes to stderr, however much that is, and keeps the end.
async fn keep_tail(mut stderr: ChildStderr, kept: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; TAIL];
    while let Ok(read @ 1..) = stderr.read(&mut piece).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&piece[..read]);
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
    }
}
