//! Several keys for one server: requests are shared in proportion to what each key's headers say is
//! left, and a key that is refused or used up rests while others go on.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use evalmark_net::{Secret, SignError};
use tokio::time::Instant;

use super::{After, Signer, SignerMaker, Tries, is_refusal};
use crate::{
    congestion::{Load, Quota},
    reply::{Answer, AttemptError, FaultScope},
};

/// How long a key rests that is refused, or whose account has no credit.
const REFUSED_REST: Duration = Duration::from_mins(5);
/// How long a key rests that has nothing left, where the server does not say; and at most.
const USED_UP_REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// The least share of requests that a key gets, where others have far more left.
const LEAST_WEIGHT: f64 = 1e-3;

#[derive(Debug)]
pub(crate) struct Several {
    keys: Vec<Secret>,
    signers: Vec<Signer>,
    shares: Mutex<Vec<Share>>,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    quota: Option<Quota>,
    /// Grows with each request, the slower the more is left: the key with the least is next.
    passed: f64,
    rests_until: Option<Instant>,
}

impl Several {
    pub(super) fn new(keys: Vec<Secret>, maker: SignerMaker) -> Result<Self, SignError> {
        let signers = keys.iter().enumerate().map(|(number, key)| maker.make(key, number));
        let signers = signers.collect::<Result<Vec<_>, _>>()?;
        let shares = Mutex::new(vec![Share::default(); keys.len()]);
        Ok(Self { keys, signers, shares })
    }

    pub(super) fn keys(&self) -> &[Secret] {
        &self.keys
    }

    /// The one that comes first in the suite.
    pub(super) fn first(&self) -> Signer {
        self.signers[0].clone()
    }

    fn shares(&self) -> MutexGuard<'_, Vec<Share>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key whose turn it is; where all rest, the one that has rested for longest.
    pub(super) fn take(&self, tries: &Tries, now: Instant) -> Signer {
        let mut shares = self.shares();
        wake(&mut shares, now);
        let untried = |number: &usize| !tries.numbers.contains(number);
        let awake = (0..shares.len()).filter(|number| shares[*number].is_awake(now));
        let next =
            awake.filter(untried).min_by(|a, b| shares[*a].passed.total_cmp(&shares[*b].passed));
        let rested = || (0..shares.len()).min_by_key(|number| shares[*number].awake_at(now));
        let number = next.or_else(rested).unwrap_or_default();
        let most = shares.iter().filter_map(Share::per_second).fold(0.0, f64::max);
        shares[number].used(most, now);
        self.signers[number].clone()
    }

    /// Learns from an exchange with a key.
    pub(super) fn ended(
        &self,
        number: usize,
        tries: &Tries,
        result: &mut Result<Answer, AttemptError>,
        quota: Option<Quota>,
        now: Instant,
    ) -> After {
        let mut shares = self.shares();
        let share = &mut shares[number];
        if let Some(quota) = quota {
            share.quota = Some(share.quota.map_or(quota, |earlier| quota.after(&earlier)));
        }
        let rest = match &*result {
            Ok(_) => None,
            Err(error) => rest(error),
        };
        share.rests_until = rest.map(|rest| now + rest);
        let is_another_awake = (0..shares.len())
            .any(|other| !tries.numbers.contains(&other) && shares[other].is_awake(now));
        if rest.is_some() && is_another_awake {
            return After::TryAnother;
        }
        let awake_at = shares.iter().map(|share| share.awake_at(now)).min().unwrap_or(now);
        if let Err(error) = result
            && error.load == Load::TooMany
        {
            // What one key has to wait for, another may not.
            error.wait = error.wait.map(|wait| wait.min(awake_at - now));
        }
        let is_held = shares.iter().all(|share| !share.is_awake(now));
        let soonest = shares.iter().filter(|share| share.quota.is_some());
        let soonest = soonest.min_by_key(|share| share.awake_at(now));
        After::Stands(soonest.and_then(|share| share.quota).filter(|_| is_held))
    }
}

/// How long a key rests after an error, where the error is about the key.
fn rest(error: &AttemptError) -> Option<Duration> {
    let (usual, longest) = USED_UP_REST;
    if is_refusal(error) || error.fault_scope == FaultScope::Account {
        return Some(REFUSED_REST);
    }
    (error.load == Load::TooMany).then(|| error.wait.unwrap_or(usual).min(longest))
}

/// Ends rests that are over. Who comes back begins with what others have had by now, or all requests
/// would be its own.
fn wake(shares: &mut [Share], now: Instant) {
    let awake = shares.iter().filter(|share| share.is_awake(now));
    let least = awake.filter(|share| share.rests_until.is_none()).map(|share| share.passed);
    let least = least.reduce(f64::min).unwrap_or_default();
    for share in shares {
        if share.rests_until.is_some_and(|until| until <= now) {
            share.rests_until = None;
            share.passed = share.passed.max(least);
        }
        if share.quota.is_some_and(|quota| quota.is_over(now)) {
            share.quota = None;
        }
    }
}

impl Share {
    fn is_awake(&self, now: Instant) -> bool {
        self.awake_at(now) <= now
    }

    fn awake_at(&self, now: Instant) -> Instant {
        let rest = self.rests_until.unwrap_or(now);
        let hold = self.quota.filter(Quota::is_empty).and_then(|quota| quota.hold(now));
        rest.max(hold.unwrap_or(now)).max(now)
    }

    fn per_second(&self) -> Option<f64> {
        self.quota.map(|quota| quota.per_second())
    }

    /// One more request; `most` is what the key with the most left may send in a second.
    fn used(&mut self, most: f64, now: Instant) {
        let weight = self.per_second().map_or(1.0, |own| (own / most).clamp(LEAST_WEIGHT, 1.0));
        self.passed += 1.0 / weight;
        if let Some(quota) = &mut self.quota {
            quota.take(now);
        }
    }
}
