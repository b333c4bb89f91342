//! Committing: one thread, many rows a transaction. Another one gives word to each row's owner afterwards, while
//! the next rows are committed.

use std::{
    fmt, io,
    ops::Range,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use evalmark_core::{record::Record, request::RequestHash};
use rusqlite::{Connection, TransactionBehavior};

use super::{
    disk::Disk,
    error::LedgerError,
    row::{AnswerInsert, Sealed, delete_failure, has_failures, insert_failure},
};

/// An answer is committed at most this long after it came, unless the disk is slower: what a crash
/// of the process may lose.
pub const COMMIT_INTERVAL: Duration = Duration::from_millis(50);
/// When nothing more comes for so long, there is nothing to wait for: answers that came together are
/// committed before the next ones come together.
const LULL: Duration = Duration::from_millis(10);
/// So many rows are committed without waiting: more than come within the interval, because rows lie all over
/// their index, and a page of it that several of them share is written once.
const COMMIT_ROWS: usize = 8_000;

/// What to do once a row is committed, or cannot be. Called on a thread of the ledger's.
pub(crate) type Receipt = Box<dyn FnOnce(Result<Record, LedgerError>) + Send>;

/// The end of one request, on its way into the ledger.
pub(crate) struct Entry {
    endpoint: i64,
    hash: RequestHash,
    run_id: Arc<str>,
    record: Record,
    sealed: Sealed,
    receipt: Receipt,
}

impl Entry {
    pub(crate) fn new(
        (endpoint, hash): (i64, RequestHash),
        run_id: Arc<str>,
        record: Record,
        receipt: impl FnOnce(Result<Record, LedgerError>) + Send + 'static,
    ) -> Self {
        let sealed = Sealed::new(&hash, &run_id, &record);
        Self { endpoint, hash, run_id, record, sealed, receipt: Box::new(receipt) }
    }
}

/// The entries of a batch, and what became of it.
type Committed = (Vec<Entry>, Result<(), LedgerError>);

/// What is committed together.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    /// No more will come for a while: time to tidy.
    is_last: bool,
}

/// What waits to be committed. A queue of its own, because the thread should sleep until a batch
/// is full or due, rather than wake for every row.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    commits: AtomicU64,
    /// The last answer is not the one that this ledger's writer added.
    has_company: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    is_flushing: bool,
    is_tidying: bool,
    is_closed: bool,
}

impl Waiting {
    /// Whether nobody wants it committed yet.
    fn fills(&mut self) -> bool {
        let is_wanted = self.is_flushing || self.is_tidying || self.is_closed;
        self.entries.len() < COMMIT_ROWS && !is_wanted
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a first entry, and then until the batch is full, due, or wanted at once, or nothing
    /// more comes. An empty batch when no entry comes within `patience`, and `None` when the queue
    /// is closed and empty.
    fn batch(&self, patience: Duration) -> Option<Batch> {
        let idle = |waiting: &mut Waiting| {
            waiting.entries.is_empty() && !waiting.is_tidying && !waiting.is_closed
        };
        let waiting = self.changed.wait_timeout_while(self.waiting(), patience, idle);
        let (mut waiting, timeout) = waiting.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Some(Batch::default());
        }
        let due = Instant::now() + COMMIT_INTERVAL;
        loop {
            let left = due.saturating_duration_since(Instant::now());
            let count = waiting.entries.len();
            let waited = self.changed.wait_timeout_while(waiting, left.min(LULL), Waiting::fills);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            waiting = after;
            let is_lull = waiting.entries.len() == count;
            if is_lull || !timeout.timed_out() || Instant::now() >= due {
                break;
            }
        }
        let is_over = waiting.is_closed && waiting.entries.is_empty();
        waiting.is_flushing = false;
        let is_last = std::mem::take(&mut waiting.is_tidying);
        (!is_over).then(|| Batch { entries: std::mem::take(&mut waiting.entries), is_last })
    }
}

/// The way in. What is put after the ledger was dropped is dropped, too.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Queue>);

impl Writer {
    /// Hands over an entry; its receipt is called within about 50 milliseconds.
    pub(crate) fn put(&self, entry: Entry) {
        let mut waiting = self.0.waiting();
        if waiting.is_closed {
            return;
        }
        waiting.entries.push(entry);
        let is_news = matches!(waiting.entries.len(), 1 | COMMIT_ROWS);
        drop(waiting);
        if is_news {
            self.0.changed.notify_one();
        }
    }

    /// How many transactions were committed. It has gone up before any receipt is called.
    pub(crate) fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::Acquire)
    }

    /// Whether somebody else has added answers since the ledger was opened: found out with the next
    /// commit of our own, whatever becomes of that.
    pub(crate) fn has_company(&self) -> bool {
        self.0.has_company.load(Ordering::Acquire)
    }

    /// Commits what was put, without waiting for more.
    pub(crate) fn flush(&self) {
        let mut waiting = self.0.waiting();
        waiting.is_flushing = !waiting.entries.is_empty();
        drop(waiting);
        self.0.changed.notify_one();
    }

    /// Copies the log to where it belongs, without being waited for.
    pub(super) fn tidy(&self) {
        self.0.waiting().is_tidying = true;
        self.0.changed.notify_one();
    }

    fn close(&self) {
        self.0.waiting().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("waiting", &self.0.waiting().entries.len()).finish()
    }
}

/// The threads: one commits, and one gives word of it. Dropping it commits what was put and waits for that.
#[derive(Debug)]
pub(super) struct WriterThread {
    writer: Writer,
    threads: Vec<JoinHandle<()>>,
}

