//! What readers of logs hand over: whole lines with their places, and how far each file has been read, so that
//! whoever goes on later reads every line once.

use std::{io, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::LogFields;

/// How far a file has been read, and by what it is known again: its name says little, as files are renamed
/// and begun anew under it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// Where it lay when it was read last.
    pub path: PathBuf,
    /// The device that it is on.
    pub device: u64,
    /// Its number there; 0 where there is none, or where its content has moved elsewhere.
    pub inode: u64,
    /// How many of its first bytes are hashed.
    pub head_len: u64,
    /// BLAKE3 of them, 32 hexadecimal digits.
    pub head: String,
    /// How many of the last bytes that were read are hashed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tail_len: u64,
    /// BLAKE3 of them, 32 hexadecimal digits: a file that was begun anew often begins as it did before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
    /// Bytes of the unpacked content that have been read; of a Parquet file, rows.
    pub offset: u64,
    /// Lines that have been read.
    pub lines: u64,
    /// Nothing more is read of it: it is whole, or damaged.
    pub is_done: bool,
    /// By what a packed file is known as it lay there when it was looked at last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub packed: String,
    /// Where reading stopped in what is no file, as its reader says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cursor: String,
    /// Since when nothing of it is found where it should be: seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Something of a file that is no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDamage {
    /// The line, from 1, where it can be told.
    pub line: Option<u64>,
    /// What is wrong, behind the file's name.
    pub problem: String,
}

/// Whole lines that follow each other in one file.
#[derive(Clone, Debug)]
pub struct LogChunk {
    /// The number of its file in this reading; `None` where nobody can go on later, as on standard input.
    pub file: Option<usize>,
    /// What its file is called.
    pub name: Arc<str>,
    /// The number of the first line, from 1.
    pub first_line: u64,
    /// The place of the first byte in the unpacked file.
    pub start: u64,
    /// The lines, each with its end; the last may have none.
    pub bytes: Vec<u8>,
    /// What there was besides lines.
    pub damaged: Vec<LogDamage>,
    /// How many entries there were that are nobody's answer, such as spans of a database.
    pub left_out: u64,
    /// How far the file has been read with them.
    pub after: Box<LogPosition>,
}

/// What a reader has next.
#[derive(Debug)]
pub enum LogRead {
    /// Lines.
    Chunk(LogChunk),
    /// Nothing now; there may be more later.
    Waiting,
    /// Nothing more.
    End,
}

/// Logs that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogInputError {
    /// A file or folder cannot be read.
    #[error("the logs at {place} cannot be read: {reason}")]
    Unreadable {
        /// As it was named.
        place: String,
        /// Why.
        reason: String,
    },
    /// Nothing lies where logs should be.
    #[error("there are no logs at {place}")]
    Nothing {
        /// As it was named.
        place: String,
    },
    /// An address cannot be listened at.
    #[error("{address} cannot be listened at: {reason}")]
    Unheard {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
    /// Standard input broke.
    #[error("standard input cannot be read: {0}")]
    Stdin(#[source] io::Error),
}

/// A reader of logs.
pub trait LogInput {
    /// What comes next. A reader that follows its files never ends; it says that it waits instead.
    fn read(&mut self) -> Result<LogRead, LogInputError>;

    /// Where its lines hold what, as far as the suite does not say; `None` where only the suite knows.
    fn own_fields(&self) -> Option<LogFields> {
        None
    }

    /// Whether others send the lines: they wait until these are stored, and send again what they hear nothing of. Such
    /// a reader waits by itself before it says that there is nothing.
    fn is_pushed(&self) -> bool {
        false
    }

    /// How far everything has been read, in place of what the chunks say; `None` where the chunks say it all.
    fn positions(&self) -> Option<Vec<LogPosition>> {
        None
    }

    /// All that it handed over is stored, whatever becomes of this process.
    fn stored(&mut self) {}
}
