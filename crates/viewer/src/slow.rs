//! What takes long is computed once, in the background, and kept: who asks waits for a moment and comes
//! again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::watch, task, time};

/// How long somebody waits.
const PATIENCE: Duration = Duration::from_millis(300);

/// Results that are kept: older ones are computed again.
const MOST_KEPT: usize = 32;

/// How long a failure is kept: its cause may be mended meanwhile.
const FAILURE_KEPT: Duration = Duration::from_secs(10);

/// A result, or why there is none; nothing while it is computed.
type Kept<V> = watch::Receiver<Option<Arc<Result<V, String>>>>;

/// Results by what they were computed from.
pub(crate) struct Slow<V> {
    kept: Mutex<HashMap<String, (Kept<V>, Instant)>>,
}

impl<V: Send + Sync + 'static> Slow<V> {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::new(HashMap::new()) }
    }

    /// The result under this key; `None` where it is still being computed.
    pub(crate) async fn get(
        &self,
        key: String,
        compute: impl FnOnce() -> Result<V, String> + Send + 'static,
    ) -> Option<Arc<Result<V, String>>> {
        let mut kept = self.begun(key, compute);
        let found = time::timeout(PATIENCE, kept.wait_for(Option::is_some)).await;
        match found {
            Ok(Ok(found)) => found.clone(),
            Ok(Err(_)) => Some(Arc::new(Err("it could not be computed".to_owned()))),
            Err(_) => None,
        }
    }

    fn begun(
        &self,
        key: String,
        compute: impl FnOnce() -> Result<V, String> + Send + 'static,
    ) -> Kept<V> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, begun)) = kept.get(&key) {
            let has_failed = matches!(known.borrow().as_deref(), Some(Err(_)));
            if !has_failed || begun.elapsed() < FAILURE_KEPT {
                return known.clone();
            }
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        let (tell, hear) = watch::channel(None);
        kept.insert(key, (hear.clone(), Instant::now()));
        task::spawn_blocking(move || {
            let found = Arc::new(compute());
            tell.send_replace(Some(found));
        });
        hear
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::Slow;

    #[tokio::test]
    async fn nobody_waits_for_long_and_nothing_is_computed_twice() {
        let slow: Slow<u32> = Slow::new();
        let (go_on, wait) = mpsc::channel::<()>();
        let compute = move || {
            wait.recv_timeout(Duration::from_mins(1)).map_err(|error| error.to_string())?;
            Ok(7)
        };
        assert!(slow.get("a".to_owned(), compute).await.is_none());
        go_on.send(()).expect("somebody computes");
        let found = loop {
            if let Some(found) = slow.get("a".to_owned(), || Ok(8)).await {
                break found;
            }
        };
        assert_eq!(*found, Ok(7));
        let failed = slow.get("b".to_owned(), || Err("no".to_owned())).await;
        assert_eq!(failed.as_deref(), Some(&Err("no".to_owned())));
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let slow: Slow<u32> = Slow::new();
        let found = slow.get("a".to_owned(), || panic!("broken")).await;
        assert!(found.is_some_and(|found| found.is_err()));
    }
}
