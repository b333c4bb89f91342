//! What takes long is computed once, in the background, and kept: who asks waits for a moment and comes
//! again. One result is computed at a time, and what nobody waits for any more is not begun.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, watch},
    task, time,
};

/// Results that are kept: older ones are computed again.
const MOST_KEPT: usize = 32;

/// Results that may be waited for at the same time.
const MOST_AWAITED: usize = 16;

/// How long things last.
#[derive(Clone, Copy, Debug)]
struct Lasting {
    /// How long somebody waits.
    patience: Duration,
    /// How long a failure is kept: its cause may be mended meanwhile.
    failure: Duration,
    /// After how long without another question a result is no longer wanted. A page asks every two
    /// seconds.
    interest: Duration,
}

impl Default for Lasting {
    fn default() -> Self {
        let patience = Duration::from_millis(300);
        Self { patience, failure: Duration::from_secs(10), interest: Duration::from_secs(10) }
    }
}

/// What there is of a result.
#[derive(Debug)]
pub(crate) enum Found<V> {
    /// The result, or why there is none.
    Ready(Arc<Result<V, String>>),
    /// It is being computed, or will be.
    Computing,
    /// Too many others are waited for.
    Busy,
}

/// Nothing while it is computed.
type Awaited<V> = watch::Receiver<Option<Arc<Result<V, String>>>>;

/// Results by what they were computed from.
pub(crate) struct Slow<V> {
    kept: Mutex<HashMap<String, Kept<V>>>,
    /// The place to compute in.
    place: Arc<Semaphore>,
    lasting: Lasting,
    most_kept: usize,
}

/// A result that was asked for.
struct Kept<V> {
    result: Awaited<V>,
    begun: Instant,
    interest: Arc<Interest>,
}

impl<V> Kept<V> {
    fn is_computed(&self) -> bool {
        self.result.borrow().is_some()
    }

    fn has_failed(&self) -> bool {
        matches!(self.result.borrow().as_deref(), Some(Err(_)))
    }

    /// Whether nobody computes it any more, though it has no result.
    fn is_given_up(&self) -> bool {
        !self.is_computed() && self.result.has_changed().is_err()
    }
}

/// When somebody asked last; nothing once the one who waited has gone.
#[derive(Default)]
struct Interest(Mutex<Option<Instant>>);

impl Interest {
    fn set(&self, at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn is_alive(&self, lasts: Duration) -> bool {
        let asked = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.is_some_and(|asked| asked.elapsed() < lasts)
    }
}

/// Somebody who waits: who goes away before there is an answer wants none.
struct Waiting<'a> {
    interest: &'a Interest,
    has_answer: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.interest.set(self.has_answer.then(Instant::now));
    }
}

