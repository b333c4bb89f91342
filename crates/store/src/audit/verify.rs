//! Whether the log is what was written: every line against its hash, and against those that it follows.

use std::{collections::HashMap, io::BufReader};

use super::{
    Anchor, AuditEntry, AuditError, AuditFilter, AuditFinding, AuditFork, AuditHold, AuditLog,
    AuditReport,
    scan::{LineContent, Lines},
};

/// A hash as it is kept: half the text.
type Hash = [u8; 32];

/// What is kept of each line.
struct Kept {
    line: u64,
    seq: u64,
    /// The first line that follows it.
    follower: Option<u64>,
}

/// What follows something that has not been seen so far.
struct Unseen {
    line: u64,
    seq: u64,
    previous: Hash,
    /// The number that the line before says, and whether anything is known to follow that.
    before: Option<(u64, Hash)>,
}

#[derive(Default)]
struct Chain {
    known: HashMap<Hash, Kept>,
    unseen: Vec<Unseen>,
    report: AuditReport,
    /// The line before: its number and hash.
    last: Option<(u64, Hash)>,
    /// The first line that follows none.
    root: Option<u64>,
}

impl AuditLog {
    /// Reads the whole log, and tells what is wrong with it. An anchor is named by what it stands in.
    pub fn verify(&self, anchors: &[(String, Anchor)]) -> Result<AuditReport, AuditError> {
        self.read(anchors, |_, _| {})
    }

    /// The same, held against releases, too: each has an entry, and names the end that the log had before.
    pub fn verify_with(
        &self,
        mut anchors: Vec<(String, Anchor)>,
        releases: &[AuditHold],
    ) -> Result<AuditReport, AuditError> {
        let ends = releases.iter().filter_map(|hold| Some((hold.name.clone(), hold.end.clone()?)));
        anchors.extend(ends);
        let mut missing: HashMap<&str, &str> =
            releases.iter().map(|hold| (&*hold.record_sha256, &*hold.name)).collect();
        let mut report = self.read(&anchors, |_, entry| {
            let record = entry.evidence.get("record").and_then(|d| d.strip_prefix("sha256:"));
            record.map(|sha256| missing.remove(sha256));
        })?;
        let mut missing: Vec<_> = missing.into_values().collect();
        missing.sort_unstable();
        let left = report.entries;
        let unrecorded = |release: &str| {
            let release = release.to_owned();
            AuditFinding::Unrecorded { left, release }
        };
        report.findings.extend(missing.into_iter().map(unrecorded));
        report.findings.sort_by_key(AuditFinding::line);
        Ok(report)
    }

    /// The entries that a filter shows, with their lines, and what is wrong with the log.
    pub fn entries(
        &self,
        filter: &AuditFilter,
    ) -> Result<(Vec<(u64, AuditEntry)>, AuditReport), AuditError> {
        let mut shown = Vec::new();
        let report = self.read(&[], |line, entry| {
            if filter.shows(&entry) {
                shown.push((line, entry));
            }
        })?;
        Ok((shown, report))
    }

    fn read(
        &self,
        anchors: &[(String, Anchor)],
        mut take: impl FnMut(u64, AuditEntry),
    ) -> Result<AuditReport, AuditError> {
        let mut lines = Lines::new(BufReader::with_capacity(256 * 1024, self.open_to_read()?));
        let mut chain = Chain::default();
        while let Some(line) = lines.next_line().map_err(self.unreadable())? {
            let number = line.number;
            match line.content {
                LineContent::Entry(entry) => {
                    chain.follow(number, &entry);
                    chain.report.entries += 1;
                    take(number, *entry);
                }
                _ if !line.is_ended => chain.find(AuditFinding::Torn { line: number }),
                LineContent::Altered(entry) => {
                    chain.find(AuditFinding::Altered { line: number });
                    chain.follow(number, &entry);
                }
                LineContent::Other => {
                    chain.find(AuditFinding::NoEntry { line: number });
                    chain.last = None;
                }
            }
        }
        Ok(chain.finish(anchors))
    }
}

impl Chain {
    fn find(&mut self, finding: AuditFinding) {
        self.report.findings.push(finding);
    }