impl WriterThread {
    pub(super) fn start(connection: Connection, path: &Arc<Path>) -> Result<Self, LedgerError> {
        let last_row = last_row(&connection).map_err(|error| LedgerError::new(path, &error))?;
        let writer = Writer(Arc::default());
        let (queue, of) = (writer.0.clone(), path.clone());
        let (told, committed) = channel();
        let threads = [
            start("evalmark-ledger", move || write(connection, last_row, &of, &queue, &told)),
            start("evalmark-told", move || tell(&committed)),
        ];
        let threads: io::Result<_> = threads.into_iter().collect();
        let threads = threads.map_err(|error| LedgerError::Unusable {
            path: path.display().to_string(),
            detail: error.to_string(),
        })?;
        Ok(Self { writer, threads })
    }

    pub(super) fn writer(&self) -> Writer {
        self.writer.clone()
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.writer.close();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(work)
}

/// However the thread ends, nobody waits for it: what is left is dropped.
struct Closing<'a>(&'a Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.is_closed = true;
        let left = std::mem::take(&mut waiting.entries);
        // Outside the lock: what hangs on an entry may do anything when dropped.
        drop(waiting);
        drop(left);
    }
}

/// Number of the last answer; SQLite gives the next one the number after it.
fn last_row(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let mut find = connection.prepare_cached("SELECT coalesce(max(rowid), 0) FROM answers")?;
    find.query_row([], |row| row.get(0))
}

/// Hands the receipts out.
fn tell(committed: &Receiver<Committed>) {
    for (entries, result) in committed {
        for Entry { record, receipt, .. } in entries {
            receipt(result.clone().map(|()| record));
        }
    }
}

fn write(
    mut connection: Connection,
    mut expected: i64,
    path: &Path,
    queue: &Queue,
    told: &Sender<Committed>,
) {
    let _closing = Closing(queue);
    let mut disk = Disk::new(path);
    while let Some(batch) = queue.batch(disk.patience()) {
        let failed = |error: rusqlite::Error| LedgerError::new(path, &error);
        let committed = disk
            .check(&connection)
            .and_then(|()| commit(&mut connection, &batch.entries).map_err(failed));
        if let Ok(Some(rows)) = &committed {
            queue.has_company.fetch_or(rows.start != expected, Ordering::Release);
            expected = rows.end;
            disk.committed();
        }
        queue.commits.fetch_add(1, Ordering::Release);
        // Where that thread has come to an end, nobody waits for it.
        drop(told.send((batch.entries, committed.map(drop))));
        disk.sync_if_due();
        if batch.is_last {
            // Closing does it, too, and is waited for. If it fails now, closing tries again.
            drop(connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)"));
        }
    }
}

/// Commits a batch, and tells which answer was the last one before and after; `None` where there is
/// nothing to commit.
fn commit(
    connection: &mut Connection,
    batch: &[Entry],
) -> Result<Option<Range<i64>>, rusqlite::Error> {
    if batch.is_empty() {
        return Ok(None);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = last_row(&transaction)?;
    let mut added = 0;
    // Most runs have none, and looking for them one by one takes time.
    let mut has_failures = has_failures(&transaction)?;
    // Neighbours in the index share its pages. The first of two with the same hash stays the first.
    let mut in_order: Vec<&Entry> = batch.iter().collect();
    in_order.sort_by_key(|entry| (entry.endpoint, entry.hash));
    let mut insert = AnswerInsert::new(&transaction)?;
    for Entry { endpoint, hash, run_id, record, sealed, .. } in in_order {
        if record.has_answer() {
            added += i64::from(insert.add((*endpoint, hash), run_id, record, sealed)?);
            if has_failures {
                delete_failure(&transaction, *endpoint, hash, run_id)?;
            }
        } else {
            has_failures = true;
            insert_failure(&transaction, *endpoint, hash, run_id, record)?;
        }
    }
    drop(insert);
    transaction.commit()?;
    Ok(Some(before..before + added))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::ledger::Ledger;

    /// What becomes of answers of 10,000 bytes when the file may not grow beyond 60 pages.
    #[test]
    fn a_full_disk_is_said_and_what_was_committed_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.sqlite");
        drop(Ledger::open(&path).expect("a ledger"));
        let connection = Connection::open(&path).expect("the ledger");
        connection.execute_batch("PRAGMA max_page_count = 60").expect("a limit");
        let thread = WriterThread::start(connection, &path.as_path().into()).expect("a thread");
        let hash = |n: u8| RequestHash([n; 32]);
        let put = |n| {
            let (told, result) = mpsc::channel();
            let record = Record::recorded("x".repeat(10_000));
            let receipt = move |result| drop(told.send(result));
            thread.writer().put(Entry::new((1, hash(n)), "run".into(), record, receipt));
            thread.writer().flush();
            result.recv().expect("a receipt")
        };
        let results: Vec<_> = (0..40).map(|n| (n, put(n))).collect();
        drop(thread);
        assert!(results[0].1.is_ok());
        let is_full = |error: &LedgerError| matches!(error, LedgerError::Full { .. });
        assert!(results[39].1.as_ref().is_err_and(is_full));
        let connection = Connection::open(&path).expect("the ledger");
        for (n, result) in results {
            let count = "SELECT count(*) FROM answers WHERE hash = ?1";
            let count = connection.query_row(count, [hash(n).0.as_slice()], |row| row.get(0));
            assert_eq!(count, Ok(i64::from(result.is_ok())));
        }
    }
}
