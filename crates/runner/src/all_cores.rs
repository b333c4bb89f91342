//! The executor of the engine: all cores.

use evalmark_core::executor::Executor;
use rayon::prelude::*;

/// Pieces that one thread does in a row, at least.
const FEW: usize = 16;

/// Does pieces of work on rayon's threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllCores;

impl Executor for AllCores {
    const AT_ONCE: usize = 1_024;

    fn map<T, R>(&self, of: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R>
    where
        T: Send,
        R: Send,
    {
        of.into_par_iter().with_min_len(FEW).map(work).collect()
    }

    fn join<A, B>(&self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send,
    {
        rayon::join(one, other)
    }
}
