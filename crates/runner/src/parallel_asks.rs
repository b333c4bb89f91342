//! Asks of several models at the same time, and the sum of what became of them.

use std::thread;

use evalmark_harness::Tally;

use crate::error::Result;

/// Runs all asks at the same time, each on a thread, and adds up their tallies.
pub(crate) fn all_at_once<T: Sync>(
    asks: &[T],
    ask_one: impl Fn(&T) -> Result<Tally> + Sync,
) -> Result<Tally> {
    let tallies: Vec<Result<Tally>> = thread::scope(|scope| {
        let running: Vec<_> = asks.iter().map(|one| scope.spawn(|| ask_one(one))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        running.into_iter().map(join).collect()
    });
    let mut sum = Tally::default();
    for tally in tallies {
        let tally = tally?;
        sum.answered += tally.answered;
        sum.cached += tally.cached;
        sum.failed += tally.failed;
        sum.shared += tally.shared;
        sum.retries += tally.retries;
        sum.abandoned += tally.abandoned;
        sum.out_of_budget |= tally.out_of_budget;
        sum.cost_unknown |= tally.cost_unknown;
        sum.interrupted |= tally.interrupted;
    }
    Ok(sum)
}
