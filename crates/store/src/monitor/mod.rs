//! The folder of a suite's monitor, `reports/SUITE/monitor/`: segments of records, and the state that says which
//! of them count and how far the logs have been read.
//!
//! A segment gets its name before the state names it, and the state is replaced as a whole. Whoever is killed
//! between the two leaves a segment that no state names, and reads its lines again: each line counts once.
//!
//! What others send is not there to be read again. Its records go to a journal first, one entry a line, and the sender
//! hears that they are kept; the journal is gone once a segment has its records.

mod folder;
mod journal;
mod restarts;
mod state;

pub use self::{
    folder::{MonitorFolder, MonitorFolderError, MonitorLock},
    journal::{JournalEntries, MonitorJournal},
    restarts::MonitorRestart,
    state::{DamagedLine, LineCounts, MonitorSegment, MonitorState},
};
