//! A key that expires: it is fetched again when its time is up, or when the server refuses it after
//! it was accepted.

use std::{
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use evalmark_core::record::ErrorKind;
use evalmark_net::{Secret, SignError};
use tokio::{sync::Mutex, time::Instant};

use super::{After, FetchedKey, KeySource, Signer, SignerMaker, Tries, is_refusal};
use crate::{
    congestion::Quota,
    reply::{Answer, AttemptError, FaultScope, Retryable},
};

/// A key that was never accepted is fetched again no sooner than this after it was fetched, and so is one
/// after a source had no other: a server that refuses everything would have the program run for each
/// request.
const LEAST_AGE: Duration = Duration::from_secs(10);
/// A key whose time is up is used on for so long where no other is to be had.
const GRACE: Duration = Duration::from_secs(30);
/// Keys that are remembered, so that what a server echoes late is hidden, too.
const REMEMBERED: usize = 32;

#[derive(Debug)]
pub(crate) struct Fetched {
    source: Arc<dyn KeySource>,
    lifetime: Option<Duration>,
    maker: SignerMaker,
    current: Mutex<Current>,
    /// The last keys, the current one last.
    keys: RwLock<Vec<Secret>>,
    /// One more than the number of the last key that the server accepted.
    accepted: AtomicUsize,
    /// When the newest key was fetched.
    newest_at: std::sync::Mutex<Instant>,
}

#[derive(Debug)]
struct Current {
    signer: Signer,
    key: Secret,
    /// When the next one is fetched, whatever the server says.
    expires_at: Option<Instant>,
    /// When its source was last asked for another one in vain, and what came of it.
    in_vain: Option<(Instant, String)>,
}

impl Current {
    /// Whoever comes within a while is told the same, and the source is left alone.
    fn asked_in_vain(
        &mut self,
        now: Instant,
        what: String,
        refusal: Option<AttemptError>,
    ) -> AttemptError {
        let error = noted(refusal.unwrap_or_else(refused), &what);
        self.in_vain = Some((now, what));
        error
    }
}

impl Fetched {
    pub(super) fn new(
        FetchedKey { first, lifetime, source }: FetchedKey,
        maker: SignerMaker,
    ) -> Result<Self, SignError> {
        let now = Instant::now();
        let signer = maker.make(&first, 0)?;
        let keys = RwLock::new(vec![first.clone()]);
        let expires_at = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        Ok(Self {
            source,
            lifetime,
            maker,
            current: Mutex::new(Current { signer, key: first, expires_at, in_vain: None }),
            keys,
            accepted: AtomicUsize::new(0),
            newest_at: std::sync::Mutex::new(now),
        })
    }

    pub(super) fn keys(&self) -> RwLockReadGuard<'_, Vec<Secret>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key, fetched again where it is out of date or was refused. Whoever comes meanwhile waits
    /// for the same one.
    pub(super) async fn take(
        &self,
        tries: &Tries,
        refusal: Option<AttemptError>,
    ) -> Result<Signer, AttemptError> {
        let mut current = self.current.lock().await;
        let is_refused = tries.numbers.last() == Some(&current.signer.number);
        let is_due = current.expires_at.is_some_and(|at| at <= Instant::now());
        if !is_refused && !is_due {
            return Ok(current.signer.clone());
        }
        if let Some((asked_at, what)) = &current.in_vain
            && is_refused
            && asked_at.elapsed() < LEAST_AGE
        {
            return Err(noted(refusal.unwrap_or_else(refused), what));
        }
        let source = self.source.clone();
        let fetched = tokio::task::spawn_blocking(move || source.fetch()).await;
        let fetched = fetched.unwrap_or_else(|_| Err("its source broke down".to_owned()));
        let now = Instant::now();
        match fetched {
            Ok(key) if is_refused && key.expose() == current.key.expose() => {
                let what = "and `api_key_command` prints the same key again".to_owned();
                Err(current.asked_in_vain(now, what, refusal))
            }
            Ok(key) => self.replace(&mut current, key, now),
            Err(reason) if is_refused => {
                let what = format!("and `api_key_command` gives no other: {reason}");
                Err(current.asked_in_vain(now, what, refusal))
            }
            Err(_) => {
                // Its time was a guess: the server has the last word.
                current.expires_at = now.checked_add(GRACE);
                Ok(current.signer.clone())
            }
        }
    }

    fn replace(
        &self,
        current: &mut Current,
        key: Secret,
        now: Instant,
    ) -> Result<Signer, AttemptError> {
        let signer = self.maker.make(&key, current.signer.number + 1).map_err(|error| {
            AttemptError::new(ErrorKind::Auth, error.to_string(), Retryable::Never)
                .with_fault_scope(FaultScope::Key)
        })?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= REMEMBERED {
            keys.remove(0);
        }
        keys.push(key.clone());
        drop(keys);
        *self.newest_at.lock().unwrap_or_else(PoisonError::into_inner) = now;
        let expires_at = self.lifetime.and_then(|lifetime| now.checked_add(lifetime));
        *current = Current { signer: signer.clone(), key, expires_at, in_vain: None };
        Ok(signer)
    }

    /// Whether a key is refused that was of use before, so that another is due.
    pub(super) fn has_expired(&self, signer: &Signer, tries: &Tries, error: &AttemptError) -> bool {
        if !is_refusal(error) || tries.numbers.len() != 1 {
            return false;
        }
        let fetched_at = *self.newest_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = fetched_at.elapsed() >= LEAST_AGE;
        is_old || self.accepted.load(Ordering::Relaxed) > signer.number
    }

    /// Learns from an exchange with a key: one that the server accepted before and refuses now has
    /// expired.
    pub(super) fn ended(
        &self,
        signer: &Signer,
        tries: &Tries,
        result: &Result<Answer, AttemptError>,
        quota: Option<Quota>,
    ) -> After {
        match result {
            Err(error) if self.has_expired(signer, tries, error) => return After::TryAnother,
            Ok(_) => {
                self.accepted.fetch_max(signer.number + 1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        After::Stands(quota)
    }
}

fn refused() -> AttemptError {
    AttemptError::of_status(401, "the server refuses the key".to_owned())
}

fn noted(mut error: AttemptError, what: &str) -> AttemptError {
    error.failure.message = format!("{} ({what})", error.failure.message);
    error
}
