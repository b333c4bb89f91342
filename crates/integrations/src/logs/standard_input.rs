//! Logs on standard input: read once, and not again, as nobody can go back in it. A thread reads, so that nobody
//! who waits for lines is deaf to all else.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use evalmark_core::logs::{LogChunk, LogDamage, LogInput, LogInputError, LogPosition, LogRead};
use memchr::{memchr, memchr_iter, memrchr};

use super::{CHUNK, MAX_LINE};

/// Chunks that are read ahead.
const AHEAD: usize = 4;

/// Whoever waits for lines is told after this time that none came.
const PATIENCE: Duration = Duration::from_millis(250);

/// Lines of a stream.
pub struct LogStream {
    chunks: Receiver<io::Result<LogChunk>>,
}

impl LogStream {
    /// Those of a stream, from where it is.
    pub fn new(source: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = sync_channel(AHEAD);
        // It ends with the stream, or with whoever reads its chunks.
        thread::spawn(move || read_all(StreamLines::new(source), &sender));
        Self { chunks }
    }
}

impl LogInput for LogStream {
    fn read(&mut self) -> Result<LogRead, LogInputError> {
        match self.chunks.recv_timeout(PATIENCE) {
            Ok(Ok(chunk)) => Ok(LogRead::Chunk(chunk)),
            Ok(Err(error)) => Err(LogInputError::Stdin(error)),
            Err(RecvTimeoutError::Timeout) => Ok(LogRead::Waiting),
            Err(RecvTimeoutError::Disconnected) => Ok(LogRead::End),
        }
    }
}

fn read_all<R: Read>(mut lines: StreamLines<R>, chunks: &SyncSender<io::Result<LogChunk>>) {
    while let Some(read) = lines.next().transpose() {
        let is_broken = read.is_err();
        if chunks.send(read).is_err() || is_broken {
            return;
        }
    }
}

/// Chunks of whole lines, as they come.
struct StreamLines<R> {
    source: BufReader<R>,
    position: LogPosition,
}

impl<R: Read> StreamLines<R> {
    fn new(source: R) -> Self {
        let source = BufReader::with_capacity(CHUNK, source);
        Self { source, position: LogPosition::default() }
    }

    /// The next lines; `None` at the end.
    fn next(&mut self) -> io::Result<Option<LogChunk>> {
        let mut bytes = self.whole_lines()?;
        let mut damaged = Vec::new();
        let (first_line, start) = (self.position.lines + 1, self.position.offset);
        if bytes.is_empty() {
            self.one_line(&mut bytes)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            if bytes.len() > MAX_LINE {
                if !bytes.ends_with(b"\n") {
                    self.skip_line()?;
                }
                bytes.clear();
                damaged.push(LogDamage { line: Some(first_line), problem: too_long() });
            }
        }
        let n = memchr_iter(b'\n', &bytes).count() as u64;
        self.position.lines += n.max(1);
        self.position.offset += bytes.len() as u64;
        let (name, after) = (Arc::from("standard input"), self.position.clone().into());
        Ok(Some(LogChunk {
            file: None,
            name,
            first_line,
            start,
            bytes,
            damaged,
            left_out: 0,
            after,
        }))
    }

    /// The lines that have come, without waiting for more; empty where not even one is whole.
    fn whole_lines(&mut self) -> io::Result<Vec<u8>> {
        let come = self.source.fill_buf()?;
        let end = memrchr(b'\n', come).map_or(0, |at| at + 1);
        let lines = come[..end].to_vec();
        self.source.consume(end);
        Ok(lines)
    }

    /// One line up to its end, or a little more than the longest that there may be.
    fn one_line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        while line.len() <= MAX_LINE {
            let come = self.source.fill_buf()?;
            let end = memchr(b'\n', come).map(|at| at + 1);
            let n = end.unwrap_or(come.len());
            line.extend_from_slice(&come[..n]);
            self.source.consume(n);
            if end.is_some() || n == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Passes over the rest of a line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let come = self.source.fill_buf()?;
            let end = memchr(b'\n', come);
            let n = end.map_or(come.len(), |at| at + 1);
            self.source.consume(n);
            if end.is_some() || n == 0 {
                return Ok(());
            }
        }
    }
}

/// What is said of a line that was passed over.
pub(super) fn too_long() -> String {
    format!("has more than {} MiB", MAX_LINE >> 20)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_stream_gives_every_line_once() {
        let text = format!("{{\"a\":1}}\n{}\n\n{{\"b\"", "y".repeat(MAX_LINE + CHUNK));
        let mut stream = LogStream::new(Cursor::new(text.into_bytes()));
        let (mut bytes, mut damaged) = (Vec::new(), Vec::new());
        loop {
            match stream.read().expect("memory") {
                LogRead::Chunk(chunk) => {
                    bytes.extend(chunk.bytes);
                    damaged.extend(chunk.damaged);
                }
                LogRead::Waiting => {}
                LogRead::End => break,
            }
        }
        assert_eq!(String::from_utf8(bytes).as_deref(), Ok("{\"a\":1}\n\n{\"b\""));
        let lines: Vec<_> = damaged.iter().map(|one| one.line).collect();
        assert_eq!(lines, [Some(2)]);
    }
}
