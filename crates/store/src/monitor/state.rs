//! `state.json` of a monitor: what has been read, and what was found on the way.

use std::collections::BTreeMap;

use evalmark_core::logs::LogPosition;
use serde::{Deserialize, Serialize};

use crate::run_record::NamedHash;

/// Version of `state.json`.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The content of `state.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MonitorState {
    /// The version of this form.
    pub format_version: u32,
    /// Version of the tool that wrote it.
    pub tool_version: String,
    /// The suite's name.
    pub suite: String,
    /// When it was written: RFC 3339, UTC.
    pub written_at: String,
    /// The number of the next segment.
    pub next_segment: u64,
    /// The segments that count, in the order in which they were written.
    pub segments: Vec<MonitorSegment>,
    /// How far each file has been read.
    pub positions: Vec<LogPosition>,
    /// What became of the lines.
    pub counts: LineCounts,
    /// By field of the suite's `logs` section: records that lack it.
    pub missing: BTreeMap<String, u64>,
    /// The first damaged lines.
    pub damaged: Vec<DamagedLine>,
}

/// One Parquet file of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorSegment {
    /// Its file's name.
    pub name: String,
    /// Records in it.
    pub rows: u64,
    /// BLAKE3 of it, 64 hexadecimal digits.
    pub digest: String,
    /// The metrics that scored it, each with the hash of its configuration.
    pub metrics: Vec<NamedHash>,
}

/// What became of the lines that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    /// Lines that were read; those with nothing in them do not count.
    pub read: u64,
    /// Lines that became records.
    pub kept: u64,
    /// Records whose texts were kept.
    pub sampled: u64,
    /// Records without an answer.
    pub failed: u64,
    /// Lines that are no records.
    pub damaged: u64,
    /// What was sent and is nobody's answer, such as spans of a database.
    #[serde(default)]
    pub left_out: u64,
    /// What was sent again, and had been counted.
    #[serde(default)]
    pub repeated: u64,
}

impl LineCounts {
    /// Takes those of other lines in.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.kept += other.kept;
        self.sampled += other.sampled;
        self.failed += other.failed;
        self.damaged += other.damaged;
        self.left_out += other.left_out;
        self.repeated += other.repeated;
    }
}

/// A line that is no record. What it says is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedLine {
    /// The file.
    pub file: String,
    /// The line, from 1, where it can be told.
    pub line: Option<u64>,
    /// What is wrong, behind the line's place.
    pub problem: String,
}

impl MonitorState {
    /// Damaged lines that are kept with their places; more are only counted.
    pub const MOST_DAMAGED: usize = 100;

    /// Nothing has been read.
    pub fn new(suite: &str, tool_version: &str) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            tool_version: tool_version.to_owned(),
            suite: suite.to_owned(),
            written_at: String::new(),
            next_segment: 1,
            segments: Vec::new(),
            positions: Vec::new(),
            counts: LineCounts::default(),
            missing: BTreeMap::new(),
            damaged: Vec::new(),
        }
    }

    /// Keeps a damaged line's place, where there is room; it is counted elsewhere.
    pub fn keep_damaged(&mut self, line: DamagedLine) {
        if self.damaged.len() < Self::MOST_DAMAGED {
            self.damaged.push(line);
        }
    }
}
