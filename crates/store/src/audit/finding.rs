//! What a look at the whole log finds, each with its line.

use std::fmt;

use serde::Serialize;

/// Something that no writer of the log leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuditFinding {
    /// A line is not an entry at all.
    NoEntry {
        /// The line.
        line: u64,
    },
    /// A line is not what was hashed.
    Altered {
        /// The line.
        line: u64,
    },
    /// A line stands there a second time.
    Repeated {
        /// The line.
        line: u64,
        /// Where it stood first.
        first: u64,
    },
    /// A line stands before one that it follows.
    Moved {
        /// The line.
        line: u64,
        /// Where the one stands that it follows.
        follows: u64,
    },
    /// What a line follows is not there any more.
    Removed {
        /// The line that followed it.
        line: u64,
        /// How many are missing, where that can be told.
        entries: Option<u64>,
    },
    /// What a line follows is not the line before it, which has the place of what it follows.
    Replaced {
        /// The line that was put there.
        line: u64,
        /// The line that followed the earlier one.
        follower: u64,
    },
    /// A line says another place than it has.
    Misnumbered {
        /// The line.
        line: u64,
        /// What it says.
        seq: u64,
    },
    /// The end that an anchor holds is not there.
    CutOff {
        /// How many entries there were.
        entries: u64,
        /// How many there are.
        left: u64,
        /// What holds the end.
        anchor: String,
    },
    /// A release is not told of.
    Unrecorded {
        /// How many entries there are.
        left: u64,
        /// The release.
        release: String,
    },
    /// The last line has no end: its writer was killed. The next entry takes it out.
    Torn {
        /// The line.
        line: u64,
    },
}

/// Two entries that follow the same one: branches of the log, as git merged them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditFork {
    /// The later of them.
    pub line: u64,
    /// The earlier of them.
    pub beside: u64,
    /// What both follow; `None`: both begin a log.
    pub follows: Option<u64>,
}

/// What there is to know of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// How many entries are what was written.
    pub entries: u64,
    /// What is wrong, by line.
    pub findings: Vec<AuditFinding>,
    /// Where the log branched.
    pub forks: Vec<AuditFork>,
    /// Lines that nothing follows: more than one where branches are not joined yet.
    pub ends: Vec<u64>,
    /// How many anchors hold.
    pub anchors: u64,
}

impl AuditReport {
    /// Whether nothing was altered, removed, moved or cut off. A torn last line is no such thing.
    pub fn is_intact(&self) -> bool {
        self.findings.iter().all(|finding| matches!(finding, AuditFinding::Torn { .. }))
    }

    /// Whether all branches of the log are joined.
    pub fn is_joined(&self) -> bool {
        self.ends.len() <= 1
    }
}

impl AuditFinding {
    /// The line that it is about, counted from 1.
    pub fn line(&self) -> u64 {
        match self {
            Self::NoEntry { line }
            | Self::Altered { line }
            | Self::Repeated { line, .. }
            | Self::Moved { line, .. }
            | Self::Removed { line, .. }
            | Self::Replaced { line, .. }
            | Self::Misnumbered { line, .. }
            | Self::Torn { line } => *line,
            Self::CutOff { left, .. } | Self::Unrecorded { left, .. } => left + 1,
        }
    }
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry { line } => write!(f, "line {line} is not an entry of the log"),
            Self::Altered { line } => {
                write!(f, "line {line} was altered: its hash is not that of its text")
            }
            Self::Repeated { line, first } => {
                write!(f, "line {line} was inserted: it is line {first} once more")
            }
            Self::Moved { line, follows } => {
                write!(
                    f,
                    "line {line} was moved: it follows line {follows}, which stands behind it"
                )
            }
            Self::Removed { line: 1, entries } => {
                write!(f, "{} before line 1", removed(*entries))
            }
            Self::Removed { line, entries } => {
                write!(f, "{} between line {} and line {line}", removed(*entries), line - 1)
            }
            Self::Replaced { line, follower } => write!(
                f,
                "line {line} was replaced: line {follower} follows another entry than the one that stands there"
            ),
            Self::Misnumbered { line, seq } => {
                write!(
                    f,
                    "line {line} says that it is entry {seq}, which does not follow from what it follows"
                )
            }
            Self::CutOff { entries, left, anchor } => write!(
                f,
                "the log was cut off behind line {left}: {anchor} holds an end of {entries} entries that is not there"
            ),
            Self::Unrecorded { release, .. } => write!(
                f,
                "no entry tells of {release}: it was removed, or who released it was stopped before it was written"
            ),
            Self::Torn { line } => write!(
                f,
                "line {line} is half an entry, whose writer was stopped; the next entry takes it out"
            ),
        }
    }
}

fn removed(entries: Option<u64>) -> String {
    match entries {
        Some(1) => "1 entry was removed".to_owned(),
        Some(n) => format!("{n} entries were removed"),
        None => "entries were removed".to_owned(),
    }
}
