//! The receiver as a reader of logs: lines come as they are sent, and who sent them hears that they are stored.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use evalmark_core::logs::{LogChunk, LogFields, LogInput, LogInputError, LogRead};
use tokio::sync::oneshot;

use super::{
    answer::own_fields,
    intake::{Intake, MOST_WAITING, Sent},
    server,
};

/// Whoever waits for lines is told after this time that none came.
const PATIENCE: Duration = Duration::from_millis(250);

/// So many bytes are handed over before they must be stored.
const MOST_UNSTORED: usize = 4 << 20;

/// Where a receiver listens.
#[derive(Clone, Debug)]
pub struct OtlpOptions {
    /// Its addresses; port 0 is any that is free.
    pub addresses: Vec<SocketAddr>,
    /// Whether lines have all attributes, for paths that lead to them.
    pub with_attributes: bool,
}

/// Takes in what applications send, until it is dropped.
pub struct OtlpReceiver {
    addresses: Vec<SocketAddr>,
    sent: Receiver<Sent>,
    waiters: Vec<oneshot::Sender<()>>,
    n_unstored: usize,
    n_lines: u64,
    name: Arc<str>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<std::io::Result<()>>>,
}

impl OtlpReceiver {
    /// Opens the addresses.
    pub fn listen(options: &OtlpOptions) -> Result<Self, LogInputError> {
        let unheard = |(address, error): (SocketAddr, std::io::Error)| LogInputError::Unheard {
            address: address.to_string(),
            reason: error.to_string(),
        };
        let listeners = server::open(&options.addresses).map_err(unheard)?;
        let addresses = listeners.iter().zip(&options.addresses);
        let addresses = addresses.map(|(one, asked)| one.local_addr().unwrap_or(*asked)).collect();
        let (queue, sent) = sync_channel(MOST_WAITING);
        let intake = Arc::new(Intake::new(queue, options.with_attributes));
        let (stop, stopped) = oneshot::channel();
        let server = thread::spawn(move || server::serve(listeners, intake, stopped));
        Ok(Self {
            addresses,
            sent,
            waiters: Vec::new(),
            n_unstored: 0,
            n_lines: 0,
            name: Arc::from("otlp"),
            stop: Some(stop),
            server: Some(server),
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn chunk(&mut self, sent: Sent) -> LogChunk {
        let Sent { lines, n_lines, damaged, left_out, waiters } = sent;
        self.waiters.extend(waiters);
        self.n_unstored += lines.len();
        let first_line = self.n_lines + 1;
        self.n_lines += n_lines;
        LogChunk {
            file: None,
            name: self.name.clone(),
            first_line,
            start: 0,
            bytes: lines,
            damaged,
            left_out,
            after: Box::default(),
        }
    }
}

impl LogInput for OtlpReceiver {
    fn read(&mut self) -> Result<LogRead, LogInputError> {
        // Nobody waits longer for what he sent than until there is nothing more.
        if !self.waiters.is_empty() {
            if self.n_unstored >= MOST_UNSTORED {
                return Ok(LogRead::Waiting);
            }
            return Ok(match self.sent.try_recv() {
                Ok(sent) => LogRead::Chunk(self.chunk(sent)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => LogRead::Waiting,
            });
        }
        match self.sent.recv_timeout(PATIENCE) {
            Ok(sent) => Ok(LogRead::Chunk(self.chunk(sent))),
            Err(RecvTimeoutError::Timeout) => Ok(LogRead::Waiting),
            Err(RecvTimeoutError::Disconnected) => Ok(LogRead::End),
        }
    }

    fn own_fields(&self) -> Option<LogFields> {
        Some(own_fields())
    }

    fn is_pushed(&self) -> bool {
        true
    }

    fn stored(&mut self) {
        self.n_unstored = 0;
        for waiter in self.waiters.drain(..) {
            // One who went away sends it again.
            let _ = waiter.send(());
        }
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        // What is not stored now is not stored at all: those who sent it hear so.
        self.waiters.clear();
        while let Ok(sent) = self.sent.try_recv() {
            drop(sent);
        }
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}
