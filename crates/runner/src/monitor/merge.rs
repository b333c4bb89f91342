//! Small segments merged into larger ones, so that months of commits are a few files: what there are eight of in a row
//! becomes one of the next size.

use std::{ops::Range, time::Duration};

use evalmark_report::records::{RecordNames, RecordRow, for_each_record, record_names};
use evalmark_store::monitor::{MonitorFolder, MonitorSegment, RetiredSegment};

use super::{Monitor, read::SEGMENT_ROWS, segment::OpenSegment};
use crate::error::{Result, RunError};

/// So many segments of a size become one.
const FEWEST: usize = 8;

/// No more are merged at once, however many there are.
const MOST: usize = 64;

/// A segment with so many records is large enough.
const LARGE: u64 = SEGMENT_ROWS / 2;

/// The files of segments that were merged stay so long, for those who are reading them.
pub(super) const KEPT_RETIRED: Duration = Duration::from_mins(15);

/// Merges after one commit, so that whoever sends does not wait for long.
const AT_ONCE: usize = 4;

impl Monitor {
    /// Merges what there is too much of. A segment that cannot be read stays as it is, and so do the others.
    pub(super) fn merge_segments(&mut self) -> Result<()> {
        for _ in 0..AT_ONCE {
            let Some(places) = next_merge(&self.state.segments) else { break };
            if self.cannot_merge {
                break;
            }
            let Ok(merged) = merged(&self.folder, &self.state.segments[places.clone()]) else {
                self.cannot_merge = true;
                break;
            };
            let at = (self.clock)().as_second();
            let small = self.state.segments.splice(places, [merged]);
            let retired = small.map(|segment| RetiredSegment { name: segment.name, at });
            self.state.retired.extend(retired);
            self.folder.write_state(&self.state)?;
        }
        Ok(())
    }
}

/// The segments that become one next.
fn next_merge(segments: &[MonitorSegment]) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(first) = segments.get(from) {
        let goes_along = |one: &&MonitorSegment| {
            one.rows < LARGE && one.level == first.level && one.metrics == first.metrics
        };
        let run = segments[from..].iter().take_while(goes_along);
        let mut rows = 0;
        let fits = |one: &&MonitorSegment| {
            rows += one.rows;
            rows <= SEGMENT_ROWS
        };
        let n_run = run.clone().count();
        let n = run.take(MOST).take_while(fits).count();
        // Two that fill a segment are merged, even where there are no eight.
        let is_full = n < n_run.min(MOST);
        if n >= FEWEST || is_full && n >= 2 {
            return Some(from..from + n);
        }
        from += n_run.max(1);
    }
    None
}

/// A segment with the records of these, which follow each other and were scored by the same metrics.
fn merged(folder: &MonitorFolder, segments: &[MonitorSegment]) -> Result<MonitorSegment> {
    let unnamed = || RunError::new("a segment's name says no commits");
    let commits = segments.iter().map(MonitorSegment::commits);
    let commits = commits.collect::<Option<Vec<_>>>().ok_or_else(unnamed)?;
    let (first, last) = commits.first().zip(commits.last()).ok_or_else(unnamed)?;
    let mut names = RecordNames::default();
    for segment in segments {
        let own = record_names(&folder.segment(&segment.name))?;
        let add = |names: &mut Vec<String>, own: Vec<String>| {
            names.extend(own.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
        };
        add(&mut names.metrics, own.metrics);
        add(&mut names.categories, own.categories);
    }
    let mut open = OpenSegment::begin(folder, &(*first.start()..=*last.end()), &names)?;
    for segment in segments {
        let path = folder.segment(&segment.name);
        for_each_record(&path, &names, true, |row: &RecordRow<'_>| open.push(row))?;
    }
    let (level, metrics) = (segments[0].level.saturating_add(1), &segments[0].metrics);
    Ok(MonitorSegment { level, ..open.finish(metrics)? })
}

#[cfg(test)]
mod tests {
    use evalmark_store::run_record::NamedHash;

    use super::*;

    fn segment(rows: u64, level: u8, metric: &str) -> MonitorSegment {
        let metric = NamedHash { name: metric.to_owned(), hash: metric.to_owned() };
        MonitorSegment {
            name: String::new(),
            rows,
            digest: String::new(),
            metrics: vec![metric],
            level,
            first_at_us: None,
        }
    }

    #[test]
    fn eight_in_a_row_of_a_size_become_one() {
        let check = |segments: &[(usize, u64, u8, &str)], expected: Option<Range<usize>>| {
            let of = |(n, rows, level, metric): &(usize, u64, u8, &str)| {
                vec![segment(*rows, *level, metric); *n]
            };
            let all: Vec<_> = segments.iter().flat_map(of).collect();
            assert_eq!(next_merge(&all), expected, "{segments:?}");
        };
        check(&[], None);
        check(&[(7, 1, 0, "a")], None);
        check(&[(8, 1, 0, "a")], Some(0..8));
        check(&[(3, 50, 1, "a"), (9, 1, 0, "a")], Some(3..12));
        check(&[(7, 1, 0, "a"), (7, 1, 0, "b")], None);
        check(&[(200, 1, 0, "a")], Some(0..64));
        check(&[(20, LARGE, 0, "a")], None);
        check(&[(5, LARGE - 1, 3, "a")], Some(0..2));
        check(&[(1, LARGE, 0, "a"), (8, 1, 0, "a")], Some(1..9));
    }

    /// However many commits there are, few segments are left, and those who follow each other stay in order.
    #[test]
    fn twenty_thousand_commits_are_a_few_files() {
        let mut segments: Vec<(u64, MonitorSegment)> = Vec::new();
        let mut most = 0;
        for commit in 0..20_000 {
            segments.push((commit, segment(40, 0, "a")));
            loop {
                let only: Vec<_> = segments.iter().map(|(_, segment)| segment.clone()).collect();
                let Some(places) = next_merge(&only) else { break };
                let rows = only[places.clone()].iter().map(|one| one.rows).sum();
                let merged = segment(rows, only[places.start].level + 1, "a");
                let first = segments[places.start].0;
                segments.splice(places, [(first, merged)]);
            }
            most = most.max(segments.len());
        }
        assert!(most <= 64, "{most}");
        assert_eq!(segments.iter().map(|(_, one)| one.rows).sum::<u64>(), 800_000);
        assert!(segments.is_sorted_by_key(|(first, _)| *first));
    }
}
