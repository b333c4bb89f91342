//! The folder of a suite's monitor, `reports/SUITE/monitor/`: segments of records, and the state that says which
//! of them count and how far the logs have been read.
//!
//! A segment gets its name before the state names it, and the state is replaced as a whole. Whoever is killed
//! between the two leaves a segment that no state names, and reads its lines again: each line counts once.
//!
//! Small segments are merged into larger ones in the same way: the larger one gets its name, then the state names it
//! instead of them. Their files stay for a while, as somebody may be reading them.
//!
//! Records that models are asked about wait in files of their own until they are judged, and are in a segment then. Such a
//! file gets its name before the state names it, too, and goes once the state has let go of it.
//!
//! What others send is not there to be read again. Its records go to a journal first, one entry a line, and the sender
//! hears that they are kept; the journal is gone once a segment has its records.

mod folder;
mod journal;
mod judging;
mod recent_ids;
mod restarts;
mod state;

pub use self::{
    folder::{MonitorFolder, MonitorFolderError, MonitorLock},
    journal::{JournalEntries, MonitorJournal},
    judging::{JudgeCounts, JudgingState, PeriodSpending, WaitingRecords},
    recent_ids::{RecentIds, RecentIdsFile},
    restarts::MonitorRestart,
    state::{DamagedLine, LineCounts, MonitorSegment, MonitorState, RetiredSegment},
};
