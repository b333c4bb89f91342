//! Runs independent pieces of work. This crate starts no threads: a caller that has some passes its executor in.

/// Runs pieces of work, perhaps several at the same time.
pub trait Executor: Send + Sync {
    /// How many pieces are worth being handed over together.
    const AT_ONCE: usize;

    /// What `work` makes of each, in their order.
    fn map<T, R>(&self, of: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R>
    where
        T: Send,
        R: Send;

    /// Both results.
    fn join<A, B>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B)
    where
        A: Send,
        B: Send;
}

/// Runs one piece after the other on the thread that calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallingThread;

impl Executor for CallingThread {
    const AT_ONCE: usize = 1;

    fn map<T, R>(&self, of: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R>
    where
        T: Send,
        R: Send,
    {
        of.into_iter().map(work).collect()
    }

    fn join<A, B>(&self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send,
    {
        (one(), other())
    }
}
