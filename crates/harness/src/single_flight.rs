//! Single flight: identical requests that are in flight at once are asked once.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use evalmark_core::{record::Record, request::RequestHash};

/// What to do for a later request when the first one has ended. Dropped when that was abandoned.
pub(crate) type Follower = Box<dyn FnOnce(&Record) + Send>;

/// The requests of one endpoint that are being looked up, asked or committed.
#[derive(Default)]
pub(crate) struct Flights {
    pending: Mutex<HashMap<RequestHash, Vec<Follower>>>,
}

impl Flights {
    /// Leads a flight, or follows the one there is. `waiter` comes back with the lead, or goes
    /// into the follower that `follow` makes of it.
    pub(crate) fn join<S>(
        self: &Arc<Self>,
        hash: RequestHash,
        waiter: S,
        follow: impl FnOnce(S) -> Follower,
    ) -> Option<(Lead, S)> {
        let mut pending = self.pending();
        if let Some(followers) = pending.get_mut(&hash) {
            followers.push(follow(waiter));
            return None;
        }
        pending.insert(hash, Vec::new());
        Some((Lead { flights: self.clone(), hash, has_landed: false }, waiter))
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<RequestHash, Vec<Follower>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("pending", &self.pending().len()).finish()
    }
}

/// The duty to end a flight. Dropping it abandons the flight and its followers.
#[derive(Debug)]
pub(crate) struct Lead {
    flights: Arc<Flights>,
    hash: RequestHash,
    has_landed: bool,
}

impl Lead {
    /// Which request.
    pub(crate) fn hash(&self) -> RequestHash {
        self.hash
    }

    /// Ends the flight: the ledger holds `record`, so that nobody need follow any more.
    pub(crate) fn land(mut self, record: &Record) {
        self.has_landed = true;
        for follower in self.take() {
            follower(record);
        }
    }

    fn take(&self) -> Vec<Follower> {
        self.flights.pending().remove(&self.hash).unwrap_or_default()
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        // Once landed, the entry may be that of a later flight.
        if !self.has_landed {
            drop(self.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn join(flights: &Arc<Flights>, byte: u8) -> (Option<Lead>, Receiver<Option<String>>) {
        let (sender, receiver) = channel();
        let joined = flights.join(RequestHash([byte; 32]), sender, |sender| {
            Box::new(move |record| drop(sender.send(record.output.clone())))
        });
        (joined.map(|(lead, _)| lead), receiver)
    }

    #[test]
    fn followers_get_what_the_leader_got() {
        let flights = Arc::new(Flights::default());
        let (lead, _) = join(&flights, 1);
        let (other, _) = join(&flights, 2);
        let (none, follower) = join(&flights, 1);
        assert!(none.is_none() && other.is_some());
        lead.expect("a lead").land(&Record::recorded("yes".into()));
        assert_eq!(follower.recv(), Ok(Some("yes".into())));
        assert!(join(&flights, 1).0.is_some());
    }

    #[test]
    fn an_abandoned_flight_abandons_its_followers() {
        let flights = Arc::new(Flights::default());
        let (lead, _) = join(&flights, 1);
        let (_, follower) = join(&flights, 1);
        drop(lead);
        assert!(follower.recv().is_err());
        assert!(join(&flights, 1).0.is_some());
    }
}
