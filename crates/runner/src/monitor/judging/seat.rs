//! A model that is asked about records. One that could not be reached is tried again after a while, as a monitor may follow logs
//! for months.

use std::time::{Duration, Instant};

use evalmark_core::{model::Model, record::ErrorKind};
use evalmark_harness::{Endpoint, Keys, Ledger, OpenError, RequestRuntime};

use crate::records::Unasked;

/// A model that could not be reached is left alone for so long.
const PAUSE: Duration = Duration::from_mins(5);

/// A model with its keys, open to be asked.
pub(super) struct Seat {
    model: Model,
    keys: Keys,
    endpoint: Endpoint,
    /// Since when it has been known that it cannot be reached.
    down_since: Option<Instant>,
}

impl Seat {
    pub(super) fn open(
        model: &Model,
        keys: Keys,
        network: &RequestRuntime,
        ledger: &Ledger,
    ) -> Result<Self, OpenError> {
        let endpoint = Endpoint::open(model, keys.clone(), network, ledger)?;
        Ok(Self { model: model.clone(), keys, endpoint, down_since: None })
    }

    /// Who is asked now; anew where the last try is long enough ago.
    pub(super) fn endpoint(
        &mut self,
        network: &RequestRuntime,
        ledger: &Ledger,
    ) -> Result<Endpoint, OpenError> {
        if self.endpoint.down().is_some() {
            let since = *self.down_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= PAUSE {
                self.endpoint = Endpoint::open(&self.model, self.keys.clone(), network, ledger)?;
                self.down_since = None;
            }
        }
        Ok(self.endpoint.clone())
    }
}

/// Why a model was not asked something.
pub(super) fn unasked(endpoint: &Endpoint, out_of_budget: bool) -> Option<Unasked> {
    let down = endpoint.down().map(|failure| (ErrorKind::EndpointDown, failure.message));
    let budget = || (ErrorKind::Budget, "the budget of this period was reached".to_owned());
    down.or_else(|| out_of_budget.then(budget))
}
