//! `state.json` of a monitor: what has been read, and what was found on the way.

use std::{collections::BTreeMap, ops::RangeInclusive};

use evalmark_core::logs::LogPosition;
use serde::{Deserialize, Serialize};

use super::judging::JudgingState;
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
    /// Segments whose records are in a larger one by now: whoever began to read them can go on for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredSegment>,
    /// How far each file has been read.
    pub positions: Vec<LogPosition>,
    /// What became of the lines.
    pub counts: LineCounts,
    /// By field of the suite's `logs` section: records that lack it.
    pub missing: BTreeMap<String, u64>,
    /// The first damaged lines.
    pub damaged: Vec<DamagedLine>,
    /// What became of the records that models were to be asked about.
    #[serde(default, skip_serializing_if = "JudgingState::is_empty")]
    pub judging: JudgingState,
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
    /// How often segments were merged to make it; 0 is one that was written by a commit.
    #[serde(default)]
    pub level: u8,
    /// The earliest time of its records: microseconds since 1970; `None` where it is not known, or none has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at_us: Option<i64>,
}

/// A segment whose records are in a larger one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredSegment {
    /// Its file's name.
    pub name: String,
    /// Since when it counts no more: seconds since 1970.
    pub at: i64,
}

/// What a segment's file is called.
const ENDING: &str = ".parquet";

impl MonitorSegment {
    /// The name of a segment that holds the records of these commits.
    pub fn name_of(commits: &RangeInclusive<u64>) -> String {
        let (first, last) = (commits.start(), commits.end());
        if first == last {
            format!("{first:06}{ENDING}")
        } else {
            format!("{first:06}-{last:06}{ENDING}")
        }
    }

    /// The commits whose records it holds, as its name says.
    pub fn commits(&self) -> Option<RangeInclusive<u64>> {
        let numbers = self.name.strip_suffix(ENDING)?;
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        Some(first.parse().ok()?..=last.parse().ok()?)
    }
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
            retired: Vec::new(),
            positions: Vec::new(),
            counts: LineCounts::default(),
            missing: BTreeMap::new(),
            damaged: Vec::new(),
            judging: JudgingState::default(),
        }
    }

    /// Keeps a damaged line's place, where there is room; it is counted elsewhere.
    pub fn keep_damaged(&mut self, line: DamagedLine) {
        if self.damaged.len() < Self::MOST_DAMAGED {
            self.damaged.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_commits_a_segment_holds() {
        let check = |commits: RangeInclusive<u64>, name: &str| {
            assert_eq!(MonitorSegment::name_of(&commits), name);
            let segment = MonitorSegment {
                name: name.to_owned(),
                rows: 1,
                digest: String::new(),
                metrics: Vec::new(),
                level: 0,
                first_at_us: None,
            };
            assert_eq!(segment.commits(), Some(commits));
        };
        check(7..=7, "000007.parquet");
        check(7..=70, "000007-000070.parquet");
        check(1_000_000..=2_000_000, "1000000-2000000.parquet");
    }
}
