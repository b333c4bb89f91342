//! Texts for embeddings go out together: queued jobs in groups, and a group's end as the ends of its jobs.

use std::{borrow::Cow, time::Duration};

use evalmark_core::{
    record::{Record, Usage},
    request::{Request, Task},
};

use crate::{feeder::Job, job_channel::JobReceiver};

/// Texts in one request, at most: what every server takes.
const TEXTS: usize = 32;
/// Bytes of text in one request, unless a single text has more.
const BYTES: usize = 100_000;
/// How long a text waits for others to go with it.
const PATIENCE: Duration = Duration::from_millis(2);

/// The dispatcher's end of the queue, a group at a time. A chat request is a group of its own.
pub(crate) struct EmbeddingGroups<T> {
    jobs: JobReceiver<Job<T>>,
    /// Taken from the queue, and too much for the group before.
    held: Option<Job<T>>,
}

impl<T> EmbeddingGroups<T> {
    pub(crate) fn of(jobs: JobReceiver<Job<T>>) -> Self {
        Self { jobs, held: None }
    }

    /// The next chat request, where it is there already.
    pub(crate) fn chat_at_once(&mut self) -> Option<Vec<Job<T>>> {
        if self.held.is_some() {
            return None;
        }
        let job = self.jobs.next_at_once()?;
        if job.request.task == Task::Embedding {
            self.held = Some(job);
            return None;
        }
        Some(vec![job])
    }

    /// The next group, at least one job; `None` when the feeder has ended.
    pub(crate) async fn next(&mut self) -> Option<Vec<Job<T>>> {
        let first = match self.held.take() {
            Some(job) => job,
            None => self.jobs.next().await?,
        };
        let mut bytes = first.request.text_bytes();
        let mut jobs = vec![first];
        while jobs[0].request.task == Task::Embedding && jobs.len() < TEXTS && bytes < BYTES {
            let Ok(Some(job)) = tokio::time::timeout(PATIENCE, self.jobs.next()).await else {
                break;
            };
            bytes += job.request.text_bytes();
            if bytes > BYTES || !goes_with(&jobs[0].request, &job.request) {
                self.held = Some(job);
                break;
            }
            jobs.push(job);
        }
        Some(jobs)
    }
}

fn goes_with(a: &Request, b: &Request) -> bool {
    a.task == b.task && a.model == b.model && a.params == b.params
}

/// One request for all of a group.
pub(crate) fn together<T>(jobs: &[Job<T>]) -> Option<Cow<'_, Request>> {
    let (first, others) = jobs.split_first()?;
    if others.is_empty() {
        return Some(Cow::Borrowed(&first.request));
    }
    let messages = jobs.iter().flat_map(|job| job.request.messages.iter()).cloned().collect();
    Some(Cow::Owned(Request { messages, ..first.request.clone() }))
}

/// The end of a group as the end of each of its jobs: a vector each, and tokens by length.
pub(crate) fn apart<T>(jobs: &[Job<T>], record: Record) -> Vec<Record> {
    if jobs.len() < 2 {
        return vec![record];
    }
    let sizes: Vec<_> = jobs.iter().map(|job| job.request.text_bytes() as u64).collect();
    let share = |total: Option<u64>| -> Vec<Option<u64>> {
        let shares = total.map(|total| shares(total, &sizes));
        shares.map_or(vec![None; jobs.len()], |shares| shares.into_iter().map(Some).collect())
    };
    let usage = share(record.usage.input_tokens).into_iter().zip(share(record.usage.output_tokens));
    let mut lines = record.output.as_deref().unwrap_or_default().split('\n');
    let one = |(input_tokens, output_tokens)| Record {
        output: record.output.as_ref().and(lines.next()).map(str::to_owned),
        usage: Usage { input_tokens, output_tokens },
        ..record.clone()
    };
    usage.map(one).collect()
}

/// Whole shares of a total, as even by size as they can be, that add up to it.
fn shares(total: u64, sizes: &[u64]) -> Vec<u64> {
    // No text is longer; and so no product is too large.
    let bounded = |size: &u64| u128::from((*size).min(1 << 40));
    let sum: u128 = sizes.iter().map(bounded).sum::<u128>().max(1);
    let (mut so_far, mut given) = (0_u128, 0_u64);
    let last = sizes.len().saturating_sub(1);
    let one = |(i, size): (usize, &u64)| {
        so_far += bounded(size);
        let until = u64::try_from(u128::from(total) * so_far / sum).unwrap_or(total);
        let until = if i == last { total } else { until };
        let share = until - given;
        given = until;
        share
    };
    sizes.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn shares_add_up() {
        for (total, sizes, expected) in [
            (10, &[1, 1][..], &[5, 5][..]),
            (10, &[3, 3, 3], &[3, 3, 4]),
            (2, &[1, 1, 1, 1], &[0, 1, 0, 1]),
            (7, &[0, 0], &[0, 7]),
            (u64::MAX, &[u64::MAX, u64::MAX], &[u64::MAX / 2, u64::MAX / 2 + 1]),
            (5, &[], &[]),
        ] {
            assert_eq!(shares(total, sizes), expected, "{total} by {sizes:?}");
        }
    }
}