    /// Takes a line in, whose hash may not be right.
    fn follow(&mut self, line: u64, entry: &AuditEntry) {
        let Some(hash) = parse(&entry.hash) else {
            self.last = None;
            return;
        };
        if let Some(first) = self.known.get(&hash).map(|kept| kept.line) {
            self.find(AuditFinding::Repeated { line, first });
            return;
        }
        let mut highest = 0;
        let mut is_known = true;
        for previous in &entry.previous {
            let previous = parse(previous).unwrap_or_default();
            let Some(kept) = self.known.get_mut(&previous) else {
                is_known = false;
                let (seq, before) = (entry.seq, self.last);
                self.unseen.push(Unseen { line, seq, previous, before });
                continue;
            };
            highest = highest.max(kept.seq);
            if let Some(beside) = kept.follower {
                let follows = Some(kept.line);
                self.report.forks.push(AuditFork { line, beside, follows });
            }
            kept.follower.get_or_insert(line);
        }
        if entry.previous.is_empty() {
            if let Some(beside) = self.root {
                self.report.forks.push(AuditFork { line, beside, follows: None });
            }
            self.root.get_or_insert(line);
        }
        let is_right = match entry.previous.len() {
            0 | 1 => entry.seq == highest.saturating_add(1),
            _ => entry.seq > highest,
        };
        if is_known && !is_right {
            self.find(AuditFinding::Misnumbered { line, seq: entry.seq });
        }
        self.known.insert(hash, Kept { line, seq: entry.seq, follower: None });
        self.last = Some((entry.seq, hash));
    }

    fn finish(mut self, anchors: &[(String, Anchor)]) -> AuditReport {
        for unseen in std::mem::take(&mut self.unseen) {
            let finding = self.explain(&unseen);
            self.find(finding);
        }
        let left = self.report.entries;
        for (name, anchor) in anchors {
            let holds = |head: &String| {
                parse(head)
                    .and_then(|hash| self.known.get(&hash))
                    .is_some_and(|kept| kept.seq <= anchor.entries)
            };
            if anchor.heads.iter().all(holds) && anchor.entries <= left {
                self.report.anchors += 1;
            } else {
                let (entries, anchor) = (anchor.entries, name.clone());
                self.find(AuditFinding::CutOff { entries, left, anchor });
            }
        }
        let mut report = self.report;
        let ends = self.known.into_values().filter(|kept| kept.follower.is_none());
        report.ends = ends.map(|kept| kept.line).collect();
        report.ends.sort_unstable();
        report.findings.sort_by_key(AuditFinding::line);
        report.findings.dedup();
        report
    }

    /// What became of something that a line follows.
    fn explain(&mut self, unseen: &Unseen) -> AuditFinding {
        let line = unseen.line;
        if let Some(kept) = self.known.get_mut(&unseen.previous) {
            kept.follower.get_or_insert(line);
            return AuditFinding::Moved { line, follows: kept.line };
        }
        match unseen.before {
            // The line before has the place of what is missing, and nothing follows it.
            Some((seq, hash)) if seq.checked_add(1) == Some(unseen.seq) => {
                let before = self.known.get_mut(&hash);
                let replaced = before.map_or(line, |kept| {
                    kept.follower.get_or_insert(line);
                    kept.line
                });
                AuditFinding::Replaced { line: replaced, follower: line }
            }
            Some((seq, hash)) => {
                if let Some(kept) = self.known.get_mut(&hash) {
                    kept.follower.get_or_insert(line);
                }
                let missing = unseen.seq.checked_sub(seq.saturating_add(1));
                AuditFinding::Removed { line, entries: missing.filter(|missing| *missing > 0) }
            }
            None if line == 1 => AuditFinding::Removed {
                line,
                entries: unseen.seq.checked_sub(1).filter(|n| *n > 0),
            },
            None => AuditFinding::Removed { line, entries: None },
        }
    }
}

/// 64 hexadecimal digits, all small.
fn parse(hash: &str) -> Option<Hash> {
    let digits = hash.as_bytes();
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut parsed = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in parsed.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(parsed)
}