impl<V: Send + Sync + 'static> Slow<V> {
    pub(crate) fn new() -> Self {
        Self {
            kept: Mutex::new(HashMap::new()),
            place: Arc::new(Semaphore::new(1)),
            lasting: Lasting::default(),
            most_kept: MOST_KEPT,
        }
    }

    /// Results that are small, and that nobody waits for longer than this.
    pub(crate) fn of_many(patience: Duration, most_kept: usize) -> Self {
        let lasting = Lasting { patience, ..Lasting::default() };
        Self { lasting, most_kept, ..Self::new() }
    }

    /// The result under this key.
    pub(crate) async fn get(
        &self,
        key: String,
        compute: impl FnOnce() -> Result<V, String> + Send + 'static,
    ) -> Found<V> {
        let Some((mut result, interest)) = self.begun(key, compute) else { return Found::Busy };
        let mut waiting = Waiting { interest: &interest, has_answer: false };
        let found = time::timeout(self.lasting.patience, result.wait_for(Option::is_some)).await;
        waiting.has_answer = true;
        let failed = || Arc::new(Err("it could not be computed".to_owned()));
        match found {
            Ok(found) => {
                Found::Ready(found.ok().and_then(|found| found.clone()).unwrap_or_else(failed))
            }
            Err(_) => Found::Computing,
        }
    }

    /// The result that is kept or computed under this key; `None` where too many are waited for.
    fn begun(
        &self,
        key: String,
        compute: impl FnOnce() -> Result<V, String> + Send + 'static,
    ) -> Option<(Awaited<V>, Arc<Interest>)> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, one| !one.is_given_up());
        if let Some(known) = kept.get(&key)
            && (!known.has_failed() || known.begun.elapsed() < self.lasting.failure)
        {
            known.interest.set(Some(Instant::now()));
            return Some((known.result.clone(), known.interest.clone()));
        }
        let is_awaited =
            |one: &&Kept<V>| !one.is_computed() && one.interest.is_alive(self.lasting.interest);
        if kept.values().filter(is_awaited).count() >= MOST_AWAITED {
            return None;
        }
        if kept.len() >= self.most_kept {
            kept.retain(|_, one| !one.is_computed());
        }
        let (tell, result) = watch::channel(None);
        let interest = Arc::new(Interest::default());
        interest.set(Some(Instant::now()));
        let one =
            Kept { result: result.clone(), begun: Instant::now(), interest: interest.clone() };
        kept.insert(key, one);
        self.compute_in_turn(tell, interest.clone(), compute);
        Some((result, interest))
    }

    /// Computes when it is its turn, unless nobody waits for it any more.
    fn compute_in_turn(
        &self,
        tell: watch::Sender<Option<Arc<Result<V, String>>>>,
        interest: Arc<Interest>,
        compute: impl FnOnce() -> Result<V, String> + Send + 'static,
    ) {
        let (place, lasts) = (self.place.clone(), self.lasting.interest);
        task::spawn(async move {
            let Ok(turn) = place.acquire_owned().await else { return };
            if interest.is_alive(lasts) {
                task::spawn_blocking(move || {
                    let _turn = turn;
                    tell.send_replace(Some(Arc::new(compute())));
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use tokio::time::timeout;

    use super::{Found, Lasting, MOST_AWAITED, Slow};

    const LONG: Duration = Duration::from_mins(1);

    /// Asks until there is a result.
    async fn ready(slow: &Slow<u32>, key: &str, value: u32) -> Result<u32, String> {
        loop {
            if let Found::Ready(found) = slow.get(key.to_owned(), move || Ok(value)).await {
                return (*found).clone();
            }
        }
    }

    /// A result that is computed until the sender says so.
    async fn occupied() -> (Slow<u32>, mpsc::Sender<()>) {
        let slow: Slow<u32> = Slow::new();
        let (go_on, wait) = mpsc::channel::<()>();
        let compute = move || {
            wait.recv_timeout(LONG).map_err(|error| error.to_string())?;
            Ok(7)
        };
        assert!(matches!(slow.get("a".to_owned(), compute).await, Found::Computing));
        (slow, go_on)
    }

    #[tokio::test]
    async fn nobody_waits_for_long_and_nothing_is_computed_twice() {
        let (slow, go_on) = occupied().await;
        go_on.send(()).expect("somebody computes");
        assert_eq!(ready(&slow, "a", 8).await, Ok(7));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_begun() {
        let (slow, go_on) = occupied().await;
        let n_computed = Arc::new(AtomicUsize::new(0));
        for n in 0..3 * MOST_AWAITED {
            let counted = n_computed.clone();
            let compute =
                move || Ok(u32::try_from(counted.fetch_add(1, Ordering::SeqCst)).unwrap_or(0));
            let asked = slow.get(format!("left {n}"), compute);
            assert!(timeout(Duration::from_millis(1), asked).await.is_err(), "{n} is not left");
        }
        // Nor do they keep anybody from asking.
        assert!(matches!(slow.get("b".to_owned(), || Ok(8)).await, Found::Computing));
        go_on.send(()).expect("somebody computes");
        assert_eq!(ready(&slow, "b", 9).await, Ok(8));
        assert_eq!(n_computed.load(Ordering::SeqCst), 0);
        // Who comes back for one gets it.
        assert_eq!(ready(&slow, "left 3", 10).await, Ok(10));
    }

    #[tokio::test]
    async fn who_comes_when_too_much_is_awaited_is_told_so() {
        let (mut slow, _go_on) = occupied().await;
        slow.lasting.patience = Duration::ZERO;
        for n in 1..MOST_AWAITED {
            assert!(matches!(slow.get(n.to_string(), || Ok(8)).await, Found::Computing), "{n}");
        }
        assert!(matches!(slow.get("more".to_owned(), || Ok(8)).await, Found::Busy));
        assert!(matches!(slow.get("3".to_owned(), || Ok(8)).await, Found::Computing));
    }

    #[tokio::test]
    async fn failures_are_kept_for_a_while_and_results_for_good() {
        for (failure, expected) in [(LONG, Err("no".to_owned())), (Duration::ZERO, Ok(8))] {
            let mut slow: Slow<u32> = Slow::new();
            slow.lasting = Lasting { failure, ..slow.lasting };
            let failed = slow.get("a".to_owned(), || Err("no".to_owned())).await;
            assert!(matches!(failed, Found::Ready(found) if *found == Err("no".to_owned())));
            assert_eq!(ready(&slow, "a", 8).await, expected);
            assert_eq!(ready(&slow, "b", 1).await, Ok(1));
            assert_eq!(ready(&slow, "b", 2).await, Ok(1));
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let slow: Slow<u32> = Slow::new();
        let found = loop {
            if let Found::Ready(found) = slow.get("a".to_owned(), || panic!("broken")).await {
                break found;
            }
        };
        assert!(found.is_err());
        // It neither keeps the place nor the name.
        assert_eq!(ready(&slow, "a", 8).await, Ok(8));
    }
}
