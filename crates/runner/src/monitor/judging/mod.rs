//! Records that models are asked about: a share of those that have an answer, drawn by their ids. They wait in files of their
//! own, redacted, until models have answered, and are in a segment then; reading never waits for a model. A file is asked
//! about as a whole, into the ledger that runs share, so that a process that is killed asks nothing twice.

mod ask;
mod case;
mod count;
mod panel;
mod release;
mod seat;
mod spending;
mod worker;

pub(super) use self::{
    case::{WaitingRecord, waiting_records},
    panel::Panel,
    release::MOST_DRAWN,
    worker::{JudgeWorker, JudgedFile},
};
